"""How much is spoken and measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers of texts and requests. `streams` are the numbers of simultaneous requests; those above what a model takes are left out."""

    sentences: int
    """Of each language."""
    cloned_sentences: int
    hard_texts: int
    prose_words: int
    seeds: int
    forced_tokens: int
    """Length, in speech tokens, of what is compared between devices."""
    batched: int
    """Sequences compared between alone and together."""
    clips: int
    streams: tuple[int, ...]
    weather_streams: int


FULL = Scale(
    sentences=20,
    cloned_sentences=5,
    hard_texts=100,
    prose_words=750,
    seeds=3,
    forced_tokens=100,
    batched=8,
    clips=3,
    streams=(1, 2, 4, 8, 16, 32, 64),
    weather_streams=8,
)
"""Ten to twenty minutes on a GPU, an hour or more without one. 750 words are five minutes of prose."""

QUICK = Scale(
    sentences=1,
    cloned_sentences=1,
    hard_texts=2,
    prose_words=40,
    seeds=1,
    forced_tokens=12,
    batched=3,
    clips=1,
    streams=(1, 2),
    weather_streams=2,
)
"""Every part once: shows that everything runs; the figures of words and pace mean little."""
