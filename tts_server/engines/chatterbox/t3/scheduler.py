"""Decides which sequences get rows next. No torch, no threads."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Schedulable(Protocol):
    """`group` is the request, `index` the segment's place in it."""

    @property
    def group(self) -> Hashable: ...

    @property
    def index(self) -> int: ...


Item = TypeVar("Item", bound=Schedulable)


class Scheduler(Generic[Item]):
    """Waiting and running items, and a budget of rows.

    - First segments (`index` 0) go before all later ones, in the order they came.
    - Later segments: the group with the fewest running goes first, among equals the one that was served longest ago.
    - Later segments leave `reserved_rows` free, so that the first segment of a new request need not wait for a long text.
    - At most `max_admitted` a step: prefilling many texts at once would stall the running sequences.
    - The next item is never overtaken by one that needs fewer rows: it would starve.
    """

    def __init__(self, max_rows: int, *, max_admitted: int = 2, reserved_rows: int | None = None) -> None:
        if max_rows < 1 or max_admitted < 1:
            raise ValueError("at least one row, and one admission a step")
        self.max_rows = max_rows
        self._max_admitted = max_admitted
        self._reserved = (2 if max_rows >= 8 else 0) if reserved_rows is None else reserved_rows
        self._rows: dict[int, int] = {}
        self._first: list[Item] = []
        self._later: dict[Hashable, list[Item]] = {}
        self._running: list[Item] = []
        self._used = 0
        # Per group, the number of the last admission; the lowest was served longest ago.
        self._served_at: dict[Hashable, int] = {}
        self._num_admitted = 0

    @property
    def running(self) -> list[Item]:
        return list(self._running)

    @property
    def num_running(self) -> int:
        return len(self._running)

    @property
    def num_waiting(self) -> int:
        return len(self._first) + sum(len(items) for items in self._later.values())

    @property
    def used_rows(self) -> int:
        return self._used

    def add(self, item: Item, rows: int) -> None:
        """Queue an item that needs `rows` rows. ValueError if it could never run."""
        if not 0 < rows <= self.max_rows:
            raise ValueError(f"a sequence of {rows} rows does not fit into {self.max_rows}")
        self._rows[id(item)] = rows
        if item.index == 0:
            self._first.append(item)
        else:
            self._later.setdefault(item.group, []).append(item)

    def admit(self) -> list[Item]:
        """The items that start now; they count as running."""
        admitted: list[Item] = []
        while len(admitted) < self._max_admitted:
            item = self._next()
            if item is None:
                break
            limit = self.max_rows if item.index == 0 or not self._running else self.max_rows - self._reserved
            if self._used + self._rows[id(item)] > limit:
                break
            self._unqueue(item)
            self._running.append(item)
            self._used += self._rows[id(item)]
            self._num_admitted += 1
            self._served_at[item.group] = self._num_admitted
            admitted.append(item)
        return admitted

    def remove(self, item: Item) -> bool:
        """Remove an item that has ended or was cancelled, waiting or running. False if it was not there."""
        rows = self._rows.pop(id(item), None)
        if rows is None:
            return False
        if any(item is other for other in self._running):
            self._running = [other for other in self._running if other is not item]
            self._used -= rows
        else:
            self._unqueue(item)
        self._drop_group(item.group)
        return True

    @property
    def is_empty(self) -> bool:
        """Whether nothing is recorded, neither an item nor a group."""
        return not (self._rows or self._first or self._later or self._running or self._served_at)

    def _next(self) -> Item | None:
        if self._first:
            return self._first[0]
        if not self._later:
            return None
        running: dict[Hashable, int] = {}
        for item in self._running:
            running[item.group] = running.get(item.group, 0) + 1
        group = min(self._later, key=lambda name: (running.get(name, 0), self._served_at.get(name, 0)))
        return self._later[group][0]

    def _unqueue(self, item: Item) -> None:
        if item.index == 0:
            self._first = [other for other in self._first if other is not item]
            return
        left = [other for other in self._later[item.group] if other is not item]
        if left:
            self._later[item.group] = left
        else:
            del self._later[item.group]

    def _drop_group(self, group: Hashable) -> None:
        """Delete the record of a group that has no items left, so that records do not accumulate."""
        if group not in self._later and not any(item.group == group for item in (*self._running, *self._first)):
            self._served_at.pop(group, None)
