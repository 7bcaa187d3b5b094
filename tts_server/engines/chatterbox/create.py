"""Creates an engine from the folder of a model."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from tts_server.engines.base import LanguageNotice
from tts_server.engines.chatterbox.device import choose_device, device_context
from tts_server.engines.chatterbox.device_locks import DeviceLocks
from tts_server.engines.chatterbox.engine import STUCK_SECONDS, ChatterboxEngine
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.fresh_thread import in_fresh_thread
from tts_server.engines.chatterbox.gpu_memory import largest_plan, plan_for_device, t3_dtype
from tts_server.engines.chatterbox.memory_plan import CPU_ROWS, MemoryPlan, sizes_of
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.graph_backend import CudaGraphs, GraphBackend
from tts_server.engines.chatterbox.voices.cloning import compute
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.files import stamp_of
from tts_server.engines.chatterbox.weights.loading import Parts, load
from tts_server.speech import Voice, VoiceReference

log = logging.getLogger(__name__)

NUM_VOICES_IN_MEMORY = 64


def planned_bytes(family: Family, device: str, mode: str, max_rows: int, memory_limit: int) -> int | None:
    """The most GPU memory that the model takes with these arguments of `create_engine`; None where it does not run on a GPU."""
    target = torch.device(choose_device(device))
    if target.type != "cuda":
        return None
    return largest_plan(family, target, mode, _enough_rows(family, max_rows), memory_limit).total_bytes


def create_engine(
    family: Family,
    folder: Path,
    *,
    device: str = "auto",
    mode: str = "exact",
    voice_cache: Path | None = None,
    threads: int = 0,
    max_rows: int = 0,
    memory_limit: int = 0,
    locks: DeviceLocks | None = None,
    builtin: Sequence[Voice] = (),
    reference_of: Callable[[str], VoiceReference] | None = None,
    checks_speech: bool = True,
    stuck_seconds: float = STUCK_SECONDS,
    segmenter: Path | None = None,
    notices: Sequence[LanguageNotice] = (),
) -> ChatterboxEngine:
    """Load a model.

    `mode` is `exact` or `fast`; `voice_cache` is where prepared voices are cached (None: in memory only); `threads` is for the CPU (0: as
    torch chooses); `max_rows` is the width of a T3 batch (0: what suits the device and its memory); `memory_limit` is how many bytes of a
    GPU the model may take (0: all that are free); `locks` are shared by all models of the process. What makes no progress for
    `stuck_seconds` is given up. `segmenter` is as in `load`; `notices` say which languages sound otherwise than on another machine.
    Raises ModelNotAvailable where files or packages are missing.
    """
    name = choose_device(device)
    target = torch.device(name)
    locks = locks or DeviceLocks()
    is_cuda = target.type == "cuda"
    max_rows = _enough_rows(family, max_rows)
    with locks.loading if is_cuda else contextlib.nullcontext(), device_context(target):
        plan = plan_for_device(family, target, mode, max_rows, memory_limit) if is_cuda else None
        parts = load(family, folder, name, t3_dtype(target, mode), segmenter)
        build = partial(TokenToWave, parts.s3gen, family=family, mode=mode, takes_weights=True)
        token_to_wave = build() if plan is None else build(prompt_bytes=plan.prompt_bytes, vocoder_bytes=plan.s3gen_bytes)
        if plan is None:
            decoder = T3Decoder(parts.t3, mode=mode, max_rows=max_rows or CPU_ROWS, release=True)
        else:
            decoder = _planned_decoder(parts, plan, CudaGraphs(target, locks.capturing), mode)

    def clone(reference: VoiceReference, norm_loudness: bool) -> Conditionals:
        with locks.capturing if is_cuda else contextlib.nullcontext(), device_context(target):
            return compute(parts, reference, norm_loudness)

    def clone_in_thread(reference: VoiceReference, norm_loudness: bool) -> Conditionals:
        return in_fresh_thread(partial(clone, reference, norm_loudness), family.name, stuck_seconds)

    voices = PreparedVoices(voice_cache, clone_in_thread, NUM_VOICES_IN_MEMORY, model=family.id)
    return ChatterboxEngine(
        parts,
        decoder,
        token_to_wave,
        voices,
        builtin=builtin,
        reference_of=reference_of,
        watermarker=Watermarker(),
        checks_speech=checks_speech,
        threads=threads,
        stuck_seconds=stuck_seconds,
        batch_bytes=0 if plan is None else plan.s3gen_bytes,
        version=_version(family, folder, str(parts.device), mode, notices),
    )


def _enough_rows(family: Family, max_rows: int) -> int:
    least = sizes_of(family).rows_per_sequence
    if not 0 < max_rows < least:
        return max_rows
    log.warning("%s: guidance takes two rows for a sequence; MAX_BATCH_ROWS=%d is raised to %d", family.id, max_rows, least)
    return least


def _planned_decoder(parts: Parts, plan: MemoryPlan, backend: GraphBackend, mode: str) -> T3Decoder:
    """A decoder in which everything that grows with load has its final size, and all graphs are captured."""
    decoder = T3Decoder(
        parts.t3,
        mode=mode,
        max_rows=plan.rows,
        max_positions=plan.positions,
        prefix_bytes=plan.prefix_bytes,
        graph_backend=backend,
        release=True,
    )
    decoder.warm_up(parts.builtin)
    return decoder


def _version(family: Family, folder: Path, device: str, mode: str, notices: Sequence[LanguageNotice]) -> str:
    """A text that identifies the weights and the arithmetic."""
    unhelped = [f"no helper for {notice.language}" for notice in notices]
    return "; ".join([stamp_of(family, folder), f"torch {torch.__version__}", device, mode, *unhelped])
