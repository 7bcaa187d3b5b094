"""The cache key of a plan: every field counts, unless it is declared with the reason why it does not."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from tts_server.speech import AudioFormat, VoiceReference
from tts_server.synthesis.plan import NO_EFFECT, Recording, ResolvedVoice, Silence, SpeechPlan, Text, no_effect

CLIP = VoiceReference(np.zeros(100, np.float32), 24000, "clip")
OTHER_CLIP = VoiceReference(np.ones(100, np.float32), 16000, "other clip")

PLAN = SpeechPlan(
    content=Text("Good morning."),
    model="model",
    engine_version="1",
    voice=ResolvedVoice("alloy", "alloy", None, "en"),
    language="en",
    speed=1.0,
    controls=(("temperature", 0.8), ("top_k", 100)),
    requested_seed=None,
    format=AudioFormat.MP3,
    sample_rate=24000,
    cache_scope="",
    seed=1,
    may_use_cache=True,
    max_seconds=60.0,
)

OTHER_VALUES: dict[str, list[Any]] = {
    "content": [Text("Good evening."), Silence(), Recording("clip", CLIP)],
    "model": ["other"],
    "engine_version": ["2"],
    "voice": [ResolvedVoice("nova", "nova", None, "en")],
    "language": ["de", None],
    "speed": [1.5],
    "controls": [(), (("temperature", 0.8),), (("temperature", 0.5), ("top_k", 100)), (("top_k", 100), ("temperature", True))],
    "requested_seed": [0, 1],
    "format": [one for one in AudioFormat if one is not AudioFormat.MP3],
    "sample_rate": [48000],
    "cache_scope": ["a key"],
    "seed": [2],
    "may_use_cache": [False],
    "max_seconds": [1.0],
    "words": ["Good morning"],
    "transcript": ["Good morning"],
    "removed_voices": [("bob",)],
    "ignored": [("language",)],
}

VOICE = ResolvedVoice("clip", "anna", "cloned", "en", CLIP)
OTHER_VALUES_OF_VOICES: dict[str, list[Any]] = {
    "content": ["other clip"],
    "id": ["berta", None],
    "cloning": ["matched", None],
    "language": ["de", None],
    "reference": [OTHER_CLIP, None],
}

RECORDING = Recording("clip", CLIP)
OTHER_VALUES_OF_RECORDINGS: dict[str, list[Any]] = {"digest": ["other clip"], "source": [OTHER_CLIP]}


def key(plan: SpeechPlan) -> str:
    return plan.cache_key(streamed=True)


@pytest.mark.parametrize(
    ("value", "others"),
    [(PLAN, OTHER_VALUES), (VOICE, OTHER_VALUES_OF_VOICES), (RECORDING, OTHER_VALUES_OF_RECORDINGS)],
    ids=["plan", "voice", "recording"],
)
def test_a_field_changes_the_key_exactly_where_it_is_not_declared_to_have_no_effect(value: Any, others: dict[str, list[Any]]) -> None:
    def key_with(changed: Any) -> str:
        if isinstance(changed, ResolvedVoice):
            return key(replace(PLAN, voice=changed))
        return key(replace(PLAN, content=changed) if isinstance(changed, Recording) else changed)

    assert set(others) == {one.name for one in fields(value)}
    for one in fields(value):
        for other in others[one.name]:
            is_other = key_with(replace(value, **{one.name: other})) != key_with(value)
            assert is_other is (NO_EFFECT not in one.metadata), (one.name, other)


@pytest.mark.parametrize("kind", [SpeechPlan, ResolvedVoice, Text, Silence, Recording])
def test_each_declaration_gives_a_reason(kind: Any) -> None:
    assert is_dataclass(kind)
    assert all(one.metadata[NO_EFFECT].endswith(".") for one in fields(kind) if NO_EFFECT in one.metadata)


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PLAN.seed = 2  # type: ignore[misc]
    assert hash(PLAN) == hash(replace(PLAN))


@dataclass(frozen=True)
class LouderPlan(SpeechPlan):
    """A plan with new fields, as a change of the server would add them."""

    loudness: float = 0.0
    label: str = no_effect("It is shown to the client.", default="")
    unforeseen: Any = field(default=None)


LOUDER = LouderPlan(**{one.name: getattr(PLAN, one.name) for one in fields(PLAN)})


def test_a_new_field_is_part_of_the_key_without_a_change_elsewhere() -> None:
    assert key(replace(LOUDER, loudness=3.0)) != key(LOUDER)
    assert key(replace(LOUDER, label="loud")) == key(LOUDER)


@pytest.mark.parametrize("value", [{"a": 1}, [1], {1}, object(), b"bytes", CLIP.samples], ids=lambda value: type(value).__name__)
def test_a_value_that_cannot_be_compared_as_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        key(replace(LOUDER, unforeseen=value))


def test_texts_that_end_alike_in_json_have_keys_of_their_own() -> None:
    texts = ["", '"', '"}', "null", "\\", "\\n", "\n", "é", "\\u00e9", "e\u0301", "\ud800"]
    assert len({key(replace(PLAN, content=Text(text))) for text in texts}) == len(texts)


@pytest.mark.parametrize("format_", AudioFormat)
def test_a_stream_has_another_key_where_only_a_whole_file_states_its_length(format_: AudioFormat) -> None:
    plan = replace(PLAN, format=format_)
    assert (plan.cache_key(streamed=True) != plan.cache_key(streamed=False)) is format_.header_holds_length


@pytest.mark.parametrize(
    ("plan", "is_ad_hoc"),
    [
        (PLAN, False),
        (replace(PLAN, voice=VOICE), False),
        (replace(PLAN, voice=replace(VOICE, id=None)), True),
        (replace(PLAN, content=RECORDING), True),
    ],
    ids=["built-in voice", "voice of the library", "clip of the request", "recording"],
)
def test_a_reply_made_from_audio_of_the_request_is_ad_hoc(plan: SpeechPlan, is_ad_hoc: bool) -> None:
    assert plan.is_ad_hoc is is_ad_hoc
