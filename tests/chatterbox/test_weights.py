"""The sources of a model's files: a folder, the hub's cache, the hub."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from small_hub import SmallHub, etag, small_hub

from tts_server.engines.chatterbox.failures import DownloadFailed, WeightsMissing
from tts_server.engines.chatterbox.families import ENGLISH, MULTILINGUAL_V3, NANO, TURBO, Family
from tts_server.engines.chatterbox.weights.files import FileOptions, find, missing_files


def content(name: str, size: int) -> bytes:
    block = hashlib.sha256(name.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


NANO_FILES = {
    "t3_nano_v1.safetensors": content("t3", 300_000),
    "s3gen_meanflow.safetensors": content("s3gen", 200_000),
    "ve.safetensors": content("ve", 20_000),
    "conds.pt": content("conds", 500),
    "vocab.json": b"{}",
    "merges.txt": b"#version: 0.2",
    "added_tokens.json": b"{}",
    "tokenizer_config.json": b"{}",
}
TOTAL = sum(len(data) for data in NANO_FILES.values())


@pytest.fixture
def hub() -> Iterator[SmallHub]:
    """A hub with Chatterbox Nano, without two of the tokenizer's extras, and with much else."""
    with small_hub({NANO.repository: {**NANO_FILES, "README.md": b"Read me.", "other.safetensors": content("other", 50_000)}}) as running:
        yield running


@pytest.fixture
def fetch(hub: SmallHub, tmp_path: Path) -> Callable[..., Path]:
    """Find Nano, with nothing on this machine but what earlier calls have brought."""

    def find_nano(report: Any = None, **options: Any) -> Path:
        return find(NANO, FileOptions(**{"hf_home": tmp_path, "endpoint": hub.url, "pause_seconds": 0.0, **options}), report).folder

    return find_nano


def assert_whole(folder: Path) -> None:
    for name, data in NANO_FILES.items():
        assert (folder / name).read_bytes() == data, name


def put(folder: Path, family: Family, *, without: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in {*family.files.values(), *family.tokenizer_files} - set(without):
        (folder / name).write_bytes(b"content")
    return folder


# A folder


@pytest.mark.parametrize("name", ["chatterbox-turbo", "turbo", "."])
def test_a_folder_of_the_owner_is_found_without_any_network(name: str, tmp_path: Path) -> None:
    folder = put(tmp_path / name, TURBO)
    assert find(TURBO, FileOptions(tmp_path, tmp_path / "home", "http://127.0.0.1:9")).folder == folder


def test_a_folder_that_lacks_files_is_named_with_them(tmp_path: Path) -> None:
    put(tmp_path / "turbo", TURBO, without=("ve.safetensors", "merges.txt"))
    (tmp_path / "turbo" / "tokenizer.json").unlink()
    with pytest.raises(WeightsMissing) as caught:
        find(TURBO, FileOptions(tmp_path, tmp_path / "home", "http://127.0.0.1:9"))
    assert caught.value.files == ("ve.safetensors", "merges.txt", "vocab.json")
    assert caught.value.folder == tmp_path / "turbo"
    assert "ResembleAI/chatterbox-turbo" in str(caught.value)


def test_extras_of_a_tokenizer_and_the_builtin_voice_may_be_missing(tmp_path: Path) -> None:
    extras = ("added_tokens.json", "special_tokens_map.json", "tokenizer.json", "conds.pt")
    assert missing_files(TURBO, put(tmp_path / "a", TURBO, without=extras)) == []
    assert missing_files(TURBO, put(tmp_path / "b", TURBO, without=("vocab.json", "merges.txt"))) == []
    assert missing_files(ENGLISH, put(tmp_path / "c", ENGLISH, without=("tokenizer.json",))) == ["tokenizer.json"]
    missing = missing_files(MULTILINGUAL_V3, put(tmp_path / "d", MULTILINGUAL_V3, without=("Cangjie5_TC.json",)))
    assert missing == ["Cangjie5_TC.json"]


def test_a_model_that_is_not_in_the_folder_comes_from_the_hub(fetch: Callable[..., Path], tmp_path: Path) -> None:
    put(tmp_path / "models" / "turbo", TURBO)
    assert_whole(fetch(model_dir=tmp_path / "models"))


# The hub


def test_all_that_is_needed_is_downloaded_and_nothing_else(fetch: Callable[..., Path]) -> None:
    folder = fetch()
    assert_whole(folder)
    assert {path.name for path in folder.iterdir()} == set(NANO_FILES)
    assert folder.name == NANO.revision


def test_other_programs_find_the_files_in_the_cache(fetch: Callable[..., Path], tmp_path: Path) -> None:
    folder = fetch()
    code = """
import json, sys
from huggingface_hub import hf_hub_download
folder, commit, *names = sys.argv[1:]
options = {"cache_dir": folder, "revision": commit, "local_files_only": True}
print(json.dumps([hf_hub_download("ResembleAI/chatterbox-nano", name, **options) for name in names]))
"""
    names = ["t3_nano_v1.safetensors", "vocab.json"]
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "hub"), str(NANO.revision), *names], capture_output=True, encoding="utf-8", check=True
    )
    assert json.loads(run.stdout) == [str(folder / name) for name in names]


def test_files_that_the_hubs_own_client_has_downloaded_are_used(hub: SmallHub, fetch: Callable[..., Path], tmp_path: Path) -> None:
    snapshots = tmp_path / "hub" / "models--ResembleAI--chatterbox-nano" / "snapshots"
    put(snapshots / "older", NANO)
    pinned = put(snapshots / str(NANO.revision), NANO)
    put(snapshots / "half", NANO, without=("t3_nano_v1.safetensors",))
    assert fetch() == pinned
    assert hub.requests == []


def test_a_second_use_needs_no_network(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    folder = fetch()
    hub.requests.clear()
    assert fetch() == folder
    assert fetch(is_offline=True, endpoint="http://127.0.0.1:9") == folder
    assert hub.requests == []


def test_offline_says_what_is_missing(fetch: Callable[..., Path], hub: SmallHub) -> None:
    with pytest.raises(WeightsMissing, match="HF_HUB_OFFLINE") as caught:
        fetch(is_offline=True)
    assert "t3_nano_v1.safetensors" in caught.value.files
    assert hub.requests == []


def test_progress_goes_from_nothing_to_all_bytes_of_all_files(fetch: Callable[..., Path]) -> None:
    reports: list[tuple[int, int | None]] = []
    fetch(report=lambda done, total: reports.append((done, total)))
    assert {total for _, total in reports} == {TOTAL}
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    assert reports[-1][0] == TOTAL


def test_a_connection_that_breaks_is_resumed_at_the_byte_where_it_broke(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.cuts = [5_000, 1, 70_000]
    assert_whole(fetch())
    assert hub.downloads("ve.safetensors")[:1] == [None]
    ranges = [part for name in NANO_FILES for part in hub.downloads(name) if part]
    assert "bytes=5000-" in ranges
    assert "bytes=5001-" in ranges


def test_a_later_try_goes_on_where_an_earlier_one_stopped(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.cuts = [8_000, 0, 0, 0, 0]
    with pytest.raises(DownloadFailed, match=r"ve.safetensors of Chatterbox Nano could not be downloaded.*8000 of 20000 bytes"):
        fetch()
    hub.cuts = []
    hub.requests.clear()
    assert_whole(fetch())
    assert hub.downloads("ve.safetensors") == ["bytes=8000-", "bytes=8000-"]
    assert hub.downloads("vocab.json") == []


def test_a_connection_that_gives_nothing_more_is_given_up_with_a_word(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.hangs = [0] * 10
    with pytest.raises(DownloadFailed, match=r"no data arrived for 0\.2 seconds.*MODEL_DIR") as caught:
        fetch(stall_seconds=0.2)
    assert caught.value.status == 503
    assert caught.value.is_retryable


def test_a_hub_that_stumbles_is_asked_again(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.statuses = [503, 429, 500]
    assert_whole(fetch())


def test_a_file_that_is_not_on_the_hub_is_named(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    del hub.files[NANO.repository]["s3gen_meanflow.safetensors"]
    with pytest.raises(DownloadFailed, match=r"s3gen_meanflow.safetensors .* does not have it \(404\)") as caught:
        fetch()
    assert caught.value.file == "s3gen_meanflow.safetensors"


def test_a_file_that_arrives_otherwise_than_announced_is_thrown_away(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.spoiled = {"ve.safetensors"}
    with pytest.raises(DownloadFailed, match="ve.safetensors .* not the announced one"):
        fetch()
    hub.spoiled.clear()
    assert_whole(fetch())


def test_the_token_is_sent_to_the_hub_alone(hub: SmallHub, fetch: Callable[..., Path]) -> None:
    hub.token = "secret"
    with pytest.raises(DownloadFailed, match=r"refuses it \(401\).*HF_TOKEN"):
        fetch()
    hub.requests.clear()
    assert_whole(fetch(token="secret"))
    assert {authorization for _, path, _, authorization in hub.requests if path.startswith("/elsewhere/")} == {None}


def test_an_address_that_does_not_answer_is_named(fetch: Callable[..., Path]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(DownloadFailed, match=f"{address} cannot be reached.*HF_ENDPOINT"):
            fetch(endpoint=address)


def test_an_address_that_is_no_hub_is_named(tmp_path: Path) -> None:
    class Website(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:  # noqa: N802
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are silent."""

    with HTTPServer(("127.0.0.1", 0), Website) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with pytest.raises(DownloadFailed, match="does not answer like a Hugging Face hub"):
                find(NANO, FileOptions(hf_home=tmp_path, endpoint=f"http://127.0.0.1:{server.server_port}"))
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_a_full_disk_ends_the_download_with_its_reason(fetch: Callable[..., Path], tmp_path: Path) -> None:
    blobs = tmp_path / "hub" / "models--ResembleAI--chatterbox-nano" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{etag(NANO_FILES['vocab.json'])}.incomplete").symlink_to("/dev/full")
    with pytest.raises(DownloadFailed, match="No space left on device"):
        fetch()


def test_the_cache_is_where_hugging_face_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "cache" / "huggingface" / "hub" / "models--ResembleAI--chatterbox-turbo" / "snapshots" / "a", TURBO)
    (folder.parent.parent / "refs").mkdir()
    (folder.parent.parent / "refs" / "main").write_text("a")
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert find(TURBO, FileOptions(is_offline=True)).folder == folder
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "huggingface" / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find(TURBO, FileOptions(is_offline=True)).folder == folder
