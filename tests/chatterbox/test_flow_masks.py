"""Masks of S3Gen's attention are aligned: CUDA's memory-efficient kernel raises an error for any that is not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar

import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from tts_server.engines.chatterbox.s3gen.causal import StreamState
from tts_server.engines.chatterbox.s3gen.encoder import LOOK_AHEAD, Encoder
from tts_server.engines.chatterbox.s3gen.flow import Flow, Row, Target

KINDS = pytest.mark.parametrize("kind", ["turbo", "english"])
ALIGNMENT = 8
FIRST_BLOCK_TOKENS, BLOCK_TOKENS, WINDOW_FRAMES = 20, 25, 150
T = TypeVar("T")


class MaskRecorder(TorchFunctionMode):
    """Counts the masks given to attention inside, and keeps the shapes of those that are not aligned."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.misaligned: list[tuple[tuple[int, ...], tuple[int, ...], int]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.scaled_dot_product_attention:
            mask = (kwargs or {}).get("attn_mask", args[3] if len(args) > 3 else None)
            if mask is not None:
                self.count += 1
                *strides, last = mask.stride()
                if last != 1 or any(number % ALIGNMENT for number in (*strides, mask.storage_offset())):
                    self.misaligned.append((tuple(mask.shape), mask.stride(), mask.storage_offset()))
        return func(*args, **(kwargs or {}))


def result(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def target(num_tokens: int) -> Target:
    return Target(torch.zeros(num_tokens, dtype=torch.long), torch.zeros(2 * num_tokens, 80), torch.ones(192))


def row(num_prompt: int, num_tokens: int) -> Row:
    return Row(target(num_prompt), torch.zeros(num_tokens, dtype=torch.long), torch.zeros(2 * (num_prompt + num_tokens), 80))


@torch.inference_mode()
def test_masks_of_streams_of_every_length_are_aligned(stock_tts: Callable[[str], Any]) -> None:
    """Only the encoder of a stream gives attention masks, and it is the same in all families."""
    encoder = Encoder(stock_tts("turbo").s3gen.flow, torch.float32)
    prompt = StreamState()
    result(encoder.encode(torch.zeros(1, 75, dtype=torch.long), state=prompt))
    state = prompt.fork(None)
    lengths = set()
    with MaskRecorder() as recorder:
        num_before, block = 0, FIRST_BLOCK_TOKENS
        while num_before < 240:
            for rest in range(1, block + LOOK_AHEAD):
                last = torch.zeros(1, rest, dtype=torch.long)
                result(encoder.encode(last, state=copy.deepcopy(state), is_end=True))
                lengths.add(num_before + rest)
            result(encoder.encode(torch.zeros(1, block + LOOK_AHEAD, dtype=torch.long), state=state, is_end=False))
            num_before, block = num_before + block, BLOCK_TOKENS

    assert lengths >= set(range(1, 241))
    assert recorder.count >= len(lengths)
    assert recorder.misaligned == []


@torch.inference_mode()
@KINDS
def test_masks_of_batches_are_aligned(stock_tts: Callable[[str], Any], kind: str) -> None:
    flow = Flow(stock_tts(kind).s3gen, 1, torch.float32)
    with MaskRecorder() as recorder:
        for count in range(20, 29):
            result(flow.mels([row(12, count)]))
            result(flow.mels([row(12, count), row(9, count + 5), row(12, 3)]))
        result(flow.mels([row(12, 140), row(9, 131)]))  # more frames than one block of queries

    assert recorder.count > 0
    assert recorder.misaligned == []
