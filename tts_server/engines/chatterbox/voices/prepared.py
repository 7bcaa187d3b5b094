"""A cache of prepared voices, in memory and on disk. Requests for the same clip at the same time share one computation."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError

from tts_server.engines.chatterbox.voices.conditionals import CODE_VERSION, Conditionals, from_tensors, key_of
from tts_server.speech import VoiceReference

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


class PreparedVoices:
    """The prepared voices of one model, by the content of their clips. Thread-safe.

    The `capacity` most recently used ones are in memory. `folder` (None: memory only) has a subfolder for `model`, with a safetensors file
    for each voice and a manifest for people to read; beyond `max_bytes` the least recently used files are removed. A file that cannot be
    read is computed again, one that cannot be written is only logged.
    """

    def __init__(
        self,
        folder: Path | None,
        compute: Callable[[VoiceReference, bool], Conditionals],
        capacity: int,
        *,
        model: str = "",
        max_bytes: int = 256 * 2**20,
    ) -> None:
        if folder is not None and not model:
            raise ValueError("voices of several models may share the folder: name the model")
        self._folder = None if folder is None else folder / model
        self._compute = compute
        self._capacity = capacity
        self._model = model
        self._max_bytes = max_bytes
        self._memory: OrderedDict[str, Conditionals] = OrderedDict()
        self._pending: dict[str, Future[Conditionals]] = {}
        self._lock = threading.Lock()
        self._disk_lock = threading.Lock()

    def get(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Conditionals:
        """The voice of a clip. Raises InvalidReference, in all calls that wait for the same clip; the next call tries again.

        Without `keep` a new voice is not written to disk: for clips that are used once.
        """
        key = key_of(self._model, reference, norm_loudness)
        with self._lock:
            known = self._memory.get(key)
            if known is not None:
                self._memory.move_to_end(key)
            pending = self._pending.get(key)
            future: Future[Conditionals] = pending or Future()
            if known is None:
                self._pending[key] = future
        if known is not None:
            path = self._path(key)
            if keep and path is not None and not path.exists():  # it was first used without `keep`
                self._write(key, known, reference, norm_loudness)
            return known
        if pending is not None:
            return pending.result()
        try:
            stored = self._read(key)
            voice = stored or self._compute(reference, norm_loudness)
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._memory[key] = voice
            while len(self._memory) > self._capacity:
                self._memory.popitem(last=False)
            del self._pending[key]
        future.set_result(voice)
        if keep and stored is None:
            self._write(key, voice, reference, norm_loudness)
        return voice

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"

    def _read(self, key: str) -> Conditionals | None:
        path = self._path(key)
        if path is None:
            return None
        try:
            # Read as a whole, not mapped: Windows could not replace or remove a mapped file.
            data = path.read_bytes()
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            if header["__metadata__"]["key"] != key:
                raise ValueError("it is another voice's")
            voice = from_tensors(key, safetensors.torch.load(data))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            log.warning("The prepared voice %s cannot be used (%s); it is computed again.", path, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return voice

    def _write(self, key: str, voice: Conditionals, reference: VoiceReference, norm_loudness: bool) -> None:
        path = self._path(key)
        if path is None:
            return
        entry = {
            "name": path.stem,
            "sha256": reference.digest,
            "seconds": round(reference.seconds, 3),
            "model": self._model,
            "norm_loudness": norm_loudness,
            "code_version": CODE_VERSION,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        try:
            with self._disk_lock:
                path.parent.mkdir(parents=True, exist_ok=True)
                _replace(path, safetensors.torch.save(voice.tensors(), metadata={"key": key}))
                self._remove_oldest(path)
                self._note(path.parent / MANIFEST, path.name, entry)
        except OSError as error:
            log.warning("The prepared voice %s could not be written: %s", path, error)

    def _remove_oldest(self, newest: Path) -> None:
        files = sorted(newest.parent.glob("*.safetensors"), key=lambda path: (path == newest, path.stat().st_mtime))
        total = sum(path.stat().st_size for path in files)
        for path in files[:-1]:
            if total <= self._max_bytes:
                return
            total -= path.stat().st_size
            path.unlink(missing_ok=True)

    def _note(self, manifest: Path, name: str, entry: dict[str, object]) -> None:
        """Add a voice to the manifest, and remove those whose files no longer exist."""
        entries: dict[str, object] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            entries = {known: value for known, value in _json(manifest).items() if (manifest.parent / known).is_file()}
        entries[name] = entry
        _replace(manifest, json.dumps(entries, indent=2).encode())


def _json(path: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _replace(path: Path, content: bytes) -> None:
    """Replace a file atomically: a reader sees the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
