"""What every speech route shares: from the fields of a request to audio and its reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, g, request

from tts_server.errors import InvalidRequest, VoiceNotFound
from tts_server.speech import AudioFormat, SpeechRequest, VoiceReference
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.web.middleware.checks import has_admin_key
from tts_server.web.options import WebOptions
from tts_server.web.references import ReferenceReader
from tts_server.web.responses import EVENT_STREAM, openai_events, response_events, streamed_audio, whole_audio
from tts_server.web.schema.fields import SpeechFields, VoiceId, parse_fields
from tts_server.web.schema.payload import read_payload


@dataclass(frozen=True)
class Caller:
    """What the client of a request decides about its speech.

    `cache_scope` is the part of the cache that it uses, `may_load` whether it may have models loaded, `is_admin` whether it goes first in
    the queue, and `may_use_cache` whether its headers allow the cache to be read and written.
    """

    cache_scope: str = ""
    may_load: bool = False
    is_admin: bool = False
    may_use_cache: bool = True


@dataclass(frozen=True)
class SpeechService:
    """Reads fields and clips, and synthesizes. `caller` is set where the service is used after the request of its client."""

    synthesizer: Synthesizer
    references: ReferenceReader
    options: WebOptions
    caller: Caller | None = None

    def current_caller(self) -> Caller:
        """Return `caller`, or the client of the current request. Where the cache is private, each key has its own part."""
        if self.caller is not None:
            return self.caller
        access = g.access
        is_private = access.key is not None and self.options.is_cache_private
        scope = access.key.digests[0].hex() if is_private else ""
        directives = {part.partition("=")[0].strip().lower() for part in request.headers.get("Cache-Control", "").split(",")}
        return Caller(scope, access.may_load_models, has_admin_key(access), not directives & {"no-cache", "no-store"})

    def for_socket(self) -> SpeechService:
        """Return the service for the client of the current request, to be used after it: its `Cache-Control` is about the handshake."""
        return replace(self, caller=replace(self.current_caller(), may_use_cache=True))

    def read_fields(self) -> SpeechFields:
        """Return the fields of the current request; raises InvalidFields."""
        return self.parse_fields(read_payload(request))

    def parse_fields(self, payload: Mapping[str, Any]) -> SpeechFields:
        """Return the validated fields of a payload; raises InvalidFields."""
        return parse_fields(payload, self.options.max_text_length)

    def create_request(
        self, fields: SpeechFields, reference: VoiceReference | None = None, default_format: AudioFormat = AudioFormat.MP3
    ) -> SpeechRequest:
        """Return what the fields ask for, on behalf of the current client."""
        caller = self.current_caller()
        return fields.to_request(
            reference=reference,
            default_format=default_format,
            default_sample_rate=self.options.sample_rate,
            cache_scope=caller.cache_scope,
            may_load=caller.may_load,
            may_use_cache=caller.may_use_cache,
        )

    def synthesize(
        self, fields: SpeechFields, reference: VoiceReference | None = None, default_format: AudioFormat = AudioFormat.MP3
    ) -> CachedAudio:
        """Return the audio of checked fields; raises the TTSError family."""
        try:
            return self.synthesizer.synthesize(self.create_request(fields, reference, default_format))
        except VoiceNotFound as error:
            if isinstance(fields.voice, VoiceId):
                raise InvalidRequest(error.message, param="voice", code=error.code) from error
            raise

    def respond(self, fields: SpeechFields, audio: CachedAudio) -> Response:
        """Return the reply in the manner that the fields ask for: whole, streamed, or as events."""
        if fields.stream_format == "sse":
            return openai_events(audio)
        if EVENT_STREAM in request.headers.get("Accept", "") and audio.plan.format is AudioFormat.PCM:
            return response_events(audio)
        return streamed_audio(audio) if fields.stream else whole_audio(audio)
