"""The model sources of Chatterbox: from the files of a model to its engine. Imports no torch before a model is loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tts_server.engines.base import Capabilities, ReloadableEngine
from tts_server.engines.chatterbox.device_locks import DeviceLocks
from tts_server.engines.chatterbox.families import SINGLE_LANGUAGE, Family, capabilities
from tts_server.engines.chatterbox.weights.files import FileOptions, Located, fetch, locate, stamp_of
from tts_server.engines.chatterbox.weights.language_helpers import missing_helpers, provide_segmenter
from tts_server.engines.chatterbox.weights.repository_cache import is_commit
from tts_server.engines.chatterbox.weights.segmenter import PUBLISHED, SegmenterArchive
from tts_server.errors import TTSError
from tts_server.speech import Voice, VoiceReference

log = logging.getLogger(__name__)

DOWNLOAD_BYTES = {
    "chatterbox-english": 3_200_000_000,
    "chatterbox-multilingual": 3_200_000_000,
    **{family.id: 3_200_000_000 for family in SINGLE_LANGUAGE},
    "chatterbox-turbo": 3_000_000_000,
    "chatterbox-nano": 1_900_000_000,
}
"""Approximate: the hub reports the exact size when a download begins."""

SEGMENTER_STALL_SECONDS = 10.0
"""The longest delay, by a download of the word segmenter, of the loading of a model that is on this machine."""


@dataclass(frozen=True)
class ChatterboxOptions:
    """Where `files` are, and how models run: `max_rows` of a batch (0: what suits the device), within `memory_limit` bytes of a GPU
    (0: the free memory). `builtin` are the voices that every client may name, `reference_of` returns the clip of each. `locks` are shared
    by all models.
    """

    files: FileOptions = field(default_factory=FileOptions)
    segmenter: SegmenterArchive = PUBLISHED
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
        self.download_bytes: int | None = DOWNLOAD_BYTES[family.id]
        self._family = family
        self._options = options
        self._capabilities = capabilities(family)

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do, with notices of what is missing on this machine now."""
        return replace(self._capabilities, notices=missing_helpers(self._family, self._options.files.hf_home))

    def is_present(self) -> bool:
        files = self._options.files
        try:
            locate(self._family, files, accepts_other_commits=files.is_offline)
        except (TTSError, OSError):
            return False
        return True

    def stamp(self) -> str:
        return stamp_of(self._family, self._folder)

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        progress: tuple[int, int | None] = (0, None)

        def record(done: int, total: int | None) -> None:
            nonlocal progress
            progress = done, total
            report(done, total)

        fetch(self._family, self._options.files, record)
        provide_segmenter(self._family, self._options.files, self._options.segmenter, waiting=lambda: report(*progress))

    def memory_bytes(self) -> int:
        from tts_server.engines.chatterbox.create import planned_bytes

        options = self._options
        planned = planned_bytes(self._family, options.device, options.mode, options.max_rows, options.memory_limit)
        if planned is not None:
            return planned
        folder = self._folder
        return sum((folder / self._family.files[part]).stat().st_size for part in ("t3", "s3gen"))

    def create(self) -> ReloadableEngine:
        from tts_server.engines.chatterbox.create import create_engine

        options, family = self._options, self._family
        located = self._current_files()
        segmenter = provide_segmenter(family, options.files, options.segmenter, stall_seconds=SEGMENTER_STALL_SECONDS, attempts=1)
        notices = missing_helpers(family, options.files.hf_home)
        for notice in notices:
            log.warning("%s: %s", family.id, notice.message)
        return create_engine(
            family,
            located.folder,
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
            segmenter=segmenter,
            notices=notices,
        )

    @property
    def _folder(self) -> Path:
        return locate(self._family, self._options.files).folder

    def _current_files(self) -> Located:
        """The files to load; where a branch or tag is followed, the hub is checked first."""
        files, family = self._options.files, self._family
        revision = files.revision_of(family.id, family.revision)
        follows = revision is not None and not is_commit(revision)
        located = fetch(family, files) if follows else locate(family, files)
        if located.differs:
            log.warning("%s: commit %s is not on this machine; commit %s is used", family.id, located.wanted, located.commit)
        elif located.commit:
            log.info("%s: its files are those of commit %s", family.id, located.commit)
        return located
