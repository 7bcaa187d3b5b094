"""Documents, docstrings, comments and messages are in plain technical English: see wording.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from wording import PROJECT, Finding, documents, findings, page, sources, unchecked

CHECKED = [path for path in [*documents(), *page(), *sources()] if path.relative_to(PROJECT).as_posix() not in unchecked()]


@pytest.mark.parametrize("folder", sorted({path.parent for path in CHECKED}), ids=lambda folder: folder.relative_to(PROJECT).as_posix())
def test_a_folder_uses_the_words_of_the_field(folder: Path) -> None:
    assert [str(finding) for path in CHECKED if path.parent == folder for finding in findings(path)] == []


def test_the_list_of_unchecked_files_shrinks() -> None:
    """`python tests/documents/wording.py --prune` removes the files that have been corrected or moved."""
    assert [name for name in unchecked() if not (PROJECT / name).is_file() or not findings(PROJECT / name)] == []


def test_a_word_is_found_in_a_document_but_not_in_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wording.PROJECT", tmp_path)
    document = tmp_path / "a.md"
    document.write_text("A line of text.\n\nThe client is told.\n`told` [told](told)\n```\ntold\n```\n", encoding="utf-8")
    assert [(one.line, one.word) for one in findings(document)] == [(3, "told"), (4, "told")]


def test_a_word_is_found_in_docstrings_comments_and_messages_but_not_in_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wording.PROJECT", tmp_path)
    source = tmp_path / "a.py"
    lines = ['"""It waits in line."""', "told = 'kept'  # Is `kept` anew", "raise ValueError('the file is kept here')"]
    source.write_text("\n".join(lines), encoding="utf-8")
    assert findings(source) == [
        Finding("a.py", 1, "waits in line", "queue"),
        Finding("a.py", 2, "anew", "again"),
        Finding("a.py", 3, "kept", "stored, cached, retained"),
    ]
