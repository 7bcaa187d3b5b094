"""Streams the speech of a text from a server, as samples that arrive during synthesis."""

from __future__ import annotations

import contextlib
import io
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import numpy as np

from tts_server.audio.pcm import silence
from tts_server.client.connection import Connection, Files, Refused, Reply
from tts_server.client.texts import PIECE_CHARACTERS, pieces
from tts_server.errors import NothingToSay
from tts_server.speech import Samples

FULL_SCALE = np.float32(32767)
"""The factor of `to_s16`, so that samples keep their values."""

CHARACTERS_PER_SECOND = 15.0
"""Estimated speech rate, until the first piece has been measured."""

ALMOST = 0.99
"""Upper limit of the progress within a piece before its end has arrived."""

MAX_WAIT_SECONDS = 5.0
"""Upper limit of the pause before a retry, since a model may be ready earlier than the server's estimate."""


@dataclass
class SpeechStream:
    """The speech of a text, synthesized by the server of `connection`.

    `fields` are those of a speech request. `model`, `voice`, `cloning` and `ignored` are set when the first audio arrives. `seconds` and
    `characters`, an estimate of how much of the text has been spoken, grow while `chunks` is read. `report` receives notes about waiting.
    """

    connection: Connection
    text: str
    fields: Mapping[str, Any]
    clip: bytes | None = None
    report: Callable[[str], None] = print
    max_characters: int = PIECE_CHARACTERS
    sample_rate: int = 24000
    model: str = ""
    voice: str = ""
    cloning: str = ""
    ignored: str = ""
    seconds: float = 0.0
    characters: float = 0.0
    _pace: float = field(default=CHARACTERS_PER_SECOND, repr=False)

    def chunks(self) -> Iterator[Samples]:
        """Yield mono float32 samples at `sample_rate`, which is set with the first chunk. Raises Refused or Unreachable."""
        pause = 0.0
        for piece in pieces(self.text, self.max_characters):
            begin, seconds = self.characters, self.seconds
            if piece.text:
                yield from self._piece(piece.text, pause)
                self._learn_pace(len(piece.text), self.seconds - seconds - pause)
                pause = 0.0
            self.characters = begin + len(piece.text)
            pause += piece.pause_after / float(self.fields.get("speed") or 1.0)
        if not self.seconds:
            raise NothingToSay("There is nothing to say: the text is empty.", param="input")
        self.characters = len(self.text)

    def _piece(self, text: str, pause: float) -> Iterator[Samples]:
        """Yield a pause in seconds, then the speech of the text."""
        end = self.characters + len(text) * ALMOST
        odd = b""
        with self._open_reply({**self.fields, "input": text, "response_format": "pcm", "stream": True}) as reply:
            self._describe(reply.headers)
            if pause:
                yield self._count(silence(pause, self.sample_rate))
            for chunk in reply.chunks:
                data = odd + chunk
                odd = data[len(data) // 2 * 2 :]
                samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / FULL_SCALE
                if len(samples):
                    self.characters = min(self.characters + len(samples) / self.sample_rate * self._pace, end)
                    yield self._count(samples)

    @contextlib.contextmanager
    def _open_reply(self, fields: Mapping[str, Any]) -> Iterator[Reply]:
        """Send a speech request and return its reply; retry while the server asks for that."""
        reported = ""
        while True:
            files: Files = {"custom_voice_file": ("clip", io.BytesIO(self.clip))} if self.clip is not None else {}
            with contextlib.ExitStack() as stack:
                try:
                    reply = stack.enter_context(self.connection.open("POST", "/v1/audio/speech", fields, files))
                except Refused as refusal:
                    if refusal.status not in (429, 503) or refusal.retry_after is None:
                        raise
                    if refusal.message != reported:
                        reported = refusal.message
                        self.report(f"{reported} (Waiting; stop with Ctrl-C.)")
                    wait = min(refusal.retry_after, MAX_WAIT_SECONDS)
                else:
                    yield reply
                    return
            time.sleep(wait)

    def _describe(self, headers: Mapping[str, str]) -> None:
        self.sample_rate = int(headers.get("x-sample-rate", self.sample_rate))
        self.model = headers.get("x-model", "")
        self.voice = unquote(headers.get("x-voice", ""))
        self.cloning = headers.get("x-voice-cloning", "")
        self.ignored = headers.get("x-ignored-parameters", "")

    def _count(self, samples: Samples) -> Samples:
        self.seconds += len(samples) / self.sample_rate
        return samples

    def _learn_pace(self, characters: int, seconds: float) -> None:
        if seconds > 0:
            self._pace = characters / seconds


def prefetch(chunks: Iterator[Samples], count: int = 256) -> Iterator[Samples]:
    """Yield the same chunks. A thread fetches up to `count` of them in advance, so that playback does not wait between pieces."""
    waiting: queue.Queue[Samples | BaseException | None] = queue.Queue(count)
    is_stopped = threading.Event()

    def put(item: Samples | BaseException | None) -> bool:
        while not is_stopped.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.2)
                return True
        return False

    def fetch() -> None:
        try:
            if all(map(put, chunks)):
                put(None)
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer
            put(error)

    thread = threading.Thread(target=fetch, name="fetch", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_stopped.set()
