"""`say` with a server, and as its own server: text from anywhere, every control, files that are whole or not there."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from commands.other_servers import answering
from engines.models_at_hand import SmallSource, SpeakingEngine
from support.decoded_audio import hear, sniff
from support.server import run_server

from tts_server.client import connection
from tts_server.commands import main
from tts_server.controls import Controls
from tts_server.engines.chatterbox.package import CHATTERBOX
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.launcher.client_options import KEY_VARIABLE, NUMBERS, SERVER_VARIABLE, SWITCHES
from tts_server.speech import AudioFormat

PROJECT = Path(__file__).resolve().parents[2]
TEXT = "A small text, spoken by a server."


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def say(server):
    """Run `say` against the server of the tests; returns the exit code."""
    return lambda *arguments: main(["say", "--server", server.url, *arguments])


def give_standard_input(monkeypatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="cp1252"))


def made_by_the_api(server, **fields) -> bytes:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": TEXT, **fields}, timeout=60)
    reply.raise_for_status()
    return reply.content


@pytest.mark.parametrize("name", [*(f"ünïcode 音.{format_.value}" for format_ in AudioFormat if format_ is not AudioFormat.PCM), "out"])
def test_a_file_has_the_format_of_its_ending(say, name, capsys):
    assert say(TEXT, "-o", name) == 0
    heard = hear(Path(name).read_bytes())
    assert heard.kind == (Path(name).suffix[1:] or "mp3")
    assert heard.seconds > 1.5
    words = capsys.readouterr().out
    assert f"{name}: {heard.kind}," in words
    assert "s by embedded, voice alloy" in words


def test_a_server_and_this_process_and_the_api_make_the_same_file(server, say, monkeypatch):
    options = [TEXT, "--seed", "7", "--voice", "nova", "-o", "out.mp3"]
    assert say(*options) == 0
    by_server = Path("out.mp3").read_bytes()
    # The keys of this machine's own settings are no hindrance to itself.
    monkeypatch.setenv("API_KEYS", "one,two")
    assert main(["say", *options]) == 0
    assert Path("out.mp3").read_bytes() == by_server
    assert made_by_the_api(server, seed=7, voice="nova", response_format="mp3") == by_server


def test_the_server_may_come_from_the_environment_and_be_named_as_for_the_sdk(server, monkeypatch, capsys):
    monkeypatch.setenv(SERVER_VARIABLE, f"127.0.0.1:{server.port}/v1/")
    # Settings are those of a server, so a wrong one does not matter here.
    monkeypatch.setenv("PORT", "many")
    assert main(["say", TEXT, "-o", "out.wav"]) == 0
    assert "by embedded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("Größe zählt, naïve café.".encode(), []),
        ("Größe zählt, naïve café.".encode("utf-8-sig"), []),
        ("Größe zählt, naïve café.".encode("utf-16"), []),
        ("Größe zählt, naïve café.".encode("cp1252"), ["--encoding", "cp1252"]),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16", "named"],
)
def test_standard_input_and_files_hold_the_same_text_as_an_argument(say, monkeypatch, data, options):
    common = ["--seed", "1", "-o", "out.wav"]
    assert say("Größe zählt, naïve café.", *common) == 0
    expected = Path("out.wav").read_bytes()
    give_standard_input(monkeypatch, data)
    assert say("-", *options, *common) == 0
    assert Path("out.wav").read_bytes() == expected
    Path("text.txt").write_bytes(data)
    assert say("--file", "text.txt", *options, *common) == 0
    assert Path("out.wav").read_bytes() == expected


def test_words_without_quotes_are_one_text(say):
    assert say("Hello", "from", "here.", "--seed", "1", "-o", "words.wav") == 0
    assert say("Hello from here.", "--seed", "1", "-o", "text.wav") == 0
    assert Path("words.wav").read_bytes() == Path("text.wav").read_bytes()


def test_every_control_of_the_api_is_an_option_and_reaches_the_server(say, capsys):
    assert {*NUMBERS, *SWITCHES} == {*Controls.model_fields, "cache"}
    values = {name: "1" if name not in ("min_p", "top_p") else "0.5" for name in NUMBERS}
    options = [part for name, value in values.items() for part in ("--" + name.replace("_", "-"), value)]
    assert say(TEXT, "-o", "out.wav", *options, "--no-norm-loudness", "--no-cache", "--instructions", "Softly.") == 0
    ignored = capsys.readouterr().err.partition("ignored: ")[2]
    assert {name for name in Controls.model_fields if name in ignored} == set(Controls.model_fields)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_control_out_of_range_is_told_by_its_name(say, name, capsys):
    assert say(TEXT, "-o", "out.wav", "--" + name.replace("_", "-"), "99999") == 1
    assert f"{name}: " in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_rate_speed_and_language_are_used(say):
    assert say(TEXT, "--seed", "1", "-o", "usual.wav") == 0
    assert say(TEXT, "--seed", "1", "-o", "fast.wav", "--speed", "2", "--sample-rate", "16000", "--language", "en") == 0
    usual, fast = (hear(Path(name).read_bytes()) for name in ("usual.wav", "fast.wav"))
    assert (usual.rate, fast.rate) == (24000, 16000)
    assert fast.seconds == pytest.approx(usual.seconds / 2, rel=0.15)
    assert say(TEXT, "-o", "rate.mp3", "--sample-rate", "20000") == 0
    assert hear(Path("rate.mp3").read_bytes()).rate == 22050


def test_a_clip_gives_the_voice(say, clip, capsys):
    Path("Stimme 声.flac").write_bytes(clip)
    assert say(TEXT, "--reference", "Stimme 声.flac", "-o", "out.mp3", "--exaggeration", "1", "--no-norm-loudness") == 0
    words = capsys.readouterr()
    assert "voice of the clip (matched to Stimme 声.flac)" in words.out
    assert "norm_loudness" in words.err


def test_audio_goes_to_the_standard_output_and_words_do_not(say, capfdbinary):
    assert say(TEXT, "-o", "-") == 0
    assert say(TEXT, "-o", "-", "--format", "mp3", "--quiet") == 0
    out, err = capfdbinary.readouterr()
    assert sniff(out) == "wav"
    assert hear(out).seconds > 1.5
    assert err.count(b"by embedded") == 1


def test_a_key_is_sent_and_asked_for(start_server, monkeypatch, capsys):
    running = start_server(api_keys=("geheim-é-钥匙",))
    arguments = ["say", TEXT, "-o", "out.mp3", "--server", running.url]
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert f"{running.url} requires a key. Give the key with --key, or in the environment variable {KEY_VARIABLE}." in message
    for command in (arguments, ["voices", "--server", running.url], ["models", "--server", running.url]):
        assert main([*command, "--key", "another"]) == 1
        message = capsys.readouterr().err
        assert message.startswith("The key is not accepted.")
        assert "requires a key" not in message
    assert main([*arguments, "--key", "geheim-é-钥匙"]) == 0
    monkeypatch.setenv(KEY_VARIABLE, "geheim-é-钥匙")
    assert main(arguments) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([TEXT, "-o", "out.xyz"], 2, "must end in one of .mp3"),
        ([TEXT, "-o", "nowhere/out.mp3"], 2, "there is no folder"),
        ([TEXT, "--file", "text.txt", "-o", "out.mp3"], 2, "not both"),
        (["-o", "out.mp3"], 2, "There is no text."),
        (["--file", "missing.txt", "-o", "out.mp3"], 1, "missing.txt"),
        (["--file", "latin.txt", "-o", "out.mp3"], 2, "latin.txt is not utf-8 text. Save it as UTF-8"),
        (["--file", "latin.txt", "--encoding", "klingon", "-o", "out.mp3"], 2, "unknown encoding"),
        ([TEXT, "--reference", "missing.wav", "-o", "out.mp3"], 1, "missing.wav"),
        ([TEXT, "--reference", "latin.txt", "-o", "out.mp3"], 1, "audio"),
        ([TEXT, "--voice", "nobody", "-o", "out.mp3"], 1, "There is no voice 'nobody'"),
        ([TEXT, "--model", "chatterbox-nano", "-o", "out.mp3"], 1, "install chatterbox. The model 'embedded' needs no installation."),
        ([TEXT, "--language", "klingon", "-o", "out.mp3"], 1, "not a language code"),
        (["\u200b", "-o", "out.mp3"], 1, "nothing to say"),
        (["", "-o", "out.mp3"], 1, "nothing to say"),
    ],
)
def test_errors_are_sentences_and_leave_no_file(say, arguments, code, words, capsys):
    Path("latin.txt").write_bytes("Größe".encode("cp1252"))
    assert say(*arguments) == code
    assert words in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["latin.txt"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gpt-9", "There is no model 'gpt-9' at {url}; embedded was used instead."),
        ("chaterbox-turbo", "embedded was used instead. Did you mean chatterbox-turbo?"),
        ("tts-1", ""),
        ("Embedded", ""),
    ],
)
def test_a_model_that_is_not_the_one_asked_for_is_warned_of(say, server, capsys, model, words):
    for options in ([], ["--quiet"]):
        assert say(TEXT, "--model", model, "-o", "out.wav", *options) == 0
        warnings = capsys.readouterr().err
        assert words.format(url=server.url) in warnings
        assert bool(warnings) == bool(words)


def test_a_model_whose_name_stands_for_one_that_is_not_ready_is_warned_of(capsys):
    source = SmallSource("Turbo", make=SpeakingEngine)
    source.creates.clear()
    with run_server({"chatterbox-turbo": source}, model_id_map={"quick": "chatterbox-turbo"}, preload_models=("quick",)) as running:
        assert main(["say", TEXT, "--model", "quick", "-o", "out.wav", "--server", running.url]) == 0
        source.creates.set()
    assert "The model 'quick' is not ready; embedded was used instead." in capsys.readouterr().err


def test_a_model_that_is_not_installed_is_refused_with_the_command_that_brings_it(capsys):
    packages = [EMBEDDED, replace(CHATTERBOX, is_installed=lambda: False)]
    assert main(["say", TEXT, "--model", "chatterbox-turbo", "-o", "out.wav"], packages) == 1
    message = capsys.readouterr().err
    assert "Chatterbox Turbo is not installed. Install it with: " in message
    assert "answers meanwhile" not in message
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("nas", "http://nas:5093"),
        ("nas.local/", "http://nas.local:5093"),
        ("nas/tts", "http://nas:5093/tts"),
        ("nas:80", "http://nas:80"),
        ("192.168.1.20", "http://192.168.1.20:5093"),
        ("::1", "http://[::1]:5093"),
        ("[::1]", "http://[::1]:5093"),
        ("http://nas", "http://nas"),
        ("https://tts.example.com/v1", "https://tts.example.com"),
    ],
)
def test_a_name_alone_means_the_port_of_parlance(written, meant):
    assert connection.base_address(written) == meant


WAITING = b"HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\0\0\0\0\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n<html>nothing here", "answered 404 and is not a Parlance server"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\n\r\n", "redirects to https://elsewhere/"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 50\r\n\r\nshort", "ended its reply early"),
        (WAITING, "ended its reply early"),
        (b"", "No server answers at"),
        (b"\0\1\2 this is no HTTP\r\n\r\n", "http://127.0.0.1"),
    ],
    ids=["another server", "a redirection", "a cut error", "cut audio", "nothing", "no HTTP"],
)
def test_what_is_no_proper_answer_is_told_in_words_and_leaves_the_old_file(answer, words, capsys):
    Path("out.wav").write_bytes(b"an older file")
    with answering(answer) as address:
        assert main(["say", TEXT, "-o", "out.wav", "--server", address]) == 1
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == {"out.wav": b"an older file"}


def test_nobody_at_the_address_is_told_in_words(capsys):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert main(["say", TEXT, "-o", "out.wav", "--server", address]) == 1
    assert f"No server answers at {address}. Is it started" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["ftp://here", "http://", "http://here:many", "http://[::1"])
def test_an_address_that_is_none_is_told_in_words(address, capsys):
    assert main(["say", TEXT, "-o", "out.wav", "--server", address]) == 1
    assert "is not an address of a server, such as http://127.0.0.1:5093" in capsys.readouterr().err


def test_https_at_a_port_without_it_is_told_in_words(server, capsys, monkeypatch):
    """The server waits for the end of a request, the client for the server's half of the handshake."""
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    assert main(["say", TEXT, "-o", "out.wav", "--server", server.url.replace("http:", "https:")]) == 1
    assert server.url.replace("http:", "https:") in capsys.readouterr().err


def test_a_model_that_is_on_its_way_is_waited_for(monkeypatch, capsys):
    """The source holds the model back until the client has been told once to come again."""
    source = SmallSource("Turbo", make=SpeakingEngine)
    source.creates.clear()
    waits: list[float] = []
    sleep = time.sleep

    def wait(seconds: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            sleep(seconds)  # the server's own threads
            return
        waits.append(seconds)
        source.creates.set()
        running.synthesizer.catalog.models.wait("chatterbox-turbo", 20)

    monkeypatch.setattr(time, "sleep", wait)
    with run_server({"chatterbox-turbo": source}) as running:
        assert main(["say", "Yes.", "--model", "chatterbox-turbo", "-o", "out.mp3", "--server", running.url]) == 0
    words = capsys.readouterr()
    assert "by chatterbox-turbo" in words.out
    assert words.err.count("(Waiting; stop with Ctrl-C.)") == 1
    assert 0 < max(waits) <= 5


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_stops_in_words_and_leaves_no_file(server, tmp_path):
    # A shell that runs the tests in the background has them ignore the signal, and so their children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tts_server", "say", "-", "-o", "long.wav", "--server", server.url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert process.stdin is not None
        process.stdin.write(" ".join(f"This is sentence number {n} of a long story." for n in range(2000)).encode())
        process.stdin.close()
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob(".long-*.part")):
            assert time.monotonic() < deadline, "nothing was written"
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b"Stopped.\n", "a pipe is told no progress"
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_sees_a_bar(server):
    import fcntl
    import pty
    import termios

    command = [sys.executable, "-m", "tts_server", "say", TEXT, "-o", "out.wav", "--server", server.url]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stderr=terminal, stdout=subprocess.DEVNULL, env=environment) as process:
        os.close(terminal)
        seen = b""
        # The end of a terminal is an error on Linux.
        try:
            while data := os.read(screen, 4096):
                seen += data
        except OSError:
            pass
        os.close(screen)
    assert process.returncode == 0
    assert b"of speech" in seen
    assert b" left" in seen
    assert b"%" in seen
