"""`GET /v1/realtime`: the WebSocket handshake."""

from __future__ import annotations

from flask import Blueprint, Response, after_this_request, g, request

from tts_server.client_addresses import parse_address
from tts_server.errors import Unavailable
from tts_server.web.policy import READING
from tts_server.web.realtime.session import Session
from tts_server.web.realtime.socket import UpgradeRequired, WebSocket
from tts_server.web.speech_service import SpeechService
from tts_server.wsgi import UPGRADE, Upgrade

PATH = "/v1/realtime"
SUBPROTOCOL = "realtime"
OPENAI_SIGNS = ("model", "intent", "call_id")
HANDSHAKE = ("Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol")


def realtime_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("realtime", __name__)

    @routes.get(PATH, websocket=True, policy=READING)
    def open_socket() -> Response:
        upgrade: Upgrade | None = request.environ.get(UPGRADE)
        if upgrade is None:
            raise Unavailable("WebSockets are not available in this environment.", code="no_websockets")
        websocket = WebSocket(
            _handshake(),
            subprotocol=SUBPROTOCOL if SUBPROTOCOL in _offered() else None,
            reply_headers=[(b"x-request-id", g.request_id.encode())],
        )
        model = request.args.get("model") or None
        service.synthesizer.catalog.named(model)
        client, key = g.access.client, g.access.key
        limited = None if key is None and _is_this_machine() else client
        upgrade(Session(websocket, service.for_socket(), model, client, is_openai=_is_openai(), client=limited, key=key))
        return Response(status=101)

    @routes.get(PATH, policy=READING)
    def require_upgrade() -> Response:
        @after_this_request
        def add_version(response: Response) -> Response:
            response.headers["Sec-WebSocket-Version"] = "13"
            return response

        raise UpgradeRequired("This route is a WebSocket: connect with ws:// and HTTP/1.1.")

    return routes


def _handshake() -> list[tuple[bytes, bytes]]:
    """Return the headers of the handshake. wsproto requires a Host, whose value does not matter: it has been checked already."""
    if request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise UpgradeRequired("A WebSocket handshake requires HTTP/1.1.")
    given = [(name.encode(), request.headers[name].encode("latin-1", "replace")) for name in HANDSHAKE if name in request.headers]
    return [(b"Host", b"localhost"), *given]


def _is_this_machine() -> bool:
    """Return whether the client is on this machine, where all programs share one address."""
    address = parse_address(g.access.head.address)
    return address is not None and address.is_loopback


def _offered() -> list[str]:
    return [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]


def _is_openai() -> bool:
    """Return whether the request announces OpenAI's protocol, in which the server sends the first message."""
    return any(name in request.args for name in OPENAI_SIGNS) or SUBPROTOCOL in _offered() or "OpenAI-Beta" in request.headers
