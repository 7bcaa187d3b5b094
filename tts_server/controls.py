"""The knobs that models may have, and how far each of them turns."""

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
    """The controls of a request, or those that a voice brings; None means "not given"."""

    cfg_weight: Number | None = Field(
        default=None, ge=0, le=1, description="How closely it keeps to the text's pace; lower is slower and calmer."
    )
    exaggeration: Number | None = Field(default=None, ge=0.25, le=2, description="How strongly it acts; 0.5 is usual.")
    temperature: Number | None = Field(default=None, ge=0, le=2, description="How much one take differs from the next.")
    top_p: Number | None = Field(default=None, ge=0, le=1, description="Draw from the likeliest sounds that make up this share; 1 is all.")
    top_k: Whole | None = Field(default=None, ge=0, le=10000, description="Draw from so many of the likeliest sounds; 0 is all.")
    min_p: Number | None = Field(default=None, ge=0, le=1, description="Leave out sounds less likely than this share of the likeliest.")
    repetition_penalty: Number | None = Field(
        default=None, ge=1, le=2, description="How strongly repetitions are avoided; 1 is not at all."
    )
    norm_loudness: bool | None = Field(default=None, description="Even out the loudness of the clip first.")
    cfg_value: Number | None = Field(
        default=None, ge=0.5, le=5, description="How strongly it is guided, for models that have this control."
    )

    def controls(self) -> dict[str, float | int | bool]:
        """Those that were given."""
        return {name: value for name in Controls.model_fields if (value := getattr(self, name)) is not None}
