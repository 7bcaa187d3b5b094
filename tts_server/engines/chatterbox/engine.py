"""Chatterbox as an engine: voices, and streams of audio from jobs that the engine's loop runs."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import torch

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.conversion import recording_pieces
from tts_server.engines.chatterbox.decode_stage import DecodeStage
from tts_server.engines.chatterbox.device_clock import DeviceClock
from tts_server.engines.chatterbox.families import capabilities
from tts_server.engines.chatterbox.faults import is_device_lost
from tts_server.engines.chatterbox.job import SegmentStream
from tts_server.engines.chatterbox.loop import EngineLoop
from tts_server.engines.chatterbox.output_stage import OutputStage
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.recovery import RecoveryPolicy
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.wave_stage import WaveStage
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.memory import release_memory
from tts_server.speech import Voice, VoiceReference

MAX_TOKENS = 1000
"""Speech tokens of an attempt at a piece: 40 seconds. The stock classes stop there too."""

MAX_BATCH = 8
"""Segments in a batch of S3Gen on a GPU. A CPU gains nothing from batches."""

IDLE_SECONDS = 2.0
STUCK_SECONDS = 120.0


class ChatterboxEngine:
    """Speaks with one Chatterbox model.

    builtin: the voices that a client may always name; `reference_of` returns the clip of each. Where the model has a voice of its own, it
    is the first of them.
    watermarker: marks the samples; None where `token_to_wave` does so itself.
    checks_speech: retry segments whose speech cannot be right; `judge` decides which (default: `SpeechJudge`).
    threads: of PyTorch on the CPU (0: its default). max_batch, marks_in_thread: 1 and False on a CPU unless given, else MAX_BATCH and True.
    batch_bytes: working memory of a batch of S3Gen (0: no limit).
    `is_broken` becomes true when the device is lost (`is_device_lost`) or a step takes longer than `stuck_seconds`.
    """

    def __init__(
        self,
        parts: Parts,
        decoder: T3Decoder,
        token_to_wave: TokenToWave,
        voices: PreparedVoices,
        *,
        builtin: Sequence[Voice] = (),
        reference_of: Callable[[str], VoiceReference] | None = None,
        watermarker: Watermarker | None = None,
        checks_speech: bool = True,
        judge: SpeechJudge | None = None,
        max_tokens: int = MAX_TOKENS,
        max_batch: int | None = None,
        batch_bytes: int = 0,
        marks_in_thread: bool | None = None,
        threads: int = 0,
        idle_seconds: float = IDLE_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
        clock: DeviceClock | None = None,
        version: str = "",
    ) -> None:
        family = parts.family
        is_cpu = torch.device(parts.device).type == "cpu"
        self.name = family.id
        self.capabilities = capabilities(family)
        self.num_parallel = max(2, decoder.max_rows // (1 if family.is_gpt2 else 2))
        self.version = version
        self.parts = parts
        self.decoder = decoder
        self.token_to_wave = token_to_wave
        self._voices = voices
        self._builtin = tuple(builtin)
        self._reference_of = reference_of
        self._prepared: dict[str, Conditionals] = {}  # of built-in voices, by id: their clips are synthesized only once
        used_judge = (judge or SpeechJudge()) if checks_speech else None
        self._decode = DecodeStage(parts, decoder, used_judge, max_tokens)
        self._loop = EngineLoop(
            family.id,
            family.name,
            parts.device,
            self._decode,
            WaveStage(token_to_wave, batch_bytes),
            OutputStage(used_judge),
            RecoveryPolicy(family.id, max_batch or (1 if is_cpu else MAX_BATCH), self._release_caches),
            watermarker,
            marks_in_thread=not is_cpu if marks_in_thread is None else marks_in_thread,
            num_threads=threads,
            idle_seconds=idle_seconds,
            stuck_seconds=stuck_seconds,
            clock=clock or DeviceClock.of(parts.device),
        )

    @property
    def is_broken(self) -> bool:
        return self._loop.is_broken

    @property
    def is_device_lost(self) -> bool:
        return self._loop.is_device_lost

    def voices(self) -> Sequence[Voice]:
        return self._builtin

    def builtin_voice(self, voice_id: str) -> Conditionals:
        ids = [voice.id for voice in self._builtin]
        if voice_id not in ids or self._reference_of is None:
            raise KeyError(voice_id)
        if voice_id == ids[0] and self.parts.builtin is not None:
            return self.parts.builtin
        if voice_id not in self._prepared:
            self._prepared[voice_id] = self.prepare_voice(self._reference_of(voice_id))
        return self._prepared[voice_id]

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Conditionals:
        try:
            return self._voices.get(reference, norm_loudness=norm_loudness, keep=keep)
        except Exception as error:
            if is_device_lost(error):
                self._loop.mark_device_lost(error)
            raise

    def submit(self, utterance: Utterance) -> SegmentStream:
        return self._loop.submit(utterance, deque([utterance.text]))

    def convert(self, source: VoiceReference, voice: Conditionals, seed: int) -> SegmentStream:
        """Queue a recording to be converted to another voice; its timing and melody stay."""
        utterance = Utterance("", voice, 0, seed, 1.0, None, {}, id(source))
        return self._loop.submit(utterance, deque(recording_pieces(source)))

    def stats(self) -> Mapping[str, float]:
        runner, decode = self._loop.runner, self._decode
        coverage = {} if decode.mean_coverage is None else {"coverage": decode.mean_coverage}
        return {
            **coverage,
            "segments_done": runner.num_done,
            "retries": decode.num_retries,
            "steps": runner.num_steps,
            "tokens": decode.num_tokens,
            "failures": runner.num_failures,
            "segments_waiting": self._loop.num_waiting,
            "sequences_running": self.decoder.num_running,
            "audio_seconds": runner.audio_seconds,
        }

    def close(self) -> None:
        self._loop.close()

    def _release_caches(self) -> None:
        """Free cached memory, on the host and the device."""
        for release in (self.decoder.shrink, self.token_to_wave.shrink, release_memory, torch.cuda.empty_cache):
            with contextlib.suppress(Exception):  # a lost device raises here too
                release()
