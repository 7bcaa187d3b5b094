"""What T3 remembers of positions, as keys and values: those of a voice (the *prefix*), and those of each row of the batch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
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


class KeyValues:
    """Room for the keys and values of up to `max_rows` rows, dense in 0..num_rows; grows as rows and lengths do.

    `lengths[row]` is how many positions the row has stored; they include the prefix if `own_prefix`.
    """

    def __init__(
        self, layers: int, heads: int, size: int, *, max_rows: int, dtype: torch.dtype, device: torch.device, own_prefix: bool
    ) -> None:
        self.own_prefix = own_prefix
        self.device = device
        self.dtype = dtype
        self.lengths: list[int] = []
        self.prefixes: list[Prefix] = []
        self._max_rows = max_rows
        self._shape = (layers, heads, size)
        self.clear()

    @property
    def num_rows(self) -> int:
        return len(self.lengths)

    @property
    def capacity(self) -> int:
        """Positions that every row has room for."""
        return min(tensor.shape[2] for tensor in self.keys)

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def clear(self) -> None:
        """Give the memory back. Only while no row is in use."""
        layers, heads, size = self._shape
        self.keys = [torch.zeros(0, heads, 0, size, dtype=self.dtype, device=self.device) for _ in range(layers)]
        self.values = list(self.keys)

    def add(self, prefix: Prefix, length: int) -> int:
        """A new row of that voice, with room for `length` positions after the prefix. Returns its number."""
        row = self.num_rows
        start = prefix.length if self.own_prefix else 0
        self.reserve(start + length, row + 1)
        if self.own_prefix:
            for store, source in ((self.keys, prefix.keys), (self.values, prefix.values)):
                for layer, tensor in enumerate(source):
                    store[layer][row, :, :start] = tensor
        self.lengths.append(start)
        self.prefixes.append(prefix)
        return row

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
        """Make room for `length` positions in each of `rows` rows (by default those in use).

        One layer after the other, so that a failure for lack of memory in the middle leaves everything sound.
        """
        rows = self._max_rows if self.own_prefix else min(self._max_rows, 1 << (max(1, rows or self.num_rows) - 1).bit_length())
        length = -(-length // _BLOCK) * _BLOCK
        used, longest = self.num_rows, max(self.lengths, default=0)
        for store in (self.keys, self.values):
            for layer, old in enumerate(store):
                if old.shape[0] >= rows and old.shape[2] >= length:
                    continue
                shape = (max(rows, old.shape[0]), old.shape[1], max(length, old.shape[2]), old.shape[3])
                new = torch.zeros(shape, dtype=self.dtype, device=self.device)
                new[:used, :, :longest] = old[:used, :, :longest]
                store[layer] = new

    def key_row(self, layer: int, row: int, head: int) -> Tensor:
        """All keys of a row in one head, prefix first: [positions, size]."""
        own = self.keys[layer][row, head, : self.lengths[row]]
        return own if self.own_prefix else torch.cat((self.prefixes[row].keys[layer][head], own))

    def position(self, row: int) -> int:
        """Where the next token of a row goes, counted from the start of its prefix."""
        return self.lengths[row] + (0 if self.own_prefix else self.prefixes[row].length)


class PrefixCache:
    """Prefixes by key, at most `max_bytes` of them: the one unused for longest goes first. Those in use stay, whatever they need."""

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
        """The prefix of that key, kept until it is released as often as it was acquired."""
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
