"""How a GPU's memory is divided: figures against real allocations of the same shapes, and plans for GPUs of any size."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.create import planned_bytes
from tts_server.engines.chatterbox.device import choose_device, device_context, half_dtype
from tts_server.engines.chatterbox.families import Family, families
from tts_server.engines.chatterbox.gpu_memory import plan_for_device, t3_dtype
from tts_server.engines.chatterbox.memory_plan import CONTEXT_BYTES, MAX_ROWS, MemoryPlan, ModelSizes, kv_bytes, plan_memory, sizes_of
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues
from tts_server.engines.chatterbox.weights.linear import Packing
from tts_server.engines.chatterbox.weights.loading import Parts

GB = 10**9
FULL_SIZES = Path(__file__).with_name("full_sizes.py")
MODES = {"exact": torch.float32, "fast": torch.bfloat16}


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, int]]:
    """The bytes of the stock classes in full size, by model."""
    output = subprocess.run([sys.executable, str(FULL_SIZES)], check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])  # type: ignore[no-any-return]


def storage_of(sizes: ModelSizes, rows: int, positions: int, dtype: torch.dtype, device: str) -> KeyValues:
    store = KeyValues(sizes.layers, sizes.heads, sizes.head_size, max_rows=rows, dtype=dtype, device=torch.device(device), own_prefix=True)
    store.allocate(rows, positions)
    return store


def plan(family: Family, mode: str, free: int, max_rows: int = 0) -> MemoryPlan:
    return plan_memory(
        sizes_of(family), element_bytes=MODES[mode].itemsize, caches_prompts=mode == "fast", free_bytes=free, max_rows=max_rows
    )


# Figures against allocations


def test_the_weights_are_as_large_as_those_of_the_stock_classes(measured: dict[str, dict[str, int]]) -> None:
    for id_, family in families().items():
        sizes, real = sizes_of(family), measured[id_]
        assert (sizes.layers, sizes.heads, sizes.head_size) == (real["layers"], real["heads"], real["head_size"])
        assert sizes.weight_bytes(4) == real["t3_exact"] + real["s3gen"]
        assert sizes.weight_bytes(2) == real["t3_fast"] + (real["s3gen"] - real["kept"]) // 2 + real["kept"]
        cloning = plan(family, "exact", 10 * GB).cloning_bytes
        assert real["cloning"] < cloning < 2 * real["cloning"]


@pytest.mark.parametrize("mode", MODES)
def test_the_kv_cache_is_as_large_as_planned(kind: str, mode: str) -> None:
    family = family_of(kind)
    for free in (3 * GB, 20 * GB, 70 * GB):
        planned = plan(family, mode, free)
        assert storage_of(sizes_of(family), planned.rows, planned.positions, MODES[mode], "meta").nbytes == planned.kv_bytes


def test_a_layer_that_is_really_allocated_has_its_share(kind: str) -> None:
    sizes = sizes_of(family_of(kind))
    store = storage_of(sizes, 2, sizes.positions(1000), torch.bfloat16, "cpu")
    layer = store.keys[0].untyped_storage().nbytes() + store.values[0].untyped_storage().nbytes()
    assert layer * sizes.layers == kv_bytes(sizes, 2, sizes.positions(1000), 2)


def test_a_voice_takes_as_many_positions_as_planned(parts: Callable[[str], Parts], kind: str) -> None:
    with torch.inference_mode():
        backbone = Backbone(parts(kind).t3, Packing.choose(torch.device("cpu"), torch.float32, "exact"))
        prefix = backbone.condition(parts(kind).builtin.t3_cond(0.5))  # type: ignore[union-attr]
    assert prefix.length <= sizes_of(family_of(kind)).prefix_positions
    assert sizes_of(family_of(kind)).positions(1000) <= 8196  # known to GPT-2; Llama knows 2050 of text and 4100 of speech


# Plans


@pytest.mark.parametrize("mode", MODES)
def test_a_plan_stays_within_what_is_free_and_uses_more_when_there_is_more(kind: str, mode: str) -> None:
    family = family_of(kind)
    step = sizes_of(family).rows_per_sequence
    before = 0
    for free in range(0, 120 * GB, GB // 2):
        planned = plan(family, mode, free)
        assert planned.rows % step == 0
        assert step <= planned.rows <= MAX_ROWS
        assert planned.positions >= sizes_of(family).prefix_positions + sizes_of(family).text_positions + 600
        assert planned.rows >= before
        before = planned.rows
        if free >= 4 * GB:
            assert planned.work_bytes <= free
    assert before == MAX_ROWS


@pytest.mark.parametrize("max_rows", [2, 6, 17, 300])
def test_rows_are_bounded_by_the_setting(kind: str, max_rows: int) -> None:
    step = sizes_of(family_of(kind)).rows_per_sequence
    assert plan(family_of(kind), "fast", 500 * GB, max_rows).rows == max_rows - max_rows % step


def test_a_plan_is_described_in_one_line() -> None:
    text = str(plan(family_of("turbo"), "fast", 20 * GB))
    assert "\n" not in text
    for word in ("rows of 1728 positions", "weights", "KV cache", "together"):
        assert word in text


# The device


@pytest.fixture
def gpu() -> Iterator[Callable[..., None]]:
    """Lets PyTorch report two CUDA devices with so much free and total memory, of a compute capability."""
    state: dict[str, Any] = {"free": 23 * GB, "total": 24 * GB, "capability": (8, 6)}
    with (
        patch.object(torch.cuda, "is_available", lambda: True),
        patch.object(torch.cuda, "device_count", lambda: 2),
        patch.object(torch.cuda, "empty_cache"),
        patch.object(torch.cuda, "mem_get_info", lambda device: (state["free"], state["total"])),
        patch.object(torch.cuda, "get_device_capability", lambda device: state["capability"]),
    ):
        yield lambda **changes: state.update(changes)


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((5, 2), torch.float32),
        ((6, 1), torch.float32),
        ((7, 0), torch.float16),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((12, 0), torch.bfloat16),
    ],
)
def test_fast_mode_uses_the_format_that_the_gpu_has_units_for(
    gpu: Callable[..., None], capability: tuple[int, int], dtype: torch.dtype
) -> None:
    gpu(capability=capability)
    assert t3_dtype(torch.device("cuda:1"), "fast") == dtype
    assert t3_dtype(torch.device("cuda:1"), "exact") == torch.float32
    assert half_dtype(torch.device("cpu")) == torch.float32


def test_only_devices_that_exist_are_chosen(gpu: Callable[..., None]) -> None:
    assert (choose_device("auto"), choose_device("cuda"), choose_device("cuda:1"), choose_device("cpu")) == (
        "cuda",
        "cuda",
        "cuda:1",
        "cpu",
    )
    for wrong in ("cuda:2", "cuda:", "cuda:x", "cuda:-1", "tpu", "cuda1", ""):
        with pytest.raises(ValueError, match="available: cuda, cuda:0, cuda:1"):
            choose_device(wrong)


def test_without_a_gpu_none_is_chosen() -> None:
    with patch.object(torch.cuda, "is_available", lambda: False), pytest.raises(ValueError, match="cpu"):
        choose_device("cuda:0")
    with device_context("cpu"):
        assert planned_bytes(family_of("turbo"), "cpu", "exact", 0, 0) is None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [0, 6 * GB, 11 * GB])
def test_a_model_takes_no_more_than_was_counted_for_it(gpu: Callable[..., None], kind: str, mode: str, limit: int) -> None:
    device, family = torch.device("cuda:1"), family_of(kind)
    counted = planned_bytes(family, "cuda:1", mode, 0, limit)
    assert counted is not None
    assert counted <= max(limit, 7 * GB) if limit else counted <= 24 * GB - CONTEXT_BYTES
    for free in (23 * GB, 12 * GB, 5 * GB):
        gpu(free=free)
        assert plan_for_device(family, device, mode, 0, limit).total_bytes <= counted


def test_the_plan_and_what_it_lacks_are_logged(gpu: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    device, family = torch.device("cuda:0"), family_of("multilingual")
    plan_for_device(family, device, "fast", 0)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "chatterbox-multilingual" in caplog.text
    plan_for_device(family, device, "fast", 100)
    assert "MAX_BATCH_ROWS" in caplog.text
    gpu(free=2 * GB)
    plan_for_device(family, device, "fast", 0)
    assert "may run out of memory" in caplog.text


def test_a_guided_model_gets_two_rows_where_one_is_allowed(gpu: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    assert planned_bytes(family_of("english"), "cuda", "exact", 1, 0) == planned_bytes(family_of("english"), "cuda", "exact", 2, 0)
    assert "MAX_BATCH_ROWS=1 is raised to 2" in caplog.text
