"""A server that is told to stop: what runs may end, what cannot is cut visibly or told so, and the process ends with 0."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from support.engine_gate import held_texts
from support.server import run_server
from support.waiting import wait_until
from wire import LONG, connection, metrics, next_reply, only_reply, post, replies

PROJECT = Path(__file__).resolve().parents[2]
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals between processes")


class Stopping:
    """A server in this process that can be told to stop while requests run; `is_over` is set once it has."""

    def __init__(self, server, close) -> None:
        self.server = server
        self.is_over = threading.Event()
        self._close = close
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        """Stop, and wait until no connection is accepted any more."""
        self._thread.start()
        wait_until(lambda: not accepts(self.server.port))

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join(60)
        self._close()

    def _run(self) -> None:
        self._close()
        self.is_over.set()


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


@contextlib.contextmanager
def stoppable(**settings) -> Iterator[Stopping]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(run_server(**{"synthesis_threads": 1, "max_text_length": 200_000, **settings}))
        stopping = Stopping(server, stack.close)
        try:
            yield stopping
        finally:
            stopping.join()


@pytest.fixture
def gate(monkeypatch):
    """Texts that say "held" are not spoken before the event is set."""
    with held_texts(monkeypatch, "held", 30) as let_go:
        yield let_go


def asked(server, sock) -> None:
    """Wait until the request on this connection is being worked on."""
    wait_until(lambda: metrics(server)["in_flight"] >= 1)


def test_what_is_being_answered_ends_and_nothing_new_is_begun(gate):
    speech = {"input": "This is held back.", "response_format": "wav"}
    with stoppable(stop_seconds=30) as stopping:
        server = stopping.server
        with (
            connection(server, post(speech)) as whole,
            connection(server, post(speech | {"stream": True})) as streamed,
            connection(server, GET) as kept,
        ):
            assert next_reply(kept).status == 200
            wait_until(lambda: metrics(server)["in_flight"] == 2)
            kept.sendall(GET[:-2])
            stopping.begin()
            kept.sendall(GET[-2:])
            refused = only_reply(kept)
            assert (refused.status, refused.error["code"], refused.headers["connection"]) == (503, "stopping", "close")
            assert int(refused.headers["retry-after"]) > 0
            assert not stopping.is_over.is_set()
            gate.set()
            for sock in (whole, streamed):
                reply = only_reply(sock)
                assert (reply.status, reply.is_whole, reply.body[:4], reply.headers["connection"]) == (200, True, b"RIFF", "close")
        assert stopping.is_over.wait(20)


def test_who_waits_for_a_turn_is_told_to_come_back(gate):
    with stoppable(stop_seconds=30, threads=4) as stopping:
        server = stopping.server
        with contextlib.ExitStack() as stack:
            speech = post({"input": "This is held back.", "response_format": "wav"})
            socks = [stack.enter_context(connection(server, speech)) for _ in range(6)]
            wait_until(lambda: requests.get(f"{server.url}/health", timeout=10).json()["queue"]["waiting"] == 2)
            stopping.begin()
            gate_opener = threading.Timer(0.5, gate.set)
            gate_opener.start()
            assert sorted(only_reply(sock).status for sock in socks) == [200] * 4 + [503] * 2
            gate_opener.join()


def test_a_stream_that_outlasts_the_time_is_cut_visibly():
    speech = {"input": LONG, "response_format": "pcm", "stream": True}
    with (
        stoppable(stop_seconds=0.3) as stopping,
        connection(stopping.server, post(speech)) as modern,
        connection(stopping.server, post(speech, version="1.0")) as old,
    ):
        for sock in (modern, old):
            assert sock.recv(1000, socket.MSG_PEEK)
        stopping.begin()
        assert not only_reply(modern).is_whole
        with pytest.raises(ConnectionResetError):
            replies(old)
        assert stopping.is_over.wait(30)


def test_a_whole_reply_that_outlasts_the_time_becomes_a_503():
    with stoppable(stop_seconds=0.3) as stopping:
        with connection(stopping.server, post({"input": LONG, "response_format": "wav"})) as sock:
            asked(stopping.server, sock)
            stopping.begin()
            reply = only_reply(sock)
            assert (reply.status, reply.error["code"]) == (503, "stopping")
            assert "retry-after" in reply.headers
        assert stopping.is_over.wait(30)


def test_clients_that_do_nothing_do_not_keep_a_server_from_stopping():
    speech = post({"input": LONG, "response_format": "pcm", "stream": True})
    with stoppable(stop_seconds=0.5) as stopping:
        server = stopping.server
        with (
            connection(server) as mute,
            connection(server, GET[:20]),
            connection(server, b"POST /tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"),
            connection(server, speech, receive_buffer=4096) as stalled,
        ):
            assert stalled.recv(100)
            stopping.begin()
            assert replies(mute) == []
            assert stopping.is_over.wait(30)


def test_an_idle_server_stops_without_waiting_though_connections_are_open():
    with stoppable(stop_seconds=60) as stopping, requests.Session() as session:
        assert session.get(f"{stopping.server.url}/health", timeout=10).status_code == 200
        stopping.begin()
        assert stopping.is_over.wait(20)


def test_a_stuck_engine_does_not_keep_a_server_from_stopping(gate, monkeypatch):
    monkeypatch.setattr("tts_server.engines.embedded.engine.CLOSE_SECONDS", 0.5)
    with stoppable(stop_seconds=0.3) as stopping:
        with connection(stopping.server, post({"input": "This is held back.", "response_format": "wav"})) as sock:
            asked(stopping.server, sock)
            stopping.begin()
            assert only_reply(sock).status == 503
        assert stopping.is_over.wait(30)


def test_half_a_request_is_refused_while_the_server_stops(gate):
    with stoppable(stop_seconds=30) as stopping:
        server = stopping.server
        upload = b"POST /tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        with (
            connection(server, post({"input": "This is held back.", "response_format": "wav"})) as held,
            connection(server, GET[:20]) as asking,
            connection(server, upload) as sending,
        ):
            asked(server, held)
            stopping.begin()
            for sock in (asking, sending):
                assert (only_reply(sock).status) == 503
            gate.set()
            assert only_reply(held).status == 200
        assert stopping.is_over.wait(30)


# The process


@contextlib.contextmanager
def processes(folder: Path, *before: Callable[[], object], **settings: str) -> Iterator[list[tuple[str, subprocess.Popen[str]]]]:
    """Servers, started at the same time, each after one of `before` has been called."""
    children = []
    try:
        for prepare in before:
            prepare()
            child = subprocess.Popen(
                [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false", "CONFIG_FILE": "none", **settings},
            )
            children.append(child)
        yield [(address(child), child) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def address(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    found = re.search(r"http://[\w.]+:\d+", child.stdout.readline())
    assert found
    return found[0]


@posix
def test_a_signal_ends_the_process_with_0_and_a_terminal_that_goes_away_does_so_unless_nohup_started_it(tmp_path):
    before = signal.getsignal(signal.SIGHUP)
    default, ignored = (partial(signal.signal, signal.SIGHUP, handler) for handler in (signal.SIG_DFL, signal.SIG_IGN))
    try:
        with processes(tmp_path, default, ignored) as ((_, hung_up), (url, kept)):
            for child in (hung_up, kept):
                child.send_signal(signal.SIGHUP)
            assert requests.get(f"{url}/health", timeout=20).status_code == 200
            kept.send_signal(signal.SIGINT)
            for child in (hung_up, kept):
                _, errors = child.communicate(timeout=60)
                assert (child.returncode, "stopping" in errors, "Traceback" in errors) == (0, True, False)
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
def test_a_second_ctrl_c_ends_the_process_at_once(tmp_path):
    speech = {"input": LONG, "response_format": "pcm", "stream": True}
    with (
        processes(tmp_path, lambda: None, STOP_SECONDS="600", MAX_TEXT_LENGTH="200000") as ((url, running),),
        requests.post(f"{url}/v1/audio/speech", json=speech, stream=True, timeout=60) as reply,
    ):
        assert next(reply.iter_content(100))
        running.send_signal(signal.SIGINT)
        wait_until(lambda: not accepts(int(url.rpartition(":")[2])))
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 128 + signal.SIGINT
