"""Odd things in the folder of voices: names that no header can hold, pipes and devices where files are expected."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from support.server import run_server

CLIP = Path(__file__).parent.parent / "clips" / "female_slt.flac"
PATIENCE = 60

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, pipes and devices")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    voices = tmp_path / "voices"
    voices.mkdir()
    shutil.copy(CLIP, voices / "harbor.flac")
    return voices


SKIPPED = [
    b"a\nb.wav",
    b"a\r\nX-Evil: 1.flac",
    b"a\tb.flac",
    b"a\x01b.flac",
    b"a\x7fb.flac",
    b"caf\xe9.flac",
    b"\xff\xfe.flac",
    b"\xc2\x85.flac",
    b"\xe2\x80\xa8.flac",
    b" .flac",
]
SERVED = [
    "Ünï-声音.flac",
    'quo"te;=.flac',
    "per%41cent.flac",
    "back\\slash.flac",
    "x" * 240 + ".flac",
    "two  spaces.flac",
    "zero\u200bwidth.flac",
]


def test_files_with_odd_names_are_served_or_passed_over_and_break_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in [*SKIPPED, *(name.encode() for name in SERVED)]:
        shutil.copy(CLIP, os.fsencode(folder) + b"/" + name)
    (folder / "sub\nfolder").mkdir()
    shutil.copy(CLIP, os.fsencode(folder) + b"/sub\nfolder/inside.flac")
    with run_server(voice_library_path=folder) as server:
        for name in [b"a\nb", b"a\r\nX-Evil: 1", b"caf\xe9", b"\xff\xfe", b"inside"]:
            for path in ("", "/audio", "/preview"):
                assert requests.get(f"{server.url}/v1/voices/{quote(name)}{path}", timeout=PATIENCE).status_code == 404
        ids = [
            voice["id"]
            for voice in requests.get(f"{server.url}/v1/voices", timeout=PATIENCE).json()["data"]
            if voice["origin"] == "library"
        ]
        assert sorted(ids) == sorted(["harbor", *(name.removesuffix(".flac") for name in SERVED)])
        for name in ids:
            audio = requests.get(f"{server.url}/v1/voices/{quote(name, safe='')}/audio", timeout=PATIENCE)
            assert (audio.status_code, audio.content) == (200, CLIP.read_bytes()), name
            assert "X-Evil" not in audio.headers
            spoken = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes.", "voice": name}, timeout=PATIENCE)
            assert (spoken.status_code, spoken.headers["X-Voice"]) == (200, quote(name, safe=" ")), name
        for path in ("/v1/audio/voices", "/get_predefined_voices", "/get_reference_files", "/health"):
            assert requests.get(server.url + path, timeout=PATIENCE).ok
        reloaded = requests.post(f"{server.url}/admin/reload-voices", timeout=PATIENCE).json()
        assert len(reloaded["problems"]) == len(SKIPPED) + 1
        assert any("a\\nb.wav" in problem for problem in reloaded["problems"])


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.json")


def make_link_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def make_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the addresses of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


def make_endless_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    "make", [make_pipe, make_folder, make_dangling_link, make_link_in_a_circle, make_link_to_a_device, make_socket, make_endless_file]
)
def test_a_voices_json_that_is_no_proper_file_is_reported_and_stops_nothing(make, folder: Path) -> None:
    known = folder / "voices.json"
    known.write_text(json.dumps({"harbor": {"aliases": ["narrator"]}}), encoding="utf-8")
    with run_server(voice_library_path=folder) as server:
        known.unlink()
        make(known)
        for path in ("/health", "/v1/voices", "/v1/audio/voices"):
            assert requests.get(server.url + path, timeout=PATIENCE).status_code == 200
        # What was known before holds.
        assert requests.get(f"{server.url}/v1/voices/narrator", timeout=PATIENCE).json()["id"] == "harbor"
        problems = requests.post(f"{server.url}/admin/reload-voices", timeout=PATIENCE).json()["problems"]
        assert len(problems) == 1
        assert problems[0].startswith("voices.json: it ")
        assert str(folder) not in problems[0]
        refused = requests.patch(f"{server.url}/v1/voices/harbor", json={"description": "New"}, timeout=PATIENCE)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "voices_json_invalid")
        assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes.", "voice": "harbor"}, timeout=PATIENCE).ok
    with run_server(voice_library_path=folder) as server:  # at the start too
        assert requests.get(f"{server.url}/v1/voices/harbor", timeout=PATIENCE).ok


def test_pipes_and_devices_among_the_recordings_are_no_voices(folder: Path) -> None:
    make_pipe(folder / "pipe.wav")
    make_link_to_a_device(folder / "device.wav")
    make_link_in_a_circle(folder / "circle.wav")
    make_dangling_link(folder / "dangling.flac")
    with run_server(voice_library_path=folder) as server:
        ids = [
            voice["id"]
            for voice in requests.get(f"{server.url}/v1/voices", timeout=PATIENCE).json()["data"]
            if voice["origin"] == "library"
        ]
        assert ids == ["harbor"]
        for name in ("pipe", "device", "circle", "dangling"):
            assert (
                requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes.", "voice": name}, timeout=PATIENCE).status_code == 404
            )
            assert (
                requests.post(
                    f"{server.url}/generate", json={"prompt": "Yes.", "voice_key": f"voices/{name}.wav"}, timeout=PATIENCE
                ).status_code
                == 400
            )
