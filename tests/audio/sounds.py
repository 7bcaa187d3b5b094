"""Sounds and files that the audio tests are made of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import av
import numpy as np

from tts_server.speech import Samples

RATE = 24000


def tone(frequency: float, seconds: float, rate: int = RATE, level: float = 0.3) -> Samples:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def voice_like(seconds: float, rate: int = RATE, pitch: float = 130.0) -> Samples:
    """Harmonics of `pitch` under a formant-like envelope, with the rhythm of syllables."""
    time = np.arange(round(seconds * rate)) / rate
    harmonics = [k for k in range(1, 40) if k * pitch < 0.45 * rate]
    weights = [np.exp(-(((k * pitch - 600) / 500) ** 2)) + 0.3 * np.exp(-(((k * pitch - 1800) / 700) ** 2)) for k in harmonics]
    sound = sum(w * np.sin(2 * np.pi * k * pitch * time + k) for k, w in zip(harmonics, weights, strict=True))
    sound = sound * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * time))
    return (0.4 * sound / np.abs(sound).max()).astype(np.float32)


def dominant_frequency(samples: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


def snr_db(source: Samples, decoded: Samples) -> float:
    """Signal-to-noise ratio at the delay where both match best."""
    size = 1 << int(np.ceil(np.log2(len(source) + len(decoded))))
    product = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(source, size)), size)
    aligned = decoded[int(product[: size // 2].argmax()) :]
    length = min(len(source), len(aligned))
    noise = source[:length] - aligned[:length]
    return float(10 * np.log10(np.sum(source[:length] ** 2) / max(1e-12, float(np.sum(noise**2)))))


def in_chunks(samples: Samples, sizes: Iterable[int]) -> list[Samples]:
    """`samples` cut at the given sizes, the last of which takes the rest."""
    parts, start = [], 0
    for size in sizes:
        parts.append(samples[start : start + size])
        start += size
    return [*parts, samples[start:]]


def run_stream(process: Callable[[Samples], Samples], flush: Callable[[], Samples], parts: Iterable[Samples]) -> Samples:
    return np.concatenate([*(process(part) for part in parts), flush()])


def make_file(
    container: str, codec: str, samples: Samples, rate: int = RATE, layout: str = "mono", sample_format: str | None = None
) -> bytes:
    """A file made by FFmpeg's libraries, as a stranger's program would make it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        if sample_format:
            stream.codec_context.format = sample_format
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for start in range(0, len(samples), 48000):
            frame: Any = av.AudioFrame.from_ndarray(samples[np.newaxis, start : start + 48000].copy(), format="flt", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            for converted in resampler.resample(frame):
                output.mux(stream.encode(converted))
        output.mux(stream.encode(None))
    return file.getvalue()
