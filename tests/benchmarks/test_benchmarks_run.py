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
    """A finished `--quick` run, and the JSON file that it wrote."""
    file = tmp_path_factory.mktemp("benchmark") / "figures.json"
    command = [sys.executable, str(PROJECT / "benchmarks" / "server.py"), "--quick", "--json", str(file)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    return run, file


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
