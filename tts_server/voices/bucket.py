"""A voice store in an S3-compatible bucket (AWS, Cloudflare R2, MinIO …), with local copies of the files that were read."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tts_server.errors import Unavailable
from tts_server.voices.store import is_inside, not_found, too_large

log = logging.getLogger(__name__)

SCHEME = "s3://"
FRESH_SECONDS = 60.0
MAX_CACHED_BYTES = 512 * 2**20
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class BucketOptions:
    """Where a bucket is and how to open it. Empty values come from the environment and files that AWS's own tools read."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""


def parse_bucket(address: str) -> tuple[str, str]:
    """(bucket, prefix) of `s3://bucket/prefix`; raises ValueError."""
    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket:
        raise ValueError("a bucket is written s3://bucket or s3://bucket/prefix")
    return bucket, prefix.strip("/")


def has_client() -> bool:
    """Whether the client for buckets is installed."""
    return importlib.util.find_spec("obstore") is not None


class BucketStore:
    """Files of a bucket by key. Each file that was read is cached in `cache`; after `fresh_seconds` it is revalidated with the bucket.

    While the bucket cannot be reached, the copies are used. Beyond `max_cached_bytes` the least recently used copies are removed.
    `clock` returns the time in seconds by which copies age.
    """

    def __init__(
        self,
        options: BucketOptions,
        cache: Path,
        max_bytes: int,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        max_cached_bytes: int = MAX_CACHED_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._cache = cache
        self._max_bytes = max_bytes
        self._fresh_seconds = fresh_seconds
        self._max_cached_bytes = max_cached_bytes
        self._clock = clock
        self._validated_at: dict[str, float] = {}
        self._store: Any = None
        self._lock = threading.Lock()

    def read(self, key: str) -> bytes:
        if not is_inside(key):
            raise not_found(key)
        copy = _Copy.of(self._path(key))
        with self._lock:
            validated_at = self._validated_at.get(key)
        if copy is not None and validated_at is not None and self._clock() - validated_at < self._fresh_seconds:
            return copy.data
        data = self._fetch(key, copy)
        with self._lock:
            self._validated_at[key] = self._clock()
        return data

    def _fetch(self, key: str, copy: _Copy | None) -> bytes:
        """The current content of a file: from the bucket, or the copy if it has not changed."""
        from obstore.exceptions import BaseError, NotFoundError, NotModifiedError

        path = self._path(key)
        try:
            found = self._client().get(key, options={"if_none_match": copy.tag} if copy is not None and copy.tag else None)
            if found.meta["size"] > self._max_bytes:
                raise too_large(key, self._max_bytes)
            data = b"".join(bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))
        except NotModifiedError:
            assert copy is not None  # noqa: S101 - only asked for with a copy's tag
            with contextlib.suppress(OSError):
                os.utime(path)
            return copy.data
        except (FileNotFoundError, NotFoundError) as error:  # which of them depends on the version
            path.unlink(missing_ok=True)
            raise not_found(key) from error
        except BaseError as error:
            if copy is not None:
                log.warning("The voice bucket cannot be read (%s); the copy of %r is used.", type(error).__name__, key)
                return copy.data
            raise Unavailable("The voice store cannot be read at this moment. Try again.", param="voice_key") from error
        self._cache_copy(path, _Copy(found.meta["e_tag"] or "", data))
        return data

    def _client(self) -> Any:
        """The client, which is created on first use."""
        from obstore.store import S3Store

        with self._lock:
            if self._store is None:
                options = self._options
                given = {
                    "endpoint": options.endpoint,
                    "region": options.region,
                    "access_key_id": options.access_key_id,
                    "secret_access_key": options.secret_access_key,
                }
                config: Any = {name: value for name, value in given.items() if value}
                self._store = S3Store(
                    options.bucket,
                    prefix=options.prefix or None,
                    config=config,
                    client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "20s"},
                    retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
                )
            return self._store

    def _path(self, key: str) -> Path:
        options = self._options
        name = "\n".join((options.endpoint, options.bucket, options.prefix, key))
        return self._cache / f"{hashlib.sha256(name.encode()).hexdigest()}.voice"

    def _cache_copy(self, path: Path, copy: _Copy) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            copy.write(path)
            self._remove_oldest(path)
        except OSError as error:
            log.warning("A copy of a voice could not be written: %s", error)

    def _remove_oldest(self, newest: Path) -> None:
        files = sorted(((file.stat(), file) for file in newest.parent.glob("*.voice")), key=lambda entry: entry[0].st_mtime)
        total = sum(status.st_size for status, _ in files)
        for status, file in files:
            if total <= self._max_cached_bytes:
                return
            if file != newest:
                file.unlink(missing_ok=True)
                total -= status.st_size


@dataclass(frozen=True)
class _Copy:
    """A file of the bucket and its ETag. On disk: a line with the tag, then the file."""

    tag: str
    data: bytes

    @classmethod
    def of(cls, path: Path) -> _Copy | None:
        try:
            tag, _, data = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        return cls(tag.decode("utf-8", "replace"), data)

    def write(self, path: Path) -> None:
        """Replace the file atomically: readers see the old copy or the new one."""
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.tag.encode() + b"\n" + self.data)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
