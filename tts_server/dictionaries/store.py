"""Pronunciation dictionaries on disk: a folder for each, in it `dictionary.json` and a file for each version.

A version's file is written before `dictionary.json` names it, and `dictionary.json` is replaced atomically, so the folder has the old
state or the new one even if the process is killed. A lock file excludes changes by several processes; reading needs no lock.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from tts_server.dictionaries.files import UNFINISHED, is_stale, not_writable, remove_folder, write_file
from tts_server.dictionaries.records import (
    ID,
    Dictionary,
    Version,
    dictionary_from_json,
    dictionary_to_json,
    rules_from_json,
    rules_to_json,
)
from tts_server.errors import Conflict, InvalidRequest, NotFound, Unavailable
from tts_server.text.pronunciation.matching import CompiledRules
from tts_server.text.pronunciation.rules import Rule, check_rules, merged

log = logging.getLogger(__name__)

MAX_DICTIONARIES = 1000
MAX_VERSIONS = 100
"""The most versions of one dictionary; with one more the oldest is deleted."""

LATEST = "latest"
"""Names the latest version instead of an id."""

NUM_COMPILED = 64
LOCK_SECONDS = 10.0

_FILE = "dictionary.json"
_LOCK = ".lock"
_ID = re.compile(ID)

Stamp = tuple[int, int, int]


class DictionaryNotFound(NotFound):
    """There is no such dictionary, or no such version of it."""

    code = "pronunciation_dictionary_not_found"


class DictionaryStore:
    """The dictionaries below `folder`, which need not exist yet. All methods may be called from any thread.

    A damaged dictionary is ignored and listed by `problems`; the others are not affected.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[Stamp, Dictionary | None, str]] = {}  # by id, with a message where it is damaged; guarded by `_lock`
        self._compiled: OrderedDict[str, CompiledRules] = OrderedDict()  # by version id; guarded by `_lock`
        self._lock = threading.Lock()
        self._remove_leftovers()

    # Reading

    def dictionaries(self) -> list[Dictionary]:
        """All dictionaries that can be read, the oldest first."""
        found = (self._read(id_) for id_ in self._ids())
        return sorted((one for one in found if one is not None), key=lambda one: (one.created, one.id))

    def problems(self) -> list[str]:
        """A sentence for each dictionary that is damaged."""
        self.dictionaries()
        with self._lock:
            return [problem for _, _, problem in self._known.values() if problem]

    def get(self, dictionary_id: str) -> Dictionary:
        """The dictionary of this id, else that of this name. Raises DictionaryNotFound, or Conflict: damaged, or several."""
        if _ID.fullmatch(dictionary_id):
            if (found := self._read(dictionary_id)) is not None:
                return found
            with self._lock:
                _, _, problem = self._known.get(dictionary_id, (None, None, ""))
            if problem:
                raise _damaged(problem)
        named = [one for one in self.dictionaries() if one.name.casefold() == dictionary_id.casefold()]
        if len(named) > 1:
            ids = ", ".join(one.id for one in named[:10])
            message = f"{len(named)} pronunciation dictionaries have the name {dictionary_id[:80]!r}. Use an id: {ids}."
            raise Conflict(message, code="ambiguous_name")
        if not named:
            raise _not_found(dictionary_id)
        return named[0]

    def version(self, dictionary_id: str, version_id: str | None = None) -> tuple[Dictionary, Version]:
        """A dictionary and one of its versions, the latest unless named. Raises DictionaryNotFound, or Conflict where it is damaged."""
        dictionary = self.get(dictionary_id)
        if version_id is None:
            return dictionary, dictionary.latest
        for version in dictionary.versions:
            if version.id == version_id:
                return dictionary, version
        if version_id == LATEST:
            return dictionary, dictionary.latest
        raise DictionaryNotFound(f"The pronunciation dictionary {dictionary_id!r} has no version {version_id[:80]!r}.")

    def rules(self, dictionary_id: str, version_id: str | None = None) -> list[Rule]:
        """The rules of a version, the latest unless named. Raises DictionaryNotFound, or Conflict where it is damaged."""
        dictionary, version = self.version(dictionary_id, version_id)
        try:
            return rules_from_json(self._version_path(dictionary.id, version.id).read_bytes())
        except (OSError, ValueError) as error:
            raise _damaged(f"Version {version.id} of the pronunciation dictionary {dictionary.name!r} cannot be read: {error}.") from error

    def compiled(self, dictionary_id: str, version_id: str | None = None) -> tuple[str, CompiledRules]:
        """The id of a version, the latest unless named, and its rules ready to be matched. Raises what `rules` raises."""
        _, version = self.version(dictionary_id, version_id)
        with self._lock:
            if (kept := self._compiled.get(version.id)) is not None:
                self._compiled.move_to_end(version.id)
                return version.id, kept
        compiled = CompiledRules(self.rules(dictionary_id, version.id))
        with self._lock:
            self._compiled[version.id] = compiled
            while len(self._compiled) > NUM_COMPILED:
                self._compiled.popitem(last=False)
        return version.id, compiled

    # Changing

    def create(self, name: str, rules: list[Rule], *, description: str = "", created_by: str = "") -> Dictionary:
        """Create a dictionary; of several rules for one string the first counts.

        Raises InvalidRequest where there are too many rules, Conflict where there are too many dictionaries or the folder is not writable.
        """
        rules = merged([], rules)
        _check(rules)
        with self._changing():
            if len(self._ids()) >= MAX_DICTIONARIES:
                raise Conflict(
                    f"There are {MAX_DICTIONARIES} pronunciation dictionaries already. Delete one.", code="too_many_dictionaries"
                )
            id_ = secrets.token_hex(10)
            version = self._write_version(id_, rules)
            return self._write(
                Dictionary(
                    id=id_,
                    name=name,
                    description=description,
                    created_by=created_by,
                    created=version.created,
                    versions=(version,),
                )
            )

    def change(
        self,
        dictionary_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        is_archived: bool | None = None,
        is_default: bool | None = None,
    ) -> Dictionary:
        """Change the given fields; the version stays. Raises DictionaryNotFound, or Conflict."""
        with self._changing():
            before = self.get(dictionary_id)
            archived = before.archived
            if is_archived is not None:
                archived = (before.archived or int(time.time())) if is_archived else None
            after = replace(
                before,
                name=before.name if name is None else name,
                description=before.description if description is None else description,
                archived=archived,
                is_default=before.is_default if is_default is None else is_default,
            )
            return before if after == before else self._write(after)

    def set_rules(self, dictionary_id: str, rules: list[Rule]) -> Dictionary:
        """Add a version with these rules alone, also where the latest is damaged.

        Raises the errors of `change`, and InvalidRequest where there are too many rules.
        """
        with self._changing():
            dictionary = self.get(dictionary_id)
            try:
                before: list[Rule] | None = self.rules(dictionary_id)
            except Conflict:
                before = None
            return self._with_rules(dictionary, before, merged([], rules))

    def add_rules(self, dictionary_id: str, rules: list[Rule]) -> Dictionary:
        """Add a version with these rules too, instead of those that replace the same strings. Raises the errors of `set_rules`."""
        with self._changing():
            before = self.rules(dictionary_id)
            return self._with_rules(self.get(dictionary_id), before, merged(before, rules))

    def remove_rules(self, dictionary_id: str, strings: list[str]) -> Dictionary:
        """Add a version without the rules for these strings, if there are any. Raises the errors of `set_rules`."""
        removed = frozenset(strings)
        with self._changing():
            before = self.rules(dictionary_id)
            after = [rule for rule in before if rule.string_to_replace not in removed]
            return self._with_rules(self.get(dictionary_id), before, after)

    def delete(self, dictionary_id: str) -> str:
        """Remove a dictionary with all its versions, also one that is damaged; returns its id. Raises DictionaryNotFound, or Conflict."""
        with self._changing():
            id_ = dictionary_id if dictionary_id in self._ids() else self.get(dictionary_id).id
            remove_folder(self.folder / id_, _FILE)
            with self._lock:
                self._known.pop(id_, None)
            return id_

    def _with_rules(self, dictionary: Dictionary, before: list[Rule] | None, after: list[Rule]) -> Dictionary:
        if after == before:
            return dictionary
        _check(after)
        versions = (*dictionary.versions, self._write_version(dictionary.id, after))
        written = self._write(replace(dictionary, versions=versions[-MAX_VERSIONS:]))
        for version in versions[:-MAX_VERSIONS]:
            with contextlib.suppress(OSError):
                self._version_path(dictionary.id, version.id).unlink()
        return written

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Exclude changes by other threads and processes during the block."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / _LOCK, timeout=LOCK_SECONDS)
            lock.acquire()
        except TimeoutError as error:
            raise Unavailable("Another change of the pronunciation dictionaries takes too long. Try again.") from error
        except OSError as error:
            raise not_writable(error) from error
        try:
            yield
        finally:
            lock.release()

    # Files

    def _ids(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if _ID.fullmatch(path.name) and (path / _FILE).is_file()]
        except OSError:
            return []

    def _version_path(self, dictionary_id: str, version_id: str) -> Path:
        return self.folder / dictionary_id / f"{version_id}.json"

    def _read(self, dictionary_id: str) -> Dictionary | None:
        """The dictionary on disk; None where there is none or it is damaged."""
        path = self.folder / dictionary_id / _FILE
        try:
            status = path.stat()
        except OSError:
            with self._lock:
                self._known.pop(dictionary_id, None)
            return None
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
        with self._lock:
            known = self._known.get(dictionary_id)
        if known is not None and known[0] == stamp:
            return known[1]
        found, problem = None, ""
        try:
            found = dictionary_from_json(path.read_bytes())
            if found.id != dictionary_id:
                raise ValueError("it has the id of another one")
        except (OSError, ValueError) as error:
            found = None
            why = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
            problem = f"The pronunciation dictionary {dictionary_id} is damaged: {why}. Restore {_FILE} in its folder, or delete it."
            log.warning("%s", problem)
        with self._lock:
            self._known[dictionary_id] = stamp, found, problem
        return found

    def _write(self, dictionary: Dictionary) -> Dictionary:
        write_file(self.folder / dictionary.id / _FILE, dictionary_to_json(dictionary))
        return dictionary

    def _write_version(self, dictionary_id: str, rules: list[Rule]) -> Version:
        version = Version(id=secrets.token_hex(10), num_rules=len(rules), created=int(time.time()))
        write_file(self._version_path(dictionary_id, version.id), rules_to_json(rules))
        return version

    def _remove_leftovers(self) -> None:
        """Remove the leftovers of a killed server: unfinished files, and unreferenced dictionaries and versions."""
        with contextlib.suppress(OSError):
            folders = [path for path in self.folder.iterdir() if _ID.fullmatch(path.name) and path.is_dir() and is_stale(path)]
            for folder in folders:
                for path in folder.glob(f".*{UNFINISHED}"):
                    if is_stale(path):
                        path.unlink(missing_ok=True)
                self._remove_unnamed(folder)

    def _remove_unnamed(self, folder: Path) -> None:
        if not (folder / _FILE).exists():
            remove_folder(folder, _FILE)
        elif (dictionary := self._read(folder.name)) is not None:
            for path in folder.glob("*.json"):
                if path.name != _FILE and not dictionary.has_version(path.stem) and is_stale(path):
                    path.unlink(missing_ok=True)


def _check(rules: list[Rule]) -> None:
    try:
        check_rules(rules)
    except ValueError as error:
        raise InvalidRequest(f"rules: {error}.", param="rules", code="too_many_rules") from error


def _not_found(dictionary_id: str) -> DictionaryNotFound:
    return DictionaryNotFound(f"There is no pronunciation dictionary {dictionary_id[:80]!r}.")


def _damaged(problem: str) -> Conflict:
    return Conflict(problem, code="pronunciation_dictionary_damaged")
