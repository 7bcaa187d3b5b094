"""The base class of all encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from tts_server.speech import Samples


class SeekableFile(Protocol):
    """A file that an encoder can go back in, to write a header whose values are known only at the end."""

    def write(self, data: bytes, /) -> int | None: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


class Encoder(ABC):
    """Encodes one file. `encode` returns the bytes that are ready, `flush` the rest; after `flush` or `close` it cannot be used.

    `sample_rate` is the rate in Hz that samples must have. With a `file`, which must be empty, everything is written there and both methods
    return nothing. Call `close` when the encoding is abandoned; it may be called repeatedly.
    """

    def __init__(self, sample_rate: int, file: SeekableFile | None = None) -> None:
        self.sample_rate = sample_rate
        self._file = file
        self._is_closed = False

    def encode(self, samples: Samples) -> bytes:
        """The bytes that are ready after float32 mono `samples`; often empty."""
        self._check_open()
        return self._delivered(self._encode(samples))

    def flush(self) -> bytes:
        """The rest of the file."""
        self._check_open()
        try:
            rest = self._delivered(self._finish())
            if self._file is not None:
                self._complete(self._file)
            return rest
        finally:
            self.close()

    def close(self) -> None:
        """Release everything, finished or not. The `file` stays open."""
        if not self._is_closed:
            self._is_closed = True
            self._release()

    def _delivered(self, data: bytes) -> bytes:
        if self._file is None:
            return data
        if data:
            self._file.write(data)
        return b""

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("this encoder is finished")

    @abstractmethod
    def _encode(self, samples: Samples) -> bytes: ...

    @abstractmethod
    def _finish(self) -> bytes: ...

    def _complete(self, file: SeekableFile) -> None:  # noqa: B027 - most headers do not depend on the rest of the file
        """Write the values of the header that are known only at the end."""

    def _release(self) -> None:  # noqa: B027 - most have nothing to release
        """Release the resources of the encoder."""
