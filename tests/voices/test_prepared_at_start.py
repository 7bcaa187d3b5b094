"""Voices of the folder are made ready when the server starts, and made ready again only when their clip changes."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.models_at_hand import SmallEngine
from tts_server.audio.decode import decode_clip
from tts_server.engines.catalog import ModelCatalog
from tts_server.metrics import Metrics
from tts_server.speech import SpeechRequest, VoiceReference
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.voices.library import VoiceLibrary

PROJECT = Path(__file__).resolve().parents[2]
CLIPS = PROJECT / "tests" / "clips"


class CountingEngine(SmallEngine):
    def __init__(self) -> None:
        super().__init__()
        self.prepared: list[tuple[str, bool]] = []

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> object:
        self.prepared.append((reference.digest[:8], norm_loudness))
        return reference.digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two voices, one of which has a wish, and a file that is none."""
    for name, clip in {"anna": "female_slt", "berta": "male_awb"}.items():
        shutil.copy(CLIPS / f"{clip}.flac", tmp_path / f"{name}.flac")
    (tmp_path / "broken.wav").write_bytes(b"RIFF not really")
    (tmp_path / "voices.json").write_text('{"berta": {"controls": {"norm_loudness": false}}}', encoding="utf-8")
    return tmp_path


def test_what_is_prepared_at_the_start_is_not_prepared_again_until_its_clip_changes(folder, caplog):
    with caplog.at_level(logging.WARNING):
        engine = CountingEngine()
        synthesizer = Synthesizer(ModelCatalog({"embedded": engine}), VoiceLibrary(folder, decode_clip), Metrics())
        synthesizer.prepare_voices()
    assert len(engine.prepared) == 2
    assert "'broken' cannot be used" in caplog.text
    for voice in ("anna", "berta", "ANNA"):
        synthesizer.synthesize(SpeechRequest("Yes.", voice=voice))
    assert len(engine.prepared) == 2
    shutil.copy(CLIPS / "male_rms.flac", folder / "anna.flac")
    synthesizer.synthesize(SpeechRequest("Yes.", voice="anna"))
    assert len(engine.prepared) == 3


def test_a_model_that_is_not_installed_prepares_nothing_and_is_no_error(folder, start_server):
    start_server(voice_library_path=folder, default_model="chatterbox-turbo").synthesizer.prepare_voices()


def test_the_server_prepares_them_when_it_starts(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false", "CONFIG_FILE": "none", "VOICE_LIBRARY_PATH": str(folder)},
    )
    too_long = threading.Timer(60, process.kill)
    too_long.start()
    try:
        assert any("'broken' cannot be used" in line for line in lines(process))
    finally:
        too_long.cancel()
        process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    return iter(process.stderr.readline, "")
