"""The benchmark of reading works: its figures are for a machine at rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_a_quick_run_prints_every_table_and_a_verdict_for_each_claim(tmp_path: Path) -> None:
    command = [sys.executable, str(PROJECT / "benchmarks" / "reading.py"), "--quick", "--rounds", "1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert run.stderr == ""
    texts, hostile, claims = run.stdout.split("## ")[1:]
    assert texts.startswith("Reading a text of 400 characters")
    assert texts.count("\n| ") == 2 + 16
    assert hostile.count("\n| ") > 60
    verdicts = [line.split("|")[-2].strip() for line in claims.splitlines() if line.startswith("| ")][2:]
    assert len(verdicts) == 3
    assert set(verdicts) <= {"PASS", "FAIL"}
    assert run.returncode == (1 if "FAIL" in verdicts else 0)
