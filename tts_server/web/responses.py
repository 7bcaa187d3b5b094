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
from tts_server.speech import AudioFile, AudioFormat
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.web.middleware.failures import error_event
from tts_server.wsgi import CANCELLATION

TOKENS_PER_SECOND = 25
CHARACTERS_PER_TOKEN = 4
EVENT_STREAM = "text/event-stream"


def current_cancellation() -> Cancellation:
    """Return the cancellation of the current request; the server cancels it when the client has disconnected or the server stops."""
    cancellation: Cancellation | None = request.environ.get(CANCELLATION)
    return cancellation or Cancellation()


def whole_audio(audio: CachedAudio, *, has_ranges: bool = False) -> Response:
    """Return one file with its exact length, or the part of it that a GET requests where it `has_ranges`.

    `X-Retries` is the number of parts that were made again; the headers of a stream are sent before that is known.
    """
    file = finished_file(audio)
    return described(file_reply(file, audio.plan.format.content_type, has_ranges=has_ranges), audio, is_whole=True)


def finished_file(audio: CachedAudio) -> AudioFile:
    """Return the whole audio for the client of the current request. Close it."""
    with audio.metrics.request():
        return audio.file(current_cancellation())


def file_reply(file: AudioFile, content_type: str, *, has_ranges: bool = False) -> Response:
    """Return a reply whose body is the rest of a file. It is sent from the file, which is then closed, not from memory.

    Where it `has_ranges`, a header Range of one range gets status 206, or 416 where it lies outside.
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


def streamed_audio(audio: CachedAudio) -> Response:
    """Return a reply that is sent while the audio is made. Audio from the cache is sent with its length."""
    content_type = audio.plan.format.content_type
    cached = audio.find_streamed_file()
    if cached is None:
        return _streamed(audio.stream(current_cancellation()), audio, content_type)
    with audio.metrics.request():
        response = described(file_reply(cached, content_type), audio)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def openai_events(audio: CachedAudio) -> Response:
    """Return OpenAI's events: `speech.audio.delta` …, `speech.audio.done`."""

    def events() -> Iterator[bytes]:
        for data in audio.stream(cancellation, in_pieces=True):
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
        yield _event({"type": "speech.audio.done", "usage": usage(audio)})

    cancellation = current_cancellation()
    return _streamed(_ending_with_error(events(), audio), audio, EVENT_STREAM)


def response_events(audio: CachedAudio) -> Response:
    """Return events in the style of the Responses API: s16le PCM, or pieces of a file in another format."""

    def events() -> Iterator[bytes]:
        for index, data in enumerate(audio.stream(cancellation, in_pieces=True)):
            yield _event(
                {
                    "type": "response.output_audio.delta",
                    "index": index,
                    "audio": base64.b64encode(data).decode(),
                    "format": name,
                    "sample_rate": audio.plan.sample_rate,
                }
            )
        part: dict[str, object] = {
            "type": "output_audio",
            "transcript": audio.plan.transcript,
            "format": name,
            "sample_rate": audio.plan.sample_rate,
        }
        yield _event({"type": "response.completed", "response": response_object(audio, request_id, part)})
        yield b"data: [DONE]\n\n"

    name = "pcm16" if audio.plan.format is AudioFormat.PCM else audio.plan.format.value
    request_id = g.request_id
    cancellation = current_cancellation()
    return _streamed(_ending_with_error(events(), audio), audio, EVENT_STREAM)


def response_object(audio: CachedAudio, request_id: str, part: Mapping[str, object]) -> dict[str, object]:
    """Return finished audio as a response of OpenAI's Responses API; `part` is the content of its one message."""
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
        "model": audio.plan.model,
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "usage": {**usage(audio), **details},
    }


def usage(audio: CachedAudio) -> dict[str, int]:
    """Return token counts for OpenAI's events: 4 characters per input token, 25 output tokens per second."""
    tokens_in = math.ceil(len(audio.plan.transcript) / CHARACTERS_PER_TOKEN)
    tokens_out = math.ceil(audio.result.seconds * TOKENS_PER_SECOND)
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _event(payload: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def _ending_with_error(events: Iterator[bytes], audio: CachedAudio) -> Iterator[bytes]:
    """Report a failure after the first event as an event, since the status is sent."""
    is_started = False
    try:
        for event in events:
            yield event
            is_started = True
    except TTSError as error:
        if not is_started:
            raise
        audio.metrics.count_error(error.code)
        current_app.logger.error("stream failed: %s", error.message, exc_info=error.__cause__)
        yield _event(error_event(error))


def _streamed(chunks: Iterator[bytes], audio: CachedAudio, content_type: str) -> Response:
    """Return a reply of these chunks. The first is pulled before it exists, so that an earlier failure has its own status."""

    def counted() -> Generator[bytes, None, None]:
        try:
            with contextlib.suppress(Cancelled), audio.metrics.request():
                yield from chunks
        except TTSError as error:
            if is_begun:  # else the error becomes the reply, and is counted there
                audio.metrics.count_error(error.code)
            raise

    is_begun = False
    running = counted()
    first = next(running, b"")
    is_begun = True
    body = _Closing(chain([first], running), running)
    response = Response(stream_with_context(body), content_type=content_type)
    response.call_on_close(running.close)
    if audio.result.num_bytes is not None and content_type != EVENT_STREAM:  # another request has just stored it
        response.content_length = audio.result.num_bytes
    response.headers["X-Accel-Buffering"] = "no"
    if content_type == EVENT_STREAM:
        response.headers["Cache-Control"] = "no-cache"
    return described(response, audio)


class _Closing:
    """An iterator whose `close` also closes the generator that it reads."""

    def __init__(self, chunks: Iterator[bytes], running: Generator[bytes, None, None]) -> None:
        self._chunks = chunks
        self.close = running.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)


def described(response: Response, audio: CachedAudio, *, is_whole: bool = False) -> Response:
    """Add the headers that describe the audio. Names may contain any characters, so they are percent-encoded where needed."""
    headers = {
        "X-Model": audio.plan.model,
        "X-Voice": quote(audio.plan.voice.id, safe=" ") if audio.plan.voice.id else None,
        "X-Voice-Cloning": audio.plan.voice.cloning,
        "X-Ignored-Parameters": ", ".join(audio.plan.ignored) or None,
        "X-Removed-Voices": ", ".join(quote(name, safe=" ") for name in audio.plan.removed_voices) or None,
        "X-Sample-Rate": str(audio.plan.sample_rate),
        "X-Seed": str(audio.result.seed),
        "X-Cache": audio.result.cache_use.value,
        "X-Route": audio.result.route,
        "X-Retries": str(audio.result.retries) if audio.result.retries and is_whole else None,
    }
    for name, value in headers.items():
        if value is not None:
            response.headers[name] = value
    return response
