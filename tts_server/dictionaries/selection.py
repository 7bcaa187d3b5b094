"""Selects the dictionaries of a request: those it names, those of its voice, those of the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tts_server.dictionaries.store import DictionaryStore
from tts_server.errors import TTSError
from tts_server.text.edits import Edit
from tts_server.text.pronunciation.matching import CompiledRules, find_edits

log = logging.getLogger(__name__)

PARAM = "pronunciation_dictionary_locators"

Locator = tuple[str, str | None]
"""The id of a dictionary and of a version, None for the latest."""


@dataclass(frozen=True)
class Pronunciation:
    """The rules for a request. `versions` are the ids of their versions, in order, for a cache key."""

    rules: tuple[CompiledRules, ...] = ()
    versions: tuple[str, ...] = ()

    def find_edits(self, text: str) -> list[Edit]:
        """The edits of a text; time is linear in its length."""
        return find_edits(text, self.rules)


class DictionarySelection:
    """Selects from a store. `defaults` are ids or names of dictionaries for all texts, in addition to those marked as default."""

    def __init__(self, store: DictionaryStore, defaults: Sequence[str] = ()) -> None:
        self.store = store
        self._defaults = tuple(defaults)
        self._reported: set[str] = set()  # the messages that have been logged; guarded by `_lock`
        self._lock = threading.Lock()

    def resolve(self, requested: Iterable[Locator] = (), of_voice: Iterable[Locator] = ()) -> Pronunciation:
        """The rules for a request: first those it names, in their order, then those of its voice, then those of the server.

        Raises DictionaryNotFound where it names one that does not exist, Conflict where that is damaged. A dictionary of a voice or of the
        server that cannot be used is ignored, with a warning in the log.
        """
        chosen: dict[str, CompiledRules] = {}
        for dictionary_id, version_id in requested:
            try:
                version, rules = self.store.compiled(dictionary_id, version_id)
            except TTSError as error:
                error.param = PARAM
                raise
            chosen.setdefault(version, rules)
        for dictionary_id, version_id in [*of_voice, *((one, None) for one in self.default_ids())]:
            try:
                version, rules = self.store.compiled(dictionary_id, version_id)
            except TTSError as error:
                self._report(error.message)
            else:
                chosen.setdefault(version, rules)
        return Pronunciation(tuple(chosen.values()), tuple(chosen))

    def check(self, locators: Iterable[Locator]) -> None:
        """Raise DictionaryNotFound or Conflict where one of them cannot be used."""
        self.resolve(locators)

    def default_ids(self) -> list[str]:
        """The dictionaries of the server: those of the settings, then those marked as default, the oldest first."""
        ids: list[str] = []
        for name in self._defaults:
            try:
                ids.append(self.store.get(name).id)
            except TTSError as error:
                self._report(f"PRONUNCIATION_DICTIONARIES: {error.message}")
        ids += (one.id for one in self.store.dictionaries() if one.is_default and one.archived is None)
        return list(dict.fromkeys(ids))

    def _report(self, message: str) -> None:
        with self._lock:
            if message in self._reported:
                return
            self._reported.add(message)
        log.warning("%s", message)
