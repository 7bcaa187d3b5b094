"""Reads the reference clip of one request: an uploaded file, base64, or an address. Clips are not stored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from flask import Request, g

from tts_server.errors import InvalidRequest, TooLarge, TTSError
from tts_server.speech import VoiceReference
from tts_server.voices.fetch import fetch
from tts_server.voices.store import VoiceStore
from tts_server.web.limits import SharedLimit
from tts_server.web.middleware.tickets import paused
from tts_server.web.options import WebOptions
from tts_server.web.responses import current_cancellation
from tts_server.web.schema.fields import SpeechFields

UPLOAD_FIELDS = ("custom_voice_file", "speaker_wav")
NUM_DECODERS, WAITING_DECODERS = 4, 64
NUM_FETCHES, WAITING_FETCHES = 4, 8
NUM_TRANSFERS, WAITING_TRANSFERS = 16, 128
"""How many clips are decoded, fetched and read from the voice store at a time, and how many may wait for each."""


class ReferenceReader:
    """Reads and decodes clips: at most `NUM_DECODERS` are decoded at a time, each in a child process, and `NUM_FETCHES` fetched.

    Meanwhile a request holds no slot of the queue. One client may use half of these numbers, so that slow addresses do not block others.
    """

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._decoding = SharedLimit(NUM_DECODERS, WAITING_DECODERS, "reference clips")
        self._fetching = SharedLimit(NUM_FETCHES, WAITING_FETCHES, "addresses of reference clips")

    def from_request(self, request: Request, fields: SpeechFields, uploads: Sequence[str] = UPLOAD_FIELDS) -> VoiceReference | None:
        """Return the clip of a request: the first of the files named `uploads`, `voice_b64` and `voice_url`; None without one."""
        if any(_is_chosen(request, name) for name in uploads):
            return self.from_upload(request, uploads)
        if fields.voice_b64 is not None:
            return self.from_bytes(self._from_base64(fields.voice_b64), "voice_b64")
        if fields.voice_url is not None:
            with _acquired(self._fetching):
                data = fetch(fields.voice_url, self._options.fetch_limits)
            return self.from_bytes(data, "voice_url")
        return None

    def from_upload(self, request: Request, names: Sequence[str]) -> VoiceReference:
        """Return the clip in the first of the named files; raises InvalidRequest if there is none."""
        for name in names:
            if _is_chosen(request, name):
                return self._decoded(partial(request.files[name].stream.read, self._options.max_upload_bytes + 1), name)
        raise InvalidRequest(f"{names[0]}: an audio file is required.", param=names[0], code="missing")

    def _from_base64(self, text: str) -> bytes:
        if text.startswith("data:"):
            text = text.partition(",")[2]
        if len(text) > self._options.max_upload_bytes * 4 // 3 + 4:
            raise TooLarge(f"voice_b64: the clip is larger than {self._options.max_upload_bytes} bytes.", param="voice_b64")
        try:
            return base64.b64decode(text.encode("ascii").translate(None, b" \t\r\n\f\v"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidRequest("voice_b64: the value is not valid base64.", param="voice_b64") from error

    def from_bytes(self, data: bytes, param: str) -> VoiceReference:
        """Return the clip in `data`. `param` is the field that contained it."""
        return self._decoded(lambda: data, param)

    def _decoded(self, read: Callable[[], bytes], param: str) -> VoiceReference:
        with _acquired(self._decoding):
            data = read()  # not earlier, so that waiting requests do not hold their clips in memory
            if len(data) > self._options.max_upload_bytes:
                raise TooLarge(f"{param}: the clip is larger than {self._options.max_upload_bytes} bytes.", param=param)
            try:
                return replace(self._options.decode(data), param=param)
            except TTSError as error:
                error.param = error.param or param
                raise


def _is_chosen(request: Request, name: str) -> bool:
    """Return whether a request has a file of this name. Browsers send an empty file without a name if none was chosen."""
    file = request.files.get(name)
    return file is not None and bool(file.filename or file.stream.read(1) and file.stream.seek(0) == 0)


class WaitingStore:
    """A voice store that releases the slot of the current request while it waits for the store."""

    def __init__(self, store: VoiceStore) -> None:
        self._store = store
        self._reading = SharedLimit(NUM_TRANSFERS, WAITING_TRANSFERS, "stored voices")

    def read(self, key: str) -> bytes:
        with _acquired(self._reading):
            return self._store.read(key)


@contextmanager
def _acquired(limit: SharedLimit) -> Iterator[None]:
    """Pause the ticket of the current request, and hold one of the limit's slots inside the context."""
    with paused(), limit.acquired(g.access.client, current_cancellation()):
        yield
