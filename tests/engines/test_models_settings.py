"""Which models the settings bring, and what is imported for them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tts_server.build import build_synthesizer
from tts_server.config import SettingsError
from tts_server.engines.chatterbox.package import CHATTERBOX
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.settings import load_settings

PROJECT = Path(__file__).resolve().parents[2]

START = """
import sys
from tts_server.build import build_app, build_synthesizer
from tts_server.settings import load_settings

settings = load_settings()
synthesizer = build_synthesizer(settings)
assert build_app(settings, synthesizer).test_client().get("/health").status_code == 200
print([name for name in ("torch", "chatterbox", "transformers") if name in sys.modules])
"""


def test_no_model_is_imported_before_it_is_loaded(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", START], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_without_the_packages_of_chatterbox_its_models_are_known_but_not_installed() -> None:
    packages = [EMBEDDED, replace(CHATTERBOX, is_installed=lambda: False)]
    catalog = build_synthesizer(load_settings(), packages=packages).catalog
    assert not catalog.is_installed("chatterbox-turbo")
    assert "install chatterbox" in (catalog.status("chatterbox-turbo").reason or "")
    catalog.close()


def test_with_them_all_four_are_there_to_be_loaded_with_what_they_can_do() -> None:
    packages = [EMBEDDED, replace(CHATTERBOX, is_installed=lambda: True)]
    catalog = build_synthesizer(load_settings(), packages=packages).catalog
    capabilities = {name: catalog.capabilities(f"chatterbox-{name}") for name in ("english", "multilingual", "turbo", "nano")}
    catalog.close()
    assert {name: len(known.languages) for name, known in capabilities.items()} == {"english": 1, "multilingual": 23, "turbo": 1, "nano": 1}
    assert {name: "[laugh]" in known.tags for name, known in capabilities.items()} == {
        "english": False,
        "multilingual": False,
        "turbo": True,
        "nano": True,
    }
    assert {known.cloning for known in capabilities.values()} == {"cloned"}
    kinds = {control.name: control.kind for control in capabilities["turbo"].controls}
    assert kinds == {
        "temperature": "number",
        "top_p": "number",
        "top_k": "whole",
        "repetition_penalty": "number",
        "norm_loudness": "switch",
    }


def test_a_model_to_preload_that_does_not_exist_is_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="PRELOAD_MODELS: there is no model 'nothing'"):
        build_synthesizer(load_settings(preload_models=("chatterbox-turbo", "nothing")), {})


@pytest.mark.parametrize(("minutes", "seconds"), [(15, 900), (0, 10), (-1, None)])
def test_keep_alive_is_in_minutes_and_for_ever_below_zero(minutes: float, seconds: float | None) -> None:
    catalog = build_synthesizer(load_settings(keep_alive_minutes=minutes, model_memory_mb=5), {}).catalog
    catalog.close()
    assert catalog.models.keep_alive == seconds
    assert catalog.models.memory_limit == 5 * 2**20
