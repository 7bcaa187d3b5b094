"""Voices under load: nobody is spoken to in another's voice, and a voice that comes and goes is there or not, never in between.

TEST_SCALE makes the crowds larger: 5 stands for two voices with 200 requests each.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from support.server import RunningServer, run_server

from benchmarks.crowd import Ask, Crowd, alone

CLIPS = Path(__file__).parents[1] / "clips"
WOMAN, MAN = CLIPS / "female_slt.flac", CLIPS / "male_rms.flac"
SENTENCES = ("We met at noon.", "The rain has stopped.", "I would like some tea.", "It is not far from here.")
EACH = max(8, round(40 * float(os.environ.get("TEST_SCALE", "1"))))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two voices in its folder, of a woman and of a man."""
    folder = tmp_path_factory.mktemp("voices")
    for name, clip in (("anna", WOMAN), ("bruno", MAN)):
        (folder / f"{name}.flac").write_bytes(clip.read_bytes())
    with run_server(voice_library_path=folder, max_queue=5000) as running:
        yield running


def address(server: RunningServer) -> str:
    return f"127.0.0.1:{server.port}"


def asks_of(*voices: str) -> list[Ask]:
    """Every voice says the same sentences with the same seeds, so that nothing but the voice tells the replies apart."""
    return [Ask(SENTENCES[number % len(SENTENCES)], voice, number % len(SENTENCES)) for number in range(EACH) for voice in voices]


def test_two_voices_at_once_are_never_swapped(server):
    asks = asks_of("anna", "bruno")
    expected = alone(address(server), list(dict.fromkeys(asks)))
    assert len(set(expected.values())) == 2 * len(SENTENCES), "the two voices cannot be told apart"
    outcome = Crowd(address(server), expected).all_at_once(asks)
    assert outcome.wrong == []
    assert outcome.is_complete


def test_one_off_clips_at_once_are_never_swapped(server):
    """Each request brings the recording of its own voice."""
    clips = (WOMAN.read_bytes(), MAN.read_bytes())

    def speak(number: int) -> tuple[int, int, bytes]:
        fields = {"input": "We met at noon.", "seed": "1", "response_format": "pcm"}
        files = {"custom_voice_file": ("clip.flac", clips[number % 2])}
        reply = requests.post(f"{server.url}/v1/audio/speech", data=fields, files=files, timeout=120)
        return number % 2, reply.status_code, reply.content

    expected = {(voice, status, sound) for voice, status, sound in map(speak, range(2))}
    assert len({sound for _, _, sound in expected}) == 2
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(speak, range(EACH // 2))) == expected


def test_a_voice_that_changes_hands_speaks_as_one_or_the_other(server):
    """One name is made, spoken with and deleted again and again, each time from one of two recordings: what is heard is always one of them,
    whole, and the right one for who asks when nobody changes it.
    """
    clips = (WOMAN.read_bytes(), MAN.read_bytes())
    is_over = threading.Event()
    body = {"input": "We met at noon.", "voice": "guest", "seed": 1, "response_format": "pcm"}

    def say() -> requests.Response:
        return requests.post(f"{server.url}/v1/audio/speech", json=body, timeout=120)

    def make(number: int) -> int:
        files = {"audio": ("clip.flac", clips[number % 2])}
        return requests.post(f"{server.url}/v1/voices", data={"name": "guest"}, files=files, timeout=120).status_code

    def delete() -> int:
        return requests.delete(f"{server.url}/v1/voices/guest", timeout=120).status_code

    def listen(_: int) -> set[tuple[int, bytes]]:
        heard = set()
        while not is_over.is_set():
            reply = say()
            heard.add((reply.status_code, reply.content if reply.status_code == 200 else b""))
        return heard

    sounds = []
    for number in range(2):
        assert make(number) == 201
        sounds.append(say().content)
        assert delete() == 200
    assert sounds[0] != sounds[1]

    with ThreadPoolExecutor(3) as threads:
        listening = [threads.submit(listen, number) for number in range(3)]
        for number in range(EACH // 6):
            assert make(number) == 201
            assert say().content == sounds[number % 2]
            assert delete() == 200
        is_over.set()
        heard = set().union(*(each.result() for each in listening))
    assert heard <= {(200, sounds[0]), (200, sounds[1]), (404, b"")}


def test_fifty_threads_that_make_use_and_delete_voices_meet_no_error(server):
    """Several names and their aliases at once; tests/api/test_voices_api.py does it with a single one."""
    names = ("Crowd", "Choir", "Duo")
    clip = WOMAN.read_bytes()
    together = threading.Barrier(50)

    def work(number: int) -> set[int]:
        name = names[number % 3]
        steps = [
            lambda: requests.post(
                f"{server.url}/v1/voices", data={"name": name, "aliases": f"{name} again"}, files={"audio": ("clip", clip)}, timeout=120
            ),
            lambda: requests.post(f"{server.url}/v1/audio/speech", json={"input": ".", "voice": f"{name} again"}, timeout=120),
            lambda: requests.patch(f"{server.url}/v1/voices/{name}", json={"name": names[(number + 1) % 3]}, timeout=120),
            lambda: requests.get(f"{server.url}/v1/voices", timeout=120),
            lambda: requests.post(f"{server.url}/admin/reload-voices", timeout=120),
            lambda: requests.delete(f"{server.url}/v1/voices/{name}", timeout=120),
        ]
        together.wait(60)
        first = number % len(steps)
        return {step().status_code for step in steps[first:] + steps[:first]}

    with ThreadPoolExecutor(50) as threads:
        statuses = set().union(*threads.map(work, range(50)))
    assert statuses <= {200, 201, 404, 409}
    for name in names:
        requests.delete(f"{server.url}/v1/voices/{name}", timeout=120)
    left = {voice["id"] for voice in requests.get(f"{server.url}/v1/voices", timeout=60).json()["data"] if voice["origin"] == "library"}
    assert left == {"anna", "bruno"}
    folder = server.synthesizer.library.folder
    assert json.loads((folder / "voices.json").read_text(encoding="utf-8")) == {}
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"anna.flac", "bruno.flac", "voices.json"}
