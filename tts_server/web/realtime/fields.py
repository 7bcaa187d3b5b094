"""The fields of client events in OpenAI's Realtime protocol. Fields without effect here are stored and echoed, as OpenAI does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tts_server.controls import Speed
from tts_server.errors import InvalidRequest
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.schema.fields import TextNormalization, VoiceId
from tts_server.web.schema.validation import validate

Fields = TypeVar("Fields", bound=BaseModel)
AudioModality = list[Literal["audio"]]
Key = Annotated[str, Field(max_length=64)]
Metadata = Annotated[dict[Key, Annotated[str, Field(max_length=512)]], Field(max_length=16)]
MaxTokens = Annotated[int, Field(ge=1)] | Literal["inf"]

TEXT_PARTS = {"user": "input_text", "system": "input_text", "assistant": "output_text"}
INPUT_PARTS = ("input_audio", "input_image")
MAX_ERRORS = 10


class OutputFormat(BaseModel):
    """The only output format."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000


class Output(BaseModel):
    format: OutputFormat | None = None
    voice: str | VoiceId | None = None
    speed: Speed | None = None
    text_normalization: TextNormalization | None = None


class Audio(BaseModel):
    input: dict[str, Any] | None = None
    output: Output | None = None


class SessionFields(BaseModel):
    """`session` of `session.update`."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["realtime"] = "realtime"
    output_modalities: AudioModality | None = None
    instructions: str | None = None
    audio: Audio | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    max_output_tokens: MaxTokens | None = None
    tracing: str | dict[str, Any] | None = None
    truncation: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    include: list[str] | None = None


class Part(BaseModel):
    """A piece of a message's content."""

    type: str
    text: str | None = None
    transcript: str | None = None


class Item(BaseModel):
    """A message of the conversation."""

    type: Literal["message"]
    role: Literal["user", "assistant", "system"]
    content: list[Part] = Field(max_length=1000)
    id: str | None = Field(default=None, min_length=1, max_length=64)

    def to_event(self, item_id: str) -> dict[str, Any]:
        """Return the item as events contain it; raises InvalidRequest for content that cannot be spoken."""
        content = []
        for part in self.content:
            if part.type in INPUT_PARTS:
                raise InvalidRequest("Audio and image input are not supported: send 'input_text'.", param="item.content")
            if part.type == "output_audio" and self.role == "assistant":
                content.append({"type": "output_audio", "transcript": part.transcript or ""})
            elif part.text is None or part.type not in (TEXT_PARTS[self.role], "text"):
                expected = TEXT_PARTS[self.role]
                raise InvalidRequest(f"item.content: each part must be {{'type': '{expected}', 'text': …}}.", param="item.content")
            else:
                content.append({"type": TEXT_PARTS[self.role], "text": part.text})
        return {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": self.role,
            "content": content,
        }


class ResponseFields(BaseModel):
    """`response` of `response.create`. `instructions` describe the manner of speaking and are never spoken themselves."""

    conversation: Literal["auto", "none"] | None = None
    output_modalities: AudioModality | None = None
    input: list[dict[str, Any]] | None = Field(default=None, max_length=1000)
    instructions: str | None = None
    audio: Audio | None = None
    metadata: Metadata | None = None
    max_output_tokens: MaxTokens | None = None


def validate_part(kind: type[Fields], given: Any, place: str) -> Fields:
    """Return the fields as `kind`; raises InvalidFields, with the paths of invalid fields below `place`."""
    if not isinstance(given, Mapping):
        raise InvalidFields([{"loc": ["event", place], "msg": "must be an object", "type": "dict_type"}])
    return validate(kind, given, "event", place, is_nested=True, max_errors=MAX_ERRORS)
