"""`POST /page/encode`: samples in, a file out, in pieces, for clients that stay."""

from __future__ import annotations

import http.client
import sys

import numpy as np
import psutil
import pytest
import requests
from audio.sounds import voice_like
from reliability.wire import connection, metrics, only_reply
from support.decoded_audio import hear
from support.waiting import wait_until

from benchmarks.server_process import running
from tts_server.audio.encoders import create_encoder, supported_rate
from tts_server.audio.pcm import to_s16
from tts_server.audio.resample import Resampler
from tts_server.speech import AudioFormat
from tts_server.web.app import MAX_BODY_BYTES

RATE = 24000
SPEECH = to_s16(voice_like(20.0, RATE))


def encode(url: str, body, format_: str = "mp3", rate: int = RATE, **options) -> requests.Response:
    return requests.post(f"{url}/page/encode?format={format_}&sample_rate={rate}", data=body, timeout=300, **options)


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize("format_", list(AudioFormat))
def test_the_file_is_what_its_encoder_makes_of_all_samples_at_once(server, format_, rate):
    samples = np.frombuffer(SPEECH, "<i2").astype(np.float32) / np.float32(32768)
    target = supported_rate(format_, rate)
    resampler = Resampler(rate, target)
    encoder = create_encoder(format_, target, streamed=False)
    expected = encoder.encode(resampler.process(samples)) + encoder.encode(resampler.flush()) + encoder.flush()
    reply = encode(server.url, SPEECH, format_.value, rate)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, format_.content_type)
    assert int(reply.headers["Content-Length"]) == len(expected)
    assert reply.content == expected


def test_a_body_in_chunks_of_any_size_gives_the_same_file(server):
    pieces = (SPEECH[start : start + 4099] for start in range(0, len(SPEECH), 4099))
    assert encode(server.url, pieces, "wav").content == encode(server.url, SPEECH, "wav").content


def test_half_a_sample_at_the_end_is_dropped(server):
    assert encode(server.url, SPEECH + b"\x01", "pcm").content == SPEECH


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        (b"", "?format=mp3", 400),
        (b"\0\0", "?format=mp4", 400),
        (b"\0\0", "?sample_rate=7999", 400),
        (b"\0\0", "?sample_rate=fast", 400),
        (bytes(8000 * 2 * 3600 // 2 + 2), "?sample_rate=8000", 200),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_words(server, body, query, status):
    reply = requests.post(f"{server.url}/page/encode{query}", data=body, timeout=300)
    assert reply.status_code == status
    if status != 200:
        assert reply.json()["error"]["message"]


@pytest.mark.parametrize("in_chunks", [False, True])
def test_more_than_an_hour_is_too_large(server, monkeypatch, in_chunks):
    monkeypatch.setattr("tts_server.web.routes.encoding.MAX_SECONDS", 19)
    body = iter([SPEECH[:400_000], SPEECH[400_000:]]) if in_chunks else SPEECH
    reply = encode(server.url, body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")


class Held:
    """An encoder's `encode` that counts the samples it is given, and waits for the client to leave before it goes on."""

    def __init__(self, monkeypatch) -> None:
        self.num_samples = 0
        self.has_left = lambda: False
        create = create_encoder

        def create_held(*arguments, **options):
            encoder = create(*arguments, **options)
            write = encoder.encode

            def hold(samples):
                self.num_samples += len(samples)
                wait_until(self.has_left)
                return write(samples)

            monkeypatch.setattr(encoder, "encode", hold)
            return encoder

        monkeypatch.setattr("tts_server.web.routes.encoding.create_encoder", create_held)


def test_the_work_ends_when_the_client_leaves(server, monkeypatch):
    body = bytes(10_000_000)
    before = metrics(server)["in_flight"]
    held = Held(monkeypatch)
    head = f"POST /page/encode?format=flac HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    is_gone: list[bool] = []
    held.has_left = lambda: bool(is_gone)
    with connection(server, head + body):
        wait_until(lambda: held.num_samples)
    wait_until(lambda: not any(one.status == "ESTABLISHED" and one.raddr for one in _connections(server.port)))
    is_gone.append(True)
    wait_until(lambda: requests.get(f"{server.url}/health", timeout=10).json()["queue"]["at_work"] == 0)
    assert metrics(server)["in_flight"] == before
    assert held.num_samples < len(body) // 4, "the whole body was encoded for a client that had left"


def _connections(port: int) -> list:
    """The server's ends of connections to its port, as far as this process sees them."""
    return [one for one in psutil.Process().net_connections() if one.laddr.port == port]


def test_an_error_in_the_middle_leaves_nothing(server, monkeypatch, temporary_folder):
    def breaks(*arguments, **options):
        encoder = create_encoder(*arguments, **options)
        monkeypatch.setattr(encoder, "flush", lambda: 1 / 0)
        return encoder

    with monkeypatch.context() as patch:
        patch.setattr("tts_server.web.routes.encoding.create_encoder", breaks)
        assert encode(server.url, bytes(10_000_000), "wav").status_code == 500
    assert list(temporary_folder.iterdir()) == []
    assert encode(server.url, SPEECH).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise elsewhere")
def test_memory_does_not_grow_with_the_body():
    """Eight of the largest bodies at once, one after the other sent in pieces."""
    body = bytes(MAX_BODY_BYTES - 2**16)
    with running("server", [sys.executable, "-m", "tts_server", "serve"]) as server:
        url = f"http://{server.address}"
        assert encode(url, SPEECH).status_code == 200
        idle = server.rss
        connections = []
        for _ in range(8):
            connections.append(http.client.HTTPConnection(server.address, timeout=300))
            connections[-1].request("POST", "/page/encode?format=wav&sample_rate=48000", body)
        peak = 0
        for one in connections:
            reply = one.getresponse()
            assert reply.status == 200
            peak = max(peak, server.rss)
            assert len(reply.read()) == len(body) + 44
            one.close()
            peak = max(peak, server.rss)
    assert peak - idle < 400 * 2**20


def test_encoding_takes_its_place_in_the_queue(server):
    reply = encode(server.url, SPEECH)
    assert {"X-Queue-Position", "X-Queue-Wait"} <= set(reply.headers)
    assert hear(reply.content).seconds == pytest.approx(20, abs=0.2)


def test_a_head_without_a_body_is_refused(server):
    with connection(server, b"POST /page/encode HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as sock:
        assert only_reply(sock).status == 400
