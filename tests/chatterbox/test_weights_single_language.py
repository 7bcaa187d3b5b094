"""The files of the single-language models, which share some with the multilingual one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_files import content, files_of, put_snapshot
from small_hub import LARGE, SmallHub, small_hub

from tts_server.engines.chatterbox.failures import DownloadFailed, WeightsMissing
from tts_server.engines.chatterbox.families import MULTILINGUAL_V3, SINGLE_LANGUAGE
from tts_server.engines.chatterbox.weights.files import FileOptions, find
from tts_server.engines.chatterbox.weights.repository_cache import RepositoryCache

HINDI = next(family for family in SINGLE_LANGUAGE if family.id.endswith("-hi"))


@pytest.fixture
def hub() -> Iterator[SmallHub]:
    """A hub with Hindi and with the model that it shares files with."""
    base = {name: content(name, 2 * LARGE) for name in MULTILINGUAL_V3.files.values()}
    files = {
        MULTILINGUAL_V3.repository: {**base, **dict.fromkeys(MULTILINGUAL_V3.tokenizer_files, b"[]")},
        HINDI.repository: files_of(HINDI),
    }
    with small_hub(files) as running:
        yield running


@pytest.fixture
def options(hub: SmallHub, tmp_path: Path) -> FileOptions:
    return FileOptions(hf_home=tmp_path, endpoint=hub.url, pause_seconds=0.0)


def test_shared_files_come_from_the_other_repository_at_its_own_commit(hub: SmallHub, options: FileOptions) -> None:
    folder = find(HINDI, options).folder
    for name in {*HINDI.files.values(), *HINDI.tokenizer_files}:
        assert (folder / name).is_file(), name
    asked = {path for method, path, *_ in hub.requests if method == "HEAD"}
    assert f"/{MULTILINGUAL_V3.repository}/resolve/{MULTILINGUAL_V3.revision}/ve.pt" in asked
    assert f"/{HINDI.repository}/resolve/{HINDI.revision}/t3_hi.safetensors" in asked
    assert not any(path.endswith("/s3gen.pt") for path in asked)


def test_shared_files_are_taken_from_the_other_models_snapshot(hub: SmallHub, options: FileOptions, tmp_path: Path) -> None:
    find(MULTILINGUAL_V3, options)
    put_snapshot(RepositoryCache(tmp_path, HINDI.repository), str(HINDI.revision), HINDI)
    hub.requests.clear()
    folder = find(HINDI, replace(options, is_offline=True)).folder
    assert (folder / "ve.pt").read_bytes() == hub.files[MULTILINGUAL_V3.repository]["ve.pt"]
    assert hub.requests == []


def test_shared_files_that_are_nowhere_are_named(tmp_path: Path, options: FileOptions) -> None:
    put_snapshot(RepositoryCache(tmp_path, HINDI.repository), str(HINDI.revision), HINDI)
    with pytest.raises(WeightsMissing) as caught:
        find(HINDI, replace(options, is_offline=True))
    assert set(caught.value.files) == {"ve.pt", "Cangjie5_TC.json"}


def test_the_only_t3_of_a_repository_is_taken_whatever_its_name(
    hub: SmallHub, options: FileOptions, caplog: pytest.LogCaptureFixture
) -> None:
    files = hub.files[HINDI.repository]
    data = files["t3_hindi_v2.safetensors"] = files.pop("t3_hi.safetensors")
    assert (find(HINDI, options).folder / "t3_hi.safetensors").read_bytes() == data
    assert "t3_hindi_v2.safetensors is used" in caplog.text


@pytest.mark.parametrize(
    ("names", "words"),
    [(["t3_a.safetensors", "t3_b.safetensors"], "has t3_a.safetensors, t3_b.safetensors"), ([], "has no file t3_*.safetensors")],
)
def test_a_repository_with_several_t3_or_none_is_refused_with_their_names(
    hub: SmallHub, options: FileOptions, names: list[str], words: str
) -> None:
    files = hub.files[HINDI.repository]
    data = files.pop("t3_hi.safetensors")
    files.update(dict.fromkeys(names, data))
    with pytest.raises(DownloadFailed) as caught:
        find(HINDI, options)
    assert f"{HINDI.repository} {words}" in str(caught.value)


def test_a_folder_with_a_t3_of_another_name_says_how_it_should_be_named(tmp_path: Path, options: FileOptions) -> None:
    folder = tmp_path / HINDI.id
    folder.mkdir()
    (folder / "t3_hindi_v2.safetensors").write_bytes(b"content")
    with pytest.raises(WeightsMissing, match=r"It holds t3_hindi_v2.safetensors: rename the right one to t3_hi.safetensors"):
        find(HINDI, replace(options, model_dir=tmp_path))


def test_a_folder_of_the_owners_without_a_shared_file_names_its_repository(tmp_path: Path, options: FileOptions) -> None:
    folder = tmp_path / HINDI.id
    folder.mkdir()
    for name, data in files_of(HINDI).items():
        (folder / name).write_bytes(data)
    with pytest.raises(WeightsMissing, match=f"huggingface.co/{MULTILINGUAL_V3.repository}$"):
        find(HINDI, replace(options, model_dir=tmp_path))
