"""The table of ranges holds for the models, the settings, the dialects and the help of the command line."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tts_server import ranges
from tts_server.config import Settings
from tts_server.controls import Controls
from tts_server.engines.chatterbox.families import families
from tts_server.launcher.client_options import NUMBERS
from tts_server.ranges import Range
from tts_server.web.realtime.fields import Output
from tts_server.web.routes.resonance import GenerateFields
from tts_server.web.routes.sillytavern import TtsFields
from tts_server.web.schema.fields import SpeechFields

TABLE: dict[str, Range[Any]] = {name.lower(): one for name, one in vars(ranges).items() if isinstance(one, Range)}

KINDS: list[tuple[type[BaseModel], str, str, dict[str, Any]]] = [
    *((SpeechFields, name, name, {"input": "Yes."}) for name in TABLE),
    *((Controls, name, name, {}) for name in TABLE if name in Controls.model_fields),
    *((GenerateFields, name, name, {"prompt": "Yes.", "voice_key": "k"}) for name in ("temperature", "top_p", "repetition_penalty")),
    *((TtsFields, name, name, {"text": "Yes."}) for name in ("temperature", "cfg_weight")),
    (TtsFields, "speed_factor", "speed", {"text": "Yes."}),
    (Output, "speed", "speed", {}),
]


@pytest.mark.parametrize(("kind", "field", "name", "others"), KINDS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_field_accepts_the_ends_of_its_range_and_nothing_beyond(kind, field, name, others) -> None:
    span = TABLE[name]
    step = 1 if isinstance(span.minimum, int) else 0.01
    for value in (span.minimum, span.maximum):
        assert getattr(kind.model_validate({**others, field: value}), field) == value
    for value in (span.minimum - step, span.maximum + step, True, float("nan"), "many"):
        with pytest.raises(ValidationError) as failure:
            kind.model_validate({**others, field: value})
        assert [error["loc"][0] for error in failure.value.errors()] == [field]


def test_the_controls_of_the_models_have_the_ranges_of_the_requests() -> None:
    controls = {(family.id, control) for family in families().values() for control in family.controls}
    assert len(controls) > 20
    for model, control in controls:
        if control.name != "norm_loudness":
            assert (control.minimum, control.maximum) == (TABLE[control.name].minimum, TABLE[control.name].maximum), model


@pytest.mark.parametrize("name", ["seed", "sample_rate"])
def test_a_setting_has_the_range_of_its_field(name: str) -> None:
    metadata = {type(one).__name__: one for one in Settings.model_fields[name].metadata}
    assert (metadata["Ge"].ge, metadata["Le"].le) == (TABLE[name].minimum, TABLE[name].maximum)


def test_the_help_of_the_command_line_states_the_ranges() -> None:
    assert {name: help_.removesuffix(", whole") for name, help_ in NUMBERS.items()} == {name: str(TABLE[name]) for name in NUMBERS}


@pytest.mark.parametrize(("value", "clamped"), [(-1.0, 0.25), (0.25, 0.25), (1.0, 1.0), (2.0, 2.0), (3.0, 2.0)])
def test_a_number_is_clamped_to_the_nearest_end(value: float, clamped: float) -> None:
    assert ranges.EXAGGERATION.clamp(value) == clamped
