"""How many kernels the vocoder launches on a GPU for a batch, counted on a fake one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks.fake_device import FAKE_DEVICE, fake_device, move_to
from benchmarks.launch_counter import LaunchCounter
from tts_server.engines.chatterbox.s3gen.hift import HiFT
from tts_server.engines.chatterbox.s3gen.noise import SourceNoise

MAX_LAUNCHES = 700
SECOND = 50
"""Frames."""


def launches(stock: Any, dtype: torch.dtype, lengths: list[int]) -> int:
    mel2wav = copy.deepcopy(stock)
    with fake_device(), torch.inference_mode():
        hift = HiFT(move_to(FAKE_DEVICE, mel2wav), dtype)
        mels = [torch.zeros(1, 80, length, device=FAKE_DEVICE) for length in lengths]
        noises = [SourceNoise(torch.zeros(1, 9, 1), torch.zeros(1, 9, length * 480)) for length in lengths]
        with LaunchCounter() as counter:
            results = hift.generate(mels, noises)
        assert [len(samples) for samples in results] == [length * 480 for length in lengths]
        assert {samples.device for samples in results} == {FAKE_DEVICE}
    assert sum(counter.reads.values()) == 0
    return sum(counter.launches.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["exact", "fast"])
def test_a_batch_takes_no_more_launches_than_a_second_of_one_segment_did(stock_tts: Callable[[str], Any], dtype: torch.dtype) -> None:
    stock = stock_tts("turbo").s3gen.mel2wav
    for lengths in ([SECOND], [20 * SECOND], [20 * SECOND] * 8, [20 * SECOND, 3 * SECOND, 7, 11 * SECOND, 500, 501, 502, 20 * SECOND]):
        assert launches(stock, dtype, lengths) <= MAX_LAUNCHES
