from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.server import RunningServer, run_server
from support.waiting import wait_until
from talking import Talk, dial, num_threads


@pytest.fixture(scope="session")
def seeded() -> Iterator[RunningServer]:
    """A server that says the same text with the same samples, whatever the dialect."""
    with run_server(seed=7) as running:
        yield running


@pytest.fixture
def talk(seeded) -> Iterator[Talk]:
    """A session in OpenAI's protocol that has been greeted."""
    with dial(seeded, "/v1/realtime?model=tts-1") as socket:
        session = Talk(socket)
        session.the("session.created")
        yield session


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """Every test's sockets free their threads."""
    yield
    wait_until(lambda: num_threads() == 0)
