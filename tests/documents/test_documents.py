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
from settings_document import declared_settings, documented_settings, updated
from support.decoded_audio import hear

from tts_server.config import environment_names
from tts_server.settings import settings_class

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
API = (PROJECT / "docs" / "API.md").read_text(encoding="utf-8")
CONFIGURATION = (PROJECT / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default_and_meaning():
    """`python tests/documents/settings_document.py` writes them into the document."""
    assert documented_settings(CONFIGURATION) == declared_settings()


def test_the_settings_are_written_as_they_are_declared():
    first, *others = declared_settings()
    changed = re.sub(rf"### `{others[0]}`\n\n.*\n\n.*\n\n", "", CONFIGURATION)
    changed = changed.replace(
        f"### `{first}`\n\nDefault: `", f"### `NO_SETTING`\n\nDefault: none\n\nNothing.\n\n### `{first}`\n\nDefault: `other "
    )
    assert documented_settings(changed) != declared_settings()
    assert documented_settings(updated(changed)) == declared_settings()
    assert updated(CONFIGURATION) == CONFIGURATION


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
        *sorted(PROJECT.glob("*.md")),
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
