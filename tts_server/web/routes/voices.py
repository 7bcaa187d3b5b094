"""The routes of voices: list, create, change, download, preview and delete."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request, send_file

from tts_server.audio.encoders import create_encoder
from tts_server.audio.pcm import to_s16
from tts_server.audio.quality import ClipReport, describe
from tts_server.errors import Conflict, InvalidRequest, NotFound, VoiceNotFound
from tts_server.speech import AudioFormat, SpeechRequest, Voice, VoiceReference
from tts_server.voices.names import checked_name, name_key
from tts_server.voices.registry import VoiceEntry
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.policy import ADMIN_READING, LISTING, READING, SPEAKING_BY_GET, VOICE_CHANGE, Authorization
from tts_server.web.responses import whole_audio
from tts_server.web.route_map import protect
from tts_server.web.schema.payload import read_payload
from tts_server.web.schema.validation import validate
from tts_server.web.speech_service import SpeechService

AUDIO_FIELDS = ("audio", "audio_sample", "file")
OPENAI_AUDIO_FIELDS = ("audio_sample", "audio", "file")
ENTRY_FIELDS = ("aliases", "language", "description", "controls", "pronunciation_dictionary_locators")
MAX_ENTRY_CHARACTERS = 20_000
PREVIEW_TEXT = "Hello! This is how I sound when I read a sentence aloud."
PREVIEW_SEED = 1
CONTENT_TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".m4a": "audio/mp4"}

VOICE_WRITE = replace(VOICE_CHANGE, is_queued=True, is_rate_limited=True)
"""A change that reads or writes recordings, which takes about as long as the synthesis of a sentence."""

RECORDING = replace(READING, authorization=Authorization.VOICES, is_queued=True, is_rate_limited=True)


def voice_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("voices", __name__)
    for prefix in ("/v1/voices", "/v1/audio/voices"):
        protect(routes, prefix, unsafe=VOICE_CHANGE)
    protect(routes, "/admin/reload-voices", unsafe=VOICE_CHANGE, safe=ADMIN_READING)
    synthesizer, library = service.synthesizer, service.synthesizer.library
    voices = synthesizer.voices

    def find_voice(name: str) -> Voice:
        """Return the voice of this name or alias. Built-in voices take precedence."""
        found = voices.find(name)
        if found is None:
            raise VoiceNotFound(f"There is no voice {name!r}.", param="voice")
        return found

    def check_not_default(voice_id: str) -> None:
        if name_key(voice_id) == name_key(voices.default):
            message = f"{voice_id!r} is the default voice (DEFAULT_VOICE_NAME) and cannot be renamed or deleted while the server runs."
            raise Conflict(message, code="default_voice")

    def check_dictionaries(entry: VoiceEntry) -> None:
        locators = ((one.pronunciation_dictionary_id, one.version_id) for one in entry.pronunciation_dictionary_locators)
        service.options.dictionaries.check(locators)

    def create(entry: VoiceEntry, audio_fields: tuple[str, ...]) -> tuple[Voice, ClipReport]:
        given = request.form.get("name")
        if not given:
            raise InvalidRequest("name: a name is required.", param="name", code="missing")
        name = checked_name(given)
        check_dictionaries(entry)
        library.check_free(name, entry.aliases)  # before the clip is decoded; checked again when the voice is written
        clip = service.references.from_upload(request, audio_fields)
        data, stored_clip = as_flac(clip)
        return library.create(name, data, stored_clip, entry), describe(clip)

    @routes.get("/v1/voices", policy=LISTING)
    def list_voices() -> Response:
        data = [describe_voice(voice) for voice in voices.all()]
        return jsonify({"object": "list", "data": data, "default": voices.default})

    @routes.get("/v1/audio/voices", policy=LISTING)
    def list_audio_voices() -> Response:
        if request.args.get("legacy", "").lower() in ("true", "1"):
            return jsonify({"voices": [voice.id for voice in voices.all()]})
        return jsonify({"voices": [{"id": voice.id, "name": voice.name} for voice in voices.all()]})

    @routes.post("/v1/voices", policy=VOICE_WRITE)
    def create_voice() -> Response:
        voice, report = create(read_entry(form_fields()), AUDIO_FIELDS)
        response = jsonify({**describe_voice(voice), "quality": quality(report)})
        response.status_code = 201
        return response

    @routes.post("/v1/audio/voices", policy=VOICE_WRITE)
    def create_audio_voice() -> Response:
        """OpenAI's route. `consent` is accepted and ignored; voices cannot be created from a description."""
        if request.form.get("type", "audio_sample") != "audio_sample":
            raise InvalidRequest("type: this server creates voices from recordings only; send one as 'audio_sample'.", param="type")
        voice, _ = create(VoiceEntry(), OPENAI_AUDIO_FIELDS)
        answer = {"id": voice.id, "object": "audio.voice", "created_at": int(time.time()), "name": voice.name, "type": "audio_sample"}
        return jsonify(answer)

    @routes.get("/v1/voices/<voice_id>", policy=LISTING)
    def get_voice(voice_id: str) -> Response:
        return jsonify(describe_voice(find_voice(voice_id)))

    @routes.patch("/v1/voices/<voice_id>", policy=VOICE_WRITE)
    def change_voice(voice_id: str) -> Response:
        fields = form_fields() if request.form else read_payload(request)
        given = [name for name in ENTRY_FIELDS if name in fields]
        entry = read_entry(fields)
        check_dictionaries(entry)
        name = fields.get("name") or None
        if name is not None:
            if not isinstance(name, str):
                raise InvalidRequest("name: must be a string.", param="name", code="invalid_name")
            if name_key(name) != name_key(voice_id):
                check_not_default(voice_id)
        return jsonify(describe_voice(library.change(voice_id, name, {field: getattr(entry, field) for field in given})))

    @routes.delete("/v1/voices/<voice_id>", policy=VOICE_CHANGE)
    def delete_voice(voice_id: str) -> Response:
        check_not_default(voice_id)
        return jsonify({"id": library.delete(voice_id), "object": "voice.deleted", "deleted": True})

    @routes.delete("/v1/audio/voices/<voice_id>", policy=VOICE_CHANGE)
    def delete_audio_voice(voice_id: str) -> Response:
        check_not_default(voice_id)
        return jsonify({"id": library.delete(voice_id), "object": "audio.voice.deleted", "deleted": True})

    @routes.get("/v1/voices/<voice_id>/audio", policy=RECORDING)
    def download_voice(voice_id: str) -> Response:
        voice = find_voice(voice_id)
        if voice.origin == "builtin":
            raise NotFound(f"The built-in voice {voice.id!r} has no recording. Listen to it at /v1/voices/{voice.id}/preview.")
        path = library.path(voice.id)
        # Read completely: on Windows an open file could not be renamed or deleted.
        data = library.recording(voice.id)
        return send_file(io.BytesIO(data), CONTENT_TYPES[path.suffix.lower()], as_attachment=True, download_name=path.name)

    @routes.get("/v1/voices/<voice_id>/preview", policy=SPEAKING_BY_GET)
    def preview_voice(voice_id: str) -> Response:
        """A fixed sentence, spoken by the default model or the one in `?model=`."""
        if request.method == "HEAD":
            # Without Content-Length, which only the synthesis would determine.
            return Response(iter(()), content_type=AudioFormat.MP3.content_type, headers={"Accept-Ranges": "bytes"})
        sentence = SpeechRequest(
            PREVIEW_TEXT,
            model=request.args.get("model") or None,
            voice=find_voice(voice_id).id,
            format=AudioFormat.MP3,
            sample_rate=service.options.sample_rate,
            language="en",
            seed=PREVIEW_SEED,
            may_load=False,  # a GET changes nothing
        )
        return whole_audio(synthesizer.synthesize(sentence), has_ranges=True)

    @routes.post("/admin/reload-voices", policy=VOICE_CHANGE)
    def reload_voices() -> Response:
        found = library.reload()
        return jsonify(
            {
                "status": "ok",
                "loaded": list(found.voices),
                "failed": list(found.failed),
                "total": len(found.voices),
                "added": list(found.added),
                "dropped": list(found.dropped),
                "problems": list(found.problems),
            }
        )

    return routes


def describe_voice(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "object": "voice",
        "name": voice.name,
        "origin": voice.origin,
        "description": voice.description,
        "gender": voice.gender,
        "language": voice.language,
        "aliases": list(voice.aliases),
        "controls": dict(voice.controls),
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": dictionary_id, "version_id": version_id} for dictionary_id, version_id in voice.dictionaries
        ],
        "removable": voice.is_removable,
        "wav_path": voice.path,
    }


def quality(report: ClipReport) -> dict[str, Any]:
    """Return the report on a clip: its measures, each with advice."""
    measures = {name: asdict(measure) for name, measure in report.measures().items()}
    for measure in measures.values():
        measure["value"] = round(measure["value"], 3)
        measure["good"] = measure.pop("is_good")
    return {"good": not report.problems, "problems": report.problems, "measures": measures}


def as_flac(clip: VoiceReference) -> tuple[bytes, VoiceReference]:
    """Return the clip as a FLAC file, and as a reference with the samples and digest of that file."""
    encoder = create_encoder(AudioFormat.FLAC, clip.sample_rate, streamed=False)
    try:
        data = encoder.encode(clip.samples) + encoder.flush()
    finally:
        encoder.close()
    samples = np.frombuffer(to_s16(clip.samples), dtype="<i2").astype(np.float32) / np.float32(32768)
    return data, replace(clip, samples=samples, digest=hashlib.sha256(data).hexdigest(), param=None)


def form_fields() -> dict[str, Any]:
    """Return the fields of a form. Lists and objects are JSON; aliases may also be repeated fields or separated by commas."""
    fields: dict[str, Any] = dict(request.form)
    for name in (name for name in ENTRY_FIELDS if len(fields.get(name, "")) > MAX_ENTRY_CHARACTERS):
        message = f"at most {MAX_ENTRY_CHARACTERS} characters are allowed"
        raise InvalidFields([{"loc": ["body", name], "msg": message, "type": "string_too_long"}])
    if "aliases" in fields:
        given = request.form.getlist("aliases")
        if given[0].lstrip().startswith("["):
            fields["aliases"] = _from_json("aliases", given[0])
        else:
            fields["aliases"] = [alias for text in given for alias in text.split(",") if alias.strip()]
    for name in ("controls", "pronunciation_dictionary_locators"):
        if fields.get(name):
            fields[name] = _from_json(name, fields[name])
    return fields


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFields([{"loc": ["body", name], "msg": "must be JSON", "type": "json_invalid"}]) from error


def read_entry(fields: Mapping[str, Any]) -> VoiceEntry:
    """Return the properties of a voice in `fields`; null and empty strings mean "not given". Raises InvalidFields for each invalid one."""
    given = {name: fields[name] for name in ENTRY_FIELDS if fields.get(name) not in (None, "")}
    return validate(VoiceEntry, given, "body", is_nested=True)
