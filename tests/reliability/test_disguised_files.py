"""Files that only look like clips: none makes the decoder open another file or address, none runs a line of its own.

Any TEST_SCALE above 1 tries every disguise in every container, instead of a quarter.
"""

from __future__ import annotations

import base64
import io
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import requests
from audio.sounds import RATE, make_file
from hostile import PATIENCE, SCALE, files_below

from tts_server.audio.decode import decode_clip
from tts_server.errors import TTSError

TRACED = "trace=open,openat,openat2,connect,socket,execve"


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def pointing_mp4(path: str, kind: bytes) -> bytes:
    """A film whose samples lie in another file, as QuickTime allows."""
    if kind == b"url ":
        reference = box(b"url ", bytes(4), f"file://{path}".encode() + b"\0")
    else:
        name = path.encode()[:63]
        volume = bytes([0]) + bytes(27)
        alias = bytes(4) + struct.pack(">HHH", 0, 2, 0) + volume + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
        inside = struct.pack(">hH", 18, len(path.encode())) + path.encode() + bytes(len(path.encode()) % 2)
        reference = box(b"alis", bytes(4), alias, inside, struct.pack(">hH", -1, 0))
    sound = box(b"sowt", bytes(6), struct.pack(">H", 1), bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, RATE << 16))
    count = 3 * RATE
    tables = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), sound),
        box(b"stts", struct.pack(">IIII", 0, 1, count, 1)),
        box(b"stsz", struct.pack(">III", 0, 2, count)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        box(b"stco", struct.pack(">III", 0, 1, 44)),
    )
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, RATE, count, 0, 0)),
        box(b"hdlr", bytes(8), b"soun", bytes(13)),
        box(b"minf", box(b"smhd", bytes(8)), box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), reference)), tables),
    )
    track = box(b"trak", box(b"tkhd", struct.pack(">IIIIII", 0, 0, 0, 1, 0, count), bytes(60)), media)
    movie = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, RATE, count), bytes(80))
    return box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", movie, track)


def movie_of_movies(path: str) -> bytes:
    """A QuickTime reference movie: nothing but the address of another."""
    there = f"file://{path}".encode() + b"\0"
    address = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(there)), there)
    return box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", box(b"rmra", box(b"rmda", address)))


def disguises(path: str) -> dict[str, bytes]:
    """Every way to ask a demuxer for the file at `path`, in the clothes of each container that is accepted."""
    wishes = {
        "ffconcat": f"ffconcat version 1.0\nfile '{path}'\nduration 3\n",
        "ffconcat with a protocol": f"ffconcat version 1.0\nfile 'file:{path}'\n",
        "HLS playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "HLS playlist with a map": f'#EXTM3U\n#EXT-X-MAP:URI="file://{path}"\n#EXTINF:9,\nconcat:{path}|{path}\n#EXT-X-ENDLIST\n',
        "HLS key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="file://{path}"\n#EXTINF:9,\ncrypto:{path}\n#EXT-X-ENDLIST\n',
        "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "DASH manifest": f'<?xml version="1.0"?><MPD><Period><BaseURL>file://{path}</BaseURL></Period></MPD>',
        "data address": f"data:application/x-mpegURL,#EXTM3U%0A#EXTINF:9,%0Afile://{path}",
        "subtitle": f"[Script Info]\nVideo File: {path}\nAudio File: {path}\n[Events]\n",
        "VobSub index": f"# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\n# {path}\n",
        "image list": f"# Image list\n{path}\n",
        "drawing": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{path}"/></svg>',
        "playlist of WebVTT": f"WEBVTT\n\n00:00.000 --> 00:09.000\nfile://{path}\n",
    }
    clothes = {
        "": b"",
        "wav": b"RIFF\xff\xff\xff\xffWAVE",
        "mp3 tag": b"ID3\x04\0\0\0\0\0\0",
        "mp3 frame": b"\xff\xfb\x90\0",
        "aac": b"\xff\xf1\x50\x80",
        "flac": b"fLaC",
        "ogg": b"OggS\0\2",
        "mp4": box(b"ftyp", b"M4A \0\0\0\0"),
        "matroska": b"\x1a\x45\xdf\xa3",
        "aiff": b"FORM\xff\xff\xff\xffAIFF",
        "caf": b"caff\0\1\0\0",
        "amr": b"#!AMR\n",
        "au": b".snd\0\0\0\x18",
        "w64": bytes.fromhex("726966662e91cf11a5d628db04c10000ffffffffffffff7f77617665f3acd3118cd100c04f8edb8a"),
    }
    found = {f"{wish} as {dress or 'itself'}": start + words.encode() for wish, words in wishes.items() for dress, start in clothes.items()}
    found |= {f"mp4 with {kind!r} of another file": pointing_mp4(path, kind) for kind in (b"url ", b"alis")}
    found["movie of movies"] = movie_of_movies(path)
    return found


@pytest.fixture
def secret(tmp_path: Path, clip: bytes) -> Path:
    """A recording that would be a fine clip, if somebody got at it."""
    path = tmp_path / "secret.wav"
    path.write_bytes(make_file("wav", "pcm_s16le", decode_clip(clip).samples[: 3 * RATE]))
    return path


def test_no_disguise_gives_the_sound_of_another_file(secret: Path, temporary_folder: Path) -> None:
    assert decode_clip(secret.read_bytes()).seconds == 3.0
    for name, data in list(disguises(str(secret)).items())[:: 1 if SCALE > 1 else -4]:  # from the end, where the rarest are
        with pytest.raises(TTSError) as refusal:
            decode_clip(data)
            pytest.fail(f"{name} was read as sound")
        assert str(secret) not in refusal.value.message
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.skipif(shutil.which("strace") is None or sys.platform != "linux", reason="needs strace")
def test_no_disguise_makes_the_decoder_open_another_file_or_a_connection(secret: Path, temporary_folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tracer = ["strace", "-f", "-qq", "-A", "-e", TRACED, "-o", str(trace), imageio_ffmpeg.get_ffmpeg_exe()]
    if subprocess.run([*tracer, "-version"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    # Those for which no child is started need no tracing.
    every = disguises(str(secret))
    chosen = [
        name for name in every if name.endswith(("as mp3 tag", "as wav", "as mp4", "as aiff", "as caf", "as au", "movies", "another file"))
    ][::2]
    for name in [*chosen, "movie of movies", "mp4 with b'alis' of another file", "mp4 with b'url ' of another file"]:
        with pytest.raises(TTSError):
            decode_clip(every[name], ffmpeg=tracer)
    calls = trace.read_text("utf-8", "replace")
    assert calls.count("clip-") >= len(chosen)
    # The path is an argument of no call: neither of an open that succeeded nor of one that failed.
    assert str(secret) not in calls
    assert "connect(" not in calls
    assert "socket(" not in calls


# Pickles


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self._path,)


def pickled(path: Path) -> dict[str, bytes]:
    """What PyTorch, NumPy and joblib would run, in each of their containers."""
    payload = pickle.dumps(Canary(path))
    zipped, array = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/version", "3\n")
    np.savez(array, voice=np.array([Canary(path)], dtype=object), allow_pickle=True)
    single = io.BytesIO()
    np.save(single, np.array([Canary(path)], dtype=object), allow_pickle=True)
    return {
        "voice.pkl": payload,
        "voice.pt": zipped.getvalue(),
        "voice.pth": payload,
        "voice.npz": array.getvalue(),
        "voice.npy": single.getvalue(),
        "voice.wav": b"RIFF\xff\xff\xff\xffWAVE" + payload,
        "voice.mp3": b"ID3\x04\0\0\0\0\0\0" + payload,
        "conds.pt": zipped.getvalue(),
    }


def test_the_canary_sings_when_it_is_unpickled(tmp_path: Path) -> None:
    song = tmp_path / "song"
    pickle.loads(pickled(song)["voice.pkl"])  # noqa: S301 - the proof that the tests below would notice
    assert song.exists()


def test_no_pickle_is_ever_run(start_server, tmp_path: Path, secret: Path) -> None:
    song = tmp_path / "song"
    folder = tmp_path / "voices"
    (folder / "elite").mkdir(parents=True)
    canaries = pickled(song)
    for name, data in canaries.items():
        (folder / "elite" / name).write_bytes(data)
        (folder / f"{Path(name).stem}-{Path(name).suffix[1:]}.wav").write_bytes(data)
    server = start_server(voice_library_path=folder, voice_cache_path=tmp_path / "prepared")
    url, before = server.url, files_below(folder)
    statuses = set()

    def send(path: str, **arguments: object) -> None:
        statuses.add(requests.post(url + path, timeout=PATIENCE, **arguments).status_code)  # type: ignore[arg-type]

    for name, data in canaries.items():
        for kind in ("application/octet-stream", "audio/wav"):
            send("/v1/audio/speech", data={"input": "Hi."}, files={"speaker_wav": (name, data, kind)})
        send("/v1/audio/speech", json={"input": "Hi.", "voice_b64": base64.b64encode(data).decode()})
        send("/v2/audio/speech_with_prompt", data={"input": "Hi."}, files={"audio_prompt": (name, data)})
        send("/v1/audio/voice-conversion", files={"audio": (name, data), "target": (name, data)})
        send("/v1/voices", data={"name": "Canary"}, files={"audio": (name, data)})
        send("/v1/audio/voices", data={"name": "Canary"}, files={"audio_sample": (name, data)})
        send("/generate", json={"prompt": "Hi.", "voice_key": f"voices/elite/{name}"})
    stems = [path.stem for path in folder.rglob("*.*")]
    for stem in dict.fromkeys(stems):
        send("/v1/audio/speech", json={"input": "Hi.", "voice": stem})
        send("/tts", json={"text": "Hi.", "voice_mode": "clone", "reference_audio_filename": f"{stem}.pt"})
        requests.get(f"{url}/v1/voices/{stem}/preview", timeout=PATIENCE)
    send("/admin/reload-voices")
    assert statuses <= {200, 400, 404, 415}
    assert not song.exists()
    assert files_below(folder) == before
