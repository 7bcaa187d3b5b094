"""What waits for something outside of the server, a slow reader or a clip, keeps nobody else from being served."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from support.clock import Clock
from support.engine_gate import Gate, queue
from support.server import RunningServer
from support.waiting import PATIENCE, wait_until
from wire import connection, post, replies

from tts_server import admission
from tts_server.admission import Admission, Ticket
from tts_server.cancellation import Cancellation
from tts_server.errors import Busy, Cancelled
from tts_server.server.dispatch import Dispatcher
from tts_server.web.limits import SharedLimit

SLOTS = 4
NUM_READERS = 16
"""More than there are threads at first: one for each slot, and eight."""

MUCH_AUDIO = {"response_format": "pcm", "sample_rate": 48000, "speed": 0.25}
"""Fills the buffers of a connection after a few words."""

STORY = " ".join(f"This is sentence number {n} of a story that nobody hears to its end." for n in range(1, 16))
SHORT_STORY = " ".join(f"This is sentence number {n} of a story." for n in range(1, 12))
"""Less than 1 KiB with its fields, so that the request counts as a small one; still minutes of audio when it is spoken slowly."""


def speak(server: RunningServer, text: str = "Hi.", **fields: Any) -> requests.Response:
    return requests.post(f"{server.url}/v1/audio/speech", json={"input": text, **fields}, timeout=2 * PATIENCE)


def stream(text: str, **fields: Any) -> bytes:
    fields = {"input": text, **MUCH_AUDIO, "stream": True, "cache": False, **fields}
    return post(fields, headers="Connection: close\r\n")


@contextlib.contextmanager
def waiting_readers(server: RunningServer, text: str, number: int) -> Iterator[list[socket.socket]]:
    """Clients that have begun to read a stream and stopped, once the server waits for all of them."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connection(server, stream(text, seed=n), receive_buffer=4096)) for n in range(number)]
        wait_until(lambda: queue(server)["paused"] == number, "the pause of all streams")
        yield sockets


# The queue


def test_a_paused_ticket_leaves_its_slot_to_the_next_and_counts_again_at_once_when_it_resumes():
    slots = Admission(1, 10)
    first, second, third = (slots.acquire() for _ in range(3))
    slots.pause(first)
    assert (second.is_active, third.is_active) == (True, False)
    assert (slots.state().active, slots.state().paused, slots.state().waiting) == (1, 1, 1)
    slots.resume(first)
    assert (slots.state().active, slots.state().paused) == (2, 0)
    slots.release(second)
    assert not third.is_active, "two were active for one slot"
    slots.release(first)
    assert third.is_active


def test_a_paused_ticket_can_be_released_and_then_no_longer_resumes():
    slots = Admission(1, 10)
    first = slots.acquire()
    slots.pause(first)
    slots.release(first)
    slots.resume(first)
    assert (slots.state().active, slots.state().paused) == (0, 0)


def test_what_waits_or_is_over_cannot_be_paused():
    slots = Admission(1, 10)
    first, second = slots.acquire(), slots.acquire()
    slots.pause(second)
    slots.release(first)
    assert second.is_active
    slots.release(second)
    slots.pause(second)
    assert (slots.state().active, slots.state().paused) == (0, 0)


def test_paused_large_ones_let_other_large_ones_begin():
    slots = Admission(4, 10)
    large = [slots.acquire(is_large=True) for _ in range(4)]
    assert not large[3].is_active
    slots.pause(large[0])
    assert large[3].is_active
    for ticket in large:
        slots.release(ticket)
    assert (slots.state().active, slots.state().paused) == (0, 0)
    again = [slots.acquire(is_large=True) for _ in range(4)]
    assert [ticket.is_active for ticket in again] == [True, True, True, False]


def test_the_estimate_counts_the_first_pause_of_a_ticket_as_a_free_slot_and_no_later_one(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=clock))
    slots = Admission(1, 10)
    for _ in range(5):
        ticket = slots.acquire()
        clock.now += 4.0
        slots.pause(ticket)
        for _ in range(20):
            slots.resume(ticket)
            slots.pause(ticket)
        slots.release(ticket)
    slots.acquire()
    slots.acquire("next")
    assert slots.position("next") == (1, pytest.approx(4.0))


def test_after_a_wait_for_something_else_a_ticket_gets_the_next_slot_before_those_that_have_not_begun():
    slots = Admission(1, 10)
    first, second, third = (slots.acquire() for _ in range(3))
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        stack.callback(slots.release, first)
        stack.callback(slots.release, second)
        slots.pause(first)
        assert second.is_active
        going_on = pool.submit(slots.reacquire, first)
        wait_until(lambda: slots.state().paused == 0)
        assert not going_on.done()
        slots.release(second)
        going_on.result(PATIENCE)
        assert (first.is_active, third.is_active) == (True, False)


def test_whoever_waits_for_a_slot_once_more_ends_when_its_client_leaves_or_the_server_stops():
    left = Cancellation()
    slots = Admission(1, 10)
    leaving, staying = slots.acquire(cancellation=left), slots.acquire()
    slots.pause(leaving)
    with ThreadPoolExecutor(2) as pool:
        going_on = pool.submit(slots.reacquire, leaving)
        left.cancel()
        with pytest.raises(Cancelled):
            going_on.result(PATIENCE)
    slots.release(leaving)
    slots.pause(staying)
    slots.close()
    with pytest.raises(Busy):
        slots.reacquire(staying)
    slots.release(staying)
    assert (slots.state().active, slots.state().paused, slots.state().waiting) == (0, 0, 0)


def test_whoever_waits_once_more_takes_no_place_from_those_that_wait():
    slots = Admission(1, 1)
    first, second = slots.acquire(), slots.acquire()
    with ThreadPoolExecutor(1) as pool:
        slots.pause(first)
        going_on = pool.submit(slots.reacquire, first)
        wait_until(lambda: slots.state().paused == 0)
        waiting = slots.acquire()
        assert (waiting.refusal, waiting.position) == (None, 2)
        assert slots.acquire().refusal is not None
        slots.release(second)
        going_on.result(PATIENCE)


# The threads


class Waiting:
    """A connection whose request waits for `done` outside of the server."""

    is_read_only = False
    is_refused = False

    def __init__(self, dispatcher: Dispatcher, done: threading.Event) -> None:
        self._dispatcher, self._done = dispatcher, done
        self.ticket: Ticket | None = None

    def admit(self) -> Ticket | None:
        self.ticket = self._dispatcher.admission.acquire()
        return self.ticket

    def service(self) -> None:
        with self._dispatcher.blocked(self.ticket):
            assert self._done.wait(PATIENCE)


def num_threads() -> int:
    return sum(thread.name.startswith("request-") for thread in threading.enumerate())


def test_as_many_requests_may_wait_for_their_readers_as_there_are_and_their_threads_end_afterwards():
    before = num_threads()
    done = threading.Event()
    dispatcher = Dispatcher(Admission(2, 100), reserve=1)
    try:
        for _ in range(50):
            dispatcher.add_task(Waiting(dispatcher, done))
        wait_until(lambda: dispatcher.admission.state().paused == 50)
        assert num_threads() - before == 50 + 3
        done.set()
        wait_until(lambda: dispatcher.is_idle and num_threads() - before == 3, "the end of the threads that replaced others")
        assert dispatcher.admission.state().active == 0
    finally:
        done.set()
        dispatcher.shutdown()


# Slow readers of a server


@pytest.mark.parametrize("text", [STORY, SHORT_STORY], ids=["long", "small"])
def test_readers_that_are_slower_than_speech_hold_neither_slots_nor_threads(start_server, text):
    server = start_server(threads=SLOTS, max_queue=NUM_READERS)
    with waiting_readers(server, text, NUM_READERS):
        state = queue(server)
        assert (state["at_work"], state["waiting"]) == (0, 0)
        for _ in range(3):
            assert speak(server).headers["X-Queue-Position"] == "0"
        assert queue(server)["paused"] == NUM_READERS
    wait_until(lambda: queue(server)["paused"] == 0, "the end of the streams whose readers left")


def test_a_slow_reader_gets_every_byte_once_it_reads_on(start_server):
    server = start_server(threads=SLOTS)
    expected = speak(server, SHORT_STORY, **MUCH_AUDIO, seed=0, cache=False).content
    with waiting_readers(server, SHORT_STORY, 2) as sockets:
        sockets[0].settimeout(2 * PATIENCE)
        (reply,) = replies(sockets[0])
    assert (reply.is_whole, reply.body) == (True, expected)


def test_a_slow_reader_that_leaves_is_not_spoken_for_any_longer(start_server):
    server = start_server(threads=SLOTS)
    with waiting_readers(server, STORY, SLOTS):
        pass
    wait_until(lambda: queue(server)["paused"] == 0)
    wait_until(lambda: server.synthesizer.catalog.engine("embedded").stats()["segments_waiting"] == 0)


@contextlib.contextmanager
def silent_peer(server: RunningServer, text: str) -> Iterator[socket.socket]:
    """A WebSocket that asks for speech and reads nothing."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    with connection(server, f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode(), receive_buffer=4096) as sock:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(1)
        assert b" 101 " in answer
        message = json.dumps({"text": text, "speed": 0.25}).encode()
        sock.sendall(b"\x81\xfe" + len(message).to_bytes(2, "big") + bytes(4) + message)
        yield sock


def test_websockets_whose_peers_read_nothing_hold_no_slots(start_server):
    server = start_server(threads=SLOTS)
    with contextlib.ExitStack() as stack:
        for _ in range(SLOTS + 1):
            stack.enter_context(silent_peer(server, STORY))
        wait_until(lambda: queue(server)["paused"] == SLOTS + 1, "the pause of all")
        assert speak(server).headers["X-Queue-Position"] == "0"
    wait_until(lambda: queue(server)["paused"] == 0)


# Clips that are waited for


@contextlib.contextmanager
def tarpit() -> Iterator[tuple[str, list[socket.socket]]]:
    """The address of a web server that accepts connections and never answers, and its connections."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/clip.wav", accepted
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for sock in accepted:
                sock.close()


OPEN_FETCHES = {"voice_url_allow_http": True, "voice_url_allow_private": True}


def test_clips_from_an_address_that_never_answers_hold_no_slots_and_too_many_are_refused_at_once(start_server):
    server = start_server(threads=SLOTS, max_queue=100, **OPEN_FETCHES)
    with ThreadPoolExecutor(40) as pool:
        with tarpit() as (url, fetched):
            asked = [pool.submit(speak, server, voice_url=url) for _ in range(40)]
            wait_until(lambda: sum(one.done() for one in asked) == 34 and len(fetched) == 2, "the refusal of all but six")
            assert queue(server)["at_work"] == 0
            for _ in range(3):
                assert speak(server).headers["X-Queue-Position"] == "0"
            refused = [one.result() for one in asked if one.done()]
            assert {reply.status_code for reply in refused} == {503}
            assert {reply.json()["error"]["code"] for reply in refused} == {"busy"}
            assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)
        assert {one.result(PATIENCE).status_code for one in asked} <= {400, 503}
    wait_until(lambda: queue(server)["paused"] == 0)


def test_one_client_cannot_take_all_fetches(start_server):
    server = start_server(api_keys=("one", "two"), **OPEN_FETCHES)

    def ask(key: str) -> Future[requests.Response]:
        fields = {"input": "Hi.", "voice_url": url}
        return pool.submit(requests.post, f"{server.url}/v1/audio/speech", json=fields, headers={"x-api-key": key}, timeout=2 * PATIENCE)

    with ThreadPoolExecutor(40) as pool, tarpit() as (url, fetched):
        many = [ask("one") for _ in range(20)]
        wait_until(lambda: len(fetched) == 2 and sum(one.done() for one in many) == 14)
        other = ask("two")
        wait_until(lambda: len(fetched) == 3, "the fetch of the other client")
        assert not other.done()


def test_at_a_limit_those_that_wait_go_on_in_their_order_and_each_client_has_half():
    limit = SharedLimit(2, 4, "clips")
    order: list[str] = []
    done = threading.Event()

    def work(client: str) -> None:
        with limit.acquired(client, Cancellation()):
            order.append(client)
            assert done.wait(PATIENCE)

    with ThreadPoolExecutor(10) as pool:
        working = [pool.submit(work, "a")]
        wait_until(lambda: order == ["a"])
        working += [pool.submit(work, "a") for _ in range(2)]
        working += [pool.submit(work, "b")]
        wait_until(lambda: order == ["a", "b"])
        done.set()
        for one in working:
            one.result(PATIENCE)
    assert sorted(order) == ["a", "a", "a", "b"]


def test_at_a_limit_nobody_waits_for_a_client_that_left():
    limit = SharedLimit(1, 4, "clips")
    left = Cancellation()
    left.cancel()
    with limit.acquired("a", Cancellation()), pytest.raises(Cancelled), limit.acquired("a", left):
        raise AssertionError("it went on")
    with limit.acquired("a", Cancellation()):
        pass


def test_a_fetch_that_fails_gives_its_place_back(start_server):
    server = start_server(threads=SLOTS, **OPEN_FETCHES)
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/clip.wav"
    for _ in range(20):
        assert speak(server, voice_url=nobody).status_code == 400


# One look at each request


def test_a_request_that_waits_is_given_to_the_application_once(start_server, monkeypatch):
    server = start_server(threads=SLOTS)
    gate = Gate(server, monkeypatch)
    calls: list[str] = []
    application = server.app.wsgi_app

    def counted(environ: Any, start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            calls.append(environ["PATH_INFO"])
        return application(environ, start_response)

    monkeypatch.setattr(server.app, "wsgi_app", counted)
    gate.close()
    with ThreadPoolExecutor(SLOTS + 1) as pool:
        asked = [pool.submit(speak, server, f"Number {number}.") for number in range(SLOTS + 1)]
        wait_until(lambda: queue(server)["waiting"] == 1)
        assert len(calls) == SLOTS
        gate.open()
        assert [one.result(PATIENCE).status_code for one in asked] == [200] * len(asked)
    assert len(calls) == len(asked)


def test_a_head_request_for_speech_is_counted_and_queued_like_the_speech(start_server):
    server = start_server(rate_limit="2/day")
    for path in ("/tts-stream?text=Hi.", "/v1/voices/alloy/preview"):
        reply = requests.head(server.url + path, timeout=PATIENCE)
        assert (reply.status_code, reply.headers["X-Queue-Position"]) == (200, "0"), path
    assert requests.head(f"{server.url}/tts-stream?text=Hi.", timeout=PATIENCE).status_code == 429
