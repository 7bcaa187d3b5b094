"""As much of the Hugging Face hub as a download needs, on a free port: two servers, for the hub itself and for where large files lie."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000
"""Files from this size on lie on the other server."""


@dataclass
class SmallHub:
    """`files` by repository and name are those of any commit, but for those that `other_commits` lists. `main` is the commit of the branch.
    `answered_commit` is what it says it answers for, whatever was asked for.

    What goes wrong: `cuts` are after how many bytes the next replies break off, `hangs` those that stop giving bytes then, `statuses` what
    the next requests are answered with. `requests` are method, path, range and authorization.
    """

    files: dict[str, dict[str, bytes]]
    other_commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    main: str = COMMIT
    answered_commit: str | None = None
    url: str = ""
    elsewhere: str = ""
    token: str | None = None
    cuts: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    spoiled: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def downloads(self, name: str) -> list[str | None]:
        """The ranges of a file that were asked for."""
        return [part for method, path, part, _ in self.requests if method == "GET" and path.endswith(f"/{name}")]


def etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if len(content) >= LARGE else hashlib.sha1(content, usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def small_hub(files: dict[str, dict[str, bytes]]) -> Iterator[SmallHub]:
    hub = SmallHub(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:  # noqa: N802
            self.answer()

        def do_GET(self) -> None:  # noqa: N802
            self.answer()

        def answer(self) -> None:
            hub.requests.append((self.command, self.path, self.headers["Range"], self.headers["Authorization"]))
            match = re.fullmatch(r"/(?:elsewhere/)?([^/]+/[^/]+)/resolve/(main|[0-9a-f]{40})/(.+)", self.path)
            commit = hub.main if match is None or match[2] == "main" else match[2]
            self.commit = hub.answered_commit or commit
            content = hub.other_commits.get(commit, hub.files).get(match[1], {}).get(match[3]) if match else None
            if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/.+", self.path):
                names = hub.files.get(listing[1], {})
                self.send(json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode(), "")
            elif hub.statuses:
                self.say(hub.statuses.pop(0))
            elif self.path.startswith("/elsewhere/"):
                # As signed addresses do, it refuses who shows a token as well.
                self.say(400) if self.headers["Authorization"] or content is None else self.send(content, match[3])
            elif hub.token and self.headers["Authorization"] != f"Bearer {hub.token}":
                self.say(401)
            elif content is None:
                self.say(404)
            elif len(content) >= LARGE:
                linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{etag(content)}"', "ETag": '"of-the-pointer"'}
                self.say(302, **linked, Location=f"{hub.elsewhere}/elsewhere{self.path}")
            else:
                self.send(content, match[3])

        def say(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"X-Repo-Commit": self.commit, "Content-Length": "0", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def send(self, content: bytes, name: str) -> None:
            start = int(self.headers["Range"][len("bytes=") : -1]) if self.headers["Range"] else 0
            body = content[start:]
            self.send_response(206 if start else 200)
            for header, value in {"X-Repo-Commit": self.commit, "ETag": f'"{etag(content)}"', "Content-Length": str(len(body))}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if name in hub.spoiled:
                body = bytes(len(body))
            if len(content) >= LARGE and (hub.cuts or hub.hangs):
                hangs = not hub.cuts
                self.wfile.write(body[: (hub.hangs if hangs else hub.cuts).pop(0)])
                self.wfile.flush()
                if hangs:
                    hub.released.wait(30)
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests are silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Connections that were cut on purpose."""

    with Server(("127.0.0.1", 0), Handler) as server, Server(("127.0.0.1", 0), Handler) as other:
        hub.url, hub.elsewhere = (f"http://127.0.0.1:{one.server_port}" for one in (server, other))
        threads = [threading.Thread(target=one.serve_forever, args=(0.01,)) for one in (server, other)]
        for thread in threads:
            thread.start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
            other.shutdown()
            for thread in threads:
                thread.join()
