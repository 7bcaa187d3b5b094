"""The sockets themselves: who may open one, many at once, peers that misbehave, and the end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import threading
import time

import pytest
import requests
from support.server import run_server
from support.waiting import wait_until
from talking import LONG, answer, ask, dial, is_greeting, num_threads
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tts_server.web.realtime.socket import SocketClosed, SocketLimits, WebSocket


def raw(server, *, version: int = 13, protocol: str = "HTTP/1.1", behind: bytes = b"") -> socket.socket:
    """A connection that asks for a socket, without a library that would answer pings."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET /v1/realtime {protocol}\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(head.encode() + behind)
    return connection


def opened(server) -> socket.socket:
    connection = raw(server)
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    return connection


def masked(opcode: int, payload: bytes, *, length: int | None = None) -> bytes:
    """A client's frame; `length` is what its header says, if not the truth. The mask is zero, so the payload stays as it is."""
    return struct.pack(">BBQ4x", 0x80 | opcode, 0x80 | 127, len(payload) if length is None else length) + payload


def text_frame(text: str) -> bytes:
    return masked(1, text.encode().ljust(70_000))


def refusal(server, path: str = "/v1/realtime", **options) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        dial(server, path, **options)
    response = caught.value.response
    return response.status_code, json.loads(response.body)["error"]["code"]


def test_only_who_may_use_the_server_opens_a_socket(start_server):
    server = start_server(api_keys="secret")
    assert refusal(server) == (401, "invalid_api_key")
    assert refusal(server, additional_headers={"Authorization": "Bearer wrong"}) == (401, "invalid_api_key")
    assert refusal(server, subprotocols=["realtime", "openai-insecure-api-key.wrong"]) == (401, "invalid_api_key")
    for right in (
        {"additional_headers": {"Authorization": "Bearer secret"}},
        {"additional_headers": {"x-api-key": "secret"}},
        {"subprotocols": ["realtime", "openai-insecure-api-key.secret"]},
    ):
        with dial(server, **right) as client:
            ask(client, text="Yes.")
            assert client.recv(timeout=20)


def test_a_page_of_another_site_cannot_open_a_socket(start_server):
    server = start_server(cors_origins="https://mine.example")
    assert refusal(server, origin="https://evil.example") == (403, "forbidden_origin")
    for origin in ("https://mine.example", f"http://127.0.0.1:{server.port}"):
        with dial(server, origin=origin) as client:
            ask(client, text="Yes.")
            assert answer(client)[0]


def test_a_foreign_host_name_opens_nothing(server):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(b"GET /v1/realtime HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 403")
    connection.close()


def test_what_is_no_websocket_is_told_so(server):
    reply = requests.get(f"{server.url}/v1/realtime", timeout=10)
    assert (reply.status_code, reply.json()["error"]["code"]) == (426, "upgrade_required")
    assert reply.headers["Sec-WebSocket-Version"] == "13"
    for connection, status in ((raw(server, version=8), b"426"), (raw(server, protocol="HTTP/1.0"), b"426")):
        assert connection.recv(4096).split()[1] == status
        connection.close()


def test_a_handshake_keeps_the_id_of_its_request(server):
    with dial(server, additional_headers={"x-request-id": "mine"}) as client:
        assert client.response.headers["x-request-id"] == "mine"


def test_an_unknown_model_is_refused_before_the_socket_opens_where_models_are_strict(start_server):
    assert refusal(start_server(strict_models=True), "/v1/realtime?model=nothing") == (404, "model_not_found")


def test_sockets_beyond_the_limit_are_refused_until_one_closes(start_server):
    server = start_server(max_websockets=2)
    with dial(server), dial(server) as second:
        assert refusal(server) == (503, "busy")
        second.close()
        wait_until(lambda: num_threads() == 1)
        with dial(server) as third:
            ask(third, text="Yes.")
            assert answer(third)[0]


def test_fifty_sockets_with_several_messages_each_are_all_answered(seeded):
    reply = requests.post(f"{seeded.url}/v1/audio/speech", json={"input": "Yes.", "response_format": "pcm"}, timeout=30)

    async def one(number: int) -> None:
        async with connect_async(f"ws://127.0.0.1:{seeded.port}/v1/realtime", proxy=None, open_timeout=30) as client:
            for message in range(4):
                await client.send(json.dumps({"text": "Yes.", "id": f"{number}-{message}"}))
                pcm = b""
                while isinstance(frame := await client.recv(), bytes) or is_greeting(frame):
                    pcm += frame[4:] if isinstance(frame, bytes) else b""
                assert json.loads(frame)["id"] == f"{number}-{message}"
                assert pcm == reply.content

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(50)))

    asyncio.run(all_of_them())


def test_pings_of_both_sides_do_not_harm_large_sends(seeded):
    text = LONG[:1200]
    whole = requests.post(f"{seeded.url}/v1/audio/speech", json={"input": text, "response_format": "pcm"}, timeout=60).content
    pongs = []
    with dial(seeded) as client:
        ask(client, text=text)
        pcm = b""
        while isinstance(frame := client.recv(timeout=30), bytes):
            pcm += frame[4:]
            if len(pongs) < 200:
                pongs.append(client.ping())
        assert json.loads(frame)["type"] == "response.completed"
        assert all(pong.wait(20) for pong in pongs)
    assert len(pongs) > 50
    assert pcm == whole


def test_a_message_that_is_too_large_closes_the_socket_with_1009(server):
    with dial(server) as client:
        with pytest.raises(ConnectionClosed) as caught:
            client.send("x" * (2**20 + 1))
            client.recv(timeout=20)
        assert caught.value.rcvd.code == 1009


def test_a_frame_that_only_says_it_is_huge_is_refused_at_once(server):
    connection = opened(server)
    connection.sendall(masked(1, b"", length=2**40))
    assert closing_code(connection) == 1009
    connection.close()


def test_many_small_frames_of_one_message_are_counted_together(server):
    connection = opened(server)
    part = struct.pack(">BBQ4x", 0x01, 0x80 | 127, 2**19) + b"x" * 2**19
    with contextlib.suppress(ConnectionError):
        connection.sendall(part + 2 * (b"\x00" + part[1:]))
    assert closing_code(connection) == 1009
    connection.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\x81\x05Hello", 1002), (masked(3, b"x" * 70_000), 1002), (masked(1, b"\xff" * 70_000), 1007)],
    ids=["not masked", "of no known kind", "not UTF-8"],
)
def test_a_broken_frame_closes_the_socket_with_its_code(server, frame, code):
    connection = opened(server)
    connection.sendall(frame)
    assert closing_code(connection) == code
    connection.close()


def closing_code(connection: socket.socket) -> int:
    """The code of the close frame that comes next."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while received := connection.recv(4096):
            data += received
    place = 0
    while data[place] != 0x88:
        place += 2 + data[place + 1]
    return int(struct.unpack(">H", data[place + 2 : place + 4])[0])


def test_a_client_that_closes_is_answered_in_order(server):
    with dial(server) as client:
        client.close(1000, "enough")
        assert client.protocol.close_rcvd.code == 1000


def test_what_a_client_sends_before_it_was_let_in_costs_it_the_connection(server):
    connection = raw(server, behind=text_frame('{"text": "Hello"}'))
    with contextlib.suppress(ConnectionError):
        while connection.recv(4096):
            pass
    connection.close()


def test_peers_that_vanish_or_stall_free_their_threads(start_server):
    """One says nothing at all, one begins a message and stops, one never reads its audio. Nobody of them answers a ping."""
    server = start_server(max_text_length=200_000)
    silent, halfway, deaf = (opened(server) for _ in range(3))
    halfway.sendall(masked(1, b'{"te', length=70_000))
    deaf.sendall(text_frame(json.dumps({"text": LONG})))
    assert num_threads() >= 3
    wait_until(lambda: num_threads() == 0, seconds=30)
    assert requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["in_flight"] == 0
    for connection in (silent, halfway, deaf):
        connection.close()


def test_a_client_that_is_cut_off_while_it_listens_ends_the_work(start_server):
    server = start_server(synthesis_threads=1, max_text_length=200_000)
    connection = opened(server)
    connection.sendall(text_frame(json.dumps({"text": " ".join([LONG] * 12)})))
    assert connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    wait_until(lambda: num_threads() == 0)
    metrics = requests.get(f"{server.url}/health", timeout=10).json()["metrics"]
    assert (metrics["in_flight"], metrics["total_cancelled"], metrics["total_errors"]) == (0, 1, 0)
    assert metrics["segments_done"] < 200


@contextlib.contextmanager
def pair(**limits):
    """A WebSocket and its peer's end of the connection, which answers no ping; and what the thread that reads it does when it ends."""
    key = base64.b64encode(os.urandom(16))
    headers = [(b"Host", b"localhost"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    headers += [(b"Sec-WebSocket-Version", b"13"), (b"Sec-WebSocket-Key", key)]
    listener = socket.create_server(("127.0.0.1", 0))
    peer = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    websocket = WebSocket(headers, limits=SocketLimits(tick_seconds=0.02, **limits))
    ended = threading.Event()

    def read() -> None:
        for _ in websocket.messages(ours):
            pass
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert peer.recv(4096).startswith(b"HTTP/1.1 101")
    try:
        yield websocket, peer, ended
    finally:
        peer.close()
        thread.join(20)
        listener.close()


def test_a_peer_that_is_busy_playing_has_as_long_as_that_takes():
    """It has what it was sent and reads none of it, so it cannot come to the ping behind."""
    with pair(ping_seconds=0.1, answer_seconds=0.1, playing_bytes_per_second=10_000) as (websocket, _, ended):
        begun = time.monotonic()
        websocket.send_bytes(bytes(10_000))
        assert ended.wait(20)
        assert time.monotonic() - begun > 1


def test_an_answered_ping_shows_that_a_peer_is_there():
    with pair(ping_seconds=0.1, answer_seconds=0.5) as (websocket, peer, ended):
        for _ in range(10):
            ping = peer.recv(10)
            assert ping[:2] == b"\x89\x08"
            peer.sendall(b"\x8a\x88\0\0\0\0" + ping[2:])
        assert websocket.is_open
        assert not ended.is_set()


def test_a_sender_is_told_when_its_peer_takes_nothing():
    with pair(send_seconds=0.2, answer_seconds=60) as (websocket, _, ended):
        with pytest.raises(SocketClosed):
            for _ in range(10_000):
                websocket.send_bytes(bytes(10_000))
        assert ended.wait(20)
        assert not websocket.is_open


def test_a_message_that_does_not_end_in_time_closes_the_socket_with_1008():
    with pair(message_seconds=0.2, answer_seconds=60) as (_, peer, ended):
        peer.sendall(struct.pack(">BBQ4x", 0x81, 0x80 | 127, 70_000))
        with contextlib.suppress(OSError):
            while not ended.wait(0.02):
                peer.sendall(b"x")
        assert closing_code(peer) == 1008


def test_a_stop_closes_every_socket_with_1001():
    """One of them is being spoken to."""
    codes = []

    def listen(client) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            while client.recv(timeout=30):
                is_speaking.set()
        codes.append(caught.value.rcvd.code)

    is_speaking = threading.Event()
    with contextlib.ExitStack() as clients_stack, contextlib.ExitStack() as stack:
        server = stack.enter_context(run_server(max_text_length=200_000, synthesis_threads=1))
        clients = [clients_stack.enter_context(dial(server)) for _ in range(3)]
        listeners = [threading.Thread(target=listen, args=(client,)) for client in clients]
        ask(clients[0], text=" ".join([LONG] * 40))
        for listener in listeners:
            listener.start()
        assert is_speaking.wait(20)
        stack.close()
        for listener in listeners:
            listener.join(20)
    assert codes == [1001, 1001, 1001]
