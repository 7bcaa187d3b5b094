"""Which commit of a model's repository is used, and what is recorded of it."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_files import files_of, put_snapshot
from small_hub import COMMIT, LARGE, SmallHub, etag, small_hub

from tts_server.engines.chatterbox.failures import DownloadFailed
from tts_server.engines.chatterbox.families import NANO, families
from tts_server.engines.chatterbox.source import ChatterboxOptions, ChatterboxSource
from tts_server.engines.chatterbox.weights.files import FileOptions, Located, fetch, find, locate
from tts_server.engines.chatterbox.weights.repository_cache import Checksum, RepositoryCache
from tts_server.errors import Cancelled

MOVED = "f" * 40
NOWHERE = "http://127.0.0.1:9"
UNPINNED = replace(NANO, revision=None)
T3 = NANO.files["t3"]


@pytest.fixture
def hub() -> Iterator[SmallHub]:
    with small_hub({NANO.repository: files_of(NANO)}) as running:
        yield running


@pytest.fixture
def options(hub: SmallHub, tmp_path: Path) -> FileOptions:
    return FileOptions(hf_home=tmp_path, endpoint=hub.url, pause_seconds=0.0)


@pytest.fixture
def cache(tmp_path: Path) -> RepositoryCache:
    return RepositoryCache(tmp_path, NANO.repository)


def asked_revisions(hub: SmallHub) -> set[str]:
    return {path.partition("/resolve/")[2].partition("/")[0] for _, path, _, _ in hub.requests if "/resolve/" in path}


# The commit that a release names


def test_the_pinned_commit_is_downloaded_wherever_main_is(hub: SmallHub, options: FileOptions) -> None:
    hub.main = MOVED
    located = find(NANO, options)
    assert located == Located(located.folder, NANO.revision, NANO.revision)
    assert asked_revisions(hub) == {NANO.revision}


def test_every_pin_is_a_full_commit() -> None:
    pins = {family.id: family.revision for family in families().values()}
    assert all(pin is None or (len(pin) == 40 and set(pin) <= set("0123456789abcdef")) for pin in pins.values())
    assert [id_ for id_, pin in pins.items() if pin is None] == ["chatterbox-multilingual-zh-cmn", "chatterbox-multilingual-pt-pt"]


def test_the_pinned_snapshot_is_chosen_before_newer_ones(options: FileOptions, cache: RepositoryCache) -> None:
    pinned = put_snapshot(cache, str(NANO.revision))
    put_snapshot(cache, MOVED)
    cache.remember_commit("main", MOVED)
    assert find(NANO, replace(options, endpoint=NOWHERE)).folder == pinned


def test_a_snapshot_of_another_commit_is_not_taken_for_the_pinned_one(hub: SmallHub, options: FileOptions, cache: RepositoryCache) -> None:
    put_snapshot(cache, MOVED)
    source = ChatterboxSource(NANO, ChatterboxOptions(files=options))
    assert not source.is_present()
    source.fetch(lambda done, total: None)
    assert source.is_present()
    assert cache.snapshot(str(NANO.revision)).is_dir()


def test_files_that_another_commit_has_too_are_not_downloaded_again(hub: SmallHub, options: FileOptions) -> None:
    find(NANO, replace(options, revisions={"": "main"}))
    hub.requests.clear()
    folder = find(NANO, options).folder
    assert hub.downloads(T3) == []
    assert (folder / T3).read_bytes() == hub.files[NANO.repository][T3]


def test_files_of_the_hubs_own_client_are_found_by_their_checksum(hub: SmallHub, options: FileOptions, cache: RepositoryCache) -> None:
    data = hub.files[NANO.repository][T3]
    blob = cache.folder / "blobs" / etag(data)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(data)
    assert (find(NANO, options).folder / T3).read_bytes() == data
    assert hub.downloads(T3) == []


def test_offline_another_commit_is_used_and_both_are_named(options: FileOptions, cache: RepositoryCache) -> None:
    other = put_snapshot(cache, MOVED)
    located = find(NANO, replace(options, is_offline=True))
    assert (located.folder, located.differs) == (other, True)
    assert (located.wanted, located.commit) == (NANO.revision, MOVED)


def test_where_the_hub_does_not_answer_another_commit_is_used(
    options: FileOptions, cache: RepositoryCache, caplog: pytest.LogCaptureFixture
) -> None:
    other = put_snapshot(cache, MOVED)
    assert fetch(NANO, replace(options, endpoint=NOWHERE)).folder == other
    assert f"The files of commit {MOVED} are used." in caplog.text


def test_a_hub_that_answers_for_another_commit_is_refused(hub: SmallHub, options: FileOptions) -> None:
    hub.answered_commit = MOVED
    with pytest.raises(DownloadFailed, match=f"answers for commit {MOVED}, not {NANO.revision}"):
        find(NANO, options)


# Another revision by setting


def test_main_is_looked_up_each_time_and_followed(hub: SmallHub, options: FileOptions) -> None:
    options = replace(options, revisions={"": "main"})
    assert fetch(NANO, options).commit == COMMIT
    hub.requests.clear()
    assert fetch(NANO, options).commit == COMMIT
    assert len(hub.requests) == 1, "it is asked for the commit alone"

    hub.main, hub.other_commits = MOVED, {MOVED: {NANO.repository: files_of(NANO, "newer")}}
    located = fetch(NANO, options)
    assert located.commit == MOVED
    assert (located.folder / T3).read_bytes() == files_of(NANO, "newer")[T3]
    assert locate(NANO, options).commit == MOVED


def test_main_as_it_was_is_used_where_the_hub_does_not_answer(hub: SmallHub, options: FileOptions) -> None:
    options = replace(options, revisions={"": "main"})
    folder = fetch(NANO, options).folder
    assert fetch(NANO, replace(options, endpoint=NOWHERE)).folder == folder


def test_all_files_are_those_of_one_commit_although_main_moves_meanwhile(hub: SmallHub, options: FileOptions) -> None:
    find(NANO, replace(options, revisions={"": "main"}))
    asked = [path for method, path, *_ in hub.requests if method == "HEAD"]
    assert [path for path in asked if "/resolve/main/" in path] == [f"/{NANO.repository}/resolve/main/{T3}"]
    assert all(f"/resolve/{COMMIT}/" in path for path in asked[1:])


def test_a_revision_may_be_named_for_one_model(hub: SmallHub, options: FileOptions) -> None:
    assert find(NANO, replace(options, revisions={NANO.id: MOVED, "chatterbox-turbo": "main"})).commit == MOVED
    assert options.revision_of("chatterbox-turbo", "pin") == "pin"


# When a model is loaded


def put_model(cache: RepositoryCache, commit: str, folder: Path) -> None:
    shutil.copytree(folder, cache.snapshot(commit))


def load(options: FileOptions) -> None:
    ChatterboxSource(NANO, ChatterboxOptions(files=options, device="cpu", threads=1)).create().close()


def test_a_model_that_is_loaded_at_another_commit_is_logged_once_with_both(
    options: FileOptions, cache: RepositoryCache, checkpoint: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    put_model(cache, MOVED, checkpoint("nano"))
    options = replace(options, is_offline=True)
    source = ChatterboxSource(NANO, ChatterboxOptions(files=options, device="cpu", threads=1))
    assert source.is_present()
    assert source.stamp()
    source.create().close()
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING and MOVED in record.getMessage()]
    assert message == f"chatterbox-nano: commit {NANO.revision} is not on this machine; commit {MOVED} is used"


def test_a_model_that_follows_main_is_loaded_at_the_commit_that_main_has_then(
    hub: SmallHub, options: FileOptions, cache: RepositoryCache, checkpoint: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hub.files[NANO.repository] = {path.name: path.read_bytes() for path in checkpoint("nano").iterdir()}
    options = replace(options, revisions={NANO.id: "main"})
    fetch(NANO, options)
    hub.main = MOVED
    load(options)
    assert f"chatterbox-nano: its files are those of commit {MOVED}" in caplog.text
    assert locate(NANO, options).commit == MOVED


def test_a_model_with_a_pin_is_loaded_without_a_look_at_the_hub(
    hub: SmallHub, options: FileOptions, cache: RepositoryCache, checkpoint: Callable[[str], Path]
) -> None:
    put_model(cache, str(NANO.revision), checkpoint("nano"))
    load(options)
    assert hub.requests == []


# Without a published pin


def test_the_commit_of_the_first_download_stays_pinned(hub: SmallHub, options: FileOptions, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = find(UNPINNED, options)
    assert first.commit == COMMIT
    assert f"its files stay at commit {COMMIT}" in caplog.text
    hub.main = MOVED
    hub.requests.clear()
    assert find(UNPINNED, options).folder == first.folder
    assert fetch(UNPINNED, options).folder == first.folder
    assert hub.requests == []


def test_another_program_that_downloads_main_does_not_change_the_pinned_commit(options: FileOptions, cache: RepositoryCache) -> None:
    kept = find(UNPINNED, options).folder
    put_snapshot(cache, MOVED)
    cache.remember_commit("main", MOVED)
    assert find(UNPINNED, options).folder == kept


def test_a_download_of_another_program_is_pinned_as_the_first_download(options: FileOptions, cache: RepositoryCache) -> None:
    kept = put_snapshot(cache, MOVED)
    assert find(UNPINNED, replace(options, endpoint=NOWHERE)).folder == kept
    assert cache.pin == MOVED


def test_a_deleted_snapshot_is_downloaded_at_the_pinned_commit(hub: SmallHub, options: FileOptions) -> None:
    folder = find(UNPINNED, options).folder
    (folder / T3).unlink()
    hub.main = MOVED
    hub.requests.clear()
    assert find(UNPINNED, options).folder == folder
    assert asked_revisions(hub) == {COMMIT}


# What is recorded


def test_size_and_sha256_of_each_file_are_recorded(hub: SmallHub, options: FileOptions, cache: RepositoryCache) -> None:
    find(NANO, options)
    expected = {name: Checksum(len(data), hashlib.sha256(data).hexdigest()) for name, data in hub.files[NANO.repository].items()}
    assert cache.checksums(str(NANO.revision)) == expected
    assert cache.checksums(MOVED) == {}


@pytest.mark.parametrize("record", ["", "[]", json.dumps({"pin": 3, "files": {COMMIT: {"a": 1, "b": {"size": "x"}}}})])
def test_a_damaged_record_is_taken_for_none(record: str, cache: RepositoryCache) -> None:
    cache.folder.mkdir(parents=True)
    (cache.folder / "parlance.json").write_text(record)
    assert (cache.pin, cache.checksums(COMMIT)) == (None, {})
    cache.remember_checksum(COMMIT, "a", Checksum(1, "00"))
    assert cache.checksums(COMMIT) == {"a": Checksum(1, "00")}
    json.loads((cache.folder / "parlance.json").read_text())


# Two processes


def test_two_processes_download_each_file_once(hub: SmallHub, options: FileOptions, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tts_server.engines.chatterbox.families import NANO
from tts_server.engines.chatterbox.weights.files import FileOptions, find
print(find(NANO, FileOptions(hf_home=Path(sys.argv[1]), endpoint=sys.argv[2], pause_seconds=0.0)).folder)
"""
    command = [sys.executable, "-c", code, str(tmp_path), hub.url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
    printed = [process.communicate(timeout=60)[0].strip() for process in running]
    assert printed == [str(locate(NANO, options).folder)] * 2
    for name, data in hub.files[NANO.repository].items():
        assert (Path(printed[0]) / name).read_bytes() == data
        assert len(hub.downloads(name)) == (2 if len(data) >= LARGE else 1), "large files are redirected once"


def test_waiting_for_another_process_can_be_cancelled(options: FileOptions, cache: RepositoryCache) -> None:
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with cache.locked(lambda: None):
            is_held.set()
            may_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(30)

    def cancel(_done: int, _total: int | None) -> None:
        raise Cancelled

    try:
        with pytest.raises(Cancelled):
            find(NANO, options, cancel)
    finally:
        may_go.set()
        holder.join()
