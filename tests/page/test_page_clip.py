"""A voice by example: file, drop, microphone."""

from __future__ import annotations

import base64
import io
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import launch
from playwright.sync_api import Browser, Playwright, expect
from studio import Studio
from support.decoded_audio import hear

pytestmark = pytest.mark.browser

DROP = """async ([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  const target = document.getElementById("text"); // anywhere on the page will do
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""

COLOURS_IN_CLIP = """() => {
  const canvas = document.getElementById("clip-canvas");
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let highest = 0;
  for (let x = 0; x < width; x++) {
    let painted = 0;
    for (let y = 0; y < canvas.height; y++) painted += data[4 * (y * width + x) + 3] > 128;
    highest = Math.max(highest, painted / canvas.height);
  }
  return highest;
}"""


def wav(samples: np.ndarray, rate: int = 24000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def expect_accepted(studio: Studio) -> None:
    expect(studio["#clip-check"]).to_contain_text("Ready to use")
    expect(studio["#clip-check [data-grade=bad]"]).to_have_count(0)


def expect_matched(studio: Studio) -> None:
    with studio.page.expect_response("**/v1/audio/speech") as answered:
        studio.generate()
    assert answered.value.header_value("x-voice-cloning") == "matched"
    expect(studio["#result-cloning"]).to_have_text("Voice matched, not cloned")


def test_a_chosen_file_is_drawn_judged_and_matched(studio: Studio, clip_file: Path) -> None:
    studio.ready()["#clip-file"].set_input_files(clip_file)
    expect(studio["#clip-name"]).to_have_text(clip_file.name)
    expect_accepted(studio)
    expect(studio["#clip-check"]).to_contain_text("Good length")
    expect(studio["#strip-clip"]).to_contain_text("It is not a clone")
    expect(studio["#voice"]).to_be_disabled()
    assert studio.page.evaluate(COLOURS_IN_CLIP) > 0.3
    expect_matched(studio)


def test_a_dropped_file_is_taken_and_the_page_stays(studio: Studio, clip: bytes) -> None:
    studio.ready().page.evaluate(DROP, ["dropped.flac", base64.b64encode(clip).decode()])
    expect(studio["#clip-name"]).to_have_text("dropped.flac")
    expect_accepted(studio)
    expect_matched(studio)


def test_the_clip_can_be_heard_and_removed(listening: Studio, clip_file: Path) -> None:
    listening["#clip-file"].set_input_files(clip_file)
    listening["#clip-play"].click()
    listening.wait_for_sound()
    listening["#clip-remove"].click()
    expect(listening["#clip"]).to_be_hidden()
    expect(listening["#drop"]).to_be_visible()
    expect(listening["#strip-clip"]).to_be_hidden()
    expect(listening["#voice"]).to_be_enabled()


def test_using_a_result_again_brings_its_clip_back(studio: Studio, clip_file: Path) -> None:
    studio.ready()["#clip-file"].set_input_files(clip_file)
    studio.generate()
    studio["#clip-remove"].click()
    studio["#history > li button"].nth(1).click()
    expect(studio["#clip-name"]).to_have_text(clip_file.name)
    expect_accepted(studio)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("short", "too short"),
        ("silent", "silent"),
        ("quiet", "quiet"),
        ("loud", "distorted|overloaded"),
        ("sparse", "of the clip is speech|little speech"),
    ],
)
def test_a_clip_of_no_use_is_told_so_in_words(studio: Studio, clip: bytes, tmp_path: Path, kind: str, words: str) -> None:
    heard = hear(clip)
    speech = heard.samples / heard.peak
    samples = {
        "short": speech[: heard.rate // 2],
        "silent": np.zeros(6 * heard.rate),
        "quiet": 0.02 * speech,
        "loud": 20 * speech,
        "sparse": np.concatenate([speech[: 2 * heard.rate], np.zeros(8 * heard.rate)]),
    }[kind]
    path = tmp_path / f"{kind}.wav"
    path.write_bytes(wav(samples, heard.rate))
    studio.watch.expect("status of 4")  # the server refuses some of them
    studio.ready()["#clip-file"].set_input_files(path)
    expect(studio["#clip-check"]).to_contain_text(re.compile(words, re.I))
    expect(studio["#clip-check [data-grade=wait]"]).to_have_count(0)


def test_a_file_that_is_not_audio_is_refused_in_words_beside_the_clip(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "letter.wav"
    path.write_text("Dear reader, this is no sound.", encoding="utf-8")
    studio.watch.expect("status of 4")
    studio.ready()["#clip-file"].set_input_files(path)
    expect(studio.problem("clip")).to_be_visible()
    assert len(studio.problem("clip").inner_text().split()) >= 3
    studio["#clip-remove"].click()
    expect(studio.problem("clip")).to_be_hidden()


@pytest.fixture
def speaking_browser(playwright: Playwright, clip: bytes, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose microphone hears the clip again and again."""
    heard = hear(clip)
    path = tmp_path / "speaker.wav"
    # Softer than the clip, since Chromium turns its microphone up.
    path.write_bytes(wav(0.3 * heard.samples, heard.rate))
    running = launch(playwright, f"--use-file-for-fake-audio-capture={path}")
    yield running
    running.close()


def test_the_microphone_records_a_clip(open_studio: Callable[..., Studio], speaking_browser: Browser) -> None:
    studio = open_studio(browser_=speaking_browser).ready()
    studio["#record"].click()
    expect(studio["#recording-time"]).to_contain_text("0:03")
    assert studio["#recording-level"].evaluate("node => node.value") > 0
    studio["#recording-done"].click()
    expect(studio["#clip-name"]).to_have_text("recording.webm")
    expect(studio["#clip-check"]).to_contain_text("Good volume")
    expect(studio["#clip-check [data-grade=wait]"]).to_have_count(0)
    expect_matched(studio)


def test_a_recording_can_be_given_up_by_escape(studio: Studio) -> None:
    studio.ready()["#record"].click()
    expect(studio["#recording"]).to_be_visible()
    studio.page.keyboard.press("Escape")
    expect(studio["#drop"]).to_be_visible()
    expect(studio["#clip"]).to_be_hidden()


def test_a_refused_microphone_is_explained(open_studio: Callable[..., Studio]) -> None:
    refuse = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
    studio = open_studio(before=refuse).ready()
    studio["#record"].click()
    expect(studio.problem("clip")).to_contain_text("The microphone is blocked")
