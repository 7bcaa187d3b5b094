"""Batches of S3Gen stay within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.speech_tokens import other_voice, speaker_of, voice_of

from tts_server.engines.chatterbox.s3gen.attention import queries_at_once
from tts_server.engines.chatterbox.s3gen.batching import SCORE_BYTES, batch_bytes, split_batch
from tts_server.engines.chatterbox.s3gen.flow import Flow
from tts_server.engines.chatterbox.s3gen.token_to_wave import WaveRequest

SIZES = {"num_heads": 8, "rows_per_segment": 2}
LENGTHS = [700, 1500, 1480, 900, 2500, 610, 620, 630, 640, 2400]
MIB = 2**20


@pytest.mark.parametrize("budget", [0, 100 * MIB, 500 * MIB, 1000 * MIB, 100_000 * MIB])
def test_groups_keep_the_order_and_fit_the_budget_unless_one_segment_alone_does_not(budget: int) -> None:
    sizes = split_batch(LENGTHS, budget, **SIZES)

    assert sum(sizes) == len(LENGTHS)
    first = 0
    for size in sizes:
        assert size == 1 or batch_bytes(LENGTHS[first : first + size], **SIZES) <= budget
        first += size


def test_a_group_is_as_large_as_the_budget_allows() -> None:
    budget = batch_bytes([1000] * 4, **SIZES)

    assert split_batch([1000] * 10, budget, **SIZES) == [4, 4, 2]
    assert split_batch([1000] * 10, budget - 1, **SIZES) == [3, 3, 3, 1]


def test_no_segments_make_no_groups() -> None:
    assert split_batch([], MIB, **SIZES) == []


def test_padding_to_the_longest_counts() -> None:
    assert batch_bytes([2000, 100], **SIZES) == batch_bytes([2000, 2000], **SIZES)


def test_guidance_halves_what_fits(stock_tts: Callable[[str], Any]) -> None:
    with torch.inference_mode():
        plain, guided = (Flow(stock_tts(kind).s3gen, 2, torch.float32) for kind in ("turbo", "english"))
    budget = 512 * MIB

    assert plain.split_batch([1000] * 32, budget)[0] >= 2 * guided.split_batch([1000] * 32, budget)[0] > 0


@pytest.mark.parametrize("num_keys", [100, 1500, 4000])
@pytest.mark.parametrize("rows", [1, 8, 32])
def test_scores_that_a_gpu_holds_at_once_are_bounded(rows: int, num_keys: int) -> None:
    queries = torch.empty(rows, 8, num_keys, 64, device="meta")
    count = queries_at_once(queries, num_keys)

    assert count % 8 == 0
    assert 0 < count * rows * 8 * 2 * num_keys * 4 <= SCORE_BYTES


def test_prompts_count_as_far_as_they_are_used(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    voice = other_voice(voice_of(tts), 1000)
    requests = [WaveRequest([0] * 100, voice, torch.Generator()) for _ in range(32)]
    budget = 512 * MIB

    sizes = [speaker_of(tts, "turbo", mode).split_batch(requests, budget) for mode in ("exact", "fast")]

    assert [sum(groups) for groups in sizes] == [32, 32]
    assert sizes[1][0] > 2 * sizes[0][0]
