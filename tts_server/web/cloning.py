"""`POST /v2/audio/speech_with_prompt`: speech in the voice of an uploaded clip."""

from __future__ import annotations

from flask import Blueprint, Response, request

from tts_server.speech import AudioFormat
from tts_server.web.openai import SpeechDesk
from tts_server.web.policy import SPEAKING


def cloning_routes(desk: SpeechDesk) -> Blueprint:
    routes = Blueprint("cloning", __name__)

    @routes.post("/v2/audio/speech_with_prompt", policy=SPEAKING)
    def speech_with_prompt() -> Response:
        fields = desk.fields()
        reference = desk.references.from_upload(request, ("audio_prompt",))
        return desk.respond(fields, desk.plan(fields, reference, AudioFormat.WAV))

    return routes
