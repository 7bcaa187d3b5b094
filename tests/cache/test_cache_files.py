"""The audio cache by itself: what it keeps, for how long, how much, and what it makes of files it did not write."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clock import Clock

from tts_server.synthesis.cache import AudioCache, CacheInUse

KIB = 2**10
NOON = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., AudioCache]]:
    """Opens the cache in the test's folder; the one that was opened before is closed first."""
    caches: list[AudioCache] = []

    def open_cache(max_bytes: int = 256 * KIB, ttl: float = 3600.0) -> AudioCache:
        close()
        caches.append(AudioCache(tmp_path / "audio", ttl, max_bytes, clock=clock))
        return caches[-1]

    def close() -> None:
        for cache in caches:
            cache.close()

    yield open_cache
    close()


def keep(cache: AudioCache, key: str, data: bytes = b"audio", note: object = None) -> None:
    with cache.create(key) as writer:
        writer.write(data)
        writer.finish({"note": note})


def kept(cache: AudioCache, key: str) -> bytes | None:
    found = cache.find(key)
    return None if found is None else b"".join(found.pieces())


def audio_files(cache: AudioCache) -> list[Path]:
    return sorted(cache.folder.glob("*.audio"))


def disk_bytes(folder: Path) -> int:
    """What a file system with blocks of 4 KiB needs for it."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.iterdir())


def test_what_is_kept_comes_back_in_its_pieces_with_its_note(opened):
    cache = opened()
    with cache.create("key") as writer:
        for piece in (b"one", b"", b"three" * 1000):
            writer.write(piece)
        writer.finish({"seed": 7})
    found = cache.find("key")
    assert found.note == {"seed": 7}
    assert list(found.pieces()) == [b"one", b"", b"three" * 1000]
    assert kept(cache, "another key") is None


def test_a_long_entry_is_the_same_bytes_as_a_short_one(opened, monkeypatch):
    """Long ones are not held in memory, but read a second time."""
    monkeypatch.setattr("tts_server.synthesis.cache_files.MEMORY_BYTES", 10)
    cache = opened()
    with cache.create("key") as writer:
        writer.write(b"one")
        writer.write(b"three" * 1000)
        writer.finish({})
    assert list(cache.find("key").pieces()) == [b"one", b"three" * 1000]
    _flip(100)(audio_files(cache)[0])
    assert kept(cache, "key") is None


def test_it_is_there_after_a_restart(opened):
    keep(opened(), "key", b"still here")
    assert kept(opened(), "key") == b"still here"


def test_what_is_not_finished_leaves_nothing(opened):
    cache = opened()
    with pytest.raises(ZeroDivisionError), cache.create("key") as writer:
        writer.write(b"half")
        1 / 0  # noqa: B018
    assert kept(cache, "key") is None
    assert [path.name for path in cache.folder.iterdir()] == ["in-use.lock"]
    assert cache.stats().bytes == 0


def test_what_is_too_old_is_neither_given_nor_left_on_the_disk(opened, clock):
    cache = opened(ttl=60.0)
    keep(cache, "old")
    clock.now += 59
    keep(cache, "young")
    assert kept(cache, "old") == b"audio"
    clock.now += 2
    assert kept(cache, "old") is None
    assert kept(cache, "young") == b"audio"
    clock.now += 61
    assert cache.stats().entries == 0
    assert audio_files(cache) == []
    assert cache.stats().expired == 2


def test_what_grew_old_while_nothing_ran_is_removed_at_the_start(opened, clock):
    keep(opened(ttl=60.0), "key")
    clock.now += 61
    assert audio_files(opened(ttl=60.0)) == []


def test_a_clock_that_was_set_back_keeps_nothing_for_ever(opened, clock):
    cache = opened(ttl=60.0)
    keep(cache, "key")
    clock.now -= 24 * 3600
    assert kept(cache, "key") is None


@pytest.mark.parametrize("restarts", [False, True], ids=["in one run", "across a restart"])
def test_what_was_not_used_for_longest_makes_room(opened, clock, restarts):
    cache = opened(64 * KIB)
    for number in range(3):
        clock.now += 1
        keep(cache, f"key {number}", bytes(14 * KIB))
    clock.now += 1
    assert kept(cache, "key 0") is not None
    if restarts:
        cache = opened(64 * KIB)
    for number in (3, 4):
        clock.now += 1
        keep(cache, f"key {number}", bytes(14 * KIB))
    assert [number for number in range(5) if kept(cache, f"key {number}") is not None] == [0, 2, 3, 4]
    assert cache.stats().evicted == 1


def test_one_entry_takes_a_quarter_at_most_and_pushes_nothing_out(opened):
    cache = opened(64 * KIB)
    keep(cache, "small", bytes(KIB))
    keep(cache, "large", bytes(17 * KIB))
    assert kept(cache, "large") is None
    assert kept(cache, "small") is not None
    assert cache.stats().evicted == 0


def test_a_smaller_bound_holds_from_the_start(opened):
    cache = opened(256 * KIB)
    for number in range(15):
        keep(cache, str(number), bytes(12 * KIB))
    smaller = opened(64 * KIB)
    assert disk_bytes(smaller.folder) <= 64 * KIB
    assert smaller.stats().entries == 4


def test_the_bound_holds_at_every_moment_with_many_writers_and_readers(opened):
    cache = opened(128 * KIB)
    draw = random.Random(5)
    jobs = [(f"key {draw.randrange(40)}", draw.randrange(1, 30 * KIB), draw.random() < 0.2) for _ in range(400)]
    wrong: list[object] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not jobs:
                    return
                key, size, fails = jobs.pop()
            body = key.encode() * (size // len(key))
            with cache.create(key) as writer:
                for start in range(0, len(body), 5000):
                    writer.write(body[start : start + 5000])
                    if (used := cache.stats().bytes) > 128 * KIB:
                        wrong.append(used)
                if not fails:
                    writer.finish({})
            data = kept(cache, key)
            if data is not None and data.replace(key.encode(), b""):
                wrong.append(key)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.stats().entries > 0
    assert disk_bytes(cache.folder) == cache.stats().bytes <= 128 * KIB


def test_audio_that_is_being_read_is_not_taken_away(opened):
    cache = opened(64 * KIB)
    keep(cache, "read", b"r" * 12 * KIB)
    found = cache.find("read")
    pieces = found.pieces()
    for number in range(8):
        keep(cache, str(number), bytes(12 * KIB))
    assert b"".join(pieces) == b"r" * 12 * KIB
    assert kept(cache, "read") is not None
    for number in range(8):
        keep(cache, str(number), bytes(12 * KIB))
    assert kept(cache, "read") is None


def test_the_same_key_kept_again_replaces_and_is_counted_once(opened):
    cache = opened()
    keep(cache, "key", b"first")
    keep(cache, "key", b"second")
    assert kept(cache, "key") == b"second"
    assert cache.stats().bytes == disk_bytes(cache.folder)


def _flip(position: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[position] ^= 1
        path.write_bytes(data)

    return change


@pytest.mark.parametrize(
    "harm",
    [
        *(_flip(position) for position in (0, 9, 13, 30, 53, 56, 62, -1)),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        lambda path: path.write_bytes(path.read_bytes()[:50]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: path.write_bytes(path.read_bytes()[:56] + bytes(path.stat().st_size - 56)),
    ],
)
def test_a_file_that_is_not_whole_is_never_given_and_goes(opened, harm):
    cache = opened()
    keep(cache, "key", b"the audio")
    harm(audio_files(cache)[0])
    assert kept(cache, "key") is None
    assert audio_files(cache) == []
    assert (cache.stats().damaged, cache.stats().bytes) == (1, 0)
    keep(cache, "key", b"again")
    assert kept(cache, "key") == b"again"


def test_another_entrys_file_under_this_name_is_never_given(opened):
    cache = opened()
    keep(cache, "one", b"1")
    (file_of_one,) = audio_files(cache)
    keep(cache, "two", b"2")
    (file_of_two,) = set(audio_files(cache)) - {file_of_one}
    file_of_one.write_bytes(file_of_two.read_bytes())
    assert kept(cache, "one") is None
    assert kept(cache, "two") == b"2"


def test_a_file_that_somebody_removed_is_a_miss(opened):
    cache = opened()
    keep(cache, "key")
    audio_files(cache)[0].unlink()
    assert kept(cache, "key") is None
    assert cache.stats().bytes == 0


def test_the_start_removes_what_a_crash_left_and_touches_nothing_else(opened):
    cache = opened()
    keep(cache, "key")
    crashed = cache.create("another")
    crashed.write(b"half")
    others = [cache.folder / name for name in ("holiday.audio", "notes.txt", "0123.part")]
    for path in others:
        path.write_bytes(b"mine")
    assert len(list(cache.folder.glob("*.part"))) == 2
    again = opened()
    assert [path for path in others if path.read_bytes() != b"mine"] == []
    assert list(again.folder.glob("*.part")) == [cache.folder / "0123.part"]
    assert kept(again, "key") == b"audio"


def test_a_folder_has_one_owner(opened, tmp_path):
    first = opened()
    with pytest.raises(CacheInUse):
        AudioCache(first.folder, 60.0, 256 * KIB)
    keep(first, "key")
    assert kept(opened(), "key") == b"audio"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_disk_that_fails_costs_the_entry_and_nothing_else(opened, monkeypatch):
    cache = opened()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with cache.create("key") as writer:
        writer.write(b"one")
        monkeypatch.setattr(Path, "replace", full)
        writer.write(b"two")
        writer.finish({})
    assert kept(cache, "key") is None
    assert [path.name for path in cache.folder.iterdir()] == ["in-use.lock"]
    assert cache.stats().bytes == 0


@pytest.mark.parametrize("num_bytes", [10, 3 * 2**20], ids=["in memory", "on the disk"])
def test_an_entry_is_a_file_of_its_own(tmp_path: Path, num_bytes: int) -> None:
    cache, data = AudioCache(tmp_path, 60, 2**25), random.Random(1).randbytes(num_bytes)
    with cache.create("key") as writer:
        writer.write(data)
        writer.finish({})
    kept = cache.find("key")
    assert kept is not None
    file = kept.file()
    assert file.seek(0, os.SEEK_END) == num_bytes
    assert file.seek(-3, os.SEEK_END) == num_bytes - 3
    assert file.read() == data[-3:]
    assert file.read() == b""
    assert file.seek(2) == file.tell() == 2
    assert file.read(4) == data[2:6]
    assert file.seek(1, os.SEEK_CUR) == 7
    file.seek(0)
    assert file.read(num_bytes + 100) == data
    file.close()
    file.close()
    cache.close()
