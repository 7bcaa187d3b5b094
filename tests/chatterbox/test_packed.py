"""The number formats of fast mode: what the device computes natively, never what it emulates."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch

from tts_server.engines.chatterbox.weights.packed import fast_dtype


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((6, 1), torch.float32),  # GTX 10
        ((7, 0), torch.float16),  # V100
        ((7, 5), torch.float16),  # GTX 16, RTX 20, T4
        ((8, 0), torch.bfloat16),  # A100
        ((8, 6), torch.bfloat16),  # RTX 30
        ((9, 0), torch.bfloat16),  # H100
        ((12, 0), torch.bfloat16),  # RTX 50
    ],
)
def test_a_cuda_device_computes_in_a_format_that_it_has_units_for(capability: tuple[int, int], expected: torch.dtype) -> None:
    capabilities = {0: (8, 9), 1: capability}
    with (
        patch.object(torch.cuda, "get_device_capability", lambda device: capabilities[torch.device(device).index]),
        patch.object(torch.cuda, "is_bf16_supported", return_value=True),  # by emulation, as PyTorch says of each card
        patch.object(torch.version, "hip", None),
    ):
        assert fast_dtype(torch.device("cuda:1")) == expected


def test_a_processor_without_bfloat16_units_computes_in_float32() -> None:
    with patch.multiple(torch.cpu, _is_avx512_bf16_supported=lambda: False, _is_amx_tile_supported=lambda: False):
        assert fast_dtype(torch.device("cpu")) == torch.float32


def test_other_devices_compute_in_float32() -> None:
    assert fast_dtype(torch.device("mps")) == torch.float32
