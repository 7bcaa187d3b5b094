"""Texts to be spoken."""

from __future__ import annotations

import itertools
import random
import threading


class Writer:
    """Sentences of 10 to 20 ordinary words, hardly ever the same one twice."""

    subjects = ("gardener", "teacher", "captain", "painter", "doctor", "farmer", "singer", "baker", "traveller")
    verbs = ("found", "carried", "painted", "described", "sold", "followed", "noticed", "repaired", "counted")
    adjectives = ("quiet", "wooden", "yellow", "heavy", "ancient", "narrow", "gentle", "broken", "silver")
    objects = ("boats", "letters", "lanterns", "chairs", "apples", "maps", "bicycles", "windows", "stones")
    places = ("harbour", "station", "library", "mountain", "bridge", "market", "meadow", "kitchen", "museum")
    endings = ("on Monday", "early in the morning", "without a word", "before the rain began", "with great care", "", "once again")
    openings = ("", "", "Last summer, ", "After a while, ", "As everyone knows, ", "Much later, ")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def sentence(self) -> str:
        pick = self._random.choice
        with self._lock:
            words = (
                f"{pick(self.openings)}the {pick(self.adjectives)} {pick(self.subjects)} {pick(self.verbs)} {self._random.randint(2, 99)} "
                f"{pick(self.adjectives)} {pick(self.objects)} near the {pick(self.places)} {pick(self.endings)}"
            ).rstrip()
        return words[0].upper() + words[1:] + "."

    def words(self, number: int) -> str:
        """A text of so many words; its last sentence is cut short where needed."""
        words = list(itertools.islice((word for _ in itertools.count() for word in self.sentence().split()), number))
        return " ".join(words).rstrip(",.") + "."

    def characters(self, number: int) -> str:
        """A text of so many characters."""
        text = self.sentence()
        while len(text) < number:
            text += " " + self.sentence()
        return text[: number - 1] + "."
