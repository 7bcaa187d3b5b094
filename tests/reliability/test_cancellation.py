"""A cancellation reaches everybody who does a part of the work, however it is timed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled


def test_each_registered_callback_is_called_once():
    cancellation = Cancellation()
    called: list[str] = []
    with cancellation.calling(lambda: called.append("outer")), cancellation.calling(lambda: called.append("inner")):
        cancellation.check()
        cancellation.cancel()
        cancellation.cancel()
        assert sorted(called) == ["inner", "outer"]
    assert sorted(called) == ["inner", "outer"]
    with pytest.raises(Cancelled):
        cancellation.check()


def test_a_callback_is_not_called_after_its_context():
    cancellation = Cancellation()
    called: list[str] = []
    with cancellation.calling(lambda: called.append("over")):
        pass
    cancellation.cancel()
    assert not called


def test_what_begins_after_the_cancellation_is_called_at_once():
    cancellation = Cancellation()
    cancellation.cancel()
    called: list[str] = []
    with cancellation.calling(lambda: called.append("late")):
        assert called == ["late"]
    assert called == ["late"]


def test_one_cancellation_passes_on_to_another():
    client, work = Cancellation(), Cancellation()
    with client.calling(work.cancel):
        client.cancel()
    assert work.is_cancelled


def test_whoever_waits_is_woken_whatever_the_moment_of_the_cancellation():
    for _ in range(200):
        cancellation = Cancellation()
        start = threading.Barrier(2)

        def wait(cancellation: Cancellation = cancellation, start: threading.Barrier = start) -> bool:
            woken = threading.Event()
            start.wait()
            with cancellation.calling(woken.set):
                return woken.wait(20)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait)
            start.wait()
            cancellation.cancel()
            assert waiting.result(20)
