"""docs/READING.md says how texts are read: each example is read so, each element and language is known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tts_server.text.reading import ReadingOptions, read_text

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "READING.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


EXAMPLES = [
    (written, said.strip())
    for _, cell, answer in rows(section("Written forms"))
    if answer != "nothing"
    for written, said in zip(re.findall(r"`([^`]+)`", cell), answer.split(";"), strict=True)
]


@pytest.mark.parametrize(("written", "said"), EXAMPLES)
def test_an_example_is_read_as_the_document_says(written: str, said: str) -> None:
    assert read_text(written, ReadingOptions(language="en")).words.rstrip(".").lower() == said.lower()


def test_ornaments_are_silent() -> None:
    for written in re.findall(r"`([^`]+)`", next(row[1] for row in rows(section("Written forms")) if row[2] == "nothing")):
        assert read_text(f"One {written} two.", ReadingOptions(language="en")).words == "One two."


def test_there_are_examples_of_every_kind() -> None:
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize("element", re.findall(r"^\| `(<[a-z].*?>)`", section("Markup"), re.MULTILINE))
def test_an_element_of_ssml_is_read(element: str) -> None:
    name = re.match(r"<([a-z-]+)", element)[1]
    filled = element.replace("…", {"say-as": "digits", "phoneme": "wɜːd", "prosody": "slow", "lang": "de"}.get(name, "a word"))
    inside = filled if filled.endswith("/>") else f"{filled}text</{name}>"
    reading = read_text(f"<speak>Some {inside} here.</speak>", ReadingOptions(reads_ipa=True))
    assert reading.words.startswith("Some")
    assert "<" not in reading.words
