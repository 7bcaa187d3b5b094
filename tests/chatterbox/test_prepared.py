"""Prepared voices: computed once, found again in memory, on disk and after a restart."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tts_server.engines.chatterbox.voices import prepared
from tts_server.engines.chatterbox.voices.conditionals import Conditionals, from_tensors, key_of
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.prepared_files import delete_prepared
from tts_server.errors import InvalidReference
from tts_server.speech import VoiceReference

MODEL = "chatterbox-turbo"


def clip(name: str) -> VoiceReference:
    return VoiceReference(np.zeros(24000, np.float32), 24000, name)


class Listener:
    """Stands for `compute`: counts its calls and gives each clip tensors of its own."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bool]] = []
        self.before: Callable[[], None] = lambda: None

    def __call__(self, reference: VoiceReference, norm_loudness: bool) -> Conditionals:
        self.heard.append((reference.digest, norm_loudness))
        self.before()
        content = torch.Generator().manual_seed(len(self.heard))
        tokens = torch.randint(0, 6561, (1, 50), generator=content)
        tensors = {
            "speaker_emb": torch.rand(1, 256, generator=content),
            "speech_tokens": tokens,
            "prompt_token": tokens.clone(),
            "prompt_feat": torch.rand(1, 100, 80, generator=content),
            "embedding": torch.rand(1, 192, generator=content),
        }
        return from_tensors(key_of(MODEL, reference, norm_loudness), tensors)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def voices(listener: Listener, tmp_path: Path) -> Callable[..., PreparedVoices]:
    """The voices of a server that has just started."""
    return lambda **options: PreparedVoices(tmp_path, listener, **{"capacity": 8, "model": MODEL, **options})


def files(folder: Path) -> list[Path]:
    return sorted((folder / MODEL).glob("*.safetensors"))


def assert_same(one: Conditionals, other: Conditionals) -> None:
    assert one.key == other.key
    for name, tensor in one.tensors().items():
        assert torch.equal(tensor, other.tensors()[name])


def test_the_second_use_computes_nothing(listener: Listener, voices: Callable[..., PreparedVoices]) -> None:
    store = voices()
    assert store.get(clip("a")) is store.get(clip("a"))
    assert listener.heard == [("a", True)]


def test_a_restarted_server_finds_the_voice_on_disk(listener: Listener, voices: Callable[..., PreparedVoices]) -> None:
    first = voices().get(clip("a"))
    assert_same(voices().get(clip("a")), first)
    assert len(listener.heard) == 1


def test_loudness_model_and_code_version_make_other_voices(
    listener: Listener, voices: Callable[..., PreparedVoices], monkeypatch: pytest.MonkeyPatch
) -> None:
    voices().get(clip("a"))
    voices().get(clip("a"), norm_loudness=False)
    voices(model="chatterbox-nano").get(clip("a"))
    monkeypatch.setattr("tts_server.engines.chatterbox.voices.conditionals.CODE_VERSION", 99)
    voices().get(clip("a"))
    assert listener.heard == [("a", True), ("a", False), ("a", True), ("a", True)]


def test_the_manifest_describes_the_files(voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"))
    voices().get(clip("b"), norm_loudness=False)
    manifest = json.loads((tmp_path / MODEL / "manifest.json").read_text())
    assert sorted(manifest) == [path.name for path in files(tmp_path)]
    assert {(entry["sha256"], entry["norm_loudness"]) for entry in manifest.values()} == {("a", True), ("b", False)}
    assert {entry["model"] for entry in manifest.values()} == {MODEL}
    assert all(entry["created"] and entry["code_version"] and entry["name"] for entry in manifest.values())


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: b"\xff" * 400, lambda data: b"{}" * 9])
def test_a_damaged_file_is_made_again(damage: Any, listener: Listener, voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"))
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    second = voices().get(clip("a"))
    assert len(listener.heard) == 2
    assert_same(voices().get(clip("a")), second)
    assert len(listener.heard) == 2


def test_the_file_of_another_voice_is_not_taken(listener: Listener, voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"))
    (path,) = files(tmp_path)
    content = path.read_bytes()
    path.unlink()
    voices().get(clip("b"))
    files(tmp_path)[0].write_bytes(content)
    voices().get(clip("b"))
    assert [name for name, _ in listener.heard] == ["a", "b", "b"]


def test_a_damaged_manifest_is_written_again(voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"))
    (tmp_path / MODEL / "manifest.json").write_text("[nonsense")
    voices().get(clip("b"))
    assert len(json.loads((tmp_path / MODEL / "manifest.json").read_text())) == 1


def test_twenty_threads_with_the_same_new_clip_wait_for_one_computation(
    listener: Listener, voices: Callable[..., PreparedVoices], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, found, waiting = voices(), [], threading.Semaphore(0)

    class Future(prepared.Future):  # type: ignore[type-arg]
        def result(self, timeout: float | None = None) -> Any:
            waiting.release()
            return super().result(timeout)

    monkeypatch.setattr(prepared, "Future", Future)
    listener.before = lambda: [waiting.acquire(timeout=20) for _ in range(19)] and None
    threads = [threading.Thread(target=lambda: found.append(store.get(clip("a")))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(listener.heard) == 1
    assert len(found) == 20
    assert all(voice is found[0] for voice in found)


def test_a_failure_reaches_all_waiting_calls_and_the_next_call_tries_again(
    listener: Listener, voices: Callable[..., PreparedVoices], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, errors, waiting = voices(), [], threading.Semaphore(0)

    class Future(prepared.Future):  # type: ignore[type-arg]
        def result(self, timeout: float | None = None) -> Any:
            waiting.release()
            return super().result(timeout)

    def fail() -> None:
        for _ in range(4):
            waiting.acquire(timeout=20)
        raise InvalidReference("too short")

    def ask() -> None:
        try:
            store.get(clip("a"))
        except InvalidReference as error:
            errors.append(error.message)

    monkeypatch.setattr(prepared, "Future", Future)
    listener.before = fail
    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == ["too short"] * 5
    assert len(listener.heard) == 1
    listener.before = lambda: None
    store.get(clip("a"))
    assert len(listener.heard) == 2


def test_memory_holds_the_voices_used_last(listener: Listener, tmp_path: Path) -> None:
    store = PreparedVoices(None, listener, capacity=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        store.get(clip(name))
    assert [name for name, _ in listener.heard] == ["a", "b", "c", "b"]
    assert not list(tmp_path.iterdir())


def test_the_disk_holds_no_more_than_allowed(listener: Listener, voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"))
    (path,) = files(tmp_path)
    limit = int(2.5 * path.stat().st_size)
    for count, name in enumerate("bcd", start=2):
        voices(max_bytes=limit).get(clip(name))
        assert len(files(tmp_path)) == min(count, 2)
    assert len(json.loads((tmp_path / MODEL / "manifest.json").read_text())) == 2


def test_a_clip_that_is_used_once_leaves_nothing_on_disk(voices: Callable[..., PreparedVoices], tmp_path: Path) -> None:
    voices().get(clip("a"), keep=False)
    assert not list(tmp_path.rglob("*.*"))


def test_a_clip_can_be_forgotten_whichever_models_prepared_it(
    listener: Listener, voices: Callable[..., PreparedVoices], tmp_path: Path
) -> None:
    for name in "ab":
        for norm_loudness in (True, False):
            voices().get(clip(name), norm_loudness=norm_loudness)
    (tmp_path / MODEL / "damaged.safetensors").write_bytes(b"\xff" * 20)
    delete_prepared(tmp_path, clip("a").digest)
    assert len(files(tmp_path)) == 3
    listener.heard.clear()
    voices().get(clip("b"))
    assert listener.heard == []
    voices().get(clip("a"))
    assert listener.heard == [("a", True)]


def test_a_folder_that_cannot_be_written_does_not_stop_the_speech(
    listener: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    store = PreparedVoices(tmp_path / "file", listener, capacity=2, model=MODEL)
    assert store.get(clip("a")) is store.get(clip("a"))
    assert "could not be written" in caplog.text


def test_a_half_written_file_is_never_left(voices: Callable[..., PreparedVoices], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise PermissionError("open elsewhere")

    monkeypatch.setattr(Path, "replace", fail)
    voices().get(clip("a"))
    assert not list((tmp_path / MODEL).iterdir())


def test_a_folder_without_a_model_is_refused(listener: Listener, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name the model"):
        PreparedVoices(tmp_path, listener, capacity=1)
