"""Voices that come and go by OpenAI's own routes while others list, hear and speak with them."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
import soundfile

CLIPS = Path(__file__).parents[1] / "clips"
NUM_THREADS = 16


def ask(server, method: str, path: str, **kwargs) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **kwargs)


def short(clip: bytes) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(clip))
    out = io.BytesIO()
    soundfile.write(out, samples[: 2 * rate], rate, format="WAV")
    return out.getvalue()


def make(server, name: str, clip: bytes) -> requests.Response:
    return ask(server, "POST", "/v1/audio/voices", data={"name": name}, files={"audio_sample": ("a.wav", clip)})


def speak(server, voice: str) -> requests.Response:
    return ask(server, "POST", "/v1/audio/speech", json={"input": "Yes.", "voice": voice, "seed": 1, "response_format": "pcm"})


def test_one_voice_under_openais_routes_is_made_once_and_deleted_once_each_time(start_server, clip, tmp_path):
    """All threads do the same round at the same moment: of those who make or delete it, exactly one succeeds."""
    server = start_server(voice_library_path=tmp_path)
    sample = short(clip)
    steps = {
        "make": lambda _: make(server, "Crowd", sample),
        "use": lambda number: speak(server, "crowd") if number % 2 else ask(server, "GET", "/v1/audio/voices"),
        "delete": lambda number: ask(server, "DELETE", f"/v1/{'audio/' if number % 2 else ''}voices/Crowd"),
    }
    together = threading.Barrier(NUM_THREADS)

    def work(number: int) -> list[int]:
        statuses = []
        for step in steps.values():
            together.wait(60)
            statuses.append(step(number).status_code)
        return statuses

    for _ in range(2):
        with ThreadPoolExecutor(NUM_THREADS) as threads:
            made, used, deleted = zip(*threads.map(work, range(NUM_THREADS)), strict=True)
        assert sorted(made) == [200] + [409] * (NUM_THREADS - 1)
        assert set(used) == {200}
        assert sorted(deleted) == [200] + [404] * (NUM_THREADS - 1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "voices.json"] == []


def test_many_voices_at_once_keep_their_own_sound_whatever_else_is_done(start_server, tmp_path, clip):
    """Each thread has a voice of its own, while others reload the folder, list it, and have previews made."""
    server = start_server(voice_library_path=tmp_path)
    clips = {True: short(clip), False: short((CLIPS / "male_awb.flac").read_bytes())}
    alone = {}
    for is_first, sample in clips.items():
        assert make(server, f"Model {is_first}", sample).status_code == 200
        spoken = speak(server, f"Model {is_first}")
        assert spoken.status_code == 200, spoken.text
        alone[is_first] = spoken.content
    assert alone[True] != alone[False]
    is_over = threading.Event()
    disturbed: list[int] = []

    def disturb() -> None:
        while not is_over.is_set():
            for method, path in [("POST", "/admin/reload-voices"), ("GET", "/v1/voices"), ("GET", "/v1/audio/voices?legacy=true")]:
                disturbed.append(ask(server, method, path).status_code)
            disturbed.append(ask(server, "GET", "/v1/voices/model%20true/preview").status_code)

    def live(number: int) -> list[int]:
        name, is_first = f"Voice {number}", bool(number % 2)
        made = make(server, name, clips[is_first])
        spoken = speak(server, name.lower())
        renamed = ask(server, "PATCH", f"/v1/voices/{name}", json={"name": f"{name} renamed", "aliases": [f"alias {number}"]})
        again = speak(server, f"ALIAS {number}")
        assert spoken.content == again.content == alone[is_first]
        gone = ask(server, "DELETE", f"/v1/audio/voices/{name} renamed")
        after = speak(server, f"alias {number}")
        return [reply.status_code for reply in (made, spoken, renamed, again, gone, after)]

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        with ThreadPoolExecutor(8) as threads:
            lives = list(threads.map(live, range(NUM_THREADS)))
    finally:
        is_over.set()
        disturber.join(60)
    assert lives == [[200, 200, 200, 200, 200, 404]] * NUM_THREADS
    assert set(disturbed) == {200}
    assert {path.stem for path in tmp_path.rglob("*.flac")} == {"Model True", "Model False"}
