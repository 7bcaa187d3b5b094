"""`report.md`, `report.json` and the line to paste into a bug report."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.acceptance.checks import Check, Verdict
from benchmarks.acceptance.parts.device import describe
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.table import PARTS
from benchmarks.machine import describe_machine
from benchmarks.tables import table
from tts_server import __version__

import torch  # isort: skip

PROJECT = Path(__file__).resolve().parents[2]


def write(folder: Path, sessions: Sequence[Session]) -> None:
    """Write both reports into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(sessions), encoding="utf-8")
    document = {
        "machine": describe_machine(),
        "version": __version__,
        "commit": commit(),
        "models": [
            {
                "model": session.subject.family.id,
                "summary": summary(session),
                "checks": [{**vars(check), "verdict": check.verdict.value} for check in session.checks],
                "figures": session.figures,
            }
            for session in sessions
        ],
    }
    text = json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text, encoding="utf-8")


def markdown(sessions: Sequence[Session]) -> str:
    """The report: the summary of each model first, then a table for each part."""
    lines = ["# Acceptance", "", *(f"    {summary(session)}" for session in sessions), "", f"Machine: {describe_machine()}.", ""]
    for session in sessions:
        loading = session.subject.loading
        weights = "Random weights" if loading.is_random else "Weights"
        recognizer = session.recognizer.name or "no recogniser"
        lines += [f"## {session.subject.family.name}", "", f"{weights} of `{loading.folder.name}`; {recognizer}."]
        for part in PARTS:
            checks = [check for check in session.checks if check.part == part.name]
            if checks:
                lines += ["", f"### {part.title}", "", *_checks(checks)]
        lines += ["", *_speed(session), ""]
    lines += ["All figures are in `report.json`; the WAVs beside it are named by model, part and text.", ""]
    return "\n".join(lines)


def summary(session: Session) -> str:
    """One line: model, version, device, torch, mode, speed, first audio, word errors, retries, verdict."""
    loading = session.subject.loading
    weights = "random" if loading.is_random else loading.folder.name[:8]
    steps = session.figures.get("speed", {}).get("steps", [])
    rate = _word_error_rate(session)
    fields = [
        f"{session.subject.family.id} ({weights})",
        f"Parlance {__version__} {commit()}".rstrip(),
        describe(session.subject.device),
        f"torch {torch.__version__}",
        loading.mode,
        *(f"{step['times real time']:.2f} x real time with {step['streams']}" for step in (steps[:1] + steps[1:][-1:])),
        *(f"first audio {step['first audio, median']:.2f} s" for step in steps[:1]),
        "WER not judged" if rate is None else f"WER {100 * rate:.1f} %",
        f"retries {_retries(session)}",
        verdict(session.checks),
    ]
    return "; ".join(fields)


def verdict(checks: Sequence[Check]) -> str:
    """PASS or FAIL, with how many thresholds were judged."""
    counts = {one: sum(check.verdict is one for check in checks) for one in Verdict}
    failed = sorted({check.part for check in checks if check.verdict is Verdict.FAIL})
    word = f"FAIL ({', '.join(failed)})" if failed else "PASS" if counts[Verdict.PASS] else "NOTHING JUDGED"
    return f"{word}, {counts[Verdict.PASS]} passed, {counts[Verdict.FAIL]} failed, {counts[Verdict.NOT_JUDGED]} not judged"


def has_failed(sessions: Sequence[Session]) -> bool:
    """Whether a threshold was missed, or nothing at all was judged."""
    checks = [check for session in sessions for check in session.checks]
    return any(check.verdict is Verdict.FAIL for check in checks) or all(check.verdict is Verdict.NOT_JUDGED for check in checks)


def commit() -> str:
    """The commit of this copy, empty where it was not cloned."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _checks(checks: Sequence[Check]) -> list[str]:
    rows = []
    for check in checks:
        reason = f": {check.reason}" if check.reason else ""
        cells = [check.words, check.measured, check.limit, check.verdict.value + reason]
        rows.append([cell.replace("|", "/") for cell in cells])
    return table(["figure", "measured", "must be", "verdict"], rows)


def _speed(session: Session) -> list[str]:
    figures = session.figures.get("speed", {})
    if not figures.get("steps"):
        return []
    names = list(figures["steps"][0])
    shares = ", ".join(f"{name} {share:.0%}" for name, share in figures.get("shares of the time", {}).items())
    rows = [[f"{step[name]:.4g}" for name in names] for step in figures["steps"]]
    return [*table(names, rows), "", f"Shares of the engine's time: {shares or 'none measured'}."]


def _word_error_rate(session: Session) -> float | None:
    """The first language's; None where none was measured, or the weights are random."""
    if session.subject.loading.is_random:
        return None
    rates = [value for name, value in session.figures.get("words", {}).items() if name.startswith(("wer", "cer"))]
    return rates[0] if rates else None


def _retries(session: Session) -> str:
    if session.subject.loading.is_random:
        return "not judged"
    return f"{sum(spoken.retries for spoken in session.spoken)}/{sum(len(spoken.segments) for spoken in session.spoken)}"


def _finite(value: Any) -> Any:
    """A document for JSON, which has no infinite numbers: these become None."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
