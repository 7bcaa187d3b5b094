"""The folder of voices: each audio file in it is a voice, named by its stem; `voices.json` has more data about some."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tts_server.errors import Conflict, Forbidden, InvalidReference, TTSError, VoiceNotFound, resource_exhausted
from tts_server.speech import Voice, VoiceReference
from tts_server.voices.entry_changes import put_entry, remove_entry
from tts_server.voices.files import not_writable, read_file
from tts_server.voices.names import checked_name, name_key
from tts_server.voices.registry import FILE_NAME, Contents, VoiceEntry, VoiceRegistry, move, write_whole
from tts_server.voices.snapshot import Snapshot, build_snapshot, find_files

log = logging.getLogger(__name__)

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
        self._last: tuple[Contents | None, Snapshot | None] = None, None
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
        path = find_files(self.folder)[0].get(name_key(voice_id))
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
            self._registry.update(put_entry(name, entry.model_copy(update={"name": entry.name or name})))
            try:
                write_whole(path, audio)
            except TTSError:
                self._registry.update(remove_entry(key))
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
                self._registry.update(put_entry(voice.id, entry, over=voice.id, fields=changes))
                return self._present(voice.id)
            if not voice.is_removable:
                raise Forbidden(f"{voice.id!r} comes with the project and keeps its name. Give it an alias instead.", code="voice_is_fixed")
            relative = path.relative_to(self.folder)
            renamed = relative.with_name(new + path.suffix)
            # Both entries while the file moves: whichever name it has, its entry is there.
            self._registry.update(put_entry(new, entry.model_copy(update={"name": new}), over=voice.id, fields=(*changes, "name")))
            is_other = name_key(new) != key
            try:
                move(path, self.folder / renamed)
            except OSError as error:
                back = remove_entry(name_key(new)) if is_other else put_entry(voice.id, before, over=new, fields=(*changes, "name"))
                self._registry.update(back)
                raise _not_found(voice_id) if isinstance(error, FileNotFoundError) else not_writable(error) from error
            if is_other:
                self._registry.update(remove_entry(key, renamed={relative.as_posix(): renamed.as_posix()}))
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
                self._registry.update(remove_entry(name_key(voice.id), path.relative_to(self.folder).as_posix()))
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

    def _changeable(self, snapshot: Snapshot, voice_id: str) -> tuple[Voice, Path]:
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

    def _snapshot(self, *, fresh: bool = False, logs: bool = False) -> Snapshot:
        """The folder now. `logs`: log the problems; between the two steps of a change there are some that do not last."""
        contents = self._registry.contents(fresh=fresh)
        files, odd = find_files(self.folder)
        known, snapshot = self._last
        if snapshot is not None and known is contents and snapshot.files == files and not logs:
            return snapshot
        snapshot = build_snapshot(self.folder, self._reserved, contents, files, odd)
        self._last = contents, snapshot
        for problem in snapshot.problems[len(contents.problems) :] if logs else ():
            log.warning("%s", problem)
        return snapshot


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size


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
