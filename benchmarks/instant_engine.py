"""An engine that costs nothing: it gives samples that exist already. `python benchmarks/instant_engine.py` serves with it alone.

The text names the seconds to give in words, such as `Sixty seconds.`; what a request costs the server then is its own work.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from tts_server.cancellation import Cancellation  # noqa: E402
from tts_server.engines.base import Capabilities, Utterance  # noqa: E402
from tts_server.engines.package import EnginePackage, ModelEntry  # noqa: E402
from tts_server.serve_command import run  # noqa: E402
from tts_server.settings import load_settings  # noqa: E402
from tts_server.speech import Samples, Voice, VoiceReference  # noqa: E402

SAMPLE_RATE = 24_000
CHUNK_SECONDS = 1.0
WORDS = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten".split())}


class InstantStream:
    """Chunks of one second, as many as the text says."""

    retries = 0

    def __init__(self, chunk: Samples, count: int) -> None:
        self._chunk = chunk
        self._count = count

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        for _ in range(self._count):
            cancellation.check()
            yield self._chunk

    def close(self) -> None:
        self._count = 0


class InstantEngine:
    """Gives the same second of quiet noise again and again."""

    name = "instant"
    num_parallel = 1
    version = "1"
    capabilities = Capabilities(
        sample_rate=SAMPLE_RATE,
        languages=("en",),
        scripts=frozenset({"Latin"}),
        cloning=None,
        first_segment_chars=200,
        max_segment_chars=300,
    )

    def __init__(self) -> None:
        noise = np.random.default_rng(1).standard_normal(round(CHUNK_SECONDS * SAMPLE_RATE))
        self._chunk = (0.1 * noise).astype(np.float32)
        self._num_done = 0

    def voices(self) -> Sequence[Voice]:
        return [Voice("alloy", "Alloy", "builtin", "Noise", "en", None)]

    def builtin_voice(self, voice_id: str) -> str:
        return {"alloy": "alloy"}[voice_id]

    def reference(self, voice_id: str) -> VoiceReference:
        raise KeyError(voice_id)

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> str:
        return "alloy"

    def submit(self, utterance: Utterance) -> InstantStream:
        self._num_done += 1
        words = re.findall(r"[a-z]+", utterance.text.lower())
        return InstantStream(self._chunk, sum(TENS.get(word, WORDS.get(word, 0)) for word in words))

    def stats(self) -> Mapping[str, float]:
        return {"segments_done": self._num_done, "segments_waiting": 0, "audio_seconds": 0}

    def close(self) -> None:
        pass


TENS = {word: 10 * number for number, word in enumerate("twenty thirty forty fifty sixty".split(), 2)}
INSTANT = EnginePackage(
    id="instant", name="Instant", models=(ModelEntry("instant", "Instant", ("en",)),), start=lambda _settings: InstantEngine()
)


if __name__ == "__main__":
    packages = (INSTANT,)
    sys.exit(run(load_settings(packages, default_model="instant"), argparse.Namespace(), packages))
