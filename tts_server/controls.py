"""The controls that models may have, and the types of numbers in requests, with their ranges."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tts_server.ranges import (
    CFG_VALUE,
    CFG_WEIGHT,
    EXAGGERATION,
    MIN_P,
    REPETITION_PENALTY,
    SAMPLE_RATE,
    SEED,
    SPEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    Range,
)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "must be a number, not true or false")
    return value


def _number_in(range_: Range[float]) -> Any:
    """Return the constraint of a finite number."""
    return Field(ge=range_.minimum, le=range_.maximum, allow_inf_nan=False)


def _whole_in(range_: Range[int]) -> Any:
    """Return the constraint of a whole number."""
    return Field(ge=range_.minimum, le=range_.maximum)


# The constraints stand before the validator, so that JSON schemas state them as `minimum` and `maximum`.
NOT_BOOL = BeforeValidator(_no_bool)

Number = Annotated[float, Field(allow_inf_nan=False), NOT_BOOL]
Whole = Annotated[int, NOT_BOOL]

Speed = Annotated[float, _number_in(SPEED), NOT_BOOL]
Seed = Annotated[int, _whole_in(SEED), NOT_BOOL]
SampleRate = Annotated[int, _whole_in(SAMPLE_RATE), NOT_BOOL]
CfgWeight = Annotated[float, _number_in(CFG_WEIGHT), NOT_BOOL]
Exaggeration = Annotated[float, _number_in(EXAGGERATION), NOT_BOOL]
Temperature = Annotated[float, _number_in(TEMPERATURE), NOT_BOOL]
TopP = Annotated[float, _number_in(TOP_P), NOT_BOOL]
TopK = Annotated[int, _whole_in(TOP_K), NOT_BOOL]
MinP = Annotated[float, _number_in(MIN_P), NOT_BOOL]
RepetitionPenalty = Annotated[float, _number_in(REPETITION_PENALTY), NOT_BOOL]
CfgValue = Annotated[float, _number_in(CFG_VALUE), NOT_BOOL]


class Controls(BaseModel):
    """The controls of a request or of a voice; None means "not given"."""

    cfg_weight: CfgWeight | None = Field(
        default=None, description="Strength of classifier-free guidance; lower values make speech slower and calmer."
    )
    exaggeration: Exaggeration | None = Field(default=None, description="How expressive the speech is; 0.5 is usual.")
    temperature: Temperature | None = Field(default=None, description="Sampling temperature: how much one take differs from the next.")
    top_p: TopP | None = Field(
        default=None, description="Sample from the most likely speech tokens up to this cumulative probability; 1 is off."
    )
    top_k: TopK | None = Field(default=None, description="Sample from this number of most likely speech tokens; 0 is off.")
    min_p: MinP | None = Field(
        default=None, description="Drop speech tokens whose probability is below this fraction of the most likely one's."
    )
    repetition_penalty: RepetitionPenalty | None = Field(
        default=None, description="How strongly repeated speech tokens are avoided; 1 is off."
    )
    norm_loudness: bool | None = Field(default=None, description="Normalize the loudness of the reference clip first.")
    cfg_value: CfgValue | None = Field(default=None, description="Strength of guidance, for models that have this control.")

    def controls(self) -> dict[str, float | int | bool]:
        """Return the controls that were given."""
        return {name: value for name in Controls.model_fields if (value := getattr(self, name)) is not None}
