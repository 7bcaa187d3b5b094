"""Resonance's dialect: `POST /generate` with a key into the voice store, and its own words for errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException

from tts_server.controls import NOT_BOOL, RepetitionPenalty, Temperature, TopP
from tts_server.errors import (
    Cancelled,
    EngineFailure,
    InvalidReference,
    InvalidRequest,
    TTSError,
    Unauthorized,
    UnsupportedAudio,
    VoiceNotFound,
)
from tts_server.ranges import TOP_K
from tts_server.speech import AudioFormat
from tts_server.voices.store import StoredVoices
from tts_server.web.middleware.failures import InvalidFields, failure_reply
from tts_server.web.policy import SPEAKING
from tts_server.web.responses import whole_audio
from tts_server.web.schema.fields import TEXT_NORMALIZATION, SpeechFields, TextNormalization
from tts_server.web.schema.validation import naming, read_object, validate_unprocessable
from tts_server.web.speech_service import SpeechService

PARAMS = {"input": "prompt", "voice": "voice_key"}


class GenerateFields(BaseModel):
    """`POST /generate`. The length of the prompt has a limit of its own, whatever `MAX_TEXT_LENGTH` says."""

    model_config = ConfigDict(extra="ignore")

    prompt: str = Field(min_length=1, max_length=5000, description="What to speak.")
    voice_key: str = Field(
        min_length=1, max_length=300, description="Path of a clip in the voice store, such as voices/system/default.wav."
    )
    temperature: Temperature = Field(0.8, description="How much one take differs from the next.")
    top_p: TopP = Field(0.95, description="Draw from the likeliest sounds that make up this share; 1 is all.")
    top_k: Annotated[int, Field(ge=1, le=TOP_K.maximum), NOT_BOOL] = Field(1000, description="Draw from this many of the likeliest sounds.")
    repetition_penalty: RepetitionPenalty = Field(1.2, description="How strongly repetitions are avoided; 1 is not at all.")
    norm_loudness: bool = Field(True, description="Even out the loudness of the clip first.")
    text_normalization: TextNormalization = Field("auto", description=TEXT_NORMALIZATION)


def resonance_routes(service: SpeechService, voices: StoredVoices) -> Blueprint:
    routes = Blueprint("resonance", __name__)

    @routes.post("/generate", policy=SPEAKING)
    def generate() -> Response:
        fields = validate_unprocessable(GenerateFields, read_object(request))
        try:
            return speak(fields)
        except (TTSError, Cancelled, HTTPException):
            raise
        except Exception as error:
            raise EngineFailure("Internal server error. See the server's log.") from error

    def speak(fields: GenerateFields) -> Response:
        speech_fields = SpeechFields.model_validate({"input": fields.prompt, **fields.model_dump(exclude={"prompt", "voice_key"})})
        with naming(PARAMS):
            speech_request = service.create_request(speech_fields, voices.reference(fields.voice_key), AudioFormat.WAV)
            defaults = frozenset(speech_request.controls) - fields.model_fields_set
            return whole_audio(service.synthesizer.synthesize(replace(speech_request, default_controls=defaults)))

    @routes.errorhandler(TTSError)
    def describe_error(error: TTSError) -> Response:
        status, detail = _status_and_detail(error)
        return failure_reply(error, {"detail": detail}, status)

    return routes


def _status_and_detail(error: TTSError) -> tuple[int, Any]:
    """Return the status and the `detail` of an error in Resonance's dialect."""
    if isinstance(error, Unauthorized):
        return 403, "Invalid API key"
    if isinstance(error, InvalidFields):
        return error.status, error.detail
    if isinstance(error, (VoiceNotFound, InvalidReference, UnsupportedAudio)):
        return 400, error.message
    if isinstance(error, InvalidRequest):
        return 422, [{"loc": ["body", *([error.param] if error.param else [])], "msg": error.message, "type": error.code}]
    if error.status == 500:
        return 500, f"Failed to generate audio: {error.message}"
    return error.status, error.message
