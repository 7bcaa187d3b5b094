"""One-off reference audio of a request: an uploaded file, base64, or an address. Nothing of it is written down."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Sequence

from flask import Request

from tts_server.errors import InvalidRequest, TooLarge
from tts_server.speech import VoiceReference
from tts_server.voices.fetch import fetch
from tts_server.web.fields import SpeechFields
from tts_server.web.options import WebOptions

UPLOAD_FIELDS = ("custom_voice_file", "speaker_wav")
NUM_DECODERS = 4


class ReferenceReader:
    """Reads and decodes clips; at most `NUM_DECODERS` are decoded at once, each in a child process."""

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._slots = threading.BoundedSemaphore(NUM_DECODERS)

    def from_request(self, request: Request, fields: SpeechFields) -> VoiceReference | None:
        """The first of an uploaded file, `voice_b64` and `voice_url`, or None."""
        if any(name in request.files for name in UPLOAD_FIELDS):
            return self.from_upload(request, UPLOAD_FIELDS)
        if fields.voice_b64 is not None:
            return self._decode(self._from_base64(fields.voice_b64), "voice_b64")
        if fields.voice_url is not None:
            return self._decode(fetch(fields.voice_url, self._options.fetch_limits), "voice_url")
        return None

    def from_upload(self, request: Request, names: Sequence[str]) -> VoiceReference:
        """The first of the named files; raises InvalidRequest where none is there."""
        for name in names:
            file = request.files.get(name)
            if file is not None:
                data = file.stream.read(self._options.max_upload_bytes + 1)
                return self._decode(data, name)
        raise InvalidRequest(f"{names[0]}: an audio file is required.", param=names[0], code="missing")

    def _from_base64(self, text: str) -> bytes:
        if text.startswith("data:"):
            text = text.partition(",")[2]
        if len(text) > self._options.max_upload_bytes * 4 // 3 + 4:
            raise TooLarge(f"voice_b64: the clip is larger than {self._options.max_upload_bytes} bytes.", param="voice_b64")
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidRequest("voice_b64: this is not base64.", param="voice_b64") from error

    def _decode(self, data: bytes, param: str) -> VoiceReference:
        if len(data) > self._options.max_upload_bytes:
            raise TooLarge(f"{param}: the clip is larger than {self._options.max_upload_bytes} bytes.", param=param)
        with self._slots:
            try:
                return self._options.decode(data)
            except InvalidRequest as error:
                error.param = error.param or param
                raise
