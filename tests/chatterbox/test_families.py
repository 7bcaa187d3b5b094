"""What the models are: their architecture, their languages, and the models of a single language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import torch
from support.chatterbox_server import run_tiny_server
from support.decoded_audio import hear

from benchmarks.acceptance.checks import Verdict
from benchmarks.acceptance.recognizer import Recognizer
from benchmarks.acceptance.run import accept
from benchmarks.acceptance.scale import QUICK
from benchmarks.acceptance.similarity import SpeakerEncoder
from benchmarks.acceptance.subject import Loading
from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.families import MULTILINGUAL_V3, SINGLE_LANGUAGE, capabilities, families
from tts_server.engines.chatterbox.memory_plan import sizes_of
from tts_server.engines.chatterbox.package import CHATTERBOX
from tts_server.engines.chatterbox.source import DOWNLOAD_BYTES
from tts_server.engines.chatterbox.weights.loading import load
from tts_server.text.scripts import unspeakable

HINDI = "multilingual-hi"
GREETING = "नमस्ते, आप कैसे हैं?"


def test_the_models_of_the_catalogue_are_the_families() -> None:
    known = {entry.id: (entry.name, entry.languages) for entry in CHATTERBOX.models}
    assert known == {id_: (family.name, family.languages) for id_, family in families().items()}
    facts = {entry.id: (entry.converts, entry.reads_every_script) for entry in CHATTERBOX.models}
    able = {id_: capabilities(family) for id_, family in families().items()}
    assert facts == {id_: (one.converts, not one.scripts) for id_, one in able.items()}
    assert set(DOWNLOAD_BYTES) == set(known)


@pytest.mark.parametrize("family", SINGLE_LANGUAGE, ids=lambda family: family.id)
def test_a_single_language_model_has_the_multilingual_architecture(family) -> None:
    assert len(family.languages) == 1
    assert family.is_multilingual
    assert family.default("repetition_penalty") == MULTILINGUAL_V3.default("repetition_penalty") == 1.2
    assert sizes_of(family) == sizes_of(MULTILINGUAL_V3)
    assert family.default_language == family.languages[0]
    assert family.revision is None or family.revision != MULTILINGUAL_V3.revision


def test_a_model_is_multilingual_by_its_architecture_alone() -> None:
    assert {id_ for id_, family in families().items() if not family.is_multilingual} == {
        "chatterbox-english",
        "chatterbox-turbo",
        "chatterbox-nano",
    }


@pytest.mark.parametrize(
    ("kind", "text", "script"),
    [
        (HINDI, GREETING, None),
        (HINDI, "Good morning.", None),
        (HINDI, "今天晚上我们去看电影。", "Han"),
        ("multilingual-zh-cmn", "今天晚上我们去看电影。", None),
        ("multilingual-pt-br", "Добрый вечер, друзья.", "Cyrillic"),
        ("multilingual", "Добрый вечер, друзья.", None),
    ],
)
def test_a_single_language_model_refuses_scripts_of_other_languages(kind: str, text: str, script: str | None) -> None:
    assert unspeakable(text, capabilities(family_of(kind)).scripts) == script


def test_a_text_is_in_the_models_own_language_unless_one_is_named(checkpoint: Callable[[str], Path]) -> None:
    model = load(family_of(HINDI), checkpoint(HINDI))
    ids = model.text_ids(GREETING)
    assert torch.equal(ids, model.text_ids(GREETING, "hi"))
    assert ids[1] == model.tokenizer.tokenizer.token_to_id("[hi]")


def test_it_speaks_as_the_stock_multilingual_class_does_with_its_weights(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    """The acceptance compares both: tokenizer, sampling and the cut of the last 40 ms are the multilingual ones."""
    loading = Loading(family_of(HINDI), checkpoint(HINDI), "cpu", "exact", is_random=True, is_tiny=True, threads=1)
    (session,) = accept(
        [loading], ["files", "stock"], QUICK, tmp_path, lambda _: None, recognizer=Recognizer(may_download=False), speakers=SpeakerEncoder()
    )
    verdicts = {check.words: check.verdict for check in session.checks}
    assert verdicts["largest difference of a sample"] is Verdict.PASS
    assert verdicts["difference in length"] is Verdict.PASS
    assert Verdict.FAIL not in verdicts.values()


def test_it_is_named_in_requests_and_settings(tmp_path: Path) -> None:
    model = f"chatterbox-{HINDI}"
    with run_tiny_server(tmp_path, (HINDI,), default_model=model) as server:
        server.synthesizer.catalog.ready(model)
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": GREETING, "response_format": "wav"}, timeout=120)
        assert (reply.status_code, reply.headers["X-Model"]) == (200, model)
        assert hear(reply.content).seconds > 0.1
        listed = requests.get(f"{server.url}/v1/models/{model}", timeout=10).json()
        assert (listed["name"], listed["languages"], listed["state"]) == ("Chatterbox Hindi", ["hi"], "ready")
        reply = requests.post(
            f"{server.url}/v1/audio/speech", json={"input": "Good evening to you all.", "model": model, "language": "en"}, timeout=120
        )
        assert reply.headers["X-Ignored-Parameters"] == "language"
