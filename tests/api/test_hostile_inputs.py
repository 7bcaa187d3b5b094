"""Two hundred bad inputs: each gets the right 4xx in words, nothing is left behind, the server goes on."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import socket
import struct
import zipfile
import zlib

import av
import numpy as np
import pytest
import requests
from support.decoded_audio import hear

TEXT = "Hello."
PATIENCE = float(os.environ.get("TEST_SCALE", "1")) * 5  # seconds; each answer takes a fraction of one on a quiet machine
SPEECH = "/v1/audio/speech"


def wav(samples: np.ndarray, rate: int = 24000, code: int = 1) -> bytes:
    data = samples.tobytes()
    width = samples.itemsize
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        code,
        1,
        rate,
        rate * width,
        width,
        8 * width,
        b"data",
        len(data),
    )
    return head + data


def flac_bomb(seconds: int = 1800) -> bytes:
    """A small file that would decode to a very long one."""
    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        for second in range(seconds):
            frame.pts = second * 48000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def hostile_files(clip: bytes) -> list[tuple[str, bytes, set[int]]]:
    """(name, bytes, statuses that are right)"""
    rng = random.Random(7)
    noise = np.random.default_rng(7).normal(0, 0.1, 48000)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", b"\0" * 10_000_000)
    files: list[tuple[str, bytes, set[int]]] = [
        ("empty", b"", {400, 415}),
        ("text", b"this is not audio", {415}),
        ("concat list", b"ffconcat version 1.0\nfile /etc/hostname\n", {415}),
        ("concat list as wav", b"ffconcat version 1.0\nfile 'file:/etc/passwd'\nduration 10\n" * 4, {415}),
        ("playlist", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", {415}),
        ("remote playlist", b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/x.ts\n", {415}),
        ("session description", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", {415}),
        ("drawing", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', {415}),
        ("archive", zipped.getvalue(), {415}),
        (
            "pickle",
            b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
            {415},
        ),
        ("compressed", zlib.compress(b"\0" * 1_000_000), {415}),
        ("program", b"\x7fELF" + bytes(2000), {415}),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(2000), {415}),
        ("silence", wav(np.zeros(72000, np.int16)), {400}),
        ("not a number", wav(np.full(72000, np.nan, np.float32), code=3), {400, 415}),
        ("infinite", wav(np.full(72000, np.inf, np.float32), code=3), {400, 415}),
        ("too short", wav((noise[:2400] * 32767).astype(np.int16)), {400}),
        ("only noise", wav((noise * 32767).astype(np.int16)), {400}),
        ("header only", wav(np.zeros(0, np.int16)), {400, 415}),
        ("too long", flac_bomb(), {413, 400}),
    ]
    files += [(f"cut after {n} bytes", clip[:n], {400, 415}) for n in (1, 3, 4, 8, 12, 40, 100, 500)]
    files += [(f"random {n}", rng.randbytes(rng.randrange(1, 20000)), {400, 415}) for n in range(12)]
    magics = (
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"fLaC",
        b"OggS",
        b"ID3\x04",
        b"\x1aE\xdf\xa3",
        b"\0\0\0\x20ftypM4A ",
        b"\xff\xf1",
        b"\xff\xfb",
    )
    files += [(f"random after {magic[:4]!r}", magic + rng.randbytes(3000), {400, 415}) for magic in magics]
    return files


NAMES = [
    "../../etc/passwd.wav", "..\\..\\windows\\win.ini", "C:\\boot.wav", "\\\\host\\share\\a.wav", "NUL", "a\nb.wav", "a" * 3000 + ".wav",
    "%2e%2e%2fa.wav", "$(touch x).wav", "; rm x.wav", "-i.wav", "|x.wav", "file:///etc/passwd", "http://127.0.0.1/", "é音\u202ewav.exe",
]  # fmt: skip


def bad_requests(clip: bytes) -> list[tuple[str, dict, set[int]]]:
    """(name, arguments of requests, statuses that are right)"""
    cases: list[tuple[str, dict, set[int]]] = []
    for name, data, statuses in hostile_files(clip):
        cases.append((f"upload: {name}", {"data": {"input": TEXT}, "files": {"custom_voice_file": ("a.wav", data)}}, statuses))
        if len(data) < 100_000:
            cases.append((f"base64: {name}", {"json": {"input": TEXT, "voice_b64": base64.b64encode(data).decode() or "="}}, statuses))
    cases += [
        (f"file name {name[:20]!r}", {"data": {"input": TEXT}, "files": {"speaker_wav": (name, b"junk")}}, {400, 415}) for name in NAMES
    ]
    ranges = {
        "speed": (0, 0.24, 4.01, -1, 1e308, "x", [], {}, True),
        "temperature": (-1, 3, "hot", []),
        "top_p": (-0.1, 1.1, "x"),
        "top_k": (-1, 10001, 1.5, "x"),
        "min_p": (-1, 2),
        "cfg_weight": (-0.1, 1.1, "x"),
        "exaggeration": (0.1, 3, "x"),
        "repetition_penalty": (0.5, 3),
        "seed": (-1, 2**64, "x", 1.5),
        "sample_rate": (0, 7999, 48001, "x", 10**9),
        "cfg_value": (0.1, 9),
        "response_format": ("ogg", "exe", 5, []),
        "stream": ("perhaps", 7, []),
        "stream_format": ("xml", 1),
        "norm_loudness": ("x", 7),
        "cache": ("x", 9),
        "language": ("xx", "../..", 5, "e" * 100),
        "voice": (5, [], {}, {"id": 5}, {"id": "nobody"}),
        "input": ("", 5, [], {}, "\u200b", "\u200b\u200b", "x" * 5000, "你好世界。", "\ud800"),
        "voice_url": (
            "x", "ftp://a/b", "file:///etc/passwd", "http://127.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/a.wav",
            "https://169.254.169.254/latest/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://2130706433/", "https://0x7f.1/",
            "https://user:pw@example.com/", "https://localhost/", "gopher://a/", "https://[64:ff9b::7f00:1]/", "https://", "//a/b",
            "https://example.com:99999/", "https://a b/",
        ),
    }  # fmt: skip
    for field, values in ranges.items():
        cases += [(f"{field}={value!r}"[:60], {"json": {"input": TEXT, field: value}}, {400}) for value in values]
    bodies = (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b"[" * 50_000, b'{"input":', b"{'input': 'x'}", b"\0" * 100)
    cases += [(f"body {body[:12]!r}", {"data": body, "headers": {"Content-Type": "application/json"}}, {400}) for body in bodies]
    cases += [
        (
            "a form with a wrong boundary",
            {"data": b"--x\r\nnothing", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            {400},
        ),
        ("a form without a boundary", {"data": b"--x\r\nnothing", "headers": {"Content-Type": "multipart/form-data"}}, {400}),
        ("a form of too many fields", {"files": {f"f{n}": (None, "x") for n in range(2000)}}, {400, 413}),
        ("a body larger than allowed", {"data": b"x" * (51 << 20)}, {413}),
    ]
    return cases


def test_two_hundred_bad_inputs_are_answered_with_the_right_4xx_and_leave_nothing(temporary_folder, start_server, clip):
    server = start_server()
    cases = bad_requests(clip)
    assert len(cases) >= 200
    wrong = []
    with requests.Session() as session:
        for name, arguments, statuses in cases:
            reply = session.post(server.url + SPEECH, timeout=PATIENCE, **arguments)
            error = reply.json()["error"]
            is_named = error["param"] in ("custom_voice_file", "speaker_wav", "voice_b64") or not name.startswith(
                ("upload", "base64", "file")
            )
            if reply.status_code not in statuses or not error["message"] or not is_named or "Traceback" in reply.text:
                wrong.append((name, reply.status_code, error["message"][:200]))
    assert wrong == []
    assert list(temporary_folder.iterdir()) == []
    assert hear(requests.post(server.url + SPEECH, json={"input": TEXT}, timeout=60).content).seconds > 0.2


@pytest.mark.parametrize(
    "head",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n0\r\n\r\n",
        b"GET /%00%ff%fe/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 262_200 + b"\r\n\r\n",
    ],
)
def test_malformed_http_gets_a_4xx_and_the_server_goes_on(server, head):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(head)
        reply = b"".join(iter(lambda: sock.recv(4096), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.split(b" ")[1][:1] == b"4", head
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    assert b"x-request-id" in head.lower()
    assert requests.get(f"{server.url}/health", timeout=10).status_code == 200
