"""The part of OpenAI's Realtime protocol that concerns speech output: the session, the conversation and responses."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, InvalidRequest, TTSError, VoiceNotFound
from tts_server.web.realtime.bounds import MAX_ID_CHARACTERS, check_session, shorten
from tts_server.web.realtime.conversation import Conversation, text_of
from tts_server.web.realtime.fields import Item, Output, ResponseFields, SessionFields, validate_part
from tts_server.web.realtime.job_queue import JobQueue
from tts_server.web.realtime.pieces import TextFeed
from tts_server.web.realtime.response import SAMPLE_RATE, Response, new_id
from tts_server.web.realtime.socket import WebSocket
from tts_server.web.speech_service import SpeechService

CLIENT_EVENTS = frozenset(
    {
        "session.update",
        "conversation.item.create",
        "conversation.item.delete",
        "conversation.item.retrieve",
        "conversation.item.truncate",
        "response.create",
        "response.cancel",
        "input_text_buffer.append",
        "input_text_buffer.commit",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "output_audio_buffer.clear",
    }
)
FORMAT = {"type": "audio/pcm", "rate": SAMPLE_RATE}


class OpenAIProtocol:
    """One session of the protocol. The reading thread calls `receive`; the speaker's thread speaks the responses in order.

    Two events extend OpenAI's, for text that is still being written: `input_text_buffer.append` with a `delta`, and
    `input_text_buffer.commit`. The first `append` starts a response, which speaks each sentence as soon as it is complete.
    """

    def __init__(self, socket: WebSocket, jobs: JobQueue, service: SpeechService, model: str | None) -> None:
        self._socket = socket
        self._jobs = jobs
        self._service = service
        self._model = model
        self._conversation = Conversation(new_id("conv"))
        self._session = self._default_session()
        # The response that `append` feeds. Set by the reading thread.
        self._feed: tuple[TextFeed, Response] | None = None
        self._lock = threading.Lock()
        # Responses that are spoken or wait. Guarded by the lock.
        self._responses: deque[Response] = deque()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "session.update": self._update_session,
            "conversation.item.create": self._create_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel,
            "input_text_buffer.append": self._append_text,
            "input_text_buffer.commit": self._commit_text,
            "input_audio_buffer.clear": lambda _: self._send("input_audio_buffer.cleared"),
        }

    @property
    def is_waiting_for_text(self) -> bool:
        """Whether the current response waits for more text from the client."""
        feed = self._feed
        return feed is not None and feed[0].is_waiting

    def start(self) -> None:
        """Send `session.created`."""
        self._send("session.created", session=self._session)

    def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None and isinstance(kind, str) and kind.startswith(("input_audio_buffer.", "output_audio_buffer.")):
            raise InvalidRequest("type: audio input is not supported; send text.", param="type")
        if handler is None:
            raise InvalidRequest(f"type: unknown event type {shorten(kind)}. Supported: {', '.join(self._handlers)}.", param="type")
        handler(message)

    def fail(self, error: TTSError, message: dict[str, Any]) -> None:
        fields = {"type": error.type, "code": error.code, "message": error.message, "param": error.param}
        self._send("error", error={**fields, "event_id": _event_id(message)})

    def _default_session(self) -> dict[str, Any]:
        audio_input = {"format": FORMAT, "transcription": None, "noise_reduction": None, "turn_detection": None}
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": new_id("sess"),
            "model": self._model or self._service.synthesizer.catalog.default,
            "output_modalities": ["audio"],
            "instructions": "",
            "audio": {"input": audio_input, "output": {"format": FORMAT, "voice": self._service.synthesizer.voices.default, "speed": 1.0}},
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "include": None,
        }

    def _update_session(self, event: dict[str, Any]) -> None:
        fields = validate_part(SessionFields, event.get("session"), "session")
        changes = fields.model_dump(include=fields.model_fields_set - {"audio"}, exclude_none=True)
        audio = dict(self._session["audio"])
        if fields.audio is not None and fields.audio.input is not None:
            audio["input"] = {**audio["input"], **fields.audio.input}
        if fields.audio is not None and fields.audio.output is not None:
            audio["output"] = self._merged(audio["output"], fields.audio.output)
        session = {**self._session, **changes, "audio": audio}
        given = {f"session.{name}": value for name, value in changes.items()}
        check_session(
            session, given if audio["input"] is self._session["audio"]["input"] else {**given, "session.audio.input": audio["input"]}
        )
        self._session = session
        self._send("session.updated", session=self._session)

    def _merged(self, output: dict[str, Any], changes: Output) -> dict[str, Any]:
        """Return the audio options with the given changes; raises VoiceNotFound."""
        given = changes.model_dump(exclude_none=True, exclude_unset=True)
        if isinstance(given.get("voice"), dict):
            given["voice"] = given["voice"]["id"]
        if "voice" in given:
            self._check_voice(given["voice"])
        return {**output, **given, "format": FORMAT}

    def _check_voice(self, name: str) -> None:
        if len(name) > MAX_ID_CHARACTERS:
            raise VoiceNotFound(f"There is no voice {shorten(name)}.", param="audio.output.voice")
        try:
            self._service.synthesizer.voices.check(name)
        except VoiceNotFound as error:
            error.param = "audio.output.voice"
            raise

    def _create_item(self, event: dict[str, Any]) -> None:
        after = event.get("previous_item_id")
        if after is not None and not isinstance(after, str):
            raise InvalidRequest("previous_item_id: must be the id of an item, or 'root'.", param="previous_item_id")
        self._add_item(self._item(event.get("item")), after)

    def _item(self, given: Any) -> dict[str, Any]:
        fields = validate_part(Item, given, "item")
        item = fields.to_event(fields.id or new_id("item"))
        if item["role"] == "user":
            self._check_length(text_of(item), "item.content")
        return item

    def _add_item(self, item: dict[str, Any], after: str | None = None, *, is_to_speak: bool = True) -> None:
        previous = self._conversation.add(item, after=after, is_to_speak=is_to_speak and item["role"] == "user")
        self._send("conversation.item.added", previous_item_id=previous, item=item)
        self._send("conversation.item.done", previous_item_id=previous, item=item)

    def _check_length(self, text: str, param: str) -> None:
        limit = self._service.options.max_text_length
        if len(text) > limit:
            message = f"The text has {len(text)} characters; the limit is {limit}."
            raise InvalidRequest(message, param=param, code="string_too_long")

    def _delete_item(self, event: dict[str, Any]) -> None:
        item_id = self._item_id(event)
        self._conversation.remove(item_id)
        self._send("conversation.item.deleted", item_id=item_id)

    def _retrieve_item(self, event: dict[str, Any]) -> None:
        self._send("conversation.item.retrieved", item=self._conversation.get(self._item_id(event)))

    def _truncate_item(self, event: dict[str, Any]) -> None:
        """Confirm how much of an item the client played. The server does not store audio, so nothing is truncated."""
        item_id, end, index = self._item_id(event), event.get("audio_end_ms"), event.get("content_index", 0)
        self._conversation.get(item_id)
        if not isinstance(end, int) or not isinstance(index, int):
            raise InvalidRequest("audio_end_ms: must be a whole number of milliseconds.", param="audio_end_ms")
        self._send("conversation.item.truncated", item_id=item_id, content_index=index, audio_end_ms=end)

    def _item_id(self, event: dict[str, Any]) -> str:
        item_id = event.get("item_id")
        if not isinstance(item_id, str):
            raise InvalidRequest("item_id: the id of an item is required.", param="item_id", code="missing")
        return item_id

    def _create_response(self, event: dict[str, Any]) -> None:
        fields = validate_part(ResponseFields, event.get("response") or {}, "response")
        if fields.input is not None:
            text = "\n\n".join(filter(None, map(self._text_of_input, fields.input)))
        else:
            text = self._conversation.unspoken()
            if len(text) > self._service.options.max_text_length:
                self._conversation.mark_spoken()
        self._check_length(text, "input")
        self._submit(self._response(lambda _: iter([text] if text.strip() else []), fields), event)
        if fields.input is None:
            self._conversation.mark_spoken()

    def _text_of_input(self, given: dict[str, Any]) -> str:
        if given.get("type") == "item_reference":
            item = self._conversation.get(str(given.get("id")))
        else:
            item = self._item(given)
        return text_of(item) if item["role"] == "user" else ""

    def _response(self, pieces: Callable[[Cancellation], Iterator[str]], fields: ResponseFields) -> Response:
        output = self._session["audio"]["output"]
        if fields.audio is not None and fields.audio.output is not None:
            output = self._merged(output, fields.audio.output)
        return Response(
            pieces=pieces,
            model=self._model,
            output=output,
            conversation=None if fields.conversation == "none" else self._conversation,
            metadata=fields.metadata,
            max_output_tokens=fields.max_output_tokens or self._session["max_output_tokens"],
            socket=self._socket,
        )

    def _submit(self, response: Response, event: dict[str, Any]) -> None:
        # Only the id of the event is stored while the response waits, since events may be large.
        self._jobs.submit(partial(self._speak, response, {"event_id": _event_id(event)}))
        with self._lock:
            self._responses = deque(r for r in self._responses if not r.is_over)
            self._responses.append(response)

    def _speak(self, response: Response, event: dict[str, Any]) -> None:
        try:
            response.speak(self._service, self._send)
        except Cancelled:
            raise
        except TTSError as error:
            self.fail(error, event)

    def _cancel(self, event: dict[str, Any]) -> None:
        """Cancel one response by its id, or all that are spoken or wait."""
        response_id = event.get("response_id")
        with self._lock:
            running = [r for r in self._responses if not r.is_over and response_id in (None, r.id)]
        if not running:
            raise InvalidRequest("There is no response to cancel.", param="response_id", code="response_cancel_not_active")
        for response in running:
            response.cancellation.cancel()
            if self._feed is not None and self._feed[1] is response:
                self._feed = None

    def _append_text(self, event: dict[str, Any]) -> None:
        delta = event.get("delta", event.get("text"))
        if not isinstance(delta, str):
            raise InvalidRequest("delta: a string is required.", param="delta", code="missing")
        if self._feed is None or self._feed[1].is_over:
            feed = TextFeed(self._service.options.max_text_length, self._jobs.check)
            feed.append(delta)
            response = self._response(feed.pieces, ResponseFields())
            self._submit(response, event)
            self._feed = feed, response
        else:
            self._feed[0].append(delta)

    def _commit_text(self, _event: dict[str, Any]) -> None:
        if self._feed is None:
            raise InvalidRequest("There is no text to commit: send 'input_text_buffer.append' first.", code="input_text_buffer_empty")
        feed, self._feed = self._feed[0], None
        feed.complete()
        content = [{"type": "input_text", "text": feed.received}]
        item = Item.model_validate({"type": "message", "role": "user", "content": content})
        self._add_item(item.to_event(new_id("item")), is_to_speak=False)

    def _send(self, type_: str, **fields: Any) -> None:
        self._socket.send_text(json.dumps({"type": type_, "event_id": new_id("event"), **fields}, separators=(",", ":")))


def _event_id(event: dict[str, Any]) -> str | None:
    """Return the id of a client's event; None if it has none or an invalid one."""
    given = event.get("event_id")
    return given if isinstance(given, str) and len(given) <= MAX_ID_CHARACTERS else None
