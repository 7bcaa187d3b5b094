"""Reference clips from strangers: decoded by an ffmpeg child process, never in this one.

What the child gets is decided here, by the first bytes of the file: the demuxer is named, not guessed, and only one of eight that hold
audio and cannot name other files. The rest are limits: on size, time, memory, and on what is read back.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np

from tts_server.errors import EngineFailure, InvalidReference, TooLarge, Unavailable, UnsupportedAudio
from tts_server.speech import Samples, VoiceReference

if sys.platform != "win32":
    import resource

SAMPLE_RATE = 24000
"""Rate in Hz of every decoded clip."""

SILENCE_DBFS = -50.0
"""A clip whose loudest part is below this level is called silent."""

_DEMUXERS = ("wav", "mp3", "flac", "ogg", "aac", "mov", "matroska")
_DECODERS = (
    "pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_s64le,pcm_f32le,pcm_f64le,pcm_s16be,pcm_s24be,pcm_s32be,pcm_f32be,pcm_f64be,pcm_alaw,pcm_mulaw,"
    "adpcm_ms,adpcm_ima_wav,mp3,mp3float,mp2,mp2float,flac,vorbis,opus,libopus,libvorbis,speex,aac,alac"
)
_MAX_ALLOCATION = 16 * 1024 * 1024
_MAX_STREAMS = 12
_MAX_ADDRESS_SPACE = 1024**3
"""Bytes. An mp4 of 20 KB can promise tables of gigabytes: what one allocation may take, times the streams that may ask for one,
bounds that. The whole is for what gets round it, where the system (Linux) can limit a process that runs."""

_MAX_LOG_BYTES = 4096
_PREFIX, _SUFFIX = "parlance-clip-", ".bin"
_STALE_SECONDS = 3600.0
_ENDED_FROM_OUTSIDE = (-15, -9)
"""Exit statuses of a child that was told to end or was killed: not the clip's fault, and what came until then is not all of it."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipLimits:
    """What a clip may be: size of the file in bytes, length of its audio in seconds, and seconds that decoding may take."""

    max_bytes: int = 25 * 1024 * 1024
    min_seconds: float = 1.0
    max_seconds: float = 120.0
    timeout_seconds: float = 20.0


def decode_clip(data: bytes, *, limits: ClipLimits | None = None, ffmpeg: Sequence[str] | None = None) -> VoiceReference:
    """The audio of an uploaded file, mono at 24,000 Hz, within -1..1.

    `ffmpeg` is the command that starts the decoder, by default the program that comes with `imageio-ffmpeg`.
    Raises UnsupportedAudio for what is not audio, TooLarge for too many bytes or seconds, and InvalidReference, with the measured
    number in words, for a clip that is empty, damaged, too short, silent, or holds samples that are not numbers.
    """
    limits = limits or ClipLimits()
    if not data:
        raise InvalidReference("The reference clip is empty: the file has 0 bytes.")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"The reference clip is too large: {_megabytes(len(data))}; at most {_megabytes(limits.max_bytes)} are accepted.")
    demuxer = sniff(data)
    if demuxer is None:
        raise UnsupportedAudio("This file is not audio in a known form. Please send wav, mp3, flac, ogg, opus, m4a, aac or webm.")
    command = list(ffmpeg) if ffmpeg is not None else [_bundled_ffmpeg()]
    with _temporary_file(data) as path:
        samples = _run([*command, *_arguments(demuxer, path, limits)], limits)
    return VoiceReference(_checked(samples, limits), SAMPLE_RATE, hashlib.sha256(data).hexdigest())


def remove_leftovers() -> None:
    """Delete clips that a server which was killed left among the temporary files; younger ones may be another server's work."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                path.unlink()


def sniff(data: bytes) -> str | None:
    """Name of the FFmpeg demuxer for a file that starts with `data`, or None where it is none of the accepted containers."""
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    start = _after_id3(data)
    if data[start : start + 4] == b"fLaC":
        return "flac"
    head = data[start : start + 4096].lstrip(b"\0")[:2]
    if len(head) == 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        layer = head[1] & 0x06
        if layer:
            return "mp3"
        return "aac" if head[1] & 0xF0 == 0xF0 else None
    return "mp3" if start else None


def _after_id3(data: bytes) -> int:
    """Where the audio starts behind ID3v2 tags, of which there may be several (ID3v2.4, section 3.1: sizes have 7 bits a byte)."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size = 0
        for byte in data[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size
    return start


def _bundled_ffmpeg() -> str:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EngineFailure("Reference clips cannot be read: no ffmpeg program was found. Reinstall the package imageio-ffmpeg.") from error


def _arguments(demuxer: str, path: Path, limits: ClipLimits) -> list[str]:
    # `-t` makes the child stop by itself soon after the limit; one second more shows that the clip was longer.
    return [
        "-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1",
        "-max_alloc", str(_MAX_ALLOCATION), "-max_streams", str(_MAX_STREAMS),
        "-protocol_whitelist", "pipe,file", "-format_whitelist", ",".join(_DEMUXERS), "-codec_whitelist", _DECODERS, "-threads", "1",
        "-f", demuxer, "-i", f"file:{path}", "-map", "0:a:0", "-map_metadata", "-1", "-vn", "-sn", "-dn",
        "-t", f"{limits.max_seconds + 1:.3f}", "-threads", "1", "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le", "pipe:1",
    ]  # fmt: skip


@contextlib.contextmanager
def _temporary_file(data: bytes) -> Iterator[Path]:
    """A closed file holding `data`, under a name of our own, gone afterwards. An mp4 cannot be read from a pipe."""
    handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _run(command: list[str], limits: ClipLimits) -> Samples:
    """The child's float32 output, at most what the limits allow plus one second; the child is gone when this returns."""
    cap = round((limits.max_seconds + 1) * SAMPLE_RATE) * 4
    try:
        child = subprocess.Popen(  # a list, no shell, and no word of it comes from the user
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise EngineFailure(f"Reference clips cannot be read: ffmpeg does not start ({error.strerror or error}).") from error
    _confine(child.pid)
    is_late = threading.Event()

    def stop_late_child() -> None:
        is_late.set()
        child.kill()

    timer = threading.Timer(limits.timeout_seconds, stop_late_child)
    with child:
        assert child.stdout is not None and child.stderr is not None  # noqa: S101 - both are pipes; this tells the type checker
        log = _Log(child.stderr)
        timer.start()
        try:
            output = child.stdout.read(cap)
            if len(output) >= cap:
                child.kill()
            child.wait()
        finally:
            timer.cancel()
            child.kill()
            log.join()
    if is_late.is_set():
        raise InvalidReference(f"The reference clip could not be read within {limits.timeout_seconds:g} seconds.")
    if len(output) < cap and child.returncode in _ENDED_FROM_OUTSIDE:
        raise Unavailable("The reference clip could not be read: the system has ended ffmpeg, perhaps for want of memory. Try again.")
    if not output:
        _logger.debug("ffmpeg could not read a clip (exit status %s): %s", child.returncode, log.text)
        if child.returncode == 0 or log.says_truncated:
            raise InvalidReference("The reference clip holds no audio: 0 seconds could be decoded. The file may be cut off.")
        raise UnsupportedAudio("This file could not be read as audio: it is damaged, or has no audio track in a known form.")
    return np.frombuffer(output[: len(output) // 4 * 4], dtype="<f4").astype(np.float32)


def _confine(pid: int) -> None:
    """Bound the child's memory as a whole."""
    if sys.platform == "linux" and hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))


class _Log(threading.Thread):
    """Reads the child's messages, so that it never waits for us, and keeps the first few thousand bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True, name="ffmpeg-log")
        self._stream = stream
        self._kept = b""
        self.start()

    def run(self) -> None:
        while block := self._stream.read(_MAX_LOG_BYTES):
            self._kept += block[: _MAX_LOG_BYTES - len(self._kept)]

    @property
    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")

    @property
    def says_truncated(self) -> bool:
        return b"moov atom not found" in self._kept or b"End of file" in self._kept


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
        raise InvalidReference(f"The reference clip is silent: {measured}; speech is at -30 or above.")
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
