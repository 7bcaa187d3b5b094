"""Reads chunked bodies, with limits on tiny chunks and on the lines between them, which would be expensive to parse."""

from __future__ import annotations

from typing import Any

from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from tts_server.server.syntax import CHUNK_SIZE, find_wrong_fields

MAX_CHUNK_LINE_BYTES = 1024
MAX_TRAILER_BYTES = 8 * 1024
FREE_CHUNKS = 512
MIN_MEAN_CHUNK_BYTES = 64
"""Beyond FREE_CHUNKS, the chunks of a body must have this mean size: reading one costs as much as some kilobytes of a body."""

_LINE, _DATA, _DATA_END, _TRAILER = range(4)


class Chunks:
    """Reads the chunks of one body into a Waitress buffer, in place of Waitress's ChunkedReceiver.

    `completed` is set after the last chunk and the trailer, `error` if the body is malformed; nothing is read after either.
    """

    def __init__(self, buffer: Any, max_bytes: int) -> None:
        self.completed = False
        self.error: Error | None = None
        self._buffer = buffer
        self._max_bytes = max_bytes
        self._state = _LINE
        self._rest = b""
        self._remaining = 0
        self._num_chunks = 0
        self._num_bytes = 0

    def __len__(self) -> int:
        return int(self._buffer.__len__())

    def getfile(self) -> Any:
        return self._buffer.getfile()

    def getbuf(self) -> Any:
        return self._buffer

    def received(self, data: bytes) -> int:
        """Read from `data`; return how many of its bytes belong to this body."""
        if self._is_over:
            return 0
        old = len(self._rest)
        data, self._rest = self._rest + data, b""
        at = 0
        found: list[bytes] = []
        while taken := self._read(data, at, found):
            at += taken
        if found:
            self._buffer.append(b"".join(found))
        if not self._is_over:
            self._rest = data[at:]
        return at - old if self.completed else len(data) - old

    @property
    def _is_over(self) -> bool:
        return self.completed or self.error is not None

    def _read(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Read one part at offset `at`; return its length, 0 if it is incomplete or the body is over."""
        if self._is_over:
            return 0
        if self._state == _DATA:
            piece = data[at : at + self._remaining]
            if piece:
                found.append(piece)
                self._remaining -= len(piece)
                self._state = _DATA if self._remaining else _DATA_END
            return len(piece)
        if self._state == _DATA_END:
            end = data[at : at + 2]
            if end == b"\r\n":
                self._state = _LINE
                return 2
            if end not in (b"", b"\r"):
                self.error = BadRequest("A chunk is longer than its stated size")
            return 0
        if self._state == _LINE:
            return self._read_line(data, at)
        return self._read_trailer(data, at)

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n", at, at + MAX_CHUNK_LINE_BYTES + 2)
        if end < 0:
            if len(data) - at > MAX_CHUNK_LINE_BYTES:
                self.error = BadRequest("The line before a chunk is too long")
            return 0
        line = CHUNK_SIZE.fullmatch(data, at, end)
        if line is None:
            self.error = BadRequest("A chunk must begin with its size in hexadecimal digits")
            return 0
        self._begin(int(line[1], 16))
        return end + 2 - at

    def _begin(self, size: int) -> None:
        self._num_chunks += 1
        self._num_bytes += size
        self._remaining = size
        self._state = _DATA if size else _TRAILER
        if self._num_bytes > self._max_bytes:
            self.error = RequestEntityTooLarge(f"The body is larger than {self._max_bytes} bytes")
        elif self._num_chunks > FREE_CHUNKS and self._num_bytes < self._num_chunks * MIN_MEAN_CHUNK_BYTES:
            self.error = BadRequest(
                f"The body has too many small chunks. Send chunks of at least {MIN_MEAN_CHUNK_BYTES} bytes, or a Content-Length"
            )

    def _read_trailer(self, data: bytes, at: int) -> int:
        if data.startswith(b"\r\n", at):
            self.completed = True
            return 2
        end = data.find(b"\r\n\r\n", at, at + MAX_TRAILER_BYTES + 4)
        if end < 0:
            if len(data) - at > MAX_TRAILER_BYTES:
                self.error = BadRequest("The trailer is too long")
            return 0
        self.error = find_wrong_fields(data[at:end].split(b"\r\n"), "trailer field")
        self.completed = self.error is None
        return end + 4 - at
