"""The same sequences alone and together, and with CUDA graphs and without: the tokens must be the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.acceptance.session import Session
from benchmarks.engine_decoder import create_decoder
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.controls import sampling_of
from tts_server.engines.chatterbox.engine import MAX_TOKENS
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sequence import Sequence as Segment
from tts_server.engines.chatterbox.weights.loading import Parts

import dataclasses  # isort: skip

import torch  # isort: skip


def measure(session: Session) -> None:
    """Decode in exact mode, in which a row may not depend on the others."""
    subject, scale = session.subject, session.scale
    parts = subject.parts
    texts = [subject.sentences[number % len(subject.sentences)] for number in range(scale.batched)]
    rows = 2 * scale.batched
    alone_decoder = create_decoder(parts, "exact", rows)
    alone = [decode(parts, alone_decoder, [text], scale.forced_tokens, first_seed=number)[0] for number, text in enumerate(texts)]
    together = decode(parts, create_decoder(parts, "exact", rows), texts, scale.forced_tokens)
    joining = decode(parts, create_decoder(parts, "exact", rows), texts, scale.forced_tokens, steps_between=3)
    session.judge("together", share_of_equal(alone, together))
    session.judge("joining", share_of_equal(alone, joining))
    if not subject.is_on_gpu:
        session.skip("graphs", "no GPU")
        return
    eager = decode(parts, create_decoder(parts, "exact", rows, with_graphs=False), texts, scale.forced_tokens)
    captured = decode(parts, create_decoder(parts, "exact", rows), texts, scale.forced_tokens)
    session.judge("graphs", share_of_equal(eager, captured))


def decode(
    parts: Parts, decoder: T3Decoder, texts: Sequence[str], num_tokens: int, *, first_seed: int = 0, steps_between: int = 0
) -> list[list[int]]:
    """The speech tokens of each text in the model's own voice, `num_tokens` at most. Text n has the seed `first_seed` + n.

    With `steps_between` the sequences join one after the other, so many steps apart.
    """
    language = parts.family.default_language if parts.family.is_multilingual else None
    segments = []
    with torch.inference_mode():
        for number, text in enumerate(texts):
            sampling = sampling_of(parts.family, Utterance(text, parts.builtin, 0, 0, 1.0, language, {}), MAX_TOKENS)
            sampling = dataclasses.replace(sampling, max_tokens=num_tokens)
            generator = torch.Generator().manual_seed(first_seed + number)
            segments.append(Segment(parts.text_ids(text, language), parts.builtin, sampling, generator, group=number))
            decoder.add(segments[-1])
            for _ in range(steps_between):
                decoder.step()
        while decoder.num_running + decoder.num_waiting:
            decoder.step()
    return [list(segment.tokens) for segment in segments]


def share_of_equal(one: Sequence[Any], other: Sequence[Any]) -> float:
    """The share of pairs that are equal."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
