"""The stock package as its callers use it: one request after another."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.checkpoints import family_of, load_stock

import torch  # noqa: E402  isort: skip


class StockWay:
    """A stock model that says exactly as many speech tokens as it is told. Times are in seconds."""

    def __init__(self, kind: str, folder: Path, device: str) -> None:
        self.family = family_of(kind)
        self._tts = load_stock(kind, folder, device)
        self._device = torch.device(device)
        self._num_tokens = 1
        self._step_begins: list[float] = []
        self.t3 = t3 = self._tts.t3
        t3.tfmr.register_forward_pre_hook(lambda *_: self._step_begins.append(time.perf_counter()))
        gpt2, llama = t3.inference_turbo, t3.inference
        t3.inference_turbo = lambda **settings: gpt2(**settings, max_gen_len=self._num_tokens - 1)
        t3.inference = lambda **settings: llama(**{**settings, "max_new_tokens": self._num_tokens})

    def prepare(self, clip: Path) -> float:
        """Make the clip's voice the one that speaks from now on."""
        began = self._now()
        self._tts.prepare_conditionals(clip)
        return self._now() - began

    @property
    def voice(self) -> Any:
        return self._tts.conds

    @voice.setter
    def voice(self, voice: Any) -> None:
        self._tts.conds = voice

    def decode(self, text_ids: torch.Tensor, num_tokens: int) -> tuple[float, float]:
        """T3 alone: (seconds, median seconds of a step). `text_ids` int64 [n]."""
        self._num_tokens = num_tokens
        self._step_begins.clear()
        default = self.family.default
        settings = {name: default(name) for name in ("temperature", "top_p", "repetition_penalty")}
        began = self._now()
        if self.family.is_gpt2:
            ids = text_ids[None]
            self._tts.t3.inference_turbo(t3_cond=self.voice.t3, text_tokens=ids, top_k=int(default("top_k")), **settings)
        else:
            ids = text_ids.expand(2, -1)
            settings |= {"min_p": default("min_p"), "cfg_weight": default("cfg_weight")}
            self._tts.t3.inference(t3_cond=self.voice.t3, text_tokens=ids, **settings)
        seconds = self._now() - began
        steps = [late - early for early, late in zip(self._step_begins[1:], self._step_begins[2:], strict=False)]
        return seconds, statistics.median(steps)

    def speak(self, text: str, num_tokens: int) -> float:
        """`generate()`: text to watermarked audio."""
        self._num_tokens = num_tokens
        language = {"language_id": "en"} if self.family.is_multilingual else {}
        began = self._now()
        self._tts.generate(text, **language)
        return self._now() - began

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
