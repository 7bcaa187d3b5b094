"""The folder of voices: each audio file in it is a voice, named by its stem."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from tts_server.errors import InvalidReference, VoiceNotFound
from tts_server.speech import Voice, VoiceReference

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".m4a"})

NUM_DECODED = 16

_Stamp = tuple[str, int, int]


class VoiceLibrary:
    """Voices under `folder` and its sub-folders; files may come and go while the server runs.

    A name is looked up among the files found, never joined to a path, so no name can leave the folder.
    `decode` turns a file's bytes into a VoiceReference; the results for the last few files are
    kept until those change.
    """

    def __init__(self, folder: Path, decode: Callable[[bytes], VoiceReference]) -> None:
        self.folder = folder
        self._decode = decode
        self._decoded: OrderedDict[_Stamp, VoiceReference] = OrderedDict()
        self._lock = threading.Lock()

    def _files(self) -> dict[str, Path]:
        """Voice id -> file; of two files with one stem the first by path wins."""
        found: dict[str, Path] = {}
        try:
            paths = sorted(p for p in self.folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        except OSError:
            return {}
        root = self.folder.resolve()
        for path in paths:
            if not path.name.startswith(".") and path.resolve().is_relative_to(root):
                found.setdefault(path.stem.lower(), path)
        return found

    def voices(self) -> list[Voice]:
        """All voices; `path` is as clients of the earlier servers name it, such as `voices/standard/harbor.flac`."""
        return [
            Voice(
                path.stem,
                path.stem.replace("_", " ").replace("-", " ").title(),
                "library",
                f"From {path.name}",
                path=f"voices/{path.relative_to(self.folder).as_posix()}",
            )
            for path in self._files().values()
        ]

    def find(self, name: str) -> str | None:
        """The id of the voice called `name`, whatever its case."""
        path = self._files().get(name.lower())
        return path.stem if path else None

    def reference(self, voice_id: str) -> VoiceReference:
        """The decoded clip of a voice; raises VoiceNotFound, or InvalidReference where the file is damaged."""
        path = self._files().get(voice_id.lower())
        if path is None:
            raise VoiceNotFound(f"There is no voice {voice_id!r}.", param="voice")
        try:
            status = path.stat()
            stamp = (str(path), status.st_mtime_ns, status.st_size)
            with self._lock:
                kept = self._decoded.get(stamp)
            if kept is not None:
                return kept
            data = path.read_bytes()
        except OSError as error:
            raise VoiceNotFound(f"The voice {voice_id!r} cannot be read any more.", param="voice") from error
        try:
            reference = self._decode(data)
        except Exception as error:
            raise InvalidReference(f"The voice {voice_id!r} cannot be used: {error}", param="voice") from error
        with self._lock:
            self._decoded[stamp] = reference
            while len(self._decoded) > NUM_DECODED:
                self._decoded.popitem(last=False)
        return reference
