"""Encoders: samples in, bytes of a file out, as they become ready.

The libraries and settings were chosen by `benchmarks/encoders.py`: at a hundred times real time of speech, encoding must stay
the small part of the work.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import lameenc

from tts_server.audio.containers import ContainerEncoder
from tts_server.audio.encoder import Encoder, SeekableFile
from tts_server.audio.pcm import to_s16
from tts_server.speech import AudioFormat, Samples

UNKNOWN_LENGTH = 0xFFFFFFFF
WAV_HEADER_BYTES = 44


def supported_rate(format: AudioFormat, wanted: int) -> int:
    """The sample rate in Hz nearest to `wanted` that `format` can carry; the higher one where two are as near.

    Opus has no rates between 24 and 48 kHz; there the higher one is taken, so that nothing audible is lost.
    """
    spec = format.spec
    if spec.bit_rates is None:
        return wanted
    if wanted > spec.rounded_up_above:
        return min((rate for rate in spec.bit_rates if rate >= wanted), default=max(spec.bit_rates))
    return min(sorted(spec.bit_rates, reverse=True), key=lambda rate: abs(rate - wanted))


def bytes_per_second(format: AudioFormat, sample_rate: int) -> float:
    """About how many bytes a second of speech takes; for pcm and wav exactly."""
    spec = format.spec
    return spec.relative_size * (2 * sample_rate if spec.bit_rates is None else spec.bit_rate(sample_rate) / 8)


def create_encoder(format: AudioFormat, sample_rate: int, *, streamed: bool, file: SeekableFile | None = None) -> Encoder:
    """A new encoder for mono speech.

    `sample_rate` must be one that `supported_rate` gives. With `streamed`, a format whose header holds the length cannot state it when
    it starts; without, its header states it exactly. Such a file is written to `file`, or, without one, returned by `flush`
    as a whole. The other formats do not differ. Raises ValueError for a rate that the format cannot carry, or for a `file` that is
    `streamed`.
    """
    if supported_rate(format, sample_rate) != sample_rate:
        raise ValueError(f"{format.value} cannot carry {sample_rate} Hz")
    if streamed and file is not None:
        raise ValueError("a stream is not written to a file")
    encoder = ENCODERS[format]
    is_buffered = format.header_holds_length and not streamed and file is None
    return BufferedEncoder(sample_rate, encoder) if is_buffered else encoder(sample_rate, file)


class PcmEncoder(Encoder):
    """Bare samples: signed 16 bit, little-endian."""

    def _encode(self, samples: Samples) -> bytes:
        return to_s16(samples)

    def _finish(self) -> bytes:
        return b""


def wav_header(sample_rate: int, data_bytes: int | None) -> bytes:
    """The 44 bytes before mono 16-bit samples; `None` writes 0xFFFFFFFF, the usual sign of an unknown length."""
    riff, data = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if data_bytes is None else (data_bytes + 36, data_bytes)
    header = io.BytesIO()
    header.write(b"RIFF" + riff.to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little"))
    for value, width in ((1, 2), (1, 2), (sample_rate, 4), (sample_rate * 2, 4), (2, 2), (16, 2)):
        header.write(value.to_bytes(width, "little"))
    header.write(b"data" + data.to_bytes(4, "little"))
    return header.getvalue()


class WavEncoder(Encoder):
    """A wav. In a stream its length is unknown, and every player reads to the end of the connection; in a file it is exact."""

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(sample_rate, file)
        self._header = wav_header(sample_rate, None)

    def _encode(self, samples: Samples) -> bytes:
        header, self._header = self._header, b""
        return header + to_s16(samples)

    def _finish(self) -> bytes:
        return self._header

    def _complete(self, file: SeekableFile) -> None:
        num_bytes = file.tell()
        file.seek(0)
        file.write(wav_header(self.sample_rate, num_bytes - WAV_HEADER_BYTES))


class BufferedEncoder(Encoder):
    """A file with an exact header, built in memory and returned as a whole at the end."""

    def __init__(self, sample_rate: int, encoder: type[Encoder]) -> None:
        super().__init__(sample_rate)
        self._buffer = io.BytesIO()
        self._encoder = encoder(sample_rate, self._buffer)

    def _encode(self, samples: Samples) -> bytes:
        return self._encoder.encode(samples)

    def _finish(self) -> bytes:
        self._encoder.flush()
        return self._buffer.getvalue()

    def _release(self) -> None:
        self._encoder.close()
        self._buffer = io.BytesIO()


class Mp3Encoder(Encoder):
    """MPEG audio frames and nothing else: no ID3 tag, no Xing frame, so that files can be joined by bytes.

    The first frame never borrows from an earlier one, so the joint decodes cleanly.
    """

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(sample_rate, file)
        self._lame = lameenc.Encoder()
        self._lame.silence()
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(sample_rate)
        self._lame.set_out_sample_rate(sample_rate)
        self._lame.set_bit_rate(AudioFormat.MP3.spec.bit_rate(sample_rate) // 1000)
        self._lame.set_quality(7)
        self._has_started = False

    def _encode(self, samples: Samples) -> bytes:
        if not len(samples):
            return b""
        self._has_started = True
        return bytes(self._lame.encode(to_s16(samples)))

    def _finish(self) -> bytes:
        return bytes(self._lame.flush()) if self._has_started else b""

    def _release(self) -> None:
        del self._lame


class OpusEncoder(ContainerEncoder):
    """Ogg Opus with pages of 60 ms, so that little waits for its page to fill."""

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(
            sample_rate,
            container="ogg",
            codec="libopus",
            sample_format="s16",
            bit_rate=AudioFormat.OPUS.spec.bit_rate(sample_rate),
            codec_options={"compression_level": "1"},
            container_options={"page_duration": "60000"},
            file=file,
        )


class AacEncoder(ContainerEncoder):
    """AAC-LC in ADTS frames."""

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(
            sample_rate,
            container="adts",
            codec="aac",
            sample_format="fltp",
            bit_rate=AudioFormat.AAC.spec.bit_rate(sample_rate),
            codec_options={"aac_coder": "fast"},
            file=file,
        )


class M4aEncoder(ContainerEncoder):
    """AAC-LC in MP4 whose fragments of 100 ms follow the header, so that it plays while it grows.

    The header is written with the first fragment, when the delay of the codec is known: its edit list skips the 1024 samples that the codec
    puts in front. The duration of the last frame leaves out what fills it.
    """

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(
            sample_rate,
            container="ipod",
            codec="aac",
            sample_format="fltp",
            bit_rate=AudioFormat.M4A.spec.bit_rate(sample_rate),
            codec_options={"aac_coder": "fast"},
            container_options={"movflags": "empty_moov+delay_moov+default_base_moof+skip_trailer", "frag_duration": "100000"},
            file=file,
        )


class FlacEncoder(ContainerEncoder):
    """FLAC; in a file it goes back to its header and writes the number of samples and the checksum there."""

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        super().__init__(
            sample_rate,
            container="flac",
            codec="flac",
            sample_format="s16",
            codec_options={"compression_level": "5"},
            file=file,
            is_seeking=True,
        )


ENCODERS: Mapping[AudioFormat, type[Encoder]] = {
    AudioFormat.MP3: Mp3Encoder,
    AudioFormat.OPUS: OpusEncoder,
    AudioFormat.AAC: AacEncoder,
    AudioFormat.M4A: M4aEncoder,
    AudioFormat.FLAC: FlacEncoder,
    AudioFormat.WAV: WavEncoder,
    AudioFormat.PCM: PcmEncoder,
}
