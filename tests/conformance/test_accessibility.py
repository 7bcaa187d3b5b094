"""axe-core on the states of the page: WCAG 2.2 A and AA, and its best practices."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "page"))

from chromium import launch  # noqa: E402

RULES = "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }"
TEXT = "The lighthouse keeper put down his cup. There were 9 boats, and it cost $5."


def violations(page: Page, axe: str) -> list[str]:
    """The rules that the page breaks now, each with the first element that does."""
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {RULES})")["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found]


@pytest.mark.browser
@pytest.mark.parametrize(("size", "scheme"), [((1280, 900), "light"), ((360, 800), "dark")], ids=["wide and light", "narrow and dark"])
def test_no_state_of_the_page_breaks_a_rule(node_client: Callable[..., Any], server: Any, size: tuple[int, int], scheme: Any) -> None:
    axe = node_client("axe-core@>=4 <5").folder.joinpath("node_modules", "axe-core", "axe.min.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        # The policy of the page allows no scripts but its own.
        page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, bypass_csp=True)
        page.goto(server.url)
        page.wait_for_function("document.querySelectorAll('#voice option').length > 3")
        assert violations(page, axe) == []
        page.fill("#text", TEXT)
        page.click("#generate")
        page.wait_for_function("document.getElementById('status').textContent.startsWith('Done')", timeout=60_000)
        assert violations(page, axe) == []
        page.get_by_role("button", name="Browse and manage voices").click()
        page.get_by_role("button", name="In use: Alloy").wait_for()
        assert violations(page, axe) == []
        page.keyboard.press("Escape")
        page.get_by_role("button", name="How it will be read").click()
        page.get_by_text("nine boats").wait_for()
        assert violations(page, axe) == []
        browser.close()
