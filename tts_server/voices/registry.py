"""`voices.json`: the data of the voices beside their recordings. Users also edit it by hand."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tts_server.controls import Controls
from tts_server.errors import Conflict, InvalidRequest
from tts_server.languages import language_code
from tts_server.voices.files import UNFINISHED, NotAFile, hold_lock, not_writable, read_file, remove_unfinished
from tts_server.voices.names import checked_name, name_key

log = logging.getLogger(__name__)

FILE_NAME = "voices.json"
MAX_ALIASES = 50
MAX_DICTIONARIES = 10
MAX_FILE_BYTES = 16 * 2**20
REPLACE_ATTEMPTS = 10
FILES_ARE_HELD = os.name == "nt"
"""Whether a file cannot be replaced while another program has it open."""


class VoiceControls(Controls):
    """The default controls of a voice; a misspelt one is an error."""

    model_config = ConfigDict(extra="forbid")


class VoiceDictionary(BaseModel):
    """A pronunciation dictionary for the texts of a voice."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    pronunciation_dictionary_id: str = Field(min_length=1, max_length=200, description="Id or name of the dictionary.")
    version_id: str | None = Field(default=None, max_length=100, description="Id of a version; without it the latest.")


class VoiceEntry(BaseModel):
    """The entry of one voice in `voices.json`: a name to show, more names for it, and defaults for fields that a request omits."""

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

    def as_json(self) -> dict[str, object]:
        """The fields that are set, and no others."""
        written = self.model_dump(mode="json", exclude_defaults=True)
        if controls := self.controls.controls():
            written["controls"] = controls
        else:
            written.pop("controls", None)
        return written


def _name_or_value_error(name: str) -> str:
    """The checked name; raises ValueError, as Pydantic's validators must."""
    try:
        return checked_name(name)
    except InvalidRequest as error:
        raise ValueError(error.message.partition(": ")[2].rstrip(".")) from error


@dataclass(frozen=True)
class Contents:
    """The parsed `voices.json`.

    `entries` are by the name as it is written, `files` maps more names to paths below the folder, as an earlier server wrote them
    (`"narrator": "elite/narrator.wav"`). `problems` are messages, `failed` the entries with problems. `raw` is the JSON object, None where
    the file was none.
    """

    entries: Mapping[str, VoiceEntry] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    raw: dict[str, object] | None = field(default_factory=dict)

    def of(self, voice_id: str) -> VoiceEntry:
        """The entry of a voice, an empty one where there is none; of several spellings the first."""
        key = name_key(voice_id)
        return next((entry for name, entry in self.entries.items() if name_key(name) == key), VoiceEntry())


_Stamp = tuple[int, int, int]
"""The time of the last change of the file, its size, and its inode number, which differs for each version."""


class VoiceRegistry:
    """Reads `voices.json` again whenever it has changed, and replaces it atomically: readers see the old file or the new one.

    Changes of several threads and processes exclude one another; reading needs no lock.

    While the file cannot be parsed, the previous contents apply, and nothing is written, so that no edit of a user is lost.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._folder = folder
        self._lock = threading.RLock()
        self._changing = threading.RLock()
        self._num_changes = 0  # the depth of nested `changing` blocks; guarded by `_changing`
        self._stamp: _Stamp | None = None
        self._contents = Contents()
        remove_unfinished(folder)

    def contents(self, *, fresh: bool = False) -> Contents:
        """The current contents of the file; `fresh` reads it again even where it seems unchanged."""
        with self._lock:
            stamp = self._stamp_now()
            if fresh or stamp != self._stamp:
                logged = self._contents.problems
                self._contents = self._read()
                self._stamp = stamp
                for problem in self._contents.problems:
                    if problem not in logged:
                        log.warning("%s", problem)
            return self._contents

    def check(self) -> dict[str, object]:
        """The JSON object of the file; raises Conflict where the file cannot be parsed and so cannot be changed."""
        contents = self.contents(fresh=True)
        if contents.raw is None:
            raise Conflict(f"{contents.problems[0]} Correct it first; nothing was changed.", code="voices_json_invalid")
        return contents.raw

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """No other thread or process changes the folder during the block. Raises Unavailable, or Conflict where it cannot be written."""
        with self._changing, hold_lock(self._folder) if self._num_changes == 0 else contextlib.nullcontext():
            self._num_changes += 1
            try:
                yield
            finally:
                self._num_changes -= 1

    def update(self, change: Callable[[dict[str, object]], None]) -> None:
        """Apply `change` to the JSON object and write the file if that changed it. Raises Conflict where it cannot be read or written."""
        with self.changing(), self._lock:
            before = json.dumps(self.check())
            after = json.loads(before)
            change(after)
            if json.dumps(after) == before:
                return
            write_whole(self.path, (json.dumps(after, indent=2, ensure_ascii=False) + "\n").encode())
            self.contents(fresh=True)

    def _stamp_now(self) -> _Stamp | None:
        for stat in (self.path.stat, self.path.lstat):  # a broken link counts as a file too
            try:
                status = stat()
            except OSError:
                continue
            return status.st_mtime_ns, status.st_size, status.st_ino
        return None

    def _read(self) -> Contents:
        try:
            data = read_file(self.path, MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                return self._invalid(f"it is larger than {MAX_FILE_BYTES // 2**20} MiB")
            raw = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
        except NotAFile as error:
            return self._invalid(str(error))
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not self.path.is_symlink():
                return Contents()
            return self._invalid(f"it cannot be read: {error.strerror or error}")
        except (ValueError, RecursionError) as error:
            return self._invalid(f"it cannot be read: {error}")
        if not isinstance(raw, dict):
            return self._invalid('it must be an object such as {"harbor": {"aliases": ["narrator"]}}')
        return _parse(raw)

    def _invalid(self, why: str) -> Contents:
        known = self._contents
        return Contents(known.entries, known.files, (f"{FILE_NAME}: {why}.",), (), None)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _parse(raw: dict[str, object]) -> Contents:
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


def _entry(value: dict[str, object]) -> tuple[VoiceEntry, list[str]]:
    """The entry without its invalid fields, and a message for each of those."""
    try:
        return VoiceEntry.model_validate(value), []
    except ValidationError as error:
        wrong = {str(e["loc"][0]) for e in error.errors()}
        found = [f"{'.'.join(map(str, e['loc']))}: {validation_message(e)}" for e in error.errors()]
    return VoiceEntry.model_validate({name: valid for name, valid in value.items() if name not in wrong}), found


def validation_message(error: Mapping[str, object]) -> str:
    """Pydantic's message in the style of the other messages."""
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


# Files that are written atomically


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically; raises Conflict where the folder cannot be written, ResourceExhausted."""
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
    """Rename a file, replacing the target; try again where a scanner or a reader locks it for a moment."""
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if not FILES_ARE_HELD or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(0.02 * (attempt + 1))
        else:
            return
