"""Tokens to samples on a second CUDA device: no operator with operands on two devices, and nothing but samples is read by the host."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.speech_tokens import other_voice, some_tokens, voice_of
from torch import Tensor

from benchmarks.checkpoints import family_of
from benchmarks.fake_device import FAKE_DEVICE, fake_device, move_to
from tts_server.engines.chatterbox.s3gen import token_to_wave
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest
from tts_server.speech import Samples

TAIL = {"turbo": 3, "nano": 3, "english": 0, "multilingual": -1}
"""Tokens that a segment's samples are longer than its own."""

MODES = pytest.mark.parametrize("mode", ["exact", "fast"])


class Reader:
    """Takes samples from the fake device, which has none, and records their devices and lengths."""

    def __init__(self) -> None:
        self.devices: list[torch.device] = []

    def __call__(self, samples: Tensor) -> Samples:
        self.devices.append(samples.device)
        return np.zeros(len(samples), np.float32)


@pytest.fixture
def create(stock_tts: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., TokenToWave]:
    """TokenToWave on the device; to be called inside of `fake_device`. Fast mode computes in bfloat16, as on the cards of today."""
    monkeypatch.setattr(token_to_wave, "fast_dtype", lambda device: torch.bfloat16)

    def create(s3gen: Any, kind: str, mode: str, reader: Reader, **options: Any) -> TokenToWave:
        created = TokenToWave(move_to(FAKE_DEVICE, s3gen), family=family_of(kind), mode=mode, read=reader, **options)
        reader.devices.clear()
        return created

    return create


@MODES
def test_a_batch_reads_nothing_but_its_samples_once(
    stock_tts: Callable[[str], Any], kind: str, mode: str, create: Callable[..., TokenToWave]
) -> None:
    tts, reader, counts = stock_tts(kind), Reader(), (11, 30, 5)
    voices = [voice_of(tts), other_voice(voice_of(tts), 21), voice_of(tts)]
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    tokens = [some_tokens(count) for count in counts]
    s3gen = copy.deepcopy(tts.s3gen)
    with fake_device():
        speaker = create(s3gen, kind, mode, reader)
        requests = [WaveRequest(row, voice, g) for row, voice, g in zip(tokens, voices, generators, strict=True)]
        results = list(speaker.batch(requests))[-1]

    assert results is not None
    assert [len(samples) for samples in results] == [(count + TAIL[kind]) * 960 for count in counts]
    assert reader.devices == [FAKE_DEVICE]


@MODES
def test_blocks_of_the_vocoder_stay_on_the_device(
    stock_tts: Callable[[str], Any], kind: str, mode: str, create: Callable[..., TokenToWave]
) -> None:
    tts, reader = stock_tts(kind), Reader()
    voice, generator, s3gen = voice_of(tts), torch.Generator().manual_seed(1), copy.deepcopy(tts.s3gen)
    tokens = some_tokens(40)
    with fake_device():
        speaker = create(s3gen, kind, mode, reader, block_frames=16)
        *_, samples = speaker.segment(tokens, voice, generator)

    assert samples is not None
    assert len(samples) == (40 + TAIL[kind]) * 960
    assert reader.devices == [FAKE_DEVICE]


def test_a_stream_reads_each_block_once(stock_tts: Callable[[str], Any], kind: str, create: Callable[..., TokenToWave]) -> None:
    tts, reader = stock_tts(kind), Reader()
    voice, generator, s3gen = voice_of(tts), torch.Generator().manual_seed(1), copy.deepcopy(tts.s3gen)
    tokens = some_tokens(50)
    with fake_device():
        stream = create(s3gen, kind, "fast", reader).stream(voice, generator)
        length = sum(len(stream.feed(tokens[first : first + 25])) for first in (0, 25)) + len(stream.finish())

    assert length == (50 + TAIL[kind]) * 960
    assert set(reader.devices) == {FAKE_DEVICE}
    assert len(reader.devices) == 3
