"""What the markup holds by itself: English words, a sentence for browsers without JavaScript, and the icons."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
import requests
from playwright.sync_api import expect
from studio import SHORT, Studio

pytestmark = pytest.mark.browser


def test_without_javascript_the_page_has_its_words_and_says_what_it_needs(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(java_script_enabled=False)
    expect(studio[".noscript"]).to_contain_text("This page needs JavaScript")
    for words in ("Text", "Result", "Voice", "Settings", "Pronunciation", "History"):
        expect(studio.page.get_by_role("heading", name=words, exact=True)).to_be_visible()
    expect(studio["#generate"]).to_have_text("Generate")
    expect(studio["#download"]).to_have_text("Download")
    nameless = studio["label:visible, h2:visible, button:not(.icon-button, .round):visible"].evaluate_all(
        "nodes => nodes.filter((node) => !node.textContent.trim() && !node.querySelector('input')).map((node) => node.outerHTML)"
    )
    assert nameless == []


def test_the_words_in_the_markup_are_the_english_ones(studio: Studio) -> None:
    english = studio.page.evaluate("async () => (await import(new URL('static/js/strings/en.js', location.href))).default")
    html = requests.get(studio.url, timeout=10).text
    marked = re.findall(r'<\w+[^<>]*\bdata-t="([^"]+)"[^<>]*>([^<]*)<', html)
    assert len(marked) > 50
    assert {key: unescape(words) for key, words in marked} == {key: english[key] for key, _ in marked}


def test_rows_that_are_drawn_while_the_server_is_gone_have_their_icons(studio: Studio) -> None:
    studio.generate()
    studio.watch.expect("ERR_")
    studio.page.route("**/*", lambda route: route.abort())
    studio.page.get_by_role("button", name="中文").click()  # draws all rows again
    expect(studio["#history > li"]).to_contain_text(SHORT)
    drawn = studio["#history svg.icon:visible"].evaluate_all("nodes => nodes.map((node) => node.getBBox().width)")
    assert len(drawn) >= 3
    assert min(drawn) > 0
