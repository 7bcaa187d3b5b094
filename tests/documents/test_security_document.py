"""SECURITY.md promises nothing without a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SECURITY = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")


def promises() -> list[tuple[str, list[tuple[str, str]]]]:
    """The guarantees with their tests: each is a list entry with the tests as a list below it."""
    section = SECURITY.partition("\n## Guarantees\n")[2].partition("\n## ")[0]
    entries = re.findall(r"^- (.*(?:\n  (?!- ).*)*)((?:\n  - .*)*)", section, re.MULTILINE)
    return [(promise, re.findall(r"`([\w/.]+)::(\w+)`", tests)) for promise, tests in entries]


def test_every_promise_names_a_test_that_exists():
    assert len(promises()) > 20
    for promise, proofs in promises():
        assert proofs, promise
        for file, name in proofs:
            assert f"def {name}(" in (PROJECT / "tests" / file).read_text(encoding="utf-8"), f"{promise}: {file}::{name}"


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", SECURITY):
        assert (PROJECT / target).exists(), target
