"""The benchmark itself works: its figures are nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A finished `--quick` run, started from a folder elsewhere, and the JSON file that it wrote there."""
    folder = tmp_path_factory.mktemp("benchmark")
    command = [sys.executable, str(PROJECT / "benchmarks" / "server.py"), "--quick", "--json", "figures.json"]
    run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    return run, folder / "figures.json"


def test_a_quick_run_prints_every_table_and_a_verdict_for_each_claim(quick_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    output = quick_run[0].stdout
    assert [line for line in output.splitlines() if line.startswith("## ")] == [
        "## Short texts: 12 words, all different, 0.6 s a cell",
        "## First byte against the length of the text, one client",
        "## Start and memory, medians of 1 starts",
        "## Long texts, streamed by Parlance",
        "## Claims",
    ]
    verdicts = [line.split("|")[-2].strip() for line in output.partition("## Claims")[2].splitlines() if line.startswith("| ")][2:]
    assert len(verdicts) == 6
    assert set(verdicts) <= {"PASS", "FAIL"}


def test_the_first_table_says_that_the_two_differ_in_the_silence_they_send(
    quick_run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    first_section = quick_run[0].stdout.partition("## Short texts")[2].partition("## ")[0]
    assert "Audio s/s compares less than requests/s" in first_section.rpartition("|")[2]


def test_memory_at_the_end_is_read_after_a_rest_and_held_against_400_megabytes(
    quick_run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    run, file = quick_run
    assert run.stderr.splitlines()[-1].endswith("4 s of rest")
    figures = json.loads(file.read_text(encoding="utf-8"))
    (claim,) = (claim for claim in figures["claims"] if "memory after the start" in claim["words"])
    assert claim["words"] == "idle memory after the start, and after all of this and a few seconds' rest"
    assert claim["limit"] == "< 400 MB"
    assert claim["is_met"] == (max(*figures["idle_rss"]["Parlance"], figures["rss_after"]["Parlance"]) < 400e6)


def test_the_json_file_holds_what_both_servers_really_did(quick_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    figures = json.loads(quick_run[1].read_text(encoding="utf-8"))
    assert set(figures["loads"]) == {"plain way", "Parlance, whole", "Parlance, stream"}
    for by_clients in figures["loads"].values():
        for load in (load for loads in by_clients.values() for load in loads):
            assert load["requests_per_second"] > 0
            assert load["audio_per_second"] > load["requests_per_second"], "twelve words take longer than a second"
            assert load["peak_rss"] > 2**20
    assert [stream["characters"] for stream in figures["long_streams"]] == [500, 1000, 2000]
    assert len(figures["claims"]) == 6
