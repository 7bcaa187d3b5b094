from __future__ import annotations

import hashlib
import io
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from sounds import RATE, dominant_frequency, make_file, tone, voice_like

from tts_server.audio.decode import SAMPLE_RATE, ClipLimits, decode_clip
from tts_server.audio.encoders import wav_header
from tts_server.audio.pcm import to_s16
from tts_server.errors import EngineFailure, InvalidReference, TooLarge, TTSError, UnsupportedAudio
from tts_server.speech import Samples

NOISE = np.random.default_rng(7).bytes(40_000)


@pytest.fixture(autouse=True)
def nothing_is_left(temp_of_clips: Path) -> Iterator[None]:
    """No decoding, good or bad, leaves a file or a child process behind."""
    yield
    assert list(temp_of_clips.iterdir()) == []
    assert [child for child in psutil.Process().children() if "ffmpeg" in child.name()] == []


@pytest.fixture
def temp_of_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files go into a folder with letters outside ASCII and a space in its name."""
    folder = tmp_path / "tëmp 声音"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def wav(samples: Samples, rate: int = RATE) -> bytes:
    data = to_s16(samples)
    return wav_header(rate, len(data)) + data


def float_wav(samples: Samples) -> bytes:
    header = bytearray(wav_header(RATE, samples.nbytes))
    header[20:22] = (3).to_bytes(2, "little")
    header[28:32] = (RATE * 4).to_bytes(4, "little")
    header[32:34], header[34:36] = (4).to_bytes(2, "little"), (32).to_bytes(2, "little")
    return bytes(header) + samples.astype("<f4").tobytes()


@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout"),
    [
        ("wav", "pcm_s16le", 44100, "stereo"),
        ("wav", "pcm_s24le", 48000, "mono"),
        ("wav", "pcm_f32le", 16000, "mono"),
        ("wav", "pcm_mulaw", 8000, "mono"),
        ("mp3", "libmp3lame", 44100, "stereo"),
        ("flac", "flac", 48000, "stereo"),
        ("ogg", "flac", 44100, "mono"),
        ("ogg", "libopus", 48000, "mono"),
        ("webm", "libopus", 48000, "stereo"),
        ("matroska", "flac", 24000, "mono"),
        ("ipod", "aac", 44100, "mono"),
        ("mp4", "aac", 48000, "stereo"),
        ("mov", "pcm_s16le", 44100, "mono"),
        ("adts", "aac", 24000, "mono"),
    ],
)
def test_common_files_are_decoded_to_mono_at_24_khz(container: str, codec: str, rate: int, layout: str) -> None:
    data = make_file(container, codec, tone(440, 2.0, rate), rate, layout)
    clip = decode_clip(data)
    middle = clip.samples[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]
    assert clip.sample_rate == 24000
    assert clip.samples.dtype == np.float32
    assert clip.samples.ndim == 1
    assert clip.seconds == pytest.approx(2.0, abs=0.13)
    assert dominant_frequency(middle, SAMPLE_RATE) == pytest.approx(440, abs=2)
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.08)


def test_ogg_vorbis_is_decoded() -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "wav", "-i", "pipe:0", "-c:a", "libvorbis", "-f", "ogg", "pipe:1"]
    data = subprocess.run(command, input=wav(tone(440, 2.0)), capture_output=True, check=True).stdout
    clip = decode_clip(data)
    assert clip.seconds == pytest.approx(2.0, abs=0.05)
    assert dominant_frequency(clip.samples, SAMPLE_RATE) == pytest.approx(440, abs=2)


def test_the_digest_is_that_of_the_file() -> None:
    data = wav(voice_like(1.5))
    assert decode_clip(data).digest == hashlib.sha256(data).hexdigest()


def test_an_mp3_with_a_tag_and_a_cover_is_decoded() -> None:
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 0]) + b"\0" * 256
    assert decode_clip(tag + make_file("mp3", "libmp3lame", tone(440, 2.0, 44100), 44100)).seconds > 1.9


@pytest.mark.parametrize("declared", [0, 100, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_lies_about_its_length_is_read_to_what_it_holds(declared: int) -> None:
    data = bytearray(wav(voice_like(2.0)))
    data[4:8] = declared.to_bytes(4, "little")
    if declared > 0x7FFFFFF0:
        data[40:44] = declared.to_bytes(4, "little")
    assert decode_clip(bytes(data)).seconds == pytest.approx(2.0, abs=0.01)


def test_a_file_cut_off_in_the_middle_gives_what_it_holds() -> None:
    data = make_file("mp3", "libmp3lame", tone(440, 4.0, 44100), 44100)
    assert decode_clip(data[: len(data) // 2]).seconds == pytest.approx(2.0, abs=0.2)


def test_a_clip_louder_than_full_scale_is_brought_down() -> None:
    clip = decode_clip(float_wav(tone(440, 2.0, level=5.0)))
    assert np.abs(clip.samples).max() == pytest.approx(1.0, abs=0.001)


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("clip.wav", wav(voice_like(1.5)))
    return file.getvalue()


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile /etc/hostname\n"
DESCRIPTION = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"

NOT_AUDIO = {
    "random": b"\x01\x02" + NOISE,
    "text": b"Hello, I am a voice.\n" * 100,
    "ffconcat": CONCAT,
    "ffconcat behind a wav header": b"RIFF\x40\0\0\0WAVE" + CONCAT,
    "playlist": PLAYLIST,
    "playlist behind a tag": b"ID3\x04\0\0\0\0\0\x00" + PLAYLIST,
    "session description": DESCRIPTION,
    "drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>',
    "script": b"#!/bin/sh\ntouch pwned\n",
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94",
    "zip": zip_file(),
    "mp3 sync, then noise": b"\xff\xfb\x90\x00" + NOISE,
    "adts sync, then noise": b"\xff\xf1" + NOISE,
    "flac mark, then noise": b"fLaC" + NOISE,
    "matroska mark, then noise": b"\x1a\x45\xdf\xa3" + NOISE,
    "wav mark, then noise": b"RIFF\xff\xff\xff\xffWAVE" + NOISE,
    "one byte": b"R",
    "half a header": wav(voice_like(1.5))[:30],
}


@pytest.mark.parametrize("name", NOT_AUDIO)
def test_what_is_not_audio_is_refused_as_such(name: str) -> None:
    with pytest.raises(UnsupportedAudio):
        decode_clip(NOT_AUDIO[name])


def test_a_film_without_sound_is_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    with pytest.raises(UnsupportedAudio):
        decode_clip(file.getvalue())


BAD_CLIPS = {
    "0 bytes": b"",
    "0 seconds": wav_header(RATE, 0),
    "0 seconds, though the header says more": wav_header(RATE, None),
    "0.50 seconds": wav(voice_like(0.5)),
    "digital silence": wav(np.zeros(2 * RATE, np.float32)),
    "at -66 dBFS": wav(tone(200, 2.0, level=0.0007)),
    "digital silence, though off zero": wav(np.full(2 * RATE, 0.25, np.float32)),
    "not numbers": float_wav(np.where(np.arange(2 * RATE) == 9000, np.nan, voice_like(2.0)).astype(np.float32)),
    "not numbers (": float_wav(np.where(np.arange(2 * RATE) == 9000, np.inf, voice_like(2.0)).astype(np.float32)),
    "cut off": make_file("ipod", "aac", tone(440, 2.0, 44100), 44100)[:3000],
}


@pytest.mark.parametrize("words", BAD_CLIPS)
def test_a_clip_that_cannot_be_used_is_refused_with_what_was_measured(words: str) -> None:
    with pytest.raises(InvalidReference) as refusal:
        decode_clip(BAD_CLIPS[words])
    assert words.split(",")[0] in refusal.value.message


def test_a_file_of_too_many_bytes_is_refused_before_anything_is_started(temp_of_clips: Path) -> None:
    with pytest.raises(TooLarge, match="at most 1000 bytes"):
        decode_clip(wav(voice_like(1.5)), limits=ClipLimits(max_bytes=1000), ffmpeg=["no-such-program"])


def test_a_long_clip_is_refused_and_one_at_the_limit_is_not() -> None:
    limits = ClipLimits(max_seconds=3)
    assert decode_clip(wav(voice_like(3.0)), limits=limits).seconds == 3.0
    with pytest.raises(TooLarge, match="more than 3 seconds"):
        decode_clip(wav(voice_like(3.1)), limits=limits)


def test_a_small_file_that_holds_hours_is_stopped_early() -> None:
    bomb = make_file("flac", "flac", np.full(48000 * 900, 0.2, np.float32), 48000, sample_format="s16")
    assert len(bomb) < 400_000
    before = psutil.Process().memory_info().rss
    with pytest.raises(TooLarge):
        decode_clip(bomb, limits=ClipLimits(max_seconds=20))
    assert psutil.Process().memory_info().rss - before < 30_000_000


def stub(tmp_path: Path, body: str) -> list[str]:
    """A program in ffmpeg's place."""
    script = tmp_path / "stub.py"
    script.write_text(body, encoding="utf-8")
    return [sys.executable, str(script)]


def test_a_child_that_writes_without_end_is_killed_at_the_limit(tmp_path: Path) -> None:
    command = stub(tmp_path, "import sys\nwhile True: sys.stdout.buffer.write(b'\\0' * 65536)\n")
    with pytest.raises(TooLarge):
        decode_clip(wav(voice_like(1.5)), limits=ClipLimits(max_seconds=2), ffmpeg=command)


def test_a_child_that_hangs_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "process"
    command = stub(tmp_path, f"import os, pathlib, time\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n")
    with pytest.raises(InvalidReference, match="within 3 seconds"):
        decode_clip(wav(voice_like(1.5)), limits=ClipLimits(timeout_seconds=3), ffmpeg=command)
    assert not psutil.pid_exists(int(mark.read_text()))


def test_a_child_that_closes_its_output_and_hangs_is_killed(tmp_path: Path) -> None:
    command = stub(tmp_path, "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(600)\n")
    with pytest.raises(InvalidReference, match="within 1 seconds"):
        decode_clip(wav(voice_like(1.5)), limits=ClipLimits(timeout_seconds=1.0), ffmpeg=command)


def test_a_child_that_complains_without_end_does_not_fill_memory_or_hang(tmp_path: Path) -> None:
    command = stub(tmp_path, "import sys\nfor _ in range(300): sys.stderr.buffer.write(b'\\xff' * 65536)\nsys.exit(1)\n")
    with pytest.raises(UnsupportedAudio):
        decode_clip(wav(voice_like(1.5)), ffmpeg=command)


def test_a_missing_ffmpeg_is_our_failure_and_not_the_clips() -> None:
    with pytest.raises(EngineFailure):
        decode_clip(wav(voice_like(1.5)), ffmpeg=["no-such-program-anywhere"])


def test_messages_to_users_hold_no_paths(temp_of_clips: Path) -> None:
    for data in [*NOT_AUDIO.values(), *BAD_CLIPS.values()]:
        with pytest.raises(TTSError) as refusal:
            decode_clip(data)
        assert str(temp_of_clips) not in refusal.value.message
        assert "clip-" not in refusal.value.message


def test_clips_are_decoded_from_several_threads_at_once() -> None:
    data, found = wav(voice_like(2.0)), []
    threads = [threading.Thread(target=lambda: found.append(decode_clip(data).samples)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(np.array_equal(samples, found[0]) for samples in found)


@pytest.mark.skipif(shutil.which("strace") is None or sys.platform != "linux", reason="needs strace")
@pytest.mark.parametrize("name", ["ffconcat behind a wav header", "playlist behind a tag", "mp3 sync, then noise"])
def test_no_hostile_file_makes_the_child_open_another(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tracer = ["strace", "-f", "-qq", "-e", "trace=open,openat,connect", "-o", str(trace), imageio_ffmpeg.get_ffmpeg_exe()]
    if subprocess.run([*tracer, "-version"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    with pytest.raises(UnsupportedAudio):
        decode_clip(NOT_AUDIO[name], ffmpeg=tracer)
    calls = trace.read_text("utf-8", "replace")
    assert "clip-" in calls
    assert "/etc/hostname" not in calls
    assert "connect(" not in calls


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_can_read_the_temporary_file(tmp_path: Path) -> None:
    mark = tmp_path / "mode"
    body = f"import os, pathlib, sys\npath = next(a for a in sys.argv if a.startswith('file:'))[5:]\n" \
        f"pathlib.Path({str(mark)!r}).write_text(str(os.stat(path).st_mode))\n"  # fmt: skip
    with pytest.raises(InvalidReference):
        decode_clip(wav(voice_like(1.5)), ffmpeg=stub(tmp_path, body))
    assert stat.S_IMODE(int(mark.read_text())) == 0o600


@pytest.mark.parametrize("name", ["random", "text", "ffconcat", "playlist", "session description", "drawing", "script", "pickle", "zip"])
def test_obviously_wrong_files_start_no_child_process(name: str) -> None:
    with pytest.raises(UnsupportedAudio):
        decode_clip(NOT_AUDIO[name], ffmpeg=["no-such-program"])
