"""How much audio one reply may hold, checked before anything is spoken."""

from __future__ import annotations

from dataclasses import dataclass

from tts_server.audio.encoders import bytes_per_second
from tts_server.errors import AudioTooLong
from tts_server.speech import AudioFormat

SLACK = 1.25
"""An estimate can be low: rendering fails only beyond this many times the limit."""

MIN_SECONDS_PER_CHARACTER, MIN_BYTES_PER_CHARACTER = 0.1, 4800
"""A text of the longest length that may be sent is never too long at the usual speed and sample rate."""


@dataclass(frozen=True)
class ReplyLimits:
    """At most `max_seconds` of audio and `max_bytes` in one reply."""

    max_seconds: float = 3600.0
    max_bytes: int = 256 * 2**20

    def raised_for(self, num_characters: int, *, seconds: bool, num_bytes: bool) -> ReplyLimits:
        """Return the limits with `seconds`, `num_bytes` or both raised where a text of `num_characters` would not fit otherwise."""
        return ReplyLimits(
            max(self.max_seconds, num_characters * MIN_SECONDS_PER_CHARACTER) if seconds else self.max_seconds,
            max(self.max_bytes, num_characters * MIN_BYTES_PER_CHARACTER) if num_bytes else self.max_bytes,
        )

    def check(self, seconds: float, format: AudioFormat, sample_rate: int) -> float:
        """Return the seconds after which a reply that takes about `seconds` fails; raises AudioTooLong where the estimate is too long."""
        rate = bytes_per_second(format, sample_rate)
        if seconds > self.max_seconds:
            raise AudioTooLong(
                f"This text makes about {_time(seconds)} of audio; this server makes at most {_time(self.max_seconds)} at once. "
                "Divide the text or raise the speed.",
                param="input",
            )
        if seconds * rate > self.max_bytes:
            raise AudioTooLong(
                f"This text makes about {_time(seconds)} of audio, which is {_megabytes(seconds * rate)} as {format.value} at "
                f"{sample_rate} Hz; this server sends at most {_megabytes(self.max_bytes)} at once. Choose mp3, lower the sample_rate, "
                "raise the speed or divide the text.",
                param="input",
            )
        return min(self.max_seconds, self.max_bytes / rate) * SLACK


def too_long(seconds: float) -> AudioTooLong:
    """Return the error of a reply that fails after `seconds`, since it is much longer than was estimated."""
    return AudioTooLong(
        f"This text takes much longer to say than its length suggests: after {_time(seconds)} of audio it was not at its end. "
        "Divide the text, raise the speed or choose mp3.",
        param="input",
    )


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes:,} minutes" if minutes >= 2 else f"{seconds:.0f} seconds"


def _megabytes(num_bytes: float) -> str:
    return f"{num_bytes / 2**20:,.0f} MB"
