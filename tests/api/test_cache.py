"""The audio cache as clients meet it: HIT, MISS and the rest; looked at on the disk, not only in the headers."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.decoded_audio import hear
from support.server import RunningServer, run_server

from benchmarks.texts import Writer
from tts_server.engines.embedded.engine import EmbeddedStream
from tts_server.speech import AudioFormat
from tts_server.synthesis.cache import AudioCache

ORIGIN = "http://localhost:8000"
FORMATS = [format_.value for format_ in AudioFormat]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "audio"


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("voices")


@pytest.fixture(scope="module")
def caching(folder: Path, voices: Path) -> Iterator[RunningServer]:
    with run_server(cache_ttl_minutes=60, cache_path=folder, voice_library_path=voices, cors_origins=(ORIGIN,)) as running:
        yield running


@pytest.fixture
def text(request: pytest.FixtureRequest) -> str:
    """Words that no other test says."""
    return Writer(zlib.crc32(request.node.nodeid.encode())).sentence()


def speak(server: RunningServer, headers: dict[str, str] | None = None, **fields) -> requests.Response:
    reply = requests.post(f"{server.url}/v1/audio/speech", json=fields, headers=headers, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply


def seen(reply: requests.Response) -> tuple[str, str]:
    return reply.headers["X-Cache"], reply.headers["X-Route"]


def on_disk(folder: Path) -> dict[str, bytes]:
    """What lies in the cache's folder; a file that goes while it is looked at is not there."""
    found = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.suffix != ".lock":
                found[path.name] = path.read_bytes()
    return found


def segments_done(server: RunningServer) -> int:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["segments_done"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_second_time_the_same_bytes_come_from_the_disk(caching, text, name, stream):
    fields = {"input": text, "response_format": name, "stream": stream, "speed": 1.5 if stream else 1.0}
    first = speak(caching, **fields)
    spoken = segments_done(caching)
    second = speak(caching, **fields)
    assert (seen(first), seen(second)) == (("MISS", "HOT"), ("HIT", "CACHE"))
    assert second.content == first.content
    assert int(second.headers["Content-Length"]) == len(second.content)
    assert segments_done(caching) == spoken
    own = ("X-Cache", "X-Route", "X-Request-Id", "X-Queue-Wait")
    described = [name for name in first.headers if name.startswith("X-") and name not in own]
    assert {name: first.headers[name] for name in described} == {name: second.headers[name] for name in described}
    assert first.headers["Content-Type"] == second.headers["Content-Type"]


@pytest.mark.parametrize("name", [format_.value for format_ in AudioFormat if format_.header_holds_length])
def test_a_whole_file_and_a_stream_keep_their_own_headers(caching, text, name):
    whole, stream = (speak(caching, input=text, response_format=name, seed=1, stream=stream) for stream in (False, True))
    assert seen(stream) == ("MISS", "HOT")
    assert whole.content[:44] != stream.content[:44]
    assert speak(caching, input=text, response_format=name, seed=1).content == whole.content


def test_a_stream_and_a_whole_mp3_are_one_entry(caching, text):
    first = speak(caching, input=text, stream=True)
    assert seen(speak(caching, input=text)) == ("HIT", "CACHE")
    assert speak(caching, input=text).content == first.content


def test_events_come_again_in_the_same_pieces(caching):
    text = Writer(11).characters(400)
    first, second = (speak(caching, input=text, stream_format="sse", response_format="opus") for _ in range(2))
    assert seen(second) == ("HIT", "CACHE")
    assert second.content == first.content
    done = json.loads(second.text.strip().splitlines()[-1].removeprefix("data: "))
    assert done["usage"]["output_tokens"] > 100


def test_without_a_seed_the_same_take_comes_again_and_with_one_its_own(caching, text):
    first, second = (speak(caching, input=text) for _ in range(2))
    assert first.headers["X-Seed"] == second.headers["X-Seed"]
    assert seen(speak(caching, input=text, seed=4)) == ("MISS", "HOT")
    assert seen(speak(caching, input=text, seed=5)) == ("MISS", "HOT")
    assert seen(speak(caching, input=text, seed=4)) == ("HIT", "CACHE")


@pytest.mark.parametrize(
    "change",
    [{"input": "Other words."}, {"voice": "onyx"}, {"response_format": "flac"}, {"speed": 1.25}, {"sample_rate": 16000}, {"seed": 9}],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_sound_is_another_entry(caching, text, change):
    fields = {"input": text, "voice": "alloy", "response_format": "mp3", "seed": 1}
    first = speak(caching, **fields)
    other = speak(caching, **{**fields, **change, **({"input": text + " More."} if "input" in change else {})})
    assert seen(other) == ("MISS", "HOT")
    assert other.content != first.content
    assert seen(speak(caching, **fields)) == ("HIT", "CACHE")


def test_how_often_parts_were_made_again_is_told_of_a_hit_too(caching, monkeypatch):
    monkeypatch.setattr(EmbeddedStream, "retries", 2)
    first, second = (speak(caching, input="Once again.") for _ in range(2))
    assert (seen(second), first.headers["X-Retries"], second.headers["X-Retries"]) == (("HIT", "CACHE"), "2", "2")


def test_names_of_the_same_thing_share_an_entry(caching, text):
    speak(caching, input=text, model="tts-1", voice="alloy")
    assert seen(speak(caching, input=text, model="embedded", voice="ALLOY", sample_rate=24000, instructions="Be kind.")) == ("HIT", "CACHE")


def test_another_clip_behind_the_same_name_is_another_voice(caching, voices, text):
    clips = Path(__file__).parent.parent / "clips"
    female, male = sorted(clips.glob("female*"))[0], sorted(clips.glob("male*"))[0]
    shutil.copy(female, voices / "reader.flac")
    fields = {"input": text, "voice": "reader", "seed": 1}
    first = speak(caching, **fields)
    assert seen(speak(caching, **fields)) == ("HIT", "CACHE")
    shutil.copy(male, voices / "reader.flac")
    other = speak(caching, **fields)
    assert seen(other) == ("MISS", "HOT")
    assert other.content != first.content
    (voices / "reader.flac").unlink()


OPT_OUTS = {
    "a field": lambda url, fields: requests.post(url, json={**fields, "cache": False}, timeout=60),
    "a word": lambda url, fields: requests.post(url, json={**fields, "cache": "off"}, timeout=60),
    "a number": lambda url, fields: requests.post(url, json={**fields, "cache": 0}, timeout=60),
    "a form": lambda url, fields: requests.post(url, data={**fields, "cache": "No"}, timeout=60),
    "multipart": lambda url, fields: requests.post(url, files={k: (None, v) for k, v in {**fields, "cache": "0"}.items()}, timeout=60),
    "no-cache": lambda url, fields: requests.post(url, json=fields, headers={"Cache-Control": "no-cache"}, timeout=60),
    "no-store": lambda url, fields: requests.post(url, json=fields, headers={"Cache-Control": "max-age=0, No-Store"}, timeout=60),
}


@pytest.mark.parametrize("way", OPT_OUTS)
def test_a_client_can_opt_out_of_reading_and_of_writing(caching, folder, text, way):
    url = f"{caching.url}/v1/audio/speech"
    before = on_disk(folder)
    for stream in ("", "true"):
        fresh = OPT_OUTS[way](url, {"input": text, "stream": stream})
        assert (fresh.status_code, seen(fresh)) == (200, ("BYPASS", "HOT"))
        assert fresh.content
    assert on_disk(folder) == before
    assert seen(speak(caching, input=text)) == ("MISS", "HOT")
    spoken, kept = segments_done(caching), on_disk(folder)
    assert seen(OPT_OUTS[way](url, {"input": text})) == ("BYPASS", "HOT")
    assert segments_done(caching) > spoken
    assert on_disk(folder) == kept


def test_other_words_in_cache_control_change_nothing(caching, text):
    headers = {"Cache-Control": "max-age=600, no-transform"}
    speak(caching, headers, input=text)
    assert seen(speak(caching, headers, input=text)) == ("HIT", "CACHE")


def test_nothing_is_kept_of_what_a_clip_of_the_requests_own_speaks(caching, folder, text, clip):
    before = on_disk(folder)
    for _ in range(2):
        assert seen(speak(caching, input=text, voice_b64=base64.b64encode(clip).decode())) == ("ADHOC", "ADHOC")
        reply = requests.post(
            f"{caching.url}/v2/audio/speech_with_prompt", data={"input": text}, files={"audio_prompt": ("me.flac", clip)}, timeout=60
        )
        assert (reply.status_code, seen(reply)) == (200, ("ADHOC", "ADHOC"))
    assert on_disk(folder) == before


def test_without_the_setting_there_is_no_cache(server, text):
    for _ in range(2):
        assert seen(speak(server, input=text)) == ("DISABLED", "HOT")
    assert server.synthesizer.cache is None


def test_a_refused_request_leaves_nothing(caching, folder):
    before = on_disk(folder)
    for fields in ({"input": ""}, {"input": "Yes.", "voice": "nobody"}, {"input": "Yes.", "speed": 99}):
        assert requests.post(f"{caching.url}/v1/audio/speech", json=fields, timeout=60).status_code in (400, 404)
    assert on_disk(folder) == before


def test_a_stream_whose_client_left_is_not_kept(caching, folder):
    text = Writer(12).characters(3000)
    before = on_disk(folder)
    fields = {"input": text, "stream": True, "response_format": "wav"}
    with requests.post(f"{caching.url}/v1/audio/speech", json=fields, stream=True, timeout=60) as reply:
        assert reply.raw.read(1000)
        assert len(on_disk(folder)) == len(before) + 1, "nothing was being written, so this test would prove nothing"
    deadline = time.monotonic() + 20
    while on_disk(folder) != before:
        assert time.monotonic() < deadline, "the half stream stayed on the disk"
        time.sleep(0.02)
    assert seen(speak(caching, **fields)) == ("MISS", "HOT")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_reply_that_failed_in_the_middle_is_not_kept(caching, folder, monkeypatch, stream):
    text = Writer(13 + stream).characters(1500)
    speaker = caching.synthesizer.catalog.engine("embedded").hibari
    speak_well, calls = speaker.speak, []

    def breaks(*arguments):
        calls.append(arguments)
        return speak_well(*arguments) if len(calls) < 3 else 1 / 0

    before = on_disk(folder)
    with monkeypatch.context() as patch:
        patch.setattr(speaker, "speak", breaks)
        with pytest.raises((requests.RequestException, AssertionError)):
            speak(caching, input=text, stream=stream, response_format="pcm")
    assert on_disk(folder) == before
    fields = {"input": text, "stream": stream, "response_format": "pcm"}
    assert seen(speak(caching, **fields)) == ("MISS", "HOT")
    assert len(speak(caching, **fields).content) / 48000 > 60


def test_a_damaged_or_foreign_file_is_spoken_again(caching, folder, text):
    fields = {"input": text, "seed": 3, "response_format": "wav"}
    before = on_disk(folder)
    first = speak(caching, **fields)
    (name,) = on_disk(folder).keys() - before.keys()
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 0x10
    foreign = next(iter(before.values()), b"something else")
    for content in (bytes(data), data[: len(data) // 2], foreign):
        (folder / name).write_bytes(content)
        again = speak(caching, **fields)
        assert (seen(again), again.content) == (("MISS", "HOT"), first.content)
    assert seen(speak(caching, **fields)) == ("HIT", "CACHE")


def test_audio_is_kept_across_a_restart(tmp_path, text):
    settings = {"cache_ttl_minutes": 1, "cache_path": tmp_path / "audio"}
    with run_server(**settings) as server:
        first = speak(server, input=text)
    with run_server(**settings) as server:
        second = speak(server, input=text)
    assert (seen(first), seen(second)) == (("MISS", "HOT"), ("HIT", "CACHE"))
    assert first.content == second.content


def test_a_second_server_on_the_same_folder_speaks_without_a_cache(caching, folder, text, caplog):
    with run_server(cache_ttl_minutes=60, cache_path=folder) as second:
        assert "CACHE_PATH" in caplog.text
        assert seen(speak(second, input=text)) == ("DISABLED", "HOT")
    assert seen(speak(caching, input=text)) == ("MISS", "HOT")


def test_the_disk_holds_no_more_than_it_may(tmp_path):
    with run_server(cache_ttl_minutes=60, cache_path=tmp_path, cache_max_mb=1) as server:
        writer = Writer(14)
        for _ in range(10):
            speak(server, input=writer.sentence(), response_format="wav", sample_rate=16000)
        assert server.synthesizer.cache.stats().evicted > 0
        assert sum(len(data) for data in on_disk(tmp_path).values()) <= 2**20
        large = speak(server, input=writer.characters(600), response_format="wav")
        assert hear(large.content).seconds > 20
        assert server.synthesizer.cache.stats().entries > 2, "one long reply pushed the others out"


def test_a_disk_that_fails_costs_no_reply(caching, folder, text, monkeypatch):
    before = on_disk(folder)

    def fail(self: AudioCache, name: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(AudioCache, "open_part", fail)
        first = speak(caching, input=text, seed=2)
    assert hear(first.content).seconds > 1
    assert on_disk(folder) == before


def test_pages_of_other_sites_may_read_what_the_cache_did(caching, text):
    exposed = speak(caching, {"Origin": ORIGIN}, input=text).headers["Access-Control-Expose-Headers"]
    assert {"X-Cache", "X-Route"} <= set(exposed.split(", "))


def with_key(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def said_on_a_socket(server: RunningServer, key: str, text: str) -> bytes:
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{server.port}/v1/realtime", additional_headers=with_key(key)) as socket:
        socket.send(json.dumps({"text": text}))
        sound = b""
        while isinstance(message := socket.recv(30), bytes):
            sound += message[4:]
        assert json.loads(message)["type"] == "response.completed"
    return sound


@pytest.mark.parametrize("scope", ["shared", "key"])
def test_a_private_cache_tells_no_key_what_another_has_had_spoken(tmp_path, text, scope):
    settings = {"cache_ttl_minutes": 60, "cache_path": tmp_path, "cache_scope": scope, "api_keys": ("first", "second")}
    other = ("HIT", "CACHE") if scope == "shared" else ("MISS", "HOT")
    ways = ({}, {"stream": True}, {"stream_format": "sse"}, {"response_format": "wav"}, {"response_format": "wav", "stream": True})
    with run_server(**settings) as server:
        for number, way in enumerate(ways):
            said = {"input": f"{number + 1} times {text}", **way}
            first = speak(server, with_key("first"), **said)
            second = speak(server, with_key("second"), **said)
            assert seen(second) == other
            assert (second.headers["X-Seed"] == first.headers["X-Seed"]) is (scope == "shared")
            assert seen(speak(server, with_key("first"), **said)) == ("HIT", "CACHE")
        generated = [
            requests.post(f"{server.url}/tts", json={"text": f"Also {text}"}, headers=with_key(key), timeout=60)
            for key in ("first", "second", "first")
        ]
        assert [seen(reply) for reply in generated] == [("MISS", "HOT"), other, ("HIT", "CACHE")]


@pytest.mark.parametrize("scope", ["shared", "key"])
def test_sockets_keep_to_the_part_of_their_key(tmp_path, text, scope):
    settings = {"cache_ttl_minutes": 60, "cache_path": tmp_path, "cache_scope": scope, "api_keys": ("first", "second")}
    with run_server(**settings) as server:
        sounds = [said_on_a_socket(server, key, text) for key in ("first", "second", "first")]
    assert sounds[0] == sounds[2]
    assert (sounds[1] == sounds[0]) is (scope == "shared")


def test_without_keys_a_private_cache_is_one_for_all(tmp_path, text):
    with run_server(cache_ttl_minutes=60, cache_path=tmp_path, cache_scope="key") as server:
        assert [seen(speak(server, input=text))[0] for _ in range(2)] == ["MISS", "HIT"]


def test_a_folder_that_was_deleted_is_made_again(tmp_path, text, caplog):
    folder = tmp_path / "a" / "audio"
    with run_server(cache_ttl_minutes=60, cache_path=folder) as server:
        for way in ({}, {"response_format": "wav"}, {"stream": True, "response_format": "opus"}):
            speak(server, input=text, **way)
        shutil.rmtree(folder.parent)
        caplog.clear()
        for way in ({}, {"response_format": "wav"}, {"stream": True, "response_format": "opus"}):
            assert [seen(speak(server, input=text, **way))[0] for _ in range(2)] == ["MISS", "HIT"]
        assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
        assert server.synthesizer.cache.stats().entries == 3
        assert server.synthesizer.cache.stats().bytes == sum(-(-len(data) // 4096) * 4096 for data in on_disk(folder).values())


def test_a_folder_that_cannot_be_made_again_is_told_once(tmp_path, text, caplog):
    folder = tmp_path / "audio"
    with run_server(cache_ttl_minutes=60, cache_path=folder) as server:
        shutil.rmtree(folder)
        folder.write_text("in the way")
        caplog.clear()
        assert [seen(speak(server, input=text))[0] for _ in range(3)] == ["MISS"] * 3
        assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
        folder.unlink()
        assert [seen(speak(server, input=text))[0] for _ in range(2)] == ["MISS", "HIT"]
