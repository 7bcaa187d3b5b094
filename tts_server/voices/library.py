"""The folder of voices: each audio file in it is a voice, named by its stem; `voices.json` has more data about some."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tts_server.errors import Conflict, Forbidden, InvalidReference, TTSError, VoiceNotFound, resource_exhausted
from tts_server.speech import Voice, VoiceReference
from tts_server.voices.files import not_writable, read_file
from tts_server.voices.names import checked_name, is_printable, name_key
from tts_server.voices.registry import FILE_NAME, Contents, VoiceEntry, VoiceRegistry, move, write_whole

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".m4a"})

SHIPPED = "standard"
"""The sub-folder of the samples that come with the project; nothing in it is renamed, deleted or overwritten."""

OWN = "custom"
"""The sub-folder for voices that are made through the API."""

NUM_DECODED = 16

_Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class Reloaded:
    """The result of `reload`: all voices, those added and removed since the last time, and the errors in `voices.json`."""

    voices: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    failed: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Snapshot:
    """The folder at one moment. `files` and `voices` are by `name_key`; `names` maps every other name to such a key."""

    files: Mapping[str, Path]
    voices: Mapping[str, Voice]
    names: Mapping[str, str]
    failed: tuple[str, ...]
    problems: tuple[str, ...]

    def find(self, name: str) -> str | None:
        key = name_key(name)
        return key if key in self.voices else self.names.get(key)


class VoiceLibrary:
    """Voices under `folder` and its sub-folders; files may be added and removed while the server runs.

    A name is looked up among the files found, never joined to a path, so no name can leave the folder.
    `decode` turns a file's bytes into a VoiceReference; the results for the most recent files are cached until those change.
    `reserved` are names that no voice here can have: those of built-in voices. `when_deleted` is called with the sha256 of a deleted
    recording, so that data made from it can be deleted too.
    """

    def __init__(
        self,
        folder: Path,
        decode: Callable[[bytes], VoiceReference],
        reserved: Iterable[str] = (),
        *,
        when_deleted: Callable[[str], None] = lambda digest: None,
    ) -> None:
        self.folder = folder
        self._when_deleted = when_deleted
        self._decode = decode
        self._reserved = frozenset(map(name_key, reserved))
        self._registry = VoiceRegistry(folder)
        self._decoded: OrderedDict[_Stamp, VoiceReference] = OrderedDict()
        self._decoding: dict[_Stamp, Future[VoiceReference]] = {}
        self._lock = threading.Lock()
        self._reloading = threading.Lock()
        self._last: tuple[Contents | None, _Snapshot | None] = None, None
        self._known = self._snapshot(logs=True).voices

    # Looking

    def voices(self) -> list[Voice]:
        """All voices; `path` has the form that clients of earlier servers use, such as `voices/standard/harbor.flac`."""
        return list(self._snapshot().voices.values())

    def get(self, name: str) -> Voice | None:
        """The voice of this name or alias, whatever its case."""
        snapshot = self._snapshot()
        key = snapshot.find(name)
        return None if key is None else snapshot.voices[key]

    def find(self, name: str) -> str | None:
        """The id of the voice called `name`, whatever its case."""
        voice = self.get(name)
        return None if voice is None else voice.id

    def path(self, voice_id: str) -> Path:
        """The recording of a voice; raises VoiceNotFound."""
        path = self._files()[0].get(name_key(voice_id))
        if path is None:
            raise _not_found(voice_id)
        return path

    def recording(self, voice_id: str) -> bytes:
        """The file of a voice; raises VoiceNotFound, ResourceExhausted."""
        return _content(self.path(voice_id), voice_id)

    def reference(self, voice_id: str) -> VoiceReference:
        """The clip of a voice, decoded once for requests at the same time. Raises VoiceNotFound, InvalidReference."""
        path = self.path(voice_id)
        try:
            stamp = _stamp(path)
        except OSError as error:
            raise _unreadable(voice_id, error) from error
        with self._lock:
            cached = self._decoded.get(stamp)
            if cached is not None:
                self._decoded.move_to_end(stamp)
                return cached
            pending = self._decoding.get(stamp)
            future = pending or self._decoding.setdefault(stamp, Future())
        if pending is not None:
            return pending.result()
        try:
            reference = self._decoded_file(path, voice_id)
        except BaseException as error:
            future.set_exception(error)
            raise
        else:
            self._cache(stamp, reference)
            future.set_result(reference)
            return reference
        finally:
            with self._lock:
                del self._decoding[stamp]

    def _decoded_file(self, path: Path, voice_id: str) -> VoiceReference:
        data = _content(path, voice_id)
        try:
            return self._decode(data)
        except (MemoryError, OSError):  # the machine's failure, not the file's
            raise
        except TTSError as error:
            if error.status >= 500:
                raise
            raise InvalidReference(f"The voice {voice_id!r} cannot be used: {error}", param="voice") from error
        except Exception as error:
            raise InvalidReference(f"The voice {voice_id!r} cannot be used: {error}", param="voice") from error

    def _cache(self, stamp: _Stamp, reference: VoiceReference) -> None:
        with self._lock:
            self._decoded[stamp] = reference
            while len(self._decoded) > NUM_DECODED:
                self._decoded.popitem(last=False)

    # Changing: one change at a time; each is completely on the disk before the next begins

    def reload(self) -> Reloaded:
        """Read the folder and `voices.json` again, and drop cached clips whose files no longer exist."""
        with self._reloading:
            snapshot = self._snapshot(fresh=True, logs=True)
            before, self._known = self._known, snapshot.voices
        self._drop_decoded(lambda stamp: Path(stamp[0]) not in snapshot.files.values())
        return Reloaded(
            tuple(voice.id for voice in snapshot.voices.values()),
            tuple(voice.id for key, voice in snapshot.voices.items() if key not in before),
            tuple(voice.id for key, voice in before.items() if key not in snapshot.voices),
            snapshot.failed,
            snapshot.problems,
        )

    def check_free(self, name: str, aliases: Iterable[str] = (), *, but: str | None = None) -> None:
        """Raise Conflict where one of these names is already in use by a voice other than `but`."""
        snapshot = self._snapshot()
        own = None if but is None else name_key(but)
        for param, wanted in [("name", name), *(("aliases", alias) for alias in aliases)]:
            key = name_key(wanted)
            if key in self._reserved:
                raise Conflict(f"{wanted!r} is the name of a built-in voice. Choose another.", param=param, code="voice_exists")
            found = snapshot.find(wanted)
            if found is not None and found != own:
                other = snapshot.voices[found].id
                reason = f"There is already a voice {other!r}" if found == key else f"{wanted!r} is another name of the voice {other!r}"
                raise Conflict(f"{reason}. Choose another name, or delete that voice first.", param=param, code="voice_exists")

    def create(self, name: str, audio: bytes, reference: VoiceReference, entry: VoiceEntry) -> Voice:
        """Create a voice from a FLAC file that holds `reference`. Raises InvalidRequest for an invalid name, Conflict for one in use."""
        name = checked_name(name)
        key = name_key(name)
        with self._registry.changing():
            self.check_free(name, entry.aliases)
            path = self.folder / OWN / f"{name}.flac"
            if not (self.folder / OWN).resolve().is_relative_to(self.folder.resolve()):
                raise Conflict(f"The folder {OWN} leads out of the folder of voices; nothing is written there.", code="folder_not_writable")
            # The entry first: an entry without a recording is ignored, should the power fail in between.
            self._registry.update(_put(name, entry.model_copy(update={"name": entry.name or name})))
            try:
                write_whole(path, audio)
            except TTSError:
                self._registry.update(_remove(key))
                raise
            self._cache(_stamp(path), reference)
            return self._present(name)

    def change(self, voice_id: str, name: str | None, changes: Mapping[str, object]) -> Voice:
        """Change the name of a voice, by which its file is renamed, and fields of its entry.

        Raises VoiceNotFound, Forbidden, Conflict, and InvalidRequest for an invalid name.
        """
        with self._registry.changing():
            snapshot = self._snapshot()
            voice, path = self._changeable(snapshot, voice_id)
            key = name_key(voice_id)
            before = self._registry.contents().of(voice_id)
            entry = before.model_copy(update=dict(changes))
            new = checked_name(name) if name is not None else voice.id
            self.check_free(new, entry.aliases, but=voice.id)
            if new == voice.id:
                self._registry.update(_put(voice.id, entry, over=voice.id, fields=changes))
                return self._present(voice.id)
            if not voice.is_removable:
                raise Forbidden(f"{voice.id!r} comes with the project and keeps its name. Give it an alias instead.", code="voice_is_fixed")
            relative = path.relative_to(self.folder)
            renamed = relative.with_name(new + path.suffix)
            # Both entries while the file moves: whichever name it has, its entry is there.
            self._registry.update(_put(new, entry.model_copy(update={"name": new}), over=voice.id, fields=(*changes, "name")))
            is_other = name_key(new) != key
            try:
                move(path, self.folder / renamed)
            except OSError as error:
                back = _remove(name_key(new)) if is_other else _put(voice.id, before, over=new, fields=(*changes, "name"))
                self._registry.update(back)
                raise _not_found(voice_id) if isinstance(error, FileNotFoundError) else not_writable(error) from error
            if is_other:
                self._registry.update(_remove(key, renamed={relative.as_posix(): renamed.as_posix()}))
            self._drop_decoded(lambda stamp: stamp[0] == str(path))
            return self._present(new)

    def delete(self, voice_id: str) -> str:
        """Remove a voice's recording and entry; returns its id. Raises VoiceNotFound, Forbidden, or Conflict while the file is locked."""
        with self._registry.changing():
            snapshot = self._snapshot()
            voice, path = self._changeable(snapshot, voice_id)
            if not voice.is_removable:
                raise Forbidden(f"{voice.id!r} comes with the project and cannot be deleted.", code="voice_is_fixed")
            self._registry.check()
            try:
                digest = hashlib.sha256(read_file(path)).hexdigest()
                path.unlink()
            except OSError as error:
                raise _not_found(voice_id) if isinstance(error, FileNotFoundError) else not_writable(error) from error
            self._when_deleted(digest)
            try:
                self._registry.update(_remove(name_key(voice.id), path.relative_to(self.folder).as_posix()))
            except TTSError as error:
                # The voice is deleted nevertheless: an entry without a recording is ignored.
                log.warning("The entry of the deleted voice %s stays in %s: %s", voice.id, FILE_NAME, error.message)
            self._drop_decoded(lambda stamp: stamp[0] == str(path))
            return voice.id

    def _present(self, voice_id: str) -> Voice:
        voice = self._snapshot().voices.get(name_key(voice_id))
        if voice is None:  # another program has removed it meanwhile
            raise _not_found(voice_id)
        return voice

    def _changeable(self, snapshot: _Snapshot, voice_id: str) -> tuple[Voice, Path]:
        """The voice with this id. Aliases are not accepted for changes, so that no other voice is changed by mistake."""
        key = name_key(voice_id)
        if key in self._reserved:
            raise Forbidden(f"{voice_id!r} is a built-in voice and cannot be changed.", code="voice_is_fixed")
        if key not in snapshot.voices:
            raise _not_found(voice_id)
        return snapshot.voices[key], snapshot.files[key]

    def _drop_decoded(self, is_stale: Callable[[_Stamp], bool]) -> None:
        with self._lock:
            for stamp in [stamp for stamp in self._decoded if is_stale(stamp)]:
                del self._decoded[stamp]

    # The folder and voices.json together

    def _files(self) -> tuple[dict[str, Path], tuple[str, ...]]:
        """Key -> file, of two files with one stem the first by path; and a message for each file that is skipped."""
        found: dict[str, Path] = {}
        odd: list[str] = []
        for path in sorted(self._audio_files()):
            relative = path.relative_to(self.folder).as_posix()
            if not is_printable(relative) or not name_key(path.stem):
                odd.append(
                    f"The file {ascii(relative)} is no voice: its name is empty or holds control characters or bytes that are no letters."
                )
                continue
            found.setdefault(name_key(path.stem), path)
        return found, tuple(odd)

    def _audio_files(self) -> Iterator[Path]:
        root = self.folder.resolve()

        def is_inside(path: Path) -> bool:
            return path.resolve().is_relative_to(root)

        for folder, folders, names in os.walk(self.folder, onerror=_raise_exhausted):
            here = Path(folder)
            folders[:] = [name for name in folders if not name.startswith(".") and _holds(is_inside, here / name)]
            for name in names:
                path = here / name
                if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                    continue
                if _holds(Path.is_file, path) and (not path.is_symlink() or _holds(is_inside, path)):
                    yield path

    def _snapshot(self, *, fresh: bool = False, logs: bool = False) -> _Snapshot:
        """The folder now. `logs`: log the problems; between the two steps of a change there are some that do not last."""
        contents = self._registry.contents(fresh=fresh)
        files, odd = self._files()
        known, snapshot = self._last
        if snapshot is not None and known is contents and snapshot.files == files and not logs:
            return snapshot
        snapshot = self._build_snapshot(contents, files, odd)
        self._last = contents, snapshot
        for problem in snapshot.problems[len(contents.problems) :] if logs else ():
            log.warning("%s", problem)
        return snapshot

    def _build_snapshot(self, contents: Contents, files: Mapping[str, Path], odd: Iterable[str]) -> _Snapshot:
        entries: dict[str, VoiceEntry] = {}
        for name, entry in contents.entries.items():
            entries.setdefault(name_key(name), entry)
        voices = {key: self._described(path, entries.get(key, VoiceEntry())) for key, path in files.items()}
        names: dict[str, str] = {}
        problems, failed = [*contents.problems, *odd], list(contents.failed)

        def wrong(name: str, why: str) -> None:
            problems.append(f"{FILE_NAME}: {name}: {why}.")
            failed.append(name)

        def call(key: str, name: str, entry: str) -> None:
            """Make `name` a name of the voice `key`, unless it is in use already."""
            wanted = name_key(name)
            if wanted in self._reserved:
                wrong(entry, f"{name!r} is the name of a built-in voice, which always means that one")
            elif wanted != key and (wanted in voices or names.setdefault(wanted, key) != key):
                wrong(entry, f"{name!r} is a name of another voice already")

        for written, entry in contents.entries.items():
            key = name_key(written)
            if key not in voices:
                wrong(written, "there is no recording of this name")
            elif entries[key] is not entry:
                wrong(written, "this voice is there twice")
            else:
                for name in [*([entry.name] if entry.name else []), *entry.aliases]:
                    call(key, name, written)
        by_path = {path.relative_to(self.folder).as_posix().casefold(): key for key, path in files.items()}
        for name, given in contents.files.items():
            key_of_file = by_path.get(_relative(given))
            if key_of_file is None:
                wrong(name, f"there is no recording {given!r} in the folder")
                continue
            call(key_of_file, name, name)
            if name_key(name) != key_of_file:
                voices[key_of_file] = replace(voices[key_of_file], aliases=(*voices[key_of_file].aliases, name))
        return _Snapshot(files, voices, names, tuple(dict.fromkeys(failed)), tuple(problems))

    def _described(self, path: Path, entry: VoiceEntry) -> Voice:
        relative = path.relative_to(self.folder)
        return Voice(
            path.stem,
            entry.name or path.stem.replace("_", " ").replace("-", " ").title(),
            "library",
            entry.description or f"From {path.name}",
            entry.language,
            path=f"voices/{relative.as_posix()}",
            aliases=entry.aliases,
            controls=entry.controls.controls(),
            is_removable=relative.parts[0].casefold() != SHIPPED,
            dictionaries=tuple((one.pronunciation_dictionary_id, one.version_id) for one in entry.pronunciation_dictionary_locators),
        )


def _raise_exhausted(error: OSError) -> None:
    """Raise where the machine has no descriptors left; otherwise a folder that cannot be listed is skipped."""
    if (failure := resource_exhausted(error)) is not None:
        raise failure from error


def _holds(check: Callable[[Path], bool], path: Path) -> bool:
    """Whether `check` is true; False where access is denied or links form a circle (RuntimeError before Python 3.13)."""
    try:
        return check(path)
    except (OSError, RuntimeError):
        return False


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size


def _relative(given: str) -> str:
    """A path of `voices.json` in the form for comparison with the files found; it is never opened."""
    path = PurePosixPath(given.replace("\\", "/"))
    parts = path.parts[1:] if path.parts[:1] == ("voices",) else path.parts
    return "/".join(parts).casefold()


def _put(
    voice_id: str, entry: VoiceEntry, *, over: str | None = None, fields: Iterable[str] = tuple(VoiceEntry.model_fields)
) -> Callable[[dict[str, object]], None]:
    """A change that writes `fields` of a voice's entry; its other fields are copied from the entry of the voice `over`, unchecked."""
    chosen = frozenset(fields)

    def change(raw: dict[str, object]) -> None:
        own = [(name, value) for name, value in raw.items() if over is not None and name_key(name) == name_key(over)]
        before = next((value for _, value in own if isinstance(value, dict)), {})
        written = {name: value for name, value in before.items() if name not in chosen}
        written |= {name: value for name, value in entry.as_json().items() if name in chosen}
        spellings = [name for name, value in raw.items() if name_key(name) == name_key(voice_id) and isinstance(value, dict)]
        if not spellings and not written:
            return
        for name in spellings:
            if name != voice_id:
                del raw[name]
        raw[voice_id] = written

    return change


def _remove(key: str, path: str | None = None, *, renamed: Mapping[str, str] | None = None) -> Callable[[dict[str, object]], None]:
    """A change that removes a voice's entry and the names of the file `path`, and updates the names of `renamed` files."""
    removed = None if path is None else _relative(path)
    moved = {_relative(old): new for old, new in (renamed or {}).items()}

    def change(raw: dict[str, object]) -> None:
        for name, value in list(raw.items()):
            if isinstance(value, str):
                if _relative(value) == removed:
                    del raw[name]
                elif _relative(value) in moved:
                    raw[name] = moved[_relative(value)]
            elif name_key(name) == key:
                del raw[name]

    return change


def _not_found(voice_id: str) -> VoiceNotFound:
    return VoiceNotFound(f"There is no voice {voice_id!r}.", param="voice")


def _content(path: Path, voice_id: str) -> bytes:
    """The bytes of a recording."""
    try:
        return read_file(path)
    except OSError as error:
        raise _unreadable(voice_id, error) from error


def _unreadable(voice_id: str, error: OSError) -> TTSError:
    return resource_exhausted(error) or VoiceNotFound(f"The voice {voice_id!r} cannot be read any more.", param="voice")
