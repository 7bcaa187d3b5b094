"""SECURITY.md promises nothing without a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SECURITY = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")


def rows() -> list[tuple[str, list[str]]]:
    """The promises with their proofs."""
    cells = [line.strip("|").split("|") for line in SECURITY.splitlines() if line.startswith("|")]
    return [
        (promise.strip(), re.findall(r"`([\w/.]+)::(\w+)`", proof)) for promise, proof in cells if promise.strip() not in ("promise", "---")
    ]


def test_every_promise_names_a_test_that_exists():
    promises = rows()
    assert len(promises) > 20
    for promise, proofs in promises:
        assert proofs, promise
        for file, name in proofs:
            assert f"def {name}(" in (PROJECT / "tests" / file).read_text(encoding="utf-8"), f"{promise}: {file}::{name}"


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", SECURITY):
        assert (PROJECT / target).exists(), target
