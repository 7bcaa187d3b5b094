"""Fields of requests that the code reads one by one, described as models for `/openapi.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tts_server.controls import SampleRate, Speed


class InputText(BaseModel):
    """A part of the text to speak."""

    type: Literal["input_text"]
    text: str


class InputMessage(BaseModel):
    """A message; only those of the user are spoken."""

    type: Literal["message"] = "message"
    role: Literal["user", "system", "developer", "assistant"] = "user"
    content: str | list[InputText]


class AudioOptions(BaseModel):
    """Audio options. Every other field of a speech request is accepted here as well."""

    voice: str | None = Field(None, description="Name of a voice.")
    format: str | None = Field(None, description="The response_format; pcm16 is another name of pcm.")
    speed: Speed | None = None
    sample_rate: SampleRate | None = None


class ResponseInput(BaseModel):
    """The fields of a request for a response that differ from those of a speech request."""

    input: str | list[InputMessage] = Field(description="A text, or messages; those of the user are spoken.")
    audio: AudioOptions | None = Field(None, description="Audio options; they take precedence over the same fields outside of it.")
    instructions: str | None = Field(None, description="Accepted and never spoken.")


class VoiceName(BaseModel):
    """The name of a new voice."""

    name: str = Field(
        max_length=80, description="1 to 80 characters, valid in file names on every system, and not the name of another voice."
    )


class OpenAIVoiceForm(VoiceName):
    """A new voice, in OpenAI's format."""

    type: Literal["audio_sample"] = Field("audio_sample", description="Voices are created from recordings.")
    consent: str | None = Field(None, description="Accepted and ignored.")
