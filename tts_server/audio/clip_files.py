"""Files that may hold a reference clip: their detection, the demuxers and decoders that ffmpeg may use, and headers that it misreads.

Every demuxer in DEMUXERS reads only the given file: none follows playlists or names of files. (The one for mov can, but only with its
option `enable_drefs`, which is off.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

ACCEPTED = "WAV, MP3, FLAC, Ogg, Opus, M4A, MP4, 3GP, AAC, WebM, AIFF, CAF, AMR, AU or W64"
"""The accepted files, for messages."""

DEMUXERS = ("wav", "mp3", "flac", "ogg", "aac", "mov", "matroska", "aiff", "caf", "amr", "au", "w64")
DECODERS = (
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_s64le,pcm_f32le,pcm_f64le,pcm_s16be,pcm_s24be,pcm_s32be,pcm_f32be,pcm_f64be,pcm_alaw,"
    "pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,mp3,mp3float,mp2,mp2float,flac,vorbis,opus,libopus,libvorbis,speex,aac,alac,amrnb,amrwb"
)
HOLDS_MANY_TRACKS = frozenset({"mov", "matroska", "ogg"})
"""Demuxers of files that may hold several audio tracks."""

_W64_MARK = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_WAVE = bytes.fromhex("77617665f3acd3118cd100c04f8edb8a")
_W64_FORMAT = bytes.fromhex("666d7420f3acd3118cd100c04f8edb8a")

_EXTENSIBLE = 0xFFFE
_PCM = bytes.fromhex("0100000000001000800000aa00389b71")
"""The sub-format of WAVE_FORMAT_EXTENSIBLE for samples that are integers."""

_MAX_CHUNKS = 200


def sniff(data: bytes) -> str | None:
    """Name of the FFmpeg demuxer for a file that starts with `data`, or None where it is none of the accepted containers."""
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:16] == _W64_MARK and data[24:40] == _W64_WAVE:
        return "w64"
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if data[:6] == b"#!AMR\n" or data[:9] == b"#!AMR-WB\n":
        return "amr"
    for mark, name in ((b"OggS", "ogg"), (b"\x1a\x45\xdf\xa3", "matroska"), (b"caff", "caf"), (b".snd", "au")):
        if data.startswith(mark):
            return name
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    return _sniff_frames(data)


def _sniff_frames(data: bytes) -> str | None:
    """The same for files that start with frames, or with ID3 tags before them."""
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
    """Where the audio starts after ID3v2 tags, of which there may be several (ID3v2.4, section 3.1: sizes have 7 bits a byte)."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size = 0
        for byte in data[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size
    return start


def corrected(data: bytes, demuxer: str) -> Sequence[bytes | memoryview]:
    """The file with a header that ffmpeg reads correctly, in pieces to be written one after another.

    WAVE_FORMAT_EXTENSIBLE may store samples of 24 bits in containers of 32, whose lowest bits are then zero. ffmpeg uses the smaller
    number and misreads such samples, so the header gets the size of the container.
    """
    if demuxer not in ("wav", "w64"):
        return (data,)
    for start, size in _format_chunks(data, is_w64=demuxer == "w64"):
        header = data[start : start + min(size, 40)]
        if len(header) < 40 or int.from_bytes(header[:2], "little") != _EXTENSIBLE or header[24:40] != _PCM:
            break
        channels, block = int.from_bytes(header[2:4], "little"), int.from_bytes(header[12:14], "little")
        if channels == 0 or block % channels or not 1 <= block // channels <= 8:
            break
        bits = (8 * (block // channels)).to_bytes(2, "little")
        view = memoryview(data)
        return (view[: start + 14], bits, view[start + 16 : start + 18], bits, view[start + 20 :])
    return (data,)


def _format_chunks(data: bytes, *, is_w64: bool) -> Iterator[tuple[int, int]]:
    """(where its content starts, its size) of the first format chunk of a RIFF or Wave64 file, if there is one."""
    name, start, length, head, padding = (_W64_FORMAT, 40, 8, 24, 8) if is_w64 else (b"fmt ", 12, 4, 8, 2)
    for _ in range(_MAX_CHUNKS):
        if len(data) < start + head:
            return
        size = int.from_bytes(data[start + len(name) : start + len(name) + length], "little") - (head if is_w64 else 0)
        if data.startswith(name, start):
            yield start + head, size
            return
        if size < 0:
            return
        start += head + size + -size % padding
