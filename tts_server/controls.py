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

    cfg_weight: Number | None = Field(default=None, ge=0, le=1)
    exaggeration: Number | None = Field(default=None, ge=0.25, le=2)
    temperature: Number | None = Field(default=None, ge=0, le=2)
    top_p: Number | None = Field(default=None, ge=0, le=1)
    top_k: Whole | None = Field(default=None, ge=0, le=10000)
    min_p: Number | None = Field(default=None, ge=0, le=1)
    repetition_penalty: Number | None = Field(default=None, ge=1, le=2)
    norm_loudness: bool | None = None
    cfg_value: Number | None = Field(default=None, ge=0.5, le=5)

    def controls(self) -> dict[str, float | int | bool]:
        """Those that were given."""
        return {name: value for name in Controls.model_fields if (value := getattr(self, name)) is not None}
