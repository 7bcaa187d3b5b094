"""Plays audio through the speakers of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tts_server.audio.resample import Resampler
from tts_server.client.errors import NoSpeakers
from tts_server.speech import Samples

SLICE_SECONDS = 0.2
"""Duration of one write to the audio device. Ctrl-C takes effect between two writes."""

INSTEAD = "Write a file instead: -o speech.mp3"


class Speakers:
    """Plays samples through PortAudio; raises NoSpeakers if that is not possible.

    `device` is the number or a part of the name of a device, as `sounddevice` lists them. The default is the system's default device.
    """

    def __init__(self, device: str | None = None) -> None:
        try:
            import sounddevice
        except ImportError as error:
            raise NoSpeakers(f"Playing needs the Python package sounddevice: pip install sounddevice. {INSTEAD}") from error
        except OSError as error:
            hint = "sudo apt install libportaudio2" if sys.platform == "linux" else "pip install --force-reinstall sounddevice"
            raise NoSpeakers(f"Playing needs the PortAudio library: {hint}. {INSTEAD}") from error
        self._sound: Any = sounddevice
        self._device = int(device) if device and device.isdecimal() else device
        try:
            self._default_rate = int(sounddevice.query_devices(self._device, "output")["default_samplerate"])
        except (ValueError, sounddevice.PortAudioError) as error:
            if device is not None:
                names = [found["name"] for found in sounddevice.query_devices() if found["max_output_channels"]]
                available = f"Available: {'; '.join(names)}." if names else "None are available."
                raise NoSpeakers(f"There are no speakers {device!r}. {available}") from error
            raise NoSpeakers(f"This machine has no speakers that a program can use. {INSTEAD}") from error

    def play(self, chunks: Iterator[Samples], sample_rate: int) -> None:
        """Play mono samples as they arrive, until their end."""
        rate = self._supported_rate(sample_rate)
        resampler = Resampler(sample_rate, rate)
        try:
            stream = self._sound.OutputStream(samplerate=rate, channels=1, dtype="float32", device=self._device, latency="high")
            with stream:
                for samples in chunks:
                    self._write(stream, resampler.process(samples), rate)
                self._write(stream, resampler.flush(), rate)
        except self._sound.PortAudioError as error:
            raise NoSpeakers(f"The speakers cannot be used: {error}. {INSTEAD}") from error

    def _supported_rate(self, rate: int) -> int:
        try:
            self._sound.check_output_settings(device=self._device, channels=1, dtype="float32", samplerate=rate)
        except self._sound.PortAudioError:
            return self._default_rate
        return rate

    def _write(self, stream: Any, samples: Samples, rate: int) -> None:
        step = int(SLICE_SECONDS * rate)
        for start in range(0, len(samples), step):
            stream.write(samples[start : start + step].reshape(-1, 1))
