"""T3 with continuous batching: sequences come and go at any step, and each gets the tokens that the stock loop would give it alone."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tts_server.engines.chatterbox.faults import is_out_of_memory
from tts_server.engines.chatterbox.t3.alignment import HEADS, coverage
from tts_server.engines.chatterbox.t3.attention import Head, Prefill, SharedDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.graph_backend import GraphBackend
from tts_server.engines.chatterbox.t3.kv_cache import Prefix, PrefixCache
from tts_server.engines.chatterbox.t3.sampling import Sampler, Sampling
from tts_server.engines.chatterbox.t3.scheduler import Scheduler
from tts_server.engines.chatterbox.t3.sequence import Sequence, Voice
from tts_server.engines.chatterbox.t3.static_step import StaticStep
from tts_server.engines.chatterbox.weights.linear import Packing

DEFAULT_PREFIX_BYTES = 512 << 20
WARM_UP_TOKENS = 8


class StepFailure(Exception):
    """A step went wrong. `sequences` have failed and left the decoder, because of `cause`; all others go on undisturbed."""

    def __init__(self, sequences: Many[Sequence], cause: BaseException) -> None:
        super().__init__(f"{len(sequences)} of the sequences failed: {cause}")
        self.sequences = list(sequences)
        self.cause = cause


class UnsoundLogits(ArithmeticError):
    """The model gave NaN or infinity for a sequence."""


@dataclass(eq=False)
class _Running:
    """A sequence with rows. `rows`: the conditional one, and with guidance the unconditional one. `slot` is the sampler's."""

    sequence: Sequence
    prefix: Prefix
    slot: int
    text_length: int
    max_tokens: int = 0
    rows: list[int] = field(default_factory=list)
    queries: list[Tensor] = field(default_factory=list)
    """Of the watched heads in each decoding step, [heads, size]; empty for models that watch none."""


class T3Decoder:
    """All sequences of one model. Not thread-safe: one thread owns it.

    t3: the stock model, in eval mode; it is never changed, unless `release` asks to take the transformer out of it.
    mode: `exact` or `fast`, see `linear`. max_rows: width of a step; a sequence takes one row, with guidance two.
    max_positions: of a row, from the voice to the last token (default: as far as the model knows positions).
    prefix_bytes: of memory for the prefixes of voices that are not speaking.
    graphs: decode with static shapes; the default is to do so on CUDA and only there. `graph_backend` then captures them in `warm_up`.
    """

    def __init__(
        self,
        t3: Any,
        *,
        mode: str = "exact",
        max_rows: int = 16,
        max_positions: int | None = None,
        prefix_bytes: int = DEFAULT_PREFIX_BYTES,
        max_admitted: int = 2,
        graphs: bool | None = None,
        graph_backend: GraphBackend | None = None,
        release: bool = False,
    ) -> None:
        weight = t3.speech_head.weight
        packing = Packing.choose(weight.device, weight.dtype, mode)
        self.precision = packing.name
        self.max_rows = max_rows
        with torch.inference_mode():
            self._backbone = backbone = Backbone(t3, packing, release=release)
            is_static = backbone.device.type == "cuda" if graphs is None else graphs
            self._store = backbone.store(max_rows, own_prefix=is_static)
            self._watched = HEADS if backbone.is_multilingual else ()
            self._static = StaticStep(backbone, self._store, max_rows, self._watched, graph_backend) if is_static else None
            self._sampler = Sampler(
                is_gpt2=backbone.is_gpt2,
                vocabulary=backbone.vocabulary,
                start=backbone.start,
                max_sequences=max_rows,
                device=backbone.device,
            )
        self._max_positions = min(max_positions or backbone.max_positions, backbone.max_positions)
        self._prefixes = PrefixCache(prefix_bytes)
        self._scheduler: Scheduler[Sequence] = Scheduler(max_rows, max_admitted=max_admitted)
        self._running: dict[Sequence, _Running] = {}
        self._owners: list[_Running] = []
        self._finished: list[Sequence] = []

    @property
    def is_multilingual(self) -> bool:
        """Whether finished sequences have a `coverage`."""
        return bool(self._watched)

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
        self._store.allocate(self.max_rows, self._max_positions)
        self._static.capture()
        if voice is not None:
            ids = torch.arange(1, WARM_UP_TOKENS + 1)
            self.add(Sequence(ids, voice, Sampling(max_tokens=2), torch.Generator().manual_seed(0)))
            while self.num_running + self.num_waiting:
                self.step()

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
        logits: list[Tensor] = []
        if self._running:
            try:
                logits.append(self._decode())
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
                logits.append(self._prefill(admitted))
            except Exception as cause:
                failures.append(self._fail([running.sequence for running in admitted], cause))
        if self._running:
            try:
                failures += self._draw(torch.cat(logits))
            except Exception as cause:
                failures.append(self._fail(list(self._running), cause))
        if failures:
            lost = [sequence for failure in failures for sequence in failure.sequences]
            raise StepFailure(lost, failures[0].cause) from failures[0].cause
        finished, self._finished = self._finished, []
        return finished

    # Rows

    def _admit(self, sequence: Sequence) -> _Running:
        """Give a sequence its prefix and its slot; the rows come with the prefill."""
        sampling, voice, backbone = sequence.sampling, sequence.conditionals, self._backbone
        key = (voice.key, None if backbone.is_gpt2 else sampling.exaggeration)
        prefix = self._prefixes.acquire(key, lambda: backbone.condition(voice.t3_cond(sampling.exaggeration)))
        running = _Running(sequence, prefix, self._sampler.open(), len(sequence.text_ids))
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
        if running.queries and reason in ("stop", "cap"):
            sequence.coverage = self._coverage(running)
        for row in sorted(running.rows, reverse=True):
            self._store.remove(row, wipe=wipe)
            moved = self._owners.pop()
            if row < len(self._owners):
                self._owners[row] = moved
                moved.rows[moved.rows.index(len(self._owners))] = row
        self._sampler.close(running.slot)
        self._prefixes.release(running.prefix)

    def _fail(self, sequences: Many[Sequence], cause: BaseException) -> StepFailure:
        for sequence in sequences:
            self._end(sequence, "failed", wipe=True)
        return StepFailure(sequences, cause)

    # The model

    def _decode(self) -> Tensor:
        """Logits [rows, vocabulary] after one more position in all rows; the watched queries go to the sequences."""
        tokens = [owner.sequence.tokens[-1] for owner in self._owners]
        counts = [len(owner.sequence.tokens) for owner in self._owners]
        if self._static is not None:
            logits, queries = self._static.run(tokens, counts)
        else:
            logits, queries = self._decode_shared(tokens, counts)
        if self._watched:
            of_rows = torch.cat([queries[head] for head in self._watched], 1)
            for running in self._running.values():
                running.queries.append(of_rows[running.rows[0]])
        return logits

    def _decode_shared(self, tokens: list[int], counts: list[int]) -> tuple[Tensor, dict[Head, Tensor]]:
        backbone = self._backbone
        attend = SharedDecode(self._store, self._watched)
        x = backbone.speech(torch.tensor(tokens, device=backbone.device), torch.tensor(counts, device=backbone.device))
        hidden = backbone.run(x, attend.positions, attend)
        attend.store()
        return backbone.logits(hidden[:, 0]), attend.queries

    def _prefill(self, admitted: Many[_Running]) -> Tensor:
        """Logits [new rows, vocabulary] after the texts of new sequences."""
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
            suffixes += parts
        counts = [len(suffix) for suffix in suffixes]
        attend = Prefill(store, rows, counts)
        hidden = backbone.run(torch.nn.utils.rnn.pad_sequence(suffixes, batch_first=True), attend.positions, attend)
        attend.store()
        each = torch.arange(len(rows), device=backbone.device)
        ends = torch.tensor(counts, device=backbone.device)
        return backbone.logits(hidden[each, ends - 1])

    def _coverage(self, running: _Running) -> Tensor:
        """How much of its text a sequence has attended to, on the device. Its rows must still be there."""
        start = running.prefix.length
        keys = [self._store.key_row(layer, running.rows[0], head)[start : start + running.text_length] for layer, head in HEADS]
        return coverage(torch.stack(running.queries), torch.stack(keys))

    # Tokens

    def _draw(self, logits: Tensor) -> list[StepFailure]:
        """A token for each running sequence from the logits [rows, vocabulary] of all rows; the failures of those that have none."""
        running = list(self._running.values())
        first = torch.tensor([each.rows[0] for each in running], device=logits.device)
        scores = logits[first]
        if not self._backbone.is_gpt2:
            # Without guidance both are the same row.
            other = torch.tensor([each.rows[-1] for each in running], device=logits.device)
            weight = torch.tensor([each.sequence.sampling.cfg_weight for each in running], device=logits.device)[:, None]
            scores = scores + weight * (scores - logits[other])
        is_sound = scores.isfinite().all(-1)
        failures = []
        if not bool(is_sound.all()):
            unsound = [each.sequence for each, sound in zip(running, is_sound.tolist(), strict=True) if not sound]
            names = ", ".join(f"{sequence.group}/{sequence.index} after {len(sequence.tokens)} tokens" for sequence in unsound)
            scores = scores[is_sound]
            running = [each for each, sound in zip(running, is_sound.tolist(), strict=True) if sound]
            failures.append(StepFailure(unsound, UnsoundLogits(f"the model gave numbers that are not finite for segment {names}")))
        if running:
            tokens = self._sampler.sample(
                scores,
                [each.slot for each in running],
                [each.sequence.sampling for each in running],
                [each.sequence.generator for each in running],
            )
            for each, token in zip(running, tokens, strict=True):
                self._take(each, token)
        for failure in failures:
            self._fail(failure.sequences, failure.cause)
        return failures

    def _take(self, running: _Running, token: int) -> None:
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
