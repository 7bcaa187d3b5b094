"""`GET /v1/realtime`: a WebSocket on the port of everything else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from flask import Blueprint, Response, after_this_request, g, request

from tts_server.errors import Unavailable
from tts_server.web.clients import client_name, parse_address
from tts_server.web.openai import SpeechDesk
from tts_server.web.policy import READING
from tts_server.web.realtime.session import Session
from tts_server.web.realtime.socket import UpgradeRequired, WebSocket

PATH = "/v1/realtime"
TAKE_OVER = "tts_server.take_over"
"""Where the server puts a function of the environment that hands the request's connection to a Dialogue, after the view's reply."""

SUBPROTOCOL = "realtime"
OPENAI_SIGNS = ("model", "intent", "call_id")
HANDSHAKE = ("Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol")


class Dialogue(Protocol):
    """What goes on with a connection after HTTP. `client` is who it is counted for; None where that is many programs at once."""

    client: str | None

    def converse(self, connection: socket.socket) -> None:
        """Go on until it is over. Frees the connection."""

    def leave(self, code: int = ..., reason: str = ...) -> None:
        """End soon, unless told otherwise because the server stops. Returns at once."""

    def idle_seconds(self) -> float:
        """Returns for how long nothing has been asked of it."""


TakeOver = Callable[[Dialogue], None]


def realtime_routes(desk: SpeechDesk) -> Blueprint:
    routes = Blueprint("realtime", __name__)

    @routes.get(PATH, websocket=True, policy=READING)
    def talk() -> Response:
        take_over: TakeOver | None = request.environ.get(TAKE_OVER)
        if take_over is None:
            raise Unavailable("This server cannot open WebSockets here.", code="no_websockets")
        websocket = WebSocket(
            _handshake(),
            subprotocol=SUBPROTOCOL if SUBPROTOCOL in _offered() else None,
            reply_headers=[(b"x-request-id", g.request_id.encode())],
        )
        model = request.args.get("model") or None
        desk.synthesizer.catalog.named(model)
        client, key = client_name(g.access), g.access.key
        limited = None if key is None and _is_this_machine() else client
        take_over(Session(websocket, desk.for_caller(), model, client, is_openai=_is_openai(), client=limited, key=key))
        return Response(status=101)

    @routes.get(PATH, policy=READING)
    def explain() -> Response:
        @after_this_request
        def name_version(response: Response) -> Response:
            response.headers["Sec-WebSocket-Version"] = "13"
            return response

        raise UpgradeRequired("This address is a WebSocket: connect with ws:// and HTTP/1.1.")

    return routes


def _handshake() -> list[tuple[bytes, bytes]]:
    """The headers that make a WebSocket. The Host is checked for every route; what it is means nothing here."""
    if request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise UpgradeRequired("A WebSocket begins with HTTP/1.1.")
    given = [(name.encode(), request.headers[name].encode("latin-1", "replace")) for name in HANDSHAKE if name in request.headers]
    return [(b"Host", b"localhost"), *given]


def _is_this_machine() -> bool:
    """Whether the client is a program of this machine: they all have one address."""
    address = parse_address(g.access.head.address)
    return address is not None and address.is_loopback


def _offered() -> list[str]:
    return [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]


def _is_openai() -> bool:
    """Whether the request tells that OpenAI's protocol follows, so that the server speaks first."""
    return any(name in request.args for name in OPENAI_SIGNS) or SUBPROTOCOL in _offered() or "OpenAI-Beta" in request.headers
