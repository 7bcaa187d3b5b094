"""The voices of the folder and the model that answers by default, when the server starts."""

from __future__ import annotations

from pathlib import Path

from support.chatterbox_server import copy_voices, run_tiny_server

TURBO = "chatterbox-turbo"


def test_the_default_model_has_its_voices_on_the_disk_before_anybody_asks(tmp_path):
    clip = Path(__file__).parents[1] / "clips" / "male_reader.flac"
    voices = copy_voices(clip, tmp_path / "voices")
    kept = tmp_path / "prepared" / TURBO
    with run_tiny_server(tmp_path, voice_library_path=voices, default_model=TURBO) as server:
        assert not kept.exists()
        server.synthesizer.prepare_voices()
        assert (kept / "manifest.json").is_file()
        assert len(list(kept.glob("*.safetensors"))) == 1
