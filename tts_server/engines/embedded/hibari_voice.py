"""Text to samples: hibari's phonemes, hibari's network, and the shapes of the built-in voices."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import numpy as np
import onnxruntime
from hibari.voices import DEFAULT, voice_path

from tts_server.engines.embedded.reader import Reader
from tts_server.engines.embedded.shape import SpeechFrames, VoiceShape, render
from tts_server.errors import Cancelled
from tts_server.speech import Samples

SAMPLE_RATE = 24000
TEMPO_RANGE = (0.8, 1.0)
"""Tempos at which the output of the network is clear and has the requested length; beyond them its audio is stretched. At a requested
tempo of 1.2 the network's is about 1.1; at 1.6 its word error rate is three times that of stretched audio."""

is_cancelled: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=lambda: False)
"""Whether the current thread's segment is cancelled. It is called before each run of the network: a text of signs and digits can take
many times as many runs as ordinary words."""

_NETWORK_SPEEDS = (0.5, 1.8)


class HibariVoice:
    """The voice of the `hibari` wheel. Downloads nothing. Thread-safe."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena would never free the memory of the longest sentence.
        options.enable_cpu_mem_arena = False
        path = voice_path(DEFAULT, download_missing=False)
        self._network = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._reader = Reader()

    def phonemes(self, text: str) -> list[str]:
        """The phonemes of a text, one string for each run of the network; empty where there is nothing to speak."""
        return self._reader.phonemes(text)

    def speak(self, text: str, shape: VoiceShape, tempo: float = 1.0, seed: int = 0) -> Samples:
        """`text` as float32 samples at 24 kHz, the same for the same arguments; `tempo` 2.0 is twice as fast.

        Raises Cancelled once `is_cancelled` returns true.
        """
        rng = np.random.default_rng(seed)
        speed = float(np.clip(shape.tempo * tempo, *_NETWORK_SPEEDS))
        parts = []
        for phonemes in self.phonemes(text):
            if is_cancelled.get()():
                raise Cancelled
            parts.append(render(self.frames(phonemes, speed), shape, rng))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def frames(self, phonemes: str, speed: float = 1.0) -> SpeechFrames:
        """Run the network once."""
        ids = np.asarray([self._reader.ids(phonemes)], np.int64)
        outputs = self._network.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        return SpeechFrames(*(output[0] for output in outputs))
