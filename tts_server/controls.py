"""The controls that models may have, with their ranges."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "must be a number, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(_no_bool)]


class Controls(BaseModel):
    """The controls of a request or of a voice; None means "not given"."""

    cfg_weight: Number | None = Field(
        default=None, ge=0, le=1, description="Strength of classifier-free guidance; lower values make speech slower and calmer."
    )
    exaggeration: Number | None = Field(default=None, ge=0.25, le=2, description="How expressive the speech is; 0.5 is usual.")
    temperature: Number | None = Field(
        default=None, ge=0, le=2, description="Sampling temperature: how much one take differs from the next."
    )
    top_p: Number | None = Field(
        default=None, ge=0, le=1, description="Sample from the most likely speech tokens up to this cumulative probability; 1 is off."
    )
    top_k: Whole | None = Field(default=None, ge=0, le=10000, description="Sample from this number of most likely speech tokens; 0 is off.")
    min_p: Number | None = Field(
        default=None, ge=0, le=1, description="Drop speech tokens whose probability is below this fraction of the most likely one's."
    )
    repetition_penalty: Number | None = Field(
        default=None, ge=1, le=2, description="How strongly repeated speech tokens are avoided; 1 is off."
    )
    norm_loudness: bool | None = Field(default=None, description="Normalize the loudness of the reference clip first.")
    cfg_value: Number | None = Field(default=None, ge=0.5, le=5, description="Strength of guidance, for models that have this control.")

    def controls(self) -> dict[str, float | int | bool]:
        """Return the controls that were given."""
        return {name: value for name in Controls.model_fields if (value := getattr(self, name)) is not None}
