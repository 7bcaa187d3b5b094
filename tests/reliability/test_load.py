"""Many clients at once, and clients that nobody wants: everybody gets their own answer, and nothing is left over.

Every reply is compared byte by byte with what the same request, which has a seed, gave while nobody else asked. TEST_SCALE makes the crowds
larger; `benchmarks/reliability.py` is the long form, with its figures.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.crowd import (
    Ask,
    Crowd,
    alone,
    distinct_asks,
    health,
    hostile,
    overruns,
    slow_readers,
    speak,
    stalled,
    streams_together,
    talking,
    trickling,
    vanishing,
    wait_idle,
    watched_health,
)
from benchmarks.server_process import ServerProcess, running
from tests.speech.asr import transcribe

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tts_server", "serve"]
ENGINE_THREADS = 2
STORY = " ".join(f"This is sentence number {number} of a story that goes on and on." for number in range(60))
"""About four minutes of sound: far more than the buffers between server and client hold."""


def many(number: int) -> int:
    return max(2, round(number * float(os.environ.get("TEST_SCALE", "1"))))


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server in a process of its own, so that its threads and files are nobody else's."""
    with running("server", COMMAND, {"SYNTHESIS_THREADS": str(ENGINE_THREADS), "MAX_QUEUE": "2000"}) as process:
        # Threads and files that stay once they are there are not what is looked for.
        warm_up = distinct_asks(8, seed=99)
        Crowd(process.address, dict.fromkeys(warm_up, "")).all_at_once(warm_up)
        yield process


@pytest.fixture(autouse=True)
def nothing_is_left(server: ServerProcess) -> Iterator[None]:
    """/health answers throughout, and afterwards nothing is worked on, and no thread and no file is left over."""
    wait_idle(server.address)
    before = (server.num_threads, server.num_descriptors)
    with watched_health(server.address) as log:
        yield
    assert log.failures == []
    wait_idle(server.address)
    assert server.num_threads <= before[0]
    assert server.num_descriptors <= before[1] + 1  # the loop may not have closed the last connection yet


def test_of_requests_that_come_at_once_each_gets_its_own_reply(server):
    asks = distinct_asks(many(24))
    outcome = Crowd(server.address, alone(server.address, asks)).all_at_once(asks)
    assert (outcome.wrong, outcome.lost) == ([], {})
    assert outcome.is_complete


def test_who_finds_the_server_busy_is_told_when_to_come_back_and_is_served_then():
    asks = distinct_asks(many(16))
    with running("small server", COMMAND, {"THREADS": "4", "MAX_QUEUE": "2"}) as server:
        outcome = Crowd(server.address, alone(server.address, asks)).all_at_once(asks)
    assert set(outcome.busy) == {503}
    assert (outcome.wrong, outcome.lost, outcome.impolite) == ([], {}, 0)
    assert outcome.is_complete


def test_requests_that_keep_coming_are_all_answered(server):
    asks = distinct_asks(many(12))
    outcome = Crowd(server.address, alone(server.address, asks)).at_rate(asks, 12.0)
    assert outcome.is_complete, outcome


def test_streams_run_side_by_side_and_each_has_its_own_sound(server):
    number = min(many(6), 60)
    outcome, together = streams_together(server.address, [Ask(STORY[:250], seed=n) for n in range(number)])
    assert outcome.is_complete, outcome
    assert together == number


def test_connections_that_trickle_keep_nobody_from_speaking(server):
    with trickling(server.address, many(20), pause=0.05), talking(server.address, 0.1) as crowd:
        pass
    assert crowd.outcome.is_complete, crowd.outcome


@pytest.mark.parametrize("kind", [("bodies", "--early", "300000"), ("keepalive", "--pause", "0.2")], ids=lambda kind: kind[0])
def test_connections_that_hold_the_server_up_keep_nobody_from_speaking(server, kind):
    name, *options = kind
    with talking(server.address, 0.1) as crowd, hostile(server.address, name, many(40), *options, "--reconnect"):
        while crowd.outcome.right < 3 and not crowd.outcome.lost:
            crowd.is_over.wait(0.05)
    assert crowd.outcome.is_complete, crowd.outcome


@pytest.mark.parametrize("how", [(), ("--reset",)], ids=["close", "reset"])
def test_clients_that_send_more_than_one_request_and_vanish_leave_no_work_behind(server, how):
    done = health(server.address)["segments_done"]
    number = many(4)
    with hostile(server.address, "pipelined", number, "--pause", "0.3", *how) as counts:
        pass
    assert counts["vanished"] == number
    assert wait_idle(server.address)["segments_done"] - done < number * 50 / 2


def test_readers_that_take_nothing_keep_nobody_from_speaking(server):
    asks = [Ask(STORY, seed=n, is_streamed=True) for n in range(min(many(6), 40))]
    with talking(server.address, 0.1) as crowd, stalled(server.address, asks):
        while health(server.address)["in_flight"] < len(asks):
            pass
    assert crowd.outcome.is_complete, crowd.outcome


def test_readers_slower_than_speech_keep_nobody_from_speaking(server):
    asks = [Ask(STORY, seed=n, is_streamed=True) for n in range(min(many(6), 64))]
    with talking(server.address, 0.1) as crowd, slow_readers(server.address, asks, 1024) as still_open:
        while health(server.address)["in_flight"] < len(asks):
            pass
        assert still_open() == len(asks)
    assert crowd.outcome.is_complete, crowd.outcome
    wait_idle(server.address)


def test_clients_that_vanish_anywhere_leave_no_work_behind(server):
    asks = [Ask(STORY, seed=n) for n in range(many(24))]
    with talking(server.address, 0.2) as crowd:
        places = vanishing(server.address, asks, together=12)
    assert places["in the head"] + places["after the request"] + places["while it plays"] == len(asks)
    assert crowd.outcome.is_complete, crowd.outcome


def test_the_engine_stops_within_a_segment_when_its_listener_vanishes(server):
    """Each of its threads may end the segment that it is at."""
    assert max(overruns(server.address, Ask(STORY), many(2))) <= ENGINE_THREADS


@pytest.mark.speech
def test_what_was_said_in_a_crowd_can_be_understood(server):
    """The words, not only the bytes: of some in a crowd each has to say its own number."""
    asks = distinct_asks(8, seed=5)
    with ThreadPoolExecutor(len(asks)) as threads:
        replies = list(threads.map(lambda ask: speak(server.address, ask), asks))
    sound = np.concatenate([np.frombuffer(reply.body, "<i2").astype(np.float32) / 32768 for reply in replies])
    numbers = [re.findall(r"\d+", ask.text) for ask in asks]
    assert re.findall(r"\d+", transcribe(sound)) == [number for found in numbers for number in found]


def test_the_long_form_runs_and_finds_every_promise_kept(tmp_path):
    command = [sys.executable, str(PROJECT / "benchmarks" / "reliability.py"), "--quick", "--only", "burst", "--json", "findings.json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| burst | right replies | 16 of 16 | all | PASS |" in run.stdout
    assert (tmp_path / "findings.json").exists()
