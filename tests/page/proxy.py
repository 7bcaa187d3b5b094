"""A reverse proxy of the kind that stands before a server, with the defaults that cause trouble."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center><hr><center>nginx</center></body></html>"
CHUNK = 4096


@dataclass
class Proxy:
    """What the proxy does to requests. `host` replaces the Host header; bodies over `max_body` bytes are refused.

    `status` answers everything in the server's place; replies to speech are cut off after `cut_after` bytes.
    """

    port: int
    server_port: int
    host: str | None = None
    max_body: int = 2**30
    status: int | None = None
    cut_after: int | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, format: str, *args: object) -> None:
        pass

    def refuse(self, status: int) -> None:
        body = PAGE % (status, status)
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def forward(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if self.proxy.status or length > self.proxy.max_body:
            self.refuse(self.proxy.status or 413)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "keep-alive")}
        if self.proxy.host:
            headers["Host"] = self.proxy.host
        upstream = HTTPConnection("127.0.0.1", self.proxy.server_port, timeout=30)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, body or None, headers)
            self.relay(upstream.getresponse())

    def relay(self, reply: HTTPResponse) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        is_chunked = reply.getheader("Content-Length") is None
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        left = self.proxy.cut_after if "/audio/speech" in self.path and self.proxy.cut_after is not None else 2**30
        while left > 0 and (data := reply.read(min(CHUNK, left))):
            left -= len(data)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if is_chunked else data)
        if is_chunked and left > 0:
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = forward  # noqa: N815


@contextlib.contextmanager
def run_proxy(server_port: int) -> Iterator[Proxy]:
    proxy = Proxy(0, server_port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        listener.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser that leaves is no error
        proxy.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, name="proxy")
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown()
            thread.join()
