"""What `doctor` finds out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fact: whether it is well, in words, and what to do where it is not. Without a `needed` one the server cannot speak."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = False
