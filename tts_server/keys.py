"""API keys: their roles, and the file that stores them as hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from filelock import FileLock

log = logging.getLogger("tts_server.keys")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PREFIX = "parlance-"
KEY_BYTES = 32
OTHERS = 0o077
LOCK_SECONDS = 10.0
REPLACE_ATTEMPTS = 20


class KeyFileError(Exception):
    """The key file cannot be read or changed; the message says why."""


class Role(str, Enum):
    """What a key permits."""

    SPEECH = "speech"
    VOICES = "voices"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """An API key, stored as SHA-256 `digests`, one for each encoding that clients may use in a header.

    A slow hash would not add security: keys of the file have 256 random bits, and those of the settings are plain text there.
    """

    name: str
    roles: frozenset[Role]
    digests: tuple[bytes, ...] = field(repr=False)
    created: str = ""

    def has_role(self, role: Role) -> bool:
        """Return whether the key has a role; ADMIN includes all others."""
        return role in self.roles or Role.ADMIN in self.roles


def plain_keys(texts: Iterable[str]) -> tuple[Key, ...]:
    """Return the keys of the settings, which have every role. Clients encode headers as UTF-8 or as Latin-1, so each has both digests."""
    return tuple(
        Key(
            f"API_KEYS:{number}",
            frozenset(Role),
            tuple({digest(text.encode(coding, "replace")): None for coding in ("utf-8", "latin-1")}),
        )
        for number, text in enumerate(texts, 1)
    )


def digest(key: bytes) -> bytes:
    """Return the digest by which a key is stored."""
    return hashlib.sha256(key).digest()


class KeyFile:
    """A JSON file of keys, readable by its owner only. It is replaced atomically, so readers never see a partial file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> tuple[int, int, int] | None:
        """Return a value that changes whenever the file does; None if there is no file."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return 0, 0, error.errno or 0
        return found.st_mtime_ns, found.st_size, found.st_ino

    def is_open_to_others(self) -> bool:
        """Return whether other users of the machine can read the file."""
        try:
            return os.name == "posix" and bool(self.path.stat().st_mode & OTHERS)
        except OSError:
            return False

    def read(self) -> tuple[Key, ...]:
        """Return the keys in the order of the file; none if there is no file. Raises KeyFileError."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError(f"{self.path} cannot be read: {error}") from error
        try:
            keys = tuple(map(_key, json.loads(text)["keys"]))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise KeyFileError(
                f"{self.path} is damaged ({type(error).__name__}). Restore it, or delete it and make the keys again."
            ) from error
        if len({key.name for key in keys}) < len(keys):
            raise KeyFileError(f"{self.path} is damaged: it contains a name twice.")
        return keys

    def add(self, name: str, roles: Iterable[Role]) -> str:
        """Create a key and return it. It cannot be recovered from the file. Raises KeyFileError."""
        if not NAME.fullmatch(name):
            raise KeyFileError(f"{name!r} is not a valid name for a key: use up to 64 letters, digits, dots, dashes and underscores.")
        text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._changing() as keys:
            if any(key.name == name for key in keys):
                raise KeyFileError(f"A key named {name!r} already exists. Remove it first: keys remove {name}")
            self._write([*keys, Key(name, frozenset(roles), (digest(text.encode()),), now)])
        return text

    def remove(self, name: str) -> int:
        """Remove a key; return how many are left. Raises KeyFileError."""
        with self._changing() as keys:
            left = [key for key in keys if key.name != name]
            if len(left) == len(keys):
                names = ", ".join(key.name for key in keys) or "none"
                raise KeyFileError(f"There is no key named {name!r} in {self.path}. Names: {names}.")
            self._write(left)
        return len(left)

    @contextmanager
    def _changing(self) -> Iterator[tuple[Key, ...]]:
        """A context with the keys, in which no other process changes the file."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                yield self.read()
        except (OSError, TimeoutError) as error:
            raise KeyFileError(f"{self.path} cannot be changed: {error}") from error

    def _write(self, keys: Sequence[Key]) -> None:
        rows = [
            {"name": key.name, "roles": sorted(role.value for role in key.roles), "sha256": key.digests[0].hex(), "created": key.created}
            for key in keys
        ]
        unfinished = self.path.with_name(f".{uuid.uuid4().hex}.unfinished")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump({"keys": rows}, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            _replace(unfinished, self.path)
        finally:
            unfinished.unlink(missing_ok=True)


def _key(row: Any) -> Key:
    """Return the key of a row of the file; raises ValueError, TypeError or LookupError for an invalid one."""
    name, hashed = row["name"], bytes.fromhex(row["sha256"])
    if not NAME.fullmatch(name) or len(hashed) != hashlib.sha256().digest_size:
        raise ValueError(name)
    return Key(name, frozenset(map(Role, row["roles"])), (hashed,), str(row.get("created", "")))


def _replace(source: Path, target: Path) -> None:
    """Rename a file over another, with retries: on Windows it fails while a server reads the target."""
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
        else:
            return


class KeyRing:
    """All keys of a running server: those of the settings, and those of a file, which is read again when it changes. Thread-safe.

    Once there was a key, the server needs one until it ends: if the file is deleted, access fails closed. If the file is damaged while the
    server runs, the previous keys stay valid and an error is logged. Raises KeyFileError if it is damaged at the start.
    """

    def __init__(self, plain: Sequence[str] = (), file: KeyFile | None = None) -> None:
        self._plain = plain_keys(plain)
        self._file = file
        self._lock = threading.Lock()
        # Written with the lock held, read by all threads without it.
        self._state: tuple[int, int, int] | None = None
        self._file_keys: tuple[Key, ...] = ()
        self._is_locked = bool(plain)
        if file is not None:
            self._state = file.state()
            if self._state is not None:
                self._load(file)

    @property
    def is_locked(self) -> bool:
        """Whether requests need a key."""
        self._refresh()
        return self._is_locked

    def find(self, given: Iterable[bytes]) -> Key | None:
        """Return the key that matches one of the given texts, or None. The time does not depend on the texts."""
        self._refresh()
        hashes = [digest(text) for text in given]
        # Compare all before choosing one, so that the time does not depend on which key matches.
        compared = [
            (key, hmac.compare_digest(hashed, own)) for hashed in hashes for key in (*self._plain, *self._file_keys) for own in key.digests
        ]
        return next((key for key, is_same in compared if is_same), None)

    def holds(self, key: Key | None) -> bool:
        """Return whether a key that was accepted before still exists unchanged; for None, whether requests still need no key."""
        self._refresh()
        return not self._is_locked if key is None else key in (*self._plain, *self._file_keys)

    def _refresh(self) -> None:
        if self._file is None:
            return
        with self._lock:
            try:
                state = self._file.state()
                if state == self._state:
                    return
                self._state = state
                if state is None:
                    log.warning("%s was deleted: its keys are no longer valid.", self._file.path)
                    self._file_keys = ()
                else:
                    self._load(self._file)
                    log.info("%s was read again: %d keys", self._file.path, len(self._file_keys))
            except KeyFileError as error:
                log.error("%s The previous keys stay valid.", error)

    def _load(self, file: KeyFile) -> None:
        self._is_locked = True
        self._file_keys = file.read()
        if file.is_open_to_others():
            log.warning("Other users of this machine can read %s. Restrict it: chmod 600 %s", file.path, file.path)
