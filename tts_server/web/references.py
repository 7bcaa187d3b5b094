"""One-off reference audio of a request: an uploaded file, base64, or an address. Nothing of it is kept."""

from __future__ import annotations

import base64
import binascii
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from flask import Request

from tts_server.errors import Cancelled, InvalidRequest, TooLarge, TTSError, Unavailable
from tts_server.speech import VoiceReference
from tts_server.voices.fetch import fetch
from tts_server.web.fields import SpeechFields
from tts_server.web.options import WebOptions
from tts_server.web.responses import client_watch

UPLOAD_FIELDS = ("custom_voice_file", "speaker_wav")
NUM_DECODERS = 4
NUM_FETCHES = 4
SLOT_SECONDS = 10.0


class ReferenceReader:
    """Reads and decodes clips; at most `NUM_DECODERS` are decoded at once, each in a child process, and `NUM_FETCHES` fetched."""

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._decoding = threading.BoundedSemaphore(NUM_DECODERS)
        self._fetching = threading.BoundedSemaphore(NUM_FETCHES)

    def from_request(self, request: Request, fields: SpeechFields, uploads: Sequence[str] = UPLOAD_FIELDS) -> VoiceReference | None:
        """The first of the files named `uploads`, `voice_b64` and `voice_url`, or None."""
        if any(_is_chosen(request, name) for name in uploads):
            return self.from_upload(request, uploads)
        if fields.voice_b64 is not None:
            return self.from_bytes(self._from_base64(fields.voice_b64), "voice_b64")
        if fields.voice_url is not None:
            with _slot(self._fetching):
                data = fetch(fields.voice_url, self._options.fetch_limits)
            return self.from_bytes(data, "voice_url")
        return None

    def from_upload(self, request: Request, names: Sequence[str]) -> VoiceReference:
        """The first of the named files; raises InvalidRequest where none is there."""
        for name in names:
            if _is_chosen(request, name):
                return self.from_bytes(request.files[name].stream.read(self._options.max_upload_bytes + 1), name)
        raise InvalidRequest(f"{names[0]}: an audio file is required.", param=names[0], code="missing")

    def _from_base64(self, text: str) -> bytes:
        if text.startswith("data:"):
            text = text.partition(",")[2]
        if len(text) > self._options.max_upload_bytes * 4 // 3 + 4:
            raise TooLarge(f"voice_b64: the clip is larger than {self._options.max_upload_bytes} bytes.", param="voice_b64")
        try:
            return base64.b64decode(text.encode("ascii").translate(None, b" \t\r\n\f\v"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidRequest("voice_b64: this is not base64.", param="voice_b64") from error

    def from_bytes(self, data: bytes, param: str) -> VoiceReference:
        """A clip that came by the field `param`."""
        if len(data) > self._options.max_upload_bytes:
            raise TooLarge(f"{param}: the clip is larger than {self._options.max_upload_bytes} bytes.", param=param)
        with _slot(self._decoding):
            try:
                return replace(self._options.decode(data), param=param)
            except TTSError as error:
                error.param = error.param or param
                raise


def _is_chosen(request: Request, name: str) -> bool:
    """Whether a file came under this name. A browser sends a nameless, empty one where none was chosen."""
    file = request.files.get(name)
    return file is not None and bool(file.filename or file.stream.read(1) and file.stream.seek(0) == 0)


@contextlib.contextmanager
def _slot(slots: threading.BoundedSemaphore) -> Iterator[None]:
    """Wait for a free slot while the client waits too; raises Cancelled or, after a while, Unavailable."""
    is_cancelled = client_watch()
    deadline = time.monotonic() + SLOT_SECONDS
    while not slots.acquire(timeout=0.1):
        if is_cancelled():
            raise Cancelled
        if time.monotonic() > deadline:
            raise Unavailable("Too many reference clips are being read at this moment. Try again.", code="busy")
    try:
        yield
    finally:
        slots.release()
