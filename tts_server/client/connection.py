"""Two ways to one API: over the network, and to an application within this process."""

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
"""A large model on a processor may take minutes to its first sound."""

Files = Mapping[str, tuple[str, IO[bytes]]]


class Unreachable(TTSError):
    """Nobody answers there, or the answer broke off."""


class Refused(TTSError):
    """The server said no; the message is the server's."""

    def __init__(self, message: str, status: int, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.retry_after = retry_after


@dataclass
class Reply:
    """A successful answer. `headers` has its names in lower case; `chunks` is the body as it arrives."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Connection(ABC):
    """Sends requests to one server. `name` is how to call that server in a message."""

    name: str

    @abstractmethod
    def _open(self, method: str, path: str, fields: Mapping[str, Any], files: Files) -> AbstractContextManager[tuple[int, Reply]]:
        """Send a request: a form where there are files, else JSON."""

    has_key = False
    """Whether requests carry a key."""

    @contextlib.contextmanager
    def open(self, method: str, path: str, fields: Mapping[str, Any] | None = None, files: Files | None = None) -> Iterator[Reply]:
        """The reply to a request, to be read inside the block. Raises Refused or Unreachable."""
        with self._open(method, path, fields or {}, files or {}) as (status, reply):
            if status >= 300:
                raise self._refusal(status, reply)
            yield reply

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at an address."""
        return self._object("GET", path)

    def post(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers these fields."""
        return self._object("POST", path, fields)

    def _object(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with self.open(method, path, fields) as reply:
            body = _json(b"".join(reply.chunks))
        if not isinstance(body, dict):
            raise Unreachable(f"{self.name} answers, but not as a Parlance server does. Is it the right address?")
        return body

    def _refusal(self, status: int, reply: Reply) -> Refused:
        body = _json(b"".join(reply.chunks))
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            message, code = error["message"], str(error.get("code") or "")
        elif 300 <= status < 400:
            message, code = f"{self.name} sends on to {reply.headers.get('location', 'another address')}: name that one as the server.", ""
        else:
            message, code = f"{self.name} answered {status}, and not as a Parlance server does. Is it the right address?", ""
        if status == 401:
            what = "The key is not accepted. Give another key" if self.has_key else f"{self.name} needs a key. Give the key"
            message = f"{what} with --key, or in the environment variable {KEY_VARIABLE}."
        return Refused(message, status, code, _waiting_time(reply.headers))


Connect = Callable[[], AbstractContextManager[Connection]]
"""Makes the connection once it is needed: a model may have to be loaded for it."""


class NetworkConnection(Connection):
    """A server at an address such as `http://127.0.0.1:5093`, `speaker.local` or `https://tts.example.com/v1`."""

    def __init__(self, address: str, key: str = "") -> None:
        self.address = base_address(address)
        self.name = self.address
        self._key = key
        self.has_key = bool(key)
        self._session = requests.Session()
        # A proxy of the environment cannot know what this machine calls itself.
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
                raise Unreachable(f"{self.name} ended its answer early. Its log may say why.") from error
            if isinstance(error, requests.exceptions.ConnectionError):
                raise Unreachable(f"No server answers at {self.name}. Is it started, and is the address right?") from error
            raise Unreachable(f"{self.name} cannot be asked: {error}") from error

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set also without a key: else requests would send what it finds in a netrc file."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {_header_text(self._key)}"
        return request


class InnerConnection(Connection):
    """An application within this process, asked as if over the network, but without one."""

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
    """The address that paths such as `/v1/models` are appended to; raises Unreachable where it is none.

    A name without `http://` means the port of Parlance unless it has one: `nas` is `http://nas:5093`.
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
    """An IPv6 address as it stands in an address of a server; anything else as it is."""
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
    """Text whose Latin-1 bytes, which is how headers travel, are its UTF-8 bytes."""
    return text.encode().decode("latin-1")


def _form(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in fields.items()}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _waiting_time(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the server wants to be asked again; None where asking again is of no use."""
    if headers.get("x-should-retry") == "false":
        return None
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
