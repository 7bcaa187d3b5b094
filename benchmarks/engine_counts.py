"""Part e of the engine's benchmark: kernels launched and results read by the host, for a decoding step and for a batch of S3Gen."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.acceptance.stack_sampler import part_of
from benchmarks.checkpoints import family_of
from benchmarks.engine_results import Counts
from benchmarks.fake_device import fake_device, move_to
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
from torch._subclasses.fake_tensor import unset_fake_temporarily  # isort: skip

STEPS = 4
WORDS = 12


class CountedGraphs:
    """Stands in for CUDA graphs on a fake device, whose tensors hold no values to compute again: a replay counts as one launch."""

    def __init__(self, counter: LaunchCounter) -> None:
        self._counter = counter

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        yield

    def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        output = run()

        def replay() -> None:
            self._counter.launches[""] += 1

        return replay, output

    def is_true(self, condition: torch.Tensor) -> bool:
        return True


def count(kind: str, folder: Path, mode: str, device: str, *, sequences: int, num_tokens: int) -> Counts:
    """What `sequences` segments of `num_tokens` speech tokens cost at once, as a GPU would run them."""
    parts = load(family_of(kind), folder, device)
    launches, reads = _count_step(parts, mode, sequences, num_tokens)
    flow, vocoder, wave_reads = _count_batch(parts, mode, sequences, num_tokens)
    return Counts(launches, reads, flow, vocoder, wave_reads)


def _count_step(parts: Parts, mode: str, sequences: int, num_tokens: int) -> tuple[float, float]:
    """Launches outside of the graphs, with each replay as one, and reads, for one step at full width on a fake CUDA device."""
    family, counter = parts.family, LaunchCounter(device_type="cuda")
    sizes = sizes_of(family)
    positions = sizes.positions(num_tokens + sequences + STEPS)
    language = "en" if family.is_multilingual else None
    writer = Writer(1)
    texts = [writer.words(WORDS) for _ in range(sequences)]
    sampling = sampling_of(family, Utterance(texts[0], parts.builtin, 0, 0, 1.0, language, {}), num_tokens + sequences + STEPS)
    ids = [parts.text_ids(text, language) for text in texts]

    def read(tokens: torch.Tensor) -> list[int]:
        counter.reads[""] += 1
        return [1] * len(tokens)

    with torch.inference_mode():
        t3 = copy.deepcopy(parts.t3).to(torch.bfloat16 if mode == "fast" else torch.float32)
    with torch.inference_mode(), fake_device() as device:
        decoder = T3Decoder(
            move_to(device, t3),
            mode=mode,
            max_rows=sequences * sizes.rows_per_sequence,
            max_positions=positions,
            graphs=True,
            graph_backend=CountedGraphs(counter),
            read=read,
        )
        decoder.warm_up()
        for number, text_ids in enumerate(ids):
            sequence = Sequence(text_ids, parts.builtin, sampling, torch.Generator().manual_seed(number), group=number)
            with unset_fake_temporarily():  # what may be added is decided by values
                decoder.add(sequence)
            sequence.text_ids = torch.ones(len(text_ids), dtype=torch.int64)
        while decoder.num_waiting or decoder.num_running < sequences:
            decoder.step()
        decoder.step()
        counter.launches.clear()
        counter.reads.clear()
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
