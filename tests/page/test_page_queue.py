"""The page says where a request is in the line while it waits there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from playwright.sync_api import expect
from studio import SHORT, Studio
from support.engine_gate import Gate, queue
from support.server import RunningServer, run_server
from support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.browser

SLOTS = 4
MAX_QUEUE = 2


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningServer]:
    with run_server(threads=SLOTS, max_queue=MAX_QUEUE, synthesis_threads=1) as running:
        yield running


class Others:
    """Other clients. Nobody's text is spoken until the gate opens."""

    def __init__(self, server: RunningServer, pool: ThreadPoolExecutor, gate: Gate) -> None:
        self.gate = gate
        self._server = server
        self._pool = pool

    def ask(self, count: int) -> None:
        for _ in range(count):
            self._pool.submit(self._speak)

    def _speak(self) -> None:
        requests.post(f"{self._server.url}/v1/audio/speech", json={"input": "Somebody else."}, timeout=2 * PATIENCE)


@pytest.fixture
def others(narrow: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Others]:
    """They have every turn."""
    gate = Gate(narrow, monkeypatch)
    gate.close()
    with ThreadPoolExecutor(SLOTS + MAX_QUEUE) as pool:
        others = Others(narrow, pool, gate)
        others.ask(SLOTS)
        wait_until(lambda: queue(narrow)["at_work"] == SLOTS)
        yield others
        gate.open()


def test_the_page_tells_its_place_and_speaks_when_its_turn_has_come(narrow, others, open_studio: Callable[..., Studio]) -> None:
    others.ask(1)
    wait_until(lambda: queue(narrow)["waiting"] == 1)
    studio = open_studio(url=narrow.url).ready()
    studio.start(SHORT)
    expect(studio["#status"]).to_contain_text("In the queue: 1 before yours, about")
    studio["[data-language=zh]"].click()
    expect(studio["#status"]).to_contain_text("正在排队：前面还有 1 个请求")
    studio["[data-language=en]"].click()
    others.gate.open()
    expect(studio["#history > li"]).to_have_count(1)
    expect(studio["#status"]).not_to_contain_text("queue")


def test_the_page_tells_when_it_is_next_and_stop_leaves_the_line(narrow, others, open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(url=narrow.url).ready()
    studio.start(SHORT)
    expect(studio["#status"]).to_contain_text("yours is next")
    studio["#stop"].click()
    expect(studio["#status"]).to_have_text("Stopped.")
    wait_until(lambda: queue(narrow)["waiting"] == 0)


def test_the_page_says_so_where_the_line_is_full(narrow, others, open_studio: Callable[..., Studio]) -> None:
    others.ask(MAX_QUEUE)
    wait_until(lambda: queue(narrow)["waiting"] == MAX_QUEUE)
    studio = open_studio(url=narrow.url).ready()
    studio.watch.expect("503")
    studio.start(SHORT)
    expect(studio.problem("general")).to_contain_text(f"{MAX_QUEUE} requests wait already. Try again in about")
    expect(studio["#generate"]).to_be_visible()
