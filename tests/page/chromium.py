"""Chromium as the tests of the page start it."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import Browser, Playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""In this order: the headless shell is the same engine without a window's own interface, and takes a part of its time."""

FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP parlance.local 127.0.0.1",
]


def launch(playwright: Playwright, *flags: str) -> Browser:
    path = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if path is None:
        if os.environ.get("PARLANCE_REQUIRE_TOOLS"):
            pytest.fail("there is no Chromium on this machine, and no browser test may be skipped here")
        pytest.skip("there is no Chromium on this machine")
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
