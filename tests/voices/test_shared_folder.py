"""Two servers with one folder of voices: each change is there, whichever server made it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tts_server.errors import Unavailable
from tts_server.voices.files import hold_lock

PROJECT = Path(__file__).resolve().parents[2]
CLIP = (PROJECT / "tests" / "clips" / "female_slt.flac").read_bytes()
NUM_VOICES = 60
HOLDER = """
import pathlib, sys
from tts_server.voices.files import hold_lock
with hold_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "OPEN_BROWSER": "false",
            "CONFIG_FILE": "none",
            "VOICE_LIBRARY_PATH": str(folder / "voices"),
        },
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\w.]+:\d+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.kill()


@dataclass(frozen=True)
class Pair:
    """The addresses of two servers, and the folder of voices that they share."""

    one: str
    other: str
    voices: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers in processes of their own. Tests leave no voices."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "voices").mkdir()
    with server(folder) as one, server(folder) as other:
        yield Pair(one, other, folder / "voices")


def delete(url: str, name: str) -> int:
    return requests.delete(f"{url}/v1/voices/{name}", timeout=120).status_code


def test_voices_made_by_two_servers_at_once_are_all_there_with_what_was_said_of_them(pair: Pair) -> None:
    one, other = pair.one, pair.other
    with ThreadPoolExecutor(8) as threads:

        def make(number: int) -> int:
            fields = {"name": f"voice {number}", "aliases": f"alias {number}", "description": f"Description {number}"}
            return requests.post(f"{(one, other)[number % 2]}/v1/voices", data=fields, files={"audio": CLIP}, timeout=120).status_code

        assert list(threads.map(make, range(NUM_VOICES))) == [201] * NUM_VOICES
        for url in (one, other):
            listed = {voice["id"]: voice for voice in requests.get(f"{url}/v1/voices", timeout=60).json()["data"]}
            for number in range(NUM_VOICES):
                assert listed[f"voice {number}"]["aliases"] == [f"alias {number}"]
                assert listed[f"voice {number}"]["description"] == f"Description {number}"

        def change(number: int) -> int:
            url, name = (other, one)[number % 2], f"voice {number}"
            if number % 3 == 0:
                return delete(url, name)
            return requests.patch(f"{url}/v1/voices/{name}", json={"description": "Changed"}, timeout=120).status_code

        assert list(threads.map(change, range(NUM_VOICES))) == [200] * NUM_VOICES
    written = json.loads((pair.voices / "voices.json").read_text(encoding="utf-8"))
    assert {name: entry["description"] for name, entry in written.items()} == {
        f"voice {number}": "Changed" for number in range(NUM_VOICES) if number % 3
    }
    assert {delete(one, name) for name in written} == {200}


def test_two_servers_that_make_one_voice_at_once_make_it_once(pair: Pair) -> None:
    def make(number: int) -> int:
        url = (pair.one, pair.other)[number % 2]
        return requests.post(f"{url}/v1/voices", data={"name": "same"}, files={"audio": CLIP}, timeout=120).status_code

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(make, range(8))) == [201] + [409] * 7
    assert delete(pair.other, "same") == 200


def test_a_change_that_another_process_delays_for_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tts_server.voices.files.LOCK_SECONDS", 0.2)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(Unavailable), hold_lock(tmp_path):
            pytest.fail("two processes have the lock")
        process.stdin.close()
        process.wait()
    with hold_lock(tmp_path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="there the folder is always locked by a file")
def test_a_file_system_that_cannot_lock_folders_is_locked_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    real = fcntl.flock

    def refuse_folders(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(9, "Bad file descriptor")  # as NFS does
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", refuse_folders)
    with hold_lock(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
