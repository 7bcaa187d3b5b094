"""A text spoken by a server, as samples that arrive while it is made."""

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
"""What `to_s16` multiplies by, so that samples come back as they were."""

CHARACTERS_PER_SECOND = 15.0
"""How fast speech uses up its text, until the first piece has shown it."""

ALMOST = 0.99
"""How much of a piece counts as spoken, at most, before its end has come."""

MAX_WAIT_SECONDS = 5.0
"""A model may be ready before the time that the server guesses."""


@dataclass
class Spoken:
    """A text that `connection` speaks. `fields` are those of a speech request; what answered stands here once audio arrives.

    `seconds` and `characters` (about how much of the text is spoken) grow while `chunks` is read. `tell` is given sentences about waiting.
    """

    connection: Connection
    text: str
    fields: Mapping[str, Any]
    clip: bytes | None = None
    tell: Callable[[str], None] = print
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
        """Mono float32 at `sample_rate`, which is known with the first of them. Raises Refused or Unreachable."""
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
            raise NothingToSay("The text leaves nothing to say. Write some words.", param="input")
        self.characters = len(self.text)

    def _piece(self, text: str, pause: float) -> Iterator[Samples]:
        """A pause of so many seconds, then the text."""
        end = self.characters + len(text) * ALMOST
        odd = b""
        with self._answered({**self.fields, "input": text, "response_format": "pcm", "stream": True}) as reply:
            self._describe(reply.headers)
            if pause:
                yield self._counted(silence(pause, self.sample_rate))
            for chunk in reply.chunks:
                data = odd + chunk
                odd = data[len(data) // 2 * 2 :]
                samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / FULL_SCALE
                if len(samples):
                    self.characters = min(self.characters + len(samples) / self.sample_rate * self._pace, end)
                    yield self._counted(samples)

    @contextlib.contextmanager
    def _answered(self, fields: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply to a speech request. While the server says that it will answer later, it is asked again."""
        told = ""
        while True:
            files: Files = {"custom_voice_file": ("clip", io.BytesIO(self.clip))} if self.clip is not None else {}
            with contextlib.ExitStack() as stack:
                try:
                    reply = stack.enter_context(self.connection.open("POST", "/v1/audio/speech", fields, files))
                except Refused as refusal:
                    if refusal.status not in (429, 503) or refusal.retry_after is None:
                        raise
                    if refusal.message != told:
                        told = refusal.message
                        self.tell(f"{told} (Waiting; Ctrl-C gives up.)")
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

    def _counted(self, samples: Samples) -> Samples:
        self.seconds += len(samples) / self.sample_rate
        return samples

    def _learn_pace(self, characters: int, seconds: float) -> None:
        if seconds > 0:
            self._pace = characters / seconds


def ahead(chunks: Iterator[Samples], count: int = 256) -> Iterator[Samples]:
    """The same chunks, fetched by a thread up to `count` ahead of who takes them, so that playing does not wait between pieces."""
    waiting: queue.Queue[Samples | BaseException | None] = queue.Queue(count)
    is_left = threading.Event()

    def put(item: Samples | BaseException | None) -> bool:
        while not is_left.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.2)
                return True
        return False

    def fetch() -> None:
        try:
            if all(map(put, chunks)):
                put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            put(error)

    thread = threading.Thread(target=fetch, name="fetch", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_left.set()
