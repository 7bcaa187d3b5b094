"""This server's engine for one model and mode, from within the process."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.checkpoints import family_of
from benchmarks.engine_decoder import create_decoder
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox import decode_stage
from tts_server.engines.chatterbox.controls import sampling_of
from tts_server.engines.chatterbox.engine import ChatterboxEngine
from tts_server.engines.chatterbox.fresh_thread import in_fresh_thread
from tts_server.engines.chatterbox.gpu_memory import t3_dtype
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.sequence import Sequence as Segment
from tts_server.engines.chatterbox.voices.cloning import compute
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.loading import load
from tts_server.speech import VoiceReference
from tts_server.text.segment import segments

import torch  # noqa: E402  isort: skip

NUM_VOICES = 16


class OurWay:
    """An engine whose requests say exactly as many speech tokens as they are told. Times are in seconds."""

    def __init__(
        self, kind: str, folder: Path, mode: str, device: str, *, threads: int, max_requests: int, with_graphs: bool = True
    ) -> None:
        self.family = family_of(kind)
        self.parts = load(self.family, folder, device, t3_dtype(torch.device(device), mode))
        max_rows = max_requests * (1 if self.family.is_gpt2 else 2)
        self.decoder = create_decoder(self.parts, mode, max_rows, with_graphs=with_graphs)
        speaker = TokenToWave(self.parts.s3gen, family=self.family, mode=mode, watermarker=Watermarker())
        voices = PreparedVoices(None, self.compute, capacity=NUM_VOICES, model=self.family.id)
        # The weights mean nothing, so neither would a judgement of their speech.
        self._engine = ChatterboxEngine(self.parts, self.decoder, speaker, voices, checks_speech=False, threads=threads, idle_seconds=0)

    def close(self) -> None:
        self._engine.close()

    def compute(self, reference: VoiceReference, norm_loudness: bool) -> Conditionals:
        """Listen to a clip."""
        return in_fresh_thread(partial(compute, self.parts, reference, norm_loudness))

    def decode(self, texts: Sequence[str], voices: Sequence[Conditionals], num_tokens: int) -> tuple[float, float]:
        """T3 alone, all texts at once: (seconds, median seconds of a step at full width).

        Texts are admitted two a step: with fewer tokens than half the texts, the width would never be full.
        """
        for number, (text, voice) in enumerate(zip(texts, voices, strict=True)):
            sampling = sampling_of(self.family, self._utterance(text, voice, number), num_tokens)
            ids = self.parts.text_ids(text, self._language)
            self.decoder.add(Segment(ids, voice, sampling, torch.Generator().manual_seed(number), group=number))
        steps = []
        with torch.inference_mode():
            began = time.perf_counter()
            while self.decoder.num_running + self.decoder.num_waiting:
                begins, is_full = time.perf_counter(), self.decoder.num_running == len(texts)
                self.decoder.step()
                if is_full:
                    steps.append(time.perf_counter() - begins)
            seconds = time.perf_counter() - began
        return seconds, statistics.median(steps)

    def prepare(self, reference: VoiceReference) -> Conditionals:
        """The voice of a clip, from memory if it was used before."""
        return self._engine.prepare_voice(reference)

    def until_queued(self, reference: VoiceReference) -> float:
        """From a request in this voice to its place in T3's queue."""
        queued: list[float] = []
        add = self.decoder.add

        def note(segment: Segment) -> None:
            queued.append(time.perf_counter())
            add(segment)

        with self._saying(lambda _: 4), patch.object(self.decoder, "add", note):
            began = time.perf_counter()
            stream = self._engine.submit(self._utterance("A few words.", self.prepare(reference), 0))
            for _ in stream.chunks(Cancellation()):
                pass
        return queued[0] - began

    def speak(self, texts: Sequence[str], voices: Sequence[Conditionals], num_tokens: int) -> tuple[float, float]:
        """Text to watermarked audio, all requests at once: (seconds until the last is done, median seconds to first audio)."""
        first: list[float] = []

        def listen(stream: Any) -> None:
            chunks = stream.chunks(Cancellation())
            next(chunks)
            first.append(time.perf_counter() - began)
            for _ in chunks:
                pass

        with self._saying(lambda _: num_tokens):
            began = time.perf_counter()
            streams = [self._engine.submit(self._utterance(*one, number)) for number, one in enumerate(zip(texts, voices, strict=True))]
            listeners = [threading.Thread(target=listen, args=(stream,)) for stream in streams]
            for listener in listeners:
                listener.start()
            for listener in listeners:
                listener.join()
        if len(first) < len(texts):
            raise RuntimeError("a request failed")
        return time.perf_counter() - began, statistics.median(first)

    def speak_long(self, text: str, voice: Conditionals, tokens_per_word: int) -> tuple[float, float]:
        """One text by segments, as the server streams it: (seconds until the first audio, until the last)."""
        capabilities = self._engine.capabilities
        pieces = segments(text, first_chars=capabilities.first_segment_chars, max_chars=capabilities.max_segment_chars)
        utterances = [dataclasses.replace(self._utterance(piece.text, voice, 0), index=index) for index, piece in enumerate(pieces)]
        with self._saying(lambda piece: tokens_per_word * len(piece.split())):
            began = time.perf_counter()
            chunks = self._engine.submit(utterances[0]).chunks(Cancellation())
            next(chunks)
            first = time.perf_counter() - began
            rest = [self._engine.submit(utterance) for utterance in utterances[1:]]
            for stream in (chunks, *(stream.chunks(Cancellation()) for stream in rest)):
                for _ in stream:
                    pass
            return first, time.perf_counter() - began

    @property
    def _language(self) -> str | None:
        return "en" if self.family.is_multilingual else None

    def _utterance(self, text: str, voice: Conditionals, group: int) -> Utterance:
        return Utterance(text, voice, 0, group, 1.0, self._language, {}, group)

    @contextlib.contextmanager
    def _saying(self, num_tokens: Callable[[str], int]) -> Iterator[None]:
        """Inside, a text is cut off after `num_tokens(text)` speech tokens; by itself a checkpoint of the benchmark never ends."""
        with patch.object(
            decode_stage,
            "sampling_of",
            lambda family, utterance, _max_tokens: sampling_of(family, utterance, num_tokens(utterance.text)),
        ):
            yield
