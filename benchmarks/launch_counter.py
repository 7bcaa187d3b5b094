"""Counts what a GPU would be given to do: kernels launched, and reads of its results by the host, which wait for it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_ALLOCATING = ("empty", "new_empty", "empty_like", "empty_strided", "new_empty_strided", "resize_", "set_", "_unsafe_view", "lift_fresh")
_READING = ("_local_scalar_dense", "nonzero", "masked_select", "unique_dim", "_unique2", "equal", "is_nonzero")


class LaunchCounter(TorchDispatchMode):
    """Inside of its context, every operation counts as a kernel that is no view and no allocation, on whatever device its tensors are;
    with `device_type`, only operations with a tensor on such a device.

    `launches` and `reads` count by the label that `label` gives at each operation ("" without); `operations` by name. A copy to the CPU
    counts as a read where the tensor is on another device. Works under FakeTensorMode too, entered inside of it.
    """

    def __init__(self, label: Callable[[], str] = lambda: "", *, device_type: str | None = None) -> None:
        super().__init__()
        self.launches: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self._label = label
        self._device_type = device_type
        self._is_paused = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, nothing is counted: what a captured graph replays is one launch."""
        before, self._is_paused = self._is_paused, True
        try:
            yield
        finally:
            self._is_paused = before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        namespace, _, name = func._schema.name.partition("::")
        is_free = self._is_paused or namespace == "prim" or name in _ALLOCATING or _is_view(func)
        if not is_free and self._is_on_device((args, kwargs, out)):
            label = self._label()
            self.operations[name] += 1
            if name in _READING or _is_copy_to_host(name, args, out):
                self.reads[label] += 1
            else:
                self.launches[label] += 1
        return out

    def _is_on_device(self, values: Any) -> bool:
        tensors = (value for value in tree_leaves(values) if isinstance(value, torch.Tensor))
        return self._device_type is None or any(tensor.device.type == self._device_type for tensor in tensors)


def _is_view(func: Any) -> bool:
    """Whether an operation's outputs share the memory of its inputs without writing it."""
    return any(one.alias_info is not None and not one.alias_info.is_write for one in func._schema.returns)


def _is_copy_to_host(name: str, args: Any, out: Any) -> bool:
    """Whether a tensor of a device ends up on the CPU."""
    if name not in ("_to_copy", "copy_"):
        return False
    source = args[1] if name == "copy_" else args[0]
    return isinstance(source, torch.Tensor) and source.device.type != "cpu" and out.device.type == "cpu"
