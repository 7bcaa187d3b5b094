"""The model of the Chinese word segmenter: where it is found, how it is downloaded, and what is said where it is missing."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.failures import DownloadFailed
from tts_server.engines.chatterbox.families import ENGLISH, MULTILINGUAL_V2, SINGLE_LANGUAGE, TURBO
from tts_server.engines.chatterbox.source import ChatterboxOptions, ChatterboxSource
from tts_server.engines.chatterbox.weights.files import FileOptions
from tts_server.engines.chatterbox.weights.language_helpers import HELPERS, missing_helpers
from tts_server.engines.chatterbox.weights.segmenter import PUBLISHED, SegmenterArchive, fetch_segmenter, find_segmenter
from tts_server.engines.chatterbox.weights.transfer import Connection

NOWHERE = "http://127.0.0.1:9/spacy_ontonotes.zip"
CONTENTS = {"features.msgpack": b"features" * 5000, "weights.npz": bytes(range(256)) * 200}


def zipped(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in contents.items():
            file.writestr(name, data)
    return out.getvalue()


@dataclass
class ArchiveServer:
    """Serves one archive. `cuts` are after how many bytes the next replies break off; `ranges` are what was asked for."""

    data: bytes
    url: str = ""
    cuts: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)

    def archive(self, contents: dict[str, bytes] = CONTENTS) -> SegmenterArchive:
        """The archive as it should be, with the checksums of `contents`."""
        members = {name: hashlib.sha256(contents[name]).hexdigest() for name in PUBLISHED.members}
        return SegmenterArchive(self.url, hashlib.sha256(self.data).hexdigest(), len(self.data), members)


@contextlib.contextmanager
def serve(data: bytes) -> Iterator[ArchiveServer]:
    served = ArchiveServer(data)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            served.ranges.append(self.headers["Range"])
            start = int(self.headers["Range"][len("bytes=") : -1]) if self.headers["Range"] else 0
            body = served.data[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)

        def log_message(self, *_: Any) -> None:
            """Tests are silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/spacy_ontonotes.zip"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def no_segmenter_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that `PKUSEG_HOME` names, which is empty."""
    monkeypatch.setenv("PKUSEG_HOME", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with serve(zipped(CONTENTS)) as running:
        yield running


@pytest.fixture
def fetch(server: ArchiveServer, tmp_path: Path) -> Callable[..., Path]:
    def fetch_from(archive: SegmenterArchive | None = None, **connection: Any) -> Path:
        archive = archive or server.archive()
        return fetch_segmenter(tmp_path, archive, Connection(archive.url, pause_seconds=0.0, **connection), lambda: None)

    return fetch_from


def put(folder: Path) -> Path:
    (folder / "spacy_ontonotes").mkdir(parents=True)
    for name, data in CONTENTS.items():
        (folder / "spacy_ontonotes" / name).write_bytes(data)
    return folder / "spacy_ontonotes"


def test_it_is_downloaded_beside_the_models_and_found_there(fetch: Callable[..., Path], tmp_path: Path) -> None:
    assert find_segmenter(tmp_path) is None
    folder = fetch()
    assert find_segmenter(tmp_path) == folder == tmp_path / "pkuseg" / "spacy_ontonotes"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS


def test_the_folder_of_its_own_package_is_used_first(fetch: Callable[..., Path], tmp_path: Path, no_segmenter_of_this_user: Path) -> None:
    fetch()
    own = put(no_segmenter_of_this_user)
    assert find_segmenter(tmp_path) == own


def test_the_address_and_checksum_are_those_of_its_package() -> None:
    from spacy_pkuseg.config import config

    assert PUBLISHED.url == config.model_urls["spacy_ontonotes"]
    assert PUBLISHED.sha256 == config.model_hash["spacy_ontonotes"]


def test_a_download_that_breaks_off_is_resumed(server: ArchiveServer, fetch: Callable[..., Path]) -> None:
    server.cuts = [3000, 10]
    fetch()
    assert server.ranges == [None, "bytes=3000-", "bytes=3010-"]


def test_a_later_download_goes_on_where_an_earlier_one_stopped(server: ArchiveServer, fetch: Callable[..., Path]) -> None:
    server.cuts = [3000, 0]
    with pytest.raises(DownloadFailed, match=r"spacy_ontonotes.zip of The Chinese word segmenter .* 3000 of"):
        fetch(attempts=1)
    fetch()
    assert server.ranges[-1] == "bytes=3000-"


def test_another_archive_is_refused_and_thrown_away(server: ArchiveServer, fetch: Callable[..., Path], tmp_path: Path) -> None:
    archive = server.archive()
    server.data = bytes(len(server.data))
    with pytest.raises(DownloadFailed, match="not the announced one"):
        fetch(archive)
    assert find_segmenter(tmp_path) is None
    assert not list((tmp_path / "pkuseg").glob("*.incomplete"))


@pytest.mark.parametrize(
    "contents",
    [
        {"features.msgpack": CONTENTS["features.msgpack"]},
        {**CONTENTS, "weights.npz": b"other"},
        {"../features.msgpack": CONTENTS["features.msgpack"], "weights.npz": CONTENTS["weights.npz"]},
    ],
)
def test_an_archive_with_other_members_is_refused(contents: dict[str, bytes], tmp_path: Path) -> None:
    with serve(zipped(contents)) as server:
        archive = server.archive()
        with pytest.raises(DownloadFailed, match="not the published one"):
            fetch_segmenter(tmp_path, archive, Connection(archive.url), lambda: None)
    assert find_segmenter(tmp_path) is None


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with serve(b"no archive") as server, pytest.raises(DownloadFailed, match="not the published one"):
        fetch_segmenter(tmp_path, server.archive(), Connection(server.url), lambda: None)


def test_no_member_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    contents = {**CONTENTS, "../../outside": b"x", "/tmp/../outside": b"x", "extra/deep": b"x"}
    with serve(zipped(contents)) as server:
        fetch_segmenter(tmp_path / "home", server.archive(), Connection(server.url), lambda: None)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    folder = "home/pkuseg/spacy_ontonotes"
    assert written - {"home/pkuseg/parlance.lock"} == {f"{folder}/features.msgpack", f"{folder}/weights.npz"}


# With a model


def source_of(kind: str, folder: Path, tmp_path: Path, server: ArchiveServer, **options: Any) -> ChatterboxSource:
    """A tiny model whose weights are on this machine."""
    files = FileOptions(model_dir=folder, hf_home=tmp_path / "home", pause_seconds=0.0, **options)
    return ChatterboxSource(family_of(kind), ChatterboxOptions(files=files, segmenter=server.archive(), device="cpu", threads=1))


@pytest.fixture
def load(checkpoint: Callable[[str], Path], tmp_path: Path, server: ArchiveServer) -> Callable[..., ChatterboxSource]:
    """Load and unload a model, and return its source."""

    def load_once(kind: str = "multilingual", **options: Any) -> ChatterboxSource:
        source = source_of(kind, checkpoint(kind), tmp_path, server, **options)
        source.create().close()
        return source

    return load_once


def languages_noticed(source: ChatterboxSource) -> set[str]:
    return {notice.language for notice in source.capabilities.notices}


def test_it_comes_when_a_multilingual_model_is_loaded_that_was_here_before(load: Callable[..., ChatterboxSource], tmp_path: Path) -> None:
    assert "zh" not in languages_noticed(load())
    assert find_segmenter(tmp_path / "home") is not None


def test_it_comes_with_the_download_of_a_model_and_asks_whether_to_go_on(
    checkpoint: Callable[[str], Path], tmp_path: Path, server: ArchiveServer
) -> None:
    source = source_of("multilingual", checkpoint("multilingual"), tmp_path, server)
    reports: list[tuple[int, int | None]] = []
    source.fetch(lambda done, total: reports.append((done, total)))
    assert find_segmenter(tmp_path / "home") is not None
    assert reports


def test_no_other_model_brings_it(load: Callable[..., ChatterboxSource], server: ArchiveServer) -> None:
    assert languages_noticed(load("english")) == set()
    assert server.ranges == []


def test_offline_nothing_is_downloaded_and_the_log_says_what_to_do(
    load: Callable[..., ChatterboxSource], server: ArchiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    source = load(is_offline=True)
    assert server.ranges == []
    assert "zh" in languages_noticed(source)
    (message,) = [record.getMessage() for record in caplog.records if "Chinese" in record.getMessage()]
    assert message.startswith("chatterbox-multilingual: Chinese is spoken without")
    assert "HF_HUB_OFFLINE" in message
    assert "SEGMENTER_URL" in message


def test_a_model_is_loaded_although_it_cannot_be_downloaded(
    load: Callable[..., ChatterboxSource], server: ArchiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.cuts = [0] * 10
    assert "zh" in languages_noticed(load())
    assert "spacy_ontonotes.zip of The Chinese word segmenter could not be downloaded" in caplog.text
    assert len(server.ranges) == 1, "loading does not wait for more attempts"
    assert "HF_ENDPOINT" not in caplog.text, "a mirror of the hub would not help"


def test_audio_made_without_it_has_another_version_than_audio_made_with_it(
    checkpoint: Callable[[str], Path], tmp_path: Path, server: ArchiveServer
) -> None:
    versions = []
    for is_offline in (True, False):
        source = source_of("multilingual", checkpoint("multilingual"), tmp_path, server, is_offline=is_offline)
        engine = source.create()
        versions.append(engine.version)
        engine.close()
    assert versions[0] != versions[1]


# Helpers of other languages


def test_each_missing_helper_is_noticed_with_its_language_and_a_remedy(tmp_path: Path) -> None:
    missing = {helper.language for helper in HELPERS if importlib.util.find_spec(helper.package) is None}
    notices = missing_helpers(MULTILINGUAL_V2, tmp_path)
    assert {notice.language for notice in notices} == missing | {"zh"}
    for notice in notices:
        assert len(notice.message.split(". ")) >= 2, "it says what is lost, then what to do"


def test_models_notice_the_helpers_of_their_own_languages_alone(tmp_path: Path) -> None:
    assert missing_helpers(ENGLISH, tmp_path) == missing_helpers(TURBO, tmp_path) == ()
    noticed = {family.id: {notice.language for notice in missing_helpers(family, tmp_path)} for family in SINGLE_LANGUAGE}
    assert noticed.pop("chatterbox-multilingual-zh-cmn") == {"zh"}
    assert set().union(*noticed.values()) == set()


def test_helpers_that_are_installed_are_not_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for helper in HELPERS:
        (tmp_path / helper.package).mkdir()
        (tmp_path / helper.package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    put(tmp_path / "own")
    assert missing_helpers(replace(MULTILINGUAL_V2)) == ()
