"""Text to sound: hibari's phonemes, hibari's network, our shapes."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator

import numpy as np
import onnxruntime
from anyascii import anyascii
from hibari import Hibari
from hibari.voices import DEFAULT, voice_path

from tts_server.engines.embedded.shape import SpeechFrames, VoiceShape, render
from tts_server.speech import Samples

SAMPLE_RATE = 24000
TEMPO_RANGE = (0.6, 1.6)
"""Tempos at which the network itself stays clear; measured by the word error rate of what it says."""
MAX_PHONEMES = 400
"""Longer strings are spoken in parts: this is what one run of the network takes, about 30 s and 100 MB while it lasts."""

_NETWORK_SPEEDS = (0.5, 1.8)
_LONGEST_GUESSED_WORD = 24
"""The network that guesses unknown words reads no more letters than this."""
_WORD = re.compile(r"[^\W\d_][^\W\d_\u0300-\u036f]*(?:[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e][^\W\d_]*)*")
_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PUNCTUATION = str.maketrans("。．，、！？；：（）「」『』《》", '..,,!?;:()""""""')


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
        self._reader = _Reader()

    def phonemes(self, text: str) -> list[str]:
        """What will be spoken, one string for each run of the network; empty where the text says nothing."""
        return self._reader.phonemes(text)

    def speak(self, text: str, shape: VoiceShape, tempo: float = 1.0, seed: int = 0) -> Samples:
        """`text` as float32 samples at 24 kHz, the same for the same arguments; `tempo` 2.0 is twice as fast."""
        rng = np.random.default_rng(seed)
        speed = float(np.clip(shape.tempo * tempo, *_NETWORK_SPEEDS))
        parts = [render(self.frames(phonemes, speed), shape, rng) for phonemes in self.phonemes(text)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def frames(self, phonemes: str, speed: float = 1.0) -> SpeechFrames:
        """One run of the network."""
        ids = np.asarray([self._reader.ids(phonemes)], np.int64)
        outputs = self._network.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        return SpeechFrames(*(output[0] for output in outputs))


class _Reader:
    """hibari's reading of English, made safe for any text."""

    def __init__(self) -> None:
        from hibari.g2p import G2P

        self._g2p = G2P()
        self._letters = frozenset(self._g2p.oov.cin)
        # hibari does not promise that its reader may be shared.
        self._lock = threading.Lock()
        self._vocabulary = _vocabulary()
