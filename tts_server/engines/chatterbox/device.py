"""Which device a model runs on, and the number formats that it computes natively."""

from __future__ import annotations

import contextlib

import torch

_AMPERE = (8, 0)
"""Compute capability from which CUDA devices have bfloat16 units; earlier ones only emulate them."""

_VOLTA = (7, 0)
"""Compute capability from which float16 is faster than float32."""


def choose_device(requested: str = "auto") -> str:
    """`cuda`, `cuda:<index>`, `mps` or `cpu`: the best available one for `auto`. Raises ValueError for a device that does not exist."""
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.insert(0, "mps")
    if torch.cuda.is_available():
        names[:0] = ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if requested == "auto":
        return names[0]
    if requested not in names:
        raise ValueError(f"DEVICE is {requested!r}, but PyTorch finds no such device; available: {', '.join(names)}")
    return requested


def device_context(device: str | torch.device) -> contextlib.AbstractContextManager[object]:
    """Makes `device` the calling thread's current CUDA device inside the block; does nothing for other kinds of device.

    Streams, graphs and library handles are created on the current device, which is `cuda:0` in every new thread.
    """
    device = torch.device(device)
    return torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext()


def half_dtype(device: torch.device) -> torch.dtype:
    """The 16-bit format that a CUDA device computes natively: bfloat16 from Ampere on, float16 from Volta on, else float32."""
    if device.type != "cuda":
        return torch.float32
    # torch.cuda.is_bf16_supported() asks the current device, and by default counts emulation as support.
    capability = torch.cuda.get_device_capability(device)
    if torch.version.hip is not None or capability >= _AMPERE:
        return torch.bfloat16
    return torch.float16 if capability >= _VOLTA else torch.float32
