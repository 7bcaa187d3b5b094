"""Programs of docs/INTEGRATIONS.md as somebody would paste them."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "INTEGRATIONS.md").read_text(encoding="utf-8")


def example(name: str, url: str) -> str:
    """One of them; only the address changes: the tests' server is on a free port."""
    found = re.search(rf"<!-- run: {name} -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1].replace("http://127.0.0.1:5093", url)
