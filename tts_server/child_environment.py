"""The environment of the programs that the server starts: without its keys, tokens and passwords."""

from __future__ import annotations

import os

_KEPT = frozenset(
    (
        "PATH", "SYSTEMROOT", "WINDIR", "TEMP", "TMP", "TMPDIR",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",  # for programs that the system brings
    )
)  # fmt: skip
"""Variables that a program needs to start, on all systems. A list of what is removed would miss the next secret."""


def minimal_environment(more: tuple[str, ...] = ()) -> dict[str, str]:
    """The few variables of this process that any program may see, and those whose names begin with one of `more`."""
    return {name: value for name, value in os.environ.items() if name.upper() in _KEPT or name.upper().startswith(more)}
