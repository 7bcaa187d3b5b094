"""The declaration of the embedded voice. Standard library only until a function is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tts_server.engines.package import DoctorContext, EnginePackage, ModelEntry

if TYPE_CHECKING:
    from tts_server.config import Settings
    from tts_server.engines.embedded.engine import EmbeddedEngine
    from tts_server.engines.embedded.settings import EmbeddedSettings
    from tts_server.finding import Finding


def _settings() -> type[Settings]:
    from tts_server.engines.embedded.settings import EmbeddedSettings

    return EmbeddedSettings


def _start(settings: EmbeddedSettings) -> EmbeddedEngine:
    from tts_server.engines.embedded.engine import EmbeddedEngine

    return EmbeddedEngine(settings.synthesis_threads, stuck_seconds=settings.stuck_seconds)


def _check(_context: DoctorContext) -> Sequence[Finding]:
    from tts_server.engines.embedded.doctor import check_voice

    return [check_voice()]


EMBEDDED = EnginePackage(
    id="embedded",
    name="Embedded voice",
    models=(ModelEntry("embedded", "Embedded voice", ("en",)),),
    settings=_settings,
    start=_start,
    check=_check,
)
