"""The voice store as a folder, and as a bucket of a real S3-compatible server on this machine."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from obstore.store import S3Store
from support.clock import Clock

from tts_server.build import voice_store
from tts_server.config import SettingsError
from tts_server.errors import InvalidReference, Unavailable, VoiceNotFound
from tts_server.settings import load_settings
from tts_server.voices.bucket import BucketOptions, BucketStore, parse_bucket
from tts_server.voices.store import FolderStore, is_inside

KEY = "voices/system/default.wav"


@dataclass
class Bucket:
    """A bucket of a running server."""

    server: ThreadedMotoServer
    url: str

    def _client(self) -> S3Store:
        config = {"endpoint": self.url, "region": "us-east-1", "access_key_id": "id", "secret_access_key": "secret"}
        return S3Store("bucket", config=config, client_options={"allow_http": True})

    def empty(self) -> None:
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        requests.put(f"{self.url}/bucket", timeout=10).raise_for_status()

    def put(self, key: str, data: bytes) -> None:
        self._client().put(key, data)

    def delete(self, key: str) -> None:
        self._client().delete(key)


def run_bucket() -> Bucket:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket = Bucket(server, f"http://{host}:{port}")
    bucket.empty()
    return bucket


@pytest.fixture(scope="module")
def service() -> Iterator[Bucket]:
    bucket = run_bucket()
    yield bucket
    bucket.server.stop()


@pytest.fixture
def bucket(service) -> Bucket:
    service.empty()
    return service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(service, clock, tmp_path):
    def open_(prefix: str = "", max_bytes: int = 10**6, bucket: Bucket = service, **options) -> BucketStore:
        place = BucketOptions("bucket", prefix, endpoint=bucket.url, region="us-east-1", access_key_id="id", secret_access_key="secret")
        return BucketStore(place, tmp_path / "cache", max_bytes, clock=clock, **options)

    return open_


def copies(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_folder_gives_the_file_at_a_key(tmp_path):
    (tmp_path / "voices" / "system").mkdir(parents=True)
    (tmp_path / KEY).write_bytes(b"clip")
    (tmp_path / "plain").write_bytes(b"plain")
    store = FolderStore(tmp_path, 100)
    assert (store.read(KEY), store.read("plain"), store.read("voices/plain")) == (b"clip", b"plain", b"plain")


def test_a_file_larger_than_a_clip_may_be_is_refused(tmp_path):
    (tmp_path / "big").write_bytes(bytes(101))
    with pytest.raises(InvalidReference, match="larger"):
        FolderStore(tmp_path, 100).read("big")


@given(st.text(st.sampled_from("ab./\\:%~ \0é"), max_size=12))
def test_a_key_that_is_let_in_stays_below_any_folder(key):
    if is_inside(key):
        assert posixpath.normpath(f"/store/{key}") == f"/store/{key}"
        assert Path("/store", key).is_relative_to("/store")


def test_a_bucket_gives_the_object_at_a_key_below_its_prefix(bucket, open_store):
    bucket.put(KEY, b"clip")
    bucket.put("resonance/" + KEY, b"below the prefix")
    bucket.put("voices/orgs/7/é 3", b"accents and spaces")
    store = open_store()
    assert (store.read(KEY), store.read("voices/orgs/7/é 3")) == (b"clip", b"accents and spaces")
    assert open_store("resonance").read(KEY) == b"below the prefix"


@pytest.mark.parametrize(
    "key", ["voices/nobody", KEY, "resonance/../" + KEY, "../" + KEY, "../bucket/" + KEY, "voices/%2e%2e/x", "voices\\x", "C:x", "\ud800"]
)
def test_what_is_not_in_the_bucket_is_not_found(bucket, open_store, key):
    bucket.put(KEY, b"clip")
    with pytest.raises(VoiceNotFound):
        open_store("resonance").read(key)


def test_a_fresh_copy_answers_without_asking_the_bucket(bucket, open_store, clock):
    bucket.put(KEY, b"clip")
    store = open_store(fresh_seconds=60)
    assert store.read(KEY) == b"clip"
    bucket.put(KEY, b"changed")
    clock.now += 59
    assert store.read(KEY) == b"clip"
    clock.now += 2
    assert store.read(KEY) == b"changed"


def test_an_unchanged_object_is_not_fetched_again(bucket, open_store, tmp_path):
    bucket.put(KEY, b"clip")
    open_store().read(KEY)
    (copy,) = copies(tmp_path / "cache")
    tag, _, data = copy.read_bytes().partition(b"\n")
    copy.write_bytes(tag + b"\nmarked " + data)
    assert open_store(fresh_seconds=0).read(KEY) == b"marked clip"
    bucket.put(KEY, b"changed")
    assert open_store(fresh_seconds=0).read(KEY) == b"changed"


def test_an_object_that_is_deleted_is_gone_here_too(bucket, open_store, tmp_path):
    bucket.put(KEY, b"clip")
    store = open_store(fresh_seconds=0)
    store.read(KEY)
    bucket.delete(KEY)
    with pytest.raises(VoiceNotFound):
        store.read(KEY)
    assert copies(tmp_path / "cache") == []


def test_copies_answer_while_the_bucket_cannot_be_reached(open_store):
    bucket = run_bucket()
    bucket.put(KEY, b"clip")
    open_store(bucket=bucket).read(KEY)
    bucket.server.stop()
    store = open_store(bucket=bucket, fresh_seconds=0)
    assert store.read(KEY) == b"clip"
    with pytest.raises(Unavailable, match="voice store"):
        store.read("voices/other")


def test_a_bucket_that_does_not_exist_has_no_voices(bucket, tmp_path):
    place = BucketOptions("nowhere", "", endpoint=bucket.url, region="us-east-1", access_key_id="id", secret_access_key="secret")
    with pytest.raises(VoiceNotFound):
        BucketStore(place, tmp_path, 100).read(KEY)


def test_an_object_larger_than_a_clip_may_be_is_refused_and_not_kept(bucket, open_store, tmp_path):
    bucket.put(KEY, bytes(101))
    with pytest.raises(InvalidReference, match="larger"):
        open_store(max_bytes=100).read(KEY)
    assert copies(tmp_path / "cache") == []


def test_copies_stay_within_their_bound_and_those_unused_for_longest_go(bucket, open_store, tmp_path):
    store = open_store(max_cached_bytes=700)
    for number in range(5):
        bucket.put(f"voices/{number}", bytes([number]) * 250)
        store.read(f"voices/{number}")
        for age, path in enumerate(sorted(copies(tmp_path / "cache"), key=lambda path: path.stat().st_mtime_ns, reverse=True), 1):
            os.utime(path, (10_000 - age, 10_000 - age))
    kept = {path.read_bytes()[-1] for path in copies(tmp_path / "cache")}
    assert kept == {3, 4}


def test_a_copy_that_cannot_be_kept_costs_nobody_the_voice(bucket, open_store, tmp_path):
    (tmp_path / "cache").write_text("a file in the way")
    bucket.put(KEY, b"clip")
    assert open_store().read(KEY) == b"clip"


def test_an_address_of_a_bucket_has_two_parts():
    assert parse_bucket("s3://bucket/some/prefix/") == ("bucket", "some/prefix")
    assert parse_bucket("s3://bucket") == ("bucket", "")


@pytest.mark.parametrize("place", ["s3://", "s3:///prefix", "/no/such/folder"])
def test_a_store_that_cannot_be_is_a_wrong_setting(place):
    with pytest.raises(SettingsError, match="RESONANCE_VOICES"):
        voice_store(load_settings(resonance_voices=place))


def test_a_voice_of_the_bucket_is_spoken_with(bucket, start_server, clip, tmp_path):
    bucket.put("resonance/" + KEY, clip)
    running = start_server(
        resonance_voices="s3://bucket/resonance",
        resonance_s3_endpoint=bucket.url,
        resonance_s3_region="us-east-1",
        resonance_s3_access_key_id="id",
        resonance_s3_secret_access_key="secret",
        voice_cache_path=tmp_path / "cache",
    )
    spoken = requests.post(f"{running.url}/generate", json={"prompt": "From the bucket.", "voice_key": KEY}, timeout=60)
    assert (spoken.status_code, spoken.content[:4], spoken.headers["X-Voice-Cloning"]) == (200, b"RIFF", "matched")
    assert len(copies(tmp_path / "cache" / "bucket")) == 1
    missing = requests.post(f"{running.url}/generate", json={"prompt": "Hi.", "voice_key": "voices/x"}, timeout=60)
    assert (missing.status_code, missing.json()) == (400, {"detail": "Voice not found at 'voices/x'"})
