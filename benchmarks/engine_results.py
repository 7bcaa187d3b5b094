"""What was measured of the engine, and what is promised of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

STOCK = "stock"

Key = tuple[str, str, int]
"""Model, way (STOCK or a mode), number of requests at once."""

MIN_DECODING_RATIO = {("turbo", "exact", 8): 8.0, ("turbo", "fast", 1): 4.0, ("turbo", "fast", 8): 15.0}
MIN_SPEAKING_RATIO = {
    ("nano", "exact", 8): 2.2,
    ("nano", "fast", 8): 5.0,
    ("turbo", "exact", 8): 3.2,
    ("turbo", "fast", 8): 8.0,
    ("english", "exact", 8): 2.0,
    ("english", "fast", 8): 6.0,
}
MAX_FIRST_AUDIO_RATIO = {("nano", "fast"): 0.012}
MAX_SECOND_USE_MS = 5.0


@dataclass
class Decoding:
    """Speech tokens from text, one figure a round: tokens/s of all requests together, text and all, and the median seconds of a step."""

    rates: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def step(self) -> float:
        return statistics.median(self.steps)


@dataclass
class Speaking:
    """Text to watermarked audio, one figure a round: seconds a request (the whole time over their number), and until its first audio."""

    seconds: list[float] = field(default_factory=list)
    first_audio: list[float] = field(default_factory=list)


@dataclass
class LongText:
    """One text of several segments, streamed; seconds, one figure a round. Stock gives nothing before it has all."""

    first_audio: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


@dataclass
class VoiceUse:
    """Seconds that a voice costs, one figure a round: to stock at each call with a clip, to us the first time, read back from disk after a
    restart, and from the request to its place in T3's queue when the voice was used before."""

    stock: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    from_disk: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)


@dataclass
class Counts:
    """What a GPU is given to do: kernels launched for one decoding step outside of its graph and results that the host reads in it, kernels
    of the flow and of the vocoder for one batch, and reads in that."""

    step_launches: float
    step_reads: float
    flow_launches: int
    vocoder_launches: int
    batch_reads: int


@dataclass
class Results:
    """All that was measured. `backbones` says what a T3 step of a model reads and computes, for the roofline."""

    machine: str
    device: str
    num_tokens: int
    backbones: dict[str, dict[str, float]] = field(default_factory=dict)
    decoding: dict[Key, Decoding] = field(default_factory=dict)
    speaking: dict[Key, Speaking] = field(default_factory=dict)
    long_texts: dict[tuple[str, str], LongText] = field(default_factory=dict)
    voices: dict[str, VoiceUse] = field(default_factory=dict)
    counts: dict[Key, Counts] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """For JSON: the keys become fields."""

        def rows(measured: dict[Any, Any], *names: str) -> list[dict[str, Any]]:
            return [
                {**dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True)), **vars(one)} for key, one in measured.items()
            ]

        return {
            "machine": self.machine,
            "device": self.device,
            "num_tokens": self.num_tokens,
            "backbones": self.backbones,
            "decoding": rows(self.decoding, "model", "way", "batch"),
            "speaking": rows(self.speaking, "model", "way", "batch"),
            "long_texts": rows(self.long_texts, "model", "way"),
            "voices": rows(self.voices, "model"),
            "counts": rows(self.counts, "model", "way", "batch"),
            "claims": [vars(claim) for claim in claims(self)],
        }


def ratio(over: list[float], under: list[float]) -> float:
    """The median of the rounds' ratios, since what else the machine does changes between rounds."""
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


@dataclass(frozen=True)
class Claim:
    """Something the engine promises, and what was measured."""

    words: str
    measured: str
    limit: str
    is_met: bool


def claims(results: Results) -> list[Claim]:
    """Those of the claims that something was measured for. They are made for a CPU of two cores."""
    return list(_claims(results)) if results.device == "cpu" else []


def _claims(results: Results) -> Iterator[Claim]:
    for (model, mode, batch), limit in MIN_DECODING_RATIO.items():
        if (ours := results.decoding.get((model, mode, batch))) is not None:
            found = ratio(ours.rates, results.decoding[model, STOCK, 1].rates)
            yield _at_least(f"T3 tokens/s of {model.title()}, {mode}, {_requests(batch)}, to stock", found, limit)
    for (model, mode, batch), limit in MIN_SPEAKING_RATIO.items():
        if (speaking := results.speaking.get((model, mode, batch))) is not None:
            found = ratio(results.speaking[model, STOCK, 1].seconds, speaking.seconds)
            yield _at_least(f"text to watermarked audio of {model.title()}, {mode}, {_requests(batch)}, to stock", found, limit)
    for (model, mode), limit in MAX_FIRST_AUDIO_RATIO.items():
        if (text := results.long_texts.get((model, mode))) is not None:
            found = ratio(text.first_audio, results.long_texts[model, STOCK].whole)
            words = f"first audio of a long text, {model.title()}, {mode}, to stock's whole file"
            yield Claim(words, f"{found:.3f}", f"< {limit:g}", found < limit)
    for model, voice in results.voices.items():
        found = statistics.median(voice.second) * 1000
        words = f"second use of a voice, {model.title()}, until it is in T3's queue"
        yield Claim(words, f"{found:.2f} ms", f"< {MAX_SECOND_USE_MS:g} ms", found < MAX_SECOND_USE_MS)


def _at_least(words: str, found: float, limit: float) -> Claim:
    return Claim(words, f"{found:.2f}", f">= {limit:g}", found >= limit)


def _requests(batch: int) -> str:
    return f"{batch} at once" if batch > 1 else "alone"
