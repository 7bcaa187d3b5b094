"""The documents say what the code does: every setting, every route, every example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.parse
from collections import Counter
from pathlib import Path

import pytest
from measure import hear

from tts_server.config import environment_names
from tts_server.settings import settings_class

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
API = (PROJECT / "docs" / "API.md").read_text(encoding="utf-8")
CONFIGURATION = (PROJECT / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")


def table_rows(text: str) -> dict[str, list[str]]:
    rows = (re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in text.splitlines() if line.startswith("| `"))
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in rows}


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path):
        return value.relative_to(PROJECT).as_posix()
    if value in (None, "", (), {}):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_setting_is_documented_with_its_default_and_meaning():
    rows = table_rows(CONFIGURATION)
    fields = settings_class().model_fields
    expected = {environment_names(name, field)[0]: [written(field.default), field.description] for name, field in fields.items()}
    assert {name: [cells[0].strip("`"), cells[1]] for name, cells in rows.items() if len(cells) == 2} == expected


def test_every_second_name_of_a_setting_is_documented():
    for name, field in settings_class().model_fields.items():
        for alias in environment_names(name, field)[1:]:
            assert f"`{alias}`" in CONFIGURATION


def test_every_route_is_documented(server):
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)) for rule in server.app.url_map.iter_rules() if rule.endpoint != "static"}
    missing = [route for route in sorted(routes) if f"`{route}`" not in API and f" {route}`" not in API]
    assert missing == []


def test_every_link_in_the_documents_leads_somewhere():
    broken = []
    for document in [
        PROJECT / "README.md",
        PROJECT / "CHANGELOG.md",
        *sorted((PROJECT / "docs").glob("*.md")),
        *sorted((PROJECT / "voices").glob("*.md")),
        PROJECT / "tests" / "README.md",
    ]:
        prose = re.sub(r"`[^`\n]*`", "", document.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            if "://" not in target and not (document.parent / urllib.parse.unquote(target)).exists():
                broken.append((document.name, target))
    assert broken == []


EXAMPLES = re.findall(r"<!-- example: (\w+) -->\n```(\w+)\n(.*?)```", README, re.DOTALL)


def test_every_test_file_has_a_name_of_its_own():
    """pytest imports test files by their names alone, and does not start where two have the same."""
    names = Counter(path.name for path in (PROJECT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_readme_has_the_five_examples():
    assert [name for name, _, _ in EXAMPLES] == ["curl", "openai", "cloning", "streaming", "pyvideotrans"]


@pytest.mark.parametrize(("name", "language", "code"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_an_example_of_the_readme_runs_as_pasted(server, clip, tmp_path, name, language, code):
    """Only the address changes: the tests' server is on a free port."""
    (tmp_path / "me.flac").write_bytes(clip)
    code = code.replace("http://127.0.0.1:5093", server.url)
    command = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr.decode()
    made = [path for path in tmp_path.iterdir() if path.name != "me.flac"]
    assert len(made) == 1
    assert hear(made[0].read_bytes()).seconds > 1
