"""Many connections at once that hold a server up: `python benchmarks/hostile_clients.py KIND HOST:PORT NUMBER [--early BYTES] …`

Kinds: `bodies` sends the beginning of a body and then a byte now and then; `keepalive` asks for the headers of a missing page again and
again; `pipelined` asks for speech and more behind it, and closes the connection. Runs until its standard input ends; then it prints, as
JSON, what became of the connections. A process of its own has enough files, and does not delay the clients that are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from collections import Counter

BODY_BYTES = 40 * 2**20
TEXT = " ".join(f"This is sentence number {number} of a story that goes on and on." for number in range(50))
OPEN_FILES = 16_384
LINGER = struct.Struct("hh" if sys.platform == "win32" else "ii")


class Clients:
    """All connections of one kind. `counts` says what became of them: statuses, and how many were closed or refused."""

    def __init__(self, address: str, options: argparse.Namespace) -> None:
        host, _, port = address.rpartition(":")
        self.address = (host, int(port))
        self.options = options
        self.counts: Counter[str] = Counter()

    async def hold_body(self) -> None:
        """Send a part of a body and then a byte now and then, until the connection is closed."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
            writer.write(head.encode() + b"x" * self.options.early)
            while True:
                try:
                    data = await asyncio.wait_for(reader.read(4096), self.options.pause)
                except TimeoutError:
                    writer.write(b"x")
                    continue
                if not data:
                    return
                if data.startswith(b"HTTP/"):
                    self.counts[data[9:12].decode("latin-1")] += 1
        finally:
            writer.close()

    async def ask_again(self) -> None:
        """Ask for the same small thing again and again on one connection."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            while True:
                writer.write(b"HEAD /nope HTTP/1.1\r\nHost: localhost\r\n\r\n")
                data = await reader.readuntil(b"\r\n\r\n")
                self.counts[data[9:12].decode("latin-1")] += 1
                await asyncio.sleep(self.options.pause)
        finally:
            writer.close()

    async def ask_and_vanish(self) -> None:
        """Ask for speech, send another request behind it, and close the connection."""
        _, writer = await asyncio.open_connection(*self.address)
        body = json.dumps({"input": TEXT, "response_format": "pcm", "cache": False}).encode()
        head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body + b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8)
        await writer.drain()
        await asyncio.sleep(self.options.pause)
        if self.options.reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER.pack(1, 0))
        self.counts["vanished"] += 1
        writer.close()

    async def run(self) -> None:
        act = {"bodies": self.hold_body, "keepalive": self.ask_again, "pipelined": self.ask_and_vanish}[self.options.kind]

        async def client() -> None:
            while True:
                try:
                    await act()
                    self.counts["closed"] += 1
                except (OSError, EOFError):
                    self.counts["broken"] += 1
                if not self.options.reconnect:
                    return
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(client()) for _ in range(self.options.number)]
        if self.options.kind == "pipelined":
            await asyncio.gather(*tasks)
        print("begun", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        # Tasks that were cancelled while a connection was closed might go on.
        print(json.dumps(self.counts), flush=True)
        os._exit(0)


def allow_open_files() -> None:
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold a server up by many connections.")
    parser.add_argument("kind", choices=("bodies", "keepalive", "pipelined"))
    parser.add_argument("address")
    parser.add_argument("number", type=int)
    parser.add_argument("--early", type=int, default=0, help="bytes of a body that are sent at once")
    parser.add_argument("--pause", type=float, default=15.0, help="seconds until the next byte or request, or until it vanishes")
    parser.add_argument("--reconnect", action="store_true", help="connect again when the connection is closed")
    parser.add_argument("--reset", action="store_true", help="vanish by a reset instead of an orderly close")
    options = parser.parse_args()
    allow_open_files()
    clients = Clients(options.address, options)
    asyncio.run(clients.run())


if __name__ == "__main__":
    main()
