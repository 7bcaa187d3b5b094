"""What one socket can make the server store, read and speak is bounded, and so is the number of sockets of one client."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading

import pytest
import requests
from frames import close_frame, frame, open_socket
from support.waiting import wait_until
from talking import LONG, Talk, answer, ask, dial
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, InvalidRequest
from tts_server.keys import KeyFile, Role
from tts_server.server.deadlines import Deadlines
from tts_server.web.realtime.bounds import MAX_SESSION_BYTES
from tts_server.web.realtime.pieces import MAX_TEXTS, TextFeed

PATH = "/v1/realtime?model=tts-1"

# What a session stores


LARGE_FIELDS = {
    "instructions": "x" * 900_000,
    "tools": [{"type": "function", "name": "x" * 900_000}],
    "tool_choice": {"type": "function", "name": "x" * 900_000},
    "tracing": {"workflow_name": "x" * 900_000},
    "truncation": {"type": "x" * 900_000},
    "prompt": {"id": "x" * 900_000},
    "include": ["x" * 900_000],
    "audio": {"input": {"more": "x" * 900_000}},
    "tools of many values": [{} for _ in range(20_000)],
}


@pytest.mark.parametrize("name", LARGE_FIELDS)
def test_a_session_that_would_be_too_large_is_an_error_that_names_the_field(talk, name):
    field = name.split()[0]
    talk.say("session.update", event_id="mine", session={"type": "realtime", field: LARGE_FIELDS[name]})
    error = talk.the("error")["error"]
    assert error["param"] == ("session.audio.input" if field == "audio" else f"session.{field}")
    assert (error["code"], error["event_id"]) == ("too_large", "mine")
    talk.say("session.update", session={"type": "realtime", "audio": {"output": {"speed": 1.5}}})
    assert len(json.dumps(talk.the("session.updated"))) < 2_000


def test_many_small_updates_do_not_add_up(talk):
    for number in range(60):
        talk.say("session.update", session={"type": "realtime", "audio": {"input": {f"key {number}": "x" * 2_000}}})
    answers = [talk.next() for _ in range(60)]
    updated = [event for event in answers if event["type"] == "session.updated"]
    refused = [event for event in answers if event["type"] == "error"]
    assert (bool(updated), bool(refused)) == (True, True)
    assert all(len(json.dumps(event["session"], separators=(",", ":"))) <= MAX_SESSION_BYTES for event in updated)
    assert {event["error"]["param"] for event in refused} == {"session.audio.input"}


def test_the_oldest_items_are_deleted_where_all_together_are_large(talk):
    """Parts without a text count too: each takes memory."""
    parts = [{"type": "input_text", "text": ""}] * 1000
    for number in range(60):
        talk.say("conversation.item.create", item={"id": f"item {number}", "type": "message", "role": "system", "content": parts})
        talk.the("conversation.item.done")
    talk.say("conversation.item.retrieve", item_id="item 0")
    assert talk.the("error")["error"]["code"] == "item_not_found"
    talk.say("conversation.item.retrieve", item_id="item 59")
    assert len(talk.the("conversation.item.retrieved")["item"]["content"]) == 1000


def test_a_message_of_too_many_values_is_refused_unread(talk):
    talk.say("session.update", session={"type": "realtime", "tools": [[] for _ in range(200_000)]})
    assert talk.the("error")["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "x" * 500_000},
        {"type": ["x"] * 100_000},
        {"type": "session.update", "session": {"audio": {"output": {"voice": "x" * 500_000}}}},
        {"type": "session.update", "session": {"include": [1] * 90_000}},
        {"type": "response.create", "response": {"metadata": {"x" * 500_000: "y"}}},
        {"type": "conversation.item.delete", "item_id": "x" * 500_000},
        {"type": "conversation.item.create", "previous_item_id": "x" * 500_000, "item": {"type": "message", "role": "user", "content": []}},
        {"type": "nothing", "event_id": "x" * 500_000},
    ],
)
def test_an_error_repeats_little_of_what_was_sent(talk, event):
    talk.say(event.pop("type"), **event)
    assert len(json.dumps(talk.the("error"))) < 4_000


@pytest.mark.parametrize("message", [{"id": "x" * 500_000}, {"voice": "x" * 500_000}, {"model": "x" * 500_000}])
def test_the_simple_protocol_stores_little_beside_the_text(server, message):
    with dial(server) as socket:
        ask(socket, text="Hello.", **message)
        pcm, error = answer(socket)
        assert (pcm, error["type"]) == (b"", "error")
        assert len(json.dumps(error)) < 4_000
        ask(socket, text="Hello.", id="mine")
        assert answer(socket)[1]["id"] == "mine"


def test_items_that_are_too_long_together_are_refused_and_the_next_are_spoken(start_server):
    server = start_server(max_text_length=50)
    with dial(server, PATH) as socket:
        talk = Talk(socket)
        for _ in range(3):
            talk.user("This is a text of some thirty letters.")
        talk.say("response.create")
        assert talk.the("error")["error"]["param"] == "input"
        talk.user("Short.")
        talk.say("response.create")
        assert talk.the("response.done")["response"]["status"] == "completed"


# Text in pieces


def test_a_text_in_pieces_has_an_end_blanks_included():
    feed = TextFeed(1000)
    cancellation = Cancellation()
    cancellation.cancel()
    for _ in range(2 * MAX_TEXTS):
        feed.append((" " * 49 + "\n") * 10)
        with pytest.raises(Cancelled):
            next(feed.pieces(cancellation))  # what can be spoken is taken, and nothing is left to say
    with pytest.raises(InvalidRequest, match="one response takes 16000 characters"):
        feed.append(" ")
    assert len(feed.received) == 16_000


def test_text_in_pieces_is_counted_anew_for_each_longest_text(start_server):
    server = start_server(rate_limit="2/hour", max_text_length=100)
    with dial(server, PATH) as socket:
        talk = Talk(socket)
        delta = "This is a sentence of thirty-odd. "
        for number in range(5):  # 170 characters
            talk.say("input_text_buffer.append", delta=delta)
            if number:
                talk.the("response.output_audio_transcript.delta")  # so that there is room for the next one
        talk.say("input_text_buffer.append", delta=delta, event_id="mine")
        error = talk.the("error")["error"]
        assert (error["code"], error["event_id"]) == ("rate_limit_exceeded", "mine")
        talk.say("input_text_buffer.commit")
        item = talk.the("conversation.item.done")["item"]
        assert item["content"][0]["text"] == delta * 5
        assert talk.the("response.done")["response"]["status"] == "completed"
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hi."}, timeout=30)
    assert reply.status_code == 429


# Keys


@pytest.fixture
def keys(tmp_path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def with_key(key: str) -> dict[str, dict[str, str]]:
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}


def closed(socket) -> tuple[int, str]:
    """The code and the reason of the server's close frame; earlier messages are ignored."""
    with pytest.raises(ConnectionClosed) as caught:
        for _ in itertools.count():
            socket.recv(timeout=10)
    return caught.value.rcvd.code, caught.value.rcvd.reason


@pytest.mark.parametrize("path", ["/v1/realtime", PATH], ids=["simple", "openai"])
def test_a_removed_key_closes_its_sockets_and_no_other(start_server, keys, path):
    removed, kept = keys.add("removed", [Role.SPEECH]), keys.add("kept", [Role.SPEECH])
    server = start_server(api_keys_file=keys.path, api_keys="plain", max_text_length=200_000)
    with (
        dial(server, path, **with_key(removed)) as idle,
        dial(server, **with_key(removed)) as speaking,
        dial(server, **with_key(kept)) as other,
        dial(server, **with_key("plain")) as plain,
    ):
        ask(speaking, text=" ".join([LONG] * 20))
        assert speaking.recv(timeout=20)
        keys.remove("removed")
        for socket in (idle, speaking):
            code, reason = closed(socket)
            assert code == 1008
            assert "key" in reason
        for socket in (other, plain):
            ask(socket, text="Yes.")
            assert answer(socket)[0]
    wait_until(lambda: requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["in_flight"] == 0)


def test_nothing_that_is_sent_after_the_removal_is_spoken(start_server, keys):
    key = keys.add("removed", [Role.SPEECH])
    server = start_server(api_keys_file=keys.path)
    with dial(server, **with_key(key)) as socket:
        keys.remove("removed")
        with contextlib.suppress(ConnectionClosed):
            ask(socket, text="Too late.")
        assert closed(socket)[0] == 1008
    assert requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["total_completed"] == 0


def test_a_key_that_has_other_roles_now_has_to_open_a_new_socket(start_server, keys):
    key = keys.add("mine", [Role.SPEECH])
    server = start_server(api_keys_file=keys.path)
    with dial(server, **with_key(key)) as socket:
        keys.path.write_text(keys.path.read_text(encoding="utf-8").replace('"speech"', '"voices"'), encoding="utf-8")
        assert closed(socket)[0] == 1008


def test_sockets_without_a_key_are_closed_once_one_is_needed(start_server, keys):
    server = start_server(api_keys_file=keys.path)
    with dial(server) as socket:
        keys.add("first", [Role.SPEECH])
        assert closed(socket)[0] == 1008


# Places


def test_every_socket_that_is_refused_is_told_so_also_where_many_ask_at_once(start_server):
    server = start_server(max_websockets=3)
    sockets = [open_socket(server) for _ in range(40)]
    heads = []
    for socket in sockets:
        data = socket.recv(65536)
        head = data.partition(b"\r\n\r\n")[0].decode().lower()
        if " 503 " in head.partition("\r\n")[0]:
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            while len(data.partition(b"\r\n\r\n")[2]) < length:
                data += socket.recv(65536)
            assert json.loads(data.partition(b"\r\n\r\n")[2])["error"]["code"] == "busy"
            assert "retry-after: " in head
        heads.append(head.partition("\r\n")[0].split()[1])
    assert sorted(heads) == ["101"] * 3 + ["503"] * 37
    for socket in sockets:
        socket.close()


def refused(server, **options) -> bool:
    try:
        with dial(server, **options):
            return False
    except InvalidStatus as error:
        assert error.response.status_code == 503
        assert error.response.headers["Retry-After"]
        return True


def test_one_key_has_at_most_half_of_the_sockets(start_server, keys):
    mine, other = (with_key(keys.add(name, [Role.SPEECH])) for name in ("mine", "other"))
    server = start_server(api_keys_file=keys.path, max_websockets=4)
    with dial(server, **mine), dial(server, **mine) as second:
        assert refused(server, **mine)
        with dial(server, **other):
            second.close()
            wait_until(lambda: not refused(server, **mine))


def test_one_address_has_at_most_the_sockets_of_the_setting(start_server):
    server = start_server(max_websockets_per_client=1, trusted_proxy="127.0.0.1")

    def client(address: str) -> dict[str, dict[str, str]]:
        return {"additional_headers": {"X-Forwarded-For": address}}

    with dial(server, **client("203.0.113.1")):
        assert refused(server, **client("203.0.113.1"))
        with dial(server, **client("203.0.113.2")), dial(server, **client("2001:db8::1")):
            assert refused(server, **client("2001:db8::2"))  # the same network


def test_programs_of_this_machine_share_all_of_them(start_server):
    server = start_server(max_websockets=2)
    with dial(server), dial(server):
        assert refused(server)


def test_the_socket_that_was_idle_longest_is_closed_for_a_new_one(start_server):
    server = start_server(max_websockets=3, max_text_length=200_000, deadlines=Deadlines(websocket=1.0))
    with dial(server) as speaking, dial(server) as idle, dial(server) as asking, contextlib.ExitStack() as stack:
        ask(speaking, text=" ".join([LONG] * 20))
        heard = threading.Thread(target=lambda: closed(speaking), daemon=True)
        heard.start()
        new = []

        def is_let_in() -> bool:
            ask(asking, text="Yes.")
            assert answer(asking)[0]
            with contextlib.suppress(InvalidStatus):
                new.append(stack.enter_context(dial(server)))
            return bool(new)

        wait_until(is_let_in)
        code, reason = closed(idle)
        assert (code, bool(reason)) == (1013, True)
        ask(new[0], text="Yes.")
        assert answer(new[0])[0]
        assert heard.is_alive(), "a socket that is spoken to was closed"
        speaking.close()
        heard.join(20)


def test_a_response_that_waits_for_more_text_does_not_hold_its_socket(start_server):
    server = start_server(max_websockets=1, deadlines=Deadlines(websocket=0.5))
    with dial(server, PATH) as waiting, contextlib.ExitStack() as stack:
        Talk(waiting).say("input_text_buffer.append", delta="This is not")
        new = []

        def is_let_in() -> bool:
            with contextlib.suppress(InvalidStatus):
                new.append(stack.enter_context(dial(server)))
            return bool(new)

        wait_until(is_let_in)
        assert closed(waiting)[0] == 1013


# Frames


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (frame(1, b"", is_last=False) + frame(0, b"", is_last=False) * 10_000, "fragments"),
        (frame(1, b"{", is_last=False) + frame(0, b" ", is_last=False) * 10_000, "fragments"),
        (frame(1, b"{" * 5000, is_last=False) + frame(0, b" ", is_last=False) * 10_000, "fragments"),
        (frame(9, b"") * 5_000, "pings"),
        (frame(10, b"") * 5_000, "pings"),
    ],
    ids=["empty fragments", "fragments of a byte", "a large fragment and small ones", "pings", "pongs"],
)
def test_a_flood_of_small_frames_closes_the_socket_with_1008(server, frames, reason):
    connection = open_socket(server)
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")

    def send() -> None:
        with contextlib.suppress(OSError):
            connection.sendall(frames)

    sender = threading.Thread(target=send)
    sender.start()
    code, said = close_frame(connection)
    sender.join(20)
    connection.close()
    assert code == 1008
    assert reason in said


def test_a_large_message_may_come_in_many_fragments(server):
    message = json.dumps({"text": "Yes.", "more": "x" * 500_000}).encode()
    parts = [message[at : at + 512] for at in range(0, len(message), 512)]
    data = frame(1, parts[0], is_last=False) + b"".join(frame(0, part, is_last=False) for part in parts[1:]) + frame(0, b"")
    connection = open_socket(server)
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    connection.sendall(data)
    heard = b""
    while b"response.completed" not in heard:
        received = connection.recv(65536)
        assert received, heard[-200:]
        heard += received
    connection.close()


def test_thousands_of_messages_are_all_answered_while_others_are_served(server):
    with dial(server) as socket, dial(server) as other:
        sender = threading.Thread(target=lambda: [socket.send("[]") for _ in range(2_200)])
        sender.start()
        ask(other, text="Yes.")
        assert answer(other)[0]
        answers = [json.loads(socket.recv(timeout=30))["type"] for _ in range(2_200)]
        assert set(answers) <= {"error", "session.created"}
        sender.join(20)
