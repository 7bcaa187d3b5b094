"""Replicas on a real Ray cluster: the samples of the local engine, whatever happens to a replica."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from cluster.ray_options import ONE_REPLICA, TWO_REPLICAS, StartEngine, create_embedded
from cluster.replica_engines import CHUNK, StepEngine, ramp
from support.waiting import wait_until

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.errors import Cancelled, InvalidReference
from tts_server.speech import Samples, VoiceReference

TEXTS = ("Hello there.", "The weather was fine, so we walked around the lake.", "One, two, three!", "It is a quiet evening in the harbour.")


def say(voice: Any, text: str = TEXTS[0], seed: int = 1, index: int = 0) -> Utterance:
    return Utterance(text, voice, index, seed, 1.0, "en", {})


def listen(engine: Any, utterance: Utterance) -> Samples:
    return np.concatenate(list(engine.submit(utterance).chunks(Cancellation())))


def processes(engine: ClusterEngine) -> list[psutil.Process]:
    """The processes of a model's replicas."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][0].startswith(f"ray::ServeReplica:parlance-{engine.name}:")
    ]


@pytest.fixture(scope="module")
def embedded(start_engine: StartEngine) -> ClusterEngine:
    """Two replicas of the embedded voice."""
    return start_engine("embedded", create_embedded, TWO_REPLICAS)


@pytest.fixture(scope="module")
def steps(start_engine: StartEngine) -> ClusterEngine:
    """One replica of StepEngine."""
    return start_engine("steps", StepEngine)


def test_has_the_properties_of_the_engine_in_its_replicas(embedded: ClusterEngine, local: EmbeddedEngine) -> None:
    assert (embedded.capabilities, embedded.version, embedded.voices()) == (local.capabilities, local.version, local.voices())
    np.testing.assert_array_equal(embedded.reference("nova").samples, local.reference("nova").samples)
    with pytest.raises(KeyError):
        embedded.builtin_voice("nobody")


def test_the_samples_of_a_seed_are_those_of_the_local_engine(embedded: ClusterEngine, local: EmbeddedEngine) -> None:
    asked = [(text, voice, seed) for text in TEXTS for voice, seed in (("alloy", 1), ("nova", 2))]
    with ThreadPoolExecutor(8) as threads:
        spoken = list(threads.map(lambda one: listen(embedded, say(embedded.builtin_voice(one[1]), one[0], one[2])), asked))
    for (text, voice, seed), samples in zip(asked, spoken, strict=True):
        np.testing.assert_array_equal(samples, listen(local, say(local.builtin_voice(voice), text, seed)))
    assert len(embedded.replica_stats()) == 2, "both replicas have spoken"


def test_a_clip_travels_once_to_a_replica_that_serves_its_voice(embedded: ClusterEngine, local: EmbeddedEngine) -> None:
    clip, received = local.reference("onyx"), clips_received(embedded)
    voice = embedded.prepare_voice(clip)
    assert embedded.prepare_voice(clip) == voice
    for seed in range(4):
        np.testing.assert_array_equal(listen(embedded, say(voice, seed=seed)), listen(local, say(local.prepare_voice(clip), seed=seed)))
    assert clips_received(embedded) == received + 1


def test_a_clip_that_cannot_be_used_is_refused_before_any_sound(steps: ClusterEngine) -> None:
    silent = VoiceReference(np.zeros(24000, np.float32), 24000, "silent", "voice_url")
    for _ in range(2):
        with pytest.raises(InvalidReference, match="silent") as raised:
            steps.prepare_voice(silent)
        assert raised.value.param == "voice_url"


def clips_received(engine: ClusterEngine) -> float:
    """How many clips all replicas have received."""
    return sum(stats["clips_received"] for stats in engine.replica_stats().values())


def open_streams(engine: ClusterEngine) -> float:
    """How many streams are open in the replica, after a call that reports it."""
    listen(engine, say(engine.builtin_voice("steps")))
    [stats] = engine.replica_stats().values()
    return stats["streams_open"] - 1  # without this call's own


def test_cancelling_stops_the_replica_at_its_next_step(steps: ClusterEngine) -> None:
    cancellations = [Cancellation() for _ in range(3)]
    streams = [steps.submit(say(steps.builtin_voice("steps"), "endless")) for _ in cancellations]
    reading = [stream.chunks(cancellation) for stream, cancellation in zip(streams, cancellations, strict=True)]
    for chunks in reading:
        assert len(next(chunks)) == CHUNK
    for chunks, cancellation in zip(reading, cancellations, strict=True):
        cancellation.cancel()
        with pytest.raises(Cancelled):
            while True:
                next(chunks)
    wait_until(lambda: open_streams(steps) <= 0, "the end of the cancelled streams in the replica")


def test_a_stream_that_is_closed_unread_stops_the_replica(steps: ClusterEngine) -> None:
    for _ in range(3):
        steps.submit(say(steps.builtin_voice("steps"), "endless")).close()
    wait_until(lambda: open_streams(steps) <= 0, "the end of the closed streams in the replica")


def test_a_stream_goes_on_at_the_next_sample_after_its_replica_was_killed(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine("dying", StepEngine, TWO_REPLICAS)
    dying = engine.submit(say(engine.builtin_voice("steps"), f"die {tmp_path / 'died'}", seed=3))
    spoken = np.concatenate(list(dying.chunks(Cancellation())))
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(spoken, ramp(3))
    assert engine.stats()["replicas_lost"] >= 1


def test_every_reply_is_whole_and_right_while_replicas_are_killed(embedded: ClusterEngine, local: EmbeddedEngine) -> None:
    asked = [(text, seed) for seed in range(4) for text in TEXTS]
    expected = {one: listen(local, say(local.builtin_voice("alloy"), *one)) for one in asked}
    lost = embedded.stats()["replicas_lost"]
    with ThreadPoolExecutor(8) as threads:
        replies = [
            (one, threads.submit(listen, embedded, say(embedded.builtin_voice("alloy"), *one, index))) for one in asked for index in (0, 1)
        ]
        wait_until(lambda: any(reply.done() for _, reply in replies), "the first reply")
        os.kill(processes(embedded)[0].pid, signal.SIGKILL)
        for one, reply in replies:
            np.testing.assert_array_equal(reply.result(60), expected[one])
    assert embedded.stats()["replicas_lost"] > lost
    assert embedded.stats()["failures"] == 0
    wait_until(lambda: embedded.num_replicas() == 2, "the replacement of the replica")


def test_a_second_server_uses_the_replicas_that_are_there(start_engine: StartEngine, steps: ClusterEngine) -> None:
    before = Counter(process.pid for process in processes(steps))
    again = start_engine("steps", StepEngine)
    np.testing.assert_array_equal(listen(again, say(again.builtin_voice("steps"))), ramp(1))
    assert Counter(process.pid for process in processes(steps)) == before


def test_an_update_replaces_the_replicas_without_a_failed_stream(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine("updated", partial(StepEngine, "old"))
    chunks = engine.submit(say(engine.builtin_voice("steps"), f"hold {tmp_path / 'go'}")).chunks(Cancellation())
    before = next(chunks)
    newer = start_engine("updated", partial(StepEngine, "new"), version="2")
    assert newer.version == "new"
    np.testing.assert_array_equal(listen(newer, say(newer.builtin_voice("steps"))), ramp(1))
    (tmp_path / "go").touch()
    np.testing.assert_array_equal(np.concatenate([before, *chunks]), ramp(1))
    assert (engine.stats()["failures"], engine.stats()["replicas_lost"]) == (0, 0)


def test_idle_replicas_end_and_the_next_request_starts_one(start_engine: StartEngine) -> None:
    engine = start_engine("idle", StepEngine, replace(ONE_REPLICA, min_replicas=0, idle_seconds=1.0))
    wait_until(lambda: not processes(engine), "the end of the idle replica")
    assert engine.num_replicas() == 0
    np.testing.assert_array_equal(listen(engine, say(engine.builtin_voice("steps"))), ramp(1))
