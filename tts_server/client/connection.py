"""Connections to the API: over the network, and to an application in this process."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import requests

from tts_server.errors import TTSError
from tts_server.launcher.client_options import KEY_VARIABLE

if TYPE_CHECKING:
    from flask import Flask

DEFAULT_PORT = 5093
CONNECT_SECONDS = 10.0
READ_SECONDS = 600.0
"""On a CPU, the first audio of a large model may take minutes."""

Files = Mapping[str, tuple[str, IO[bytes]]]


class Unreachable(TTSError):
    """No server answers at the address, or a reply ended early."""


class Refused(TTSError):
    """The server answered with an error; the message is the server's."""

    def __init__(self, message: str, status: int, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.retry_after = retry_after


@dataclass
class Reply:
    """A successful reply. Names of `headers` are in lower case; `chunks` is the body as it arrives."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Connection(ABC):
    """Sends requests to one server. `name` is the server's name in messages."""

    name: str

    @abstractmethod
    def _open(self, method: str, path: str, fields: Mapping[str, Any], files: Files) -> AbstractContextManager[tuple[int, Reply]]:
        """Send a request: as a form if there are files, else as JSON."""

    has_key = False
    """Whether requests carry a key."""

    @contextlib.contextmanager
    def open(self, method: str, path: str, fields: Mapping[str, Any] | None = None, files: Files | None = None) -> Iterator[Reply]:
        """Send a request and return its reply, to be read inside the context. Raises Refused or Unreachable."""
        with self._open(method, path, fields or {}, files or {}) as (status, reply):
            if status >= 300:
                raise self._refusal(status, reply)
            yield reply

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON object at a path."""
        return self._object("GET", path)

    def post(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Post fields as JSON and return the JSON object of the reply."""
        return self._object("POST", path, fields)

    def _object(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with self.open(method, path, fields) as reply:
            body = _json(b"".join(reply.chunks))
        if not isinstance(body, dict):
            raise Unreachable(f"{self.name} is not a Parlance server. Check the address.")
        return body

    def _refusal(self, status: int, reply: Reply) -> Refused:
        body = _json(b"".join(reply.chunks))
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            message, code = error["message"], str(error.get("code") or "")
        elif 300 <= status < 400:
            message, code = f"{self.name} redirects to {reply.headers.get('location', 'another address')}. Use that address.", ""
        else:
            message, code = f"{self.name} answered {status} and is not a Parlance server. Check the address.", ""
        if status == 401:
            problem = "The key is not accepted. Give another key" if self.has_key else f"{self.name} requires a key. Give the key"
            message = f"{problem} with --key, or in the environment variable {KEY_VARIABLE}."
        return Refused(message, status, code, _retry_after(reply.headers))


Connect = Callable[[], AbstractContextManager[Connection]]
"""Returns a context with a connection, which may load a model first."""


class NetworkConnection(Connection):
    """A server at an address such as `http://127.0.0.1:5093`, `speaker.local` or `https://tts.example.com/v1`."""

    def __init__(self, address: str, key: str = "") -> None:
        self.address = base_address(address)
        self.name = self.address
        self._key = key
        self.has_key = bool(key)
        self._session = requests.Session()
        # A proxy from the environment cannot resolve this machine's own names.
        self._session.trust_env = not _is_loopback(self.address)

    @contextlib.contextmanager
    def _open(self, method: str, path: str, fields: Mapping[str, Any], files: Files) -> Iterator[tuple[int, Reply]]:
        body: dict[str, Any] = {"data": _form(fields), "files": files} if files else {"json": fields} if fields else {}
        has_answered = False
        try:
            with self._session.request(
                method,
                self.address + path,
                auth=self._sign,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                **body,
            ) as response:
                has_answered = True
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield response.status_code, Reply(headers, response.iter_content(chunk_size=None))
        except requests.exceptions.SSLError as error:
            raise Unreachable(f"The certificate of {self.name} is not trusted: {error}") from error
        except requests.exceptions.Timeout as error:
            raise Unreachable(f"{self.name} does not answer in time.") from error
        except requests.exceptions.RequestException as error:
            if has_answered:
                raise Unreachable(f"{self.name} ended its reply early. See the server's log.") from error
            if isinstance(error, requests.exceptions.ConnectionError):
                raise Unreachable(f"No server answers at {self.name}. Is it started, and is the address right?") from error
            raise Unreachable(f"The request to {self.name} failed: {error}") from error

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key to a request. Used without a key as well, since requests would send credentials of a netrc file otherwise."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {_header_text(self._key)}"
        return request


class InProcessConnection(Connection):
    """A connection to an application in this process."""

    name = "This process"

    def __init__(self, app: Flask, key: str = "") -> None:
        self._client = app.test_client(use_cookies=False)
        self._headers = {"x-api-key": _header_text(key)} if key else {}

    @contextlib.contextmanager
    def _open(self, method: str, path: str, fields: Mapping[str, Any], files: Files) -> Iterator[tuple[int, Reply]]:
        if files:
            body: dict[str, Any] = {"data": {**_form(fields), **{name: (file, filename) for name, (filename, file) in files.items()}}}
        else:
            body = {"json": fields} if fields else {}
        response = self._client.open(path, method=method, headers=self._headers, **body)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield response.status_code, Reply(headers, iter(response.iter_encoded()))
        finally:
            response.close()


def base_address(address: str) -> str:
    """Return the base URL for paths such as `/v1/models`; raises Unreachable for an invalid address.

    Without `http://`, the default port is Parlance's: `nas` is `http://nas:5093`.
    """
    written = address.strip()
    has_scheme = "://" in written
    address = written if has_scheme else f"http://{_with_brackets(written)}"
    address = address.rstrip("/")
    address = address[: -len("/v1")] if address.endswith("/v1") else address
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise Unreachable(f"{address!r} is not an address of a server, such as http://127.0.0.1:5093.")
    if has_scheme or parts.port is not None:
        return address
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{DEFAULT_PORT}"))


def _with_brackets(host: str) -> str:
    """Return an IPv6 address in brackets, and anything else unchanged."""
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return host


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _header_text(text: str) -> str:
    """Return a string that the HTTP library, which encodes headers as Latin-1, sends as the UTF-8 bytes of `text`."""
    return text.encode().decode("latin-1")


def _form(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in fields.items()}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds after which to retry a request; None if it should not be retried."""
    if headers.get("x-should-retry") == "false":
        return None
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
