"""What is not to be kept is not on disk afterwards: looked for in every folder that the server can write to. See docs/PRIVACY.md."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from audio.sounds import RATE, make_file
from hostile import PATIENCE, files_below
from websockets.sync.client import connect

from tts_server.audio.decode import decode_clip, remove_leftovers

PROJECT = Path(__file__).resolve().parents[2]
MARK = "The confidential heron reads the sealed letter"
LONG = " ".join(f"{MARK} number {n}." for n in range(40))


@dataclass
class Confined:
    """A server all of whose folders lie below `root`."""

    root: Path
    url: str
    port: int
    process: subprocess.Popen[str]

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=PATIENCE, **arguments)

    def speech(self, **arguments: Any) -> requests.Response:
        return self.post("/v1/audio/speech", **arguments)

    def files(self) -> dict[str, bytes]:
        """Everything on disk but the log, once the server is at rest."""
        deadline = time.monotonic() + PATIENCE
        while requests.get(f"{self.url}/health", timeout=PATIENCE).json()["metrics"]["in_flight"] or list(self.root.rglob("*.part")):
            assert time.monotonic() < deadline, "the server does not come to rest"
            time.sleep(0.05)
        while list((self.root / "temporary").iterdir()):
            assert time.monotonic() < deadline, "a temporary file was left"
            time.sleep(0.05)
        return {name: data for name, data in files_below(self.root).items() if name != "log"}


@contextlib.contextmanager
def confined(root: Path, clip: bytes, **settings: str) -> Iterator[Confined]:
    for name in ("voices", "temporary", "home", "work"):
        (root / name).mkdir(exist_ok=True)
    (root / "voices" / "reader.flac").write_bytes(clip)
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(root / "temporary"))
    home = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA", "APPDATA", "HF_HOME"), str(root / "home"))
    paths = {"VOICE_LIBRARY_PATH": str(root / "voices"), "VOICE_CACHE_PATH": str(root / "prepared"), "CACHE_PATH": str(root / "audio")}
    own = {"PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false", "CONFIG_FILE": "none", "API_KEYS_FILE": "none", "LOG_LEVEL": "DEBUG"}
    with (root / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tts_server", "serve", "--port", "0"],
            cwd=root / "work",
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **temporary, **home, **paths, **own, "PYTHONIOENCODING": "utf-8", **settings},
        )
        assert process.stdout is not None
        try:
            found = re.search(r"http://[\w.]+:(\d+)", process.stdout.readline())
            assert found, (root / "log").read_text(encoding="utf-8")
            yield Confined(root, found[0], int(found[1]), process)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory, clip: bytes) -> Iterator[Confined]:
    """A server that keeps finished audio, so that only opting out keeps a text off the disk."""
    with confined(tmp_path_factory.mktemp("confined"), clip, CACHE_TTL_MINUTES="60") as server:
        # What the first use of a library writes, such as a font list or a compiled module, is not what these tests are about.
        assert server.speech(json={"input": "Warm.", "cache": False}).status_code == 200
        yield server


@pytest.fixture(scope="module")
def large_clip(clip: bytes) -> bytes:
    """More than Waitress and Werkzeug hold in memory, so that both write it to a file while they read it."""
    samples = decode_clip(clip).samples
    return make_file("wav", "pcm_f32le", samples.repeat(2)[: 12 * RATE], 96000)


def leave_during_upload(server: Confined, clip: bytes) -> None:
    head = (
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 9000000\r\n\r\n--x\r\n"
        b'Content-Disposition: form-data; name="speaker_wav"; filename="a.wav"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head + clip)
        # Not in order, as a process that is killed leaves.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))


def leave_during_stream(server: Confined, **arguments: Any) -> None:
    with requests.post(f"{server.url}/v1/audio/speech", stream=True, timeout=PATIENCE, **arguments) as reply:
        assert reply.status_code == 200
        reply.raw.read(1000)


def test_one_off_voices_leave_nothing_on_disk(keeping: Confined, clip: bytes, large_clip: bytes) -> None:
    fields = {"input": MARK + ".", "response_format": "wav"}
    before = keeping.files()
    for data in (clip, large_clip):
        assert keeping.speech(data=fields, files={"custom_voice_file": ("me.wav", data)}).status_code == 200
    assert keeping.speech(data=fields, files={"speaker_wav": ("../../me.wav", clip)}).status_code == 200
    assert keeping.speech(json={**fields, "voice_b64": base64.b64encode(clip).decode()}).status_code == 200
    assert keeping.post("/v2/audio/speech_with_prompt", data=fields, files={"audio_prompt": ("é.flac", clip)}).status_code == 200
    assert keeping.post("/page/clip", files={"file": ("me.flac", clip)}).status_code == 200
    # Those that fail, at each stage
    for data in (
        b"",
        b"no audio",
        clip[:2000],
        clip[: len(clip) // 2] + bytes(5000),
        make_file("wav", "pcm_s16le", decode_clip(clip).samples[:9000]),
    ):
        keeping.speech(data=fields, files={"custom_voice_file": ("me.wav", data)})
    assert keeping.speech(data={**fields, "input": "\u200b"}, files={"custom_voice_file": ("me.flac", large_clip)}).status_code == 400
    assert keeping.speech(data={**fields, "speed": "9"}, files={"custom_voice_file": ("me.flac", clip)}).status_code == 400
    assert (
        keeping.post(
            "/v1/audio/voice-conversion", data={"model": "embedded"}, files={"audio": ("me.flac", clip), "target": ("me.flac", clip)}
        ).status_code
        == 400
    )
    assert keeping.post("/v1/voices", data={"name": "NUL"}, files={"audio": ("me.flac", large_clip)}).status_code == 400
    # Clients that leave
    leave_during_upload(keeping, large_clip)
    leave_during_stream(keeping, data={**fields, "input": LONG[:4000], "stream": "true"}, files={"speaker_wav": ("me.flac", clip)})
    assert keeping.files() == before


def test_texts_that_opt_out_leave_nothing_on_disk(keeping: Confined) -> None:
    fields = {"input": MARK + ".", "response_format": "wav", "seed": 1}
    before = keeping.files()
    for value in (False, "no", "0", "off"):
        assert keeping.speech(json={**fields, "cache": value}).headers["X-Cache"] == "BYPASS"
    assert keeping.speech(data={**fields, "cache": "false"}).headers["X-Cache"] == "BYPASS"
    for header in ("no-store", "no-cache", "max-age=0, no-store"):
        assert keeping.speech(json=fields, headers={"Cache-Control": header}).headers["X-Cache"] == "BYPASS"
    without = {**fields, "cache": False}
    assert keeping.speech(json={**without, "stream": True}).status_code == 200
    assert keeping.speech(json={**without, "stream_format": "sse"}).status_code == 200
    assert keeping.post("/v1/responses", json={**without, "response_format": "mp3"}).status_code == 200
    assert (
        keeping.post("/generate", json={"prompt": MARK, "voice_key": "reader.flac"}, headers={"Cache-Control": "no-store"}).status_code
        == 200
    )
    assert keeping.post("/tts", json={"text": MARK}, headers={"Cache-Control": "no-store"}).status_code == 200
    with connect(f"ws://127.0.0.1:{keeping.port}/v1/realtime", proxy=None, open_timeout=PATIENCE, max_size=None) as peer:
        peer.send(f'{{"input": "{MARK}.", "cache": false}}')
        while not isinstance(peer.recv(timeout=PATIENCE), str):
            pass
    assert keeping.speech(json={**without, "voice": "nobody"}).status_code == 404
    leave_during_stream(keeping, json={**without, "input": LONG[:4000], "stream": True})
    assert keeping.files() == before


def test_a_text_that_is_kept_lies_in_the_cache_alone_and_without_its_words(keeping: Confined) -> None:
    """The others would pass as well if nothing were ever written, or if it were looked for in the wrong place."""
    before = keeping.files()
    assert keeping.speech(json={"input": f"{MARK} again.", "seed": 2}).headers["X-Cache"] == "MISS"
    after = keeping.files()
    assert {name.partition("/")[0] for name in after.keys() - before.keys()} == {"audio"}
    assert [name for name, data in after.items() if MARK.encode() in data or MARK.encode("utf-16-le") in data] == []


def test_a_reply_that_fails_or_is_left_is_not_kept_in_part(keeping: Confined) -> None:
    before = keeping.files()
    leave_during_stream(keeping, json={"input": LONG[:4000], "stream": True, "seed": 3})
    assert keeping.files() == before


def test_the_log_holds_no_text_and_no_name_of_an_uploaded_file(keeping: Confined, clip: bytes) -> None:
    """With the most talkative level; the tests above have spoken by now, and so does this one."""
    keeping.speech(data={"input": MARK}, files={"speaker_wav": ("diary-of-a-heron.flac", clip[:3000])})
    keeping.files()
    log = (keeping.root / "log").read_text(encoding="utf-8")
    assert len(log) > 0
    assert "confidential heron" not in log
    assert "diary-of-a-heron" not in log


def test_a_deleted_voice_is_gone_with_all_that_was_made_of_it(keeping: Confined, clip: bytes) -> None:
    before = keeping.files()
    created = keeping.post("/v1/voices", data={"name": "Passing Guest", "description": "For an hour."}, files={"audio": ("me.flac", clip)})
    assert created.status_code == 201, created.text
    (recording,) = (keeping.root / "voices" / "custom").iterdir()
    prepared = keeping.root / "prepared" / "chatterbox-turbo"
    prepared.mkdir(parents=True)
    for name, digest in (("its-own", hashlib.sha256(recording.read_bytes()).hexdigest()), ("another", "0" * 64)):
        header = json.dumps({"__metadata__": {"key": f"chatterbox-turbo-{digest}-even-1"}}).encode()
        (prepared / f"{name}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert requests.delete(f"{keeping.url}/v1/voices/Passing Guest", timeout=PATIENCE).status_code == 200
    after = keeping.files()
    assert not [name for name, data in after.items() if "guest" in name.lower() or b"Passing Guest" in data]
    left = {name for name in after.keys() - before.keys() if "voices.json" not in name}
    assert left == {"prepared/chatterbox-turbo/another.safetensors"}


def test_neither_the_end_of_a_server_nor_a_kill_in_the_middle_leaves_a_clip(tmp_path: Path, clip: bytes) -> None:
    left = tmp_path / "temporary" / "parlance-clip-of-a-killed-server.bin"
    left.parent.mkdir()
    left.write_bytes(clip)
    os.utime(left, (time.time() - 7200,) * 2)
    with confined(tmp_path, clip) as server:
        assert not left.exists()
        before = server.files()
        assert server.speech(data={"input": MARK}, files={"speaker_wav": ("me.flac", clip)}).status_code == 200
        assert server.files() == before
        server.process.terminate()
        server.process.wait(PATIENCE)
        assert {name: data for name, data in files_below(tmp_path).items() if name != "log"} == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not (tmp_path / "audio").exists(), "without CACHE_TTL_MINUTES nothing is kept"


def test_of_the_temporary_files_only_old_clips_of_ours_are_removed(temporary_folder: Path) -> None:
    old, young, other = (temporary_folder / name for name in ("parlance-clip-old.bin", "parlance-clip-young.bin", "somebody-elses.bin"))
    for path in (old, young, other):
        path.write_bytes(b"a voice")
    for path in (old, other):
        os.utime(path, (time.time() - 7200,) * 2)
    remove_leftovers()
    assert sorted(path.name for path in temporary_folder.iterdir()) == [young.name, other.name]
