"""`voices` and `models`: tables for people, JSON for programs, from a server or from this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import requests
from commands.other_servers import answering

from tts_server.commands import main

CLIPS = Path(__file__).resolve().parents[1] / "clips"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows(capsys) -> dict[str, list[str]]:
    lines = capsys.readouterr().out.splitlines()
    return {cells[0].removesuffix(" *"): cells for line in lines[1:] if (cells := [cell.strip() for cell in line.split("  ") if cell])}


def test_voices_are_a_table_that_marks_the_default(server, capsys):
    assert main(["voices", "--server", server.url]) == 0
    table = rows(capsys)
    listed = requests.get(f"{server.url}/v1/voices", timeout=10).json()
    assert {voice["id"] for voice in listed["data"]} <= set(table)
    assert table["alloy"][0] == "alloy *"
    assert all(cells[0] != "nova *" for cells in table.values())


def test_columns_stand_below_each_other_for_wide_letters_too(start_server, tmp_path, capsys):
    voices = tmp_path / "voices"
    voices.mkdir()
    shutil.copy(CLIPS / "female_slt.flac", voices / "旁白女声.flac")
    running = start_server(voice_library_path=voices)
    assert main(["voices", "--server", running.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    narrow = next(line for line in lines if line.startswith("nova")).index("builtin")
    wide = next(line for line in lines if line.startswith("旁白女声")).index("library")
    assert wide == narrow - 4


def test_models_are_a_table_with_their_other_names_and_how_to_get_them(server, capsys):
    assert main(["models", "--server", server.url]) == 0
    table = rows(capsys)
    assert table["embedded"][0] == "embedded *"
    assert "tts-1" in table["embedded"][-1]
    assert "tts-1" not in table
    assert "not installed" in table["chatterbox-multilingual"]
    assert any("install chatterbox" in line for line in table)


@pytest.mark.parametrize(("command", "path"), [("voices", "/v1/voices"), ("models", "/v1/models")])
def test_json_is_what_the_server_says(server, capsys, command, path):
    assert main([command, "--json", "--server", server.url]) == 0
    assert json.loads(capsys.readouterr().out) == requests.get(server.url + path, timeout=10).json()


@pytest.mark.parametrize("command", ["voices", "models"])
def test_without_a_server_this_process_lists_its_own(server, capsys, command):
    assert main([command, "--json", "--server", server.url]) == 0
    of_the_server = json.loads(capsys.readouterr().out)["data"]
    assert main([command, "--json"]) == 0
    assert [item["id"] for item in of_the_server] == [item["id"] for item in json.loads(capsys.readouterr().out)["data"]]


@pytest.mark.parametrize("body", ["[]", "null", "<html>", '{"a":'])
def test_another_server_is_told_in_words(capsys, body):
    with answering(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()) as address:
        assert main(["voices", "--server", address]) == 1
    assert "is not a Parlance server" in capsys.readouterr().err
