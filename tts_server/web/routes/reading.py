"""`POST /v1/text/normalize`: the spoken form of a text, without synthesis."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, jsonify, request

from tts_server.text.inline_tags import RATE_TAG
from tts_server.text.phonemes import without_phonemes
from tts_server.web.policy import SPEAKING
from tts_server.web.schema.payload import read_payload
from tts_server.web.speech_service import SpeechService

FIELDS = frozenset(
    {"input", "language", "model", "voice", "text_normalization", "normalization_options", "pronunciation_dictionary_locators"}
)
"""The fields of a speech request that decide how its text is read."""

NORMALIZING = replace(SPEAKING, is_queued=False, is_rate_limited=False)


def reading_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("reading", __name__)

    @routes.post("/v1/text/normalize", policy=NORMALIZING)
    def normalize_text() -> Response:
        """Offsets count characters (code points) of `input`."""
        payload = {name: value for name, value in read_payload(request).items() if name in FIELDS}
        fields = service.parse_fields(payload)
        reading, segments = service.synthesizer.preview(fields.to_request())
        spoken = []
        for segment in segments:
            start, end = reading.edited.source_span(segment.start, segment.end)
            words = without_phonemes(RATE_TAG.sub("", segment.text))
            spoken.append({"text": words, "start": start, "end": end, "pause_after": round(segment.pause_after, 3)})
        changes = [
            {"start": edit.start, "end": edit.end, "from": fields.input[edit.start : edit.end], "to": edit.text, "rule": edit.rule}
            for edit in reading.changes()
        ]
        return jsonify(
            {
                "text": reading.words,
                "language": reading.language,
                "segments": spoken,
                "changes": changes,
                "removed_voices": list(reading.removed_voices),
            }
        )

    return routes
