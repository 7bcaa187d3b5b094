"""`POST /page/encode`: samples in, a file of another format out, both in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flask import Response, request

from tts_server.audio.encoders import create_encoder, supported_rate
from tts_server.audio.resample import Resampler
from tts_server.errors import InvalidRequest, TooLarge
from tts_server.speech import AudioFormat, Samples
from tts_server.spool import Spool
from tts_server.web.responses import current_cancellation, file_reply

MAX_SECONDS = 3600
PIECE_BYTES = 64 * 1024
SAMPLE_BYTES = 2


def encode_body() -> Response:
    """Raw s16le mono PCM in the body of the current request as another format: a download needs no second synthesis.

    The work ends where the client leaves. Raises InvalidRequest, TooLarge for more than an hour, Cancelled, ResourceExhausted.
    """
    format_, rate = _parameters()
    if (request.content_length or 0) > MAX_SECONDS * rate * SAMPLE_BYTES:
        raise _too_large()
    target = supported_rate(format_, rate)
    resampler = Resampler(rate, target)
    file = Spool()
    try:
        encoder = create_encoder(format_, target, streamed=False, file=file)
        try:
            for samples in _body(rate):
                encoder.encode(resampler.process(samples))
            encoder.encode(resampler.flush())
            encoder.flush()
        finally:
            encoder.close()
        file.rewind()
    except BaseException:
        file.close()
        raise
    return file_reply(file, format_.content_type)


def _parameters() -> tuple[AudioFormat, int]:
    try:
        format_ = AudioFormat(request.args.get("format", "mp3"))
        rate = int(request.args.get("sample_rate", "24000"))
    except ValueError as error:
        message = f"format must be one of {', '.join(AudioFormat)}, and sample_rate a number."
        raise InvalidRequest(message, param="format") from error
    if not 8000 <= rate <= 48000:
        raise InvalidRequest("sample_rate must be between 8000 and 48000.", param="sample_rate")
    return format_, rate


def _body(rate: int) -> Iterator[Samples]:
    """The samples of the body, piece by piece; half a sample at its end is dropped."""
    cancellation = current_cancellation()
    num_bytes = 0
    rest = b""
    while data := request.stream.read(PIECE_BYTES):
        cancellation.check()
        num_bytes += len(data)
        if num_bytes > MAX_SECONDS * rate * SAMPLE_BYTES:
            raise _too_large()
        data = rest + data
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        rest = data[whole:]
        yield np.frombuffer(data[:whole], dtype="<i2").astype(np.float32) / np.float32(32768)
    if not num_bytes:
        raise InvalidRequest("The body must be raw 16-bit samples.", code="missing")


def _too_large() -> TooLarge:
    return TooLarge("This is more than an hour of audio.")
