"""Decodes untrusted reference clips by an ffmpeg child process, never in this process.

The first bytes of the file determine the demuxer, which is passed to ffmpeg, and only demuxers of audio that cannot open other files are
allowed. Size, time, memory and output are limited.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tts_server.audio.child import find_ffmpeg as _bundled_ffmpeg
from tts_server.audio.child import run_child
from tts_server.audio.clip_files import ACCEPTED, DECODERS, DEMUXERS, HOLDS_MANY_TRACKS, corrected, sniff
from tts_server.errors import InvalidReference, TooLarge, TTSError, Unavailable, UnsupportedAudio
from tts_server.speech import Samples, VoiceReference

SAMPLE_RATE = 24000
"""Rate in Hz of every decoded clip."""

SILENCE_DBFS = -50.0
"""A clip whose loudest part is below this level is called silent."""

_MAX_ALLOCATION = 16 * 1024 * 1024
_MAX_STREAMS = 12
_FRAME_BYTES = 3 * 4
_CANCELLED = 1 / 16
"""The mix of two uncorrelated channels has half the energy of one: below this fraction they cancel each other."""

_CUT_OFF = (b"moov atom not found", b"End of file")
_PREFIX, _SUFFIX = "parlance-clip-", ".bin"
_STALE_SECONDS = 3600.0
_ENDED_FROM_OUTSIDE = (-15, -9)
"""Exit statuses of a child that was terminated or killed: the clip is not the cause, and the output is incomplete."""

_logger = logging.getLogger(__name__)


class _Soundless(InvalidReference):
    """An audio track without sound; another of the file may have some."""


@dataclass(frozen=True)
class ClipLimits:
    """The limits of a clip: size of the file in bytes, length of its audio in seconds, and seconds that decoding may take."""

    max_bytes: int = 25 * 1024 * 1024
    min_seconds: float = 1.0
    max_seconds: float = 120.0
    timeout_seconds: float = 20.0


def decode_clip(data: bytes, *, limits: ClipLimits | None = None, ffmpeg: Sequence[str] | None = None) -> VoiceReference:
    """The audio of an uploaded file, mono at 24,000 Hz, within -1..1.

    `ffmpeg` is the command that starts the decoder, by default the program that comes with `imageio-ffmpeg`.
    Raises UnsupportedAudio for a file that is not audio, TooLarge for too many bytes or seconds, and InvalidReference, with the measured
    number, for a clip that is empty, damaged, too short, silent, or holds samples that are not numbers.
    """
    limits = limits or ClipLimits()
    if not data:
        raise InvalidReference("The reference clip is empty: the file has 0 bytes.")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"The reference clip is too large: {_megabytes(len(data))}; at most {_megabytes(limits.max_bytes)} are accepted.")
    demuxer = sniff(data)
    if demuxer is None:
        raise UnsupportedAudio(f"This file is not audio in a known form. Please send {ACCEPTED}.")
    command = list(ffmpeg) if ffmpeg is not None else [_bundled_ffmpeg()]
    with _temporary_file(corrected(data, demuxer)) as path:
        samples = _first_sound(demuxer, path, limits, command)
    return VoiceReference(samples, SAMPLE_RATE, hashlib.sha256(data).hexdigest())


def _first_sound(demuxer: str, path: Path, limits: ClipLimits, ffmpeg: Sequence[str]) -> Samples:
    """The first audio track that is not silent. For a file without one, raises the error of the first track."""
    deadline = time.monotonic() + limits.timeout_seconds
    refusal: TTSError | None = None
    for track in range(_MAX_STREAMS if demuxer in HOLDS_MANY_TRACKS else 1):
        try:
            return _checked(_decode(demuxer, path, track, limits, ffmpeg, deadline), limits)
        except _Soundless as error:
            refusal = refusal or error
        except TTSError as error:  # beyond the first track: there are no more tracks, or only damaged ones
            raise refusal or error from None
    assert refusal is not None  # noqa: S101 - there is at least one track, which was refused
    raise refusal


def remove_leftovers() -> None:
    """Delete the temporary clips of a killed server; younger ones may belong to another server."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                path.unlink()


def _arguments(demuxer: str, path: Path, track: int, limits: ClipLimits) -> list[str]:
    # Three channels: left, right and their mix; the former show whether they cancel in the mix. Each needs its own aresample.
    graph = (
        f"[0:a:{track}]asplit[a][b];[a]aresample={SAMPLE_RATE}:ochl=mono[mono];[b]aresample={SAMPLE_RATE}:ochl=stereo[stereo];"
        "[stereo][mono]amerge[clip]"
    )
    # `-t` makes the child stop soon after the limit; one second more shows that the clip was longer.
    return [
        "-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1", "-filter_complex_threads", "1",
        "-max_alloc", str(_MAX_ALLOCATION), "-max_streams", str(_MAX_STREAMS),
        "-protocol_whitelist", "pipe,file", "-format_whitelist", ",".join(DEMUXERS), "-codec_whitelist", DECODERS, "-threads", "1",
        "-f", demuxer, "-i", f"file:{path}", "-filter_complex", graph, "-map", "[clip]", "-map_metadata", "-1", "-vn", "-sn", "-dn",
        "-t", f"{limits.max_seconds + 1:.3f}", "-threads", "1", "-f", "f32le", "pipe:1",
    ]  # fmt: skip


@contextlib.contextmanager
def _temporary_file(parts: Iterable[bytes | memoryview]) -> Iterator[Path]:
    """A closed temporary file with `parts`, removed after the block. An mp4 cannot be read from a pipe."""
    handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _decode(demuxer: str, path: Path, track: int, limits: ClipLimits, ffmpeg: Sequence[str], deadline: float) -> Samples:
    """The samples of an audio track in mono, at most one second more than the limit. Raises the errors of `decode_clip`."""
    max_bytes = round((limits.max_seconds + 1) * SAMPLE_RATE) * _FRAME_BYTES
    done = run_child([*ffmpeg, *_arguments(demuxer, path, track, limits)], max_bytes, deadline)
    if done.is_late:
        raise InvalidReference(f"The reference clip could not be read within {limits.timeout_seconds:g} seconds.")
    if len(done.output) < max_bytes and done.status in _ENDED_FROM_OUTSIDE:
        raise Unavailable("The reference clip could not be read: the system has ended ffmpeg, perhaps for want of memory. Try again.")
    if not done.output:
        _logger.debug("ffmpeg could not read a clip (exit status %s): %s", done.status, done.log.decode("utf-8", "replace"))
        if done.status == 0 or any(words in done.log for words in _CUT_OFF):
            raise _Soundless("The reference clip holds no audio: 0 seconds could be decoded. The file may be cut off.")
        raise UnsupportedAudio("This file could not be read as audio: it is damaged, or has no audio track in a known form.")
    frames = np.frombuffer(done.output[: len(done.output) // _FRAME_BYTES * _FRAME_BYTES], dtype="<f4").reshape(-1, 3)
    return _mono(frames)


def _mono(frames: npt.NDArray[np.float32]) -> Samples:
    """The mono mix of frames of shape [n, 3] (left, right, mix), or the louder side where both sides cancel each other in the mix."""
    with np.errstate(all="ignore"):  # samples that are not numbers are refused later
        left, right, mix = (float(frames[:, column].var()) for column in range(3))
    column = 2 if mix >= _CANCELLED * max(left, right) or not np.isfinite(left + right + mix) else int(right > left)
    return frames[:, column].astype(np.float32)


def _checked(samples: Samples, limits: ClipLimits) -> Samples:
    seconds = len(samples) / SAMPLE_RATE
    if seconds > limits.max_seconds:
        raise TooLarge(f"The reference clip is too long: more than {limits.max_seconds:g} seconds. A part of 5 to 20 seconds is plenty.")
    if not np.isfinite(samples).all():
        raise InvalidReference("The reference clip holds samples that are not numbers (NaN or infinity).")
    if seconds < limits.min_seconds:
        raise InvalidReference(f"The reference clip is too short: {seconds:.2f} seconds; at least {limits.min_seconds:g} are needed.")
    level = _loudest_dbfs(samples)
    if level < SILENCE_DBFS:
        measured = "digital silence" if level < -120 else f"its loudest part is at {level:.0f} dBFS"
        raise _Soundless(f"The reference clip is silent: {measured}; speech is at -30 or above.")
    peak = float(np.abs(samples).max())
    return samples / np.float32(peak) if peak > 1.0 else samples


def _loudest_dbfs(samples: Samples) -> float:
    """Level in dB of full scale of the loudest 0.4 seconds, without any constant offset."""
    values = samples.astype(np.float64)
    values -= values.mean()
    width = min(len(values), round(0.4 * SAMPLE_RATE))
    blocks = values[: len(values) // width * width].reshape(-1, width)
    return float(10 * np.log10(max(1e-20, (blocks**2).mean(axis=1).max())))


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count} bytes"
