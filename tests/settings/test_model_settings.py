"""The settings of the models' files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tts_server.config import SettingsError
from tts_server.engines.chatterbox.options import file_options
from tts_server.settings import load_settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("main", {"": "main"}),
        ("chatterbox-turbo=v1.0, Chatterbox-Nano=main", {"chatterbox-turbo": "v1.0", "chatterbox-nano": "main"}),
        ("main,chatterbox-turbo=" + "a" * 40, {"": "main", "chatterbox-turbo": "a" * 40}),
        ("", {}),
    ],
)
def test_revisions_are_named_for_all_models_or_for_one(value: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_REVISION", value)
    assert file_options(load_settings()).revisions == expected


@pytest.mark.parametrize("value", ["../main", "chatterbox-turbo=", "refs/pr/1", "chatterbox-turbo=a/b"])
def test_what_is_no_revision_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_REVISION", value)
    with pytest.raises(SettingsError, match="MODEL_REVISION"):
        load_settings()


def test_a_revision_of_a_model_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_REVISION", "chatterbox-tubro=main")
    with pytest.raises(SettingsError, match="no model 'chatterbox-tubro'. Did you mean chatterbox-turbo?"):
        file_options(load_settings())


def test_the_address_of_the_segmenter_is_one_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTER_URL", "file:///etc/passwd")
    with pytest.raises(SettingsError, match="SEGMENTER_URL"):
        load_settings()


def test_the_folders_and_the_mirror_reach_the_search_for_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "https://hub.example", "HF_TOKEN": "t", "HF_HUB_OFFLINE": "1"}
    for name, value in {**values, "MODEL_DIR": str(tmp_path / "models")}.items():
        monkeypatch.setenv(name, value)
    options = file_options(load_settings())
    assert (options.hf_home, options.endpoint, options.token, options.is_offline) == (tmp_path, "https://hub.example", "t", True)
    assert options.model_dir == tmp_path / "models"
