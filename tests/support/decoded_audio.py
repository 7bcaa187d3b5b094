"""What a listener would notice about a file: its kind, length, rate, level."""

from __future__ import annotations

import io
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Heard:
    """A decoded file. `samples` float32 mono, `kind` what its first bytes say."""

    kind: str
    rate: int
    channels: int
    samples: npt.NDArray[np.float32]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples, dtype=np.float64)))) if len(self.samples) else 0.0

    @property
    def peak(self) -> float:
        return float(np.abs(self.samples).max(initial=0.0))


def sniff(data: bytes) -> str:
    """The format by magic bytes alone, as players guess it."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] == b"OggS" and b"OpusHead" in data[:64]:
        return "opus"
    if data[4:12] == b"ftypM4A ":
        return "m4a"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "aac"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:
        return "mp3"
    return "unknown"


def hear(data: bytes, raw_rate: int | None = None) -> Heard:
    """Decode a file, or raw s16le when `raw_rate` is given."""
    if raw_rate is not None:
        return Heard("pcm", raw_rate, 1, np.frombuffer(data, "<i2").astype(np.float32) / 32768)
    parts = []
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("flt", "mono")
        for frame in container.decode(stream):
            parts += [f.to_ndarray().reshape(-1) for f in resampler.resample(frame)]
        parts += [f.to_ndarray().reshape(-1) for f in resampler.resample(None)]
        rate, channels = stream.rate, stream.codec_context.channels
    return Heard(sniff(data), rate, channels, np.concatenate(parts) if parts else np.zeros(0, np.float32))
