"""Small inputs that would grow large: each is refused before it does, and the memory and the time it takes are bounded."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import requests
from audio.sounds import make_file
from hostile import PATIENCE, decoders, files_below, memory, told, watched_memory

MB = 2**20
MAX_OWN_GROWTH = 300 * MB
MAX_CHILD = 700 * MB
SPEECH = "/v1/audio/speech"


# Files that decode to far more than they are


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full_box(name: bytes, *parts: bytes) -> bytes:
    return box(name, bytes(4), *parts)


def mp4_with_promises(tracks: int, samples: int) -> bytes:
    """A few kilobytes whose tables say that each of many tracks has millions of samples."""

    def track(number: int) -> bytes:
        sound = box(b"alac", bytes(6), struct.pack(">H", 1), bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, 24000 << 16))
        tables = box(
            b"stbl",
            full_box(b"stsd", struct.pack(">I", 1), sound),
            full_box(b"stts", struct.pack(">III", 1, samples, 1024)),
            full_box(b"stsz", struct.pack(">II", 7, samples)),
            full_box(b"stsc", struct.pack(">IIII", 1, 1, samples, 1)),
            full_box(b"stco", struct.pack(">II", 1, 100)),
        )
        place = box(b"dinf", full_box(b"dref", struct.pack(">I", 1), box(b"url ", b"\0\0\0\1")))
        media = box(
            b"mdia",
            full_box(b"mdhd", struct.pack(">IIIIHH", 0, 0, 24000, samples, 0, 0)),
            full_box(b"hdlr", bytes(4), b"soun", bytes(13)),
            box(b"minf", full_box(b"smhd", bytes(4)), place, tables),
        )
        return box(b"trak", full_box(b"tkhd", struct.pack(">IIIII", 0, 0, number, 0, samples), bytes(60)), media)

    movie = full_box(b"mvhd", struct.pack(">IIII", 0, 0, 24000, samples), bytes(80))
    return box(b"ftyp", b"M4A \0\0\0\0") + box(b"moov", movie, *(track(n + 1) for n in range(tracks))) + box(b"mdat", b"\1\2" * 5000)


def nested_mp4(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = box(b"moov", data)
    return box(b"ftyp", b"M4A \0\0\0\0") + data


def lying_wav(channels: int, rate: int, bits: int, size: int, payload: bytes) -> bytes:
    width = channels * bits // 8
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * width & 0xFFFFFFFF, width & 0xFFFF, bits)
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", size) + payload


def ogg_with_many_streams(streams: int) -> bytes:
    """Pages of ever new logical streams, each of which wants buffers of its own."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    pages = []
    for serial in range(streams):
        page = bytearray(b"OggS\0\2" + bytes(8) + struct.pack("<II", serial, 0) + bytes(4) + b"\1" + bytes([len(head)]) + head)
        page[22:26] = struct.pack("<I", ogg_checksum(page))
        pages.append(bytes(page))
    return b"".join(pages)


def ogg_checksum(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        crc &= 0xFFFFFFFF
    return crc


def matroska_with_a_huge_element() -> bytes:
    element = b"\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01"
    return (
        element + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"\x16\x54\xae\x6b\x08\x7f\xff\xff\xff" + b"\xae\x81\x01" * 20_000
    )


def cover_of_many_megabytes() -> bytes:
    """An ID3 tag that says its picture has 200 MB."""
    return b"ID3\x03\x00\x00\x5f\x7f\x7f\x7fAPIC\x0b\xeb\xc2\x00\x00\x00\x00image/png\0\3\0" + bytes(100_000)


def long_silence(container: str, codec: str, seconds: int, rate: int) -> bytes:
    return make_file(container, codec, np.full(rate * seconds, 0.2, np.float32), rate)


def zipped(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voice.wav", bytes(size))
    return file.getvalue()


FILES = {
    "flac of many minutes": lambda: long_silence("flac", "flac", 900, 16000),
    "opus of many minutes": lambda: long_silence("ogg", "libopus", 200, 8000),
    "mp3 of many minutes": lambda: long_silence("mp3", "libmp3lame", 200, 8000),
    "wav that says four gigabytes": lambda: lying_wav(1, 24000, 16, 0xFFFFFFFF, bytes(1000)),
    "wav of 65,535 channels": lambda: lying_wav(65535, 24000, 32, 0x7FFFFFFF, bytes(2 * MB)),
    "wav of one sample a second": lambda: lying_wav(1, 1, 16, 2 * MB, b"\x10\x27\xf0\xd8" * (MB // 2)),
    "wav of four billion samples a second": lambda: lying_wav(1, 0xFFFFFFFF, 16, 2 * MB, b"\x10\x27" * MB),
    "wav of no samples a second": lambda: lying_wav(1, 0, 16, 2 * MB, b"\x10\x27" * MB),
    "mp4 of one huge table": lambda: mp4_with_promises(1, 9_000_000),
    "mp4 of many huge tables": lambda: mp4_with_promises(30, 9_000_000),
    "mp4 of many tables that just fit": lambda: mp4_with_promises(12, 690_000),
    "mp4 of four billion samples": lambda: mp4_with_promises(2, 0xFFFFFFFF),
    "mp4 of boxes in boxes": lambda: nested_mp4(20_000),
    "ogg of many streams": lambda: ogg_with_many_streams(2000),
    "matroska of a huge element": matroska_with_a_huge_element,
    "mp3 with a huge picture": cover_of_many_megabytes,
    "zip": lambda: zipped(30 * MB),
    "gzip": lambda: gzip.compress(bytes(30 * MB)),
    "zlib": lambda: zlib.compress(bytes(30 * MB)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_would_grow_is_refused_with_little_memory(server, temporary_folder: Path, name: str) -> None:
    data = FILES[name]()
    assert len(data) < 10 * MB
    with watched_memory() as peak:
        reply = requests.post(server.url + SPEECH, data={"input": "Hello."}, files={"custom_voice_file": ("a.wav", data)}, timeout=PATIENCE)
    error = told(reply)
    assert reply.status_code in (400, 413, 415), error
    assert error["param"] == "custom_voice_file"
    assert peak.child < MAX_CHILD
    assert decoders() == []
    assert list(temporary_folder.iterdir()) == []


# Bodies that hold far more than they are


def multipart(parts: list[bytes]) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
TEXT = b'Content-Disposition: form-data; name="input"\r\n\r\nHello.'
PART = b'Content-Disposition: form-data; name="a%d"\r\n\r\n'
BODIES = {
    "json of many lists": (JSON, lambda: b'{"input":"Hello.","a":[' + b"[]," * (3 * MB) + b"1]}", {413}),
    "json of many objects": (JSON, lambda: b'{"input":"Hello.","a":[' + b'{"":{}},' * MB + b"1]}", {413}),
    "json of many keys": (JSON, lambda: b"{" + b",".join(b'"%d":0' % n for n in range(MB)) + b"}", {413}),
    "json in json": (JSON, lambda: b'{"input":' * (MB // 2) + b"1" + b"}" * (MB // 2), {400, 413}),
    "json of nested lists": (JSON, lambda: b'{"input":"Hello.","a":' + b"[" * 5000 + b"]" * 5000 + b"}", {400}),
    "json of a long number": (JSON, lambda: b'{"input":"Hello.","seed":' + b"9" * (4 * MB) + b"}", {400}),
    "json of a long fraction": (JSON, lambda: b'{"input":"Hello.","speed":0.' + b"1" * (4 * MB) + b"}", {400}),
    "json of a long number in words": (JSON, lambda: b'{"input":"Hello.","seed":"' + b"9" * (4 * MB) + b'"}', {400}),
    "a long name of accents": (JSON, lambda: json.dumps({"input": "Hello.", "voice": "a" + "\u0301\u0316" * 10**6}).encode(), {400}),
    "a long model of accents": (JSON, lambda: json.dumps({"input": "Hello.", "model": "a" + "\u0301\u0316" * 10**6}).encode(), {400}),
    "a long language": (JSON, lambda: json.dumps({"input": "Hello.", "language": "e" * 10**7}).encode(), {400}),
    "a clip of spaces": (JSON, lambda: json.dumps({"input": "Hello.", "voice_b64": "A " * (5 * MB)}).encode(), {400, 415}),
    "form of many fields": (FORM, lambda: b"input=Hello.&" + b"a=b&" * (3 * MB), {413}),
    "form of empty fields": (FORM, lambda: b"input=Hello." + b"&" * (12 * MB), {413}),
    "parts by the thousand": (PARTS, lambda: multipart([TEXT, *(PART % n + b"b" for n in range(50_000))]), {413}),
    "parts without a name": (PARTS, lambda: multipart([TEXT, *([b"a: b\r\n\r\n"] * 50_000)]), {400, 413}),
    "a part of a long head": (PARTS, lambda: multipart([TEXT, b"X: " + b"a" * (8 * MB) + b"\r\n\r\n"]), {200, 400, 413}),
    "a part of line ends": (PARTS, lambda: multipart([TEXT, PART % 1 + b"\r\n--" * (2 * MB)]), {200, 400, 413}),
    "compressed json": (JSON, lambda: gzip.compress(b'{"input":"' + b"a" * (30 * MB) + b'"}'), {400}),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_would_grow_is_refused(server, name: str) -> None:
    content_type, made, statuses = BODIES[name]
    data = made()
    headers = {"Content-Type": content_type} | ({"Content-Encoding": "gzip"} if name.startswith("compressed") else {})
    reply = requests.post(server.url + SPEECH, data=data, headers=headers, timeout=PATIENCE)
    assert reply.status_code in statuses, reply.text[:300]
    if reply.status_code != 200:
        assert len(reply.content) < 20_000
        assert told(reply)["message"]


def test_memory_stays_bounded_while_bodies_of_many_values_come_at_once(server) -> None:
    body = b'{"input":"Hello.","a":[' + b"[]," * (6 * MB) + b"1]}"
    assert requests.post(server.url + SPEECH, data=body, headers={"Content-Type": JSON}, timeout=PATIENCE).status_code == 413
    with watched_memory() as peak:
        before = memory()
        for _ in range(3):
            requests.post(server.url + SPEECH, data=body, headers={"Content-Type": JSON}, timeout=PATIENCE)
    assert peak.own - before < MAX_OWN_GROWTH


def test_a_long_field_of_a_new_voice_is_refused(start_server, tmp_path: Path, clip: bytes) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    server = start_server(voice_library_path=folder)
    for field in ("aliases", "description", "controls", "language", "name"):
        fields = {"name": "Newcomer"} | {field: "a," * MB}
        reply = requests.post(f"{server.url}/v1/voices", data=fields, files={"audio": ("a.flac", clip)}, timeout=PATIENCE)
        assert (reply.status_code, told(reply)["param"]) == (400, field)
        assert len(reply.content) < 20_000
    assert files_below(folder) == {}
