"""Perth's mark in every file that was written, as it is and after MP3 at 64 kbit/s."""

from __future__ import annotations

import wave
from pathlib import Path

import lameenc
import numpy as np

from benchmarks.acceptance.parts.pace import ensure_spoken
from benchmarks.acceptance.session import Session
from tts_server.audio.decode import ClipLimits, decode_clip
from tts_server.audio.pcm import to_s16
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.speech import Samples

MP3_KILOBITS = 64
MIN_SECONDS = 0.5
"""Perth looks at stretches; in shorter audio there is nothing to find."""


def measure(session: Session) -> None:
    """Looks at all WAVs of the model; speaks a sentence where there are none."""
    if not session.files:
        ensure_spoken(session)
    watermarker = Watermarker()
    plain, packed = {}, {}
    for path in session.files:
        samples, rate = read_wav(path)
        if len(samples) < MIN_SECONDS * rate:
            continue
        plain[path.name] = watermarker.detect(samples)
        packed[path.name] = watermarker.detect(through_mp3(samples, rate))
    session.note("detection by file", plain)
    session.note("detection after MP3 by file", packed)
    if not plain:
        session.skip_all("no file is long enough")
        return
    session.judge("plain", min(plain.values()), f"{len(plain)} files")
    session.judge("mp3", min(packed.values()), f"{len(packed)} files")


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples and rate of a mono WAV of 16 bits."""
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data.astype(np.float32) / 32768, file.getframerate()


def through_mp3(samples: Samples, rate: int) -> Samples:
    """The samples after LAME, at a lower bit rate than replies have, and the server's decoder of clips."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_bit_rate(MP3_KILOBITS)
    data = bytes(encoder.encode(to_s16(samples))) + bytes(encoder.flush())
    limits = ClipLimits(max_bytes=2**30, min_seconds=0.0, max_seconds=3600.0, timeout_seconds=300.0)
    return decode_clip(data, limits=limits).samples
