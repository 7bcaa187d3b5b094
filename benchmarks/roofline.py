"""Holds the measured steps of T3 against the machine: the bytes that a step reads over the memory's bandwidth, and its arithmetic over the
speed of the same kernels on large matrices. The larger of the two is the limit.

    python benchmarks/roofline.py [--json FILE] [--device cuda] [--threads 2]

FILE is what `engine.py --json` has written on this machine; without it, part a of that benchmark runs now, with its other options.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from benchmarks import engine  # noqa: E402
from benchmarks.engine_measure import CLIPS  # noqa: E402
from benchmarks.engine_results import STOCK  # noqa: E402
from benchmarks.tables import table  # noqa: E402
from tts_server.engines.chatterbox.weights.linear import Packing  # noqa: E402

import torch  # noqa: E402  isort: skip

WEIGHT_BYTES = {"float32": (4, 4), "int8": (1, 2), "bfloat16": (2, 2), "float16": (2, 2)}
"""By the name of a packing: bytes of a weight of the layers, and of the speech head."""

NUMBER_BYTES = {"int8": 4}
"""Of the kept keys and values, where it is not that of the weights."""

TEXT_POSITIONS = 20
"""Of the benchmark's texts, about."""

READ_BYTES = 2**29
MATRIX = 2048
NUM_ROWS = 512
NUM_TIMES = 5


def bandwidth(device: torch.device) -> float:
    """Bytes/s that the device reads from its memory, from large sums."""
    numbers = torch.ones(READ_BYTES // 4, device=device)
    return READ_BYTES / _best_seconds(lambda: numbers.sum(), device)


def throughput(packing: Packing, device: torch.device, dtype: torch.dtype) -> float:
    """Multiplications and additions in a second that the kernels of a packing do on large matrices."""
    linear = packing.body(torch.rand(MATRIX, MATRIX, device=device, dtype=dtype) - 0.5, torch.zeros(MATRIX, device=device, dtype=dtype))
    x = torch.rand(NUM_ROWS, MATRIX, device=device, dtype=dtype)
    return 2.0 * MATRIX * MATRIX * NUM_ROWS / _best_seconds(lambda: linear(x), device)


def _best_seconds(action: Callable[[], object], device: torch.device) -> float:
    seconds = []
    with torch.inference_mode():
        for _ in range(NUM_TIMES + 1):
            _wait(device)
            began = time.perf_counter()
            action()
            _wait(device)
            seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def work(backbone: dict[str, float], packing: str, batch: int, num_tokens: int, *, shares_prefix: bool) -> tuple[float, float]:
    """(bytes read, operations) of one step in the middle of its speech. Rows of one voice may share its prefix."""
    body, head = WEIGHT_BYTES[packing]
    rows = batch * backbone["rows"]
    suffixes = rows * (TEXT_POSITIONS + num_tokens / 2)
    prefixes = backbone["prefix"] * (min(batch, len(CLIPS)) if shares_prefix else rows)
    kept = backbone["kept"] * NUMBER_BYTES.get(packing, body) * (suffixes + prefixes)
    weights = backbone["body"] * body + backbone["head"] * head
    heard = backbone["kept"] * (suffixes + rows * backbone["prefix"])
    return weights + kept, 2 * rows * (backbone["body"] + backbone["head"]) + 2 * heard


def roofline(document: dict[str, Any], device: torch.device, dtype: torch.dtype) -> list[str]:
    """The Markdown table."""
    bytes_per_second = bandwidth(device)
    modes = sorted({one["way"].partition(",")[0] for one in document["decoding"]} - {STOCK})
    packings = {mode: Packing.choose(device, dtype, mode) for mode in modes}
    speeds = {mode: throughput(packing, device, dtype) for mode, packing in packings.items()}
    lines = [f"Memory is read at {bytes_per_second / 1e9:.1f} GB/s by large sums. Large matrices are multiplied at"]
    lines[0] += " " + ", ".join(f"{speed / 1e9:,.0f} GFLOP/s ({mode}: {packings[mode].name})" for mode, speed in speeds.items()) + "."
    rows = []
    for one in document["decoding"]:
        mode, _, graphs = one["way"].partition(",")
        if mode == STOCK:
            continue
        shares = device.type == "cpu" or bool(graphs)
        backbone = document["backbones"][one["model"]]
        read, operations = work(backbone, packings[mode].name, one["batch"], document["num_tokens"], shares_prefix=shares)
        memory, arithmetic = read / bytes_per_second, operations / speeds[mode]
        step = statistics.median(one["steps"])
        rows.append(
            [
                one["model"],
                one["way"],
                f"{one['batch']}",
                f"{step * 1000:.2f}",
                f"{read / 1e6:.0f}",
                f"{memory * 1000:.2f}",
                f"{operations / 1e9:.2f}",
                f"{arithmetic * 1000:.2f}",
                f"{step / max(memory, arithmetic):.1f}",
            ]
        )
    head = ["model", "mode", "at once", "step, ms", "MB read", "their ms", "GFLOP", "their ms", "step to limit"]
    return [*lines, "", *table(head, rows)]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Hold the measured steps of T3 against the machine.", add_help=False)
    parser.add_argument("--json", type=Path, metavar="FILE")
    own, others = parser.parse_known_args(list(arguments))
    asked = engine.options(others)
    torch.set_num_threads(asked.threads)
    if own.json:
        document = json.loads(own.json.read_text(encoding="utf-8"))
    else:
        document = engine.run(asked, parts="a").document()
    print("\n".join(roofline(document, torch.device(document["device"]), torch.float32)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
