"""Telling apart what a device reports: too little memory passes, a lost device does not."""

from __future__ import annotations

import re

import torch

_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|alloc_cpu", re.IGNORECASE)
_DEVICE_LOST = re.compile(
    r"device-side assert|illegal memory access|unspecified launch failure|misaligned address|launch timed out|device is lost"
    r"|uncorrectable ECC|CUDNN_STATUS_EXECUTION_FAILED|CUDA driver error|no longer available|HIP error",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Did the device or the machine run out of memory? Smaller work may still succeed."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))
    )


def is_device_lost(error: BaseException) -> bool:
    """Has the device failed so that every later call on it fails too?"""
    return isinstance(error, RuntimeError) and not is_out_of_memory(error) and bool(_DEVICE_LOST.search(str(error)))
