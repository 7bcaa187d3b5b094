"""Decoding with captured graphs, on a recorder in place of CUDA: the tokens are those of direct runs, whatever fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3 import graph_backend
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.decoder import StepFailure, T3Decoder
from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, CudaGraphs
from tts_server.engines.chatterbox.t3.kv_cache import CapacityExceeded, KeyValues, Prefix
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.t3.static_step import SPAN_STEP, StaticStep
from tts_server.engines.chatterbox.weights.linear import Packing
from tts_server.engines.chatterbox.weights.loading import Parts

MAX_ROWS = 4
POSITIONS = SPAN_STEP + 100
NUM_SHAPES = 3 * 2  # 1, 2, 4 rows; 512 and all positions
NUM_COUNTS = 3  # 1, 2, 4 sequences to sample, for GPT-2


class Recorder:
    """Captures by keeping the function, and replays by calling it and writing its result to the output of the capture.

    distort: from the output before a replay to the output after it.
    """

    def __init__(
        self, *, fails_at: tuple[int, ...] = (), is_locked: bool = False, distort: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.captured: list[tuple[int, ...]] = []
        self.num_replays = 0
        self._fails_at, self._is_locked, self._distort = fails_at, is_locked, distort
        self._num_tried = 0

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        if self._is_locked:
            raise CaptureFailed("another thread has used the device for too long")
        yield

    def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        self._num_tried += 1
        if self._num_tried - 1 in self._fails_at:
            raise CaptureFailed("operation not permitted when stream is capturing")
        output = run()
        self.captured.append(tuple(output.shape))

        def replay() -> None:
            self.num_replays += 1
            before = output.clone()
            result = run().clone()
            output.copy_(result if self._distort is None else self._distort(before))

        return replay, output

    def is_true(self, condition: Tensor) -> bool:
        return bool(condition)


def make_sequences(parts: Parts, count: int = 5) -> list[Sequence]:
    """Sequences that differ in text, length and seed."""
    return [
        Sequence(
            parts.text_ids("a bright cold day in April"[: 4 + 5 * number], "en"),
            parts.builtin,  # type: ignore[arg-type]
            Sampling(max_tokens=(20, 7, 33)[number % 3], cfg_weight=(0.5, 0.0)[number // 2 % 2]),
            torch.Generator().manual_seed(number),
            group=number,
        )
        for number in range(count)
    ]


def decode(decoder: T3Decoder, sequences: list[Sequence]) -> list[list[int]]:
    for sequence in sequences:
        decoder.add(sequence)
    while decoder.num_running + decoder.num_waiting:
        decoder.step()
    return [sequence.tokens for sequence in sequences]


def make_decoder(parts: Parts, recorder: Recorder | None) -> T3Decoder:
    decoder = T3Decoder(parts.t3, max_rows=MAX_ROWS, max_positions=POSITIONS, graphs=True, graph_backend=recorder)
    decoder.warm_up(parts.builtin)
    return decoder


def direct_tokens(parts: Parts) -> list[list[int]]:
    return decode(T3Decoder(parts.t3, max_rows=MAX_ROWS, graphs=False), make_sequences(parts))


def test_every_shape_is_captured_at_load_the_largest_first_and_then_replayed(parts: Callable[[str], Parts], kind: str) -> None:
    recorder = Recorder()
    decoder = make_decoder(parts(kind), recorder)
    steps, samples = recorder.captured[:NUM_SHAPES], recorder.captured[NUM_SHAPES:]
    assert [shape[0] for shape in steps] == [4, 4, 2, 2, 1, 1]
    ways = 1 if kind in ("turbo", "nano") else 2  # Llama: without and with top-p
    assert samples == [(count,) for count in (4, 2, 1) for _ in range(ways)]
    before, size = recorder.num_replays, decoder.nbytes
    assert decode(decoder, make_sequences(parts(kind))) == direct_tokens(parts(kind))
    assert recorder.num_replays > before
    assert len(recorder.captured) == NUM_SHAPES + len(samples)
    assert decoder.nbytes == size  # the storage has not grown


@pytest.mark.parametrize("fails_at", [(0,), (2, 3), (NUM_SHAPES - 1, NUM_SHAPES), tuple(range(NUM_SHAPES + NUM_COUNTS))])
def test_shapes_that_cannot_be_captured_run_directly(parts: Callable[[str], Parts], fails_at: tuple[int, ...], caplog: Any) -> None:
    recorder = Recorder(fails_at=fails_at)
    decoder = make_decoder(parts("turbo"), recorder)
    assert len(recorder.captured) == NUM_SHAPES + NUM_COUNTS - len(fails_at)
    assert len([record for record in caplog.records if "without a graph" in record.message]) == 1
    assert decode(decoder, make_sequences(parts("turbo"))) == direct_tokens(parts("turbo"))


def test_nothing_is_captured_while_another_thread_blocks_the_device(parts: Callable[[str], Parts]) -> None:
    recorder = Recorder(is_locked=True)
    assert decode(make_decoder(parts("english"), recorder), make_sequences(parts("english"))) == direct_tokens(parts("english"))
    assert not recorder.captured


@pytest.mark.parametrize(
    "distort",
    [lambda before: before, lambda before: before + 1, lambda before: before * 0 - 7, lambda before: before.flip(-1).roll(1)],
    ids=["an empty graph", "an offset", "a constant", "another order"],
)
def test_a_graph_whose_replay_is_wrong_is_not_used(parts: Callable[[str], Parts], distort: Callable[[Tensor], Tensor]) -> None:
    recorder = Recorder(distort=distort)
    decoder = make_decoder(parts("nano"), recorder)
    before = recorder.num_replays
    assert decode(decoder, make_sequences(parts("nano"))) == direct_tokens(parts("nano"))
    assert recorder.num_replays == before


def test_graphs_are_dropped_when_the_storage_is_replaced(parts: Callable[[str], Parts]) -> None:
    t3 = parts("turbo").t3
    recorder = Recorder()
    with torch.inference_mode():
        backbone = Backbone(t3, Packing.choose(torch.device("cpu"), torch.float32, "exact"))
        prefix = backbone.condition(parts("turbo").builtin.t3_cond(0.5))  # type: ignore[union-attr]
        outputs = []
        for backend in (recorder, None):
            store = backbone.store(2, own_prefix=True)
            store.reserve(SPAN_STEP, 2)
            step = StaticStep(backbone, store, torch.zeros(2, backbone.vocabulary), None, backend)
            step.capture()
            store.copy_prefixes([store.add(prefix, 3)])
            step.run([5], [1])
            replayed = recorder.num_replays
            store.reserve(store.capacity + 1)
            outputs.append(step.run([7], [2]).clone())
            assert step.num_graphs == 0
    assert recorder.num_replays == replayed
    assert torch.equal(*outputs)


def test_growth_that_fails_in_any_tensor_changes_nothing() -> None:
    layers, heads, size = 3, 2, 8
    prefix = Prefix(*([torch.randn(heads, 5, size) for _ in range(layers)] for _ in range(2)))
    store = KeyValues(layers, heads, size, max_rows=4, dtype=torch.float32, device=torch.device("cpu"), own_prefix=True)
    store.copy_prefixes([store.add(prefix, 10)])
    before = [tensor.data_ptr() for tensor in (*store.keys, *store.values)]
    generation, capacity = store.generation, store.capacity
    real = torch.zeros
    for broken in range(2 * layers):
        calls = iter(range(100))

        def zeros(*arguments: Any, calls: Iterator[int] = calls, broken: int = broken, **options: Any) -> Tensor:
            if next(calls) == broken:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(*arguments, **options)

        with patch.object(torch, "zeros", zeros), pytest.raises(torch.OutOfMemoryError):
            store.reserve(capacity + 1)
        assert [tensor.data_ptr() for tensor in (*store.keys, *store.values)] == before
        assert (store.generation, store.capacity) == (generation, capacity)
    store.reserve(capacity + 1)
    assert store.generation == generation + 1
    assert all(torch.equal(tensor[0, :, :5], source) for tensor, source in zip(store.keys, prefix.keys, strict=True))


def test_storage_of_a_fixed_size_refuses_more() -> None:
    store = KeyValues(2, 2, 8, max_rows=4, dtype=torch.float32, device=torch.device("cpu"), own_prefix=True)
    store.allocate(2, 50)
    generation = store.generation
    for rows, length in ((3, 10), (1, 51)):
        with pytest.raises(CapacityExceeded):
            store.reserve(length, rows)
    store.reserve(50, 2)
    assert (store.generation, store.capacity) == (generation, 50)


def test_speech_ends_where_the_fixed_storage_ends_and_others_go_on(parts: Callable[[str], Parts]) -> None:
    model = parts("turbo")
    decoder = make_decoder(model, Recorder())
    one, *others = make_sequences(model, 3)
    longer = Sequence(one.text_ids, one.conditionals, Sampling(temperature=0, max_tokens=1000), torch.Generator())
    too_long = Sequence(one.text_ids.repeat(POSITIONS)[: POSITIONS - 10], one.conditionals, Sampling(), torch.Generator())
    for sequence in (longer, *others, too_long):
        decoder.add(sequence)
    failed: list[Sequence] = []
    while decoder.num_running + decoder.num_waiting:
        try:
            decoder.step()
        except StepFailure as failure:
            failed += failure.sequences
    assert failed == [too_long]
    assert all(sequence.finish_reason in ("stop", "cap") for sequence in (longer, *others))
    assert [sequence.tokens for sequence in others] == direct_tokens(model)[1:3]


# What CUDA is asked for


def test_cuda_captures_share_one_pool_and_one_stream_of_the_models_device() -> None:
    device = torch.device("cuda:1")
    backend = CudaGraphs(device, threading.Lock())
    with patch.multiple(torch.cuda, **{name: MagicMock() for name in ("Stream", "CUDAGraph", "graph", "stream", "current_stream")}):
        with patch.object(torch.cuda, "graph_pool_handle", lambda: "pool"):
            for _ in range(3):
                backend.capture(lambda: None)
        torch.cuda.Stream.assert_called_once_with(device=device)  # type: ignore[attr-defined]
        assert torch.cuda.graph.call_count == 3  # type: ignore[attr-defined]
        for call in torch.cuda.graph.call_args_list:  # type: ignore[attr-defined]
            assert call.kwargs["pool"] == "pool"
            assert call.kwargs["stream"] is torch.cuda.Stream.return_value  # type: ignore[attr-defined]
            assert call.kwargs["capture_error_mode"] == "thread_local"
        assert all(call.args == (device,) for call in torch.cuda.current_stream.call_args_list)  # type: ignore[attr-defined]


def test_a_failed_capture_is_reported_and_its_pool_not_used_again() -> None:
    backend = CudaGraphs(torch.device("cuda:0"), threading.Lock())
    pools = iter("ab")
    with patch.multiple(torch.cuda, **{name: MagicMock() for name in ("Stream", "CUDAGraph", "graph", "stream", "current_stream")}):
        torch.cuda.stream.return_value.__exit__.return_value = False  # type: ignore[attr-defined]
        torch.cuda.graph.return_value.__exit__.return_value = False  # type: ignore[attr-defined]
        with patch.object(torch.cuda, "graph_pool_handle", lambda: next(pools)):
            outcomes = iter([None, RuntimeError("operation would make the legacy stream depend on a capturing stream")])

            def run() -> None:
                outcome = next(outcomes, None)
                if outcome:
                    raise outcome

            with pytest.raises(CaptureFailed, match="legacy stream"):
                backend.capture(run)
            backend.capture(run)
        assert [call.kwargs["pool"] for call in torch.cuda.graph.call_args_list] == ["a", "b"]  # type: ignore[attr-defined]


def test_a_capture_does_not_wait_for_ever_for_the_device() -> None:
    lock = threading.Lock()
    backend = CudaGraphs(torch.device("cuda:0"), lock)
    with lock, patch.object(graph_backend, "LOCK_SECONDS", 0), pytest.raises(CaptureFailed), backend.capturing():
        pass
    assert not lock.locked()
