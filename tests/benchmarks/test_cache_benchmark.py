"""The benchmark of the audio cache works: its figures are nobody's business here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_one_round_prints_a_row_for_each_kind_of_reply_and_a_verdict(tmp_path: Path) -> None:
    command = [sys.executable, str(PROJECT / "benchmarks" / "cache.py"), "--rounds", "1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert run.returncode in (0, 1), run.stderr
    rows = [line.split("|")[1:-1] for line in run.stdout.splitlines() if line.startswith("| ")][1:]
    assert [(row[0].strip(), row[1].strip()) for row in rows] == [
        (name, kind) for name in ("mp3", "opus", "wav") for kind in ("whole", "streamed")
    ]
    assert all(float(row[2]) > float(row[3]) > 0 for row in rows)
    assert ("PASS" in run.stdout) == (run.returncode == 0)
