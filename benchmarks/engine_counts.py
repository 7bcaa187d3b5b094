"""Part e of the engine's benchmark: kernels launched and results read by the host, for a decoding step and for a batch of S3Gen."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.acceptance.stack_sampler import part_of
from benchmarks.checkpoints import family_of
from benchmarks.engine_results import Counts
from benchmarks.launch_counter import LaunchCounter
from benchmarks.texts import Writer
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.controls import sampling_of
from tts_server.engines.chatterbox.memory_plan import sizes_of
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.loading import Parts, load

import torch  # isort: skip
from torch.utils._pytree import tree_leaves  # isort: skip

STEPS = 4
WORDS = 12


class ReplayedGraphs:
    """Stands in for CUDA graphs, also where there are none: a replay runs the captured work and counts as one launch."""

    def __init__(self, counter: LaunchCounter) -> None:
        self._counter = counter

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        yield

    def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        outputs = run()

        def replay() -> None:
            with self._counter.paused():
                for old, new in zip(tree_leaves(outputs), tree_leaves(run()), strict=True):
                    old.copy_(new)
            self._counter.launches[""] += 1

        return replay, outputs

    def synchronize(self) -> None:
        pass


def count(kind: str, folder: Path, mode: str, device: str, *, sequences: int, num_tokens: int) -> Counts:
    """What `sequences` segments of `num_tokens` speech tokens cost at once, as a GPU would run them."""
    parts = load(family_of(kind), folder, device)
    launches, reads = _count_step(parts, mode, sequences, num_tokens)
    flow, vocoder, wave_reads = _count_batch(parts, mode, sequences, num_tokens)
    return Counts(launches, reads, flow, vocoder, wave_reads)


def _count_step(parts: Parts, mode: str, sequences: int, num_tokens: int) -> tuple[float, float]:
    """Launches outside of the graph, with its replay as one, and reads, for one step at full width."""
    family, counter = parts.family, LaunchCounter()
    sizes = sizes_of(family)
    rows = sequences * sizes.rows_per_sequence
    positions = sizes.positions(num_tokens + sequences + STEPS)
    graphs = ReplayedGraphs(counter)
    decoder = T3Decoder(parts.t3, mode=mode, max_rows=rows, max_positions=positions, graphs=True, graph_backend=graphs)
    decoder.warm_up(parts.builtin)
    writer = Writer(1)
    language = "en" if family.is_multilingual else None
    for number in range(sequences):
        text = writer.words(WORDS)
        sampling = sampling_of(family, Utterance(text, parts.builtin, 0, 0, 1.0, language, {}), num_tokens + sequences + STEPS)
        generator = torch.Generator().manual_seed(number)
        decoder.add(Sequence(parts.text_ids(text, language), parts.builtin, sampling, generator, group=number))
    with torch.inference_mode():
        while decoder.num_waiting or decoder.num_running < sequences:
            decoder.step()
        decoder.step()
        with counter:
            for _ in range(STEPS):
                decoder.step()
    return counter.launches.total() / STEPS, counter.reads.total() / STEPS


def _count_batch(parts: Parts, mode: str, sequences: int, num_tokens: int) -> tuple[int, int, int]:
    """Launches of the flow and of the vocoder, and reads, for one batch."""
    counter = LaunchCounter(lambda: part_of(sys._getframe()) or "")
    waves = TokenToWave(parts.s3gen, family=parts.family, mode=mode, watermarker=Watermarker())
    generators = [torch.Generator().manual_seed(number) for number in range(sequences)]
    tokens = [torch.randint(0, 6561, (num_tokens,), generator=generator).tolist() for generator in generators]
    requests = [WaveRequest(one, parts.builtin, generator, True) for one, generator in zip(tokens, generators, strict=True)]
    with torch.inference_mode(), counter:
        for _ in waves.batch(requests):
            pass
    return counter.launches["flow"], counter.launches["vocoder"], counter.reads.total()
