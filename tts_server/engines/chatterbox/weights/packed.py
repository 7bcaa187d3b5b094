"""The layers of S3Gen, packed once for the machine: in oneDNN's blocked layout on a CPU, as plain tensors elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from tts_server.engines.chatterbox.device import half_dtype
from tts_server.engines.chatterbox.weights.stock_types import StockModule

_ROWS_HINT = 256
"""oneDNN chooses its blocks for about this many rows; others work as well."""


def fast_dtype(device: torch.device) -> torch.dtype:
    """The fastest number format that a device computes natively: a 16-bit one if it has one, else float32."""
    if device.type == "cuda":
        return half_dtype(device)
    if device.type == "cpu" and has_onednn():
        probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return torch.bfloat16 if any(probe is not None and probe() for probe in probes) else torch.float32
    return torch.float32


def has_onednn() -> bool:
    """Whether this build of PyTorch has oneDNN's packed layers."""
    is_built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_built and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def plain_weight(module: nn.Module) -> Tensor:
    """A layer's weight, with its weight norm applied."""
    if parametrize.is_parametrized(module, "weight"):
        with torch.no_grad():
            return module.weight.detach().clone()  # type: ignore[operator]
    return module.weight.detach()  # type: ignore[operator]


class Norm:
    """A layer norm in float32: x [..., C] in any format -> float32."""

    def __init__(self, layer: nn.LayerNorm) -> None:
        self._shape, self._eps = list(layer.normalized_shape), layer.eps
        self._weight, self._bias = layer.weight.detach().float(), layer.bias.detach().float()

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.float(), self._shape, self._weight, self._bias, self._eps)


class Linear:
    """x [..., in] in any format -> [..., out] in `dtype`; `gelu` applies the (exact) GELU to the result."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, *, gelu: bool = False) -> None:
        self._dtype = dtype
        self._gelu = gelu
        self._bias = None if bias is None else bias.detach().to(dtype).clone()
        self._is_packed = weight.device.type == "cpu" and has_onednn()
        plain = weight.detach().to(dtype).contiguous()
        self._weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(plain, _ROWS_HINT) if self._is_packed else plain.clone()

    @classmethod
    def of(cls, *layers: nn.Linear, dtype: torch.dtype, gelu: bool = False, first_scale: float = 1.0) -> Linear:
        """Several layers of the same input as one; their results stand side by side, the first one's times `first_scale`."""
        scales = [first_scale] + [1.0] * (len(layers) - 1)
        weight = torch.cat([layer.weight.float() * scale for layer, scale in zip(layers, scales, strict=True)])
        bias = None
        if layers[0].bias is not None:
            bias = torch.cat([layer.bias.float() * scale for layer, scale in zip(layers, scales, strict=True)])
        return cls(weight, bias, dtype, gelu=gelu)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self._dtype)
        if self._is_packed:
            name, algorithm = ("gelu", "none") if self._gelu else ("none", "")
            result: Tensor = torch.ops.mkldnn._linear_pointwise(x.contiguous(), self._weight, self._bias, name, [], algorithm)
            return result
        y = functional.linear(x, self._weight, self._bias)
        return functional.gelu(y) if self._gelu else y


class Conv:
    """A convolution over time: x [1, in, 1, T] -> [1, out, 1, T'] in `dtype`, channels last in memory; `padding` zeros at both ends."""

    def __init__(self, layer: StockModule, dtype: torch.dtype) -> None:
        self.kernel, self.stride, self.dilation, self.padding = (
            int(value[0]) for value in (layer.kernel_size, layer.stride, layer.dilation, layer.padding)
        )
        self.out_channels = layer.out_channels
        self._dtype = dtype
        weight = plain_weight(layer).to(dtype)[:, :, None].contiguous(memory_format=torch.channels_last)
        self._bias = None if layer.bias is None else layer.bias.detach().to(dtype).clone()
        self._is_packed = weight.device.type == "cpu" and has_onednn()
        if self._is_packed:
            size = [1, layer.in_channels, 1, _ROWS_HINT * self.stride + self.span]
            shape = ([0, 0], [1, self.stride], [1, self.dilation], 1)
            self._weight: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, *shape, size)
        else:
            self._weight = weight

    @property
    def span(self) -> int:
        """Input steps that one output step sees."""
        return (self.kernel - 1) * self.dilation + 1

    def __call__(self, x: Tensor, padding: int = 0) -> Tensor:
        x = x.to(self._dtype)
        stride, dilation = [1, self.stride], [1, self.dilation]
        if self._is_packed:
            x = x.contiguous(memory_format=torch.channels_last)
            result: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, self._weight, self._bias, [0, padding], stride, dilation, 1, "none", [], ""
            )
            return result
        return functional.conv2d(x, self._weight, self._bias, stride, (0, padding), dilation)
