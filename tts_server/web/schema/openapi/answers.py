"""What all operations have in common: their errors, and what the headers of answers say."""

from __future__ import annotations

from tts_server.web.schema.openapi.operation import JSON, Answer, ErrorManner, Schema, Shape
from tts_server.web.schema.openapi.replies import ErrorReply, ResonanceErrorReply

ERRORS = {
    400: "A value is wrong or missing, or there is nothing to say.",
    401: "No key, or a wrong one.",
    403: "A foreign Host name, a page of another site, a change where none is allowed, or a key that may not do this.",
    404: "There is no such voice, model or pronunciation dictionary.",
    409: "Not possible in the present state: a name is taken, or something is in use.",
    413: "The body or a clip is larger than this server accepts.",
    415: "A file is not audio.",
    422: "A field is wrong or missing.",
    426: "This address is a WebSocket.",
    429: "Too many requests from here; try again later.",
    500: "Something failed inside; the log has more under the request's id.",
    503: "Busy, short of memory or disk space, or the model is being loaded or not installed; try again later.",
}

HEADERS: dict[str, tuple[str, Schema, bool]] = {
    "x-request-id": ("Names the request, also in the log.", {"type": "string"}, True),
    "X-Model": ("The model that answered.", {"type": "string"}, True),
    "X-Voice": ("The voice that answered, percent-encoded where its name needs it; absent with a clip.", {"type": "string"}, False),
    "X-Voice-Cloning": ("What was done with the reference clip.", {"enum": ["matched", "cloned"]}, False),
    "X-Ignored-Parameters": ("Fields that changed nothing.", {"type": "string"}, False),
    "X-Removed-Voices": (
        "Names in tags such as [voice:nova], which were removed: one voice speaks the whole text. Percent-encoded where needed.",
        {"type": "string"},
        False,
    ),
    "X-Retries": ("How many parts were made again because they did not sound like their text.", {"type": "string"}, False),
    "X-Sample-Rate": ("Rate of the audio in Hz.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "X-Seed": ("The seed to hear the same again.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "X-Cache": ("What the cache of finished audio did.", {"enum": ["HIT", "MISS", "BYPASS", "ADHOC", "DISABLED"]}, True),
    "X-Route": ("Where the audio is from.", {"enum": ["HOT", "ADHOC", "CACHE"]}, True),
    "X-Queue-Position": (
        "Its position in the queue on arrival; 0 where it did not wait.",
        {"type": "string", "pattern": "^[0-9]+$"},
        False,
    ),
    "X-Queue-Wait": ("Milliseconds that it waited there.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Limit": ("Requests in a window, where there is a limit.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Remaining": ("Requests that are left of them.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "X-RateLimit-Reset": ("Seconds until there is one more.", {"type": "string", "pattern": "^[0-9]+$"}, False),
    "Cache-Control": ("Never kept by caches.", {"type": "string"}, True),
    "Content-Disposition": ("The name of the file.", {"type": "string"}, True),
    "Upgrade": ("Always websocket.", {"type": "string"}, True),
    "Sec-WebSocket-Accept": ("The server's part of the handshake.", {"type": "string"}, True),
    "Sec-WebSocket-Version": ("The version of the protocol.", {"type": "string"}, True),
    "WWW-Authenticate": ("How to send a key.", {"type": "string"}, True),
    "Retry-After": ("Seconds to wait before trying again.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "retry-after-ms": ("The same in milliseconds.", {"type": "string", "pattern": "^[0-9]+$"}, True),
    "x-should-retry": ("false: trying again will not help soon.", {"enum": ["false"]}, False),
}
"""What each header says, its schema, and whether it is always there."""

ERROR_HEADERS = {
    401: ("WWW-Authenticate",),
    426: ("Sec-WebSocket-Version",),
    429: ("Retry-After", "retry-after-ms", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    503: ("Retry-After", "retry-after-ms", "x-should-retry"),
}

EITHER: Shape = {"anyOf": [ErrorReply, ResonanceErrorReply]}
"""A body may be too large for the server as well as for a dialect."""

ERROR_SHAPES: dict[ErrorManner, dict[int, Shape]] = {
    ErrorManner.OPENAI: dict.fromkeys(ERRORS, ErrorReply),
    ErrorManner.RESONANCE: dict.fromkeys(ERRORS, ResonanceErrorReply) | {413: EITHER},
}


def error_answer(status: int, manner: ErrorManner) -> Answer:
    return Answer(ERRORS[status], {JSON: ERROR_SHAPES[manner][status]}, ERROR_HEADERS.get(status, ()))
