"""Downloads single files over HTTP: resumes a connection that ends early, closes one that stalls, verifies checksums.

Hugging Face's own client does not resume a download after the process has ended, and may wait forever.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import logging
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from tts_server.engines.chatterbox.failures import HUB_ADVICE, DownloadFailed

log = logging.getLogger(__name__)

STALL_SECONDS = 30.0
"""A connection without data for this long is closed."""

ATTEMPTS = 4
"""A download fails after this many attempts in a row without data."""

PAUSE_SECONDS = 1.0
CHUNK_BYTES = 2**20
MAX_REDIRECTS = 5

_SHA256 = re.compile("[0-9a-f]{64}")
_TRANSIENT = (408, 416, 429)


@dataclass(frozen=True)
class RemoteFile:
    """A file to download. `etag` names its content; where it is a sha256, the content is checked against it. `size` is in bytes."""

    name: str
    url: str
    etag: str
    size: int | None

    @property
    def sha256(self) -> str | None:
        """The checksum that the content must have, where it is known."""
        return self.etag if _SHA256.fullmatch(self.etag) else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by `Connection.open`: the token must not go to other servers."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    """An opener that trusts the machine's certificates, and those of `certifi` where that is installed: some Pythons have none."""
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError):
        import certifi

        context.load_verify_locations(certifi.where())
    return urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))


@dataclass(frozen=True)
class Connection:
    """How a server is reached. `token` is sent to `endpoint` alone. `attempts` is the limit of attempts in a row without data.

    `advice` is a sentence for messages of failures.
    """

    endpoint: str
    token: str | None = None
    stall_seconds: float = STALL_SECONDS
    pause_seconds: float = PAUSE_SECONDS
    attempts: int = ATTEMPTS
    advice: str = HUB_ADVICE
    opener: urllib.request.OpenerDirector = field(default_factory=_opener)

    @contextlib.contextmanager
    def open(
        self, url: str, method: str, headers: dict[str, str] | None = None, *, follows_elsewhere: bool = True
    ) -> Iterator[tuple[Any, str]]:
        """The response to a request and the address that gave it. Redirects to other servers are followed only if `follows_elsewhere`."""
        own = urlsplit(self.endpoint)[:2]
        for _ in range(MAX_REDIRECTS + 1):
            request = urllib.request.Request(url, method=method, headers={"Accept-Encoding": "identity", "User-Agent": "parlance"})  # noqa: S310
            for name, value in (headers or {}).items():
                request.add_header(name, value)
            if self.token and urlsplit(url)[:2] == own:
                request.add_header("Authorization", f"Bearer {self.token}")
            try:
                response = self.opener.open(request, timeout=self.stall_seconds)
            except urllib.error.HTTPError as error:
                target = urljoin(url, error.headers.get("Location", "")) if error.code in (301, 302, 303, 307, 308) else ""
                if urlsplit(target).scheme not in ("http", "https"):
                    raise
                if not follows_elsewhere and urlsplit(target)[:2] != urlsplit(url)[:2]:
                    # The redirect itself has the headers that describe the file.
                    with error:
                        yield error, url
                    return
                error.close()
                url = target
                continue
            with response:
                yield response, url
            return
        raise ConnectionError(f"{self.endpoint} redirects more than {MAX_REDIRECTS} times")

    def explain(self, error: Exception) -> str:
        """The reason of an error, for a message."""
        if isinstance(error, urllib.error.HTTPError):
            if error.code in (401, 403):
                return (
                    f"{self.endpoint} refuses it ({error.code}). It may require a token (HF_TOKEN) of a user who has accepted the model's "
                    "terms"
                )
            if error.code == 404:
                return f"{self.endpoint} does not have it (404)"
            return f"{self.endpoint} answered {error.code} {error.reason}"
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"no data arrived for {self.stall_seconds:g} seconds"
        if isinstance(error, urllib.error.URLError):
            return f"{self.endpoint} cannot be reached ({reason})"
        return str(error) or type(error).__name__


def is_final(error: Exception) -> bool:
    """Whether another attempt would end the same way."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code < 500 and error.code not in _TRANSIENT
    return getattr(error, "errno", None) == errno.ENOSPC


def download_file(owner: str, connection: Connection, file: RemoteFile, partial: Path, report: Callable[[int], None]) -> None:
    """Download into `partial`, resuming after the bytes that it already holds, and check size and checksum.

    `owner` is the name, in messages, of what the file belongs to. `report` is called with the bytes so far. Raises DownloadFailed.
    """
    log.info("%s: downloading %s (%s)", owner, file.name, "size unknown" if file.size is None else f"{file.size / 1e6:.0f} MB")
    num_without_data = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            if file.size is None or before != file.size:
                _append(connection, file, partial, before, report)
            break
        except (OSError, http.client.HTTPException) as error:
            failure = connection.explain(error)
            has_data = partial.exists() and partial.stat().st_size > before
            num_without_data = 0 if has_data else num_without_data + 1
            if isinstance(error, urllib.error.HTTPError) and error.code == 416:
                partial.unlink(missing_ok=True)
            if is_final(error) or num_without_data >= connection.attempts:
                raise DownloadFailed(owner, file.name, failure, connection.advice) from error
            log.warning("%s: %s was interrupted (%s); it is resumed at %d bytes", owner, file.name, failure, before)
            time.sleep(connection.pause_seconds * max(1, num_without_data))
    if not _is_complete(file, partial):
        partial.unlink(missing_ok=True)
        raise DownloadFailed(owner, file.name, "its size or checksum is not the announced one", connection.advice)


def _append(connection: Connection, file: RemoteFile, partial: Path, start: int, report: Callable[[int], None]) -> None:
    headers = {"Range": f"bytes={start}-"} if start else {}
    with connection.open(file.url, "GET", headers) as (response, _):
        resumes = start > 0 and response.status == 206
        count = start if resumes else 0
        with partial.open("ab" if resumes else "wb") as out:
            report(count)
            while chunk := response.read1(CHUNK_BYTES):
                out.write(chunk)
                out.flush()
                count += len(chunk)
                report(count)
    if file.size is not None and count < file.size:
        raise ConnectionError(f"the connection ended after {count} of {file.size} bytes")


def _is_complete(file: RemoteFile, path: Path) -> bool:
    """Whether a file has the size and the checksum that were announced."""
    if file.size is not None and path.stat().st_size != file.size:
        return False
    return file.sha256 is None or sha256_of(path) == file.sha256


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def publish(partial: Path, path: Path) -> None:
    """Move a complete file to its place."""
    path.unlink(missing_ok=True)
    shutil.move(partial, path)
