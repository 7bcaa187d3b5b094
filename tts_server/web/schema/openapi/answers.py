"""The parts that all operations share: errors and headers of replies."""

from __future__ import annotations

from tts_server.web.schema.openapi.operation import JSON, Answer, ErrorManner, Schema, Shape
from tts_server.web.schema.openapi.replies import ErrorReply, ResonanceErrorReply

ERRORS = {
    400: "A value is invalid or missing, or the text has nothing to speak.",
    401: "The key is missing or not accepted.",
    403: "The Host name is not allowed, the request comes from a page of another site, changes are not allowed, or the key lacks the role.",
    404: "The voice, model or pronunciation dictionary does not exist.",
    409: "Not possible in the current state: a name is taken, or an object is in use.",
    413: "The body or a clip exceeds a size limit.",
    415: "A file is not audio.",
    422: "A field is invalid or missing.",
    426: "This route is a WebSocket.",
    429: "The client has sent too many requests; try again later.",
    500: "Internal server error; see the server's log for the request id.",
    503: "The server is busy or lacks memory or disk space, or the model is loading or not installed; try again later.",
}

HEADERS: dict[str, tuple[str, Schema, bool]] = {
    "x-request-id": ("The id of the request, also in the log.", {"type": "string"}, True),
    "X-Model": ("The model that was used.", {"type": "string"}, True),
    "X-Voice": ("The voice that was used, percent-encoded if necessary; absent with a clip.", {"type": "string"}, False),
    "X-Voice-Cloning": ("How the reference clip was used.", {"enum": ["matched", "cloned"]}, False),
    "X-Ignored-Parameters": ("Fields that were ignored.", {"type": "string"}, False),
    "X-Removed-Voices": (
        "Names in tags such as [voice:nova], which were removed: one voice speaks the whole text. Percent-encoded if necessary.",
        {"type": "string"},
        False,
    ),
    "X-Retries": ("How many segments were synthesized again because they failed the quality checks.", {"type": "string"}, False),
    "X-Sample-Rate": ("The sample rate of the audio in Hz.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "X-Seed": ("The seed, which reproduces the audio.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "X-Cache": ("How the audio cache was used.", {"enum": ["HIT", "MISS", "BYPASS", "ADHOC", "DISABLED"]}, True),
    "X-Route": ("The origin of the audio.", {"enum": ["HOT", "ADHOC", "CACHE"]}, True),
    "X-Queue-Position": (
        "The position of the request in the queue on arrival; 0 if it did not wait.",
        {"type": "string", "pattern": "^[0-9]+$"},
        False,
    ),
    "X-Queue-Wait": ("Milliseconds that the request waited in the queue.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Limit": ("Requests per window, if there is a limit.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Remaining": ("Remaining requests in the window.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Reset": ("Seconds until one more request is allowed.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "Cache-Control": ("The reply must not be cached.", {"type": "string"}, True),
    "Content-Disposition": ("The name of the file.", {"type": "string"}, True),
    "Upgrade": ("Always websocket.", {"type": "string"}, True),
    "Sec-WebSocket-Accept": ("The server's part of the handshake.", {"type": "string"}, True),
    "Sec-WebSocket-Version": ("The version of the protocol.", {"type": "string"}, True),
    "WWW-Authenticate": ("How to send a key.", {"type": "string"}, True),
    "Retry-After": ("Seconds to wait before trying again.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "retry-after-ms": ("The same in milliseconds.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "x-should-retry": ("false: do not retry.", {"enum": ["false"]}, False),
}
"""The description of each header, its schema, and whether it is always present."""

ERROR_HEADERS = {
    401: ("WWW-Authenticate",),
    426: ("Sec-WebSocket-Version",),
    429: ("Retry-After", "retry-after-ms", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    503: ("Retry-After", "retry-after-ms", "x-should-retry"),
}

EITHER: Shape = {"anyOf": [ErrorReply, ResonanceErrorReply]}
"""A body may exceed the limit of the server or that of a dialect."""

ERROR_SHAPES: dict[ErrorManner, dict[int, Shape]] = {
    ErrorManner.OPENAI: dict.fromkeys(ERRORS, ErrorReply),
    ErrorManner.RESONANCE: dict.fromkeys(ERRORS, ResonanceErrorReply) | {413: EITHER},
}


def error_answer(status: int, manner: ErrorManner) -> Answer:
    return Answer(ERRORS[status], {JSON: ERROR_SHAPES[manner][status]}, ERROR_HEADERS.get(status, ()))
