"""A measured figure, its threshold and the verdict."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(str, enum.Enum):
    """What a check ended with."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    NOT_JUDGED = "not judged"


class Needs(str, enum.Enum):
    """What a model must be for a threshold to mean anything."""

    ANY_WEIGHTS = "any weights"
    FULL_SIZE = "a model of full size"
    TRAINED_WEIGHTS = "trained weights"


YES_OR_NO = "yes or no"


@dataclass(frozen=True)
class Threshold:
    """What a figure must be: `at_least`, `at_most`, or both. `unit` is printed behind the figure; `%` prints a share as a
    percentage, `YES_OR_NO` 1 and 0 as words."""

    words: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    needs: Needs = Needs.ANY_WEIGHTS

    def is_met(self, figure: float) -> bool:
        """Whether a figure is within the threshold; never for one that is not a number."""
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most) and figure == figure

    @property
    def limit(self) -> str:
        """The threshold in words."""
        if self.at_least is not None and (self.at_least == self.at_most or self.unit == YES_OR_NO):
            return self.format(self.at_least)
        bounds = ((">=", self.at_least), ("<=", self.at_most))
        return ", ".join(f"{sign} {self.format(bound)}" for sign, bound in bounds if bound is not None)

    def format(self, figure: float) -> str:
        """A figure with its unit."""
        if self.unit == YES_OR_NO:
            return "yes" if figure else "no"
        if self.unit == "%":
            return f"{100 * figure:.3g} %"
        return f"{figure:.6g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Check:
    """One line of the report. `reason` says why it was not judged, or what went wrong."""

    model: str
    part: str
    words: str
    measured: str
    limit: str
    verdict: Verdict
    reason: str = ""
