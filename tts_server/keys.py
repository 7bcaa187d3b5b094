"""Keys by which clients are known: what each may do, and the file that holds them as hashes."""

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
    """A change of the file of keys that is not possible, or a file that cannot be read; the message says why."""


class Role(str, Enum):
    """What a key opens."""

    SPEECH = "speech"
    VOICES = "voices"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """One key, without the key: its `digests` are SHA-256, one for each way that clients may write it in a header.

    A slow hash would gain nothing: keys of the file are 256 random bits, and those of the settings stand there in plain.
    """

    name: str
    roles: frozenset[Role]
    digests: tuple[bytes, ...] = field(repr=False)
    created: str = ""

    def may(self, role: Role) -> bool:
        return role in self.roles or Role.ADMIN in self.roles


def plain_keys(texts: Iterable[str]) -> tuple[Key, ...]:
    """The keys of the settings, which open everything. Headers arrive as bytes, by clients in UTF-8 as well as in Latin-1."""
    return tuple(
        Key(
            f"API_KEYS:{number}",
            frozenset(Role),
            tuple({digest(text.encode(coding, "replace")): None for coding in ("utf-8", "latin-1")}),
        )
        for number, text in enumerate(texts, 1)
    )


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


class KeyFile:
    """The keys of a JSON file, which only its owner may read. It is replaced as a whole, so that a reader never sees half of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> tuple[int, int, int] | None:
        """Changes whenever the file does; None where there is none."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return 0, 0, error.errno or 0
        return found.st_mtime_ns, found.st_size, found.st_ino

    def is_open_to_others(self) -> bool:
        try:
            return os.name == "posix" and bool(self.path.stat().st_mode & OTHERS)
        except OSError:
            return False

    def read(self) -> tuple[Key, ...]:
        """The keys in their order; none where there is no file. Raises KeyFileError."""
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
            raise KeyFileError(f"{self.path} is damaged: a name is there twice.")
        return keys

    def add(self, name: str, roles: Iterable[Role]) -> str:
        """Make a key. What is returned is the key itself, which nobody can find out again. Raises KeyFileError."""
        if not NAME.fullmatch(name):
            raise KeyFileError(f"{name!r} is no name for a key: up to 64 letters, digits, dots, dashes and underscores.")
        text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._changing() as keys:
            if any(key.name == name for key in keys):
                raise KeyFileError(f"There is a key named {name!r} already. Remove it first: keys remove {name}")
            self._write([*keys, Key(name, frozenset(roles), (digest(text.encode()),), now)])
        return text

    def remove(self, name: str) -> int:
        """Take a key away; returns how many are left. Raises KeyFileError."""
        with self._changing() as keys:
            left = [key for key in keys if key.name != name]
            if len(left) == len(keys):
                known = ", ".join(key.name for key in keys) or "none"
                raise KeyFileError(f"There is no key named {name!r} in {self.path}. There is: {known}.")
            self._write(left)
        return len(left)

    @contextmanager
    def _changing(self) -> Iterator[tuple[Key, ...]]:
        """The keys, while no other process changes them."""
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
    """One row of the file; raises ValueError, TypeError or LookupError where it is none."""
    name, hashed = row["name"], bytes.fromhex(row["sha256"])
    if not NAME.fullmatch(name) or len(hashed) != hashlib.sha256().digest_size:
        raise ValueError(name)
    return Key(name, frozenset(map(Role, row["roles"])), (hashed,), str(row.get("created", "")))


def _replace(source: Path, target: Path) -> None:
    """Rename over what is there. On Windows a server that reads the file at this moment is in the way."""
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
    """All keys of a running server: those of the settings, and those of a file, which is read again when it changes.

    Once there was a key the server stays locked until it ends, also when the file goes away: losing a file lets nobody in.
    A file that is damaged while the server runs changes nothing but the log. Raises KeyFileError where it is damaged from the beginning.
    """

    def __init__(self, plain: Sequence[str] = (), file: KeyFile | None = None) -> None:
        self._plain = plain_keys(plain)
        self._file = file
        self._state: tuple[int, int, int] | None = None
        self._filed: tuple[Key, ...] = ()
        self._is_locked = bool(plain)
        self._lock = threading.Lock()
        if file is not None:
            self._state = file.state()
            if self._state is not None:
                self._take(file)

    @property
    def is_locked(self) -> bool:
        """Whether a key is needed."""
        self._refresh()
        return self._is_locked

    def find(self, given: Iterable[bytes]) -> Key | None:
        """The key that one of the texts is. How long this takes depends on how many keys there are, not on how near a text comes to one."""
        self._refresh()
        hashes = [digest(text) for text in given]
        # All are compared before one is chosen.
        compared = [
            (key, hmac.compare_digest(hashed, own)) for hashed in hashes for key in (*self._plain, *self._filed) for own in key.digests
        ]
        return next((key for key, is_same in compared if is_same), None)

    def holds(self, key: Key | None) -> bool:
        """Whether what a key, or the lack of one (None), opened before is still open: the key is there unchanged, or none is needed."""
        self._refresh()
        return not self._is_locked if key is None else key in (*self._plain, *self._filed)

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
                    log.warning("%s is gone: its keys open nothing any more.", self._file.path)
                    self._filed = ()
                else:
                    self._take(self._file)
                    log.info("%s was read again: %d keys", self._file.path, len(self._filed))
            except KeyFileError as error:
                log.error("%s The keys from before stay valid.", error)

    def _take(self, file: KeyFile) -> None:
        self._is_locked = True
        self._filed = file.read()
        if file.is_open_to_others():
            log.warning("Other users of this machine can read %s. Close it: chmod 600 %s", file.path, file.path)
