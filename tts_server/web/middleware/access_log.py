"""The access log: one line for each request, written when its reply has ended."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tts_server.log import request_context, request_id, spoken_text
from tts_server.request_log import log_request
from tts_server.web.middleware.guard import CALLER
from tts_server.web.middleware.head_checks import ACCESS, Access
from tts_server.wsgi import CANCELLATION, TICKET

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def with_access_log(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with each request logged: its path without the query, which may hold a text, and its key's name or its address."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id.set("")
        spoken_text.set("")
        reply = _Reply(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            reply.status = int(status.split(" ", 1)[0])
            reply.has_length = any(name.lower() == "content-length" for name, _ in headers)
            return start_response(status, headers, exc_info)

        try:
            reply.body = app(environ, start)
            reply.id = request_id.get()
        except BaseException:
            request_id.set("")
            spoken_text.set("")
            raise
        return reply.over_file(environ.get("wsgi.file_wrapper")) or reply

    return serve


class _Reply:
    """The body of a reply, which counts its bytes. The server reads it to the end, or closes it earlier."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.status = 0
        self.has_length = False
        self.body: Iterable[bytes] = ()
        self._environ = environ
        self._began = time.monotonic()
        self._bytes = 0
        self._is_whole = False
        self.id = ""

    def over_file(self, wrapper: Any) -> Iterable[bytes] | None:
        """Return the body if it is a file, which the server reads itself and in another thread; None otherwise."""
        if not isinstance(wrapper, type) or not isinstance(self.body, wrapper):
            return None
        body: Any = self.body
        body.file = _CountedFile(body.file, self._on_file_closed)
        request_id.set("")
        spoken_text.set("")
        return self.body

    def _on_file_closed(self, num_bytes: int, is_whole: bool) -> None:
        self._bytes, self._is_whole = num_bytes, is_whole
        with request_context(self.id):
            self._log()

    def __iter__(self) -> Iterator[bytes]:
        for data in self.body:
            self._bytes += len(data)
            yield data
        self._is_whole = True

    def close(self) -> None:
        """Log the request. The server calls this in any case, in the thread that read the reply."""
        try:
            if close := getattr(self.body, "close", None):
                close()
        finally:
            self._log()
            request_id.set("")
            spoken_text.set("")

    @property
    def _is_cut_short(self) -> bool:
        """Whether the reply is incomplete: its client disconnected, which ends a stream without an error, or its generator failed."""
        if not self._is_whole:
            return True
        cancellation = self._environ.get(CANCELLATION)
        return not self.has_length and cancellation is not None and bool(cancellation.is_cancelled)

    def _log(self) -> None:
        environ = self._environ
        # WSGI decodes the bytes of the path as Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        seconds = time.monotonic() - self._began + getattr(environ.get(TICKET), "waited", 0.0)
        caller = environ.get(CALLER) or environ.get("REMOTE_ADDR") or ""
        access = environ.get(ACCESS)
        # Pages and monitors send these requests every few seconds.
        is_routine = isinstance(access, Access) and access.policy.is_health_probe and self.status == HTTPStatus.OK
        log_request(
            environ.get("REQUEST_METHOD", ""),
            path,
            self.status,
            self._bytes,
            caller,
            seconds=seconds,
            is_cut_short=self._is_cut_short,
            level=logging.DEBUG if is_routine else logging.INFO,
        )


class _CountedFile:
    """A file that calls `on_close` when it is closed: with the number of bytes read, and whether these were all."""

    def __init__(self, file: Any, on_close: Callable[[int, bool], None]) -> None:
        self._file = file
        self._on_close = on_close
        self._start = file.tell()
        self._is_closed = False
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            position = self.tell()
            self._on_close(position - self._start, position == self.seek(0, os.SEEK_END))
        finally:
            self._file.close()
