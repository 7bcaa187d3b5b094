"""Two hundred names that would lead out of the folder of voices, through every route that takes a name.

The answer is the same, byte for byte, whether or not the file outside is there. TEST_SCALE 19 sends each name through each route.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import Answer, ask, at_once, files_below, scaled
from support.server import RunningServer, run_server

ROUTES_OF_A_NAME = min(19, scaled(1))
TARGETS = ("outside/secret", "secret", "voices-elsewhere/secret")
STATUSES = {400, 403, 404, 405, 409, 414, 415, 422}


def names(root: Path) -> list[str]:
    """At least 200 ways to say "the file outside", each of which some system or program understands."""
    found: list[str] = []
    ups = (
        "..", "%2e%2e", "%252e%252e", ".%2e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "．．", "‥", "․․", "。。", "..;", "...", ".. ", ". .",
        "..\u200b", "\u2025", "..\u0000", "..%00", "..\u202e", "..::$INDEX_ALLOCATION", "%u002e%u002e", "0x2e0x2e", "\ufe52\ufe52",
    )  # fmt: skip
    slashes = ("/", "\\", "%2f", "%5c", "%252f", "%c0%af", "／", "＼", "∕", "⁄", "//", "/./", "\\/", "%2f%2f", "\u29f8", "¥")
    for up in ups:
        found += [f"{up}{slash}secret.wav" for slash in slashes[:6]]
    for slash in slashes:
        found += [f"..{slash}secret", f"..{slash}outside{slash}secret.wav", f"elite{slash}..{slash}..{slash}secret.wav"]
    outside = root / "outside" / "secret.wav"
    found += [
        str(outside), f"file://{outside}", f"/{outside}", f"//localhost{outside}", f"\\\\?\\{outside}",
        f"\\\\localhost\\c$\\{outside.name}", f"\\\\.\\{outside}", "C:secret.wav", "C:\\secret.wav", "C:/secret.wav", "c:..\\secret.wav",
        "\\secret.wav", "/secret.wav", "NUL", "nul.wav", "CON", "aux.wav", "COM1", "com¹.wav", "LPT9.flac", "PRN ", "CONIN$", "NUL:",
        "secret.wav:stream", "secret.wav::$DATA", "secret.wav\0", "secret.wav\0.flac", "secret.wav%00.flac", "\0", "~/secret.wav",
        "~root/secret.wav", "$HOME/secret.wav", "${PWD}/../secret.wav", "%TEMP%\\secret.wav", "`pwd`/../secret.wav",
        "$(pwd)/../secret.wav", "|cat ../secret.wav", "..", ".", "../", "./../secret.wav", "/proc/self/environ",
        "/proc/self/cwd/secret.wav", "/dev/fd/0", "/dev/stdin", "link", "link.wav", "linked/secret", "linked/secret.wav",
        "elite/linked/secret.wav", ".hidden", "./hidden.wav", "secret.WAV", "SECRET~1.WAV", "secret.wav.", "secret.wav ",
        " ../secret.wav", "..\n/secret.wav", "..\t/secret.wav", "\ud800../secret.wav", "../secret.wav\udfff",
        "http://127.0.0.1/secret.wav", "s3://secret/secret.wav", "data:audio/wav;base64,AAAA", "../" * 40 + "secret.wav",
        "..\\" * 40 + "secret.wav", "../" * 40 + str(outside).lstrip("/"), "a" * 300 + "/../../secret.wav", "[.][.]/secret.wav",
        "*/secret.wav", "../*.wav", "../secret.w?v", "voices/../secret.wav", "voices/../../secret.wav", "voices/..%2fsecret.wav",
        "voices//secret.wav", "-i ../secret.wav", "concat:../secret.wav", "pipe:0", "subfile,,start,0,end,0,,:../secret.wav",
        "../outside/secret.flac", "voices.json/../../secret",
    ]  # fmt: skip
    return list(dict.fromkeys(found))


ROUTES = (
    "GET /v1/voices/{}", "PATCH /v1/voices/{}", "DELETE /v1/voices/{}", "DELETE /v1/audio/voices/{}", "GET /v1/voices/{}/audio",
    "GET /v1/voices/{}/preview", "GET /v1/models/{}", "GET /static/{}",
    "GET /tts-stream?text=Hi.&voice_mode=clone&reference_audio_filename={}", "GET /tts-stream?text=Hi.&predefined_voice_id={}",
    "speech voice", "speech voice object", "speech form", "generate voice_key", "generate voices/ voice_key", "tts predefined_voice_id",
    "tts reference_audio_filename", "responses voice", "new name",
)  # fmt: skip


def send(port: int, route: str, name: str) -> Answer:
    method, _, place = route.partition(" ")
    if method.isupper():
        # As it is, where that can be: a server that decodes twice is caught as well as one that does not decode.
        raw = name.encode("utf-8", "surrogatepass")
        is_plain = all(0x20 < byte < 0x7F for byte in raw) and not set(name) & set("?# ")
        target = place.format(name if is_plain else urllib.parse.quote(raw, safe=""))
        body = json.dumps({"description": "Changed."}).encode() if method == "PATCH" else None
        return ask(port, method, target, body, {"Content-Type": "application/json"} if body else {})
    path, fields = {
        "speech voice": ("/v1/audio/speech", {"input": "Hi.", "voice": name}),
        "speech voice object": ("/v1/audio/speech", {"input": "Hi.", "voice": {"id": name}}),
        "generate voice_key": ("/generate", {"prompt": "Hi.", "voice_key": name}),
        "generate voices/ voice_key": ("/generate", {"prompt": "Hi.", "voice_key": f"voices/{name}"}),
        "tts predefined_voice_id": ("/tts", {"text": "Hi.", "predefined_voice_id": name}),
        "tts reference_audio_filename": ("/tts", {"text": "Hi.", "voice_mode": "clone", "reference_audio_filename": name}),
        "responses voice": ("/v1/responses", {"input": "Hi.", "audio": {"voice": name}}),
        "speech form": ("/v1/audio/speech", None),
        "new name": ("/v1/voices", None),
    }[route]
    if fields is not None:
        return ask(port, "POST", path, json.dumps(fields).encode(), {"Content-Type": "application/json"})
    key, audio = ("voice", "") if route == "speech form" else ("name", "audio")
    head = f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'.encode() + name.encode("utf-8", "replace")
    rest = b'\r\n--x\r\nContent-Disposition: form-data; name="input"\r\n\r\nHi.'
    if audio:
        rest = b'\r\n--x\r\nContent-Disposition: form-data; name="audio"; filename="' + b"../../a.wav" + b'"\r\n\r\nnot audio'
    return ask(port, "POST", path, head + rest + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def enclosed(root: Path, clip: bytes) -> Iterator[RunningServer]:
    """A server whose folder of voices has something worth having around it, and links that lead there."""
    folder = root / "voices"
    (folder / "elite").mkdir(parents=True)
    (folder / "elite" / "inside.flac").write_bytes(clip)
    try:
        (folder / "link.wav").symlink_to(root / "secret.wav")
        (folder / "linked").symlink_to(root, target_is_directory=True)
        (folder / "elite" / "linked").symlink_to(root, target_is_directory=True)
    except OSError:  # Windows allows links to few
        pass
    with run_server(voice_library_path=folder) as server:
        yield server


def place_outside(root: Path, data: bytes) -> list[Path]:
    placed = []
    for target in TARGETS:
        for suffix in (".wav", ".flac", ""):
            path = root / f"{target}{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            placed.append(path)
    return placed


def settled(answer: Answer) -> tuple[int, bytes]:
    """Without what differs between any two requests."""
    return answer.status, re.sub(rb"[0-9a-f]{32}", b"", answer.body)


def test_the_answer_to_a_name_is_the_same_whether_or_not_the_file_outside_is_there(
    enclosed: RunningServer, root: Path, clip: bytes
) -> None:
    every = names(root)
    assert len(every) >= 200
    draw = random.Random(11)
    cases = [(route, name) for name in every for route in draw.sample(ROUTES, min(ROUTES_OF_A_NAME, len(ROUTES)))]
    cases += [(route, "../secret.wav") for route in ROUTES]
    inside = files_below(root / "voices")

    without = at_once(lambda case: send(enclosed.port, *case), cases)
    placed = place_outside(root, clip)
    outside = {path: path.read_bytes() for path in placed}
    with_it = at_once(lambda case: send(enclosed.port, *case), cases)

    assert [(case, a.status, b.status) for case, a, b in zip(cases, without, with_it, strict=True) if settled(a) != settled(b)] == []
    wrong = [(case, answer.status, answer.body[:200]) for case, answer in zip(cases, with_it, strict=True) if answer.status not in STATUSES]
    assert wrong == []
    assert [case for case, answer in zip(cases, with_it, strict=True) if clip[:64] in answer.body or b"Traceback" in answer.body] == []
    assert {path: path.read_bytes() for path in placed} == outside
    for path in placed:
        path.unlink()
    shutil.rmtree(root / "outside")
    assert {name: data for name, data in files_below(root / "voices").items() if "link" not in name} == inside


def test_the_names_of_the_test_reach_the_routes(enclosed: RunningServer) -> None:
    """The same requests with a name that is there are answered: what is refused above is refused for its name."""
    for route in (
        "GET /v1/voices/{}",
        "GET /v1/voices/{}/audio",
        "speech voice",
        "tts reference_audio_filename",
        "speech form",
        "responses voice",
    ):
        assert send(enclosed.port, route, "inside").status == 200
    assert send(enclosed.port, "generate voice_key", "elite/inside.flac").status == 200
