"""Cloning on a second CUDA device: no operator with operands on two devices; what the host reads is known, value by value."""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode

from benchmarks.fake_device import FAKE_DEVICE, fake_device, move_to
from tts_server.engines.chatterbox.voices.cloning import compute
from tts_server.engines.chatterbox.voices.conditionals import TENSORS
from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.loading import Cloning, Parts
from tts_server.speech import VoiceReference

SECONDS = 8
PROMPT_TOKENS = {"english": 150, "multilingual": 150, "turbo": 200, "nano": 200}
"""25 for each second that T3 is conditioned on: of 6 or 15 seconds, as far as the clip goes."""

KNOWN_READS = {
    ("mel_spectrogram", "__bool__"): 2,  # the stock code warns of samples outside of -1 to 1
    ("quantize", "__bool__"): 2,  # the S3 tokenizer, called twice, asks whether a clip is longer than 30 s
    ("inference", "cpu"): 1,  # the voice encoder returns its embedding on the host
    ("copied_to_host", "to"): 4,  # what S3Gen and T3 are conditioned on
}
"""The function that reads, how, and how often for a clip of one batch of the voice encoder. All is stock code but the last."""


class HostReads(TorchFunctionMode):
    """Counts what is read from the device. A condition is read as false; arrays have the shape of their tensor and hold zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, str]] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        tensor = args[0] if args else None
        if func is torch.tensor:
            return _without_constant(tensor, **kwargs)
        if func in (torch.conv1d, torch.conv2d) and not args[0].is_contiguous():
            args = (args[0].clone(memory_format=torch.contiguous_format), *args[1:])
        if func is Tensor.new:
            return args[0].new_empty(args[1:])  # without a guard of the device, which this build does not have
        if func is Tensor.to and not isinstance(tensor, FakeTensor):
            args = (torch.empty(args[0].shape, dtype=args[0].dtype), *args[1:])
        if isinstance(tensor, FakeTensor):
            to_host = func is Tensor.to and "cpu" in (str(kwargs.get("device")), *map(str, args[1:]))
            if tensor.device == FAKE_DEVICE and (to_host or func in (Tensor.__bool__, Tensor.item, Tensor.tolist, Tensor.cpu)):
                self.counts[sys._getframe(1).f_code.co_name, func.__name__] += 1
            if func is Tensor.__bool__:
                return tensor.device != FAKE_DEVICE
            if func is Tensor.numpy:
                return np.zeros(tuple(tensor.shape), np.float32)
        return func(*args, **kwargs)


def _without_constant(value: Any, device: Any = None, dtype: torch.dtype | None = None) -> Tensor:
    """`torch.tensor` that forgets the values: with known ones PyTorch would compute, on a device that this build does not have."""
    made = torch.tensor(value, dtype=dtype)
    made.constant = None  # type: ignore[attr-defined]
    return made if device is None else made.to(device)


@pytest.fixture
def no_stock_caches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stock code keeps windows, filters and resamplers by device for the whole process; fake ones must not stay."""
    from chatterbox.models.s3gen import s3gen
    from chatterbox.models.s3gen.utils import mel

    monkeypatch.setattr(mel, "mel_basis", {})
    monkeypatch.setattr(mel, "hann_window", {})
    monkeypatch.setattr(s3gen, "get_resampler", functools.lru_cache(s3gen.get_resampler.__wrapped__))
    yield


def clip(rate: int) -> VoiceReference:
    """Bursts of noise with gaps: loud enough to be taken for speech."""
    time = np.arange(rate * SECONDS) / rate
    noise = np.random.default_rng(1).standard_normal(len(time)) * 0.1
    return VoiceReference((noise * (np.sin(2 * np.pi * time) > -0.5)).astype(np.float32), rate, "digest")


@contextlib.contextmanager
def on_fake_device(parts: Parts) -> Iterator[tuple[Parts, HostReads]]:
    """The parts that clone, moved to the fake device, and what is read from there."""
    voice_encoder = copy.deepcopy(parts.cloning().voice_encoder)
    s3gen = copy.deepcopy(parts.s3gen)
    with fake_device() as device:
        moved = Cloning(move_to(device, voice_encoder), move_to(device, s3gen).tokenizer)
        with HostReads() as reads:
            yield Parts(parts.family, parts.t3, s3gen, parts.tokenizer, str(device), parts.builtin, lambda: moved), reads


@pytest.mark.usefixtures("no_stock_caches")
@pytest.mark.parametrize("rate", [24_000, 44_100])
def test_a_clip_is_computed_on_one_device_and_read_where_that_cannot_be_avoided(
    parts: Callable[[str], Parts], kind: str, rate: int
) -> None:
    with on_fake_device(parts(kind)) as (moved, reads):
        found = compute(moved, clip(rate)).tensors()

    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    num_tokens = 25 * SECONDS
    assert shapes == {
        "speaker_emb": (1, 256),
        "speech_tokens": (1, PROMPT_TOKENS[kind]),
        "prompt_token": (1, num_tokens),
        "prompt_feat": (1, 2 * num_tokens, 80),
        "embedding": (1, 192),
    }
    assert {name: tensor.dtype for name, tensor in found.items()} == {name: dtype for name, (dtype, _) in TENSORS.items()}
    assert {tensor.device.type for tensor in found.values()} == {"cpu"}
    assert reads.counts == KNOWN_READS


@pytest.mark.usefixtures("no_stock_caches")
def test_recorded_speech_is_tokenized_on_one_device(parts: Callable[[str], Parts], kind: str) -> None:
    with on_fake_device(parts(kind)) as (moved, reads):
        tokens, lengths = moved.cloning().tokenizer.forward([clip(stock.S3_SR).samples])
    assert (tuple(tokens.shape), tokens.device, lengths.device) == ((1, 25 * SECONDS), FAKE_DEVICE, FAKE_DEVICE)
    assert reads.counts == {("quantize", "__bool__"): 1}
