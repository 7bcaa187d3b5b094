"""Chatterbox as an engine: one thread owns the model, and every request only leaves work for it and reads what comes out.

The thread goes round: take new work, drop what nobody listens to any more, then either one step of T3 for all sequences together or one
slice of S3Gen for the segment that is needed soonest. Between the two it shares its time evenly, so that neither starves. After a while
without work the thread ends, and the next request starts another: see `fresh_thread` for what a thread that is merely there costs.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

import torch

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.conversion import TOKENIZER_RATE, recording_pieces
from tts_server.engines.chatterbox.families import SAMPLE_RATE, Family, capabilities
from tts_server.engines.chatterbox.faults import is_device_lost, is_out_of_memory
from tts_server.engines.chatterbox.job import Job, SegmentStream
from tts_server.engines.chatterbox.quality import fault_of_samples, fault_of_tokens, without_tail
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest
from tts_server.engines.chatterbox.t3.decoder import StepFailure, T3Decoder
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.engines.watchdog import Watchdog
from tts_server.errors import EngineFailure, EngineStuck, TTSError, Unavailable
from tts_server.log import working_for
from tts_server.memory import release_memory
from tts_server.speech import Samples, Voice, VoiceReference

log = logging.getLogger(__name__)

MAX_TOKENS = 1000
"""Speech tokens of a segment: 40 seconds. More is a model that has lost its way."""

FEED_TOKENS = 25
"""Fast mode: tokens given to S3Gen at once."""

MAX_SPOKEN_TOGETHER = 8
"""Segments in a batch of S3Gen on a GPU. A CPU gains nothing by it."""

MAX_CREDIT_SECONDS = 0.5
IDLE_SECONDS = 2.0
STUCK_SECONDS = 120.0
CLOSE_SECONDS = 10.0


@dataclass
class Batch:
    """Segments that S3Gen speaks together; `slices` gives None after each piece of work and, at last, the samples of each."""

    jobs: list[Job]
    slices: Iterator[list[Samples] | None]


class ChatterboxEngine:
    """Speaks with one Chatterbox model.

    `builtin` are the voices a client may always name and `reference_of` gives the clip behind each; where the model brings a voice of its
    own, the first of them is that one. `is_broken` turns true when the device has failed for good, or when a step has
    taken longer than `stuck_seconds`: then the model must be loaded anew, and a thread that is stuck is left behind.
    """

    def __init__(
        self,
        parts: Parts,
        decoder: T3Decoder,
        speaker: TokenToWave,
        voices: PreparedVoices,
        *,
        builtin: Many[Voice] = (),
        reference_of: Callable[[str], VoiceReference] | None = None,
        checks_speech: bool = True,
        threads: int = 0,
        idle_seconds: float = IDLE_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
        version: str = "",
    ) -> None:
        family = parts.family
        self.name = family.id
        self.capabilities = capabilities(family)
        self.num_parallel = max(2, decoder.max_rows // (1 if family.is_gpt2 else 2))
        self.version = version
        self.is_broken = False
        self._family = family
        self._parts = parts
        self._decoder = decoder
        self._speaker = speaker
        self._voices = voices
        self._builtin = tuple(builtin)
        self._reference_of = reference_of
        self._prepared: dict[str, Conditionals] = {}
        self._checks_speech = checks_speech
        self._num_threads = threads
        self._idle_seconds = idle_seconds
        self._batch_size = 1 if str(parts.device) == "cpu" else MAX_SPOKEN_TOGETHER
        self._order = itertools.count()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._watchdog = Watchdog(stuck_seconds, self._give_up, self.name)
        self._new: deque[Job] = deque()
        self._is_closed = False
        self._is_stuck = False
        # Below: the engine thread's own.
        self._jobs: list[Job] = []
        self._clocks: dict[int, float] = {}
        self._credit = 0.0
        self._counters = {"segments_done": 0, "retries": 0, "steps": 0, "tokens": 0, "failures": 0}
        self._audio_seconds = 0.0
        self._thread: threading.Thread | None = None

    # Called by request threads

    def voices(self) -> Many[Voice]:
        return self._builtin

    def builtin_voice(self, voice_id: str) -> Conditionals:
        ids = [voice.id for voice in self._builtin]
        if voice_id not in ids or self._reference_of is None:
            raise KeyError(voice_id)
        if voice_id == ids[0] and self._parts.builtin is not None:
            return self._parts.builtin
        if voice_id not in self._prepared:
            self._prepared[voice_id] = self._voices.get(self._reference_of(voice_id))
        return self._prepared[voice_id]

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Conditionals:
        return self._voices.get(reference, norm_loudness=norm_loudness, keep=keep)

    def submit(self, utterance: Utterance) -> SegmentStream:
        return self._submit(utterance, deque([utterance.text]))

    def convert(self, source: VoiceReference, voice: Conditionals, seed: int) -> SegmentStream:
        """Speak a recording again in another voice, with its own timing and melody."""
        utterance = Utterance("", voice, 0, seed, 1.0, None, {}, id(source))
        return self._submit(utterance, deque(recording_pieces(source)))

    def stats(self) -> Mapping[str, float]:
        return {
            **self._counters,
            "segments_waiting": len(self._new) + self._decoder.num_waiting,
            "sequences_running": self._decoder.num_running,
            "audio_seconds": self._audio_seconds,
        }

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            thread = self._thread
        self._wake.set()
        if thread is None:
            self._stop()
        elif not self._is_stuck:
            thread.join(CLOSE_SECONDS)
            if thread.is_alive():
                log.error("%s: its thread did not end in time and is left behind", self.name)
                self._fail_all(Unavailable(f"{self._family.name} has been stopped. Try again in a moment."))
        self._watchdog.close()

    def _submit(self, utterance: Utterance, pieces: deque[str | Samples]) -> SegmentStream:
        stream = SegmentStream(self._wake.set)
        job = Job(utterance, utterance.voice, stream, next(self._order), pieces)
        with self._lock:
            if self._is_closed or self.is_broken:
                raise Unavailable(f"{self._family.name} is being stopped. Try again in a moment.")
            self._new.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
        self._wake.set()
        return stream

    # The engine's own thread

    def _run(self) -> None:
        if self._num_threads:
            torch.set_num_threads(self._num_threads)
        try:
            with torch.inference_mode():
                while not (self._is_closed or self.is_broken):
                    if self._is_idle():
                        return
                    with self._watchdog.watching(self):
                        self._take_new()
                        self._drop_unheard()
                        self._work()
        except BaseException as error:
            log.critical("%s: the engine's thread has died", self.name, exc_info=error)
            self.is_broken = True
        self._stop()

    def _stop(self) -> None:
        self._fail_all(Unavailable(f"{self._family.name} has been stopped. Try again in a moment."))
        with contextlib.suppress(Exception):  # a lost device refuses this too
            self._decoder.shrink()
            self._speaker.shrink()

    def _is_idle(self) -> bool:
        """Whether nothing came in for a while; then the thread has been signed off and must end."""
        if self._jobs or self._new or self._wake.wait(self._idle_seconds):
            return False
        release_memory()
        with self._lock:
            if self._new or self._is_closed:
                return False
            self._thread = None
            return True

    def _take_new(self) -> None:
        """Begin what has come in."""
        self._wake.clear()
        while self._new:
            job = self._new.popleft()
            self._jobs.append(job)
            self._guard(job, self._begin, job)

    def _drop_unheard(self) -> None:
        for job in [job for job in self._jobs if job.stream.is_closed]:
            self._leave(job)

    def _work(self) -> None:
        """One step of T3 or one slice of S3Gen."""
        ready = [job for job in self._jobs if self._can_speak(job)]
        begun = time.perf_counter()
        if ready and (self._credit > 0 or not self._has_sequences()):
            job = min(ready, key=self._urgency)
            self._guard(job, self._speak, job)
            self._credit = max(self._credit - (time.perf_counter() - begun), -MAX_CREDIT_SECONDS)
        elif self._has_sequences():
            self._decode()
            self._credit = min(self._credit + (time.perf_counter() - begun), MAX_CREDIT_SECONDS)
        else:
            for job in list(self._jobs):  # cannot be; but a listener must never wait for ever
                self._recover(RuntimeError("a segment was neither decoded nor spoken"), guilty=[job])

    def _has_sequences(self) -> bool:
        return self._decoder.num_running + self._decoder.num_waiting > 0

    def _urgency(self, job: Job) -> tuple[float, int]:
        """The time at which the listener has heard all that was made for this request; who has heard nothing waits longest already."""
        return self._clocks.get(job.utterance.group, 0.0), job.order

    # Text to speech tokens

    def _begin(self, job: Job) -> None:
        """Queue the job's current piece for T3; recorded audio needs no T3, only its tokens."""
        job.generator = torch.Generator().manual_seed(job.seed)
        if not isinstance(job.piece, str):
            job.tokens = self._parts.cloning().speech_tokens(job.piece, TOKENIZER_RATE)
            return
        text_ids = self._parts.text_ids(job.text, job.utterance.language)
        job.sequence = Sequence(
            text_ids,
            job.conditionals,
            sampling(self._family, job.utterance),
            job.generator,
            index=job.utterance.index,
            group=job.utterance.group,
            owner=job,
        )
        self._decoder.add(job.sequence)

    def _decode(self) -> None:
        try:
            self._decoder.step()
        except StepFailure as failure:
            lost = [sequence.owner for sequence in failure.sequences]
            # One alone is to blame for what happened to it; among several nobody can tell.
            self._recover(failure.cause, guilty=lost if len(lost) == 1 else [], lost=lost)
        except Exception as error:
            lost = [job for job in self._jobs if job.sequence is not None and not job.sequence.is_finished]
            for job in lost:
                self._decoder.abort(job.sequence)
            self._recover(error, guilty=[], lost=lost)
        self._counters["steps"] += 1
        for job in list(self._jobs):
            if job.tokens is None and job.sequence is not None and job.sequence.finish_reason in ("stop", "cap"):
                self._counters["tokens"] += len(job.sequence.tokens)
                self._guard(job, self._judge_tokens, job)

    def _judge_tokens(self, job: Job) -> None:
        """Take the finished sequence, or have the piece made again."""
        sequence = job.sequence
        assert sequence is not None  # noqa: S101 - for the type checker
        if sequence.finish_reason == "cap" and self._checks_speech and job.split():
            self._counters["retries"] += 1
            self._begin(job)
            return
        fault = fault_of_tokens(sequence.tokens, job.text) if self._checks_speech else None
        if fault and job.can_try_again:
            self._try_again(job, fault)
        else:
            job.tokens = sequence.tokens

    def _try_again(self, job: Job, fault: str) -> None:
        with working_for(job.request):
            log.info("%s: a segment was %s; made again with another seed", self.name, fault)
        self._counters["retries"] += 1
        job.try_again()
        self._begin(job)

    # Speech tokens to samples

    def _can_speak(self, job: Job) -> bool:
        if job.tokens is not None:
            return True
        # A listener waits for the first segment: in fast mode it is spoken block by block while T3 is still at it.
        if not self._speaker.can_stream or job.utterance.index > 0 or job.sequence is None or job.sequence.is_finished:
            return False
        return len(job.sequence.tokens) - job.num_fed >= FEED_TOKENS

    def _speak(self, job: Job) -> None:
        """Advance the job's audio by one slice."""
        if self._speaker.can_stream and isinstance(job.piece, str):
            self._speak_block(job)
            return
        if job.speaking is None:
            self._gather(job)
        batch: Batch = job.speaking
        spoken = next(batch.slices)
        if spoken is None:
            return
        for member, samples in zip(batch.jobs, spoken, strict=True):
            if member.speaking is batch:  # else it has left meanwhile
                member.made.append(samples)
                self._guard(member, self._end_piece, member)

    def _gather(self, job: Job) -> None:
        """Have the job spoken, on a GPU together with others that are ready: there a batch costs little more than one."""
        ready = [other for other in self._jobs if other is not job and other.tokens is not None and other.speaking is None]
        jobs = [job, *sorted(ready, key=self._urgency)][: self._batch_size]
        lines = [WaveRequest(one.tokens or [], one.conditionals, one.generator, isinstance(one.piece, str)) for one in jobs]
        batch = Batch(jobs, self._speaker.batch(lines))
        for one in jobs:
            one.speaking = batch

    def _speak_block(self, job: Job) -> None:
        if job.speaking is None:
            job.speaking = self._speaker.stream(job.conditionals, job.generator)
        tokens = job.tokens if job.tokens is not None else job.sequence.tokens if job.sequence else []
        block = tokens[job.num_fed : job.num_fed + FEED_TOKENS]
        job.num_fed += len(block)
        samples = job.speaking.feed(block) if block else job.speaking.finish()
        if len(samples):
            job.made.append(samples)
        if not block:
            self._end_piece(job)
        elif job.utterance.index == 0:
            self._give_out(job)

    def _end_piece(self, job: Job) -> None:
        """All samples of the piece are there: judge them, give them out, go on with the next piece."""
        samples = job.samples_made()
        if self._checks_speech and job.text and not job.has_spoken:
            fault = fault_of_samples(samples, job.text)
            if fault and job.can_try_again:
                self._try_again(job, fault)
                return
            job.made = [without_tail(samples)]
        self._give_out(job)
        if job.next_piece():
            self._begin(job)
            return
        self._counters["segments_done"] += 1
        job.stream.end()
        self._leave(job)

    def _give_out(self, job: Job) -> None:
        samples = job.samples_made()
        job.made = []
        if not len(samples):
            return
        job.has_spoken = True
        seconds = len(samples) / SAMPLE_RATE
        self._audio_seconds += seconds
        group = job.utterance.group
        self._clocks[group] = self._clocks.get(group, time.monotonic()) + seconds
        job.stream.put(samples)

    # What goes wrong

    def _guard(self, job: Job, action: Callable[..., None], *arguments: Any) -> None:
        """Do something for one job; what it raises ends that job alone."""
        try:
            action(*arguments)
        except Exception as error:
            self._recover(error, guilty=[job])

    def _recover(self, error: BaseException, guilty: Many[Job], lost: Many[Job] = ()) -> None:
        """After an exception: the guilty get an error. Who merely lost the work done so far begins again, once: with the same seed it
        comes out the same."""
        if is_device_lost(error):
            log.error("%s: the device has failed", self.name, exc_info=error)
            self.is_broken = True
            return
        with working_for(guilty[0].request, guilty[0].utterance.text) if guilty else contextlib.nullcontext():
            reply = self._in_words(error)
        for job in {*guilty, *lost}:
            if job in guilty or job.was_restarted or job.has_spoken:
                self._counters["failures"] += 1
                job.stream.end(reply)
                self._leave(job)
            else:
                job.was_restarted = True
                job.forget_attempt()
                self._guard(job, self._begin, job)

    def _in_words(self, error: BaseException) -> TTSError:
        """What a client is told; where memory ran out, some is given back first."""
        if isinstance(error, TTSError):
            return error
        if is_out_of_memory(error):
            log.warning("%s: out of memory; caches dropped", self.name)
            self._decoder.shrink()
            self._speaker.shrink()
            release_memory()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return Unavailable("There is not enough memory for this request now. Try again in a moment, or with a shorter text.")
        log.error("%s: a segment failed", self.name, exc_info=error)
        failure = EngineFailure(f"{self._family.name} could not speak this text.")
        failure.__cause__ = error
        return failure

    def _leave(self, job: Job) -> None:
        if job.sequence is not None and not job.sequence.is_finished:
            self._decoder.abort(job.sequence)
        job.forget_attempt()
        if job in self._jobs:
            self._jobs.remove(job)
        if not any(other.utterance.group == job.utterance.group for other in self._jobs):
            self._clocks.pop(job.utterance.group, None)

    def _give_up(self, _engine: ChatterboxEngine) -> None:
        """The engine's thread does not come back from a step: tell everyone. Called by the watchdog."""
        log.critical("%s: no progress for %g s; its thread is left behind", self.name, self._watchdog.seconds)
        self.is_broken = self._is_stuck = True
        self._counters["failures"] += 1
        self._fail_all(EngineStuck(self._family.name, self._watchdog.seconds))

    def _fail_all(self, error: TTSError) -> None:
        with self._lock:
            waiting = [*self._jobs, *self._new]
            self._new.clear()
        self._jobs = []
        for job in waiting:
            job.stream.end(error)


def sampling(family: Family, utterance: Utterance) -> Sampling:
    """The model's defaults, overruled by the utterance's controls."""
    values = {control.name: control.default for control in family.controls} | {
        name: float(value) for name, value in utterance.controls.items() if name in {control.name for control in family.controls}
    }
    return Sampling(
        temperature=values["temperature"],
        top_p=values["top_p"],
        top_k=int(values.get("top_k", 0)),
        min_p=values.get("min_p", 0.0),
        repetition_penalty=values["repetition_penalty"],
        cfg_weight=values.get("cfg_weight", 0.0),
        exaggeration=values.get("exaggeration", 0.0),
        max_tokens=MAX_TOKENS,
    )
