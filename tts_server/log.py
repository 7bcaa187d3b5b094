"""The log: one line for each event, with the id of its request, and without the text that is synthesized."""

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
"""The id of the request that the current thread works for."""

spoken_text: ContextVar[str] = ContextVar("spoken_text", default="")
"""The text of that request, which messages of exceptions may contain."""

SPOKEN = "tts_server.spoken"
"""Name of the logger of texts, which writes nothing unless LOG_TEXT is set."""

VERBOSE_LIBRARIES = ("waitress", "httpx", "httpcore", "urllib3", "PIL", "matplotlib", "numba", "filelock")
"""Libraries that log addresses with their secrets, each of their steps, or events that the server logs itself."""

REDACTED_CHARACTERS = 12
"""A run of this many characters that also occurs in the request's text is replaced in messages."""

MAX_MESSAGE = 4000
MAX_FRAMES = 12
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id", "spoken_text"}
"""Attributes that every record has; the others were passed as `extra`."""


def set_up_log(level: str, format_: str, *, with_text: bool) -> None:
    """Configure logging to standard error. `format_` is `text` or `json`; `with_text` includes the texts that are synthesized."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(with_text=with_text) if format_ == "json" else TextLines(with_text=with_text))
    handler.addFilter(add_request)
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one.formatter, _Lines)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level)
    for name in VERBOSE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(SPOKEN).setLevel(logging.INFO if with_text else logging.CRITICAL + 1)
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_uncaught


def add_request(record: logging.LogRecord) -> bool:
    """Add the current request to a record. A filter, since filters run in the thread that logs."""
    record.request_id = request_id.get()
    record.spoken_text = spoken_text.get()
    return True


@contextmanager
def request_context(id_: str, text: str = "") -> Iterator[None]:
    """Log what happens inside the context as part of a request, for threads that work for several requests."""
    before = request_id.set(id_), spoken_text.set(text)
    try:
        yield
    finally:
        request_id.reset(before[0])
        spoken_text.reset(before[1])


class _Lines(logging.Formatter):
    """The parts that both formats share."""

    def __init__(self, *, with_text: bool) -> None:
        super().__init__()
        self._with_text = with_text

    def message_of(self, record: logging.LogRecord) -> str:
        """Return the message, without parts of the request's text."""
        message = record.getMessage()
        return message if record.name == SPOKEN else self._redact(message, record)

    def exception_of(self, record: logging.LogRecord) -> str:
        """Return the exception of a record on one line, followed by its causes; empty if there is none."""
        error = record.exc_info[1] if record.exc_info else None
        return self._redact(" <- ".join(map(_in_one_line, _causes(error))), record) if error else ""

    def _redact(self, message: str, record: logging.LogRecord) -> str:
        if not self._with_text:  # cut before as well, since the search takes time
            message = redact(message[: 2 * MAX_MESSAGE], getattr(record, "spoken_text", ""))
        return message[:MAX_MESSAGE]


class TextLines(_Lines):
    """Lines for people: time, level, logger, request, message."""

    def format(self, record: logging.LogRecord) -> str:
        time = _time(record).strftime("%Y-%m-%d %H:%M:%S,") + f"{record.msecs:03.0f}"
        id_ = getattr(record, "request_id", "")
        parts = [time, record.levelname, record.name + (f" [{id_}]:" if id_ else ":"), self.message_of(record)]
        if exception := self.exception_of(record):
            parts.append(f"({exception})")
        return printable(" ".join(parts))


class JsonLines(_Lines):
    """Lines for programs: one JSON object each, with the fields passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": _time(record).astimezone(timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message_of(record),
        }
        if id_ := getattr(record, "request_id", ""):
            fields["request_id"] = id_
        fields |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if exception := self.exception_of(record):
            fields["exception"] = exception
        return json.dumps(fields, default=str)


def printable(text: str) -> str:
    """Return the text with line breaks, escape sequences and direction marks escaped, so that it is safe on one line of a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def redact(message: str, text: str) -> str:
    """Return the message with each run of characters that also occurs in the text replaced by an ellipsis."""
    length = min(REDACTED_CHARACTERS, len(text))
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
    """Iterate over an exception and its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _in_one_line(error: BaseException) -> str:
    """Return `ValueError: message at file:line function < its caller < …`."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    stack = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__}: {error}" + (f" at {stack}" if stack else "")


def _log_uncaught(uncaught: threading.ExceptHookArgs) -> None:
    """Log an exception that ended a thread."""
    if uncaught.exc_type is not SystemExit and uncaught.exc_value is not None:
        name = uncaught.thread.name if uncaught.thread else "?"
        logging.getLogger("tts_server").error("the thread %s ended with an exception", name, exc_info=uncaught.exc_value)
