"""The page as its visitor handles it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Locator, Page, expect
from support.decoded_audio import Heard, hear

RECORDER = """
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    this.port.postMessage(input[0]?.slice() ?? new Float32Array(128));
    return true;
  }
});
"""

SHORT = "Good evening, and welcome to the harbour."
SENTENCE = "The lighthouse keeper put down his cup, looked out at the grey water, and waited for bird number {}. "


def long_text(characters: int) -> str:
    return "".join(SENTENCE.format(number) for number in range(1, 1000))[:characters]


class Studio:
    """`page` at `url`; `watch` holds its complaints."""

    def __init__(self, page: Page, url: str, watch: Any) -> None:
        self.page = page
        self.url = url
        self.watch = watch

    def visit(self) -> Studio:
        self.page.goto(self.url)
        return self

    def ready(self) -> Studio:
        expect(self["#strip"]).to_have_attribute("data-state", "ready")
        return self

    def __getitem__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def start(self, text: str) -> None:
        self["#text"].fill(text)
        self["#generate"].click()

    def generate(self, text: str = SHORT) -> None:
        """Generate and wait until all of it is made (it plays on)."""
        self.ready()
        entries = self["#history > li"].count()
        self.start(text)
        expect(self["#history > li"]).to_have_count(entries + 1)
        expect(self["#generate"]).to_be_visible()

    def record_sound(self) -> None:
        """From here on, keep every sample that goes to the loudspeaker. The page must be opened with `bypass_csp=True`."""
        self.page.evaluate(
            """async (recorderUrl) => {
              const { speaker, wake } = await import(new URL("static/js/audio/speaker.js", location.href));
              wake();
              const { context, output } = speaker();
              await context.audioWorklet.addModule(recorderUrl);
              const recorder = new AudioWorkletNode(context, "recorder");
              window.sound = [];
              recorder.port.onmessage = (event) => window.sound.push(event.data);
              output.connect(recorder).connect(context.destination);
            }""",
            f"data:text/javascript,{quote(RECORDER)}",
        )

    def recorded_sound(self) -> npt.NDArray[np.float32]:
        values = self.page.evaluate("window.sound.map((block) => [...block]).flat()")
        return np.asarray(values, dtype=np.float32)

    def wait_for_sound(self) -> None:
        self.wait_until("window.sound.some((block) => block.some((value) => Math.abs(value) > 0.01))")

    def wait_until(self, expression: str, seconds: float = 15) -> None:
        """Playwright's own wait_for_function needs `eval`, which the page's CSP forbids."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"not within {seconds} s: {expression}"
            self.page.wait_for_timeout(20)

    def download(self, format_: str = "wav") -> bytes:
        self["#format"].select_option(format_)
        with self.page.expect_download() as started:
            self["#download"].click()
        return Path(started.value.path()).read_bytes()

    def audio(self) -> Heard:
        return hear(self.download("wav"))

    def problem(self, field: str) -> Locator:
        return self[f'[data-error-for="{field}"]']

    def total_seconds(self) -> float:
        return float(self["#seek"].get_attribute("max") or 0)
