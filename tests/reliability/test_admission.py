"""The queue in front of the engine: which requests get a slot, wait, are refused, or need no slot."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from support.clock import Clock
from support.decoded_audio import hear
from support.engine_gate import Gate, queue
from support.server import RunningServer, run_server
from support.waiting import PATIENCE, wait_until
from websockets.sync.client import connect

from tts_server import admission
from tts_server.admission import Admission, Ticket
from tts_server.cancellation import Cancellation
from tts_server.errors import Busy, Cancelled
from tts_server.server.dispatch import CHECKED_AT_ONCE, THROTTLE_SECONDS, Dispatcher

SLOTS = 4
LARGE_SLOTS = 3
MAX_QUEUE = 3
BOOK = " ".join(f"This is sentence number {n} of a book that is read out to the end." for n in range(1, 17))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=clock))
    return clock


# The queue by itself


def has_begun(ticket: Ticket) -> bool:
    return ticket.is_active and ticket.decided.done()


def test_slots_are_given_first_come_first_served():
    slots = Admission(2, 10)
    tickets = [slots.acquire(str(number)) for number in range(6)]
    assert [ticket.position for ticket in tickets] == [0, 0, 1, 2, 3, 4]
    for ended in range(4):
        assert [has_begun(ticket) for ticket in tickets[ended:]] == [True, True] + [False] * (4 - ended)
        slots.release(tickets[ended])
    assert slots.state().waiting == 0


def test_a_position_moves_up_and_is_found_by_its_name():
    slots = Admission(1, 10)
    first = slots.acquire("first")
    for name in ("second", "third"):
        slots.acquire(name)
    assert [slots.position(name) for name in ("first", "unknown")] == [None, None]
    assert [slots.position(name)[0] for name in ("second", "third")] == [1, 2]
    slots.release(first)
    assert slots.position("second") is None
    assert slots.position("third")[0] == 1


def test_no_more_than_may_wait_do_and_the_next_is_refused_at_once():
    slots = Admission(1, 2)
    begun, *_ = [slots.acquire() for _ in range(3)]
    refused = slots.acquire()
    assert refused.decided.done()
    assert isinstance(refused.refusal, Busy)
    assert not refused.is_active
    slots.release(refused)
    assert (slots.state().active, slots.state().waiting, slots.state().is_full) == (1, 2, True)
    slots.release(begun)
    assert slots.acquire().refusal is None


def test_nobody_waits_where_nobody_may():
    slots = Admission(1, 0)
    assert slots.acquire().is_active
    assert slots.acquire().refusal is not None


def test_releasing_twice_gives_one_slot_back():
    slots = Admission(1, 5)
    first, second, third = (slots.acquire() for _ in range(3))
    slots.release(first)
    slots.release(first)
    assert (has_begun(second), has_begun(third)) == (True, False)


def test_large_ones_leave_a_quarter_to_small_ones_and_lose_no_position_to_one_another():
    slots = Admission(4, 10)
    large = [slots.acquire(is_large=True) for _ in range(5)]
    assert [has_begun(ticket) for ticket in large] == [True, True, True, False, False]
    small = [slots.acquire(), slots.acquire()]
    assert [has_begun(ticket) for ticket in small] == [True, False]
    slots.release(large[0])
    assert has_begun(large[3])
    slots.release(small[0])
    assert (has_begun(small[1]), has_begun(large[4])) == (True, False)


def test_small_ones_that_keep_coming_do_not_starve_a_large_one():
    slots = Admission(1, 10)
    first, large = slots.acquire(), slots.acquire(is_large=True)
    slots.acquire()
    slots.release(first)
    assert has_begun(large)


def test_whoever_is_gone_makes_room_and_is_never_begun():
    slots = Admission(1, 1)
    begun = slots.acquire()
    left = Cancellation()
    gone = slots.acquire(cancellation=left)
    assert slots.acquire().refusal is not None
    left.cancel()
    waiting = slots.acquire()
    assert (waiting.refusal, waiting.position) == (None, 1)
    assert gone.decided.done()
    assert not gone.is_active
    slots.release(begun)
    assert has_begun(waiting)


def test_the_wait_is_estimated_from_the_rate_at_which_slots_became_free(clock: Clock):
    slots = Admission(1, 2)
    for _ in range(10):
        ticket = slots.acquire()
        clock.now += 4.0
        slots.release(ticket)
        clock.now += 500.0  # nothing to do is no slowness
    first, _, last = [slots.acquire(name) for name in ("a", "b", "c")]
    assert slots.position("c") == (2, pytest.approx(8.0))
    assert slots.acquire().refusal.retry_after == 8
    assert slots.state().seconds == pytest.approx(12.0)
    clock.now += 4.0
    slots.release(first)
    assert slots.position("c") == (1, pytest.approx(4.0))
    assert last.position == 2


def test_the_wait_grows_while_nothing_ends_and_nobody_is_told_to_stay_away_longer_than_a_minute(clock: Clock):
    slots = Admission(1, 100)
    ticket = slots.acquire()
    clock.now += 1.0
    slots.release(ticket)
    slots.acquire()
    for number in range(100):
        slots.acquire(str(number))
    seconds = slots.position("0")[1]
    clock.now += 600.0
    assert slots.position("0")[1] > 10 * seconds
    assert slots.acquire().refusal.retry_after == 60


def test_who_need_not_wait_long_is_told_one_second(clock: Clock):
    slots = Admission(1, 1)
    for _ in range(5):
        ticket = slots.acquire()
        clock.now += 0.01
        slots.release(ticket)
    slots.acquire()
    slots.acquire()
    assert slots.acquire().refusal.retry_after == 1


def test_how_long_somebody_waited_is_known(clock: Clock):
    slots = Admission(1, 1)
    first, second = slots.acquire(), slots.acquire()
    clock.now += 2.5
    slots.release(first)
    assert (first.waited, second.waited) == (0.0, 2.5)


def test_a_stop_refuses_who_waits_and_who_comes_and_lets_the_others_end():
    slots = Admission(1, 5)
    begun, waiting = slots.acquire(), slots.acquire()
    slots.close()
    assert waiting.decided.done()
    assert isinstance(waiting.refusal, Busy)
    assert isinstance(slots.acquire().refusal, Busy)
    assert begun.refusal is None
    slots.release(begun)
    assert not waiting.is_active


def test_a_thread_of_its_own_waits_for_its_slot_and_gives_it_back():
    slots = Admission(1, 0)
    first = slots.acquire()

    def wait_in_line() -> int:
        with slots.slot(Cancellation()):
            return slots.state().active

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(wait_in_line)
        wait_until(lambda: slots.state().waiting == 1)
        assert not working.done()
        slots.release(first)
        assert working.result(PATIENCE) == 1
    assert slots.state().active == 0


def test_a_thread_stops_waiting_when_its_peer_is_gone():
    slots = Admission(1, 0)
    slots.acquire()
    left = Cancellation()

    def wait_in_line() -> None:
        with slots.slot(left):
            raise AssertionError("it was let in")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_in_line)
        wait_until(lambda: slots.state().waiting == 1)
        left.cancel()
        with pytest.raises(Cancelled):
            waiting.result(PATIENCE)
    assert slots.state().waiting == 0
    with pytest.raises(Cancelled):
        wait_in_line()


def test_a_thousand_threads_never_exceed_the_slots_and_all_have_a_slot():
    slots = Admission(3, 0)
    most, done = [0], []
    lock = threading.Lock()

    def work(number: int) -> None:
        with slots.slot(Cancellation()), lock:
            most[0] = max(most[0], slots.state().active)
            done.append(number)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(1000)))
    assert sorted(done) == list(range(1000))
    assert most[0] <= 3
    assert (slots.state().active, slots.state().waiting) == (0, 0)


# The queue of a server


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningServer]:
    with run_server(threads=SLOTS, max_queue=MAX_QUEUE, synthesis_threads=1, max_text_length=20_000) as running:
        yield running


@pytest.fixture
def small(shared: RunningServer) -> Iterator[RunningServer]:
    """A server with few slots and a short queue; after each test nothing is at work."""
    yield shared
    wait_until(lambda: all(queue(shared)[name] == 0 for name in ("at_work", "paused", "waiting")))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


@pytest.fixture
def gate(small: RunningServer, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Closed until the test opens it, or ends; the pool waits for its requests after that."""
    gate = Gate(small, monkeypatch)
    gate.close()
    yield gate
    gate.open()


def speak(server: RunningServer, text: str, name: str = "", **fields: Any) -> requests.Response:
    headers = {"x-request-id": name} if name else {}
    return requests.post(
        f"{server.url}/v1/audio/speech", json={"input": text, "response_format": "wav", **fields}, headers=headers, timeout=2 * PATIENCE
    )


def fill(server: RunningServer, pool: ThreadPoolExecutor, number: int) -> list[Future[requests.Response]]:
    """So many requests, one after the other in this order."""
    asked = []
    for count in range(number):
        before = queue(server)
        total = before["at_work"] + before["waiting"]
        asked.append(pool.submit(speak, server, f"Number {count}.", f"request-{count}"))
        wait_until(lambda total=total: queue(server)["at_work"] + queue(server)["waiting"] > total)
    return asked


def test_beyond_the_bound_a_request_is_told_at_once_when_to_come_back_and_the_others_are_all_served(small, gate, pool):
    asked = fill(small, pool, SLOTS + MAX_QUEUE)
    refused = speak(small, "One too many.")
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert (error["code"], error["type"], error["param"]) == ("busy", "server_error", None)
    assert refused.headers["Retry-After"].isdigit()
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["retry-after-ms"] == refused.headers["Retry-After"] + "000"
    assert "X-Queue-Position" not in refused.headers
    assert not any(one.done() for one in asked)
    gate.open()
    replies = [one.result(PATIENCE) for one in asked]
    assert [reply.status_code for reply in replies] == [200] * len(replies)
    assert [reply.headers["X-Queue-Position"] for reply in replies] == ["0"] * SLOTS + ["1", "2", "3"]
    waits = [int(reply.headers["X-Queue-Wait"]) for reply in replies]
    assert max(waits[:SLOTS]) < min(waits[SLOTS:])
    assert all(hear(reply.content).seconds > 0.3 for reply in replies)


def test_every_dialect_says_it_in_its_own_words(small, gate, pool):
    fill(small, pool, SLOTS + MAX_QUEUE)
    for path, body in (
        ("/generate", {"prompt": "One too many.", "voice_key": "voices/x.wav"}),
        ("/v1/responses", {"input": "One too many."}),
        ("/tts", {"text": "One too many."}),
        ("/v1//audio/speech", {"input": "One too many."}),
    ):
        refused = requests.post(small.url + path, json=body, timeout=PATIENCE)
        assert refused.status_code == 503, path
        assert int(refused.headers["Retry-After"]) >= 1
        if path == "/generate":
            assert set(refused.json()) == {"detail"}
        else:
            assert refused.json()["error"]["code"] == "busy"
    assert requests.get(f"{small.url}/tts-stream", params={"text": "Hello."}, timeout=PATIENCE).status_code == 503


def test_health_the_page_and_lists_are_answered_while_every_turn_is_taken_and_the_line_is_full(small, gate, pool):
    fill(small, pool, SLOTS + MAX_QUEUE)
    told = requests.get(f"{small.url}/health", timeout=PATIENCE).json()
    assert {name: told["queue"][name] for name in ("at_work", "slots", "waiting", "max_waiting")} == {
        "at_work": SLOTS,
        "slots": SLOTS,
        "waiting": MAX_QUEUE,
        "max_waiting": MAX_QUEUE,
    }
    assert told["queue"]["estimated_seconds"] > 0
    assert told["routing"]["accepts_requests"] is False
    for path in ("/", "/static/js/index.js", "/v1/models", "/v1/voices", "/metrics", "/v1/queue/request-5", "/get_predefined_voices"):
        assert requests.get(small.url + path, timeout=PATIENCE).status_code == 200, path
    series = requests.get(f"{small.url}/metrics", timeout=PATIENCE).text
    for line in (f"parlance_queue_waiting {MAX_QUEUE}.0", f"parlance_turns {SLOTS}.0", f"parlance_queue_limit {MAX_QUEUE}.0"):
        assert line in series


def test_a_wrong_key_is_told_so_at_once_and_takes_no_place(start_server, monkeypatch, pool):
    server = start_server(threads=SLOTS, max_queue=0, api_keys=("right",))
    gate = Gate(server, monkeypatch)
    gate.close()
    address = f"{server.url}/v1/audio/speech"
    for _ in range(SLOTS):
        pool.submit(requests.post, address, json={"input": "Hello."}, headers={"x-api-key": "right"}, timeout=PATIENCE)
    wait_until(lambda: queue(server)["at_work"] == SLOTS)
    answers = [requests.post(address, json={"input": "Hello."}, headers={"x-api-key": key}, timeout=PATIENCE) for key in ("wrong", "right")]
    gate.open()
    assert [answer.status_code for answer in answers] == [401, 503]


def test_whatever_the_body_is_it_is_all_there_after_the_wait(small, gate, pool):
    gate.open()
    expected = speak(small, "The same words.", seed=5).content
    wait_until(lambda: not queue(small)["at_work"])  # the reply is whole a moment before its slot is free
    gate.close()
    fill(small, pool, SLOTS)
    fields = {"input": "The same words.", "seed": "5", "response_format": "wav"}
    ways = (
        {"data": fields},
        {"files": {name: (None, value) for name, value in fields.items()}},
        {"json": {**fields, "unknown": "x" * 700_000}},  # more than stays in memory
    )
    asked = [pool.submit(requests.post, f"{small.url}/v1/audio/speech", timeout=PATIENCE, **way) for way in ways]
    wait_until(lambda: queue(small)["waiting"] == len(ways))
    gate.open()
    for one in asked:
        assert one.result(PATIENCE).headers["X-Queue-Position"] != "0"
        assert one.result().content == expected


def test_requests_on_one_connection_wait_one_after_the_other(small, gate, pool):
    fill(small, pool, SLOTS)
    body = json.dumps({"input": "One of two.", "response_format": "pcm"}).encode()
    ask = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%%b\r\n%b" % (len(body), body)
    with socket.create_connection(("127.0.0.1", small.port), timeout=PATIENCE) as sock:
        sock.sendall(ask % b"" + ask % b"Connection: close\r\n")
        wait_until(lambda: queue(small)["waiting"] == 1)
        gate.open()
        replies = b"".join(iter(lambda: sock.recv(65536), b""))
    assert replies.count(b"HTTP/1.1 200 OK") == 2


def test_what_needs_no_turn_is_told_at_once(small, gate, pool):
    fill(small, pool, SLOTS + 1)
    address = f"{small.url}/v1/audio/speech"
    assert requests.post(f"{small.url}/nowhere", timeout=PATIENCE).status_code == 404
    assert requests.put(address, timeout=PATIENCE).status_code == 405
    assert requests.post(address, headers={"Host": "evil.example"}, timeout=PATIENCE).status_code == 403
    assert requests.post(address, headers={"Origin": "https://evil.example"}, timeout=PATIENCE).status_code == 403
    assert queue(small)["waiting"] == 1


def test_a_client_can_ask_for_its_place_while_it_waits(small, gate, pool):
    def place(name: str) -> dict[str, Any]:
        reply = requests.get(f"{small.url}/v1/queue/{name}", timeout=PATIENCE)
        assert reply.headers["Cache-Control"] == "no-store"
        return reply.json()

    asked = fill(small, pool, SLOTS + 2)
    assert place("request-0") == {"waiting": False, "position": 0, "estimated_seconds": 0}
    first, second = place(f"request-{SLOTS}"), place(f"request-{SLOTS + 1}")
    assert [(one["waiting"], one["position"]) for one in (first, second)] == [(True, 1), (True, 2)]
    assert 0 < first["estimated_seconds"] < second["estimated_seconds"]
    gate.open()
    assert all(one.result(PATIENCE).status_code == 200 for one in asked)
    assert place(f"request-{SLOTS + 1}")["waiting"] is False


def test_a_client_that_leaves_the_line_makes_room_and_is_not_spoken_for(small, gate, pool):
    asked = fill(small, pool, SLOTS)
    body = json.dumps({"input": "Words for nobody."}).encode()
    with socket.create_connection(("127.0.0.1", small.port), timeout=PATIENCE) as sock:
        sock.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        wait_until(lambda: queue(small)["waiting"] == 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: queue(small)["waiting"] == 0)
    gate.open()
    assert all(one.result(PATIENCE).status_code == 200 for one in asked)
    assert not [text for text in gate.said if "nobody" in text]


def test_books_leave_turns_to_short_requests(small, gate, pool):
    books = [pool.submit(speak, small, f"Book {number}. {BOOK}") for number in range(LARGE_SLOTS + 1)]
    wait_until(lambda: queue(small)["waiting"] == 1)
    assert queue(small)["at_work"] == LARGE_SLOTS
    short = pool.submit(speak, small, "A greeting.")
    wait_until(lambda: queue(small)["at_work"] == SLOTS)
    gate.open()
    assert short.result(PATIENCE).headers["X-Queue-Position"] == "0"
    assert [book.result(2 * PATIENCE).status_code for book in books] == [200] * len(books)


def listen(server: RunningServer, text: str, over: threading.Event) -> None:
    """Read a stream until it is `over`."""
    fields = {"input": text, "stream": True, "response_format": "pcm"}
    with requests.post(f"{server.url}/v1/audio/speech", json=fields, stream=True, timeout=PATIENCE) as reply:
        for _ in reply.iter_content(4096):
            if over.is_set():
                return


def test_a_short_request_is_heard_after_at_most_one_segment_of_the_books_that_are_being_read(small, pool, monkeypatch):
    """Books take all that the engine can do when it comes; counted in segments, whatever the machine."""
    gate, over = Gate(small, monkeypatch), threading.Event()
    engine = small.synthesizer.catalog.engine("embedded")
    try:
        for number in range(LARGE_SLOTS):
            pool.submit(listen, small, f"Book {number}. {10 * BOOK}", over)
        wait_until(lambda: len(gate.said) > 2 * LARGE_SLOTS)
        gate.close()
        wait_until(lambda: engine.stats()["segments_waiting"] >= LARGE_SLOTS)
        begun, waiting = len(gate.said), engine.stats()["segments_waiting"]
        short = pool.submit(speak, small, "A greeting.")
        wait_until(lambda: engine.stats()["segments_waiting"] > waiting)
        gate.open()
        assert short.result(PATIENCE).status_code == 200
        assert sum(queue(small)[name] for name in ("at_work", "paused")) >= LARGE_SLOTS, "the books were over, so nothing was shown"
        assert gate.said.index("A greeting.") - begun <= 1
    finally:
        over.set()
        gate.open()


def test_what_a_websocket_is_asked_to_speak_waits_in_the_same_line(small, gate, pool):
    asked = fill(small, pool, SLOTS)
    with connect(f"ws://127.0.0.1:{small.port}/v1/realtime", proxy=None, open_timeout=PATIENCE) as websocket:
        websocket.send(json.dumps({"text": "By socket."}))
        wait_until(lambda: queue(small)["waiting"] == 1)
        gate.open()
        while isinstance(message := websocket.recv(timeout=PATIENCE), bytes):
            pass
    assert json.loads(message)["response"]["status"] == "completed"
    assert all(one.result(PATIENCE).status_code == 200 for one in asked)


def test_a_websocket_that_closes_while_it_waits_leaves_the_line(small, gate, pool):
    fill(small, pool, SLOTS)
    with connect(f"ws://127.0.0.1:{small.port}/v1/realtime", proxy=None, open_timeout=PATIENCE) as websocket:
        websocket.send(json.dumps({"text": "By socket."}))
        wait_until(lambda: queue(small)["waiting"] == 1)
    wait_until(lambda: queue(small)["waiting"] == 0)


def test_requests_that_fail_give_their_turns_back(small, monkeypatch):
    monkeypatch.setattr(small.synthesizer.catalog.engine("embedded").hibari, "speak", lambda *_: 1 / 0)
    for _ in range(3 * SLOTS):
        assert speak(small, "One that breaks.").status_code == 500
        assert requests.post(f"{small.url}/v1/audio/speech", data=b"{", timeout=PATIENCE).status_code == 400
        assert requests.post(f"{small.url}/nowhere", timeout=PATIENCE).status_code == 404


class Caller:
    """A connection whose request takes as long as `hold`."""

    is_refused = False

    def __init__(self, name: str, served: list[str], hold: threading.Event, *, is_read_only: bool = False) -> None:
        self.is_read_only = is_read_only
        self.begun = threading.Event()
        self._name, self._served, self._hold = name, served, hold

    def admit(self) -> Ticket | None:
        return None

    def service(self) -> None:
        self.begun.set()
        assert self._hold.wait(PATIENCE)
        self._served.append(self._name)


def test_in_a_rush_what_only_reads_and_whoever_has_a_turn_pass_every_other_one():
    held, at_once, served = threading.Event(), threading.Event(), []
    at_once.set()
    dispatcher = Dispatcher(Admission(1, 0), reserve=0)
    try:
        first = Caller("first", served, held)
        dispatcher.add_task(first)
        assert first.begun.wait(PATIENCE)
        for number in range(5):
            dispatcher.add_task(Caller(f"text {number}", served, at_once))
        dispatcher.add_task(Caller("health", served, at_once, is_read_only=True))
        dispatcher.add_task(Caller("page", served, at_once, is_read_only=True))
        held.set()
        wait_until(lambda: dispatcher.is_idle)
    finally:
        dispatcher.shutdown()
    assert served == ["first", "health", "text 0", "page", "text 1", "text 2", "text 3", "text 4"]


def test_in_a_rush_few_requests_are_checked_at_a_time_and_what_only_reads_is_answered_meanwhile():
    class Checked(Caller):
        num_now, most = 0, 0
        lock = threading.Lock()

        def admit(self) -> Ticket | None:
            with self.lock:
                Checked.num_now += 1
                Checked.most = max(Checked.most, Checked.num_now)
            assert checking.wait(PATIENCE)
            with self.lock:
                Checked.num_now -= 1
            return None

    class Refused(Checked):
        is_refused = True

    checking, at_once, served = threading.Event(), threading.Event(), []
    at_once.set()
    dispatcher = Dispatcher(Admission(32, 0))
    try:
        for number in range(40):
            dispatcher.add_task((Refused if number % 2 else Checked)(f"text {number}", served, at_once))
        wait_until(lambda: Checked.num_now == CHECKED_AT_ONCE)
        dispatcher.add_task(Caller("health", served, at_once, is_read_only=True))
        wait_until(lambda: served == ["health"])
        checking.set()
        wait_until(lambda: dispatcher.is_idle)
    finally:
        checking.set()
        dispatcher.shutdown()
    assert Checked.most == CHECKED_AT_ONCE
    assert len(served) == 41


def test_while_the_loop_is_behind_only_what_is_quick_is_answered_and_only_for_a_moment():
    at_once, served = threading.Event(), []
    at_once.set()
    dispatcher = Dispatcher(Admission(1, 0))
    try:
        for now in (0.0, THROTTLE_SECONDS / 2):
            dispatcher.throttle_checks(is_behind=True, now=now)
        dispatcher.add_task(Caller("text", served, at_once))
        dispatcher.add_task(Caller("health", served, at_once, is_read_only=True))
        wait_until(lambda: served == ["health"])
        dispatcher.throttle_checks(is_behind=True, now=THROTTLE_SECONDS * 1.1)
        wait_until(lambda: served == ["health", "text"])
        dispatcher.throttle_checks(is_behind=True, now=THROTTLE_SECONDS * 1.9)
        dispatcher.add_task(Caller("text 2", served, at_once))
        wait_until(lambda: served == ["health", "text", "text 2"])
        dispatcher.throttle_checks(is_behind=True, now=THROTTLE_SECONDS * 2.1)
        dispatcher.add_task(Caller("text 3", served, at_once))
        dispatcher.throttle_checks(is_behind=False, now=THROTTLE_SECONDS * 2.2)
        wait_until(lambda: served[-1] == "text 3")
    finally:
        dispatcher.shutdown()


def test_a_request_that_breaks_in_the_server_itself_costs_no_thread():
    class Broken(Caller):
        def service(self) -> None:
            super().service()
            raise RuntimeError("as a test")

    at_once, served = threading.Event(), []
    at_once.set()
    dispatcher = Dispatcher(Admission(1, 0), reserve=0)
    try:
        for _ in range(5):
            dispatcher.add_task(Broken("broken", served, at_once))
        wait_until(lambda: len(served) == 5 and dispatcher.is_idle)
    finally:
        dispatcher.shutdown()
