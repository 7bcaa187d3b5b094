"""Chatterbox and the audio cache, and what T3 tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.chatterbox_server import run_tiny_server
from support.server import RunningServer

TURBO = "chatterbox-turbo"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cached")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    with run_tiny_server(folder, cache_ttl_minutes=5, cache_path=folder / "audio") as running:
        running.synthesizer.catalog.ready(TURBO)
        yield running


def speak(server: RunningServer, **fields) -> requests.Response:
    payload = {"model": TURBO, "input": "Good evening to you all.", "response_format": "pcm", "seed": 3, **fields}
    reply = requests.post(f"{server.url}/v1/audio/speech", json=payload, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply


def test_every_control_that_the_model_has_is_part_of_what_is_looked_for(server):
    first = speak(server)
    assert (first.headers["X-Cache"], speak(server).headers["X-Cache"]) == ("MISS", "HIT")
    for change in ({"temperature": 0.5}, {"top_p": 0.5}, {"top_k": 5}, {"repetition_penalty": 1.9}, {"norm_loudness": False}):
        assert speak(server, **change).headers["X-Cache"] == "MISS", change
    assert speak(server, exaggeration=1.5).headers["X-Cache"] == "HIT", "Turbo has no such control"
    assert speak(server).content == first.content


def test_another_model_is_another_entry(server):
    assert speak(server, input="Who says this?").headers["X-Cache"] == "MISS"
    assert speak(server, input="Who says this?", model="embedded").headers["X-Cache"] == "MISS"


def test_the_version_of_a_model_identifies_its_files_and_its_mode(server, folder):
    version = server.synthesizer.catalog.engine(TURBO).version
    weights = next((folder / "models" / "turbo").glob("t3*.safetensors"))
    assert f"{weights.name} {weights.stat().st_size} {weights.stat().st_mtime_ns}" in version
    assert version.endswith("cpu; exact")


def test_steps_and_tokens_of_t3_are_counted(server):
    speak(server, input="One more sentence, for the steps.", cache=False)
    lines = requests.get(f"{server.url}/metrics", timeout=10).text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("parlance_") and f'model="{TURBO}"' in line)
    assert float(told[f'parlance_t3_steps_total{{model="{TURBO}"}}']) > 0
    assert float(told[f'parlance_t3_tokens_total{{model="{TURBO}"}}']) > 0
    assert float(told[f'parlance_t3_sequences{{model="{TURBO}"}}']) == 0
    assert float(told[f'parlance_model_state{{model="{TURBO}",state="ready"}}']) == 1
    assert float(told[f'parlance_model_memory_bytes{{model="{TURBO}"}}']) > 0
