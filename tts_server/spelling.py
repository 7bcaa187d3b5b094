"""Finds what a misspelt word may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known words that differ from `word` by few typing mistakes, nearest first; case does not count."""
    written = word.lower()
    most = 1 if len(written) <= 5 else 2 if len(written) <= 9 else 3
    distances = ((edit_distance(written, candidate.lower()), candidate) for candidate in dict.fromkeys(known))
    return [candidate for distance, candidate in sorted(distances) if distance <= min(most, len(written) - 1)][:limit]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to append to a message, with a space before it; empty where no known word is near."""
    found = suggest(word, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def edit_distance(one: str, other: str) -> int:
    """The number of characters inserted, removed, replaced or exchanged with their neighbour that lead from one text to the other.

    Method: optimal string alignment, by rows of the table of all prefixes.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
