"""The description of the whole API: `/openapi.json`."""

from __future__ import annotations

from typing import Any

from apispec import APISpec

from tts_server import __version__
from tts_server.web.openapi.answers import HEADERS, error_answer
from tts_server.web.openapi.describer import Describer, Limits, ReplySchemas, RequestSchemas, error_name, models_of
from tts_server.web.openapi.pronunciation import PRONUNCIATION, PRONUNCIATION_OPERATIONS
from tts_server.web.openapi.reading import READING, READING_OPERATIONS
from tts_server.web.openapi.server import MODEL_OPERATIONS, MODELS, SERVER, SERVER_OPERATIONS
from tts_server.web.openapi.speech import RESONANCE, RESONANCE_OPERATIONS, SILLYTAVERN, SILLYTAVERN_OPERATIONS, SPEECH, SPEECH_OPERATIONS
from tts_server.web.openapi.voices import VOICE_OPERATIONS, VOICES

OPENAPI = "3.1.0"

OPERATIONS = (
    *SPEECH_OPERATIONS,
    *READING_OPERATIONS,
    *PRONUNCIATION_OPERATIONS,
    *VOICE_OPERATIONS,
    *MODEL_OPERATIONS,
    *SILLYTAVERN_OPERATIONS,
    *RESONANCE_OPERATIONS,
    *SERVER_OPERATIONS,
)

TAGS = {
    SPEECH: "Text in, audio out, in OpenAI's dialect and a few words more.",
    READING: "How a text will be read: numbers, dates, markup and names as words.",
    PRONUNCIATION: "Dictionaries of words that are to be said otherwise than they are spelled, as ElevenLabs has them.",
    VOICES: "The voices that requests can name: listing, making, changing, hearing, deleting.",
    MODELS: "The models that speak: what they can do, and loading them.",
    SILLYTAVERN: "What SillyTavern's Chatterbox provider calls, and other clients of devnen's server.",
    RESONANCE: "One route, with clips of a voice store.",
    SERVER: "Health and counters.",
}

NOT_DESCRIBED = {
    "/": "the page, for people",
    "/favicon.ico": "the page's icon",
    "/docs": "this description, for people",
    "/openapi.json": "this description itself",
    "/page/clip": "serves the page alone, and may change with it",
    "/page/encode": "serves the page alone, and may change with it",
    "/static/<path:filename>": "files of the pages",
    "/static/swagger-ui/<name>": "files of the pages",
}
"""Routes that are not part of the API, and why."""

WORDS = """One server, several dialects, so that clients of several servers work unmodified.

- Fields come as JSON (whatever the Content-Type says), as a `multipart/form-data` or as an urlencoded form.
- An empty text and null mean "not given" for every field but the text to speak. Fields that are not described are ignored.
- Where keys are set, every operation but the health needs one.
- `Cache-Control: no-cache` or `no-store` passes the cache of finished audio by.
- An `x-request-id` that a request brings comes back with its answer.
"""


def described(max_text_length: int) -> dict[str, Any]:
    """The document, but for its `security`."""
    errors = {(status, one.manner): error_answer(status, one.manner) for one in OPERATIONS for status in one.statuses()}
    answers = [*(answer for one in OPERATIONS for answer in one.answers.values()), *errors.values()]
    requests = [model for one in OPERATIONS for model in (*(one.body.models if one.body else ()), one.query) if model]
    describer = Describer(Limits(max_text_length))
    describer.add_schemas(requests, RequestSchemas)
    describer.add_schemas((model for answer in answers for model in models_of(answer.content)), ReplySchemas)

    spec = APISpec(
        "Parlance",
        __version__,
        OPENAPI,
        info={"description": WORDS, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "./", "description": "This server."}],
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "description": "A key of the server."})
    spec.components.security_scheme("key", {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key of the server."})
    for name, schema in describer.schemas.items():
        spec.components.schema(name, schema)
    for name, (words, schema, is_required) in HEADERS.items():
        spec.components.header(name, {"description": words, "required": is_required, "schema": dict(schema)})
    for (status, manner), answer in sorted(errors.items(), key=lambda error: error_name(*error[0])):
        spec.components.response(error_name(status, manner), describer.answer(answer))
    for one in OPERATIONS:
        spec.path(one.path, operations={one.method: describer.operation(one)})
    return dict(spec.to_dict())
