"""What keeps the server from starting, in words for the person at the terminal."""

from __future__ import annotations


class StartError(Exception):
    """Why the server cannot start, and what to do about it."""


class InstallError(StartError):
    """pip or uv failed. `is_external`: the cause is the network, the disk or the index, so a new environment would not help."""

    def __init__(self, message: str, *, is_external: bool = False) -> None:
        super().__init__(message)
        self.is_external = is_external
