"""Memory plans for a GPU: number formats by its generation, sizes by its free memory."""

from __future__ import annotations

import logging

import torch

from tts_server.engines.chatterbox.device import half_dtype
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.memory_plan import CONTEXT_BYTES, MemoryPlan, plan_memory, sizes_of

log = logging.getLogger(__name__)


def t3_dtype(device: torch.device, mode: str) -> torch.dtype:
    """The format of T3's weights, keys and values: half precision on CUDA in fast mode, float32 otherwise (a CPU packs its own)."""
    return half_dtype(device) if mode == "fast" else torch.float32


def largest_plan(family: Family, device: torch.device, mode: str, max_rows: int, memory_limit: int = 0) -> MemoryPlan:
    """The plan for a CUDA device that nothing else uses, within `memory_limit` bytes (0: all of its memory)."""
    total: int = torch.cuda.mem_get_info(device)[1] - CONTEXT_BYTES
    return _plan(family, device, mode, max_rows, min(total, memory_limit or total))


def plan_for_device(family: Family, device: torch.device, mode: str, max_rows: int, memory_limit: int = 0) -> MemoryPlan:
    """The plan for the free memory of a CUDA device before the weights are loaded, never more than `largest_plan`. It is logged."""
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info(device)
    available = min(free, total - CONTEXT_BYTES, memory_limit or total)
    plan = _plan(family, device, mode, max_rows, available)
    log.info("%s: %s", family.id, plan)
    if max_rows > plan.rows:
        log.warning("%s: there is memory for %d rows; MAX_BATCH_ROWS allows %d", family.id, plan.rows, max_rows)
    if plan.total_bytes > available:
        log.warning("%s: it needs more than the %d MB that are available, and may run out of memory", family.id, available >> 20)
    return plan


def _plan(family: Family, device: torch.device, mode: str, max_rows: int, available: int) -> MemoryPlan:
    sizes, element_bytes = sizes_of(family), t3_dtype(device, mode).itemsize
    free = available - sizes.weight_bytes(element_bytes)
    return plan_memory(sizes, element_bytes=element_bytes, caches_prompts=mode == "fast", free_bytes=free, max_rows=max_rows)
