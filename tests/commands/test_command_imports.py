"""What a command loads: help and clients of another server start without the server's packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SERVER_PACKAGES = {"flask", "waitress", "onnxruntime", "torch", "pydantic", "hibari"}


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command loads, by their full names; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tts_server", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["say", "--help"], ["keys", "--help"], ["install", "--help"]])
def test_help_loads_the_standard_library_and_the_parser(tmp_path, arguments):
    found = loaded(tmp_path, *arguments)
    assert not found & (SERVER_PACKAGES | {"numpy", "requests", "tts_server.build", "tts_server.config"})


@pytest.mark.parametrize("command", ["voices", "models"])
def test_a_list_of_another_server_loads_no_packages_of_a_server(tmp_path, server, command):
    found = loaded(tmp_path, command, "--server", server.url)
    assert "tts_server.client.listings" in found
    assert not found & (SERVER_PACKAGES | {"numpy", "tqdm", "tts_server.build", "tts_server.config"})


@pytest.mark.parametrize("output", [["--preview"], ["-o", "out.mp3"]])
def test_speech_of_another_server_loads_no_packages_of_a_server(tmp_path, server, output):
    found = loaded(tmp_path, "say", "Yes.", "--server", server.url, *output)
    assert not found & (SERVER_PACKAGES | {"tts_server.build", "tts_server.config"})
