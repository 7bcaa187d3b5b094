"""T3 with continuous batching: sequences come and go at any step, and each gets the tokens that the stock loop would give it alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence as Many
from typing import Any

import torch
from torch import Tensor

from tts_server.engines.chatterbox.faults import is_out_of_memory
from tts_server.engines.chatterbox.t3.alignment import HEADS, TextCoverage
from tts_server.engines.chatterbox.t3.attention import Prefill, SharedDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, GraphBackend
from tts_server.engines.chatterbox.t3.kv_cache import PrefixCache
from tts_server.engines.chatterbox.t3.sampler import UNSOUND, Draw, ReadTokens, Sampler, read_tokens
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.scheduler import Scheduler
from tts_server.engines.chatterbox.t3.sequence import Running, Sequence, Voice
from tts_server.engines.chatterbox.t3.static_step import StaticStep
from tts_server.engines.chatterbox.weights.linear import Packing

log = logging.getLogger(__name__)

DEFAULT_PREFIX_BYTES = 512 << 20
WARM_UP_TOKENS = 8
MAX_ADMITTED = {"cuda": 8}
"""Sequences that start in one step, by type of device. Elsewhere 2: reading texts takes a CPU many times as long as a step."""


class StepFailure(Exception):
    """A step went wrong. `sequences` have failed and left the decoder, because of `cause`; all others go on undisturbed."""

    def __init__(self, sequences: Many[Sequence], cause: BaseException) -> None:
        super().__init__(f"{len(sequences)} of the sequences failed: {cause}")
        self.sequences = list(sequences)
        self.cause = cause


class UnsoundLogits(ArithmeticError):
    """The model gave NaN or infinity for a sequence."""


class T3Decoder:
    """All sequences of one model. Not thread-safe: one thread owns it.

    t3: the stock model, in eval mode; it is never changed, unless `release` asks to take the transformer out of it.
    mode: `exact` or `fast`, see `linear`. max_rows: width of a step; a sequence takes one row, with guidance two.
    max_positions: of a row, from the voice to the last token (default: as far as the model knows positions).
    prefix_bytes: of memory for the prefixes of voices that are not speaking.
    graphs: decode with static shapes; the default is to do so on CUDA and only there. `graph_backend` then captures them in `warm_up`.
    max_admitted: sequences that start in one step (default: MAX_ADMITTED). read: brings the tokens of a step to the host.
    """

    def __init__(
        self,
        t3: Any,
        *,
        mode: str = "exact",
        max_rows: int = 16,
        max_positions: int | None = None,
        prefix_bytes: int = DEFAULT_PREFIX_BYTES,
        max_admitted: int | None = None,
        graphs: bool | None = None,
        graph_backend: GraphBackend | None = None,
        release: bool = False,
        read: ReadTokens = read_tokens,
    ) -> None:
        weight = t3.speech_head.weight
        packing = Packing.choose(weight.device, weight.dtype, mode)
        self.precision = packing.name
        self.max_rows = max_rows
        with torch.inference_mode():
            self._backbone = backbone = Backbone(t3, packing, release=release)
            is_static = backbone.device.type == "cuda" if graphs is None else graphs
            self._store = backbone.store(max_rows, own_prefix=is_static)
            self._coverage: TextCoverage | None = None
            if backbone.is_multilingual:
                self._coverage = TextCoverage(self._store, max_rows=max_rows, max_text=backbone.max_text)
            self._sampler = Sampler(
                is_gpt2=backbone.is_gpt2,
                vocabulary=backbone.vocabulary,
                start=backbone.start,
                max_sequences=max_rows,
                device=backbone.device,
                is_static=is_static,
                graph_backend=graph_backend,
                read=read,
            )
            self._static: StaticStep | None = None
            if is_static:
                self._static = StaticStep(backbone, self._store, self._sampler.logits, self._coverage, graph_backend)
            self._graph_backend = graph_backend
        self._max_positions = min(max_positions or backbone.max_positions, backbone.max_positions)
        self._prefixes = PrefixCache(prefix_bytes)
        max_admitted = max_admitted or MAX_ADMITTED.get(backbone.device.type, 2)
        self._scheduler: Scheduler[Sequence] = Scheduler(max_rows, max_admitted=max_admitted)
        self._running: dict[Sequence, Running] = {}
        self._owners: list[Running] = []
        self._finished: list[Sequence] = []
        # What the sampler draws from, as long as no row is added, moved or removed.
        self._draws: list[Draw] = []

    @property
    def is_multilingual(self) -> bool:
        """Whether finished sequences have a `coverage`."""
        return self._coverage is not None

    @property
    def num_running(self) -> int:
        return self._scheduler.num_running

    @property
    def num_waiting(self) -> int:
        return self._scheduler.num_waiting

    @property
    def num_rows(self) -> int:
        return self._store.num_rows

    @property
    def nbytes(self) -> int:
        """Memory for keys and values, of rows and of voices."""
        return self._store.nbytes + self._prefixes.nbytes

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence. ValueError if it can never run: no text, one too long, ids the model does not know, too few rows."""
        ids, backbone = sequence.text_ids, self._backbone
        if ids.ndim != 1 or not len(ids):
            raise ValueError("the text must be token ids [n], at least one")
        if int(ids.min()) < 0 or int(ids.max()) >= backbone.text_vocabulary:
            raise ValueError(f"the text holds token ids that the model does not know (0..{backbone.text_vocabulary - 1})")
        longest = min(backbone.max_text, self._max_positions - 2)
        if len(ids) > longest:
            raise ValueError(f"a text of {len(ids)} tokens is too long: {longest} at most")
        guided = not backbone.is_gpt2 and sequence.sampling.cfg_weight > 0
        self._scheduler.add(sequence, 2 if guided else 1)

    @torch.inference_mode()
    def warm_up(self, voice: Voice | None = None) -> None:
        """Allocate keys and values for all rows and positions, capture graphs, and decode two tokens in `voice`. Before any other use.

        Without this, storage grows as rows do and no graph is captured. Only for a decoder with static shapes; else nothing happens.
        """
        if self._static is None:
            return
        # One more than a row may fill, and a multiple of 8, which kernels for half precision read faster.
        self._store.allocate(self.max_rows, -(-(self._max_positions + 1) // 8) * 8)
        self._capture(self._static)
        if voice is not None:
            ids = torch.arange(1, WARM_UP_TOKENS + 1)
            self.add(Sequence(ids, voice, Sampling(max_tokens=2), torch.Generator().manual_seed(0)))
            while self.num_running + self.num_waiting:
                self.step()

    def _capture(self, static: StaticStep) -> None:
        if self._graph_backend is None:
            return
        try:
            with self._graph_backend.capturing():
                failures = static.capture() + self._sampler.capture()
        except CaptureFailed as error:
            failures = [str(error)]
        if failures:
            log.warning("%d shapes of a decoding step run without a graph; the first: %s", len(failures), failures[0])

    @torch.inference_mode()
    def abort(self, sequence: Sequence) -> None:
        """Forget a sequence, waiting or running; its rows are free at once. Nothing happens if it has already ended."""
        self._end(sequence, "aborted")

    @torch.inference_mode()
    def shrink(self) -> None:
        """Give back the memory that no running sequence needs."""
        self._prefixes.clear()
        if not self._store.num_rows and not self._store.is_fixed:
            if self._static is not None:
                self._static.clear()
            self._store.clear()

    @torch.inference_mode()
    def step(self) -> list[Sequence]:
        """Give one token to each running sequence, new ones included; returns those that have finished.

        Raises StepFailure; the decoder is ready for the next step then, which also returns what finished in this one.
        """
        failures: list[StepFailure] = []
        if self._running:
            try:
                self._decode()
            except Exception as cause:
                # Storage grows as a whole before a row changes: without the youngest sequence, the others can go on.
                failed = list(self._running)[-1:] if is_out_of_memory(cause) else list(self._running)
                raise self._fail(failed, cause) from cause
        admitted = []
        for sequence in self._scheduler.admit():
            try:
                admitted.append(self._admit(sequence))
            except Exception as cause:
                failures.append(self._fail([sequence], cause))
        if admitted:
            try:
                self._prefill(admitted)
            except Exception as cause:
                failures.append(self._fail([running.sequence for running in admitted], cause))
        if self._running:
            try:
                failures += self._draw()
            except Exception as cause:
                failures.append(self._fail(list(self._running), cause))
        if failures:
            lost = [sequence for failure in failures for sequence in failure.sequences]
            raise StepFailure(lost, failures[0].cause) from failures[0].cause
        finished, self._finished = self._finished, []
        return finished

    # Rows

    def _admit(self, sequence: Sequence) -> Running:
        """Give a sequence its prefix and its slot; the rows come with the prefill."""
        sampling, voice, backbone = sequence.sampling, sequence.conditionals, self._backbone
        key = (voice.key, None if backbone.is_gpt2 else sampling.exaggeration)
        prefix = self._prefixes.acquire(key, lambda: backbone.condition(voice.t3_cond(sampling.exaggeration)))
        running = Running(sequence, prefix, self._sampler.open(), len(sequence.text_ids))
        self._running[sequence] = running
        left = self._max_positions - prefix.length - running.text_length - 1
        if left < 1:
            raise ValueError(f"a text of {running.text_length} tokens leaves no room for speech in {self._max_positions} positions")
        running.max_tokens = min(sampling.max_tokens, left, backbone.max_speech)
        return running

    def _end(self, sequence: Sequence, reason: str, *, wipe: bool = False) -> None:
        """Take a sequence out, whatever it has got so far."""
        if not self._scheduler.remove(sequence):
            return
        sequence.finish_reason = reason
        running = self._running.pop(sequence, None)
        if running is None:
            return
        self._draws = []
        if self._coverage is not None and reason in ("stop", "cap"):
            sequence.coverage = self._coverage.share(running.rows[0], running.text_length)
        for row in sorted(running.rows, reverse=True):
            self._store.remove(row, wipe=wipe)
            moved = self._owners.pop()
            if row < len(self._owners):
                self._owners[row] = moved
                moved.rows[moved.rows.index(len(self._owners))] = row
                if self._coverage is not None:
                    self._coverage.move(len(self._owners), row)
        self._sampler.close(running.slot)
        self._prefixes.release(running.prefix)

    def _fail(self, sequences: Many[Sequence], cause: BaseException) -> StepFailure:
        for sequence in sequences:
            self._end(sequence, "failed", wipe=True)
        return StepFailure(sequences, cause)

    # The model

    def _decode(self) -> None:
        """Write the logits of all rows after one more position."""
        tokens = [owner.sequence.tokens[-1] for owner in self._owners]
        counts = [len(owner.sequence.tokens) for owner in self._owners]
        if self._static is not None:
            self._static.run(tokens, counts)
            return
        backbone = self._backbone
        attend = SharedDecode(self._store, HEADS if self._coverage is not None else ())
        x = backbone.speech(torch.tensor(tokens, device=backbone.device), torch.tensor(counts, device=backbone.device))
        hidden = backbone.run(x, attend.positions, attend)
        if self._coverage is not None:
            self._coverage.mark(attend.queries, attend.span)
        attend.store()
        self._sampler.logits[: len(tokens)] = backbone.logits(hidden[:, 0])

    def _prefill(self, admitted: Many[Running]) -> None:
        """Give rows to new sequences and write the logits after their texts."""
        backbone, store = self._backbone, self._store
        suffixes: list[Tensor] = []
        rows: list[int] = []
        for running in admitted:
            ids = running.sequence.text_ids.to(backbone.device)
            parts = [backbone.text(ids)]
            if not backbone.is_gpt2 and running.sequence.sampling.cfg_weight > 0:
                parts.append(backbone.text(ids, is_unconditional=True))
            for part in parts:
                row = store.add(running.prefix, len(part))
                self._owners.append(running)
                running.rows.append(row)
                rows.append(row)
                if self._coverage is not None:
                    # The text is what a row's suffix begins with.
                    self._coverage.begin(row, store.lengths[row], running.text_length)
            suffixes += parts
        counts = [len(suffix) for suffix in suffixes]
        attend = Prefill(store, rows, counts)
        hidden = backbone.run(torch.nn.utils.rnn.pad_sequence(suffixes, batch_first=True), attend.positions, attend)
        attend.store()
        each = torch.arange(len(rows), device=backbone.device)
        ends = torch.tensor(counts, device=backbone.device)
        self._draws = []
        self._sampler.logits[rows[0] : rows[-1] + 1] = backbone.logits(hidden[each, ends - 1])

    # Tokens

    def _draw(self) -> list[StepFailure]:
        """A token for each running sequence from the logits of its rows; the failures of those that have none."""
        running = list(self._running.values())
        if not self._draws:
            # Without guidance both rows are the same.
            self._draws = [
                Draw(each.slot, each.rows[0], each.rows[-1], each.sequence.sampling, each.sequence.generator) for each in running
            ]
        tokens = self._sampler.draw(self._draws)
        unsound = []
        for each, token in zip(running, tokens, strict=True):
            if token == UNSOUND:
                unsound.append(each.sequence)
            else:
                self._take(each, token)
        if not unsound:
            return []
        names = ", ".join(f"{sequence.group}/{sequence.index} after {len(sequence.tokens)} tokens" for sequence in unsound)
        return [self._fail(unsound, UnsoundLogits(f"the model gave numbers that are not finite for segment {names}"))]

    def _take(self, running: Running, token: int) -> None:
        sequence = running.sequence
        # The stock loop of the GPT-2 models does not look whether the very first token is the end, and goes on from it.
        if token == self._backbone.stop and (sequence.tokens or not self._backbone.is_gpt2):
            reason = "stop"
        else:
            sequence.tokens.append(token)
            if len(sequence.tokens) < running.max_tokens:
                return
            reason = "cap"
        self._end(sequence, reason)
        self._finished.append(sequence)
