"""Encoders: samples in, bytes of a file out, as they become ready.

The libraries and settings were chosen by `benchmarks/encoders.py`: at a hundred times real time of speech, encoding must stay
the small part of the work.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import av
import lameenc
import numpy as np

from tts_server.audio.pcm import to_s16
from tts_server.speech import AudioFormat, Samples

UNKNOWN_LENGTH = 0xFFFFFFFF

_MP3_BITRATES = {8000: 48, 11025: 56, 12000: 56, 16000: 64, 22050: 96, 24000: 96, 32000: 112, 44100: 128, 48000: 128}
_AAC_BITRATES = {
    8000: 32000, 11025: 40000, 12000: 40000, 16000: 56000, 22050: 72000, 24000: 80000, 32000: 96000, 44100: 112000, 48000: 112000,
}  # fmt: skip
_OPUS_BITRATES = {8000: 24000, 12000: 32000, 16000: 40000, 24000: 48000, 48000: 64000}

_RATES: Mapping[AudioFormat, Mapping[int, int]] = {
    AudioFormat.MP3: _MP3_BITRATES,
    AudioFormat.AAC: _AAC_BITRATES,
    AudioFormat.OPUS: _OPUS_BITRATES,
}


def supported_rate(format: AudioFormat, wanted: int) -> int:
    """The sample rate in Hz nearest to `wanted` that `format` can carry; the higher one where two are as near.

    Opus has no rates between 24 and 48 kHz; there the higher one is taken, so that nothing audible is lost.
    """
    if format not in _RATES:
        return wanted
    rates = sorted(_RATES[format], reverse=True)
    if format is AudioFormat.OPUS and wanted > 24000:
        return rates[0]
    return min(rates, key=lambda rate: abs(rate - wanted))


class Encoder(ABC):
    """One file in the making. `encode` gives out what is ready, `flush` the rest; after `flush` or `close` it cannot be used.

    `sample_rate` is the rate in Hz that samples must have. Call `close` when the file is abandoned midway; calling it again does no harm.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._is_closed = False

    def encode(self, samples: Samples) -> bytes:
        """The bytes that are ready after float32 mono `samples`; often empty."""
        self._check_open()
        return self._encode(samples)

    def flush(self) -> bytes:
        """The rest of the file."""
        self._check_open()
        try:
            return self._finish()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything, finished or not."""
        if not self._is_closed:
            self._is_closed = True
            self._release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("this encoder is finished")

    @abstractmethod
    def _encode(self, samples: Samples) -> bytes: ...

    @abstractmethod
    def _finish(self) -> bytes: ...

    def _release(self) -> None:  # noqa: B027 - most have nothing to let go of
        """What `close` has to do beyond forgetting."""


def create_encoder(format: AudioFormat, sample_rate: int, *, streamed: bool) -> Encoder:
    """A new encoder for mono speech.

    `sample_rate` must be one that `supported_rate` gives. With `streamed` a wav or flac does not know its length when it starts and says
    so in its header; without, both are held back until `flush` and state it exactly. The other formats do not differ.
    """
    if supported_rate(format, sample_rate) != sample_rate:
        raise ValueError(f"{format.value} cannot carry {sample_rate} Hz")
    if format is AudioFormat.PCM:
        return PcmEncoder(sample_rate)
    if format is AudioFormat.WAV:
        return StreamedWavEncoder(sample_rate) if streamed else BufferedWavEncoder(sample_rate)
    if format is AudioFormat.MP3:
        return Mp3Encoder(sample_rate)
    if format is AudioFormat.OPUS:
        return OpusEncoder(sample_rate)
    if format is AudioFormat.AAC:
        return AacEncoder(sample_rate)
    return FlacEncoder(sample_rate, streamed=streamed)


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


class StreamedWavEncoder(Encoder):
    """A wav of unknown length, which every player reads to the end of the connection."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self._header = wav_header(sample_rate, None)

    def _encode(self, samples: Samples) -> bytes:
        header, self._header = self._header, b""
        return header + to_s16(samples)

    def _finish(self) -> bytes:
        return self._header


class BufferedWavEncoder(Encoder):
    """A wav with exact lengths, given out whole at the end."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self._data = bytearray()

    def _encode(self, samples: Samples) -> bytes:
        self._data += to_s16(samples)
        return b""

    def _finish(self) -> bytes:
        return wav_header(self.sample_rate, len(self._data)) + bytes(self._data)

    def _release(self) -> None:
        self._data = bytearray()


class Mp3Encoder(Encoder):
    """MPEG audio frames and nothing else: no ID3 tag, no Xing frame, so that files can be joined by bytes.

    The first frame never borrows from an earlier one, so the joint decodes cleanly.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self._lame = lameenc.Encoder()
        self._lame.silence()
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(sample_rate)
        self._lame.set_out_sample_rate(sample_rate)
        self._lame.set_bit_rate(_MP3_BITRATES[sample_rate])
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


class _Outbox:
    """Where a muxer that must not seek puts its bytes until someone takes them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class _ContainerEncoder(Encoder):
    """A codec and a container of FFmpeg, through PyAV."""

    def __init__(
        self,
        sample_rate: int,
        *,
        container: str,
        codec: str,
        sample_format: str,
        bit_rate: int | None = None,
        codec_options: dict[str, str],
        container_options: dict[str, str] | None = None,
        sink: _Outbox | io.BytesIO | None = None,
    ) -> None:
        super().__init__(sample_rate)
        self._outbox = _Outbox()
        # bitexact: no random serial number and no library version, so that the same samples always make the same file.
        options = {"fflags": "+bitexact", "flush_packets": "1", **(container_options or {})}
        file: Any = self._outbox if sink is None else sink
        self._container = av.open(file, "w", format=container, options=options)
        stream: Any = self._container.add_stream(codec, rate=sample_rate, layout="mono", options=codec_options)
        stream.codec_context.format = sample_format
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        self._stream = stream
        self._is_float = sample_format.startswith("flt")
        self._sample_format = sample_format
        self._samples_done = 0

    def _encode(self, samples: Samples) -> bytes:
        if len(samples):
            values = np.frombuffer(to_s16(samples), dtype="<i2")
            if self._is_float:
                values = values.astype(np.float32) / 32768.0
            frame: Any = av.AudioFrame.from_ndarray(values[np.newaxis], format=self._sample_format, layout="mono")
            frame.sample_rate = self.sample_rate
            frame.pts = self._samples_done
            self._samples_done += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._outbox.take()

    def _finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._outbox.take()

    def _release(self) -> None:
        # Closing writes the end of the file into the outbox, which nobody reads any more; it also frees the codec.
        self._container.close()
        del self._stream, self._container


class OpusEncoder(_ContainerEncoder):
    """Ogg Opus with pages of 60 ms, so that little waits for its page to fill."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(
            sample_rate,
            container="ogg",
            codec="libopus",
            sample_format="s16",
            bit_rate=_OPUS_BITRATES[sample_rate],
            codec_options={"compression_level": "1"},
            container_options={"page_duration": "60000"},
        )


class AacEncoder(_ContainerEncoder):
    """AAC-LC in ADTS frames."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(
            sample_rate,
            container="adts",
            codec="aac",
            sample_format="fltp",
            bit_rate=_AAC_BITRATES[sample_rate],
            codec_options={"aac_coder": "fast"},
        )


class FlacEncoder(_ContainerEncoder):
    """FLAC; the buffered kind goes back to its header and writes the number of samples and the checksum there."""

    def __init__(self, sample_rate: int, *, streamed: bool) -> None:
        self._file = None if streamed else io.BytesIO()
        super().__init__(
            sample_rate, container="flac", codec="flac", sample_format="s16", codec_options={"compression_level": "5"}, sink=self._file
        )

    def _finish(self) -> bytes:
        streamed_bytes = super()._finish()
        return streamed_bytes if self._file is None else self._file.getvalue()

    def _release(self) -> None:
        super()._release()
        self._file = None
