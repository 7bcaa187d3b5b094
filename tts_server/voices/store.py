"""The voice store of the Resonance dialect: clips named by keys such as `voices/system/default.wav`."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tts_server.errors import InvalidReference, VoiceNotFound, resource_exhausted
from tts_server.speech import VoiceReference
from tts_server.voices.files import read_file

NUM_DECODED = 16

STORE_PREFIX = "voices/"
"""Keys may begin with this where the store's folder is itself the folder of voices."""

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, with any ending."""

_FORBIDDEN = re.compile(r'[\\:*?"<>|%~]')
"""Characters with a special meaning on some system: drives and streams, wildcards, encoded dots, home folders."""


class VoiceStore(Protocol):
    """Files by key. A key never names anything outside the store: such keys are simply not found."""

    def read(self, key: str) -> bytes:
        """The file at `key`; raises VoiceNotFound, InvalidReference where it is too large, Unavailable."""


def is_inside(key: str) -> bool:
    """Whether a key stays inside the store on every system. Only its characters decide; no file is accessed."""
    if _FORBIDDEN.search(key) or any(unicodedata.category(char) in ("Cc", "Cs", "Cf") for char in key):
        return False
    return all(part and not part.startswith(".") and part == part.rstrip(". ") and not _DEVICE.fullmatch(part) for part in key.split("/"))


def not_found(key: str) -> VoiceNotFound:
    """The error for a missing file; it is the same for keys outside the store, whether a file exists there or not."""
    return VoiceNotFound(f"Voice not found at '{key}'", param="voice_key")


def too_large(key: str, max_bytes: int) -> InvalidReference:
    return InvalidReference(f"The voice at '{key}' is larger than {max_bytes} bytes.", param="voice_key")


class FolderStore:
    """A folder, with its sub-folders. Where it is the folder of voices itself, keys may still begin with `voices/`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def read(self, key: str) -> bytes:
        if not is_inside(key):
            raise not_found(key)
        try:
            root = self._folder.resolve()
            for name in dict.fromkeys((key, key.removeprefix(STORE_PREFIX))):
                path = (root / name).resolve()
                # A link inside the folder may lead out of it.
                if path.is_relative_to(root) and path.is_file():
                    data = read_file(path, self._max_bytes + 1)
                    if len(data) > self._max_bytes:
                        raise too_large(key, self._max_bytes)
                    return data
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise (isinstance(error, OSError) and resource_exhausted(error)) or not_found(key) from error
        raise not_found(key)


class StoredVoices:
    """Decoded clips of a store. The most recent ones are cached by content; each request reads its file, so changes take effect at once.

    `decode` turns a file's bytes into a VoiceReference.
    """

    def __init__(self, store: VoiceStore, decode: Callable[[bytes], VoiceReference]) -> None:
        self._store = store
        self._decode = decode
        self._decoded: OrderedDict[str, VoiceReference] = OrderedDict()
        self._lock = threading.Lock()

    def reference(self, key: str) -> VoiceReference:
        """The clip at `key`; raises what the store and the decoder raise."""
        data = self._store.read(key)
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            if (cached := self._decoded.get(digest)) is not None:
                self._decoded.move_to_end(digest)
                return cached
        reference = self._decode(data)
        with self._lock:
            self._decoded[digest] = reference
            while len(self._decoded) > NUM_DECODED:
                self._decoded.popitem(last=False)
        return reference
