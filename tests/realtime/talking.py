"""Clients of `/v1/realtime` for tests: a socket of another library's making, and OpenAI's own models to check every event with."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent
from websockets.sync.client import ClientConnection, connect

EVENT_MODELS = {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(RealtimeServerEvent)[0])}
LONG = " ".join(f"This is sentence number {n} of a very long story that nobody waits for." for n in range(1, 55))


def dial(server, path: str = "/v1/realtime", **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}{path}", **{"proxy": None, "open_timeout": 20, **options})


def num_threads() -> int:
    """Threads that hold sockets or speak to them, in this process: the server's."""
    return sum(thread.name.startswith("realtime") for thread in threading.enumerate())


def ask(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def answer(socket: ClientConnection) -> tuple[bytes, dict[str, Any]]:
    """The PCM and the completion, or the error, of one text in the simple protocol."""
    pcm = b""
    while isinstance(frame := socket.recv(timeout=30), bytes) or is_greeting(frame):
        if isinstance(frame, bytes):
            (length,) = struct.unpack(">I", frame[:4])
            assert length == len(frame) - 4 > 0
            pcm += frame[4:]
    return pcm, json.loads(frame)


def is_greeting(frame: str) -> bool:
    """On a busy machine the first message comes after a second, and the silence before it is greeted."""
    return json.loads(frame)["type"] == "session.created"


class Talk:
    """A session in OpenAI's protocol. Every event that arrives has to fit OpenAI's model of it, with an id of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids: set[str] = set()

    def say(self, type_: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": type_, **fields}))

    def user(self, text: str) -> None:
        self.say("conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})

    def next(self) -> dict[str, Any]:
        frame = self._socket.recv(timeout=30)
        event = json.loads(frame)
        assert len(frame) < (64 * 1024 if event["type"] == "response.output_audio.delta" else 2**20)
        parsed = EVENT_MODELS[event["type"]].model_validate(event, strict=True)
        assert not parsed.model_extra
        assert event["event_id"] not in self._ids
        self._ids.add(event["event_id"])
        return event

    def until(self, type_: str) -> Iterator[dict[str, Any]]:
        """Events up to the first of a type."""
        while True:
            event = self.next()
            yield event
            if event["type"] == type_:
                return

    def the(self, type_: str) -> dict[str, Any]:
        """The next event of a type; what comes before it is passed over."""
        *_, event = self.until(type_)
        return event


def pcm_of(events: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(event["delta"]) for event in events if event["type"] == "response.output_audio.delta")
