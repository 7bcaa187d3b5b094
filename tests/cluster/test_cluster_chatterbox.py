"""Replicas of Chatterbox with tiny random weights."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster.ray_options import TWO_REPLICAS, StartEngine
from cluster.replica_engines import TinyChatterbox

from benchmarks.checkpoints import tiny_sizes, write_checkpoint
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.speech import Samples, VoiceReference

TEXT = "Hello there, how are you today?"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> TinyChatterbox:
    """Tiny weights of Chatterbox Turbo."""
    folder: Path = tmp_path_factory.mktemp("checkpoints") / "turbo"
    with tiny_sizes():
        write_checkpoint("turbo", folder, tiny=True)
    return TinyChatterbox("turbo", folder)


@pytest.fixture(scope="module")
def here(recipe: TinyChatterbox) -> Iterator[Any]:
    """The engine in this process."""
    engine = recipe()
    yield engine
    recipe.close()


@pytest.fixture(scope="module")
def there(start_engine: StartEngine, recipe: TinyChatterbox) -> ClusterEngine:
    """Two replicas of it."""
    return start_engine("turbo", recipe, TWO_REPLICAS)


@pytest.fixture(scope="module")
def clip(local: EmbeddedEngine) -> VoiceReference:
    return local.reference("onyx")


def utterance(voice: Any, seed: int, text: str = TEXT) -> Utterance:
    return Utterance(text, voice, 0, seed, 1.0, "en", {})


def listen(engine: Any, request: Utterance) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *engine.submit(request).chunks(Cancellation())])


def test_the_samples_of_a_seed_are_those_of_the_local_engine(there: ClusterEngine, here: Any, clip: VoiceReference) -> None:
    assert (there.capabilities, there.version) == (here.capabilities, here.version)
    voice, own = there.prepare_voice(clip), here.prepare_voice(clip)
    with ThreadPoolExecutor(6) as threads:
        spoken = list(threads.map(lambda seed: listen(there, utterance(voice, seed)), range(6)))
    for seed, samples in enumerate(spoken):
        expected = listen(here, utterance(own, seed))
        assert samples.shape == expected.shape
        # Sequences of a batch differ in the last digits from a sequence alone.
        assert np.abs(samples - expected).max(initial=0.0) < 1e-3


def test_a_recording_is_converted_as_by_the_local_engine(
    there: ClusterEngine, here: Any, clip: VoiceReference, local: EmbeddedEngine
) -> None:
    source = local.reference("nova")
    source = replace(source, samples=source.samples[: 2 * source.sample_rate])
    converted = np.concatenate(list(there.convert(source, there.prepare_voice(clip), 3).chunks(Cancellation())))
    expected = np.concatenate(list(here.convert(source, here.prepare_voice(clip), 3).chunks(Cancellation())))
    assert np.abs(converted - expected).max() < 1e-3
