"""Fields of requests that are read one by one, beside those that pydantic reads: they are described here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tts_server.controls import SampleRate, Speed


class InputText(BaseModel):
    """A piece of what is to be spoken."""

    type: Literal["input_text"]
    text: str


class InputMessage(BaseModel):
    """A message; only those of the user are spoken."""

    type: Literal["message"] = "message"
    role: Literal["user", "system", "developer", "assistant"] = "user"
    content: str | list[InputText]


class AudioOptions(BaseModel):
    """How it is spoken. Every other field of a speech request may stand here too."""

    voice: str | None = Field(None, description="Name of a voice.")
    format: str | None = Field(None, description="The response_format; pcm16 is another name of pcm.")
    speed: Speed | None = None
    sample_rate: SampleRate | None = None


class ResponseInput(BaseModel):
    """What a request for a response has its own way."""

    input: str | list[InputMessage] = Field(description="A text, or messages; those of the user are spoken.")
    audio: AudioOptions | None = Field(None, description="How it is spoken; goes before the same fields beside it.")
    instructions: str | None = Field(None, description="Accepted and never spoken.")


class VoiceName(BaseModel):
    """What a new voice has to have."""

    name: str = Field(max_length=80, description="1 to 80 characters that can name a file on every system, and no voice yet.")


class OpenAIVoiceForm(VoiceName):
    """A new voice, as OpenAI's clients send it."""

    type: Literal["audio_sample"] = Field("audio_sample", description="Voices are made from recordings.")
    consent: str | None = Field(None, description="Accepted, and not looked at.")
