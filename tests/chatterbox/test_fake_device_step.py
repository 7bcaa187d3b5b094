"""A decoding step of T3 on a second CUDA device: what it launches outside of its graphs, and how often the host waits for it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import unset_fake_temporarily

from benchmarks.fake_device import FAKE_DEVICE, fake_device, move_to
from benchmarks.launch_counter import LaunchCounter
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.weights.loading import Parts

MAX_LAUNCHES = 20
POSITIONS = 500

FORMATS = pytest.mark.parametrize(
    ("mode", "dtype"),
    [("exact", torch.float32), ("fast", torch.bfloat16)],
    ids=["exact", "fast"],
)


class Graphs:
    """Records what is captured; a replay counts as one launch. There are no values to compute again."""

    def __init__(self, counter: LaunchCounter) -> None:
        self.counter = counter
        self.devices: set[torch.device] = set()
        self.num_captured = 0

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        yield

    def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        output = run()
        self.num_captured += 1
        self.devices.add(output.device)

        def replay() -> None:
            self.counter.launches[""] += 1

        return replay, output

    def is_true(self, condition: Tensor) -> bool:
        assert condition.device == FAKE_DEVICE  # what it holds, a fake device cannot say
        return True


class Steps:
    """A decoder on the fake device, and what its steps cost. Used inside of `fake_device`."""

    def __init__(self, parts: Parts, t3: torch.nn.Module, mode: str, max_rows: int) -> None:
        self._parts = parts
        self.counter = LaunchCounter(device_type="cuda")
        self.graphs = Graphs(self.counter)
        self.num_reads = 0
        self.batches: list[int] = []
        self.decoder = T3Decoder(
            move_to(FAKE_DEVICE, t3),
            mode=mode,
            max_rows=max_rows,
            max_positions=POSITIONS,
            graphs=True,
            graph_backend=self.graphs,
            read=self._read,
        )
        self.decoder.warm_up()

    def _read(self, tokens: Tensor) -> list[int]:
        assert tokens.device == FAKE_DEVICE
        self.num_reads += 1
        self.batches.append(len(tokens))
        return [5 + number % 7 for number in range(len(tokens))]

    def add(self, number: int, **options: Any) -> Sequence:
        length = 6 + number % 20
        generator = torch.Generator().manual_seed(number)
        sequence = Sequence(torch.empty(0), self._parts.builtin, Sampling(**options), generator, group=number)  # type: ignore[arg-type]
        with unset_fake_temporarily():  # what may be added is decided by values
            sequence.text_ids = torch.ones(length, dtype=torch.int64)
            self.decoder.add(sequence)
        sequence.text_ids = torch.ones(length, dtype=torch.int64)
        return sequence

    def step(self) -> None:
        with self.counter:
            self.decoder.step()

    def cost_of_a_step(self) -> tuple[int, int]:
        """Launches, and reads of a value by the host; any other read raises on a fake device."""
        self.counter.launches.clear()
        self.num_reads = 0
        self.step()
        assert not self.counter.reads
        return self.counter.launches.total(), self.num_reads


@contextlib.contextmanager
def fake_steps(parts: Parts, mode: str, dtype: torch.dtype, max_rows: int) -> Iterator[Steps]:
    with torch.inference_mode():
        t3 = copy.deepcopy(parts.t3).to(dtype)
    with torch.inference_mode(), fake_device():
        yield Steps(parts, t3, mode, max_rows)


@pytest.mark.parametrize("max_rows", [2, 48, 128])
def test_a_step_launches_little_and_waits_once_whatever_the_number_of_rows(parts: Callable[[str], Parts], kind: str, max_rows: int) -> None:
    mode, dtype = ("exact", torch.float32) if max_rows == 48 else ("fast", torch.bfloat16)
    with fake_steps(parts(kind), mode, dtype, max_rows) as steps:
        is_guided = kind in ("english", "multilingual")
        for number in range(max_rows // (2 if is_guided else 1)):
            # Temperatures, penalties and filters that differ from row to row.
            steps.add(number, temperature=0.5 + number % 3 / 5, top_p=1 - number % 4 / 10, min_p=number % 2 / 20, repetition_penalty=1.2)
        while steps.decoder.num_waiting:
            steps.step()
        steps.step()
        assert steps.decoder.num_rows == max_rows
        for _ in range(3):
            launches, reads = steps.cost_of_a_step()
            print(launches, reads)
        assert (launches <= MAX_LAUNCHES, reads) == (True, 1), launches
        assert steps.graphs.devices == {FAKE_DEVICE}


@FORMATS
def test_sequences_that_come_and_go_stay_on_their_device(parts: Callable[[str], Parts], kind: str, mode: str, dtype: torch.dtype) -> None:
    with fake_steps(parts(kind), mode, dtype, 8) as steps:
        sequences = [steps.add(number, max_tokens=2 + number % 5) for number in range(12)]
        while steps.decoder.num_running + steps.decoder.num_waiting:
            assert steps.cost_of_a_step()[1] == 1
        assert {sequence.finish_reason for sequence in sequences} == {"cap"}
        assert max(steps.batches) >= 4
        if kind == "multilingual":
            assert {sequence.coverage.device for sequence in sequences if sequence.coverage is not None} == {FAKE_DEVICE}


def test_many_sequences_start_in_one_step_on_a_gpu(parts: Callable[[str], Parts]) -> None:
    """Reading texts takes a GPU little longer than a step, so a burst need not wait for one step each."""
    with fake_steps(parts("turbo"), "fast", torch.bfloat16, 128) as steps:
        for number in range(128):
            steps.add(number)
        num_steps = 0
        while steps.decoder.num_waiting:
            steps.step()
            num_steps += 1
        assert num_steps <= 16
