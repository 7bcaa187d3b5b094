"""T3 with continuous batching: sequences join and leave the batch at any step. Each gets the tokens that the stock loop gives it alone."""

from __future__ import annotations

import logging
from collections.abc import Collection

import torch
from torch import Tensor

from tts_server.engines.chatterbox.faults import is_out_of_memory
from tts_server.engines.chatterbox.t3.alignment import HEADS, TextCoverage
from tts_server.engines.chatterbox.t3.attention import Prefill, SharedDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, GraphBackend
from tts_server.engines.chatterbox.t3.kv_cache import PrefixCache
from tts_server.engines.chatterbox.t3.sampler import NOT_FINITE, Draw, ReadTokens, Sampler, read_tokens
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.scheduler import Scheduler
from tts_server.engines.chatterbox.t3.sequence import Running, Sequence, Voice
from tts_server.engines.chatterbox.t3.static_step import StaticStep
from tts_server.engines.chatterbox.weights.linear import Packing
from tts_server.engines.chatterbox.weights.stock_types import StockModule

log = logging.getLogger(__name__)

DEFAULT_PREFIX_BYTES = 512 << 20
WARM_UP_TOKENS = 8
MAX_ADMITTED = {"cuda": 8}
"""Sequences that start in one step, by type of device. Elsewhere 2: reading texts takes a CPU many times as long as a step."""


class StepFailure(Exception):
    """A step failed. `sequences` have left the decoder because of `cause`; all others continue, with the same tokens."""

    def __init__(self, sequences: Collection[Sequence], cause: BaseException) -> None:
        super().__init__(f"{len(sequences)} of the sequences failed: {cause}")
        self.sequences = list(sequences)
        self.cause = cause


class NonFiniteLogits(ArithmeticError):
    """The model returned NaN or infinity for a sequence."""


class T3Decoder:
    """All sequences of one model. Not thread-safe: one thread owns it.

    t3: the stock model, in eval mode; it is not changed, unless `release` removes the transformer from it.
    mode: `exact` or `fast`, see `linear`. max_rows: width of a step; a sequence takes one row, with guidance two.
    max_positions: of a row, from the voice to the last token (default: all that the model has).
    prefix_bytes: memory for cached prefixes of voices, beyond those in use.
    graphs: decode with static shapes (default: on CUDA only). `graph_backend` then captures them in `warm_up`.
    max_admitted: sequences that start in one step (default: MAX_ADMITTED). read: copies the tokens of a step to the host.
    """

    def __init__(
        self,
        t3: StockModule,
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
            self.backbone = backbone = Backbone(t3, packing, release=release)
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
        self.prefixes = PrefixCache(prefix_bytes)
        max_admitted = max_admitted or MAX_ADMITTED.get(backbone.device.type, 2)
        self._scheduler: Scheduler[Sequence] = Scheduler(max_rows, max_admitted=max_admitted)
        self._running: dict[Sequence, Running] = {}
        # The sequence of each row, by the number of the row.
        self._by_row: list[Running] = []
        self._finished: list[Sequence] = []
        # The sampler's input, which stays the same as long as no row is added, moved or removed.
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
        return self._store.nbytes + self.prefixes.nbytes

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence. ValueError if it can never run: no text, a text that is too long, ids outside the vocabulary, too few rows."""
        ids, backbone = sequence.text_ids, self.backbone
        if ids.ndim != 1 or not len(ids):
            raise ValueError("the text must be token ids [n], at least one")
        if int(ids.min()) < 0 or int(ids.max()) >= backbone.text_vocabulary:
            raise ValueError(f"the text holds token ids outside the model's vocabulary (0..{backbone.text_vocabulary - 1})")
        longest = min(backbone.max_text, self._max_positions - 2)
        if len(ids) > longest:
            raise ValueError(f"a text of {len(ids)} tokens is too long: {longest} at most")
        guided = not backbone.is_gpt2 and sequence.sampling.cfg_weight > 0
        self._scheduler.add(sequence, 2 if guided else 1)

    @torch.inference_mode()
    def warm_up(self, voice: Voice | None = None) -> None:
        """Allocate keys and values for all rows and positions, capture graphs, and decode two tokens in `voice`. To be called first.

        Without this call, storage grows with the rows and no graph is captured. Does nothing for a decoder without static shapes.
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
        """Remove a sequence, waiting or running; its rows are free at once. Does nothing if it has already ended."""
        self._end(sequence, "aborted")

    @torch.inference_mode()
    def shrink(self) -> None:
        """Free the memory that no running sequence needs."""
        self.prefixes.clear()
        if not self._store.num_rows and not self._store.is_fixed:
            if self._static is not None:
                self._static.clear()
            self._store.clear()

    @torch.inference_mode()
    def step(self) -> list[Sequence]:
        """Decode one token for each running sequence, new ones included; returns those that have finished.

        Raises StepFailure. The decoder can then run the next step, which also returns the sequences that finished in this one.
        """
        failures: list[StepFailure] = []
        if self._running:
            try:
                self._decode()
            except Exception as cause:
                # Storage grows as a whole before a row changes: without the youngest sequence, the others can continue.
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
            failed = [sequence for failure in failures for sequence in failure.sequences]
            raise StepFailure(failed, failures[0].cause) from failures[0].cause
        finished, self._finished = self._finished, []
        return finished

    # Rows

    def _admit(self, sequence: Sequence) -> Running:
        """Assign a prefix and a slot to a sequence; the prefill assigns its rows."""
        sampling, voice, backbone = sequence.sampling, sequence.conditionals, self.backbone
        key = (voice.key, None if backbone.is_gpt2 else sampling.exaggeration)
        prefix = self.prefixes.acquire(key, lambda: backbone.condition(voice.t3_cond(sampling.exaggeration)))
        running = Running(sequence, prefix, self._sampler.open(), len(sequence.text_ids))
        self._running[sequence] = running
        left = self._max_positions - prefix.length - running.text_length - 1
        if left < 1:
            raise ValueError(f"a text of {running.text_length} tokens leaves none of {self._max_positions} positions for speech")
        running.max_tokens = min(sampling.max_tokens, left, backbone.max_speech)
        return running

    def _end(self, sequence: Sequence, reason: str, *, wipe: bool = False) -> None:
        """Remove a sequence, whatever its state."""
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
            moved = self._by_row.pop()
            if row < len(self._by_row):
                self._by_row[row] = moved
                moved.rows[moved.rows.index(len(self._by_row))] = row
                if self._coverage is not None:
                    self._coverage.move(len(self._by_row), row)
        self._sampler.close(running.slot)
        self.prefixes.release(running.prefix)

    def _fail(self, sequences: Collection[Sequence], cause: BaseException) -> StepFailure:
        for sequence in sequences:
            self._end(sequence, "failed", wipe=True)
        return StepFailure(sequences, cause)

    # The model

    def _decode(self) -> None:
        """Write the logits of all rows after one more position."""
        tokens = [running.sequence.tokens[-1] for running in self._by_row]
        counts = [len(running.sequence.tokens) for running in self._by_row]
        if self._static is not None:
            self._static.run(tokens, counts)
            return
        backbone = self.backbone
        attend = SharedDecode(self._store, HEADS if self._coverage is not None else ())
        x = backbone.speech(torch.tensor(tokens, device=backbone.device), torch.tensor(counts, device=backbone.device))
        hidden = backbone.run(x, attend.positions, attend)
        if self._coverage is not None:
            self._coverage.mark(attend.queries, attend.span)
        attend.store()
        self._sampler.logits[: len(tokens)] = backbone.logits(hidden[:, 0])

    def _prefill(self, admitted: Collection[Running]) -> None:
        """Assign rows to new sequences and write the logits after their texts."""
        backbone, store = self.backbone, self._store
        suffixes: list[Tensor] = []
        rows: list[int] = []
        for running in admitted:
            ids = running.sequence.text_ids.to(backbone.device)
            parts = [backbone.text(ids)]
            if not backbone.is_gpt2 and running.sequence.sampling.cfg_weight > 0:
                parts.append(backbone.text(ids, is_unconditional=True))
            for part in parts:
                row = store.add(running.prefix, len(part))
                self._by_row.append(running)
                running.rows.append(row)
                rows.append(row)
                if self._coverage is not None:
                    # A row's suffix begins with the text.
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
        """Draw a token for each running sequence from the logits of its rows; returns the failures of those that get none."""
        running = list(self._running.values())
        if not self._draws:
            # Without guidance both rows are the same.
            self._draws = [
                Draw(each.slot, each.rows[0], each.rows[-1], each.sequence.sampling, each.sequence.generator) for each in running
            ]
        tokens = self._sampler.draw(self._draws)
        failed = []
        for each, token in zip(running, tokens, strict=True):
            if token == NOT_FINITE:
                failed.append(each.sequence)
            else:
                self._append(each, token)
        if not failed:
            return []
        names = ", ".join(f"{sequence.group}/{sequence.index} after {len(sequence.tokens)} tokens" for sequence in failed)
        return [self._fail(failed, NonFiniteLogits(f"the model returned numbers that are not finite for segment {names}"))]

    def _append(self, running: Running, token: int) -> None:
        """Add a token to a sequence, which ends at the stop token or at its limit."""
        sequence = running.sequence
        # The stock loop of the GPT-2 models does not check whether the first token is the stop token, and continues after it.
        if token == self.backbone.stop and (sequence.tokens or not self.backbone.is_gpt2):
            reason = "stop"
        else:
            sequence.tokens.append(token)
            if len(sequence.tokens) < running.max_tokens:
                return
            reason = "cap"
        self._end(sequence, reason)
        self._finished.append(sequence)
