"""S3Gen's flow on a second CUDA device: no operator with operands on two devices, no value read back to the host, aligned masks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_flow_masks import MaskRecorder, result, row, target

from benchmarks.fake_device import fake_device, move_to
from tts_server.engines.chatterbox.s3gen.flow import Flow


@torch.inference_mode()
@pytest.mark.parametrize(("kind", "steps"), [("turbo", 2), ("nano", 2), ("english", 10), ("multilingual", 10)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["exact", "fast"])
def test_a_batch_and_a_stream_stay_on_their_device(stock_tts: Callable[[str], Any], kind: str, steps: int, dtype: torch.dtype) -> None:
    s3gen = copy.deepcopy(stock_tts(kind).s3gen)
    with fake_device() as device:
        flow = Flow(move_to(device, s3gen), steps, dtype)
        with MaskRecorder() as recorder:
            mels = result(flow.mels([row(12, 31), row(9, 23)]))
            prompt = result(flow.prompt(target(13), torch.zeros(26, 80)))
            stream = flow.stream(prompt, window=20)
            mels.append(result(stream.block(torch.zeros(14, dtype=torch.long), torch.zeros(22, 80), is_end=False)))
            mels.append(result(stream.block(torch.zeros(6, dtype=torch.long), torch.zeros(12, 80), is_end=True)))

    assert [tuple(mel.shape) for mel in mels] == [(1, 80, 62), (1, 80, 46), (1, 80, 22), (1, 80, 12)]
    assert {(mel.device, mel.dtype) for mel in mels} == {(device, torch.float32)}
    assert recorder.count > 0
    assert recorder.misaligned == []
