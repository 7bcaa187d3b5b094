"""The loudspeakers of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tts_server.audio.resample import Resampler
from tts_server.client.errors import NoSpeakers
from tts_server.speech import Samples

SLICE_SECONDS = 0.2
"""How much is handed over at once: Ctrl-C is heard in between."""

INSTEAD = "Write a file instead: -o speech.mp3"


class Speakers:
    """Plays samples through PortAudio; raises NoSpeakers where that is not possible.

    `device` is a number or a part of a device's name as `sounddevice` lists them; without it the system's choice.
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
                there = f"There are: {'; '.join(names)}." if names else "There are none."
                raise NoSpeakers(f"There are no speakers {device!r}. {there}") from error
            raise NoSpeakers(f"This machine has no speakers that a program can use. {INSTEAD}") from error

    def play(self, chunks: Iterator[Samples], sample_rate: int) -> None:
        """Play mono samples to their end, as they come."""
        rate = self._possible_rate(sample_rate)
        resampler = Resampler(sample_rate, rate)
        try:
            stream = self._sound.OutputStream(samplerate=rate, channels=1, dtype="float32", device=self._device, latency="high")
            with stream:
                for samples in chunks:
                    self._write(stream, resampler.process(samples), rate)
                self._write(stream, resampler.flush(), rate)
        except self._sound.PortAudioError as error:
            raise NoSpeakers(f"The speakers cannot be used: {error}. {INSTEAD}") from error

    def _possible_rate(self, wanted: int) -> int:
        try:
            self._sound.check_output_settings(device=self._device, channels=1, dtype="float32", samplerate=wanted)
        except self._sound.PortAudioError:
            return self._default_rate
        return wanted

    def _write(self, stream: Any, samples: Samples, rate: int) -> None:
        step = int(SLICE_SECONDS * rate)
        for start in range(0, len(samples), step):
            stream.write(samples[start : start + step].reshape(-1, 1))
