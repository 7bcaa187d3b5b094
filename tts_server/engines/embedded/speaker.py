"""Text to sound: hibari's phonemes, hibari's network, our shapes."""

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
"""Tempos at which the network itself keeps both its clarity and the length that was asked for; beyond them its sound is stretched. Asked
for 1.2, the network gives about 1.1; asked for 1.6, the word error rate is three times that of the stretched sound."""

is_unwanted: ContextVar[Callable[[], bool]] = ContextVar("is_unwanted", default=lambda: False)
"""Says whether nobody waits any more for what the current thread speaks. Asked before each run of the network, of which a text of signs
and digits can take many times as many as ordinary words."""

_NETWORK_SPEEDS = (0.5, 1.8)


class Speaker:
    """The one voice of the `hibari` wheel. Nothing is ever downloaded; every method may be called from several threads at once."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena would keep the memory of the longest sentence for ever.
        options.enable_cpu_mem_arena = False
        path = voice_path(DEFAULT, download_missing=False)
        self._network = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._reader = Reader()

    def phonemes(self, text: str) -> list[str]:
        """What will be spoken, one string for each run of the network; empty where the text says nothing."""
        return self._reader.phonemes(text)

    def speak(self, text: str, shape: VoiceShape, tempo: float = 1.0, seed: int = 0) -> Samples:
        """`text` as float32 samples at 24 kHz, the same for the same arguments; `tempo` 2.0 is twice as fast.

        Raises Cancelled once `is_unwanted` says so.
        """
        rng = np.random.default_rng(seed)
        speed = float(np.clip(shape.tempo * tempo, *_NETWORK_SPEEDS))
        parts = []
        for phonemes in self.phonemes(text):
            if is_unwanted.get()():
                raise Cancelled
            parts.append(render(self.frames(phonemes, speed), shape, rng))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def frames(self, phonemes: str, speed: float = 1.0) -> SpeechFrames:
        """One run of the network."""
        ids = np.asarray([self._reader.ids(phonemes)], np.int64)
        outputs = self._network.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        return SpeechFrames(*(output[0] for output in outputs))
