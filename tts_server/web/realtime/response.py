"""One response of OpenAI's Realtime protocol: its audio and its events."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tts_server.audio.pcm import silence, to_s16
from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, NothingToSay
from tts_server.ranges import SEED
from tts_server.speech import AudioFormat
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.text.segment import SENTENCE_PAUSE
from tts_server.web.realtime.conversation import Conversation
from tts_server.web.realtime.job_queue import client_error, pcm_pieces
from tts_server.web.realtime.socket import WebSocket
from tts_server.web.responses import usage
from tts_server.web.schema.fields import SpeechFields
from tts_server.web.speech_service import SpeechService

SAMPLE_RATE = 24000


class Send(Protocol):
    """Sends one event to the peer, with a new id."""

    def __call__(self, type_: str, **fields: Any) -> None:
        """Send an event; raises SocketClosed."""


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


@dataclass
class Response:
    """A response: the text to speak, its options and its state.

    `pieces` yields the text as it arrives. `conversation` is None for `conversation: "none"`. `output` holds the audio options of the
    session at the time of the request. `max_output_tokens` is echoed and has no effect.
    """

    pieces: Callable[[Cancellation], Iterator[str]]
    model: str | None
    output: Mapping[str, Any]
    conversation: Conversation | None
    metadata: Mapping[str, str] | None
    max_output_tokens: int | str
    socket: WebSocket
    id: str = field(default_factory=lambda: new_id("resp"))
    item_id: str = field(default_factory=lambda: new_id("item"))
    is_over: bool = False
    cancellation: Cancellation = field(default_factory=Cancellation)
    _transcripts: list[str] = field(default_factory=list)
    _tokens: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0})
    _is_begun: bool = False

    def speak(self, service: SpeechService, send: Send) -> None:
        """Speak the response and send its events; raises TTSError only before the first event was sent."""
        status = "completed"
        details: dict[str, Any] | None = None
        try:
            with self.socket.closing.calling(self.cancellation.cancel):
                self._speak_pieces(service, send)
        except Cancelled:
            status, details = "cancelled", {"type": "cancelled", "reason": "client_cancelled"}
        except Exception as error:
            failure = client_error(error)
            if not self._is_begun:
                raise failure from error
            details = {"type": "failed", "error": {"type": failure.type, "code": failure.code, "message": failure.message}}
            status = "failed"
        finally:
            self.is_over = True
        if not self._is_begun:
            send("response.created", response=self._resource("in_progress"))
        self._end(send, status, details)

    def _speak_pieces(self, service: SpeechService, send: Send) -> None:
        seed: int | None = None
        for text in self.pieces(self.cancellation):
            self.cancellation.check()
            # The first piece gets its seed as any request does; the seeds of the others are derived from it.
            fields = self._fields(text, service).model_copy(update={"seed": seed})
            try:
                audio = service.synthesize(fields, None, AudioFormat.PCM)
            except NothingToSay:
                continue
            if self._is_begun:
                self._send_audio(send, to_s16(silence(SENTENCE_PAUSE / fields.speed, SAMPLE_RATE)))
            else:
                self._begin(send)
            self._say(service, audio, send)
            seed = (audio.result.seed + 1) & SEED.maximum
        if not self._is_begun:
            raise NothingToSay("There is no text to speak. Send an item with text first.", param="input")

    def _fields(self, text: str, service: SpeechService) -> SpeechFields:
        options = {"voice": self.output["voice"], "speed": self.output["speed"], "sample_rate": SAMPLE_RATE}
        options["text_normalization"] = self.output.get("text_normalization")
        return service.parse_fields({"input": text, "model": self.model, **options})

    def _say(self, service: SpeechService, audio: CachedAudio, send: Send) -> None:
        transcript = audio.plan.transcript if not self._transcripts else f" {audio.plan.transcript}"
        self._transcripts.append(transcript)
        send("response.output_audio_transcript.delta", **self._position, delta=transcript)
        with audio.metrics.request():
            try:
                for data in pcm_pieces(service, audio, self.socket, self.cancellation):
                    self._send_audio(send, data)
            finally:
                for name, number in usage(audio).items():
                    self._tokens[name] += number

    def _send_audio(self, send: Send, data: bytes) -> None:
        if data:
            send("response.output_audio.delta", **self._position, delta=base64.b64encode(data).decode())

    def _begin(self, send: Send) -> None:
        self._is_begun = True
        send("response.created", response=self._resource("in_progress"))
        item = self._item("in_progress", [])
        send("response.output_item.added", response_id=self.id, output_index=0, item=item)
        if self.conversation is not None:
            send("conversation.item.added", previous_item_id=self.conversation.add(item), item=item)
        send("response.content_part.added", **self._position, part={"type": "audio", "transcript": ""})

    def _end(self, send: Send, status: str, details: Mapping[str, Any] | None) -> None:
        output = []
        if self._is_begun:
            transcript = "".join(self._transcripts)
            item = self._item("completed" if status == "completed" else "incomplete", [{"type": "output_audio", "transcript": transcript}])
            output.append(item)
            send("response.output_audio.done", **self._position)
            send("response.output_audio_transcript.done", **self._position, transcript=transcript)
            send("response.content_part.done", **self._position, part={"type": "audio", "transcript": transcript})
            if self.conversation is not None:
                send("conversation.item.done", previous_item_id=self.conversation.replace(item), item=item)
            send("response.output_item.done", response_id=self.id, output_index=0, item=item)
        send("response.done", response={**self._resource(status), "status_details": details, "output": output, "usage": self._usage()})

    @property
    def _position(self) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": self.item_id, "output_index": 0, "content_index": 0}

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def _resource(self, status: str) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None,
            "output": [],
            "conversation_id": self.conversation.id if self.conversation is not None else None,
            "output_modalities": ["audio"],
            "max_output_tokens": self.max_output_tokens,
            "audio": {"output": {"format": self.output["format"], "voice": self.output["voice"]}},
            "usage": None,
            "metadata": self.metadata,
        }

    def _usage(self) -> dict[str, Any]:
        details = {"text_tokens": self._tokens["input_tokens"], "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0}
        cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        return {
            **self._tokens,
            "input_token_details": {**details, "cached_tokens_details": cached},
            "output_token_details": {"text_tokens": 0, "audio_tokens": self._tokens["output_tokens"]},
        }
