"""docs/MODELS.md says what the models can do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tts_server.config import environment_names
from tts_server.engines.base import Control
from tts_server.engines.chatterbox.families import (
    ENGLISH,
    LANGUAGES,
    MULTILINGUAL_V2,
    MULTILINGUAL_V3,
    NANO,
    SINGLE_LANGUAGE,
    TAGS,
    TURBO,
    Family,
    families,
)
from tts_server.engines.chatterbox.source import DOWNLOAD_BYTES
from tts_server.engines.chatterbox.weights.language_helpers import HELPERS
from tts_server.engines.registry import model_entries
from tts_server.settings import settings_class
from tts_server.speech import AudioFormat

PROJECT = Path(__file__).resolve().parents[2]
MODELS = (PROJECT / "docs" / "MODELS.md").read_text(encoding="utf-8")
FAMILIES = [ENGLISH, MULTILINGUAL_V2, MULTILINGUAL_V3, TURBO, NANO]


def section(title: str) -> str:
    return MODELS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """First cell -> the other cells, of all rows that begin with code."""
    lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `"))
    return {cells[0]: cells[1:] for cells in lines}


def written(control: Control) -> tuple[str, str]:
    if control.kind == "switch":
        return "true, false", str(bool(control.default)).lower()
    return f"{control.minimum:g} to {control.maximum:g}", f"{control.default:g}"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.files["t3"])
def test_the_controls_of_a_model_are_documented_with_range_and_default(family: Family) -> None:
    column = 3 if family.is_gpt2 else 2 if family.is_multilingual else 1
    documented = {name.strip("`"): (cells[0], cells[column]) for name, cells in rows(section("Controls")).items() if cells[column]}
    assert documented == {control.name: written(control) for control in family.controls}


def test_every_model_is_documented_by_its_name() -> None:
    table = rows(MODELS.partition("\n## ")[0])
    assert {name.strip("`"): cells[0] for name, cells in table.items()} == {entry.id: entry.name for entry in model_entries().values()}


def test_the_size_of_each_download_is_documented() -> None:
    table = rows(MODELS.partition("\n## ")[0])
    told = {name.strip("`"): cells[3] for name, cells in table.items() if cells[3] != "none"}
    assert told == {model: f"{size / 1e9:.1f} GB" for model, size in DOWNLOAD_BYTES.items()}


def test_the_languages_are_documented() -> None:
    assert re.findall(r"\(`(\w\w)`\)", section("Languages")) == list(LANGUAGES)


def test_the_languages_that_need_a_helper_are_documented() -> None:
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in section("Languages").splitlines() if line.startswith("| ")]
    packages = {cells[0]: cells[1].partition("`")[2].partition("`")[0].replace("-", "_") for cells in table[1:]}
    assert packages == {helper.name: helper.package for helper in HELPERS}


def test_the_pinned_commits_are_documented() -> None:
    lines = section("Without the hub").splitlines()
    pins = {family.repository.partition("/")[2]: family.revision for family in families().values() if family.revision}
    documented = {line.split("|")[1].split()[0]: line.split("|")[2].strip() for line in lines if re.search("[0-9a-f]{40}", line)}
    assert documented == pins


def test_the_weights_of_the_single_language_models_are_documented() -> None:
    layout = section("Without the hub").partition("models/\n")[2]
    for family in SINGLE_LANGUAGE:
        assert f"{family.id}/ " in layout
        assert family.files["t3"] in layout.partition(f"{family.id}/")[2].splitlines()[0]


def test_the_tags_are_documented() -> None:
    assert set(re.findall(r"`(\[[a-z ]+\])`", section("Tags"))) == TAGS


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.files["t3"])
def test_the_shortest_clip_of_a_model_is_documented(family: Family) -> None:
    (shortest,) = (cells[0] for names, cells in rows(section("Voices and clips")).items() if f"`{family.id}`" in names)
    assert shortest == f"{family.min_reference_seconds:g} s"


@pytest.mark.parametrize("family", [ENGLISH, MULTILINGUAL_V3, TURBO, NANO], ids=lambda family: family.id)
def test_the_files_of_a_model_are_documented(family: Family) -> None:
    layout = section("Without the hub").partition("models/\n")[2]
    documented = layout.partition(f"  {family.id}/")[2].partition("\n  chatterbox-")[0]
    if family == TURBO:
        documented = documented.replace(", the rest", "") + layout.partition(NANO.files["t3"])[2].partition("\n  chatterbox-")[0]
    needed = {*family.files.values(), *family.tokenizer_files} - ({"tokenizer.json"} if family.is_gpt2 else set())
    assert needed - set(documented.split()) == set()


def test_every_setting_that_is_named_exists() -> None:
    known = {variable for name, field in settings_class().model_fields.items() for variable in environment_names(name, field)}
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", MODELS)) - {one.name for one in AudioFormat}
    assert named, "the document names settings"
    assert named - known == set()


def test_the_example_finds_the_watermark(tmp_path: Path) -> None:
    from tts_server.engines.chatterbox.watermark import Watermarker

    code = MODELS.partition("<!-- example: watermark -->\n```python\n")[2].partition("```")[0]
    samples, rate = soundfile.read(PROJECT / "voices" / "standard" / "harbor.flac", dtype="float32")
    assert rate == 24000
    watermarker = Watermarker()
    assert watermarker.detect(samples) < 0.2, "the example says that it tells the two apart"
    soundfile.write(tmp_path / "hello.wav", watermarker.apply(samples), rate)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment, check=True)
    assert float(run.stdout) > 0.95
