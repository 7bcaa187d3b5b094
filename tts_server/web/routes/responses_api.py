"""`POST /v1/responses`: the part of OpenAI's Responses API that turns text into audio."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from tts_server.speech import AudioFormat
from tts_server.spool import Spool
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.policy import SPEAKING
from tts_server.web.responses import EVENT_STREAM, described, file_reply, finished_file, response_events, response_object
from tts_server.web.schema.fields import SpeechFields
from tts_server.web.schema.payload import read_payload
from tts_server.web.speech_service import SpeechService

SPOKEN_ROLE = "user"
SILENT_ROLES = ("system", "developer", "assistant")

NOT_SPEECH = frozenset({"instructions", "stream_format", "audio", "input"})
"""Fields that have no meaning here, or another one than on the speech route."""

ENCODED_BYTES = 3 * 64 * 1024
"""Bytes that are written as base64 at once; a multiple of 3, so that the pieces join without padding."""

FORMAT_NAMES = {"pcm16": "pcm", "audio/pcm": "pcm"}


def responses_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("responses", __name__)

    @routes.post("/v1/responses", policy=SPEAKING)
    def create_response() -> Response:
        fields = service.parse_fields(speech_payload(read_payload(request)))
        reference = service.references.from_request(request, fields)
        if fields.stream or EVENT_STREAM in request.headers.get("Accept", ""):
            return response_events(service.synthesize(fields, reference, AudioFormat.PCM))
        return _whole_response(service.synthesize(fields, reference))

    return routes


def speech_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request in the fields of the speech route; fields inside of `audio` take precedence."""
    plain = {name: value for name, value in payload.items() if name not in NOT_SPEECH}
    return {**plain, **_audio_options(payload.get("audio")), "input": spoken_text(payload.get("input"))}


def spoken_text(given: Any) -> str:
    """Return the text to speak: the input, or the `input_text` of the user's messages. Messages of other roles are not spoken."""
    if given is None or isinstance(given, str):
        return given or ""
    if not isinstance(given, list):
        raise _wrong("input", "should be a text or a list of messages")
    return "\n\n".join(text for index, item in enumerate(given) if (text := _message_text(item, f"input.{index}")))


def _message_text(item: Any, place: str) -> str:
    if not isinstance(item, dict) or item.get("type", "message") != "message":
        raise _wrong(place, "only messages can be spoken, such as {'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hello'}]}")
    role = item.get("role", SPOKEN_ROLE)
    if role in SILENT_ROLES:
        return ""
    if role != SPOKEN_ROLE:
        raise _wrong(f"{place}.role", f"should be one of {', '.join((SPOKEN_ROLE, *SILENT_ROLES))}")
    content = item.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _wrong(f"{place}.content", "should be a text or a list of parts")
    return "\n".join(_part_texts(content, f"{place}.content"))


def _part_texts(parts: list[Any], place: str) -> Iterator[str]:
    for index, part in enumerate(parts):
        if not isinstance(part, dict) or part.get("type") != "input_text" or not isinstance(part.get("text"), str):
            raise _wrong(f"{place}.{index}", "only text can be spoken: {'type': 'input_text', 'text': …}")
        yield part["text"]


def _audio_options(audio: Any) -> dict[str, Any]:
    """Return the options of `audio`, or of `audio.output` as in the Realtime API, by their names on the speech route."""
    if audio in (None, ""):
        return {}
    if isinstance(audio, str):  # a form has no objects, but may hold one as JSON
        with contextlib.suppress(ValueError, RecursionError):
            audio = json.loads(audio)
    if not isinstance(audio, dict):
        raise _wrong("audio", "should be an object such as {'voice': 'alloy', 'format': 'mp3'}")
    if isinstance(audio.get("output"), dict):
        audio = {**audio, **audio["output"]}
    options = {name: value for name, value in audio.items() if name in SpeechFields.model_fields and name not in NOT_SPEECH}
    format_ = audio.get("format")
    if isinstance(format_, dict):
        options["sample_rate"] = options.get("sample_rate") or format_.get("rate")
        format_ = format_.get("type")
    if format_ not in (None, ""):
        options["response_format"] = FORMAT_NAMES.get(format_, format_) if isinstance(format_, str) else format_
    return {name: value for name, value in options.items() if value is not None and value != ""}


def _whole_response(audio: CachedAudio) -> Response:
    """Return JSON with the whole file in base64; the headers are those of a file."""
    with contextlib.closing(finished_file(audio)) as file:
        part = {
            "type": "output_audio",
            "data": "",
            "transcript": audio.plan.transcript,
            "format": audio.plan.format.value,
            "sample_rate": audio.plan.sample_rate,
        }
        # Quotes within JSON strings are escaped, so this occurs once.
        before, after = json.dumps(response_object(audio, g.request_id, part)).split('"data": ""')
        reply = Spool()
        try:
            reply.write(f'{before}"data": "'.encode())
            for data in iter(lambda: file.read(ENCODED_BYTES), b""):
                reply.write(base64.b64encode(data))
            reply.write(f'"{after}'.encode())
            reply.rewind()
        except BaseException:
            reply.close()
            raise
    return described(file_reply(reply, "application/json"), audio, is_whole=True)


def _wrong(place: str, message: str) -> InvalidFields:
    loc = ["body", *(int(part) if part.isdigit() else part for part in place.split("."))]
    return InvalidFields([{"loc": loc, "msg": message, "type": "invalid_input"}])
