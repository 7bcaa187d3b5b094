"""The command line: say, serve, errors in words."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from commands.other_servers import answering
from support.decoded_audio import hear

from tts_server.addresses import own_addresses
from tts_server.commands import main

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


@pytest.fixture
def run_here(tmp_path, monkeypatch, capfd):
    """Run a command in this process, which has imported all, and in an empty folder; returns the exit code and the errors."""

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.chdir(tmp_path)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
        return code, capfd.readouterr().err

    return call


def test_say_in_a_process_of_its_own_writes_a_file(tmp_path):
    name = "ünïcode 音.flac"
    done = run("say", "-", "-o", name, cwd=tmp_path, stdin="Read from the standard input, with an ä.".encode())
    assert done.returncode == 0, done.stderr.decode()
    assert hear((tmp_path / name).read_bytes()).seconds > 0.8


@pytest.mark.parametrize("name", ["out.mp3", "out.wav", "out.opus", "out.aac"])
def test_say_writes_the_format_of_the_ending(tmp_path, run_here, name):
    assert run_here("say", "A file is written.", "-o", name)[0] == 0
    assert hear((tmp_path / name).read_bytes()).seconds > 0.8


def test_say_takes_a_voice_and_a_reference_and_standard_input(tmp_path, clip, run_here, monkeypatch):
    (tmp_path / "clip.flac").write_bytes(clip)
    text = "Read from the standard input, with an ä.".encode()
    for options in (["--voice", "onyx"], ["--reference", "clip.flac"], []):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"))
        assert run_here("say", "-", "-o", "out.wav", "--seed", "1", *options)[0] == 0
        (tmp_path / "out.wav").rename(tmp_path / f"{len(options) and options[0]}.wav")
    files = [(tmp_path / f"{name}.wav").read_bytes() for name in ("--voice", "--reference", 0)]
    assert len(set(files)) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "Yes.", "-o", "out.mp3", "--voice", "nobody"], "no voice 'nobody'"),
        (["sing"], "There is no command 'sing'."),
        (["serve", "--host", "203.0.113.7"], "Set HOST to an address of this machine"),
        (["say", "-f", "nope.txt"], "nope.txt does not exist."),
        (["serve", "--port", "many"], "--port: 'many' is not a whole number."),
        (["docter"], "There is no command 'docter'. Did you mean doctor?"),
        (["sing"], "install, repair, accept, test, lock"),
    ],
)
def test_errors_of_a_process_are_sentences_without_a_trace(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    output = done.stderr.decode()
    assert done.returncode != 0
    assert words in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "Yes.", "-o", "out.xyz"], "must end in one of"),
        (["say", "\u200b", "-o", "out.mp3"], "nothing to say"),
        (["say", "你好。", "-o", "out.mp3"], "chatterbox-multilingual"),
        (["say", "Yes.", "-o", "out.mp3", "--reference", "missing.wav"], "missing.wav"),
        (["say", "Yes.", "--speed", "9"], "between 0.25 and 4"),
        (["say", "-f", "."], "is a folder, not a file."),
        (["say", "Yes.", "--speed", "fast"], "--speed: 'fast' is not a number."),
        (["say", "Yes.", "--temperature", "nan"], "--temperature: 'nan' is not a number."),
        (["say", "Yes.", "--seed", "1.5"], "--seed: '1.5' is not a whole number."),
        (["say", "Yes.", "-o"], "--output needs a value."),
        (["say", "Yes.", "-o", "out.mp3", "--format", "mp5"], "there is no format 'mp5'. Formats: mp3, opus,"),
        (["say", "Yes.", "--vioce", "onyx"], "There is no option --vioce. Did you mean --voice?"),
        (["voices", "--jsno"], "There is no option --jsno. Did you mean --json?"),
        (["voices", "onyx"], "takes no 'onyx'."),
        (["keys", "add", "me", "--role", "amdin"], "there is no role 'amdin'. Did you mean admin?"),
        (["say", "Yes.", "--model", "gpt-9", "-o", "out.mp3"], "There is no model 'gpt-9'. Models: embedded, chatterbox-english"),
        (["say", "Yes.", "--model", "chaterbox-turbo", "-o", "out.mp3"], "Did you mean chatterbox-turbo?"),
        (["say", "Yes.", "--preview", "--model", "gpt-9"], "There is no model 'gpt-9'."),
    ],
)
def test_errors_are_sentences_without_a_trace(run_here, arguments, words):
    code, output = run_here(*arguments)
    assert code != 0
    assert words in output
    assert "Traceback" not in output


def test_a_wrong_setting_is_refused_at_start_by_name(tmp_path):
    done = run("serve", cwd=tmp_path, PORT="many")
    assert (done.returncode, b"PORT: 'many' is not a whole number." in done.stderr, b"Traceback" in done.stderr) == (2, True, False)


def test_a_misspelt_name_in_the_env_file_is_warned_of(tmp_path):
    (tmp_path / ".env").write_text("PROT=5400\nPOSTGRES_PASSWORD=x\n", encoding="utf-8")
    done = run("keys", "list", cwd=tmp_path, API_KEYS_FILE=str(tmp_path / "keys.json"))
    words = done.stderr.decode()
    assert ".env: There is no setting PROT. Did you mean PORT?" in words
    assert "POSTGRES" not in words


def test_a_port_in_use_is_told_in_words(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert (done.returncode, b"Another program may be listening" in done.stderr) == (1, True)


def start_serving(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false"},
    )


def address_in(line: bytes) -> str:
    found = re.search(r"http://\S+", line.decode())
    assert found, line
    return found[0]


def test_a_second_start_opens_the_page_of_the_first(tmp_path, server):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser.py"
    browser.write_text(f"import pathlib, sys; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])", encoding="utf-8")
    desktop = {"DISPLAY": ":0", "CI": "", "SSH_CONNECTION": "", "BROWSER": f"{shlex.quote(sys.executable)} {shlex.quote(str(browser))} %s"}
    done = run("serve", "--port", str(server.port), cwd=tmp_path, **desktop)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().strip() == f"Parlance is already running at http://127.0.0.1:{server.port}; opening the page."
    assert opened.read_text() == f"http://127.0.0.1:{server.port}"


def test_a_second_start_without_a_desktop_names_the_first(tmp_path, server):
    done = run("serve", "--port", str(server.port), cwd=tmp_path, OPEN_BROWSER="false")
    assert (done.returncode, done.stdout.decode().strip()) == (0, f"Parlance is already running at http://127.0.0.1:{server.port}.")


@pytest.mark.parametrize("body", ["{}", '{"status": "healthy"}', "[]", "hello"])
def test_another_web_server_on_the_port_is_not_taken_for_parlance(tmp_path, body):
    with answering(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()) as address:
        done = run("serve", "--port", address.rpartition(":")[2], cwd=tmp_path)
    assert (done.returncode, b"Another program may be listening" in done.stderr) == (1, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_addresses_for_other_machines_are_printed_and_answer(tmp_path, host):
    expected = [address for address in own_addresses() if (":" in address) == (host == "::")]
    process = start_serving(tmp_path, "--host", host)
    try:
        assert process.stdout is not None
        port = address_in(process.stdout.readline()).rpartition(":")[2]
        for address in expected:
            written = f"[{address}]" if ":" in address else address
            found = ""
            while written not in found:  # a server may listen on both families
                line = process.stdout.readline()
                assert line.startswith(b"On your network: "), line
                found = address_in(line)
            assert found == f"http://{written}:{port}"
            assert requests.get(f"{found}/health", timeout=20).status_code == 200
    finally:
        process.kill()
        process.communicate()


def test_a_server_for_this_machine_alone_prints_no_other_address(tmp_path):
    process = start_serving(tmp_path)
    try:
        assert process.stdout is not None
        requests.get(f"{address_in(process.stdout.readline())}/health", timeout=20)
        process.terminate()
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert b"On your network" not in output


def test_serve_answers_and_stops_cleanly_on_a_signal(tmp_path):
    process = start_serving(tmp_path)
    try:
        assert process.stdout is not None
        found = address_in(process.stdout.readline())
        assert requests.get(f"{found}/health", timeout=20).status_code == 200
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
