"""`voices.json`: what is known of the voices beyond their recordings. People write it by hand as well."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tts_server.controls import Controls
from tts_server.errors import Conflict, InvalidRequest
from tts_server.languages import language_code
from tts_server.voices.names import checked_name, name_key

log = logging.getLogger(__name__)

FILE_NAME = "voices.json"
UNFINISHED = ".unfinished"
"""Suffix of files on their way; a leading dot keeps them from being voices."""
STALE_SECONDS = 3600.0
MAX_ALIASES = 50
MAX_DICTIONARIES = 10
REPLACE_ATTEMPTS = 10
FILES_ARE_HELD = os.name == "nt"
"""Whether a file cannot be replaced while another program has it open."""


class VoiceControls(Controls):
    """The controls a voice brings; a misspelt one is an error."""

    model_config = ConfigDict(extra="forbid")


class VoiceDictionary(BaseModel):
    """A pronunciation dictionary that the texts of a voice are read with."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    pronunciation_dictionary_id: str = Field(min_length=1, max_length=200, description="Id or name of the dictionary.")
    version_id: str | None = Field(default=None, max_length=100, description="Id of a version; without it the latest.")


class VoiceEntry(BaseModel):
    """What `voices.json` says of one voice: a name to show, more names to call it by, and what holds unless a request says otherwise."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str | None = Field(default=None, description="Name to show; 1 to 80 characters that can name a file.")
    aliases: tuple[str, ...] = Field(default=(), max_length=MAX_ALIASES, description="More names for the voice.")
    language: str | None = Field(default=None, description="Language code of its requests.")
    description: str = Field(default="", max_length=500, description="A word about it.")
    controls: VoiceControls = Field(default=VoiceControls(), description="Model controls of its requests.")
    pronunciation_dictionary_locators: tuple[VoiceDictionary, ...] = Field(
        default=(),
        max_length=MAX_DICTIONARIES,
        description="Pronunciation dictionaries that its texts are read with; the first counts first.",
    )

    @field_validator("name")
    @classmethod
    def _name(cls, name: str | None) -> str | None:
        return None if name is None else _name_or_value_error(name)

    @field_validator("aliases")
    @classmethod
    def _aliases(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        return tuple({name_key(alias): alias for alias in map(_name_or_value_error, aliases)}.values())

    @field_validator("language")
    @classmethod
    def _language(cls, language: str | None) -> str | None:
        if language is None:
            return None
        code = language_code(language)
        if code is None:
            raise ValueError(f"{language!r} is not a language code such as 'en' or 'zh-cn'")
        return code

    def as_json(self) -> dict[str, Any]:
        """What was given, and nothing else."""
        written = self.model_dump(mode="json", exclude_defaults=True)
        if controls := self.controls.controls():
            written["controls"] = controls
        else:
            written.pop("controls", None)
        return written


def _name_or_value_error(name: str) -> str:
    """Pydantic collects ValueErrors, with their places."""
    try:
        return checked_name(name)
    except InvalidRequest as error:
        raise ValueError(error.message.partition(": ")[2].rstrip(".")) from error


@dataclass(frozen=True)
class Contents:
    """`voices.json`, understood.

    `entries` are by the name as it is written, `files` maps more names to paths below the folder, as an earlier server wrote them
    (`"narrator": "elite/narrator.wav"`). `problems` names what was wrong, `failed` the entries concerned. `raw` is what was read, None
    where it was not JSON.
    """

    entries: Mapping[str, VoiceEntry] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    raw: dict[str, Any] | None = field(default_factory=dict)

    def of(self, voice_id: str) -> VoiceEntry:
        """The entry of a voice, an empty one where there is none; of several spellings the first."""
        key = name_key(voice_id)
        return next((entry for name, entry in self.entries.items() if name_key(name) == key), VoiceEntry())


class VoiceRegistry:
    """Reads `voices.json` again whenever it has changed, and changes it as a whole: readers see the old file or the new one, never a part.

    While the file cannot be understood, what was known before holds, and nothing is written, so that no work by hand is lost.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.RLock()
        self._stamp: tuple[int, int] | None = None
        self._contents = Contents()
        remove_unfinished(folder)

    def contents(self, *, fresh: bool = False) -> Contents:
        """What the file says now; `fresh` reads it again even where it seems unchanged."""
        with self._lock:
            stamp = self._stamp_now()
            if fresh or stamp != self._stamp:
                told = self._contents.problems
                self._contents = self._read()
                self._stamp = stamp
                for problem in self._contents.problems:
                    if problem not in told:
                        log.warning("%s", problem)
            return self._contents

    def check(self) -> dict[str, Any]:
        """What the file holds; raises Conflict where it is not understood, so that it cannot be changed."""
        contents = self.contents(fresh=True)
        if contents.raw is None:
            raise Conflict(f"{contents.problems[0]} Correct it first; nothing was changed.", code="voices_json_invalid")
        return contents.raw

    def update(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Let `change` alter what the file holds, and write it if it did. Raises Conflict where it cannot be read or written."""
        with self._lock:
            before = json.dumps(self.check())
            after = json.loads(before)
            change(after)
            if json.dumps(after) == before:
                return
            write_whole(self.path, (json.dumps(after, indent=2, ensure_ascii=False) + "\n").encode())
            self.contents(fresh=True)

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read(self) -> Contents:
        try:
            raw = json.loads(self.path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_without_repeats)
        except FileNotFoundError:
            return Contents()
        except (OSError, ValueError, RecursionError) as error:
            return self._not_understood(f"it cannot be read: {error}")
        if not isinstance(raw, dict):
            return self._not_understood('it must be an object such as {"harbor": {"aliases": ["narrator"]}}')
        return _understood(raw)

    def _not_understood(self, why: str) -> Contents:
        known = self._contents
        return Contents(known.entries, known.files, (f"{FILE_NAME}: {why}.",), (), None)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _understood(raw: dict[str, Any]) -> Contents:
    entries: dict[str, VoiceEntry] = {}
    files: dict[str, str] = {}
    problems: list[str] = []
    failed: list[str] = []
    for name, value in raw.items():
        found: list[str] = []
        if isinstance(value, str):
            files[name] = value
        elif isinstance(value, dict):
            entries[name], found = _entry(value)
        else:
            found = ["must be an object, or the path of a file"]
        if found:
            failed.append(name)
            problems += [f"{FILE_NAME}: {name}: {why}." for why in found]
    return Contents(entries, files, tuple(problems), tuple(failed), raw)


def _entry(value: dict[str, Any]) -> tuple[VoiceEntry, list[str]]:
    """The entry without its wrong fields, and what was wrong with them."""
    try:
        return VoiceEntry.model_validate(value), []
    except ValidationError as error:
        wrong = {str(e["loc"][0]) for e in error.errors()}
        found = [f"{'.'.join(map(str, e['loc']))}: {in_words(e)}" for e in error.errors()]
    return VoiceEntry.model_validate({name: kept for name, kept in value.items() if name not in wrong}), found


def in_words(error: Mapping[str, Any]) -> str:
    """Pydantic's message in the manner of the others."""
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


# Files that are there as a whole or not at all


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` at once, over what is there; raises Conflict where the folder cannot be written."""
    unfinished = path.with_name(f".{uuid.uuid4().hex}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            move(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(error) from error


def move(source: Path, target: Path) -> None:
    """Rename over what is there; where a scanner or a reader holds the file for a moment, try again."""
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if not FILES_ARE_HELD or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(0.02 * (attempt + 1))
        else:
            return


def not_writable(error: OSError) -> Conflict:
    return Conflict(f"The folder of voices cannot be changed: {error.strerror or 'it is not writable'}.", code="folder_not_writable")


def remove_unfinished(folder: Path) -> None:
    """Remove what a server that was killed left half-written; younger files may be another server's work."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
