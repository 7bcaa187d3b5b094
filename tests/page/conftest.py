"""Chromium on the page of a real server. Every test also fails for a console error, a CSP violation or a request to another host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chromium import launch
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from studio import Studio

PATIENCE = 15_000  # milliseconds; a busy machine is no failure
expect.set_options(timeout=PATIENCE)


# Not for the whole session: while Playwright runs, its event loop keeps others of this thread from running.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = launch(playwright)
    yield running
    running.close()


class Watch:
    """Collects what a visitor's console and network would show."""

    def __init__(self, url: str) -> None:
        self.hosts = {urlsplit(url).hostname, "parlance.local"}
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def attach(self, page: Page) -> None:
        page.on("console", lambda message: message.type == "error" and self.complain(message.text))
        page.on("pageerror", lambda error: self.complain(f"uncaught: {error}"))
        page.on("request", lambda request: self.check(request.url))

    def check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data") and parts.hostname not in self.hosts:
            self.complain(f"request to another host: {url}")

    def complain(self, text: str) -> None:
        self.complaints.append(text)

    def expect(self, text: str) -> None:
        """Allow console errors that hold `text`: Chromium logs each failed request by itself."""
        self.expected.append(text)

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(expected in text for expected in self.expected)]


@pytest.fixture
def open_studio(request: pytest.FixtureRequest, browser: Browser, start_server: object) -> Iterator[Callable[..., Studio]]:
    """Open the page: `url` of another server, `browser` another browser, the rest options of the browser context.

    It asks for `start_server` so that pages are closed before their servers stop.
    """
    opened: list[tuple[Any, Watch]] = []

    def open_(url: str | None = None, browser_: Browser | None = None, before: str | None = None, **options: Any) -> Studio:
        address = url or request.getfixturevalue("server").url
        context = (browser_ or browser).new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(PATIENCE)
        if before:
            context.add_init_script(before)
        watch = Watch(address)
        page = context.new_page()
        watch.attach(page)
        opened.append((context, watch))
        return Studio(page, address, watch).visit()

    yield open_
    for context, watch in opened:
        context.close()
        assert watch.unexpected() == []


@pytest.fixture
def studio(open_studio: Callable[..., Studio]) -> Studio:
    """The page in English on a desktop, with the server's answers loaded."""
    return open_studio()


@pytest.fixture
def listening(open_studio: Callable[..., Studio]) -> Studio:
    """The same, with every sample that goes to the loudspeaker recorded."""
    studio = open_studio(bypass_csp=True).ready()
    studio.record_sound()
    return studio


@pytest.fixture
def clip_file(clip: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "a speaker ü.flac"
    path.write_bytes(clip)
    return path
