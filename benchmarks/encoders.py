"""Which library encodes speech fastest, and how well: `python benchmarks/encoders.py [--seconds 40] [--rounds 3]`.

Every candidate gets the same speech in chunks of 0.2 s. The table says how many times faster than real time one thread is (best of the
rounds, which take turns so that a busy machine harms all alike), the bit rate, the signal-to-noise ratio after decoding, and the mean
log-spectral distance in dB over the active frames (lower is nearer to the source). Needs `soundfile` for some of the rivals.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import lameenc
import numpy as np
from hibari import Hibari

from tts_server.audio.encoders import create_encoder
from tts_server.audio.pcm import to_s16
from tts_server.speech import AudioFormat, Samples

RATE = 24000
TEXT = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the depth of a well. "
    "Rice is often served in round bowls. The juice of lemons makes fine punch. The box was thrown beside the parked truck."
)
Candidate = Callable[[Samples], bytes]


def chunks(samples: Samples) -> Iterator[Samples]:
    for start in range(0, len(samples), RATE // 5):
        yield samples[start : start + RATE // 5]


def ours(format: AudioFormat) -> Candidate:
    def run(samples: Samples) -> bytes:
        encoder = create_encoder(format, RATE, streamed=True)
        return b"".join([encoder.encode(chunk) for chunk in chunks(samples)] + [encoder.flush()])

    return run


def lame(quality: int, kilobits: int) -> Candidate:
    def run(samples: Samples) -> bytes:
        encoder = lameenc.Encoder()
        encoder.silence()
        encoder.set_channels(1)
        encoder.set_in_sample_rate(RATE)
        encoder.set_out_sample_rate(RATE)
        encoder.set_bit_rate(kilobits)
        encoder.set_quality(quality)
        return b"".join([bytes(encoder.encode(to_s16(chunk))) for chunk in chunks(samples)] + [bytes(encoder.flush())])

    return run


def pyav(container: str, codec: str, sample_format: str, kilobits: int | None, **options: str) -> Candidate:
    def run(samples: Samples) -> bytes:
        file = io.BytesIO()
        extra = {"write_xing": "0", "id3v2_version": "0"} if container == "mp3" else {}
        with av.open(file, "w", format=container, options=extra) as output:
            stream: Any = output.add_stream(codec, rate=RATE, layout="mono", options=options)
            stream.codec_context.format = sample_format
            if kilobits:
                stream.bit_rate = kilobits * 1000
            done = 0
            for chunk in chunks(samples):
                values = chunk if sample_format.startswith("flt") else np.frombuffer(to_s16(chunk), "<i2")
                frame: Any = av.AudioFrame.from_ndarray(values[np.newaxis], format=sample_format, layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, done, Fraction(1, RATE)
                done += len(chunk)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return file.getvalue()

    return run


def libsndfile(format: str, subtype: str) -> Candidate | None:
    try:
        import soundfile
    except ImportError:
        return None

    def run(samples: Samples) -> bytes:
        file = io.BytesIO()
        with soundfile.SoundFile(file, "w", RATE, 1, format=format, subtype=subtype) as output:
            for chunk in chunks(samples):
                output.write(chunk)
        return file.getvalue()

    return run


def candidates() -> dict[str, Candidate]:
    found: dict[str, Candidate | None] = {f"ours {format.value}": ours(format) for format in AudioFormat}
    for quality in (2, 5, 7):
        found[f"mp3  lameenc quality {quality}, 64 kb/s"] = lame(quality, 64)
    found["mp3  lameenc quality 7, 96 kb/s"] = lame(7, 96)
    for level in (2, 5, 7):
        found[f"mp3  PyAV libmp3lame level {level}, 64 kb/s"] = pyav(
            "mp3", "libmp3lame", "s16p", 64, compression_level=str(level), reservoir="0"
        )
    found["mp3  libsndfile"] = libsndfile("MP3", "MPEG_LAYER_III")
    for level in (0, 1, 3, 5, 10):
        found[f"opus PyAV libopus complexity {level}, 48 kb/s"] = pyav("ogg", "libopus", "s16", 48, compression_level=str(level))
    found["opus libsndfile"] = libsndfile("OGG", "OPUS")
    for coder in ("fast", "twoloop"):
        found[f"aac  PyAV native {coder}, 80 kb/s"] = pyav("adts", "aac", "fltp", 80, aac_coder=coder)
    for level in (0, 5, 8):
        found[f"flac PyAV level {level}"] = pyav("flac", "flac", "s16", None, compression_level=str(level))
    found["flac libsndfile"] = libsndfile("FLAC", "PCM_16")
    return {name: candidate for name, candidate in found.items() if candidate is not None}


def decode(data: bytes) -> Samples:
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(io.BytesIO(data)) as source:
        frames = [converted for frame in source.decode(audio=0) for converted in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def fidelity(source: Samples, decoded: Samples) -> tuple[float, float]:
    """Signal-to-noise ratio in dB after alignment, and mean log-spectral distance in dB below 9.4 kHz."""
    size = 1 << 18
    product = np.fft.irfft(np.fft.rfft(decoded[: size // 2], size) * np.conj(np.fft.rfft(source[: size // 2], size)))
    delay = int(product[: RATE // 4].argmax())
    decoded = decoded[delay:]
    length = min(len(source), len(decoded))
    source, decoded = source[:length], decoded[:length]
    snr = 10 * np.log10(np.sum(source**2) / np.sum((source - decoded) ** 2))
    window = np.hanning(512)
    spectra = [np.abs(np.fft.rfft(values[: length // 512 * 512].reshape(-1, 512) * window))[:, :200] + 1e-3 for values in (source, decoded)]
    active = spectra[0].max(axis=1) > spectra[0].max() * 0.01
    distance = 20 * np.log10(spectra[0][active] / spectra[1][active])
    return float(snr), float(np.sqrt((distance**2).mean(axis=1)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and fidelity of audio encoders on speech.")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of the speech")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    speech = np.asarray(Hibari()(TEXT, seed=0), dtype=np.float32)
    speech = np.resize(speech, round(arguments.seconds * RATE))
    best: dict[str, float] = {}
    files: dict[str, bytes] = {}
    for _ in range(arguments.rounds):
        for name, candidate in candidates().items():
            start = time.perf_counter()
            files[name] = candidate(speech)
            best[name] = min(best.get(name, float("inf")), time.perf_counter() - start)
    print(f"{'':46} {'x real time':>11} {'kb/s':>6} {'SNR dB':>7} {'LSD dB':>7}")
    for name, seconds in best.items():
        bits = len(files[name]) * 8 / arguments.seconds / 1000
        quality = "" if name == "ours pcm" else "{:7.1f} {:7.1f}".format(*fidelity(speech, decode(files[name])))
        print(f"{name:46} {arguments.seconds / seconds:11.0f} {bits:6.0f} {quality}")


if __name__ == "__main__":
    main()
