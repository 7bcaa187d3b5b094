"""The voices a client can name."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from tts_server.speech import Voice
from tts_server.synthesis import Synthesizer


def voice_routes(synthesizer: Synthesizer) -> Blueprint:
    routes = Blueprint("voices", __name__)

    def describe(voice: Voice) -> dict[str, Any]:
        return {
            "id": voice.id,
            "object": "voice",
            "name": voice.name,
            "origin": voice.origin,
            "description": voice.description,
            "gender": voice.gender,
            "language": voice.language,
            "wav_path": voice.path,
        }

    @routes.get("/v1/voices")
    def list_voices() -> Response:
        voices = [describe(voice) for voice in synthesizer.voices()]
        return jsonify({"object": "list", "data": voices, "default": synthesizer.default_voice})

    @routes.get("/v1/audio/voices")
    def list_audio_voices() -> Response:
        voices = synthesizer.voices()
        if request.args.get("legacy", "").lower() in ("true", "1"):
            return jsonify({"voices": [voice.id for voice in voices]})
        return jsonify({"voices": [{"id": voice.id, "name": voice.name} for voice in voices]})

    return routes
