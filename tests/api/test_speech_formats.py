"""Every format, decoded and measured; streamed and whole replies hold the same sound."""

from __future__ import annotations

import http.client
import json
import struct

import numpy as np
import pytest
import requests
from support.decoded_audio import hear, sniff

from tts_server.speech import AudioFormat

TEXT = "The quick brown fox jumps over the lazy dog. It does so twice a day."
CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
FORMATS = [format_.value for format_ in AudioFormat]
LOSSLESS = [format_.value for format_ in AudioFormat if format_.spec.bit_rates is None]


def speak(server, **fields) -> requests.Response:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": TEXT, "seed": 1, **fields}, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply


@pytest.fixture(scope="module")
def spoken_seconds(server) -> float:
    return hear(speak(server, response_format="wav").content).seconds


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_decodes_to_the_whole_speech(server, spoken_seconds, name, stream):
    reply = speak(server, response_format=name, stream=stream)
    heard = hear(reply.content, raw_rate=24000 if name == "pcm" else None)
    assert reply.headers["Content-Type"] == CONTENT_TYPES[name]
    assert name == "pcm" or heard.kind == name
    assert heard.channels == 1
    assert heard.seconds == pytest.approx(spoken_seconds, abs=0.12)
    assert 0.02 < heard.rms < 0.5
    assert heard.peak < 1.0 or name not in LOSSLESS
    assert ("Content-Length" in reply.headers) is (not stream)


@pytest.mark.parametrize("name", LOSSLESS)
def test_streamed_and_whole_audio_are_the_same_samples_for_a_seed(server, name):
    raw = 24000 if name == "pcm" else None
    whole = hear(speak(server, response_format=name).content, raw)
    streamed = hear(speak(server, response_format=name, stream=True).content, raw)
    assert np.array_equal(whole.samples, streamed.samples)


@pytest.mark.parametrize("changes", [{"speed": 3.0}, {"sample_rate": 16000}, {"speed": 0.3, "sample_rate": 44100}])
def test_streamed_and_whole_audio_stay_the_same_through_tempo_and_resampling(server, changes):
    whole = hear(speak(server, response_format="wav", **changes).content)
    streamed = hear(speak(server, response_format="wav", stream=True, **changes).content)
    assert np.array_equal(whole.samples, streamed.samples)


def test_another_seed_gives_another_sound(server):
    one = speak(server, response_format="pcm", seed=1).content
    assert speak(server, response_format="pcm", seed=1).content == one
    assert speak(server, response_format="pcm", seed=2).content != one


def test_mp3_is_the_default(server):
    assert sniff(speak(server).content) == "mp3"


def test_mp3_files_joined_by_bytes_play_one_after_the_other(server, spoken_seconds):
    mp3 = speak(server).content
    assert mp3[:3] != b"ID3"
    assert b"Xing" not in mp3[:512]
    assert b"Info" not in mp3[:512]
    assert hear(mp3 + mp3).seconds == pytest.approx(2 * hear(mp3).seconds, abs=0.08)


def test_a_whole_wav_states_its_exact_length(server):
    wav = speak(server, response_format="wav").content
    assert struct.unpack("<I", wav[4:8])[0] == len(wav) - 8
    position = wav.index(b"data")
    assert struct.unpack("<I", wav[position + 4 : position + 8])[0] == len(wav) - position - 8


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/audio/speech/stream"])
def test_a_streamed_wav_states_an_unknown_length(server, path):
    wav = requests.post(server.url + path, json={"input": TEXT, "response_format": "wav", "stream": True}, timeout=60).content
    position = wav.index(b"data")
    assert wav[4:8] == wav[position + 4 : position + 8] == b"\xff\xff\xff\xff"
    assert hear(wav).seconds > 2


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("opus", "pcm")])  # which hold 48 kHz and no rate
def test_any_sample_rate_can_be_had(server, spoken_seconds, name, rate):
    heard = hear(speak(server, response_format=name, sample_rate=rate).content)
    assert heard.rate == rate
    assert heard.seconds == pytest.approx(spoken_seconds, abs=0.3)


def test_pcm_follows_the_sample_rate(server, spoken_seconds):
    reply = speak(server, response_format="pcm", sample_rate=16000)
    assert reply.headers["X-Sample-Rate"] == "16000"
    assert hear(reply.content, 16000).seconds == pytest.approx(spoken_seconds, abs=0.1)


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.5, 2.0, 4.0])
def test_speed_changes_the_length(server, spoken_seconds, speed):
    heard = hear(speak(server, response_format="wav", speed=speed).content)
    assert heard.seconds == pytest.approx(spoken_seconds / speed, rel=0.08, abs=0.1)


def test_the_first_audio_of_a_long_text_comes_before_the_last_is_made(server):
    """The reader takes the first chunk and then looks: the engine must still be at work, or wait for the reader."""
    text = " ".join(f"This is sentence number {n} of a long story." for n in range(400))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"input": text[:4096], "response_format": "pcm", "stream": True})
    before = requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["segments_done"]
    connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    assert reply.read1(4096)
    busy = requests.get(f"{server.url}/health", timeout=10).json()["metrics"]
    assert busy["in_flight"] == 1
    assert busy["segments_done"] - before < 10
    rest = reply.read()
    assert len(rest) / 48000 > 60


def test_a_pause_in_the_text_is_silence_of_that_length(server):
    plain = hear(speak(server, input="Before. After.", response_format="wav").content)
    paused = hear(speak(server, input="Before. [pause:1.5s] After.", response_format="wav").content)
    assert 0.7 < paused.seconds - plain.seconds < 1.8
    quiet = np.abs(paused.samples) < 1e-3
    longest = max(len(run) for run in "".join("q" if q else " " for q in quiet).split())
    assert longest / paused.rate == pytest.approx(1.5, abs=0.35)


@pytest.mark.parametrize(
    "text", [".", "🙂🙃", "★★★", "[laugh]", "◇ ◇ ◇", "***", "=====", "™", "$", "[voice:nova]", "<b></b>", "ˆ", "\u0301"]
)
@pytest.mark.parametrize("normalization", ["auto", "off"])
def test_a_text_without_words_is_a_short_sound_or_silence(server, text, normalization):
    """Home Assistant tries its key with a single full stop."""
    heard = hear(speak(server, input=text, text_normalization=normalization).content)
    assert 0.1 < heard.seconds < 3


def test_a_pause_alone_is_its_silence(server):
    heard = hear(speak(server, input="[pause:2s]", response_format="wav").content)
    assert heard.seconds == pytest.approx(2, abs=0.05)
    assert heard.peak < 1e-3
