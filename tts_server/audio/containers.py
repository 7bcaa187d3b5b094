"""The base of encoders that use FFmpeg's codecs and containers, through PyAV."""

from __future__ import annotations

import contextlib
from typing import Any

import av
import numpy as np

from tts_server.audio.encoder import Encoder, SeekableFile
from tts_server.audio.pcm import to_s16
from tts_server.errors import ResourceExhausted
from tts_server.speech import Samples


class _Outbox:
    """A buffer for the output of a muxer, which must not seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class ContainerEncoder(Encoder):
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
        file: SeekableFile | None = None,
        is_seeking: bool = False,
    ) -> None:
        super().__init__(sample_rate, file)
        self._outbox = _Outbox()
        # bitexact: no random serial number and no library version, so that the same samples always make the same file.
        options = {"fflags": "+bitexact", "flush_packets": "1", **(container_options or {})}
        sink: Any = file if is_seeking and file is not None else self._outbox
        self._container = av.open(sink, "w", format=container, options=options)
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
        # Closing frees the codec, and writes the end of the file, which is no longer used. If the file cannot be written, the first error
        # has been raised already.
        with contextlib.suppress(av.FFmpegError, OSError, ResourceExhausted):
            self._container.close()
        del self._stream, self._container
