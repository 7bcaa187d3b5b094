"""What became of a plan: how much audio there is, and where it came from."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class CacheUse(str, enum.Enum):
    """What the cache has to do with a request, as `X-Cache` says it."""

    HIT = "HIT"
    MISS = "MISS"
    """Not in the cache; stored once it is complete."""
    BYPASS = "BYPASS"
    """The client requested that it is neither read nor stored."""
    ADHOC = "ADHOC"
    """The request brings audio of its own, of which nothing is stored."""
    DISABLED = "DISABLED"


@dataclass
class SpeechResult:
    """What is known so far of the audio of a plan; `seconds` and `retries` grow while it is rendered.

    `retries` counts the parts that the engine made again. Audio from the cache has its values, and `num_bytes`, from the start; `seed` is
    then the one that it was made with.
    """

    seed: int
    cache_use: CacheUse
    seconds: float = 0.0
    retries: int = 0
    num_bytes: int | None = None

    @property
    def route(self) -> str:
        """Where the audio comes from, as `X-Route` says it: `CACHE`, `ADHOC` for a clip or recording of the request's own, else `HOT`."""
        return {CacheUse.HIT: "CACHE", CacheUse.ADHOC: "ADHOC"}.get(self.cache_use, "HOT")
