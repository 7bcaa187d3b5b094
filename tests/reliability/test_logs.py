"""The log: one line for each event, the request it belongs to, and no word of what was spoken."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from support.server import run_server
from support.waiting import wait_until
from websockets.sync.client import connect

from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.keys import KeyFile, Role
from tts_server.log import JsonLines, TextLines, add_request, printable, redact, request_context, request_id, set_up_log

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "The heron whispered to Wilhelmina about the buried violin."
KEY = "sesame-open-4711"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+( \[[\w.:-]+\])?: .+")


@contextlib.contextmanager
def logging_server(folder: Path, **settings: str) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A server as its users start it: its address, and a function that stops it and gives the lines of its log."""
    log = folder / "log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(PROJECT),
                "PYTHONIOENCODING": "utf-8",
                "OPEN_BROWSER": "false",
                "CONFIG_FILE": "none",
                "API_KEYS_FILE": "none",
                **settings,
            },
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\w.]+:\d+", process.stdout.readline())
            assert found

            def stopped() -> list[str]:
                process.terminate()
                process.wait(60)
                return log.read_text(encoding="utf-8").splitlines()

            yield found[0], stopped
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@contextlib.contextmanager
def recorded(formatter: logging.Formatter) -> Iterator[Callable[[], list[str]]]:
    """What this process logs meanwhile, as the formatter writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(add_request)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def speak_in_every_dialect(url: str) -> list[requests.Response]:
    """The same text on every way into the server, some of them wrong."""
    headers = {"x-api-key": KEY}
    post = [
        ("/v1/audio/speech", {"input": SECRET}),
        ("/v1/audio/speech", {"input": SECRET, "stream": True}),
        ("/v1/audio/speech", {"input": SECRET, "stream_format": "sse"}),
        ("/v1/audio/speech", {"input": SECRET, "speed": SECRET}),
        ("/v1/audio/speech", {"input": SECRET * 200}),
        ("/v1/audio/speech", {"input": SECRET + " 漢字漢字漢字"}),
        ("/v1/audio/speech/stream", {"input": SECRET}),
        ("/v1/responses", {"input": SECRET}),
        ("/v1/responses", {"input": {"text": SECRET}}),
        ("/generate", {"prompt": SECRET, "voice_key": "nowhere.wav"}),
        ("/tts", {"text": SECRET}),
        ("/tts", {"text": SECRET, "temperature": SECRET}),
        ("/v2/audio/speech_with_prompt", {"input": SECRET}),
    ]
    replies = [requests.post(url + path, json=body, headers=headers, timeout=120) for path, body in post]
    replies.append(requests.get(url + "/tts-stream", params={"text": SECRET}, headers=headers, timeout=120))
    replies.append(requests.get(url + "/v1/models", params={"api_key": KEY}, timeout=120))
    with connect(url.replace("http", "ws") + "/v1/realtime", additional_headers=headers) as websocket:
        websocket.send(json.dumps({"input": SECRET, "voice": "alloy"}))
        while isinstance(websocket.recv(timeout=60), bytes):
            pass
    return replies


@pytest.fixture(scope="module", params=["text", "json"])
def talk(request, tmp_path_factory) -> tuple[str, list[str], list[requests.Response]]:
    """Format, lines and replies of a server that was asked in every dialect, at its most talkative."""
    folder = tmp_path_factory.mktemp("log")
    settings = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": request.param, "API_KEYS": KEY, "CACHE_TTL_MINUTES": "5", "CACHE_PATH": "cache"}
    with logging_server(folder, **settings) as (url, stopped):
        replies = speak_in_every_dialect(url)
        requests.get(url + "/v1/voices/a%0a2026-11-21%20INFO%20forged%1b%5b2J%e2%80%ae%ff", headers={"x-api-key": KEY}, timeout=60)
        requests.get(url + "/health", headers={"x-request-id": "bad id\tINFO forged"}, timeout=60)
        return request.param, stopped(), replies


def test_every_event_is_one_line_that_can_be_read_by_its_format(talk):
    format_, lines, _ = talk
    assert len(lines) > 15
    for line in lines:
        if format_ == "json":
            assert {"time", "level", "logger", "message"} <= json.loads(line).keys()
        else:
            assert LINE.fullmatch(line), line
            assert line.isprintable()


def test_an_answered_health_check_is_no_event_worth_telling(tmp_path):
    """The page and monitors ask every few seconds."""
    with logging_server(tmp_path, LOG_LEVEL="INFO") as (url, stopped):
        for path in ("/health", "/healthz", "/v1/models", "/nothing"):
            requests.get(url + path, timeout=60)
        lines = stopped()
    told = [line for line in lines if "web.access" in line]
    assert [path for path in ("/health", "/healthz", "/v1/models", "/nothing") if any(f" {path} " in line for line in told)] == [
        "/v1/models",
        "/nothing",
    ]


def test_no_word_of_a_text_is_logged_in_any_dialect(talk):
    _, lines, _ = talk
    words = [word for word in re.findall(r"\w+", SECRET) if len(word) > 5]
    assert [line for line in lines if any(word in line for word in words)] == []


def test_no_key_is_logged(talk):
    _, lines, _ = talk
    assert [line for line in lines if KEY in line] == []


def test_every_request_has_one_line_with_its_id_status_time_size_and_caller(talk):
    format_, lines, replies = talk
    for reply in replies:
        own = [line for line in lines if reply.headers["x-request-id"] in line and "tts_server.web.access" in line]
        assert len(own) == 1, reply.request.url
        method, path = reply.request.method, reply.request.path_url.partition("?")[0]
        caller = "127.0.0.1" if "api_key=" in str(reply.request.url) else "API_KEYS:1"
        if format_ == "json":
            told = json.loads(own[0])
            assert (told["method"], told["path"], told["status"], told["caller"]) == (method, path, reply.status_code, caller)
            assert told["request_id"] == reply.headers["x-request-id"]
            assert told["bytes"] == len(reply.content)
            assert isinstance(told["ms"], int)
        else:
            words = rf"{method} {path} {reply.status_code} \d+ ms {len(reply.content)} bytes {caller}"
            assert re.search(rf"INFO tts_server\.web\.access \[{reply.headers['x-request-id']}\]: {words}$", own[0]), own[0]


def test_a_request_cannot_forge_a_line(talk):
    format_, lines, _ = talk
    forged = [line for line in lines if "forged" in line]
    assert len(forged) == 1  # the path; an id that is none is not taken
    assert "/v1/voices/a\\n2026-11-21" in forged[0]
    if format_ == "text":
        assert "\\x1b[2J\\u202e" in forged[0]


def test_an_open_listing_and_the_key_are_told_apart(talk):
    _, lines, replies = talk
    assert replies[-1].status_code == 401  # a key in the query is none, and is not logged


def test_the_text_is_logged_where_it_was_asked_for(tmp_path):
    with logging_server(tmp_path, LOG_TEXT="true") as (url, stopped):
        id_ = requests.post(url + "/v1/audio/speech", json={"input": SECRET}, timeout=60).headers["x-request-id"]
        lines = stopped()
    own = [line for line in lines if SECRET in line]
    assert len(own) == 1
    assert f"[{id_}]" in own[0]


# Failures


@pytest.mark.parametrize("format_", ["text", "json"])
def test_an_engine_that_fails_is_logged_in_one_line_with_the_request_and_without_its_text(server, monkeypatch, format_):
    def fail(self, utterance):
        try:
            raise ValueError(f"cannot say {utterance.text!r}\nhere")
        except ValueError as cause:
            raise RuntimeError(f"gave up on {utterance.text[:20]}") from cause

    monkeypatch.setattr(EmbeddedEngine, "submit", fail)
    formatter = TextLines(with_text=False) if format_ == "text" else JsonLines(with_text=False)
    with recorded(formatter) as lines:
        reply = requests.post(server.url + "/v1/audio/speech", json={"input": SECRET}, headers={"x-request-id": "of-mine"}, timeout=60)
        assert (reply.status_code, reply.headers["x-request-id"]) == (500, "of-mine")
        # The line of the access log is the last one of the request; it may come after the reply.
        wait_until(lambda: any("/v1/audio/speech 500" in line for line in lines()))
    errors = [line for line in lines() if "ERROR" in line]
    assert len(errors) == 1
    assert "RuntimeError: gave up on …" in errors[0] or "RuntimeError: gave up on \\u2026" in errors[0]
    assert "ValueError: cannot say" in errors[0]
    assert "test_logs.py" in errors[0]  # where it happened
    assert "of-mine" in errors[0]
    assert "heron" not in errors[0]
    assert "Traceback" not in errors[0]


def test_what_a_websocket_logs_bears_the_id_of_its_handshake(server, monkeypatch):
    def fail(self, utterance):
        raise RuntimeError("no voice today")

    monkeypatch.setattr(EmbeddedEngine, "submit", fail)
    with recorded(TextLines(with_text=False)) as lines:
        url = server.url.replace("http", "ws") + "/v1/realtime"
        with connect(url, additional_headers={"x-request-id": "socket-7"}) as websocket:
            websocket.send(json.dumps({"input": SECRET, "voice": "alloy"}))
            websocket.recv(timeout=60)
        wait_until(lambda: any("no voice today" in line for line in lines()))
    failed = [line for line in lines() if "no voice today" in line]
    assert all("[socket-7]" in line for line in failed)


@pytest.mark.parametrize("code", [1000, None], ids=["closed", "gone"])
def test_the_end_of_a_websocket_is_a_line_with_its_id_its_length_and_its_code(server, code):
    id_ = f"socket-{code}"

    def ends() -> list[dict]:
        return [line for line in map(json.loads, lines()) if line.get("request_id") == id_ and "close_code" in line]

    with recorded(JsonLines(with_text=False)) as lines:
        url = server.url.replace("http", "ws") + "/v1/realtime"
        with connect(url, additional_headers={"x-request-id": id_}) as websocket:
            websocket.send(json.dumps({"input": SECRET, "voice": "alloy"}))
            heard = 0
            while isinstance(data := websocket.recv(timeout=60), bytes):
                heard += len(data)
            if code is None:
                websocket.socket.shutdown(socket.SHUT_RDWR)
        wait_until(ends)
    (over,) = ends()
    assert over["close_code"] == code
    assert heard < over["bytes"] < heard + 4000


def test_a_stream_that_its_client_leaves_says_so(server):
    with recorded(JsonLines(with_text=False)) as lines:
        body = {"input": SECRET * 60, "response_format": "wav", "stream": True}
        with requests.post(server.url + "/v1/audio/speech", json=body, headers={"x-request-id": "left"}, stream=True, timeout=60) as reply:
            next(reply.iter_content(1000))
        wait_until(lambda: any('"request_id": "left"' in line and "cut_short" in line for line in lines()))


def test_a_request_that_waited_for_its_turn_has_one_line_that_counts_its_waiting():
    with recorded(JsonLines(with_text=False)) as lines, run_server(threads=4, max_queue=20) as server:
        body = {"input": SECRET, "response_format": "pcm"}
        waited: dict[str, int] = {}

        def ask(id_: str) -> None:
            reply = requests.post(server.url + "/v1/audio/speech", json=body, headers={"x-request-id": id_}, timeout=120)
            waited[id_] = int(reply.headers["X-Queue-Wait"])

        threads = [threading.Thread(target=ask, args=(f"queued-{number}",)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: sum("tts_server.web.access" in line for line in lines()) == len(threads))
        told = [json.loads(line) for line in lines() if "tts_server.web.access" in line]
    assert sorted(one["request_id"] for one in told) == sorted(waited)
    assert max(waited.values()) > 0
    assert [one for one in told if one["status"] != 200 or one["ms"] < waited[one["request_id"]]] == []


def test_what_is_refused_before_it_is_a_request_has_a_line_too(server):
    with recorded(TextLines(with_text=False)) as lines:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(
                b"GET /v1/models?text=heron HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
            )
            reply = connection.makefile("rb").read().decode()
        wait_until(lambda: any("web.access" in line for line in lines()))
    assert re.match(r"HTTP/1\.\d 400 ", reply)
    id_ = re.search(r"x-request-id: (\w+)", reply, re.IGNORECASE)[1]
    own = [line for line in lines() if id_ in line]
    assert len(own) == 1
    assert re.search(r" 400 0 ms \d+ bytes 127\.0\.0\.1$", own[0])
    assert "heron" not in own[0]


def test_the_line_of_a_request_names_its_key(tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    key = file.add("kitchen-radio", [Role.SPEECH])
    with recorded(TextLines(with_text=False)) as lines, run_server(api_keys_file=file.path) as server:
        requests.get(server.url + "/v1/models", headers={"x-api-key": key}, timeout=60)
        wait_until(lambda: any(line.endswith("kitchen-radio") for line in lines()))
    assert key not in "".join(lines())


def test_requests_on_one_connection_do_not_inherit_each_others_id(server):
    with recorded(TextLines(with_text=False)) as lines, requests.Session() as session:
        ids = [f"number-{number}" for number in range(5)]
        for id_ in ids:
            session.get(server.url + "/v1/models", headers={"x-request-id": id_}, timeout=60)
        wait_until(lambda: sum("web.access" in line for line in lines()) == 5)
    assert [re.search(r"\[(.*?)\]", line)[1] for line in lines() if "web.access" in line] == ids


# The parts


@pytest.mark.parametrize(
    "hostile", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\u202eb", "a\x00b", "a\x85b", "a\ud800b", "a\x7fb", "a\tb"]
)
def test_nothing_in_a_message_ends_a_line_or_commands_a_terminal(hostile):
    for formatter in (TextLines(with_text=False), JsonLines(with_text=False)):
        with recorded(formatter) as lines:
            logging.getLogger("tts_server.test").warning("a voice named %s", hostile)
        assert len(lines()) == 1
        assert lines()[0].isprintable()
        lines()[0].encode()


def test_letters_of_all_languages_stay_readable():
    assert printable("Größe 声音 голос") == "Größe 声音 голос"


def test_an_exception_that_is_its_own_cause_is_told_once():
    error = ValueError("round")
    error.__context__ = error
    with recorded(TextLines(with_text=False)) as lines:
        logging.getLogger("tts_server.test").error("failed", exc_info=error)
    assert lines()[0].count("round") == 1


@pytest.mark.parametrize(
    ("message", "text", "told"),
    [
        ("cannot say 'a long sentence indeed'", "Here is a long sentence indeed.", "cannot say '…'"),
        ("unknown sign 漢", "漢", "unknown sign …"),
        ("one part missing", "another text altogether", "one part missing"),
        ("nothing", "", "nothing"),
        ("abc", "abcdef", "abc"),
    ],
)
def test_repetitions_of_the_text_are_left_out(message, text, told):
    assert redact(message, text) == told


def test_a_message_that_is_very_long_is_cut_and_searched_in_its_first_part_only(monkeypatch):
    searched = []
    monkeypatch.setattr("tts_server.log.redact", lambda message, text: searched.append(len(message)) or message)
    with recorded(TextLines(with_text=False)) as lines:
        try:
            raise ValueError("w" * 1_000_000)
        except ValueError:
            logging.getLogger("tts_server.test").exception("v" * 1_000_000)
    assert len(lines()[0]) < 10_000
    assert max(searched) < 10_000


def test_work_in_another_thread_can_be_logged_for_its_request():
    with recorded(TextLines(with_text=False)) as lines:

        def work() -> None:
            with request_context("elsewhere", SECRET):
                logging.getLogger("tts_server.test").error("could not say %s", SECRET)
            assert request_id.get() == ""

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert "[elsewhere]: could not say …" in lines()[0]


def test_a_thread_that_dies_leaves_one_line(tmp_path):
    code = (
        "import threading, warnings\n"
        "from tts_server.log import set_up_log\n"
        "set_up_log('INFO', 'text', with_text=False)\n"
        "def work():\n    raise ValueError('two\\nlines')\n"
        "thread = threading.Thread(target=work, name='worker')\n"
        "thread.start()\nthread.join()\n"
        "warnings.warn('take\\ncare')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) for line in lines)
    assert "the thread worker ended with an exception (ValueError: two\\nlines at" in lines[0]


def test_libraries_that_log_addresses_with_their_secrets_are_kept_quiet():
    root = logging.getLogger()
    before = root.handlers[:], root.level, threading.excepthook
    try:
        set_up_log("DEBUG", "json", with_text=False)
        assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
        assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("tts_server.spoken").isEnabledFor(logging.CRITICAL)
    finally:
        root.handlers[:], threading.excepthook = before[0], before[2]
        root.setLevel(before[1])
        logging.captureWarnings(capture=False)
