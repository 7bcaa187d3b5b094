"""Damaged audio files: each is spoken with or refused in words, within its time, and leaves nothing.

TEST_SCALE makes it longer: 84 stands for 5,000 files.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import requests
from audio.sounds import RATE, make_file
from hostile import PATIENCE, at_once, decoders, memory, scaled
from support.decoded_audio import hear

from tts_server.audio.decode import decode_clip

NUM_FILES = scaled(60)
FIRST_SEED = 20_000
MAX_GROWTH = 200 * 2**20
STATUSES = {200, 400, 413, 415}
KINDS = (
    ("wav", "pcm_s16le"), ("wav", "pcm_f32le"), ("wav", "adpcm_ms"), ("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"),
    ("ogg", "flac"), ("webm", "libopus"), ("matroska", "flac"), ("ipod", "aac"), ("ipod", "alac"), ("mov", "pcm_s16le"), ("adts", "aac"),
    ("aiff", "pcm_s16be"), ("caf", "pcm_s24be"), ("au", "pcm_s16be"), ("w64", "pcm_s16le"), ("3gp", "aac"),
)  # fmt: skip
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)


@pytest.fixture(scope="module")
def whole_files(clip: bytes) -> list[bytes]:
    """One healthy file of each kind that is accepted."""
    words = decode_clip(clip).samples[: 3 * RATE]
    return [make_file(container, codec, words) for container, codec in KINDS]


def damaged(seed: int, files: list[bytes]) -> bytes:
    """A file of which some has changed; the same for the same seed."""
    draw = random.Random(seed)
    data = bytearray(draw.choice(files))
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        # Headers and tables decide what a demuxer does, so most of the damage is there.
        reach = min(len(data), draw.choice((64, 512, 4096, len(data)))) or 1
        place, length = draw.randrange(reach), draw.choice((1, 2, 4, 8, 64, 1000))
        change = draw.randrange(8)
        if change == 0:
            data[place : place + 1] = bytes([data[place] ^ 1 << draw.randrange(8)]) if data else b""
        elif change == 1:
            data[place : place + length] = bytes([draw.choice(EXTREMES)]) * length
        elif change == 2:
            data[place : place + length] = draw.randbytes(length)
        elif change == 3:
            del data[place : place + length]
        elif change == 4:
            data[place:place] = data[place : place + length] * draw.choice((1, 2, 50))
        elif change == 5:
            data[place : place + 4] = draw.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data))).to_bytes(
                4, draw.choice(("big", "little"))
            )
        elif change == 6:
            other = draw.choice(files)
            data[place:] = other[draw.randrange(len(other)) :]
        else:
            del data[draw.randrange(len(data) + 1) :]
        if not data:
            break
    return bytes(data)


def test_damaged_files_are_used_or_refused_within_their_time_and_leave_nothing(
    temporary_folder: Path, start_server, whole_files: list[bytes]
) -> None:
    server = start_server()
    url = f"{server.url}/v1/audio/speech"

    def send(seed: int) -> tuple[int, int, str]:
        clip = damaged(seed, whole_files)
        reply = requests.post(url, data={"input": "."}, files={"speaker_wav": ("a.wav", clip)}, timeout=PATIENCE)
        if reply.status_code == 200:
            return seed, 200, ""
        error = reply.json()["error"]
        assert error["message"] and error["param"] == "speaker_wav", (seed, error)
        return seed, reply.status_code, error["message"]

    for clip in whole_files:
        assert requests.post(url, data={"input": "."}, files={"speaker_wav": ("a.wav", clip)}, timeout=PATIENCE).status_code == 200
    before = memory()
    answers = at_once(send, range(FIRST_SEED, FIRST_SEED + NUM_FILES))
    assert [answer for answer in answers if answer[1] not in STATUSES] == []
    assert {200} < {status for _, status, _ in answers}, "nothing was refused, or nothing was used"
    assert [message for _, _, message in answers if "clip-" in message or str(temporary_folder) in message] == []
    assert decoders() == []
    assert list(temporary_folder.iterdir()) == []
    assert memory() - before < MAX_GROWTH
    assert hear(requests.post(url, json={"input": "Still here."}, timeout=PATIENCE).content).seconds > 0.3
