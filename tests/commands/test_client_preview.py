"""`say --preview`: how a text will be read, printed instead of spoken."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from commands.other_servers import answering
from support.server import RunningServer

from tts_server.client.preview import describe_change
from tts_server.client.texts import PIECE_CHARACTERS
from tts_server.commands import main
from tts_server.launcher.client_options import KEY_VARIABLE, SERVER_VARIABLE

PROJECT = Path(__file__).resolve().parents[2]
TEXT = "The ﬁrst oﬀer, naïve and Größe."

Preview = Callable[..., int]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def preview(server: RunningServer) -> Preview:
    """Run `say --preview` against the server of the tests; returns the exit code."""
    return lambda *arguments: main(["say", "--preview", "--server", server.url, *arguments])


def read_by_the_api(server: RunningServer, text: str = TEXT, **fields: Any) -> dict[str, Any]:
    reply = requests.post(f"{server.url}/v1/text/normalize", json={"input": text, **fields}, timeout=60)
    reply.raise_for_status()
    body: dict[str, Any] = reply.json()
    return body


def test_the_words_the_language_and_each_change_are_printed(
    server: RunningServer, preview: Preview, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preview(TEXT) == 0
    expected = read_by_the_api(server)
    assert len(expected["changes"]) >= 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [expected["text"], "", "Language: en. Changes:"]
    assert lines[3:] == [f"  {change['from']} -> {change['to']} ({change['rule']})" for change in expected["changes"]]


def test_nothing_is_spoken_and_nothing_is_written(
    server: RunningServer, preview: Preview, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = server.synthesizer.metrics.snapshot()["total_completed"]
    assert preview(TEXT) == 0
    assert server.synthesizer.metrics.snapshot()["total_completed"] == before
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_quiet_prints_the_words_alone(server: RunningServer, preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    assert preview("-q", TEXT) == 0
    assert capsys.readouterr().out == read_by_the_api(server)["text"] + "\n"


def test_this_process_and_a_server_print_the_same(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    gc.collect()  # warnings of what earlier tests left open do not belong to these commands
    capsys.readouterr()
    assert preview(TEXT) == 0
    by_server = capsys.readouterr()
    assert main(["say", "--preview", TEXT]) == 0
    assert capsys.readouterr() == by_server


def test_a_text_that_stays_as_it_is_has_no_list_of_changes(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    assert preview("Nothing to see here.") == 0
    assert capsys.readouterr().out == "Nothing to see here.\n\nLanguage: en. Nothing is changed.\n"


def test_text_normalization_off_shows_the_text_as_written(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    assert preview("--text-normalization", "off", TEXT) == 0
    assert capsys.readouterr().out == f"{TEXT}\n\nLanguage: en. Nothing is changed.\n"


def test_the_language_of_the_options_counts(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    assert preview("--language", "de", "Taxi") == 0
    assert "Language: de." in capsys.readouterr().out


def test_a_long_file_is_shown_whole_and_a_change_that_comes_often_once(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    sentences = [f"This is the sentence called {letter * 3}, and its oﬀer is ﬁne." for letter in "abcdefghijklmnopqrstuvwxyz"] * 4
    text = " ".join(sentences)
    assert len(text) > PIECE_CHARACTERS
    Path("book.txt").write_text(text, encoding="utf-8")
    assert preview("--file", "book.txt") == 0
    output = capsys.readouterr().out
    words, _, changes = output.partition("Language: en. Changes:\n")
    assert words.split() == text.replace("ﬀ", "ff").replace("ﬁ", "fi").split()
    assert [line.rpartition(", ")[2] for line in changes.splitlines()] == ["104 times", "104 times"]


def test_a_pipe_gets_utf_8_whatever_the_code_page(server: RunningServer) -> None:
    command = [sys.executable, "-m", "tts_server", "say", "--preview", "--server", server.url, "Größe, ﬁne, 今天"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Größe, fine, 今天" in done.stdout.decode("utf-8")


def test_the_text_may_come_from_the_standard_input(
    preview: Preview, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Größe.".encode()), encoding="cp1252"))
    assert preview("-q", "-") == 0
    assert capsys.readouterr().out == "Größe.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([TEXT, "-o", "out.mp3"], 2, "leave out either --preview or --output"),
        ([], 2, "There is no text."),
        ([""], 1, "nothing to say"),
        ([TEXT, "--voice", "nobody"], 1, "There is no voice 'nobody'"),
        ([TEXT, "--language", "klingon"], 1, "not a language code"),
    ],
)
def test_errors_are_sentences(preview: Preview, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert preview(*arguments) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_a_server_that_cannot_show_it_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"a": true}') as address:
        assert main(["say", "--preview", TEXT, "--server", address]) == 1
    assert "is not a Parlance server, or too old for previews" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"from": "$5", "to": "five dollars", "rule": "money"}, "$5 -> five dollars (money)"),
        ({"from": "🙂", "to": "", "rule": "decoration"}, "🙂 -> [silent] (decoration)"),
        ({"from": "#\n  Title", "to": "Title.", "rule": "markdown"}, "# Title -> Title. (markdown)"),
        ({"from": "=" * 500, "to": "", "rule": "decoration"}, "=" * 79 + "… -> [silent] (decoration)"),
    ],
)
def test_a_change_is_one_short_line(change: dict[str, str], line: str) -> None:
    assert describe_change(change) == line
