"""The KV cache of T3: keys and values of each voice's conditioning (the *prefix*), and those of each row of the batch."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a voice's conditioning: for every layer [heads, length, size]."""

    keys: list[Tensor] = field(repr=False)
    values: list[Tensor] = field(repr=False)

    @property
    def length(self) -> int:
        return self.keys[0].shape[1]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))


class CapacityExceeded(RuntimeError):
    """Storage of a fixed size is too small for that many rows or positions."""


class KeyValues:
    """Keys and values of up to `max_rows` rows, stored densely in rows 0 to num_rows - 1.

    `lengths[row]` is how many positions the row has stored; they include the prefix if `own_prefix`.
    The storage grows with rows and lengths, unless `allocate` has given it a fixed size. `generation` changes whenever tensors are
    replaced: a CUDA graph, which holds their addresses, is then invalid.
    """

    def __init__(
        self, layers: int, heads: int, size: int, *, max_rows: int, dtype: torch.dtype, device: torch.device, own_prefix: bool
    ) -> None:
        self.own_prefix = own_prefix
        self.device = device
        self.dtype = dtype
        self.lengths: list[int] = []
        self.prefixes: list[Prefix] = []
        self.generation = 0
        self.is_fixed = False
        self._max_rows = max_rows
        self._shape = (layers, heads, size)
        self.clear()

    @property
    def num_rows(self) -> int:
        return len(self.lengths)

    @property
    def capacity(self) -> int:
        """Positions that every row can store."""
        return self.keys[0].shape[2]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def allocate(self, rows: int, positions: int) -> None:
        """Give the storage a fixed size. Only while no row is in use."""
        if self.lengths:
            raise ValueError("rows are in use")
        self.clear()
        self._replace(rows, positions)
        self.is_fixed = True

    def clear(self) -> None:
        """Free the memory. Only while no row is in use."""
        layers, heads, size = self._shape
        self.keys = [torch.zeros(0, heads, 0, size, dtype=self.dtype, device=self.device) for _ in range(layers)]
        self.values = list(self.keys)
        self.is_fixed = False
        self.generation += 1

    def add(self, prefix: Prefix, length: int) -> int:
        """Add a row of that voice, with storage for `length` positions after the prefix and one more. Returns its number.

        With `own_prefix`, its prefix has to be copied by `copy_prefixes`.
        """
        row = self.num_rows
        start = prefix.length if self.own_prefix else 0
        self.reserve(start + length + 1, row + 1)
        self.lengths.append(start)
        self.prefixes.append(prefix)
        return row

    def copy_prefixes(self, rows: Sequence[int]) -> None:
        """Store the prefixes of new rows, whose numbers follow each other. Rows of one voice cost as much as one row."""
        if not self.own_prefix:
            return
        for prefix, group in itertools.groupby(rows, key=lambda row: self.prefixes[row]):
            numbers = list(group)
            for store, source in ((self.keys, prefix.keys), (self.values, prefix.values)):
                for layer, tensor in enumerate(source):
                    store[layer][numbers[0] : numbers[-1] + 1, :, : prefix.length] = tensor

    def remove(self, row: int, *, wipe: bool = False) -> None:
        """Free a row; the last row takes its place. `wipe` a row that may hold NaN: masked positions are multiplied by 0."""
        last = self.num_rows - 1
        for store in (self.keys, self.values):
            for tensor in store:
                if wipe:
                    tensor[row].zero_()
                if row != last:
                    tensor[row, :, : self.lengths[last]] = tensor[last, :, : self.lengths[last]]
        self.lengths[row], self.prefixes[row] = self.lengths[last], self.prefixes[last]
        self.lengths.pop()
        self.prefixes.pop()

    def reserve(self, length: int, rows: int | None = None) -> None:
        """Grow the storage so that each of `rows` rows (default: those in use) can store `length` positions.

        Raises CapacityExceeded where the size is fixed, or what the allocator raises; nothing has changed then.
        """
        rows = max(1, rows or self.num_rows)
        stored_rows, stored_length = self.keys[0].shape[0], self.capacity
        if rows <= stored_rows and length <= stored_length:
            return
        if self.is_fixed:
            raise CapacityExceeded(f"{rows} rows of {length} positions are more than {stored_rows} rows of {stored_length}")
        rows = self._max_rows if self.own_prefix else min(self._max_rows, 1 << (rows - 1).bit_length())
        self._replace(max(rows, stored_rows), max(-(-length // _BLOCK) * _BLOCK, stored_length))

    def _replace(self, rows: int, positions: int) -> None:
        """Move all rows to storage of another size. All tensors are allocated before the first is replaced, so that this succeeds or
        fails as a whole; each old one is freed as soon as it has been copied.
        """
        layers, heads, size = self._shape
        new = [torch.zeros((rows, heads, positions, size), dtype=self.dtype, device=self.device) for _ in range(2 * layers)]
        self.generation += 1
        used, longest = self.num_rows, max(self.lengths, default=0)
        new.reverse()
        for store in (self.keys, self.values):
            for layer, old in enumerate(store):
                tensor = new.pop()
                if used:
                    tensor[:used, :, :longest] = old[:used, :, :longest]
                store[layer] = tensor

    def key_row(self, layer: int, row: int, head: int) -> Tensor:
        """All keys of a row in one head, prefix first: [positions, size]."""
        own = self.keys[layer][row, head, : self.lengths[row]]
        return own if self.own_prefix else torch.cat((self.prefixes[row].keys[layer][head], own))

    def position(self, row: int) -> int:
        """Where the next token of a row goes, counted from the start of its prefix."""
        return self.lengths[row] + (0 if self.own_prefix else self.prefixes[row].length)


class PrefixCache:
    """Prefixes by key, at most `max_bytes` of them: the least recently used is dropped first. Those in use stay, whatever their size."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._prefixes: OrderedDict[Hashable, Prefix] = OrderedDict()
        self._users: dict[Prefix, int] = {}

    @property
    def nbytes(self) -> int:
        return sum(prefix.nbytes for prefix in self._prefixes.values())

    def __len__(self) -> int:
        return len(self._prefixes)

    def acquire(self, key: Hashable, make: Callable[[], Prefix]) -> Prefix:
        """The prefix of that key, which stays in the cache until it is released as often as it was acquired."""
        prefix = self._prefixes.get(key)
        if prefix is None:
            prefix = self._prefixes[key] = make()
        self._prefixes.move_to_end(key)
        self._users[prefix] = self._users.get(prefix, 0) + 1
        self._shrink(self._max_bytes)
        return prefix

    def release(self, prefix: Prefix) -> None:
        self._users[prefix] -= 1
        if not self._users[prefix]:
            del self._users[prefix]
            self._shrink(self._max_bytes)

    def clear(self) -> None:
        """Drop all that are not in use."""
        self._shrink(0)

    def _shrink(self, max_bytes: int) -> None:
        excess = self.nbytes - max_bytes
        for key, prefix in list(self._prefixes.items()):
            if excess <= 0:
                return
            if prefix not in self._users:
                del self._prefixes[key]
                excess -= prefix.nbytes
