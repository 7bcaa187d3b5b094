"""What fails costs the request that met it, and nothing else: every write, every step of an engine, every child process.

After each fault the same is looked at: the status is right and its words are for users, no thread, file, child or temporary file is left,
and the next request is answered as if nothing had been.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
from support.chatterbox_server import copy_voices, run_tiny_server
from support.server import RunningServer, run_server
from waitress.buffers import TempfileBasedBuffer

from benchmarks.server_process import ServerProcess, running
from tts_server.audio import decode
from tts_server.keys import KeyFile, KeyFileError, Role

CLIPS = Path(__file__).parents[1] / "clips"
CLIP = (CLIPS / "female_slt.flac").read_bytes()
SENTENCES = "This is the first sentence of them. " + " ".join(f"And then sentence number {n} follows after all of it." for n in range(4))
FULL, DENIED = errno.ENOSPC, errno.EACCES
LONG = float(os.environ.get("TEST_SCALE", "1")) > 1


# The disk


CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.utime": 0, "os.truncate": 0, "os.link": 1}
REMOVALS = {"os.remove": 0, "os.rmdir": 0}


@dataclass
class Disk:
    """Stands between this process and its files: counts the changes below a folder, and lets some of them fail.

    Python tells of every file that is opened, made, renamed or removed before the system is asked; what is raised then happens instead.
    """

    _folder: str | None = None
    _kinds: dict[str, int] = field(default_factory=dict)
    _fails: Callable[[int], bool] = bool
    _error: int = FULL
    count: int = 0

    def __post_init__(self) -> None:
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def counting(self, folder: Path, kinds: dict[str, int] = CHANGES) -> Iterator[Disk]:
        with self.failing(folder, lambda number: False, kinds=kinds):
            yield self

    @contextlib.contextmanager
    def failing(self, folder: Path, fails: Callable[[int], bool], error: int = FULL, kinds: dict[str, int] = CHANGES) -> Iterator[None]:
        """Let the changes fail whose numbers, from 1, `fails` says so of."""
        self.count, self._kinds, self._fails, self._error = 0, kinds, fails, error
        self._folder = os.fspath(folder)
        try:
            yield
        finally:
            self._folder = None

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        if event == "open" and self._kinds is CHANGES:
            path, mode, flags = arguments
            is_change = any(letter in (mode or "") for letter in "wxa+") or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        else:
            is_change = event in self._kinds
            path = arguments[self._kinds[event]] if is_change else None
        if not is_change or not isinstance(path, (str, os.PathLike)) or not os.fspath(path).startswith(self._folder):
            return
        self.count += 1
        if self._fails(self.count):
            raise OSError(self._error, os.strerror(self._error), path)


@pytest.fixture(scope="session")
def disk() -> Disk:
    return Disk()


def each_failure(number: int) -> list[tuple[Callable[[int], bool], int]]:
    """The disk fails once, at each of so many changes, or from there on; it is full, or not ours."""
    once = [((lambda k, at=at: k == at), error) for at in range(1, number + 1) for error in (FULL, DENIED)]
    return once + [((lambda k, at=at: k >= at), FULL) for at in range(1, number + 1)]


# What is looked at after each fault


def speak(server: RunningServer | ServerProcess, **fields: Any) -> requests.Response:
    files = fields.pop("files", None)
    url = server.url if isinstance(server, RunningServer) else f"http://{server.address}"
    body = {"input": "Good morning.", "seed": "1", "response_format": "pcm", **fields}
    way = {"data": body, "files": files} if files else {"json": body}
    return requests.post(f"{url}/v1/audio/speech", headers={"Connection": "close"}, timeout=120, **way)


def assert_told(reply: requests.Response, status: int, code: str) -> None:
    """An error as users see it."""
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    assert "Traceback" not in reply.text
    assert tempfile.gettempdir() not in reply.text
    assert ("Retry-After" in reply.headers) == (status == 503)


def in_flight(server: RunningServer) -> float:
    return server.synthesizer.metrics.snapshot()["in_flight"]


@contextlib.contextmanager
def nothing_is_left(server: RunningServer, temporary: Path | None = None) -> Iterator[None]:
    """Threads, open files, children and temporary files are as before."""
    process = psutil.Process()

    def held() -> tuple[int, int, list[int], list[str]]:
        descriptors = process.num_handles() if os.name == "nt" else process.num_fds()
        left = sorted(path.name for path in temporary.iterdir()) if temporary else []
        return threading.active_count(), descriptors, [child.pid for child in process.children(recursive=True)], left

    speak(server)
    before = held()
    yield
    deadline = time.monotonic() + 20
    while in_flight(server) or any(now > was for now, was in zip(held(), before, strict=True)):
        assert time.monotonic() < deadline, f"before: {before}, left: {held()}"
        time.sleep(0.02)


# Writes


def test_a_cache_that_cannot_be_written_costs_nobody_the_speech(disk, start_server, tmp_path):
    folder = tmp_path / "audio"
    server = start_server(cache_ttl_minutes=60, cache_path=folder)
    expected = speak(server, cache=False).content
    with disk.counting(folder) as counted:
        assert speak(server, input="Another text.").headers["X-Cache"] == "MISS"
    assert counted.count >= 3
    with nothing_is_left(server, folder):
        (kept,) = [
            path for path in folder.glob("*.audio") if path.stat().st_mtime == max(p.stat().st_mtime for p in folder.glob("*.audio"))
        ]
        kept.unlink()
        for fails, error in each_failure(counted.count):
            with disk.failing(folder, fails, error):
                reply = speak(server)
            assert (reply.status_code, reply.headers["X-Cache"], reply.content) == (200, "MISS", expected)
            assert list(folder.glob("*.part")) == []
        assert [speak(server).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]


@pytest.fixture
def voices(start_server, tmp_path) -> tuple[RunningServer, Path]:
    folder = tmp_path / "voices"
    folder.mkdir()
    return start_server(voice_library_path=folder), folder


def make_voice(server: RunningServer, name: str) -> requests.Response:
    return requests.post(f"{server.url}/v1/voices", data={"name": name}, files={"audio": ("clip", CLIP)}, timeout=60)


def change_voice(server: RunningServer, voice_id: str, **fields: Any) -> requests.Response:
    return requests.patch(f"{server.url}/v1/voices/{voice_id}", json=fields, timeout=60)


def delete_voice(server: RunningServer, name: str) -> requests.Response:
    return requests.delete(f"{server.url}/v1/voices/{name}", timeout=60)


def names(server: RunningServer) -> set[str]:
    data = requests.get(f"{server.url}/v1/voices", timeout=60).json()["data"]
    return {voice["id"] for voice in data if voice["origin"] == "library"}


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"voices.json"}


def test_a_voice_that_cannot_be_stored_is_refused_and_leaves_nothing(disk, voices):
    server, folder = voices
    with disk.counting(folder) as counted:
        assert make_voice(server, "anna").status_code == 201
    assert counted.count >= 4
    assert delete_voice(server, "anna").status_code == 200
    for fails, error in each_failure(counted.count):
        with disk.failing(folder, fails, error):
            reply = make_voice(server, "anna")
        if reply.status_code != 201:  # a folder that is there already need not be made
            assert_told(reply, 409, "folder_not_writable")
            assert names(server) == set()
            assert files(folder) == set()
            assert make_voice(server, "anna").status_code == 201
        assert speak(server, voice="anna").status_code == 200
        assert delete_voice(server, "anna").status_code == 200


def test_a_voice_that_cannot_be_changed_stays_as_it_was(disk, voices):
    server, folder = voices
    assert make_voice(server, "anna").status_code == 201
    sound = speak(server, voice="anna").content
    with disk.counting(folder) as counted:
        assert change_voice(server, "anna", name="berta", aliases=["b"]).status_code == 200
    assert change_voice(server, "berta", name="anna", aliases=[]).status_code == 200
    for fails, error in each_failure(counted.count):
        with disk.failing(folder, fails, error):
            reply = change_voice(server, "anna", name="berta", aliases=["b"])
        (name,) = names(server)
        if reply.status_code != 200:
            assert_told(reply, 409, "folder_not_writable")
        assert files(folder) == {f"{name}.flac"}
        assert speak(server, voice=name).content == sound
        json.loads((folder / "voices.json").read_text(encoding="utf-8"))
        if name == "berta":
            assert change_voice(server, "berta", name="anna", aliases=[]).status_code == 200
    assert change_voice(server, "anna", name="carla").status_code == 200


@pytest.mark.parametrize("kinds", [CHANGES, REMOVALS], ids=["nothing can be written", "nothing can be removed"])
def test_a_voice_is_deleted_or_stays_and_the_reply_says_which(disk, voices, kinds):
    server, folder = voices
    for fails, error in each_failure(2):
        if not names(server):
            assert make_voice(server, "anna").status_code == 201
        with disk.failing(folder, fails, error, kinds):
            reply = delete_voice(server, "anna")
        if reply.status_code == 200:
            assert names(server) == set()
            assert files(folder) == set()
        else:
            assert_told(reply, 409, "folder_not_writable")
            assert speak(server, voice="anna").status_code == 200


def test_a_key_that_cannot_be_stored_is_refused_and_the_others_stay(disk, tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    file.add("first", [Role.SPEECH])
    with disk.counting(tmp_path) as counted:
        file.add("second", [Role.ADMIN])
    before = file.path.read_bytes()
    num_refused = 0
    for fails, error in each_failure(counted.count):
        try:
            with disk.failing(tmp_path, fails, error):
                file.add("third", [Role.SPEECH])
        except KeyFileError:
            num_refused += 1
        else:
            file.remove("third")
        assert file.path.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir() if path.suffix == ".unfinished"] == []
    assert num_refused >= counted.count


@pytest.mark.parametrize("clip", [CLIP, CLIP + bytes(2_000_000)], ids=["a small upload", "one that is spooled on its way"])
def test_a_clip_that_finds_no_room_is_a_503(disk, temporary_folder, server, clip):
    upload = partial(speak, server, files={"custom_voice_file": ("clip.flac", clip)})
    with disk.counting(temporary_folder) as counted:
        expected = upload()
    assert counted.count
    with nothing_is_left(server, temporary_folder):
        for at in range(1, counted.count + 1):
            with disk.failing(temporary_folder, lambda number, at=at: number >= at):
                assert_told(upload(), 503, "out_of_room")
            assert upload().content == expected.content


class NearlyFull(io.BytesIO):
    """A file on a disk with a megabyte left: what found no room is tried once more when it is closed, as Python does."""

    is_full = False

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 2**20:
            self.is_full = True
            raise OSError(FULL, os.strerror(FULL))
        return super().write(data)

    def close(self) -> None:
        super().close()
        if self.is_full:
            raise OSError(FULL, os.strerror(FULL))


def test_a_body_that_finds_room_for_its_beginning_only_is_a_503(server, monkeypatch, caplog):
    upload = partial(speak, server, files={"custom_voice_file": ("clip.flac", CLIP + bytes(2_000_000))})
    expected = upload()
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(TempfileBasedBuffer, "newfile", lambda _: NearlyFull())
            assert_told(upload(), 503, "out_of_room")
        assert upload().content == expected.content
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the limits of a process that runs")
def test_a_full_disk_under_a_running_server_costs_what_has_to_be_written_and_nothing_else(tmp_path):
    """No file may grow beyond a few bytes for a while, so that it is the writing that fails, not the opening."""
    import resource

    folders = {name: tmp_path / name for name in ("voices", "audio", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    settings = {"VOICE_LIBRARY_PATH": folders["voices"], "CACHE_PATH": folders["audio"], "TMPDIR": folders["temporary"]}
    command = [sys.executable, "-m", "tts_server", "serve"]
    with running("server", command, {"CACHE_TTL_MINUTES": "60", **{name: str(path) for name, path in settings.items()}}) as server:
        url = f"http://{server.address}"
        upload, spooled = ({"files": {"custom_voice_file": ("clip.flac", CLIP + bytes(more))}} for more in (0, 2_000_000))

        def voice(name: str) -> requests.Response:
            return requests.post(f"{url}/v1/voices", data={"name": name}, files={"audio": ("clip", CLIP)}, timeout=60)

        expected = [speak(server, cache="no").content, speak(server, **upload).content]
        before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        for size in (0, 40, 3000):
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, before[1]))
            reply = speak(server)
            assert (reply.status_code, reply.headers["X-Cache"], reply.content) == (200, "MISS", expected[0])
            assert_told(speak(server, **upload), 503, "out_of_room")
            assert_told(speak(server, **spooled), 503, "out_of_room")
            assert_told(voice("anna"), 503, "out_of_room")
            assert requests.get(f"{url}/health", timeout=10).status_code == 200
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
            # Neither of a clip nor of a library that would tell its makers what it is used for.
            assert list(folders["temporary"].iterdir()) == []
            assert [path.name for path in folders["audio"].iterdir()] == ["in-use.lock"]
            assert files(folders["voices"]) == set()
        assert [speak(server).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
        assert speak(server, **upload).content == expected[1]
        assert voice("anna").status_code == 201


# Steps of an engine


class Failing:
    """Calls through, but has `fault` happen at call number `at`: it is raised, or makes something else of the result."""

    def __init__(self, function: Callable[..., Any], at: int, fault: Exception | Callable[[Any], Any]) -> None:
        self.function, self.at, self.fault, self.calls = function, at, fault, 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls != self.at:
            return self.function(*arguments, **options)
        if isinstance(self.fault, Exception):
            raise self.fault
        return self.fault(self.function(*arguments, **options))


def not_numbers(samples: Any) -> Any:
    return samples * np.float32("nan")


ENGINE_FAULTS = [
    pytest.param(RuntimeError("a secret of the engine"), 500, "engine_failure", id="exception"),
    pytest.param(not_numbers, 500, "engine_failure", id="not numbers"),
    pytest.param(MemoryError(), 503, "out_of_room", id="out of memory"),
]


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize(("fault", "status", "code"), ENGINE_FAULTS)
def test_a_step_of_the_embedded_voice_that_fails_costs_its_request(server, monkeypatch, at, fault, status, code):
    expected = speak(server, input=SENTENCES).content
    speaker = server.synthesizer.catalog.engine("embedded").hibari
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(speaker, "speak", Failing(speaker.speak, at, fault))
            reply = speak(server, input=SENTENCES)
            assert_told(reply, status, code)
            assert "secret" not in reply.text
        with monkeypatch.context() as patch:
            patch.setattr(speaker, "speak", Failing(speaker.speak, at, fault))
            if at == 1:
                assert_told(speak(server, input=SENTENCES, stream=True), status, code)
            else:  # the status is sent: that the sound is cut off has to be seen
                with pytest.raises(requests.exceptions.ChunkedEncodingError):
                    speak(server, input=SENTENCES, stream=True)
        assert speak(server, input=SENTENCES).content == expected


@pytest.mark.parametrize("at", [1, 3])
def test_an_encoder_that_fails_costs_its_request(server, monkeypatch, at):
    from tts_server.synthesis import render

    def failing_encoder(*arguments: Any, **options: Any) -> Any:
        encoder = create(*arguments, **options)
        encoder.encode = Failing(encoder.encode, at, RuntimeError("a secret of the encoder"))
        return encoder

    create = render.create_encoder
    expected = speak(server, input=SENTENCES).content
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(render, "create_encoder", failing_encoder)
            reply = speak(server, input=SENTENCES)
            assert_told(reply, 500, "server_error")
            assert "secret" not in reply.text
        assert speak(server, input=SENTENCES).content == expected


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("a secret"), 500), (MemoryError(), 503)])
def test_a_voice_that_cannot_be_prepared_costs_its_request(server, monkeypatch, fault, status):
    engine = server.synthesizer.catalog.engine("embedded")
    upload = {"files": {"custom_voice_file": ("clip.flac", (CLIPS / "male_kal.flac").read_bytes())}}
    server.synthesizer.prepared_voices.clear()
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(engine, "prepare_voice", Failing(engine.prepare_voice, 1, fault))
            reply = speak(server, **upload)
            assert reply.status_code == status
            assert "secret" not in reply.text
        assert speak(server, **upload).status_code == 200


# Chatterbox, on a tiny model: tests/chatterbox/test_engine_faults.py looks at the engine by itself


@pytest.fixture(scope="module")
def chatterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, Path, bytes]]:
    """A server, its folder of prepared voices, and what it has to say."""
    folder = tmp_path_factory.mktemp("chatterbox")
    voices = copy_voices(CLIPS / "female_slt.flac", folder / "voices")
    with run_tiny_server(folder, voice_library_path=voices) as server:
        server.synthesizer.catalog.ready("chatterbox-turbo")
        yield server, folder / "prepared", turbo(server).content


def turbo_engine(server: RunningServer) -> Any:
    """The engine itself, behind what manages it."""
    return server.synthesizer.catalog.models.loaded_engine("chatterbox-turbo")


def turbo(server: RunningServer, **fields: Any) -> requests.Response:
    return speak(server, model="chatterbox-turbo", input="Hello there.", **fields)


PARTS = ["decoder.step", "token_to_wave.batch", "token_to_wave.hift.stream", "parts.text_ids"]
KINDS = ["exception", "out of memory"]


@pytest.mark.parametrize(
    ("part", "kind"), [(part, kind) for n, part in enumerate(PARTS) for m, kind in enumerate(KINDS) if LONG or (n + m) % 2]
)
def test_a_step_of_chatterbox_that_fails_costs_its_request_at_most(chatterbox, monkeypatch, part, kind):
    import torch  # takes long, and is not needed by the others

    server, _, expected = chatterbox
    engine = turbo_engine(server)
    *owners, name = part.split(".")
    owner = engine
    for each in owners:
        owner = getattr(owner, each)
    fault = RuntimeError("a secret of the engine") if kind == "exception" else torch.OutOfMemoryError("a secret of the engine")
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, Failing(getattr(owner, name), 1, fault))
            reply = turbo(server)
        if reply.status_code == 200:  # what a step has lost is made again
            assert reply.content == expected
        else:
            assert (reply.status_code, reply.json()["error"]["code"]) in [
                (500, "engine_failure"),
                (503, "unavailable"),
                (503, "out_of_room"),
            ]
            assert "secret" not in reply.text
        assert turbo(server).content == expected


def test_sound_of_chatterbox_that_is_not_numbers_is_never_sent(chatterbox, monkeypatch):
    from tts_server.engines.chatterbox.watermark import Watermarker  # imports torch, which the others do not need

    server, _, expected = chatterbox
    apply = Watermarker.apply
    with nothing_is_left(server):
        with monkeypatch.context() as patch:
            patch.setattr(Watermarker, "apply", lambda self, samples: not_numbers(apply(self, samples)))
            assert_told(turbo(server), 500, "engine_failure")
        assert turbo(server).content == expected


def test_a_prepared_voice_that_cannot_be_stored_costs_nobody_the_speech(chatterbox, disk):
    server, prepared, _ = chatterbox
    with disk.counting(prepared) as counted:
        expected = turbo(server, voice="reader").content
    assert counted.count >= 4
    engine = turbo_engine(server)
    for fails, error in each_failure(counted.count)[:: 1 if LONG else 3]:
        for path in prepared.rglob("*.*"):
            path.unlink()
        server.synthesizer.prepared_voices.clear()
        engine._voices._memory.clear()
        with disk.failing(prepared, fails, error):
            reply = turbo(server, voice="reader")
        assert (reply.status_code, reply.content) == (200, expected)
        assert [path.name for path in prepared.rglob("*.tmp")] == []


# Children


KILLED = "import os, signal, sys\nsys.stdout.buffer.write(b'\\0' * {count})\nsys.stdout.flush()\nos.kill(os.getpid(), signal.SIGKILL)\n"
CHILDREN = [
    pytest.param(KILLED.format(count=0), 503, "unavailable", id="killed before its first word"),
    pytest.param(KILLED.format(count=400_000), 503, "unavailable", id="killed in the middle"),
    pytest.param("import time\ntime.sleep(600)\n", 400, "invalid_reference_audio", id="hung"),
    pytest.param("import sys\nsys.stdout.buffer.write(b'\\xff' * 400_000)\n", 400, "invalid_reference_audio", id="garbage"),
    pytest.param("import sys\nsys.exit('everything is wrong')\n", 415, "unsupported_audio", id="failed"),
    pytest.param(None, 500, "engine_failure", id="missing"),
]


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningServer]:
    """A server that does not wait long for a clip to be read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tts_server.build.ClipLimits", partial(decode.ClipLimits, timeout_seconds=2.0))
        with run_server() as server:
            yield server


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand in for a program there")
@pytest.mark.parametrize(("body", "status", "code"), CHILDREN)
def test_an_ffmpeg_that_fails_costs_its_request(temporary_folder, tmp_path, impatient, monkeypatch, body, status, code):
    server = impatient
    upload = partial(speak, server, files={"custom_voice_file": ("clip.flac", CLIP)})
    program = tmp_path / "ffmpeg"
    if body is not None:
        script = tmp_path / "ffmpeg.py"
        script.write_text(body, encoding="utf-8")
        # A path with blanks cannot stand behind #!.
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    with nothing_is_left(server, temporary_folder):
        with monkeypatch.context() as patch:
            patch.setattr(decode, "_bundled_ffmpeg", lambda: str(program))
            reply = upload()
            assert_told(reply, status, code)
            assert str(program) not in reply.text
        assert upload().status_code == 200
