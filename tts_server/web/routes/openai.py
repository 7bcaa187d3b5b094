"""OpenAI's speech routes, and the chatterbox-api dialect on the same addresses."""

from __future__ import annotations

from flask import Blueprint, Response, request

from tts_server.speech import AudioFormat
from tts_server.web.policy import SPEAKING
from tts_server.web.responses import streamed_audio
from tts_server.web.speech_service import SpeechService


def openai_routes(service: SpeechService) -> Blueprint:
    """`/v1/audio/speech`, `/v1/audio/speech/stream` and `/v2/audio/speech_with_prompt`."""
    routes = Blueprint("openai", __name__)

    @routes.post("/v1/audio/speech", policy=SPEAKING)
    def create_speech() -> Response:
        fields = service.read_fields()
        reference = service.references.from_request(request, fields)
        return service.respond(fields, service.synthesize(fields, reference))

    @routes.post("/v1/audio/speech/stream", policy=SPEAKING)
    def stream_speech() -> Response:
        fields = service.read_fields().model_copy(update={"response_format": AudioFormat.WAV})
        reference = service.references.from_request(request, fields)
        return streamed_audio(service.synthesize(fields, reference))

    @routes.post("/v2/audio/speech_with_prompt", policy=SPEAKING)
    def speech_with_prompt() -> Response:
        """Speech in the voice of an uploaded clip."""
        fields = service.read_fields()
        reference = service.references.from_upload(request, ("audio_prompt",))
        return service.respond(fields, service.synthesize(fields, reference, AudioFormat.WAV))

    return routes
