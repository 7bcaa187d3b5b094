"""docs/INTEGRATIONS.md: its addresses exist, its snippets can be read, its programs run as pasted."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys

import pytest
import requests
import yaml
from conformance.pasted import DOCUMENT, example
from support.decoded_audio import hear

SNIPPETS = re.findall(r"(?:<!-- run: (\w+) -->\n)?```(\w+)\n(.*?)```", DOCUMENT, re.DOTALL)
PARSERS = {"json": json.loads, "yaml": yaml.safe_load, "python": ast.parse}


def test_every_route_that_is_named_exists(server):
    adapter = server.app.url_map.bind("localhost")
    named = re.findall(r"`(GET|POST) (/[\w/-]+)`", DOCUMENT) + [("POST", path) for path in re.findall(r"5093(/v1/[\w/]+)`", DOCUMENT)]
    assert len(named) > 8
    assert [(method, path) for method, path in named if not adapter.test(path, method)] == []


@pytest.mark.parametrize(("language", "code"), [(language, code) for _, language, code in SNIPPETS if language in PARSERS])
def test_a_snippet_can_be_read_by_its_language(language, code):
    assert PARSERS[language](code)


def test_voices_and_models_that_are_named_exist(server):
    known = requests.get(f"{server.url}/v1/voices", timeout=10).json()["data"]
    voices = {voice["id"] for voice in known if voice["origin"] == "builtin"}
    models = {model["id"] for model in requests.get(f"{server.url}/v1/models", timeout=10).json()["data"]}
    listed = next(line for line in DOCUMENT.splitlines() if line.startswith("| Available Voices"))
    assert set(listed.split("`")[1].split(",")) == voices
    assert set(re.findall(r"`(tts-1[\w-]*|gpt-4o-mini-tts|chatterbox-\w+)`", DOCUMENT)) <= models
    for language, code in [(language, code) for _, language, code in SNIPPETS if language == "yaml"]:
        for found in re.findall(r"(?:TTS_VOICES|AUDIO_TTS_VOICE|voices): \[?([\w ,]+)", code):
            assert set(re.split(r"[ ,]+", found)) <= voices, (language, found)


def test_settings_that_are_named_exist():
    from tts_server.config import environment_names
    from tts_server.settings import settings_class

    known = {name for field, info in settings_class().model_fields.items() for name in environment_names(field, info)}
    own = {"HOST", "API_KEYS", "ALLOWED_HOSTS", "CORS_ORIGINS", "DEFAULT_MODEL"}
    assert own <= known
    assert own <= set(re.findall(r"[A-Z][A-Z_]+", DOCUMENT))


def test_each_links_target_is_a_heading():
    headings = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^## (.*)$", DOCUMENT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", DOCUMENT)) <= headings


def test_the_python_example_runs_as_pasted(server, tmp_path):
    """Only the address changes: the tests' server is on a free port. The other programs run in tests/conformance."""
    code = example("python", server.url)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
    )
    assert done.returncode == 0, done.stderr.decode()
    assert hear((tmp_path / "python.mp3").read_bytes()).seconds > 1


def test_the_example_of_open_webui_needs_no_key_for_its_lists(server):
    for path in ("/v1/audio/voices", "/v1/audio/models"):
        assert requests.get(server.url + path, timeout=10).status_code == 200
