"""`run.sh accept` on tiny models: every part runs, figures are judged as they should be, and the report says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_hub import small_hub

from benchmarks import accept as command
from benchmarks.acceptance import report
from benchmarks.acceptance.checks import YES_OR_NO, Check, Needs, Threshold, Verdict
from benchmarks.acceptance.levels import longest_inner_silence, loudness, steps_at, tail_level
from benchmarks.acceptance.parts import devices_compared, watermark
from benchmarks.acceptance.published_files import PUBLISHED, published_checksum
from benchmarks.acceptance.recognizer import Recognizer, count_errors
from benchmarks.acceptance.run import accept
from benchmarks.acceptance.scale import Scale
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.similarity import SpeakerEncoder
from benchmarks.acceptance.subject import Loading, Subject
from benchmarks.acceptance.table import NAMES, PARTS
from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.families import MULTILINGUAL_V3, families
from tts_server.engines.chatterbox.weights.repository_cache import Checksum
from tts_server.engines.chatterbox.weights.transfer import sha256_of
from tts_server.engines.embedded.engine import EmbeddedEngine

RATE = 24000
LEAST = Scale(
    sentences=1,
    cloned_sentences=0,
    hard_texts=1,
    prose_words=16,
    seeds=1,
    forced_tokens=5,
    batched=2,
    clips=1,
    streams=(1, 2),
    weather_streams=2,
)


class NoRecognizer(Recognizer):
    """As where no recogniser is installed."""

    def __init__(self) -> None:
        super().__init__(may_download=False)
        self.reason = "install faster-whisper"


class StubRecognizer(Recognizer):
    """A recognizer that returns the given sentence, whatever the audio is."""

    def __init__(self, heard: str) -> None:
        super().__init__(may_download=False)
        self.name, self._heard = "stub", heard

    def is_available(self, language: str) -> bool:
        return language == "en"

    def transcribe(self, *_: Any) -> str:
        return self._heard


class NoSpeakers(SpeakerEncoder):
    """As where Resemblyzer is not installed."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = "install Resemblyzer"


def silent(_: str) -> None:
    """No progress is printed."""


def loading(kind: str, folder: Path) -> Loading:
    return Loading(family_of(kind), folder, "cpu", "exact", is_random=True, is_tiny=True, threads=1)


@pytest.fixture(scope="module")
def whole(checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    """A run of all parts over Nano with random weights, and the folder of its report."""
    folder = tmp_path_factory.mktemp("accept")
    models = [loading("nano", checkpoint("nano"))]
    (session,) = accept(models, NAMES, LEAST, folder, silent, recognizer=NoRecognizer(), speakers=NoSpeakers())
    return session, folder


def test_every_part_runs_and_lists_each_of_its_thresholds(whole: tuple[Session, Path]) -> None:
    session, _ = whole
    for part in PARTS:
        words = [check.words for check in session.checks if check.part == part.name]
        for threshold in part.thresholds.values():
            is_listed = any(one == threshold.words or one.startswith(f"{threshold.words} (") for one in words)
            # Which of these apply depends on the languages and on the mode.
            assert is_listed or threshold.words in ("word error rate", "character error rate") or "first audio" in threshold.words
    assert [check for check in session.checks if check.verdict is Verdict.FAIL] == []


def test_what_needs_trained_weights_or_packages_is_not_judged_and_says_so(whole: tuple[Session, Path]) -> None:
    session, _ = whole
    reasons = {check.words.partition(" (")[0]: check.reason for check in session.checks if check.verdict is Verdict.NOT_JUDGED}
    assert reasons["longest inner silence"] == "needs trained weights"
    assert reasons["word error rate"] == "install faster-whisper"
    assert reasons["similarity to the clip"] == "install Resemblyzer"
    assert reasons["largest difference of logits, float32"] == "no GPU"
    assert "" not in reasons.values()


def test_what_holds_for_any_weights_is_judged(whole: tuple[Session, Path]) -> None:
    session, _ = whole
    passed = {(check.part, check.words.partition(" (")[0]) for check in session.checks if check.verdict is Verdict.PASS}
    assert ("stock", "largest difference of a sample") in passed
    assert ("batching", "sequences with the same tokens together as alone") in passed
    assert ("weather", "requests with the same audio afterwards") in passed
    assert ("watermark", "least detection in a file") in passed


def test_the_report_holds_every_check_and_every_wav(whole: tuple[Session, Path]) -> None:
    session, folder = whole
    text = (folder / "report.md").read_text(encoding="utf-8")
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (model,) = document["models"]
    assert [check["words"] for check in model["checks"]] == [check.words for check in session.checks]
    assert all(f"| {check.words} |" in text for check in session.checks)
    assert {path.suffix for path in (folder / "chatterbox-nano").iterdir()} == {".wav"}
    assert len(session.files) == len(list((folder / "chatterbox-nano").iterdir())) > 5
    assert set(model["figures"]["speed"]["shares of the time"]) >= {"T3", "vocoder"}
    assert len(model["figures"]["files"]["sha256 conds.pt"]) == 64


def test_the_last_line_names_model_device_and_verdict(whole: tuple[Session, Path]) -> None:
    session, _ = whole
    line = report.summary(session)
    assert "\n" not in line
    assert line.startswith("chatterbox-nano (random); Parlance ")
    for words in ("cpu", "torch ", "exact", "x real time", "first audio", "WER not judged", "retries not judged", "PASS, "):
        assert words in line


def test_a_model_that_is_incomplete_fails_by_name_and_the_other_parts_still_run(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("nano"), tmp_path / "model")
    (folder / "conds.pt").unlink()
    models = [loading("nano", folder)]
    sessions = accept(models, ["files", "device", "retries"], LEAST, tmp_path / "out", silent, recognizer=NoRecognizer())
    failed = [check for check in sessions[0].checks if check.verdict is Verdict.FAIL]
    assert [check.words for check in failed] == ["the model's own voice is there", "the part runs to its end"]
    assert failed[1].part == "device"
    assert report.has_failed(sessions)
    assert "FAIL (device, files)" in report.summary(sessions[0])


# The model's files


def files_checked(checkpoint: Callable[[str], Path], tmp_path: Path, **fields: Any) -> dict[str, Check]:
    """The checks of Nano's files whose weights are said to be real ones; `fields` say what is known of them."""
    given = Loading(family_of("nano"), checkpoint("nano"), "cpu", "exact", is_random=False, is_tiny=True, threads=1, **fields)
    (one,) = accept([given], ["files"], LEAST, tmp_path, silent, recognizer=NoRecognizer(), speakers=NoSpeakers())
    return {check.words: check for check in one.checks}


def recorded_of(folder: Path) -> dict[str, Checksum]:
    return {path.name: Checksum(path.stat().st_size, sha256_of(path)) for path in folder.iterdir()}


CONTENTS = "files whose size or sha256 differs from the known one"
OTHER_COMMIT = "f" * 40


def test_files_are_compared_with_what_was_recorded_when_they_came(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    recorded = recorded_of(checkpoint("nano"))
    checks = files_checked(checkpoint, tmp_path, commit=OTHER_COMMIT, recorded=recorded)
    assert checks[f"{CONTENTS} ({len(recorded)} compared)"].verdict is Verdict.PASS


@pytest.mark.parametrize("change", [{"size": 1}, {"sha256": "0" * 64}])
def test_a_file_of_another_size_or_content_fails_by_name(checkpoint: Callable[[str], Path], tmp_path: Path, change: dict[str, Any]) -> None:
    recorded = recorded_of(checkpoint("nano"))
    recorded["vocab.json"] = replace(recorded["vocab.json"], **change)
    check = files_checked(checkpoint, tmp_path, commit=OTHER_COMMIT, recorded=recorded)[f"{CONTENTS} (vocab.json)"]
    assert (check.verdict, check.measured) == (Verdict.FAIL, "1")


def test_a_file_of_which_nothing_is_known_is_listed_as_not_judged(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    recorded = recorded_of(checkpoint("nano"))
    del recorded["merges.txt"]
    check = files_checked(checkpoint, tmp_path, commit=OTHER_COMMIT, recorded=recorded)[f"{CONTENTS} (merges.txt)"]
    assert check.verdict is Verdict.NOT_JUDGED
    assert "neither a download nor a pinned commit" in check.reason


def test_files_of_the_pinned_commit_are_compared_with_the_published_ones(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    checks = files_checked(checkpoint, tmp_path, commit=family_of("nano").revision, recorded=recorded_of(checkpoint("nano")))
    (words,) = [words for words, check in checks.items() if words.startswith(CONTENTS) and check.verdict is Verdict.FAIL]
    assert "t3_nano_v1.safetensors" in words


def test_files_of_ones_own_that_differ_from_the_published_ones_are_not_judged(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    checks = files_checked(checkpoint, tmp_path)
    own = {words: check for words, check in checks.items() if words.startswith(CONTENTS)}
    assert {check.verdict for check in own.values()} == {Verdict.NOT_JUDGED}
    assert own[f"{CONTENTS} (conds.pt)"].reason == "a file of your own, not the one of the pinned commit"


def test_every_file_with_a_published_checksum_is_one_of_a_model() -> None:
    for (repository, commit), files in PUBLISHED.items():
        owners = [family for version in ("v2", "v3") for family in families(version).values() if family.repository == repository]
        assert {family.revision for family in owners} == {commit}
        named = {name for family in owners for name in (*family.files.values(), *family.tokenizer_files)}
        assert files.keys() <= named
        assert all(family.files["t3"] in files for family in owners)


def test_shared_files_are_compared_with_those_of_the_other_repository() -> None:
    hindi = families()["chatterbox-multilingual-hi"]
    assert published_checksum(hindi, hindi.revision, "ve.pt") == published_checksum(MULTILINGUAL_V3, MULTILINGUAL_V3.revision, "ve.pt")
    assert published_checksum(hindi, hindi.revision, hindi.files["t3"]) is None


def test_a_downloaded_model_is_checked_with_its_commit_and_records(
    checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line downloads from a hub; tiny weights are not the published ones, so the run fails and says which differ."""
    files = {path.name: path.read_bytes() for path in checkpoint("nano").iterdir()}
    with small_hub({family_of("nano").repository: files}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        assert command.main(["nano", "--parts", "files", "--output", str(tmp_path / "out")]) == 1
    figures = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["models"][0]["figures"]["files"]
    assert figures["size vocab.json"] == len(files["vocab.json"])
    assert "t3_nano_v1.safetensors" in figures["files that differ"]


@pytest.fixture
def session(checkpoint: Callable[[str], Path], tmp_path: Path) -> Session:
    embedded = EmbeddedEngine(1)
    subject = Subject(loading("nano", checkpoint("nano")), embedded)
    yield Session(subject, LEAST, tmp_path, NoRecognizer(), NoSpeakers(), silent)
    subject.unload()
    embedded.close()


def begin(session: Session, name: str) -> None:
    session.begin(name, next(part.thresholds for part in PARTS if part.name == name))


def test_audio_without_the_mark_fails(session: Session) -> None:
    begin(session, "watermark")
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, 2 * RATE).astype(np.float32)
    session.save("noise", noise, RATE)
    watermark.measure(session)
    assert session.checks[0].verdict is Verdict.FAIL


def test_a_device_is_compared_with_the_cpu(session: Session) -> None:
    """The CPU stands in for the device."""
    begin(session, "gpu")
    devices_compared.compare(session, "cpu")
    verdicts = {check.words: check.verdict for check in session.checks}
    assert verdicts["largest difference of logits, float32"] is Verdict.PASS
    assert verdicts["spectrum of the same seed, exact mode"] is Verdict.PASS
    assert session.figures["gpu"]["largest difference of logits, bfloat16"] > 0


def test_words_are_counted_against_what_was_to_be_said(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    models = [loading("nano", checkpoint("nano"))]
    (one,) = accept(models, ["words"], LEAST, tmp_path, silent, recognizer=StubRecognizer("the birch canoe slid on the"))
    assert one.figures["words"]["wer_en en"] == 0.25
    assert one.figures["words"]["tails of 1"] == 1


@pytest.mark.parametrize(
    ("said", "heard", "language", "count", "missing"),
    [
        ("Good morning to you.", "good morning, to you!", "en", 0, 0),
        ("one two three four", "one two three", "en", 1, 1),
        ("one two three four", "one three four", "en", 1, 0),
        ("one two", "one two three", "en", 1, 0),
        ("one two three", "", "en", 3, 3),
        ("今天晚上。", "今天 晚上", "zh", 0, 0),
        ("今天晚上", "今天晚", "zh", 1, 1),
        ("Don’t go", "dont go", "en", 0, 0),
        ("दादी लिखती हैं।", "दादी लिखती हैं", "hi", 0, 0),
    ],
)
def test_errors_of_a_recogniser_are_counted(said: str, heard: str, language: str, count: int, missing: int) -> None:
    errors = count_errors(said, heard, language)
    assert (errors.count, errors.missing_at_the_end) == (count, missing)


def tone(seconds: float, level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_levels_of_speech_are_measured() -> None:
    loud, quiet, gap = tone(2, 0.2), tone(2, 0.1), np.zeros(round(0.7 * RATE), np.float32)
    assert loudness(loud, RATE) - loudness(quiet, RATE) == pytest.approx(6.02, abs=0.1)
    assert loudness(np.concatenate((loud, gap)), RATE) == pytest.approx(loudness(loud, RATE), abs=0.5)
    assert longest_inner_silence(np.concatenate((loud, gap, quiet, gap, gap)), RATE) == pytest.approx(0.7, abs=0.04)
    assert tail_level(loud, RATE) == pytest.approx(0, abs=0.1)
    assert tail_level(np.concatenate((loud, gap)), RATE) < -60
    broken = loud.copy()
    broken[RATE + 27 :] *= -1
    assert steps_at(broken, [RATE + 27])[0] > 5 * steps_at(loud, [RATE + 27])[0]


def test_a_threshold_states_its_limit() -> None:
    share = Threshold("share", "%", at_most=0.05, needs=Needs.TRAINED_WEIGHTS)
    assert (share.limit, share.format(0.031)) == ("<= 5 %", "3.1 %")
    assert (share.is_met(0.05), share.is_met(0.051), share.is_met(float("nan"))) == (True, False, False)
    assert Threshold("it follows", YES_OR_NO, at_least=1).limit == "yes"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nono"], "There is no model 'chatterbox-nono'."), (["nano", "--parts", "word"], "There is no part 'word'. Did you mean words?")],
)
def test_a_name_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert command.main([*arguments, "--random"]) == 2
    assert words in capsys.readouterr().err


def test_a_model_that_is_not_there_offline_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert command.main(["nano", "--parts", "files"]) == 1
    assert "t3_nano_v1.safetensors" in capsys.readouterr().err


def test_without_chatterbox_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "is_installed", lambda: False)
    assert command.main([]) == 1
    assert "install chatterbox" in capsys.readouterr().err
