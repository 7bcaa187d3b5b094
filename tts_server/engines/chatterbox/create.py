"""A model's folder becomes a running engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from tts_server.engines.chatterbox.device import choose_device
from tts_server.engines.chatterbox.engine import STUCK_SECONDS, ChatterboxEngine
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.fresh_thread import in_fresh_thread
from tts_server.engines.chatterbox.s3gen.speaker import Speaker
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.voices.conditionals import Conditionals, compute
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.files import stamp_of
from tts_server.engines.chatterbox.weights.loading import load
from tts_server.speech import Voice, VoiceReference

NUM_VOICES_IN_MEMORY = 64


def create_engine(
    family: Family,
    folder: Path,
    *,
    device: str = "auto",
    mode: str = "exact",
    voice_cache: Path | None = None,
    threads: int = 0,
    max_rows: int = 16,
    builtin: Sequence[Voice] = (),
    reference_of: Callable[[str], VoiceReference] | None = None,
    checks_speech: bool = True,
    stuck_seconds: float = STUCK_SECONDS,
) -> ChatterboxEngine:
    """Load a model.

    `mode` is `exact` or `fast`; `voice_cache` is where prepared voices are kept (None: in memory only); `threads` is for the CPU (0: as
    torch chooses); `max_rows` is the width of a T3 batch; what makes no progress for `stuck_seconds` is given up.
    Raises ModelNotAvailable in words where files or packages are missing.
    """
    parts = load(family, folder, choose_device(device))

    def listen(reference: VoiceReference, norm_loudness: bool) -> Conditionals:
        return in_fresh_thread(partial(compute, parts, reference, norm_loudness), family.name, stuck_seconds)

    voices = PreparedVoices(voice_cache, listen, NUM_VOICES_IN_MEMORY, model=family.id)
    return ChatterboxEngine(
        parts,
        T3Decoder(parts.t3, mode=mode, max_rows=max_rows, release=True),
        Speaker(parts.s3gen, family=family, mode=mode, watermarker=Watermarker(), takes_weights=True),
        voices,
        builtin=builtin,
        reference_of=reference_of,
        checks_speech=checks_speech,
        threads=threads,
        stuck_seconds=stuck_seconds,
        version=_version(family, folder, str(parts.device), mode),
    )


def _version(family: Family, folder: Path, device: str, mode: str) -> str:
    """Tells these weights and this way of computing from others."""
    return "; ".join([stamp_of(family, folder), f"torch {torch.__version__}", device, mode])
