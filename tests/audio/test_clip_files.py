"""Clips as recorders, phones and editors write them: more containers, odd sample sizes, channels and tracks."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from sounds import RATE, dominant_frequency, tone, voice_like

from tts_server.audio.decode import decode_clip
from tts_server.audio.encoders import wav_header
from tts_server.audio.pcm import to_s16
from tts_server.errors import InvalidReference, UnsupportedAudio
from tts_server.speech import Samples

PCM = bytes.fromhex("0100000000001000800000aa00389b71")
FLOAT = bytes.fromhex("0300000000001000800000aa00389b71")


def wav(channels: Samples, rate: int = RATE) -> bytes:
    """16-bit WAV of samples of shape [n, channels]."""
    count = channels.shape[1]
    data = to_s16(channels.reshape(-1))
    fmt = struct.pack("<HHIIHH", 1, count, rate, rate * 2 * count, 2 * count, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


def converted(source: bytes, *options: str) -> bytes:
    """What ffmpeg makes of a WAV file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "wav", "-i", "pipe:0", *options, "pipe:1"]
    return subprocess.run(command, input=source, capture_output=True, check=True).stdout


def via_file(source: bytes, path: Path, *options: str) -> bytes:
    """The same for containers whose header is written last."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "wav", "-i", "pipe:0", *options, str(path)]
    subprocess.run(command, input=source, capture_output=True, check=True)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.aiff", ["-c:a", "pcm_s16be"]),
        ("clip.aif", ["-f", "aiff", "-c:a", "pcm_s24be"]),
        ("clip.aif", ["-f", "aiff", "-c:a", "pcm_s32be"]),
        ("clip.aif", ["-f", "aiff", "-c:a", "pcm_s8"]),
        ("clip.aifc", ["-f", "aiff", "-c:a", "pcm_s16le"]),
        ("clip.aifc", ["-f", "aiff", "-c:a", "pcm_f32be"]),
        ("clip.aifc", ["-f", "aiff", "-c:a", "pcm_alaw"]),
        ("clip.caf", ["-c:a", "pcm_s16le"]),
        ("clip.caf", ["-c:a", "pcm_s24be"]),
        ("clip.caf", ["-c:a", "pcm_f32le"]),
        ("clip.caf", ["-c:a", "alac"]),
        ("clip.caf", ["-c:a", "adpcm_ima_qt", "-ar", "44100"]),
        ("clip.au", ["-c:a", "pcm_s16be"]),
        ("clip.au", ["-c:a", "pcm_mulaw", "-ar", "8000"]),
        ("clip.w64", ["-c:a", "pcm_s16le"]),
        ("clip.w64", ["-c:a", "pcm_f32le"]),
        ("clip.amr", ["-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"]),
        ("clip.3gp", ["-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"]),
        ("clip.3gp", ["-c:a", "aac"]),
        ("clip.3g2", ["-c:a", "aac"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1] if value[0] == "-c:a" and len(value) == 2 else "-".join(value),
)
def test_more_containers_are_read(name: str, options: list[str], tmp_path: Path) -> None:
    clip = decode_clip(via_file(wav(tone(440, 2.0)[:, None]), tmp_path / name, *options))
    assert clip.seconds == pytest.approx(2.0, abs=0.15)
    assert dominant_frequency(clip.samples[RATE // 4 : RATE * 7 // 4], RATE) == pytest.approx(440, abs=3)


def test_wideband_amr_is_read() -> None:
    draw = random.Random(3)
    frames = b"".join(bytes([8 << 3 | 4]) + draw.randbytes(60) for _ in range(100))  # 20 ms each, at 23.85 kbit/s
    assert decode_clip(b"#!AMR-WB\n" + frames).seconds == pytest.approx(2.0, abs=0.05)


def extensible(
    valid: int, container: int, channels: int = 1, *, before: bytes = b"", bits: int | None = None, subformat: bytes = PCM
) -> bytes:
    """A WAV file of 440 Hz whose samples of `valid` bits are at the top of containers of `container` bits."""
    size = container // 8
    values = (tone(440, 2.0).astype(np.float64) * (2 ** (valid - 1) - 1)).round().astype(np.int64) << (container - valid)
    if container == 8:
        values += 128
    data = b"".join(int(value).to_bytes(size, "little", signed=container > 8) * channels for value in values)
    fmt = struct.pack("<HHIIHH", 0xFFFE, channels, RATE, RATE * size * channels, size * channels, bits or container)
    fmt += struct.pack("<HHI", 22, valid, 0) + subformat
    chunks = before + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize(
    ("valid", "container"),
    [(24, 32), (20, 24), (20, 32), (18, 24), (16, 24), (16, 32), (12, 16), (8, 16), (16, 16), (24, 24), (32, 32), (8, 8), (6, 8)],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_smaller_than_their_containers_are_read(valid: int, container: int, channels: int) -> None:
    samples = decode_clip(extensible(valid, container, channels)).samples
    quality = 0.25 if valid == 6 else 0.05
    assert float(np.abs(samples - tone(440, 2.0) * (np.sqrt(2) if channels == 2 else 1)).max()) < quality


def test_the_format_may_come_after_other_chunks_and_name_the_smaller_number_twice() -> None:
    junk = b"JUNK" + struct.pack("<I", 27) + bytes(28) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    for file in (extensible(24, 32, before=junk), extensible(24, 32, bits=24)):
        assert float(np.abs(decode_clip(file).samples - tone(440, 2.0)).max()) < 0.01


def test_floats_in_an_extensible_header_stay_floats() -> None:
    data = tone(440, 2.0).astype("<f4").tobytes()
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, RATE * 4, 4, 32, 22, 32, 0) + FLOAT
    file = (
        b"RIFF"
        + struct.pack("<I", 60 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 40)
        + fmt
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
    assert float(np.abs(decode_clip(file).samples - tone(440, 2.0)).max()) < 0.001


def test_samples_smaller_than_their_containers_are_read_in_wave64(tmp_path: Path) -> None:
    file = extensible(24, 32)
    fmt, data = file[20:60], file[68:]
    ending = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    body = b"".join(
        name + ending + struct.pack("<Q", 24 + len(content)) + content + bytes(-len(content) % 8)
        for name, content in ((b"fmt ", fmt), (b"data", data))
    )
    start = bytes.fromhex("726966662e91cf11a5d628db04c10000")
    w64 = start + struct.pack("<Q", 40 + len(body)) + b"wave" + ending + body
    assert float(np.abs(decode_clip(w64).samples - tone(440, 2.0)).max()) < 0.01


@pytest.mark.parametrize("count", [2, 3, 4, 6, 8])
def test_channels_in_opposite_phase_are_read(count: int) -> None:
    sound = voice_like(2.0)
    channels = np.stack([sound if number % 2 == 0 else -sound for number in range(count)], axis=1) / 2
    samples = decode_clip(wav(channels)).samples
    assert abs(float(np.corrcoef(samples, sound)[0, 1])) > 0.99


def test_channels_that_nearly_cancel_are_read_as_the_louder_one() -> None:
    sound, noise = voice_like(2.0), 0.003 * np.random.default_rng(1).standard_normal(2 * RATE).astype(np.float32)
    samples = decode_clip(wav(np.stack([0.5 * sound, -0.49 * sound + noise], axis=1))).samples
    assert float(np.corrcoef(samples, sound)[0, 1]) > 0.99


def test_a_constant_offset_does_not_hide_that_channels_cancel() -> None:
    sound = voice_like(2.0) / 2
    samples = decode_clip(wav(np.stack([0.3 + sound, 0.3 - sound], axis=1))).samples
    assert abs(float(np.corrcoef(samples, sound)[0, 1])) > 0.99


def test_other_stereo_is_mixed_as_ever() -> None:
    left, right = tone(440, 2.0), tone(700, 2.0)
    both = decode_clip(wav(np.stack([left, right], axis=1))).samples
    assert float(np.abs(both - (left + right) / np.sqrt(2)).max()) < 0.001
    one_sided = decode_clip(wav(np.stack([left, 0 * left], axis=1))).samples
    assert float(np.abs(one_sided - left / np.sqrt(2)).max()) < 0.001


def film(container: str, codec: str, tracks: list[Samples]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        streams: list[Any] = [output.add_stream(codec, rate=48000, layout="mono") for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            frame: Any = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
            frame.sample_rate = 48000
            for ready in av.AudioResampler(stream.codec_context.format, "mono", 48000).resample(frame):
                output.mux(stream.encode(ready))
            output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("mov", "pcm_s16le"), ("matroska", "pcm_s16le"), ("webm", "libopus"), ("ogg", "libopus")]
)
@pytest.mark.parametrize("position", [1, 2])
def test_silent_tracks_before_one_with_sound_are_skipped(container: str, codec: str, position: int) -> None:
    tracks = [np.zeros(96000, np.float32)] * position + [tone(440, 2.0, 48000), tone(900, 2.0, 48000)]
    samples = decode_clip(film(container, codec, tracks)).samples
    assert dominant_frequency(samples, RATE) == pytest.approx(440, abs=3)


def test_a_film_of_silent_tracks_alone_is_called_silent() -> None:
    with pytest.raises(InvalidReference, match="silent"):
        decode_clip(film("mp4", "aac", [np.zeros(96000, np.float32)] * 3))


@pytest.mark.parametrize(
    "start", [b".snd", b"caff", b"FORM\0\0\0\x40AIFF", b"FORM\0\0\0\x40AIFC", b"#!AMR\n", b"#!AMR-WB\n", wav_header(RATE, None)[:16]]
)
def test_damaged_files_of_each_kind_are_refused(start: bytes) -> None:
    with pytest.raises((UnsupportedAudio, InvalidReference)):
        decode_clip(start + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n")


# What the child may see and have


def stand_in(tmp_path: Path, body: str) -> list[str]:
    script = tmp_path / "stand_in.py"
    script.write_text(body, encoding="utf-8")
    return [sys.executable, str(script)]


def test_the_decoder_sees_no_secret_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = (
        "API_KEYS",
        "HF_TOKEN",
        "CHATTERBOX_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "S3_SECRET_ACCESS_KEY",
        "SOME_LATER_SECRET",
        "HTTPS_PROXY",
    )
    for name in secrets:
        monkeypatch.setenv(name, "a-secret-value")
    found = tmp_path / "environment"
    with pytest.raises(InvalidReference):
        decode_clip(
            wav(voice_like(1.5)[:, None]),
            ffmpeg=stand_in(
                tmp_path,
                f"import os, pathlib\npathlib.Path({str(found)!r}).write_text('\\n'.join(f'{{n}}={{v}}' for n, v in os.environ.items()))",
            ),
        )
    seen = found.read_text()
    assert "a-secret-value" not in seen
    assert "PATH=" in seen.upper()
    assert not {line.partition("=")[0] for line in seen.splitlines()} & set(secrets)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
@pytest.mark.parametrize("limit", ["RLIMIT_NOFILE", "RLIMIT_NPROC"])
def test_a_machine_without_descriptors_or_processes_is_a_passing_failure(limit: str, tmp_path: Path) -> None:
    if limit == "RLIMIT_NPROC" and os.geteuid() == 0:
        pytest.skip("the limit does not hold for root")
    program = f"""
import os, resource, sys
from tts_server.audio.decode import decode_clip
from tts_server.errors import ResourceExhausted
data = open(sys.argv[1], "rb").read()
decode_clip(data)
before = resource.getrlimit(resource.{limit})
if "{limit}" == "RLIMIT_NOFILE":
    used = len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
    for free in range(1, 8):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, before[1]))
        try:
            decode_clip(data)
        except OSError as error:
            assert error.errno in (23, 24), error  # by the temporary file; the web layer makes a 503 of it
        except ResourceExhausted as error:
            assert (error.status, error.retry_after) == (503, 10.0)
            print("out of room")
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
else:
    resource.setrlimit(resource.RLIMIT_NPROC, (1, before[1]))
    try:
        decode_clip(data)
    except ResourceExhausted:
        print("out of room")
"""
    clip = tmp_path / "clip.wav"
    clip.write_bytes(wav(voice_like(1.5)[:, None]))
    done = subprocess.run([sys.executable, "-c", program, str(clip)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "out of room" in done.stdout
