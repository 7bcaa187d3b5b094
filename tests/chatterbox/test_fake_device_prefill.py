"""T3 on a second CUDA device: no operator with operands on two devices, and no value read back to the host."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from benchmarks.fake_device import fake_device, move_to
from tts_server.engines.chatterbox.t3.alignment import HEADS, TextCoverage
from tts_server.engines.chatterbox.t3.attention import Prefill, SharedDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues, Prefix
from tts_server.engines.chatterbox.t3.static_step import StaticStep
from tts_server.engines.chatterbox.weights.linear import Packing
from tts_server.engines.chatterbox.weights.loading import Parts

COUNTS = (5, 9, 3)  # texts of new rows

FORMATS = pytest.mark.parametrize(
    ("mode", "dtype"),
    [("exact", torch.float32), ("fast", torch.bfloat16)],
    ids=["exact", "fast"],
)


@contextmanager
def fake_backbone(parts: Parts, mode: str, dtype: torch.dtype) -> Iterator[tuple[Backbone, Prefix]]:
    """The model's backbone on the fake device, with the conditioning of its built-in voice."""
    with torch.inference_mode():
        t3 = copy.deepcopy(parts.t3).to(dtype)
    with torch.inference_mode(), fake_device() as device:
        backbone = Backbone(move_to(device, t3), Packing.choose(device, dtype, mode), release=True)
        assert (backbone.device, backbone.dtype) == (device, dtype)
        yield backbone, backbone.condition(parts.builtin.t3_cond(0.5))  # type: ignore[union-attr]


def prefill(backbone: Backbone, store: KeyValues, prefix: Prefix) -> Tensor:
    """Logits after the texts of new rows, the second of them unconditional where the model knows guidance."""
    rows, suffixes = [], []
    for number, count in enumerate(COUNTS):
        ids = torch.arange(count, device=backbone.device)
        suffixes.append(backbone.text(ids, is_unconditional=number == 1 and not backbone.is_gpt2))
        rows.append(store.add(prefix, len(suffixes[-1])))
    attend = Prefill(store, rows, [len(suffix) for suffix in suffixes])
    hidden = backbone.run(torch.nn.utils.rnn.pad_sequence(suffixes, batch_first=True), attend.positions, attend)
    attend.store()
    return backbone.logits(hidden[:, -1])


def is_of(logits: Tensor, backbone: Backbone) -> bool:
    return (logits.shape, logits.device, logits.dtype) == ((len(COUNTS), backbone.vocabulary), backbone.device, torch.float32)


@FORMATS
def test_conditioning_and_prefill_stay_on_their_device(parts: Callable[[str], Parts], kind: str, mode: str, dtype: torch.dtype) -> None:
    with fake_backbone(parts(kind), mode, dtype) as (backbone, prefix):
        assert {(tensor.device, tensor.dtype) for tensor in (*prefix.keys, *prefix.values)} == {(backbone.device, dtype)}
        for own_prefix in (True, False):
            store = backbone.store(4, own_prefix=own_prefix)
            assert is_of(prefill(backbone, store, prefix), backbone)
            assert {(tensor.device, tensor.dtype) for tensor in (*store.keys, *store.values)} == {(backbone.device, dtype)}


@FORMATS
def test_static_steps_stay_on_their_device_while_the_storage_grows(
    parts: Callable[[str], Parts], kind: str, mode: str, dtype: torch.dtype
) -> None:
    with fake_backbone(parts(kind), mode, dtype) as (backbone, prefix):
        store = backbone.store(4, own_prefix=True)
        prefill(backbone, store, prefix)
        coverage = TextCoverage(store, max_rows=4, max_text=50) if backbone.is_multilingual else None
        step = StaticStep(backbone, store, torch.zeros(4, backbone.vocabulary, device=backbone.device), coverage)
        generation = store.generation
        for number in range(3):
            assert is_of(step.run([5, 6, 7], [1 + number] * 3), backbone)
            store.reserve(store.capacity + 1)
        assert store.generation == generation + 3
        store.remove(0, wipe=True)
        assert step.run([5, 6], [4, 4]).shape[0] == 2


@FORMATS
def test_steps_that_share_prefixes_stay_on_their_device(parts: Callable[[str], Parts], kind: str, mode: str, dtype: torch.dtype) -> None:
    with fake_backbone(parts(kind), mode, dtype) as (backbone, prefix):
        store = backbone.store(4, own_prefix=False)
        prefill(backbone, store, prefix)
        attend = SharedDecode(store, HEADS if backbone.is_multilingual else ())
        tokens = torch.zeros(len(COUNTS), dtype=torch.int64, device=backbone.device)
        hidden = backbone.run(backbone.speech(tokens, tokens), attend.positions, attend)
        attend.store()
        assert is_of(backbone.logits(hidden[:, 0]), backbone)


def test_the_masks_of_a_prefill_begin_each_row_at_an_aligned_address(parts: Callable[[str], Parts]) -> None:
    """CUDA's kernels refuse other masks, or PyTorch copies them in every layer."""
    masks: list[Tensor] = []

    class Recorder(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            mask = (kwargs or {}).get("attn_mask")
            if mask is not None:
                masks.append(mask)
            return func(*args, **(kwargs or {}))

    with fake_backbone(parts("turbo"), "fast", torch.bfloat16) as (backbone, prefix):
        for longest in range(1, 9):
            store = backbone.store(2, own_prefix=True)
            suffixes = [backbone.text(torch.arange(count, device=backbone.device)) for count in (longest, 1)]
            rows = [store.add(prefix, len(suffix)) for suffix in suffixes]
            attend = Prefill(store, rows, [len(suffix) for suffix in suffixes])
            with Recorder():
                backbone.run(torch.nn.utils.rnn.pad_sequence(suffixes, batch_first=True), attend.positions, attend)
    assert masks
    for mask in masks:
        assert mask.storage_offset() % 8 == 0
        assert all(stride % 8 == 0 or size == 1 for size, stride in zip(mask.shape[:-1], mask.stride()[:-1], strict=True))
