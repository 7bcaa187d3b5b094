"""The simple protocol: a JSON message in; PCM frames out, each prefixed by its length; a JSON message at the end."""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, InvalidRequest, TTSError
from tts_server.speech import AudioFormat
from tts_server.web.middleware.failures import error_event
from tts_server.web.realtime.bounds import MAX_ID_CHARACTERS, MAX_OPTIONS_BYTES, check_id
from tts_server.web.realtime.job_queue import JobQueue, client_error, pcm_pieces
from tts_server.web.realtime.socket import WebSocket
from tts_server.web.responses import response_object
from tts_server.web.routes.responses_api import speech_payload
from tts_server.web.schema.fields import SpeechFields
from tts_server.web.speech_service import SpeechService

LENGTH = struct.Struct(">I")
CANCEL = "response.cancel"


class SimpleProtocol:
    """Speaks the text of each message, one after another. `model` is the default of messages that name none."""

    def __init__(self, socket: WebSocket, jobs: JobQueue, service: SpeechService, model: str | None) -> None:
        self._socket = socket
        self._jobs = jobs
        self._service = service
        self._model = model
        self._cancellation = Cancellation()

    def receive(self, message: dict[str, Any]) -> None:
        if message.get("type") == CANCEL:
            self._cancellation.cancel()
            self._cancellation = Cancellation()
            return
        check_id(message.get("id"), "id")
        fields = self._fields(message)
        self._jobs.submit(partial(self._speak, fields, _echoed(message), self._cancellation))

    def fail(self, error: TTSError, message: dict[str, Any]) -> None:
        self._send({**error_event(error), **_echoed(message)})

    def _fields(self, message: dict[str, Any]) -> SpeechFields:
        payload = speech_payload({"model": self._model, **message, "input": message.get("input") or message.get("text")})
        fields = self._service.parse_fields(payload)
        if fields.response_format not in (None, AudioFormat.PCM):
            raise InvalidRequest("audio.format: this protocol supports only 'pcm16'.", param="audio.format")
        if fields.voice_b64 is not None or fields.voice_url is not None:
            raise InvalidRequest("This protocol accepts no reference clip. Create a voice, or use /v1/audio/speech.", param="voice")
        if len(fields.model_dump_json(exclude={"input"})) > MAX_OPTIONS_BYTES:
            raise InvalidRequest(f"The fields other than the text may have at most {MAX_OPTIONS_BYTES} bytes of JSON.", code="too_large")
        return fields

    def _speak(self, fields: SpeechFields, echoed: dict[str, Any], cancellation: Cancellation) -> None:
        try:
            audio = self._service.synthesize(fields, None, AudioFormat.PCM)
            part = {"type": "output_audio", "transcript": audio.plan.transcript, "format": "pcm16", "sample_rate": audio.plan.sample_rate}
            status = "completed"
            try:
                with self._socket.closing.calling(cancellation.cancel), audio.metrics.request():
                    for data in pcm_pieces(self._service, audio, self._socket, cancellation):
                        self._socket.send_bytes(LENGTH.pack(len(data)) + data)
            except Cancelled:
                status = "cancelled"
            response = {**response_object(audio, uuid.uuid4().hex, part), "status": status}
            self._send({"type": "response.completed", "response": response, **echoed})
        except Cancelled:
            raise
        except Exception as error:
            self.fail(client_error(error), echoed)

    def _send(self, payload: dict[str, Any]) -> None:
        self._socket.send_text(json.dumps(payload, separators=(",", ":")))


def _echoed(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `id` of a client's message, which is repeated in its replies."""
    given = message.get("id")
    return {"id": given} if isinstance(given, int) or (isinstance(given, str) and len(given) <= MAX_ID_CHARACTERS) else {}
