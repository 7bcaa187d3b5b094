"""Audio as HTTP replies: whole, streamed, or as server-sent events."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import time
from collections.abc import Generator, Iterator, Mapping
from itertools import chain
from urllib.parse import quote

from flask import Response, current_app, g, request, stream_with_context
from werkzeug.wsgi import wrap_file

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, TTSError
from tts_server.planned_speech import Speech
from tts_server.speech import AudioFile, AudioFormat
from tts_server.web.failures import error_event
from tts_server.wsgi import CANCELLATION

TOKENS_PER_SECOND = 25
CHARACTERS_PER_TOKEN = 4
EVENT_STREAM = "text/event-stream"


def current_cancellation() -> Cancellation:
    """The cancellation of the current request; the server cancels it when the client is gone or cannot be waited for."""
    cancellation: Cancellation | None = request.environ.get(CANCELLATION)
    return cancellation or Cancellation()


def whole_audio(speech: Speech, *, has_ranges: bool = False) -> Response:
    """One file with its exact length, or the part of it that a GET asks for where it `has_ranges`.

    `X-Retries` says how many parts were made again; a stream's headers are sent before that is known.
    """
    file = finished_file(speech)
    return described(file_reply(file, speech.request.format.content_type, has_ranges=has_ranges), speech, is_whole=True)


def finished_file(speech: Speech) -> AudioFile:
    """The whole audio for the client of the current request. Close it."""
    with speech.metrics.request():
        return speech.file(current_cancellation())


def file_reply(file: AudioFile, content_type: str, *, has_ranges: bool = False) -> Response:
    """A reply whose body is the rest of a file. It is sent from the file, which is closed then, without being held in memory.

    Where it `has_ranges`, a header Range of one range is honoured: status 206, or 416 for one that lies outside.
    """
    begin = file.tell()
    length = file.seek(0, os.SEEK_END) - begin
    asked = request.range if has_ranges and "If-Range" not in request.headers else None
    is_partial = asked is not None and asked.units == "bytes" and len(asked.ranges) == 1
    start, stop = 0, length
    if asked is not None and is_partial:
        bounds = asked.range_for_length(length)
        if bounds is None:
            file.close()
            return Response(status=416, content_type=content_type, headers={"Content-Range": f"bytes */{length}"})
        start, stop = bounds
    file.seek(begin + start)
    body = wrap_file(request.environ, file)  # type: ignore[arg-type]
    response = Response(body, content_type=content_type, direct_passthrough=True)
    response.content_length = stop - start
    if has_ranges:
        response.headers["Accept-Ranges"] = "bytes"
    if is_partial:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    return response


def streamed_audio(speech: Speech) -> Response:
    """A body that starts with the first audio and goes on as more is made. What the cache has is sent with its length."""
    content_type = speech.request.format.content_type
    kept = speech.kept_file()
    if kept is None:
        return _streamed(speech.audio(current_cancellation()), speech, content_type)
    with speech.metrics.request():
        response = described(file_reply(kept, content_type), speech)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def openai_events(speech: Speech) -> Response:
    """OpenAI's own events: `speech.audio.delta` …, `speech.audio.done`."""

    def events() -> Iterator[bytes]:
        for data in speech.audio(cancellation, in_pieces=True):
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
        yield _event({"type": "speech.audio.done", "usage": usage(speech)})

    cancellation = current_cancellation()
    return _streamed(_ending_in_words(events(), speech), speech, EVENT_STREAM)


def response_events(speech: Speech) -> Response:
    """Events in the style of the Responses API: s16le PCM, or pieces of a file in another format."""

    def events() -> Iterator[bytes]:
        for index, data in enumerate(speech.audio(cancellation, in_pieces=True)):
            yield _event(
                {
                    "type": "response.output_audio.delta",
                    "index": index,
                    "audio": base64.b64encode(data).decode(),
                    "format": name,
                    "sample_rate": speech.sample_rate,
                }
            )
        part: dict[str, object] = {
            "type": "output_audio",
            "transcript": speech.transcript,
            "format": name,
            "sample_rate": speech.sample_rate,
        }
        yield _event({"type": "response.completed", "response": response_object(speech, request_id, part)})
        yield b"data: [DONE]\n\n"

    name = "pcm16" if speech.request.format is AudioFormat.PCM else speech.request.format.value
    request_id = g.request_id
    cancellation = current_cancellation()
    return _streamed(_ending_in_words(events(), speech), speech, EVENT_STREAM)


def response_object(speech: Speech, request_id: str, part: Mapping[str, object]) -> dict[str, object]:
    """Finished speech as OpenAI's Responses API describes a response; `part` is the content of its one message."""
    message = {"id": f"msg_{request_id}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    details = {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    now = int(time.time())
    return {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": now,
        "completed_at": now,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": speech.model,
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "usage": {**usage(speech), **details},
    }


def usage(speech: Speech) -> dict[str, int]:
    """Token counts as OpenAI's events carry them: 4 characters a token in, 25 speech tokens a second out."""
    tokens_in = math.ceil(len(speech.transcript) / CHARACTERS_PER_TOKEN)
    tokens_out = math.ceil(speech.seconds_made * TOKENS_PER_SECOND)
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _event(payload: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def _ending_in_words(events: Iterator[bytes], speech: Speech) -> Iterator[bytes]:
    """A failure after the first event is told as an event, since the status is sent."""
    is_started = False
    try:
        for event in events:
            yield event
            is_started = True
    except TTSError as error:
        if not is_started:
            raise
        speech.metrics.count_error(error.code)
        current_app.logger.error("stream failed: %s", error.message, exc_info=error.__cause__)
        yield _event(error_event(error))


def _streamed(chunks: Iterator[bytes], speech: Speech, content_type: str) -> Response:
    """Pull the first chunk before the reply exists, so that a failure before it is a real status."""

    def counted() -> Generator[bytes, None, None]:
        try:
            with contextlib.suppress(Cancelled), speech.metrics.request():
                yield from chunks
        except TTSError as error:
            if is_begun:  # else the error becomes the reply, and is counted there
                speech.metrics.count_error(error.code)
            raise

    is_begun = False
    running = counted()
    first = next(running, b"")
    is_begun = True
    body = _Closing(chain([first], running), running)
    response = Response(stream_with_context(body), content_type=content_type)
    response.call_on_close(running.close)
    if speech.num_bytes is not None and content_type != EVENT_STREAM:  # another request has just put it into the cache
        response.content_length = speech.num_bytes
    response.headers["X-Accel-Buffering"] = "no"
    if content_type == EVENT_STREAM:
        response.headers["Cache-Control"] = "no-cache"
    return described(response, speech)


class _Closing:
    """An iterator whose `close` also ends the generator behind it."""

    def __init__(self, chunks: Iterator[bytes], running: Generator[bytes, None, None]) -> None:
        self._chunks = chunks
        self.close = running.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)


def described(response: Response, speech: Speech, *, is_whole: bool = False) -> Response:
    """The reply with headers that say what answered; names may hold any letters, so they are percent-encoded where needed."""
    headers = {
        "X-Model": speech.model,
        "X-Voice": quote(speech.voice, safe=" ") if speech.voice else None,
        "X-Voice-Cloning": speech.cloning,
        "X-Ignored-Parameters": ", ".join(speech.ignored) or None,
        "X-Removed-Voices": ", ".join(quote(name, safe=" ") for name in speech.removed_voices) or None,
        "X-Sample-Rate": str(speech.sample_rate),
        "X-Seed": str(speech.seed),
        "X-Cache": speech.cache_use.value,
        "X-Route": speech.route,
        "X-Retries": str(speech.retries) if speech.retries and is_whole else None,
    }
    for name, value in headers.items():
        if value is not None:
            response.headers[name] = value
    return response
