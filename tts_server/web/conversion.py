"""`POST /v1/audio/voice-conversion`: a recording, spoken again in another voice."""

from __future__ import annotations

from flask import Blueprint, Response, request

from tts_server.speech import AudioFormat, SpeechRequest
from tts_server.web.fields import parse_fields, read_payload
from tts_server.web.openai import SpeechDesk
from tts_server.web.policy import SPEAKING
from tts_server.web.references import UPLOAD_FIELDS

SOURCE_FIELDS = ("audio", "file", "source")
TARGET_FIELDS = ("target", "audio_prompt", *UPLOAD_FIELDS)


def conversion_routes(desk: SpeechDesk) -> Blueprint:
    """A form with the recording (`audio`) and the voice to speak it: a name (`voice`) or a clip (`target`, `voice_b64`, `voice_url`)."""
    routes = Blueprint("conversion", __name__)

    @routes.post("/v1/audio/voice-conversion", policy=SPEAKING)
    def convert_voice() -> Response:
        # The rules of speech hold for every field but the text, of which there is none.
        fields = parse_fields({**read_payload(request), "input": "."}, desk.options.max_text_length)
        source = desk.references.from_upload(request, SOURCE_FIELDS)
        conversion = SpeechRequest(
            text="",
            model=fields.model,
            voice=fields.voice_name,
            reference=desk.references.from_request(request, fields, TARGET_FIELDS),
            format=fields.response_format or AudioFormat.WAV,
            sample_rate=fields.sample_rate or desk.options.sample_rate,
            speed=fields.speed,
            seed=fields.seed,
            controls=fields.controls(),
            **desk.permissions().fields(),
        )
        return desk.respond(fields, desk.synthesizer.plan_conversion(source, conversion))

    return routes
