"""The order in which waiting requests get a slot: `QUEUE_POLICY`, admin keys, and the bound on being overtaken."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from support.engine_gate import queue
from support.server import RunningServer, run_server
from support.waiting import PATIENCE, wait_until
from websockets.sync.client import connect

from tts_server.admission import MAX_OVERTAKEN, Admission, QueuePolicy, Ticket
from tts_server.cancellation import Cancellation
from tts_server.engines.embedded.hibari_voice import HibariVoice
from tts_server.keys import KeyFile, Role

SLOTS = 4
LONG = "Long is this text, " + ", ".join(["and on"] * 40) + "."
MIDDLE = "Middle is this text, " + ", ".join(["and on"] * 5) + "."
SHORT = "Short."
POLICIES = [QueuePolicy.FIFO, QueuePolicy.SHORT_FIRST]


@dataclass
class BusyServer:
    """A server with one slot to give: the others are held until the end. `begun` lists the first words of texts that got it, in order."""

    server: RunningServer
    pool: ThreadPoolExecutor
    keys: dict[Role, str]
    is_free: threading.Event
    begun: list[str] = field(default_factory=list)

    def submit(self, text: str, role: Role = Role.SPEECH, name: str = "") -> Future[requests.Response]:
        """Send a request with a key of this role, and return once it waits."""
        waiting = queue(self.server)["waiting"]
        sent = self.pool.submit(self.post, text, role, name)
        wait_until(lambda: queue(self.server)["waiting"] == waiting + 1)
        return sent

    def post(self, text: str, role: Role = Role.SPEECH, name: str = "") -> requests.Response:
        headers = {"x-api-key": self.keys[role], **({"x-request-id": name} if name else {})}
        body = {"input": text, "response_format": "pcm"}
        return requests.post(f"{self.server.url}/v1/audio/speech", json=body, headers=headers, timeout=2 * PATIENCE)

    def place(self, name: str) -> tuple[int, float]:
        """The position of a request in the queue, and the estimated seconds until it begins."""
        headers = {"x-api-key": self.keys[Role.SPEECH]}
        found = requests.get(f"{self.server.url}/v1/queue/{name}", headers=headers, timeout=PATIENCE).json()
        return found["position"], found["estimated_seconds"]

    def run(self, sent: list[Future[requests.Response]]) -> list[str]:
        """Let the queue run, one request after the other; return the first words of the texts in the order in which they began."""
        self.is_free.set()
        assert [one.result(2 * PATIENCE).status_code for one in sent] == [200] * len(sent)
        return self.begun


@contextmanager
def busy_server(folder: Path, monkeypatch: pytest.MonkeyPatch, policy: QueuePolicy, max_queue: int = 64) -> Iterator[BusyServer]:
    """All slots are taken; that of the last request is free once the event is set, so one request runs at a time after it."""
    is_free, is_over, speak = threading.Event(), threading.Event(), HibariVoice.speak
    begun: list[str] = []

    def speak_when_free(self: HibariVoice, text: str, *arguments: Any) -> Any:
        if text.startswith("Hold"):
            assert (is_free if text == "Hold the last slot." else is_over).wait(2 * PATIENCE)
        elif (word := text.rstrip(".").split(" ")[0]) in ("Long", "Middle", "Short"):  # else it is not the first segment of its text
            begun.append(word)
        return speak(self, text, *arguments)

    monkeypatch.setattr(HibariVoice, "speak", speak_when_free)
    file = KeyFile(folder / "keys.json")
    keys = {role: file.add(role.value, [role]) for role in (Role.SPEECH, Role.ADMIN)}
    settings = {"threads": SLOTS, "synthesis_threads": SLOTS, "max_queue": max_queue, "queue_policy": policy.value}
    with run_server(api_keys_file=file.path, **settings) as server, ThreadPoolExecutor(max_queue + SLOTS) as pool:
        busy = BusyServer(server, pool, keys, is_free, begun)
        try:
            held = [pool.submit(busy.post, f"Hold slot {number}.") for number in range(SLOTS - 1)]
            held.append(pool.submit(busy.post, "Hold the last slot."))
            wait_until(lambda: queue(server)["at_work"] == SLOTS)
            yield busy
        finally:
            is_free.set()
            is_over.set()
        assert [one.result(PATIENCE).status_code for one in held] == [200] * SLOTS


@pytest.fixture
def start_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a server whose slots are all taken, with a queue policy and `max_queue`."""
    return lambda policy, **options: busy_server(tmp_path, monkeypatch, policy, **options)


def test_by_default_requests_begin_in_the_order_of_their_arrival(start_busy):
    with start_busy(QueuePolicy.FIFO) as busy:
        sent = [busy.submit(text) for text in (LONG, MIDDLE, SHORT)]
        assert busy.run(sent) == ["Long", "Middle", "Short"]
    assert [one.result().headers["X-Queue-Position"] for one in sent] == ["1", "2", "3"]


def test_with_short_first_shorter_requests_begin_first_and_the_positions_say_so(start_busy):
    with start_busy(QueuePolicy.SHORT_FIRST) as busy:
        sent = [busy.submit(text, name=name) for text, name in ((LONG, "long"), (SHORT, "short"), (MIDDLE, "middle"))]
        places = [busy.place(name) for name in ("short", "middle", "long")]
        assert [position for position, _ in places] == [1, 2, 3]
        assert 0 < places[0][1] < places[1][1] < places[2][1]
        assert busy.run(sent) == ["Short", "Middle", "Long"]
    assert [one.result().headers["X-Queue-Position"] for one in sent] == ["1", "1", "2"]


@pytest.mark.parametrize("policy", POLICIES)
def test_requests_with_an_admin_key_begin_before_others_and_the_positions_say_so(start_busy, policy):
    with start_busy(policy) as busy:
        sent = [busy.submit(SHORT, name="speech"), busy.submit(MIDDLE, Role.ADMIN, "admin"), busy.submit(LONG, Role.ADMIN, "second admin")]
        assert [busy.place(name)[0] for name in ("admin", "speech")] == [1, 3]
        assert busy.run(sent) == ["Middle", "Long", "Short"]


def test_a_long_text_is_overtaken_a_bounded_number_of_times(start_busy):
    with start_busy(QueuePolicy.SHORT_FIRST) as busy:
        sent = [busy.submit(text) for text in (LONG, *[SHORT] * (MAX_OVERTAKEN + 4))]
        assert busy.run(sent) == ["Short"] * MAX_OVERTAKEN + ["Long"] + ["Short"] * 4


@pytest.mark.parametrize("role", [Role.SPEECH, Role.ADMIN])
def test_a_full_queue_refuses_also_what_would_go_first_and_says_when_to_come_back(start_busy, role):
    with start_busy(QueuePolicy.SHORT_FIRST, max_queue=2) as busy:
        sent = [busy.submit(text) for text in (LONG, MIDDLE)]
        refused = busy.post(SHORT, role)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert busy.run(sent) == ["Middle", "Long"]


@pytest.mark.parametrize(("role", "expected"), [(Role.SPEECH, ["Short", "Middle", "Long"]), (Role.ADMIN, ["Middle", "Short", "Long"])])
def test_the_texts_of_a_websocket_follow_the_same_policy(start_busy, role, expected):
    with start_busy(QueuePolicy.SHORT_FIRST) as busy:
        address = f"ws://127.0.0.1:{busy.server.port}/v1/realtime"
        headers = {"x-api-key": busy.keys[role]}
        with connect(address, proxy=None, open_timeout=PATIENCE, additional_headers=headers) as websocket:
            sent = [busy.submit(LONG)]
            websocket.send(json.dumps({"text": MIDDLE}))
            wait_until(lambda: queue(busy.server)["waiting"] == 2)
            sent.append(busy.submit(SHORT))
            order = busy.run(sent)
            while isinstance(message := websocket.recv(timeout=PATIENCE), bytes):
                pass
        assert json.loads(message)["response"]["status"] == "completed"
        assert order == expected


# The queue by itself


def order_of(slots: Admission, holder: Ticket, tickets: list[Ticket]) -> list[Ticket]:
    """Release one ticket after the other; return the tickets in the order in which they began."""
    order: list[Ticket] = []
    while len(order) < len(tickets):
        slots.release(holder)
        (holder,) = [ticket for ticket in tickets if ticket.is_active]
        order.append(holder)
    return order


def test_work_that_goes_on_after_a_pause_is_before_every_ticket_that_has_not_begun():
    slots = Admission(1, 10, QueuePolicy.SHORT_FIRST)
    paused = slots.acquire(size=1000)
    slots.pause(paused)
    active, waiting = slots.acquire(size=1000), slots.acquire(size=1, is_admin=True)
    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(slots.reacquire, paused)
        wait_until(lambda: slots.position("") is not None and not paused.is_paused)
        slots.release(active)
        going_on.result(PATIENCE)
    assert paused.is_active
    assert not waiting.is_active


def test_a_large_ticket_is_not_overtaken_while_its_slots_are_taken():
    slots = Admission(2, 1000, QueuePolicy.SHORT_FIRST)
    first_large = slots.acquire(is_large=True, size=5000)
    small = slots.acquire(size=10)
    large = slots.acquire(is_large=True, size=5000)
    for _ in range(3 * MAX_OVERTAKEN):
        following = slots.acquire(size=10)
        slots.release(small)
        assert following.is_active
        small = following
    assert large.overtaken == 0
    slots.release(first_large)
    assert large.is_active


@given(
    policy=st.sampled_from(POLICIES),
    arrivals=st.lists(st.tuples(st.integers(0, 3000), st.booleans()), min_size=1, max_size=80),
    later=st.lists(st.integers(0, 79), max_size=40),
)
def test_every_ticket_begins_and_none_is_overtaken_more_often_than_the_bound(policy, arrivals, later):
    """Some tickets arrive before the first is released, others each time that one is."""
    slots = Admission(1, 1000, policy)
    holder = slots.acquire()
    num_early = max(0, len(arrivals) - len(later))
    tickets = [slots.acquire(size=size, is_admin=is_admin) for size, is_admin in arrivals[:num_early]]
    rest = list(arrivals[num_early:])
    order: list[Ticket] = []
    while rest or len(order) < len(tickets):
        if rest:
            size, is_admin = rest.pop(0)
            tickets.append(slots.acquire(size=size, is_admin=is_admin))
        slots.release(holder)
        (holder,) = [ticket for ticket in tickets if ticket.is_active]
        order.append(holder)
    assert sorted(map(tickets.index, order)) == list(range(len(tickets)))
    for ticket in tickets:
        passed = [one for one in order[: order.index(ticket)] if tickets.index(one) > tickets.index(ticket)]
        assert len(passed) == ticket.overtaken <= MAX_OVERTAKEN


def test_among_equals_the_first_to_arrive_begins_first():
    slots = Admission(1, 100, QueuePolicy.SHORT_FIRST)
    holder = slots.acquire()
    tickets = [slots.acquire(size=100, is_admin=bool(number % 2)) for number in range(6)]
    assert order_of(slots, holder, tickets) == tickets[1::2] + tickets[::2]


def test_a_cancelled_ticket_is_not_counted_as_one_that_overtook():
    slots = Admission(1, 100, QueuePolicy.SHORT_FIRST)
    holder, long = slots.acquire(), slots.acquire(size=1000)
    for _ in range(2 * MAX_OVERTAKEN):
        left = Cancellation()
        slots.acquire(size=1, cancellation=left)
        left.cancel()
    slots.release(holder)
    assert long.is_active
    assert long.overtaken == 0
