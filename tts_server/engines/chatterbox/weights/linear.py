"""The linear layers of the backbone, packed once for the machine and the mode.

| where          | exact                                  | fast                                                           |
|----------------|----------------------------------------|----------------------------------------------------------------|
| CPU, body      | float32, laid out for oneDNN           | int8 weights per output channel, int8 activations per row      |
| CPU, head      | float32, laid out for oneDNN           | float16 weights, float32 sums: the logits stay sharp           |
| CUDA, MPS      | as loaded: float32                     | as loaded: see `gpu_memory.t3_dtype`                           |

A build of torch that lacks an operator (ARM, macOS) gets the next best: float32 by `functional.linear`, which is always there.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Linear = Callable[[Tensor], Tensor]
"""Maps float [..., inputs] to float [..., outputs]."""

Packer = Callable[[Tensor, "Tensor | None"], Linear]
"""Packs a weight [outputs, inputs] and a bias [outputs]."""

_BATCH_HINT = 8
_TINIEST_RANGE = 1e-8


def plain(weight: Tensor, bias: Tensor | None) -> Linear:
    """The weight as it is."""
    return lambda x: functional.linear(x, weight, bias)


def reordered(weight: Tensor, bias: Tensor | None) -> Linear:
    """float32 in oneDNN's blocked layout: the same sums, read at two to four times the speed of a plain matrix."""
    packed = torch.ops.mkldnn._reorder_linear_weight(_float(weight), _BATCH_HINT)
    bias = None if bias is None else _float(bias).clone()
    linear = torch.ops.mkldnn._linear_pointwise
    return lambda x: linear(x, packed, bias, "none", [], "")


def half(weight: Tensor, bias: Tensor | None) -> Linear:
    """float16 weights, float32 activations and sums (FBGEMM): an error of about 2e-4 of the output."""
    with _quantized_engine():
        packed = torch.ops.quantized.linear_prepack_fp16(_float(weight), None if bias is None else _float(bias))
    linear = torch.ops.quantized.linear_dynamic_fp16
    return lambda x: linear(x, packed)


def int8(weight: Tensor, bias: Tensor | None) -> Linear:
    """int8 weights, one scale per output; int8 activations, one scale and offset per row (FBGEMM).

    FBGEMM's own dynamic kernel uses one scale for the whole batch, so that the result of a row would depend on the others. Here each row
    is scaled to -1..1 first and quantised with a fixed scale: integer sums do not depend on other rows.
    """
    weight = _float(weight)
    scales = weight.abs().amax(1).clamp_min_(_TINIEST_RANGE).div_(127)
    with _quantized_engine(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the quantised tensor types are deprecated in favour of another package
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        quantized = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
        sums = quantized.dequantize().sum(1)
        packed = torch.ops.quantized.linear_prepack(quantized, None)
    shift = torch.zeros(len(weight)) if bias is None else _float(bias).clone()
    linear = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32

    def run(x: Tensor) -> Tensor:
        low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)  # a third of the time of aminmax
        reach = (high - low).mul_(0.5).clamp_min_(_TINIEST_RANGE)
        middle = low + reach
        y: Tensor = linear((x - middle).div_(reach), 1 / 127, 128, packed)
        return torch.addcmul(torch.addcmul(shift, middle, sums), y, reach)

    return run


@dataclass(frozen=True)
class Packing:
    """How the layers of a model are packed: `body` for all except the last layer, `head` for the last. `name` appears in logs."""

    name: str
    body: Packer
    head: Packer

    @classmethod
    def choose(cls, device: torch.device, dtype: torch.dtype, mode: str) -> Packing:
        """The fastest packing that this machine supports in `mode` (`exact` or `fast`)."""
        if mode not in ("exact", "fast"):
            raise ValueError(f"the mode is 'exact' or 'fast', not {mode!r}")
        if device.type != "cpu" or dtype != torch.float32:
            return cls(str(dtype).removeprefix("torch."), plain, plain)
        exact = reordered if _works(reordered, 1e-4) else plain
        if mode == "exact" or not _works(int8, 0.1):
            return cls("float32", exact, exact)
        return cls("int8", int8, half if _works(half, 1e-2) else exact)


def _float(tensor: Tensor) -> Tensor:
    return tensor.detach().float().contiguous()


def _works(packer: Packer, tolerance: float) -> bool:
    """Whether this build and processor run the packer's operators with correct results."""
    weight = torch.linspace(-1, 1, 32 * 16).view(32, 16)
    bias, x = torch.linspace(-1, 1, 32), torch.linspace(-2, 1, 3 * 16).view(3, 16)
    want = functional.linear(x, weight, bias)
    try:
        with torch.inference_mode():
            got = packer(weight, bias)(x)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return bool((got - want).abs().max() <= tolerance * want.abs().max())


@contextlib.contextmanager
def _quantized_engine() -> Iterator[None]:
    """Select FBGEMM inside the block. The packed weights store that choice, so that the process-wide one can be restored."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
