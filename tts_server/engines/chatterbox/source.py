"""Where the Chatterbox models come from: their files, and the engine made of them. No torch until one is loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tts_server.engines.base import Capabilities, ReloadableEngine
from tts_server.engines.chatterbox.device_locks import DeviceLocks
from tts_server.engines.chatterbox.families import Family, capabilities
from tts_server.engines.chatterbox.weights.files import find, stamp_of
from tts_server.errors import TTSError
from tts_server.speech import Voice, VoiceReference

PACKAGES = ("chatterbox", "torch")

DOWNLOAD_BYTES = {
    "chatterbox-english": 3_200_000_000,
    "chatterbox-multilingual": 3_200_000_000,
    "chatterbox-turbo": 3_000_000_000,
    "chatterbox-nano": 1_900_000_000,
}
"""About: 4 bytes for each parameter of T3 and S3Gen. The hub tells the true size once a download begins."""


def is_installed() -> bool:
    """Whether the packages that Chatterbox needs are there; imports none of them."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


@dataclass(frozen=True)
class ChatterboxOptions:
    """Where files lie, and how models run: `max_rows` of a batch (0: what suits the device), within `memory_limit` bytes of a GPU (0: what
    is free). `builtin` are the voices every client may name, `reference_of` gives the clip of each. `locks` are shared by all models.
    """

    model_dir: Path | None = None
    hf_home: Path | None = None
    endpoint: str | None = None
    token: str | None = None
    is_offline: bool = False
    device: str = "auto"
    mode: str = "exact"
    voice_cache: Path | None = None
    threads: int = 0
    max_rows: int = 0
    memory_limit: int = 0
    stuck_seconds: float = 120.0
    locks: DeviceLocks = field(default_factory=DeviceLocks)
    builtin: Sequence[Voice] = ()
    reference_of: Callable[[str], VoiceReference] | None = None


class ChatterboxSource:
    """One Chatterbox model, from its files to its engine."""

    def __init__(self, family: Family, options: ChatterboxOptions) -> None:
        self.name = family.name
        self.capabilities: Capabilities = capabilities(family)
        self.download_bytes: int | None = DOWNLOAD_BYTES[family.id]
        self._family = family
        self._options = options

    def is_present(self) -> bool:
        try:
            self._find(is_offline=True)
        except (TTSError, OSError):
            return False
        return True

    def stamp(self) -> str:
        return stamp_of(self._family, self._find(is_offline=True))

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        self._find(is_offline=self._options.is_offline, report=report)

    def memory_bytes(self) -> int:
        from tts_server.engines.chatterbox.create import planned_bytes

        options = self._options
        planned = planned_bytes(self._family, options.device, options.mode, options.max_rows, options.memory_limit)
        if planned is not None:
            return planned
        folder = self._find(is_offline=True)
        return sum((folder / self._family.files[part]).stat().st_size for part in ("t3", "s3gen"))

    def create(self) -> ReloadableEngine:
        from tts_server.engines.chatterbox.create import create_engine

        options = self._options
        return create_engine(
            self._family,
            self._find(is_offline=True),
            device=options.device,
            mode=options.mode,
            voice_cache=options.voice_cache,
            threads=options.threads,
            max_rows=options.max_rows,
            memory_limit=options.memory_limit,
            locks=options.locks,
            stuck_seconds=options.stuck_seconds,
            builtin=options.builtin,
            reference_of=options.reference_of,
        )

    def _find(self, *, is_offline: bool, report: Callable[[int, int | None], None] | None = None) -> Path:
        options = self._options
        return find(self._family, options.model_dir, options.hf_home, options.endpoint, is_offline, report, token=options.token)
