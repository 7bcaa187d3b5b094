"""Many sockets at once, of both protocols; peers of every bad kind among them; and the end of a real process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.waiting import wait_until
from talking import LONG, Talk, answer, ask, dial, is_greeting, num_threads, pcm_of
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PROJECT = Path(__file__).resolve().parents[2]
NUM_SOCKETS = 50
NUM_MESSAGES = 20
WORDS_EVERY = 10 if float(os.environ.get("TEST_SCALE", "1")) <= 1 else 1
"""Every so many messages are words; the others are marks, which cost no voice any work."""


def text_of(number: int, message: int) -> str:
    """Each text is the only one of its kind on its socket, and no two neighbours say the same."""
    return f"Number {number}." if message % WORDS_EVERY == 0 else "." * (1 + (number + message) % 40)


async def simply(client: ClientConnection, number: int) -> list[str]:
    """The transcripts that a client of the simple protocol gets, one after the other."""
    told = []
    for message in range(NUM_MESSAGES):
        await client.send(json.dumps({"text": text_of(number, message), "id": f"{number}-{message}"}))
        pcm = b""
        while isinstance(frame := await client.recv(), bytes) or is_greeting(frame):
            if isinstance(frame, bytes):
                (length,) = struct.unpack(">I", frame[:4])
                assert length == len(frame) - 4
                pcm += frame[4:]
        done = json.loads(frame)
        assert (done["type"], done["id"], len(pcm) > 0) == ("response.completed", f"{number}-{message}", True), done
        told.append(done["response"]["output"][0]["content"][0]["transcript"])
    return told


async def as_openai_does(client: ClientConnection, number: int) -> list[str]:
    """The same of a client that speaks OpenAI's protocol; it sends without waiting for answers, as some do."""
    told = []
    for message in range(NUM_MESSAGES):
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text_of(number, message)}]}
        await client.send(json.dumps({"type": "conversation.item.create", "item": said}))
        await client.send(json.dumps({"type": "response.create"}))
        pcm = b""
        while (event := json.loads(await client.recv()))["type"] != "response.done":
            assert event["type"] != "error", event
            pcm += base64.b64decode(event["delta"]) if event["type"] == "response.output_audio.delta" else b""
        assert (event["response"]["status"], len(pcm) > 0, len(pcm) % 2) == ("completed", True, 0)
        told.append(event["response"]["output"][0]["content"][0]["transcript"])
    return told


def test_fifty_sockets_of_both_protocols_with_twenty_messages_each_are_all_answered(seeded):
    async def one(number: int) -> list[str]:
        talk = as_openai_does if number % 2 else simply
        async with connect_async(f"ws://127.0.0.1:{seeded.port}/v1/realtime", proxy=None, open_timeout=30, max_size=2**22) as client:
            return await talk(client, number)

    async def all_of_them() -> list[list[str]]:
        return await asyncio.gather(*map(one, range(NUM_SOCKETS)))

    before = metrics(seeded)
    told = asyncio.run(all_of_them())
    assert told == [[text_of(number, message) for message in range(NUM_MESSAGES)] for number in range(NUM_SOCKETS)]
    after = metrics(seeded)
    assert after["total_completed"] - before["total_completed"] == NUM_SOCKETS * NUM_MESSAGES
    assert (after["in_flight"], after["total_errors"] - before["total_errors"]) == (0, 0)


def metrics(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]


def masked(opcode: int, payload: bytes, *, final: bool = True, length: int | None = None) -> bytes:
    """A long frame of a client, with a mask of zero; `length` is what its header says, if not the truth."""
    size = len(payload) if length is None else length
    assert size > 0xFFFF, "a shorter one has to write its length in the short way"
    return struct.pack(">BBQ4x", (0x80 if final else 0) | opcode, 0x80 | 127, size) + payload


def small(opcode: int, payload: bytes) -> bytes:
    """A frame of less than 126 bytes, such as a control frame."""
    return struct.pack(">BB4x", 0x80 | opcode, 0x80 | len(payload)) + payload


def opened(server) -> socket.socket:
    """A socket in the hands of nobody who would answer pings."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        "GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(head.encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    return connection


def frames(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """(opcode, payload) of what the server sends, until it sends no more."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while received := connection.recv(65536):
            data += received
            while len(data) >= 2:
                size, start = data[1], 2
                if size in (126, 127):
                    start = 4 if size == 126 else 10
                    if len(data) < start:
                        break
                    size = int.from_bytes(data[2:start], "big")
                if len(data) < start + size:
                    break
                yield data[0] & 0xF, data[start : start + size]
                data = data[start + size :]


def test_a_ping_between_the_parts_of_a_large_message_is_answered_and_the_message_arrives(server):
    text = LONG[:300].strip()
    message = json.dumps({"text": text}).encode().ljust(700_000)
    parts = [message[place : place + 100_000] for place in range(0, len(message), 100_000)]
    pongs = []
    with contextlib.closing(opened(server)) as connection:
        coming = frames(connection)
        for index, part in enumerate(parts):
            connection.sendall(masked(1 if index == 0 else 0, part, final=index == len(parts) - 1))
            connection.sendall(small(9, b"part %d" % index))
            # The answer to each has to come before the next part is sent, so before the message is whole.
            pongs.append(next(payload for opcode, payload in coming if opcode == 0xA))
        told = next(json.loads(payload) for opcode, payload in coming if opcode == 1)
        connection.sendall(small(8, struct.pack(">H", 1000)))
    assert pongs == [b"part %d" % index for index in range(len(parts))]
    assert told["response"]["output"][0]["content"][0]["transcript"] == text


def test_pings_do_not_harm_large_sends_in_openais_protocol(seeded):
    text = LONG[:700]
    whole = requests.post(f"{seeded.url}/v1/audio/speech", json={"input": text, "response_format": "pcm"}, timeout=60).content
    with dial(seeded, "/v1/realtime?model=tts-1", max_size=2**22) as client:
        talk = Talk(client)
        talk.user(text)
        talk.say("response.create")
        events, pongs = [], []
        for event in talk.until("response.done"):
            events.append(event)
            pongs.append(client.ping())
        assert all(pong.wait(20) for pong in pongs)
    assert pcm_of(events) == whole


def leave_without_a_word(connection: socket.socket) -> None:
    """As a program does that is killed, or a machine that loses its power and comes back."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_bad_peers_in_the_midst_of_a_send_free_their_threads_and_disturb_nobody(start_server):
    """Of each kind three: they vanish, they take nothing more, they send a frame that is too large. All are being spoken to."""
    server = start_server(max_text_length=200_000)
    speech = masked(1, json.dumps({"text": " ".join([LONG] * 12)}).encode().ljust(70_000))
    peers = [opened(server) for _ in range(9)]
    for peer in peers:
        peer.sendall(speech)
    heard = [frames(peer) for peer in peers]
    assert {next(opcode for opcode, _ in frame) for frame in heard} <= {2, 9}
    vanishing, _deaf, loud = peers[:3], peers[3:6], peers[6:]
    with dial(server) as neighbour:
        ask(neighbour, text="Is anybody there?", id=1)
        for peer in vanishing:
            leave_without_a_word(peer)
        for peer in loud:
            peer.sendall(masked(1, b"", length=2**40))
        codes = [next(payload[:2] for opcode, payload in frame if opcode == 8) for frame in heard[6:]]
        assert codes == [struct.pack(">H", 1009)] * 3
        pcm, done = answer(neighbour)
        assert (bool(pcm), done["id"]) == (True, 1)
        wait_until(lambda: num_threads() == 1, seconds=30)
        ask(neighbour, text="Still here.", id=2)
        assert answer(neighbour)[1]["id"] == 2
    wait_until(lambda: metrics(server)["in_flight"] == 0)
    assert metrics(server)["total_errors"] == 0
    for peer in peers:
        peer.close()


@pytest.mark.skipif(os.name != "posix", reason="needs SIGTERM")
def test_sigterm_closes_every_socket_of_a_real_server_with_1001_and_it_exits_with_0(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false", "CONFIG_FILE": "none", "MAX_TEXT_LENGTH": "200000"},
    )
    codes: list[int] = []
    is_speaking = threading.Event()

    def listen(client) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                if isinstance(client.recv(timeout=60), bytes):
                    is_speaking.set()
        codes.append(caught.value.rcvd.code if caught.value.rcvd else 0)

    try:
        assert process.stdout is not None
        found = re.search(r"http://[\w.]+:(\d+)", process.stdout.readline().decode())
        assert found
        with contextlib.ExitStack() as stack:
            address = f"ws://127.0.0.1:{found[1]}/v1/realtime"
            clients = [stack.enter_context(connect(f"{address}{query}", proxy=None, open_timeout=20)) for query in ["", "?model=tts-1"] * 5]
            ask(clients[0], text=" ".join([LONG] * 40))
            listeners = [threading.Thread(target=listen, args=(client,)) for client in clients]
            for listener in listeners:
                listener.start()
            assert is_speaking.wait(30)
            process.send_signal(signal.SIGTERM)
            for listener in listeners:
                listener.join(30)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert codes == [1001] * 10
    assert (process.returncode, b"Traceback" in errors) == (0, False), errors.decode()
