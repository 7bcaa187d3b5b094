"""The command line in processes of its own: say, serve, errors in words."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from measure import hear

PROJECT = Path(__file__).resolve().parents[2]


def run(*arguments: str, cwd: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tts_server", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8", **environment},
    )


@pytest.mark.parametrize("name", ["out.mp3", "out.wav", "ünïcode 音.flac", "out.opus", "out.aac"])
def test_say_writes_the_format_of_the_ending(tmp_path, name):
    done = run("say", "A file is written.", "-o", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert hear((tmp_path / name).read_bytes()).seconds > 0.8


def test_say_takes_a_voice_and_a_reference_and_standard_input(tmp_path, clip):
    (tmp_path / "clip.flac").write_bytes(clip)
    text = "Read from the standard input, with an ä.".encode()
    for options in (["--voice", "onyx"], ["--reference", "clip.flac"], []):
        assert run("say", "-", "-o", "out.wav", "--seed", "1", *options, cwd=tmp_path, stdin=text).returncode == 0
        (tmp_path / "out.wav").rename(tmp_path / f"{len(options) and options[0]}.wav")
    files = [(tmp_path / f"{name}.wav").read_bytes() for name in ("--voice", "--reference", 0)]
    assert len(set(files)) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "Yes.", "-o", "out.xyz"], "must end in one of"),
        (["say", "Yes.", "-o", "out.mp3", "--voice", "nobody"], "no voice 'nobody'"),
        (["say", "\u200b", "-o", "out.mp3"], "nothing to say"),
        (["say", "你好。", "-o", "out.mp3"], "chatterbox-multilingual"),
        (["say", "Yes.", "-o", "out.mp3", "--reference", "missing.wav"], "missing.wav"),
        (["say", "Yes.", "--speed", "9"], "between 0.25 and 4"),
        (["sing"], "There is no command 'sing'."),
        (["serve", "--host", "203.0.113.7"], "Set HOST to an address of this machine"),
    ],
)
def test_errors_are_sentences_without_a_trace(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    output = done.stderr.decode()
    assert done.returncode != 0
    assert words in output
    assert "Traceback" not in output


def test_a_wrong_setting_is_refused_at_start_by_name(tmp_path):
    done = run("serve", cwd=tmp_path, PORT="many")
    assert (done.returncode, b"PORT:" in done.stderr, b"Traceback" in done.stderr) == (2, True, False)


def test_a_port_in_use_is_told_in_words(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert (done.returncode, b"Another program may be listening" in done.stderr) == (1, True)


def test_serve_answers_and_stops_cleanly_on_a_signal(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r"http://\S+", line)
        assert found, line
        assert requests.get(f"{found[0]}/health", timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM if os.name == "posix" else signal.SIGBREAK)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, b"Traceback" in errors) == (0, False)


def test_listening_beyond_this_machine_without_a_key_is_warned_of(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0", "--host", "0.0.0.0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false"},
    )
    try:
        assert process.stderr is not None
        assert "WITHOUT A KEY" in process.stderr.readline().decode()
    finally:
        process.kill()
        process.communicate()
