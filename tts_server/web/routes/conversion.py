"""`POST /v1/audio/voice-conversion`: a recording, spoken again in another voice."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from tts_server.speech import AudioFormat
from tts_server.web.policy import SPEAKING
from tts_server.web.references import UPLOAD_FIELDS
from tts_server.web.schema.payload import read_payload
from tts_server.web.speech_service import SpeechService

SOURCE_FIELDS = ("audio", "file", "source")
TARGET_FIELDS = ("target", "audio_prompt", *UPLOAD_FIELDS)


def conversion_routes(service: SpeechService) -> Blueprint:
    """A form with the recording (`audio`) and the voice to speak it: a name (`voice`) or a clip (`target`, `voice_b64`, `voice_url`)."""
    routes = Blueprint("conversion", __name__)

    @routes.post("/v1/audio/voice-conversion", policy=SPEAKING)
    def convert_voice() -> Response:
        # The rules of speech hold for every field but the text, of which there is none.
        fields = service.parse_fields({**read_payload(request), "input": "."})
        source = service.references.from_upload(request, SOURCE_FIELDS)
        target = service.references.from_request(request, fields, TARGET_FIELDS)
        conversion = replace(service.create_request(fields, target, AudioFormat.WAV), text="", language=None)
        return service.respond(fields, service.synthesizer.convert(source, conversion))

    return routes
