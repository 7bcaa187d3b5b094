"""The settings of the embedded voice."""

from __future__ import annotations

from pydantic import Field

from tts_server.config import Settings


class EmbeddedSettings(Settings):
    """The settings of the server and of the embedded voice."""

    synthesis_threads: int = Field(0, ge=0, le=256, description="Threads that speak with the embedded voice; 0 means one for each core.")
