"""What the doctor finds out about the files and languages of the Chatterbox models."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tts_server.doctor import describe
from tts_server.engines.chatterbox.doctor_models import check_files, check_languages, check_models
from tts_server.engines.chatterbox.families import ENGLISH, MULTILINGUAL_V3, NANO, TURBO, Family
from tts_server.engines.chatterbox.weights.files import FileOptions
from tts_server.engines.chatterbox.weights.language_helpers import HELPERS
from tts_server.settings import load_settings

OTHER = "f" * 40


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileOptions:
    monkeypatch.setenv("PKUSEG_HOME", str(tmp_path / "own"))
    return FileOptions(hf_home=tmp_path)


def put(folder: Path, family: Family) -> Path:
    folder.mkdir(parents=True)
    for name in {*family.files.values(), *family.tokenizer_files}:
        (folder / name).write_bytes(b"content")
    return folder


def put_snapshot(options: FileOptions, family: Family, commit: str) -> Path:
    return put(options.hf_home / "hub" / f"models--{family.repository.replace('/', '--')}" / "snapshots" / commit, family)


def test_without_any_model_it_says_when_one_comes(options: FileOptions) -> None:
    finding = check_files([NANO, TURBO], options)
    assert finding.ok
    assert "downloaded when it is first used" in finding.detail


def test_models_are_listed_with_their_commits_and_folders(options: FileOptions, tmp_path: Path) -> None:
    put_snapshot(options, NANO, str(NANO.revision))
    own = put(tmp_path / "models" / ENGLISH.id, ENGLISH)
    finding = check_files([NANO, TURBO, ENGLISH], replace(options, model_dir=tmp_path / "models"))
    assert finding.ok
    assert finding.detail == f"chatterbox-nano at commit {NANO.revision}; chatterbox-english in {own}"


def test_files_of_another_commit_are_named_with_both(options: FileOptions) -> None:
    put_snapshot(options, NANO, OTHER)
    finding = check_files([NANO], options)
    assert not finding.ok
    assert finding.detail == f"chatterbox-nano at commit {OTHER}; the configured commit is {NANO.revision}"
    assert "MODEL_REVISION" in finding.remedy
    assert check_files([NANO], replace(options, revisions={"": OTHER})).ok


def test_each_language_that_lacks_something_has_its_line(options: FileOptions) -> None:
    findings = check_languages(MULTILINGUAL_V3, options)
    assert not any(finding.ok for finding in findings)
    text = describe(findings)
    assert "Chinese is spoken without its word segmenter's model" in text
    assert "SEGMENTER_URL" in text


def test_a_machine_that_has_everything_says_so(options: FileOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for helper in HELPERS:
        (tmp_path / "packages" / helper.package).mkdir(parents=True)
        (tmp_path / "packages" / helper.package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    folder = Path(os.environ["PKUSEG_HOME"]) / "spacy_ontonotes"
    folder.mkdir(parents=True)
    for name in ("features.msgpack", "weights.npz"):
        (folder / name).touch()
    (finding,) = check_languages(MULTILINGUAL_V3, options)
    assert finding.ok
    assert "Chinese, Japanese, Hebrew, Russian" in finding.detail


def test_a_model_that_does_not_exist_is_found(tmp_path: Path) -> None:
    (finding,) = check_models(load_settings(hf_home=str(tmp_path), model_revision="chatterbox-tubro=main"))
    assert not finding.ok
    assert "Did you mean chatterbox-turbo?" in finding.detail
