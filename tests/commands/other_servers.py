"""Servers that are not ours, or that behave badly, for the client to meet."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class _Once(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        self.wfile.write(self.server.answer)  # type: ignore[attr-defined]


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that gives these bytes to every request and hangs up."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Once) as server:
        server.answer = answer  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
