"""Requests with something wrong in them, by the thousand: each gets an answer in words, none a 5xx, and the server goes on.

TEST_SCALE makes it longer: 21 stands for 5,000 requests.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import random
import shutil
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hostile import PATIENCE, Answer, ask, at_once, files_below, memory, scaled
from support.decoded_audio import hear
from support.server import RunningServer, run_server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

NUM_REQUESTS = scaled(200)
NUM_RAW = scaled(40)
NUM_SOCKETS = scaled(12)
MESSAGES_A_SOCKET = 15
FIRST_SEED = 40_000
MAX_GROWTH = 250 * 2**20
QUIET_SECONDS = 0.5
"""So long a raw request may wait for the rest of itself before it is given up: it may have lost it."""

TEXTS = (
    "Hi.", "", " ", ".", "\0", "a\0b", "\ud800", "x" * 5000, "🙂" * 50, "\u202eabc\u202c", "a" + "\u0301" * 300, "<b>&amp;</b>",
    "[pause:9e9s]", "[pause:-1s]", "[laugh]" * 40, "９９９", "9" * 300, "1e309", "{}", "[]", "null", "true", "%s%n", "${x}", "../..",
    "\r\n\r\n", "你好", "\uffff", "=?=", "\x1b[2J",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 0.5, 1.5, -0.0, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, 1e-320, float("nan"), float("inf"),
    float("-inf"), "1", "1.0", "1e3", "0x10", "١", "1_000", " 1 ", "NaN", "-Infinity", "1" * 400,
)  # fmt: skip
OTHERS = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"id": None},
    {"id": {"id": "alloy"}},
    [{"type": "input_text"}],
    {"__class__": "x"},
)
SAID = [{"type": "input_text", "text": "Hi."}]
CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/v1/audio/speech", {"input": "Hi.", "voice": "alloy", "model": "tts-1", "response_format": "wav", "speed": 1.0, "seed": 1}),
    ("POST", "/v1/audio/speech", {"input": "Hi.", "instructions": "0.5", "cfg_weight": 0.5, "language": "en", "cache": False}),
    ("POST", "/v1/audio/speech", {"input": "Hi.", "stream_format": "sse", "response_format": "pcm", "sample_rate": 16000, "top_k": 50}),
    ("POST", "/v1/audio/speech", {"input": "Hi.", "voice_b64": "AAAA", "voice_url": "https://127.0.0.1/"}),
    ("POST", "/v1/audio/speech/stream", {"input": "Hi.", "voice": {"id": "alloy"}, "min_p": 0.1, "repetition_penalty": 1.2}),
    ("POST", "/v2/audio/speech_with_prompt", {"input": "Hi.", "exaggeration": 0.5, "audio_prompt": "x"}),
    ("POST", "/v1/audio/voice-conversion", {"audio": "x", "voice": "alloy", "model": "embedded"}),
    ("POST", "/v1/responses", {"input": [{"role": "user", "content": SAID}], "audio": {"voice": "alloy"}, "stream": True}),
    ("POST", "/generate", {"prompt": "Hi.", "voice_key": "voices/reader.flac", "temperature": 0.8, "top_k": 1000, "norm_loudness": True}),
    ("POST", "/tts", {"text": "Hi.", "voice_mode": "clone", "reference_audio_filename": "reader.flac", "speed_factor": 1}),
    ("GET", "/tts-stream", {"text": "Hi.", "voice_mode": "predefined", "predefined_voice_id": "alloy", "seed": 1}),
    ("POST", "/v1/voices", {"name": "Nova Two", "aliases": ["n2"], "language": "en", "controls": {"temperature": 0.5}, "audio": "x"}),
    ("PATCH", "/v1/voices/reader", {"aliases": ["one", "two"], "language": "en", "description": "x", "controls": {"temperature": 0.5}}),
    ("GET", "/v1/voices/reader/preview", {"model": "tts-1"}), ("DELETE", "/v1/voices/nobody", {}),
    ("POST", "/v1/audio/voices", {"name": "x", "type": "audio_sample", "audio_sample": "x", "consent": "y"}),
    ("POST", "/admin/models/embedded/load", {"a": 1}), ("POST", "/admin/reload-voices", {}),
    ("POST", "/page/encode", {"format": "mp3", "rate": 24000}), ("POST", "/page/clip", {"clip": "x"}), ("GET", "/v1/models/tts-1", {}),
    ("GET", "/v1/audio/voices", {"legacy": "true"}), ("GET", "/v1/realtime", {"model": "tts-1"}), ("GET", "/metrics", {}),
    ("HEAD", "/health", {}),
)  # fmt: skip
HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Content-Type", ("application/json; charset=utf-16", "multipart/form-data", "text/plain", "a" * 5000, ";;=")),
    ("Accept", ("text/event-stream", "*/*;q=nan", "application/openmetrics-text; version=1.0.0", "," * 500)),
    ("Cache-Control", ("no-store", "max-age=-1, no-cache=" + "x" * 500)),
    ("Authorization", ("Bearer", "Bearer \xff", "Basic !!!", "Bearer " + "k" * 5000)), ("x-request-id", ("a b", "é", "x" * 300, "{}")),
    ("Origin", ("null", "http://[", "https://evil.example")),
    ("Host", ("evil.example", "[::1", "localhost:99999", "127.0.0.1:x", "a" * 300)), ("Content-Encoding", ("gzip", "br")),
    ("Range", ("bytes=0-", "bytes=9-1", "lines=1")), ("If-Modified-Since", ("yesterday", "Sat, 31 Feb 0000 99:99:99 GMT")),
    ("Accept-Language", ("en;q=x", "*" * 300)), ("Connection", ("Upgrade", "close")), ("Upgrade", ("websocket", "h2c")),
    ("Sec-WebSocket-Key", ("x", "=" * 300)), ("X-Forwarded-For", ("127.0.0.1", "x" * 300)), ("Expect", ("100-continue", "x")),
    ("Cookie", ("a=b; " * 200, "=;=")),
)  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a folder of voices that may come to harm."""
    folder = tmp_path_factory.mktemp("voices")
    shutil.copy(Path(__file__).parents[1] / "clips" / "female_slt.flac", folder / "reader.flac")
    with run_server(voice_library_path=folder) as server:
        yield server


def strange(draw: random.Random, depth: int = 0) -> Any:
    """A value that few expect."""
    kind = draw.randrange(6 if depth < 4 else 3)
    if kind == 0:
        return draw.choice(TEXTS)
    if kind == 1:
        return draw.choice(NUMBERS)
    if kind == 2:
        return draw.choice(OTHERS)
    if kind == 3:
        return "".join(
            chr(draw.choice((draw.randrange(128), draw.randrange(0x3000), draw.randrange(0x110000)))) for _ in range(draw.randrange(40))
        )
    if kind == 4:
        return [strange(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(("id", "type", "text", "voice", "", "\0")): strange(draw, depth + 1) for _ in range(draw.randrange(4))}


def changed(draw: random.Random, fields: dict[str, Any]) -> dict[str, Any]:
    fields = dict(fields)
    for _ in range(draw.choice((0, 1, 1, 1, 2, 4))):
        name = draw.choice([*fields, "extra", "voice", "input", "response_format", "stream", "speed"])
        change = draw.randrange(6)
        if change == 0:
            fields.pop(name, None)
        elif change == 1 and isinstance(fields.get(name), (dict, list)):
            fields[name] = replaced(draw, fields[name], 0.2)
        else:
            fields[name] = strange(draw)
    return fields


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_form(fields: dict[str, Any], draw: random.Random, clip: bytes) -> bytes:
    parts = []
    for name, value in fields.items():
        label = name.replace("\r", "").replace("\n", "").replace('"', "%22")
        head = f'Content-Disposition: form-data; name="{label}"'
        data = as_text(value).encode("utf-8", "surrogatepass")
        if name in ("audio", "audio_sample", "audio_prompt", "clip", "speaker_wav"):
            head += f'; filename="{draw.choice(("a.wav", "", "../a", "é.flac"))}"\r\nContent-Type: audio/wav'
            data = clip[: draw.choice((0, 100, len(clip)))]
        parts.append(b"--x\r\n" + head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + b"--x--\r\n"


def made(seed: int, clip: bytes) -> tuple[str, str, bytes | None, dict[str, str]]:
    """A request; the same for the same seed."""
    draw = random.Random(seed)
    method, path, fields = draw.choice(CALLS)
    fields = changed(draw, fields)
    headers: dict[str, str] = {}
    body: bytes | None = None
    if method in ("GET", "HEAD"):
        path += "?" + urllib.parse.urlencode({name: as_text(value).encode("utf-8", "surrogatepass") for name, value in fields.items()})
    else:
        coding = draw.choice(("json", "json", "form", "urlencoded"))
        if coding == "json":
            body, headers["Content-Type"] = (
                json.dumps(fields, ensure_ascii=draw.random() < 0.7).encode("utf-8", "surrogatepass"),
                "application/json",
            )
        elif coding == "form":
            body, headers["Content-Type"] = as_form(fields, draw, clip), "multipart/form-data; boundary=x"
        else:
            pairs = {name: as_text(value).encode("utf-8", "surrogatepass") for name, value in fields.items()}
            body, headers["Content-Type"] = urllib.parse.urlencode(pairs).encode(), "application/x-www-form-urlencoded"
        if draw.random() < 0.25:
            body = torn(draw, body)
    for _ in range(draw.choice((0, 0, 0, 1, 3))):
        name, values = draw.choice(HEADERS)
        headers[name] = draw.choice(values)
    if draw.random() < 0.05:
        method = draw.choice(("PUT", "OPTIONS", "TRACE", "PATCH", "BREW", "DELETE", "POST", "GET"))
    if draw.random() < 0.1:
        path = draw.choice(
            (
                path + "/",
                path.upper(),
                path.replace("/", "//"),
                "/%2e%2e" + path,
                path + "%00",
                path + "%ff%fe",
                "/" + path * 20,
                path + ";a=b",
                "*",
            )
        )
    return method, path, body, headers


def torn(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 3, 10))):
        if not changed:
            break
        place = draw.randrange(len(changed))
        kind = draw.randrange(4)
        if kind == 0:
            changed[place] = draw.randrange(256)
        elif kind == 1:
            del changed[place : place + draw.choice((1, 4, 100))]
        elif kind == 2:
            changed[place:place] = draw.choice((b"\0", b'"', b"{", b"\r\n", b"--x", b"%", b"&", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 3000))
        else:
            del changed[place:]
    return bytes(changed)


def is_answer(answer: Answer, method: str = "GET") -> bool:
    """Whether it is one that a client can read: no failure of the server, and errors in JSON."""
    if answer.status >= 500 and answer.status != 503:
        return False
    if b"Traceback" in answer.body:
        return False
    if answer.status >= 400 and method != "HEAD" and answer.body:
        with contextlib.suppress(ValueError):
            payload = json.loads(answer.body)
            return isinstance(payload, dict) and bool(payload.get("error") or payload.get("detail"))
        return False
    return True


@pytest.fixture
def no_failure_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What goes wrong behind an answer is in the log."""
    with caplog.at_level(logging.ERROR):
        yield
    records = [*caplog.get_records("call")]
    assert [record.getMessage() for record in records if record.levelno >= logging.ERROR] == []


@pytest.mark.usefixtures("no_failure_logged")
def test_requests_with_something_wrong_get_an_answer_in_words(fuzzed: RunningServer, temporary_folder: Path, clip: bytes) -> None:
    def send(seed: int) -> tuple[int, str, Answer]:
        method, path, body, headers = made(seed, clip)
        return seed, method, ask(fuzzed.port, method, path, body, headers)

    send(FIRST_SEED)
    before = memory()
    answers = at_once(send, range(FIRST_SEED, FIRST_SEED + NUM_REQUESTS))
    bad = [(seed, answer.status, answer.body[:300]) for seed, method, answer in answers if not is_answer(answer, method)]
    assert bad == []
    assert {200, 400, 404, 422} <= {answer.status for _, _, answer in answers}, "the requests were all of a kind"
    assert memory() - before < MAX_GROWTH
    assert list(temporary_folder.iterdir()) == []
    assert requests.get(f"{fuzzed.url}/health", timeout=PATIENCE).status_code == 200
    assert hear(requests.post(f"{fuzzed.url}/v1/audio/speech", json={"input": "Still here."}, timeout=PATIENCE).content).seconds > 0.3


def raw(seed: int, clip: bytes) -> bytes:
    """A request on the wire, in which some bytes are others."""
    method, path, body, headers = made(seed, clip)
    draw = random.Random(-seed)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(draw.choice((f"Content-Length: {len(body)}", f"Content-Length: {len(body)}", "Transfer-Encoding: chunked")))
        if lines[-1].startswith("Transfer"):
            body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    cut = draw.randrange(2)
    return (torn(draw, head) if cut else head) + (body or b"" if cut else torn(draw, body or b""))


@pytest.mark.usefixtures("no_failure_logged")
def test_requests_that_are_torn_on_the_wire_do_no_harm(fuzzed: RunningServer, clip: bytes) -> None:
    def send(seed: int) -> tuple[int, bytes]:
        reply = b""
        with socket.create_connection(("127.0.0.1", fuzzed.port), timeout=PATIENCE) as connection, contextlib.suppress(OSError):
            connection.sendall(raw(seed, clip))
            connection.settimeout(QUIET_SECONDS)
            while b"\r\n\r\n" not in reply and (data := connection.recv(65536)):
                reply += data
        return seed, reply

    replies = at_once(send, range(FIRST_SEED, FIRST_SEED + NUM_RAW), workers=12)
    statuses = {seed: reply[9:12] for seed, reply in replies if reply}
    assert {seed: status for seed, status in statuses.items() if status[:1] == b"5" and status not in (b"503", b"501", b"505")} == {}
    assert [seed for seed, reply in replies if b"Traceback" in reply] == []
    assert len(set(statuses.values())) > 2
    assert requests.get(f"{fuzzed.url}/health", timeout=PATIENCE).status_code == 200


PCM = {"type": "audio/pcm", "rate": 24000}
EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "alloy", "speed": 1, "format": PCM}}}},
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": SAID}},
    {"type": "conversation.item.retrieve", "item_id": "x"}, {"type": "conversation.item.delete", "item_id": "x"},
    {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 10},
    {"type": "response.create", "response": {"output_modalities": ["audio"], "metadata": {"a": "b"}, "input": []}},
    {"type": "response.cancel", "response_id": "x"}, {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_text.append", "delta": "Hi."}, {"input": "Hi.", "voice": "alloy", "audio": {"format": "pcm16"}},
)  # fmt: skip


def replaced(draw: random.Random, value: Any, chance: float) -> Any:
    """The same shape, in which some of the leaves and branches are others."""
    if draw.random() < chance:
        return strange(draw)
    if isinstance(value, dict):
        return {name: replaced(draw, inner, chance) for name, inner in value.items() if draw.random() > chance}
    if isinstance(value, list):
        return [replaced(draw, inner, chance) for inner in value] * draw.choice((1, 1, 1, 3))
    return value


def message(draw: random.Random) -> str | bytes:
    event = replaced(draw, draw.choice(EVENTS), 0.03)
    text = json.dumps(event)
    kind = draw.randrange(12)
    if kind == 0:
        return base64.b64encode(draw.randbytes(30))
    if kind == 1:
        return torn(draw, text.encode()).decode("utf-8", "replace")
    if kind == 2:
        return '{"type":"session.update","session":' + '{"tools":[' * 900 + "]}" * 900 + "}"
    if kind == 3:
        return json.dumps({"type": "session.update", "session": {"tools": [strange(draw)], "tracing": strange(draw)}})
    return text


def is_last(frame: str | bytes) -> bool:
    return isinstance(frame, str) and "the-last" in frame


@pytest.mark.usefixtures("no_failure_logged")
def test_strange_messages_leave_a_socket_open_or_close_it_in_order(fuzzed: RunningServer) -> None:
    kinds: set[str] = set()

    def talk(seed: int) -> tuple[int, int | None]:
        draw = random.Random(seed)
        path = draw.choice(("/v1/realtime?model=tts-1", "/v1/realtime"))
        with connect(f"ws://127.0.0.1:{fuzzed.port}{path}", proxy=None, open_timeout=PATIENCE, max_size=None) as peer:
            try:
                for _ in range(MESSAGES_A_SOCKET):
                    peer.send(message(draw))
                peer.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "the-last", "input": "", "id": "the-last"}))
                while not is_last(frame := peer.recv(timeout=PATIENCE)):
                    kinds.add(json.loads(frame)["type"] if isinstance(frame, str) else "audio")
            except ConnectionClosed as end:
                return seed, end.rcvd.code if end.rcvd else None
        return seed, 0

    ends = at_once(talk, range(FIRST_SEED, FIRST_SEED + NUM_SOCKETS))
    assert [(seed, code) for seed, code in ends if code not in (0, 1000, 1003, 1007, 1008, 1009)] == []
    assert {"error", "session.updated", "conversation.item.added"} <= kinds, "nothing of it was understood"


def test_the_folder_of_voices_holds_only_voices_afterwards(fuzzed: RunningServer) -> None:
    """Runs last: whatever was created above is a whole voice."""
    library = fuzzed.synthesizer.library
    voices = {voice.id for voice in library.voices()}
    names = [name for name in files_below(library.folder) if name != "voices.json"]
    assert {Path(name).stem for name in names} == voices
    for voice in voices:
        assert library.reference(voice).seconds > 0.5
