"""The log: one line for each event, with the request that it belongs to, and without what was spoken."""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from pathlib import Path

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that the present thread works for."""

spoken_text: ContextVar[str] = ContextVar("spoken_text", default="")
"""The text of that request, which the messages of exceptions may repeat."""

SPOKEN = "tts_server.spoken"
"""The logger of texts, which is silent unless LOG_TEXT is set."""

TALKATIVE = ("waitress", "httpx", "httpcore", "urllib3", "PIL", "matplotlib", "numba", "filelock")
"""Libraries that log each address they fetch, with its secrets, each step they take, or what the log says already."""

REPEATED = 12
"""How many characters in a row count as a repetition of a request's text."""

MAX_MESSAGE = 4000
MAX_FRAMES = 12
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id", "spoken_text"}
"""Attributes that every record has; others came as `extra`."""


def set_up_log(level: str, format_: str, *, with_text: bool) -> None:
    """Log to standard error from now on: `text` or `json`, with the texts that are spoken or without."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(with_text=with_text) if format_ == "json" else TextLines(with_text=with_text))
    handler.addFilter(note_request)
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one.formatter, _Lines)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(SPOKEN).setLevel(logging.INFO if with_text else logging.CRITICAL + 1)
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_death


def note_request(record: logging.LogRecord) -> bool:
    """Let a record know its request; a filter, since it runs in the thread that logs."""
    record.request_id = request_id.get()
    record.spoken_text = spoken_text.get()
    return True


@contextmanager
def working_for(id_: str, text: str = "") -> Iterator[None]:
    """What is logged within belongs to a request that another thread has received."""
    before = request_id.set(id_), spoken_text.set(text)
    try:
        yield
    finally:
        request_id.reset(before[0])
        spoken_text.reset(before[1])


class _Lines(logging.Formatter):
    """What both formats share."""

    def __init__(self, *, with_text: bool) -> None:
        super().__init__()
        self._with_text = with_text

    def told(self, record: logging.LogRecord) -> str:
        """The message, without words of the text that the request wants spoken."""
        message = record.getMessage()
        return message if record.name == SPOKEN else self.discreet(message, record)

    def raised(self, record: logging.LogRecord) -> str:
        """The exception of a record in one line, its causes last; empty where there is none."""
        error = record.exc_info[1] if record.exc_info else None
        return self.discreet(" <- ".join(map(_in_one_line, _causes(error))), record) if error else ""

    def discreet(self, message: str, record: logging.LogRecord) -> str:
        if not self._with_text:  # what is longer is cut first, too, since the search takes its time
            message = without_repetition(message[: 2 * MAX_MESSAGE], getattr(record, "spoken_text", ""))
        return message[:MAX_MESSAGE]


class TextLines(_Lines):
    """For people: time, level, logger, request, message."""

    def format(self, record: logging.LogRecord) -> str:
        time = _time(record).strftime("%Y-%m-%d %H:%M:%S,") + f"{record.msecs:03.0f}"
        id_ = getattr(record, "request_id", "")
        parts = [time, record.levelname, record.name + (f" [{id_}]:" if id_ else ":"), self.told(record)]
        if raised := self.raised(record):
            parts.append(f"({raised})")
        return printable(" ".join(parts))


class JsonLines(_Lines):
    """For programs: an object in each line, with what came as `extra` beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": _time(record).astimezone(timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.told(record),
        }
        if id_ := getattr(record, "request_id", ""):
            fields["request_id"] = id_
        fields |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if raised := self.raised(record):
            fields["exception"] = raised
        return json.dumps(fields, default=str)


def printable(text: str) -> str:
    """The text in one line that a terminal shows as it is: line ends, escape sequences and marks of direction are spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def without_repetition(message: str, text: str) -> str:
    """The message, with dots for each run of characters that also stands in the text."""
    length = min(REPEATED, len(text))
    if length == 0:
        return message
    found: list[str] = []
    start = 0
    while start < len(message):
        end = start + length
        if end > len(message) or message[start:end] not in text:
            found.append(message[start])
            start += 1
            continue
        while end < len(message) and message[start : end + 1] in text:
            end += 1
        found.append("…")
        start = end
    return "".join(found)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created).astimezone()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _in_one_line(error: BaseException) -> str:
    """`ValueError: message at file:line function < its caller < …`."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    way = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__}: {error}" + (f" at {way}" if way else "")


def _log_death(death: threading.ExceptHookArgs) -> None:
    """What a thread died of, as a line of the log."""
    if death.exc_type is not SystemExit and death.exc_value is not None:
        name = death.thread.name if death.thread else "?"
        logging.getLogger("tts_server").error("the thread %s has died", name, exc_info=death.exc_value)
