"""A second CUDA device that exists in name only: PyTorch's FakeTensorMode on `cuda:1`, in a build without CUDA.

Fake tensors have a shape, a format and a device, and no values. An operator with operands on two devices raises, and so does every value
that is read back to the host (`DataDependentOutputException`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

FAKE_DEVICE = torch.device("cuda:1")


@contextlib.contextmanager
def fake_device() -> Iterator[torch.device]:
    """Inside, all new tensors are fake; yields the device `cuda:1`. Real tensors may be operands too."""
    with FakeTensorMode(allow_non_fake_inputs=True), _WithoutDeviceGuard():
        yield FAKE_DEVICE


def move_to(device: torch.device, module: nn.Module) -> nn.Module:
    """`module.to(device)` for modules whose parameters are fake, which `to` cannot swap."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(parameter.detach().to(device), requires_grad=False)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = buffer.detach().to(device)
    return module


class _WithoutDeviceGuard(TorchFunctionMode):
    """Methods that take a guard of the device, which a build without CUDA does not have, by operators that take none."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is Tensor.__getitem__:
            return _indexed(*args)
        if func is Tensor.__setitem__:
            _assign(*args)
            return None
        if func is Tensor.copy_:
            return torch.ops.aten.copy_.default(*args, **(kwargs or {}))
        if func is Tensor.__invert__:
            return torch.bitwise_not(*args)
        if func is torch.tensor:
            return _without_value(func(*args, **{**(kwargs or {}), "device": "cpu"}), (kwargs or {}).get("device"))
        if func is Tensor.exponential_:
            return args[0].fill_(1)  # there are no values to draw, and the reference implementation takes no generator
        if func is Tensor.contiguous:
            return _contiguous(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _without_value(made: Tensor, device: torch.device | None) -> Tensor:
    """A tensor like `made` on `device`. A fake tensor remembers the value of a single element and would compute with it for real."""
    return torch.empty(made.shape, dtype=made.dtype, device=device)


def _indexed(x: Tensor, key: Any) -> Tensor:
    x, indices = _viewed(x, key)
    return torch.ops.aten.index.Tensor(x, indices) if indices else x  # type: ignore[no-any-return]


def _assign(x: Tensor, key: Any, value: Any) -> None:
    x, indices = _viewed(x, key)
    if indices:
        torch.ops.aten.index_put_.default(x, indices, torch.as_tensor(value, dtype=x.dtype, device=x.device))
    elif isinstance(value, Tensor):
        torch.ops.aten.copy_.default(x, value)
    else:
        torch.ops.aten.fill_.Scalar(x, value)


def _contiguous(x: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
    return x if x.is_contiguous(memory_format=memory_format) else x.clone(memory_format=memory_format)


def _viewed(x: Tensor, key: Any) -> tuple[Tensor, list[Tensor | None]]:
    """The view that the integers, slices and new axes of `key` take, and the tensors to index it with, if any."""
    keys = key if isinstance(key, tuple) else (key,)
    tensors: dict[int, Tensor] = {}
    axis = 0
    for one in keys:
        if one is Ellipsis:
            axis = x.dim() - _remaining(keys)
        elif one is None:
            x = x.unsqueeze(axis)
            axis += 1
        elif isinstance(one, slice):
            x = torch.ops.aten.slice.Tensor(x, axis, one.start, one.stop, one.step or 1)
            axis += 1
        elif isinstance(one, int) and not isinstance(one, bool):
            x = x.select(axis, one)
        else:
            tensors[axis] = torch.as_tensor(one, device=x.device)
            axis += 1
    return x, [tensors.get(position) for position in range(max(tensors, default=-1) + 1)]


def _remaining(keys: Sequence[Any]) -> int:
    """How many axes the keys behind an ellipsis take."""
    behind = keys[[one is Ellipsis for one in keys].index(True) + 1 :]
    return sum(1 for one in behind if one is not None)
