"""OpenAI's speech routes, and the chatterbox-api dialect on the same address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, g, request

from tts_server.errors import InvalidRequest, VoiceNotFound
from tts_server.planned_speech import Speech
from tts_server.speech import AudioFormat, SpeechRequest, VoiceReference
from tts_server.synthesis import Synthesizer
from tts_server.web.checks import has_admin_key
from tts_server.web.fields import SpeechFields, VoiceId, parse_fields, read_payload
from tts_server.web.options import WebOptions
from tts_server.web.policy import SPEAKING
from tts_server.web.references import ReferenceReader
from tts_server.web.responses import EVENT_STREAM, openai_events, response_events, streamed_audio, whole_audio


@dataclass(frozen=True)
class Permissions:
    """What the caller of a request decides about its speech: the part of the cache that it uses, and whether it may have models loaded."""

    cache_scope: str = ""
    may_load: bool = False
    is_admin: bool = False

    def fields(self) -> dict[str, Any]:
        """As arguments of a SpeechRequest."""
        return {"cache_scope": self.cache_scope, "may_load": self.may_load}


@dataclass(frozen=True)
class SpeechDesk:
    """What every speech route needs: the rules for fields, the reader of clips, the synthesizer.

    `caller` holds the permissions where the desk is used after the request of its caller.
    """

    synthesizer: Synthesizer
    references: ReferenceReader
    options: WebOptions
    caller: Permissions | None = None

    def permissions(self) -> Permissions:
        """Those of `caller`, or of the current request's. The cache has a part of its own for each key where it is private."""
        if self.caller is not None:
            return self.caller
        access = g.access
        is_private = access.key is not None and self.options.is_cache_private
        return Permissions(access.key.digests[0].hex() if is_private else "", access.may_load_models, has_admin_key(access))

    def for_caller(self) -> SpeechDesk:
        """The same for the caller of the current request, to be used after it."""
        return replace(self, caller=self.permissions())

    def fields(self) -> SpeechFields:
        return parse_fields(read_payload(request), self.options.max_text_length)

    def plan(self, fields: SpeechFields, reference: VoiceReference | None, default_format: AudioFormat) -> Speech:
        """Checked speech for the current request."""
        speech = SpeechRequest(
            text=fields.input,
            model=fields.model,
            voice=fields.voice_name,
            reference=reference,
            format=fields.response_format or default_format,
            sample_rate=fields.sample_rate or self.options.sample_rate,
            speed=fields.speed,
            language=fields.language,
            seed=fields.seed,
            controls=fields.controls(),
            cache=fields.may_use_cache(request),
            **self.permissions().fields(),
            **fields.reading(),
        )
        try:
            return self.synthesizer.plan(speech)
        except VoiceNotFound as error:
            if isinstance(fields.voice, VoiceId):
                raise InvalidRequest(error.message, param="voice", code=error.code) from error
            raise

    def respond(self, fields: SpeechFields, speech: Speech) -> Response:
        """The reply in the manner that was asked for: whole, streamed, or as events."""
        if fields.stream_format == "sse":
            return openai_events(speech)
        if EVENT_STREAM in request.headers.get("Accept", "") and speech.request.format is AudioFormat.PCM:
            return response_events(speech)
        return streamed_audio(speech) if fields.stream else whole_audio(speech)


def openai_routes(desk: SpeechDesk) -> Blueprint:
    """`/v1/audio/speech` and `/v1/audio/speech/stream`."""
    routes = Blueprint("openai", __name__)

    @routes.post("/v1/audio/speech", policy=SPEAKING)
    def create_speech() -> Response:
        fields = desk.fields()
        reference = desk.references.from_request(request, fields)
        speech = desk.plan(fields, reference, AudioFormat.MP3)
        return desk.respond(fields, speech)

    @routes.post("/v1/audio/speech/stream", policy=SPEAKING)
    def stream_speech() -> Response:
        fields = desk.fields().model_copy(update={"response_format": AudioFormat.WAV})
        reference = desk.references.from_request(request, fields)
        return streamed_audio(desk.plan(fields, reference, AudioFormat.WAV))

    return routes
