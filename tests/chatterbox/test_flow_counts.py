"""Kernels that the flow launches for a batch on a GPU: bounded, and as many for eight rows as for one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from test_flow_masks import result, row

from benchmarks.fake_device import fake_device, move_to
from benchmarks.launch_counter import LaunchCounter
from tts_server.engines.chatterbox.s3gen.flow import Flow, Row

ENCODER_LAUNCHES = 240
STEP_LAUNCHES = 110
"""Of a tiny estimator: three resnet blocks with a transformer block each. The full one has 14 with four each."""


def count_launches(flow: Flow, rows: Sequence[Row]) -> LaunchCounter:
    with LaunchCounter() as counter:
        result(flow.mels(rows))
    return counter


@torch.no_grad()
@pytest.mark.parametrize(("kind", "steps"), [("turbo", 2), ("english", 10)])
def test_a_batch_launches_as_many_kernels_as_one_row(stock_tts: Callable[[str], Any], kind: str, steps: int) -> None:
    s3gen = copy.deepcopy(stock_tts(kind).s3gen)
    with fake_device() as device:
        flow = Flow(move_to(device, s3gen), steps, torch.float32)
        count_launches(flow, [row(12, 31)])  # computes the table of positions
        alone = count_launches(flow, [row(12, 31)])
        four, eight = (count_launches(flow, [row(12, 31 - index) for index in range(count)]) for count in (4, 8))

    assert alone.reads.total() == eight.reads.total() == 0
    on_host = 4  # rows are joined and padded in the host's memory
    assert eight.launches.total() - four.launches.total() <= 4 * on_host
    assert alone.launches.total() <= ENCODER_LAUNCHES + steps * STEP_LAUNCHES
