"""`GET /v1/realtime`: a WebSocket on the port of everything else."""

from __future__ import annotations

from flask import Blueprint, Response, after_this_request, g, request

from tts_server.client_addresses import parse_address
from tts_server.errors import Unavailable
from tts_server.web.openai import SpeechDesk
from tts_server.web.policy import READING
from tts_server.web.realtime.session import Session
from tts_server.web.realtime.socket import UpgradeRequired, WebSocket
from tts_server.wsgi import UPGRADE, Upgrade

PATH = "/v1/realtime"
SUBPROTOCOL = "realtime"
OPENAI_SIGNS = ("model", "intent", "call_id")
HANDSHAKE = ("Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol")


def realtime_routes(desk: SpeechDesk) -> Blueprint:
    routes = Blueprint("realtime", __name__)

    @routes.get(PATH, websocket=True, policy=READING)
    def talk() -> Response:
        upgrade: Upgrade | None = request.environ.get(UPGRADE)
        if upgrade is None:
            raise Unavailable("This server cannot open WebSockets here.", code="no_websockets")
        websocket = WebSocket(
            _handshake(),
            subprotocol=SUBPROTOCOL if SUBPROTOCOL in _offered() else None,
            reply_headers=[(b"x-request-id", g.request_id.encode())],
        )
        model = request.args.get("model") or None
        desk.synthesizer.catalog.named(model)
        client, key = g.access.client, g.access.key
        limited = None if key is None and _is_this_machine() else client
        upgrade(Session(websocket, desk.for_caller(), model, client, is_openai=_is_openai(), client=limited, key=key))
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
