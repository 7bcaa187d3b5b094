"""The API of devnen's Chatterbox server, which SillyTavern's Chatterbox provider speaks from a browser."""

from __future__ import annotations

import zlib
from pathlib import PurePosixPath
from typing import Annotated, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tts_server.controls import NOT_BOOL, CfgWeight, Speed, Temperature, Whole
from tts_server.errors import VoiceNotFound
from tts_server.ranges import EXAGGERATION, SEED
from tts_server.speech import AudioFormat, Voice
from tts_server.synthesis.voices import VoiceResolver
from tts_server.voices.names import MAX_COMPARED
from tts_server.web.policy import LISTING, SPEAKING, SPEAKING_BY_GET
from tts_server.web.responses import streamed_audio, whole_audio
from tts_server.web.schema.fields import TEXT_NORMALIZATION, SpeechFields, TextNormalization, lowercase
from tts_server.web.schema.validation import UnprocessableFields, naming, read_object, validate_unprocessable
from tts_server.web.speech_service import SpeechService

NO_VOICE = "s1"
"""The voice that SillyTavern sends where its user has chosen none."""

PARAMS = {"input": "text", "speed": "speed_factor"}


class TtsFields(BaseModel):
    """`POST /tts` and `GET /tts-stream`. The server divides texts by its own rules, so `split_text` and `chunk_size` have no effect.

    SillyTavern's slider of `exaggeration` starts at 0; values outside of the models' range are clamped. A seed below 1 means any.
    """

    model_config = ConfigDict(extra="ignore")

    text: str = Field(min_length=1, description="What to speak.")
    voice_mode: Annotated[Literal["predefined", "clone"], BeforeValidator(lowercase)] = Field(
        "predefined", description="Which of the next two names the voice."
    )
    predefined_voice_id: str | None = Field(
        None, max_length=MAX_COMPARED, description="A voice, with or without the ending of its file; S1 means the default one."
    )
    reference_audio_filename: str | None = Field(
        None, max_length=MAX_COMPARED, description="A file of the folder of voices, for voice_mode clone."
    )
    output_format: Annotated[Literal["wav", "opus", "mp3"], BeforeValidator(lowercase)] = Field(
        "wav", description="Container and codec of the audio; opus is Ogg Opus."
    )
    temperature: Temperature | None = Field(None, description="How much one take differs from the next.")
    exaggeration: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False), AfterValidator(EXAGGERATION.clamp), NOT_BOOL] | None = Field(
        None, description="How strongly it acts; below 0.25 counts as 0.25, above 2 as 2."
    )
    cfg_weight: CfgWeight | None = Field(None, description="How closely it keeps to the text's pace; lower is slower and calmer.")
    seed: Annotated[int, Field(ge=-1, le=SEED.maximum), NOT_BOOL] | None = Field(
        None, description="The same seed gives the same samples; below 1 means any."
    )
    speed_factor: Speed = Field(1.0, description="Tempo; the pitch stays.")
    language: str | None = Field(None, max_length=35, description="Language code, for models of several languages.")
    text_normalization: TextNormalization = Field("auto", description=TEXT_NORMALIZATION)
    split_text: bool = Field(True, description="Accepted. The text is cut at sentences by the server's own rules.")
    chunk_size: Whole = Field(120, ge=1, description="Accepted. The text is cut at sentences by the server's own rules.")
    stream: bool = Field(False, description="Send audio from the first sound on. Not read in a query, which always streams.")


def sillytavern_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("sillytavern", __name__)
    voices = service.synthesizer.voices

    @routes.get("/get_predefined_voices", policy=LISTING)
    def list_predefined_voices() -> Response:
        """All voices; those without a file are listed by their id."""
        return jsonify([{"display_name": voice.name, "filename": _file_name(voice)} for voice in voices.all()])

    @routes.get("/get_reference_files", policy=LISTING)
    def list_reference_files() -> Response:
        return jsonify([_file_name(voice) for voice in _clips(voices)])

    @routes.post("/tts", policy=SPEAKING)
    def speak() -> Response:
        fields = validate_unprocessable(TtsFields, read_object(request))
        return _respond(service, fields, is_streamed=fields.stream, place="body")

    @routes.get("/tts-stream", policy=SPEAKING_BY_GET)
    def stream() -> Response:
        if request.method == "HEAD":
            # The length is not known before the audio is made.
            return Response(iter(()), content_type=AudioFormat.WAV.content_type, headers={"Accept-Ranges": "bytes"})
        fields = validate_unprocessable(TtsFields, request.args.to_dict(), "query")
        if "Range" not in request.headers:
            return _respond(service, fields, is_streamed=True, place="query")
        # Safari requests one part and then others, which must come from the same take.
        if not fields.seed or fields.seed < 1:
            fields = fields.model_copy(update={"seed": 1 + zlib.crc32(request.query_string)})
        return _respond(service, fields, is_streamed=False, place="query", has_ranges=True)

    return routes


def _respond(service: SpeechService, fields: TtsFields, *, is_streamed: bool, place: str, has_ranges: bool = False) -> Response:
    longest = service.options.max_text_length
    if len(fields.text) > longest:
        message = f"String should have at most {longest} characters"
        raise UnprocessableFields([{"loc": [place, "text"], "msg": message, "type": "string_too_long"}])
    speech_fields = SpeechFields.model_validate(
        {
            "input": fields.text,
            "voice": _voice_name(service.synthesizer.voices, fields, place),
            "response_format": fields.output_format,
            "speed": fields.speed_factor,
            "language": fields.language,
            "text_normalization": fields.text_normalization,
            "temperature": fields.temperature,
            "exaggeration": fields.exaggeration,
            "cfg_weight": fields.cfg_weight,
            "seed": fields.seed if fields.seed and fields.seed > 0 else None,
        }
    )
    with naming({**PARAMS, "voice": "reference_audio_filename" if fields.voice_mode == "clone" else "predefined_voice_id"}):
        audio = service.synthesize(speech_fields, None, AudioFormat.WAV)
        return streamed_audio(audio) if is_streamed else whole_audio(audio, has_ranges=has_ranges)


def _voice_name(voices: VoiceResolver, fields: TtsFields, place: str) -> str | None:
    """Return the name of the voice; None for the default one."""
    if fields.voice_mode == "predefined":
        given = fields.predefined_voice_id
        return None if given is None or given.lower() == NO_VOICE else given
    if fields.reference_audio_filename is None:
        message = "Field required when voice_mode is 'clone'"
        raise UnprocessableFields([{"loc": [place, "reference_audio_filename"], "msg": message, "type": "missing"}])
    clips = _clips(voices)
    found = voices.find(fields.reference_audio_filename, builtin=())
    if found is None or found.id not in {voice.id for voice in clips}:
        names = ", ".join(map(_file_name, clips)) or "none"
        raise VoiceNotFound(
            f"There is no reference file {fields.reference_audio_filename!r}. Known files: {names}.", param="reference_audio_filename"
        )
    return found.id


def _clips(voices: VoiceResolver) -> list[Voice]:
    """Return the voices that are files."""
    return [voice for voice in voices.all() if voice.path is not None]


def _file_name(voice: Voice) -> str:
    return PurePosixPath(voice.path).name if voice.path else voice.id
