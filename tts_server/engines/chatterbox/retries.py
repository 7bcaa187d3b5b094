"""How often a piece of text is retried, with how many tokens, and which of the attempts is used. Imports no torch at run time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MAX_ATTEMPTS = 3
BUDGET = 1.5
"""Tokens of all attempts together, as a multiple of the limit of one: a model that never stops costs no more than that."""

SAME_LENGTH = math.log(1.1)
"""Lengths that differ by less than a tenth count as equal, in steps from the usual length."""

UNUSABLE = ("silent", "not a number")
"""Faults that are worse than any number of others."""


@dataclass(frozen=True)
class Attempt:
    """The result of decoding a piece once.

    generator_state: of the sequence's random generator after its last token; S3Gen draws its noise from there.
    is_cut: the model was stopped at its limit. faults: what the judge has found, see `quality`.
    coverage: the fraction of the text that the speech has attended to, 0 to 1, for models that measure it; see `t3.alignment`.
    """

    tokens: list[int]
    generator_state: Tensor
    is_cut: bool
    faults: tuple[str, ...]
    coverage: float | None = None


class Retries:
    """The attempts at one piece of text. `limit` is the number of tokens of a single attempt, `usual` of a normal one."""

    def __init__(self, limit: int, usual: int) -> None:
        self.limit = limit
        self._usual = max(1, usual)
        self._spent = 0
        self.attempts: list[Attempt] = []

    @property
    def next_limit(self) -> int:
        """Tokens that the next attempt may have."""
        return min(self.limit, int(BUDGET * self.limit) - self._spent)

    @property
    def can_retry(self) -> bool:
        """Whether attempts are left, and tokens for speech of the usual length."""
        return len(self.attempts) < MAX_ATTEMPTS and self.next_limit >= self._usual

    def add(self, attempt: Attempt) -> None:
        """Record an attempt; its tokens are spent."""
        self.attempts.append(attempt)
        self._spent += len(attempt.tokens)

    def add_faults(self, faults: tuple[str, ...]) -> None:
        """Add the faults of the latest attempt's samples."""
        self.attempts[-1] = replace(self.attempts[-1], faults=(*self.attempts[-1].faults, *faults))

    def best(self) -> Attempt:
        """The attempt with the fewest faults; among equals the one whose length is nearest to the usual one, then the earliest.

        Among those that are about equally far from the usual length, the one that covers more of the text comes first.
        """
        return min(self.attempts, key=self._badness)

    def _badness(self, attempt: Attempt) -> tuple[int, int, int, float, float]:
        num_unusable = sum(fault in UNUSABLE for fault in attempt.faults)
        distance = abs(math.log(max(1, len(attempt.tokens)) / self._usual))
        return num_unusable, len(attempt.faults), int(distance / SAME_LENGTH), -(attempt.coverage or 0.0), distance
