"""The simulation of many replicas, against queueing theory and its own books."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale_simulation import (
    FIRST_TOKENS,
    MEAN_SECONDS,
    SPREAD,
    TOKENS_PER_SECOND,
    Scaling,
    Scenario,
    Simulation,
    StepTimes,
    read_times,
)

PROJECT = Path(__file__).resolve().parents[2]


def steady(replicas: int, rate: float, seconds: float, **options: object) -> Scenario:
    return Scenario("steady", replicas, seconds, lambda _: rate, rate, **options)  # type: ignore[arg-type]


def test_one_replica_that_serves_one_at_a_time_waits_as_pollaczek_and_khinchine_say():
    times = StepTimes(base=1 / 50 / TOKENS_PER_SECOND, per_row=0.0, voice=0.0, max_rows=1)
    mean = MEAN_SECONDS / 50
    second_moment = mean**2 * math.exp(SPREAD**2)
    rate = 0.6 / mean
    expected = rate * second_moment / (2 * (1 - 0.6)) + FIRST_TOKENS * times.token_seconds(1)
    outcome = Simulation(steady(1, rate, 20_000.0), times).run()
    measured = sum(outcome.first_audio) / len(outcome.first_audio)
    assert measured == pytest.approx(expected, rel=0.1)
    assert outcome.busy_seconds / outcome.replica_seconds == pytest.approx(0.6, rel=0.05)


def test_sequences_that_share_a_device_slow_each_other_down_by_what_a_row_costs():
    times = StepTimes(base=0.001, per_row=0.001, voice=0.0, max_rows=64)
    alone = Simulation(steady(1, 0.01, 20_000.0), times).run()
    assert alone.percentile(0.5) == pytest.approx(FIRST_TOKENS * times.token_seconds(1), rel=1e-6)
    busy = Simulation(steady(1, 0.8 * times.capacity / MEAN_SECONDS, 2_000.0), times).run()
    assert busy.percentile(0.5) > 2 * alone.percentile(0.5)


def test_a_new_voice_delays_the_first_audio_by_its_preparation():
    times = StepTimes(base=0.001, per_row=0.0, voice=3.0, max_rows=4)
    outcome = Simulation(steady(1, 0.001, 20_000.0), times).run()
    first = [seconds for seconds in outcome.first_audio if seconds > 1]
    assert len(first) == outcome.num_placed - outcome.num_voice_hits
    assert first == pytest.approx([3.0 + FIRST_TOKENS * 0.001] * len(first))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_no_request_is_lost_when_replicas_fail(share):
    times = StepTimes(base=0.001, per_row=0.0005, voice=0.1, max_rows=8)
    rate = 0.4 * 20 * times.capacity / MEAN_SECONDS
    outcome = Simulation(steady(20, rate, 120.0, fails_at=60.0, failing_share=share), times).run()
    assert outcome.num_refused == 0
    assert outcome.num_finished == len(outcome.first_audio)
    assert outcome.num_finished == pytest.approx(rate * 120.0, rel=0.1)
    assert (outcome.num_resumed > 0) == (share > 0)


def test_beyond_the_limit_of_the_queue_requests_are_refused_and_the_others_finish():
    times = StepTimes(base=0.001, per_row=0.0005, voice=0.0, max_rows=8)
    rate = 3 * times.capacity / MEAN_SECONDS
    outcome = Simulation(steady(1, rate, 300.0, max_waiting=20), times).run()
    assert outcome.num_refused > 0.5 * outcome.num_finished
    assert outcome.num_finished == len(outcome.first_audio)


def test_replicas_follow_the_load_up_and_down():
    times = StepTimes(base=0.002, per_row=0.001, voice=0.0, max_rows=16)
    usual = 0.3 * 4 * times.capacity / MEAN_SECONDS
    scaling = Scaling(target=8, minimum=2, maximum=20, start_seconds=20.0, up_delay=10.0, down_delay=60.0)
    rate = lambda now: usual * (6 if 300 <= now < 900 else 1)  # noqa: E731
    outcome = Simulation(Scenario("burst", 4, 3_000.0, rate, usual * 6, scaling), times).run()
    assert 4 < outcome.most_replicas <= 20
    assert outcome.replica_seconds < outcome.most_replicas * outcome.ended * 0.8
    assert outcome.num_finished == len(outcome.first_audio)


def test_step_times_are_those_of_the_benchmark():
    document = {
        "num_tokens": 75,
        "decoding": [
            {"model": "turbo", "way": "fast", "batch": 1, "steps": [0.010, 0.012, 0.011]},
            {"model": "turbo", "way": "fast", "batch": 8, "steps": [0.025]},
        ],
        "speaking": [{"model": "turbo", "way": "fast", "batch": 8, "seconds": [1.5]}],
        "voices": [{"model": "turbo", "first": [2.0]}],
    }
    times = read_times(document, "turbo", "fast", 2.0, 8)
    assert times.token_seconds(8) == pytest.approx((0.025 + 8 * (1.5 / 75 - 0.025 / 8)) / 2)
    assert times.voice == 1.0


def test_what_a_server_costs_is_measured_with_an_engine_that_costs_nothing():
    command = [sys.executable, str(PROJECT / "benchmarks" / "front_door.py"), "--rounds", "1", "--short", "16", "--long", "8"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["pcm", "wav", "mp3", "opus"]
    milliseconds = {row[0]: float(row[2]) for row in rows}
    assert 0 < milliseconds["pcm"] < milliseconds["opus"]
