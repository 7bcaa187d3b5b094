"""Waits for sockets that can be read or written and handles them within a bounded time, cheapest first."""

from __future__ import annotations

import contextlib
import errno
import select
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

PASS_SECONDS = 0.05
"""Time limit of one pass. Sockets left over are handled in the next one, so that accepting and short requests are not delayed."""

SWITCH_SECONDS = 0.0005
"""Interpreter switch interval while the loop runs. The loop thread waits for the GIL after each system call; with Python's default of
5 ms, a pass over a thousand connections would take seconds."""

DISCONNECTED = frozenset({errno.ECONNRESET, errno.ENOTCONN, errno.ESHUTDOWN, errno.ECONNABORTED, errno.EPIPE, errno.EBADF})
HAS_POLL = hasattr(select, "poll")


@contextlib.contextmanager
def frequent_thread_switches() -> Iterator[None]:
    """Shorten the interpreter's thread switch interval inside the block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Ready(NamedTuple):
    dispatcher: Any
    can_read: bool
    can_write: bool
    is_broken: bool = False


def poll_once(dispatchers: Mapping[int, Any], seconds: float, pass_seconds: float = PASS_SECONDS) -> bool:
    """Wait up to `seconds` for sockets, then handle those that are ready; return whether some are left for the next pass.

    `dispatchers` are Waitress's, by descriptor, oldest first. Connections are handled for `pass_seconds`, in the order of `_in_order`.
    """
    wanted = []
    for descriptor, each in list(dispatchers.items()):
        try:
            can_read, can_write = bool(each.readable()), not each.accepting and bool(each.writable())
        except Exception:
            each.handle_error()
            continue
        if each._fileno is not None:  # `readable` may close it
            wanted.append((descriptor, each, can_read, can_write))
    ready = (_poll if HAS_POLL else _select)(wanted, seconds)
    first, others = _in_order(ready, time.monotonic())
    for each in first:
        if each.dispatcher._fileno is not None:
            _handle(each)
    until = time.monotonic() + pass_seconds
    for number, each in enumerate(others, 1):
        if each.dispatcher._fileno is not None:
            _handle(each)
        if time.monotonic() > until:
            return number < len(others)
    return False


def _in_order(ready: list[_Ready], now: float) -> tuple[list[_Ready], list[_Ready]]:
    """Return the dispatchers to handle in every pass, which have no `recent_cost`, and the others, cheapest first.

    `recent_cost` gives the seconds that handling a dispatcher took recently. Dispatchers without any cost are mostly new connections.
    They alternate between newest and oldest: when thousands connect at once, late clients do not wait until all others are read.
    """
    first, new, costly = [], [], []
    for each in ready:
        cost = each.dispatcher.recent_cost(now) if hasattr(each.dispatcher, "recent_cost") else None
        if cost is None:
            first.append(each)
        elif cost:
            costly.append((cost, each))
        else:
            new.append(each)
    costly.sort(key=lambda pair: pair[0])
    alternating = [each for pair in zip(reversed(new), new, strict=True) for each in pair][: len(new)]
    return first, [*alternating, *(each for _, each in costly)]


def _handle(ready: _Ready) -> None:
    dispatcher = ready.dispatcher
    try:
        if ready.can_read:
            dispatcher.handle_read_event()
        if ready.can_write and dispatcher._fileno is not None:
            dispatcher.handle_write_event()
        if ready.is_broken and dispatcher._fileno is not None:
            dispatcher.handle_close()
    except OSError as error:
        if error.errno in DISCONNECTED:
            dispatcher.handle_close()
        else:
            dispatcher.handle_error()
    except Exception:
        dispatcher.handle_error()


def _poll(wanted: list[tuple[int, Any, bool, bool]], seconds: float) -> list[_Ready]:
    poller = select.poll()
    by_descriptor = {}
    for descriptor, each, can_read, can_write in wanted:
        # poll reports errors and hangups even where neither reading nor writing is requested.
        if can_read or can_write or getattr(each, "is_watched", False):
            poller.register(descriptor, (select.POLLIN if can_read else 0) | (select.POLLOUT if can_write else 0))
            by_descriptor[descriptor] = each
    broken = select.POLLHUP | select.POLLERR | select.POLLNVAL
    return [
        _Ready(by_descriptor[descriptor], bool(flags & select.POLLIN), bool(flags & select.POLLOUT), bool(flags & broken))
        for descriptor, flags in poller.poll(int(seconds * 1000))
    ]


def _select(wanted: list[tuple[int, Any, bool, bool]], seconds: float) -> list[_Ready]:
    """Use select, for Windows: it has no poll, and its select fails when given no sockets."""
    readers = [descriptor for descriptor, _, can_read, _ in wanted if can_read]
    writers = [descriptor for descriptor, _, _, can_write in wanted if can_write]
    if not readers and not writers:
        time.sleep(seconds)
        return []
    found_readers, found_writers, _ = select.select(readers, writers, [], seconds)
    can_read, can_write = set(found_readers), set(found_writers)
    return [
        _Ready(each, descriptor in can_read, descriptor in can_write)
        for descriptor, each, _, _ in wanted
        if descriptor in can_read or descriptor in can_write
    ]
