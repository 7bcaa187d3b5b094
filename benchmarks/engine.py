"""Measures the Chatterbox engine beside the stock package, in one process, and prints Markdown tables.

    python benchmarks/engine.py [--models nano,turbo,english] [--modes exact,fast] [--only abcde] [--rounds 3] [--tokens 75] [--json FILE]

The models have their full size and random weights (`checkpoints.py`, written once into the folder --checkpoints): they take the time of
real ones, and say as many speech tokens as they are told. Stock answers one request after another, as it must; we answer all at once.
Measurements alternate between stock and us, so that whatever else the machine does touches both.

    a  text to speech tokens        b  text to watermarked audio
    c  a long text, streamed (Nano) d  what a voice costs, the first time and again
    e  kernels launched and results read, for a decoding step and a batch of S3Gen, as a GPU would run them
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from benchmarks.checkpoints import KINDS, tiny_sizes, write_checkpoint  # noqa: E402
from benchmarks.engine_counts import count  # noqa: E402
from benchmarks.engine_measure import Bench, Scale  # noqa: E402
from benchmarks.engine_report import report  # noqa: E402
from benchmarks.engine_results import Results  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402

import torch  # noqa: E402  isort: skip

MODES = ("exact", "fast")
PARTS = "abcde"


def measure(models: Sequence[str], checkpoints: Path, scale: Scale, *, tiny: bool, say: Callable[[str], None]) -> Results:
    """Run everything; `say` hears what is being done."""
    results = Results(
        f"{describe_machine()}; torch {torch.__version__}, {scale.threads} threads{_gpu(scale.device)}", scale.device, scale.num_tokens
    )
    with tiny_sizes() if tiny else contextlib.nullcontext():
        for kind in models:
            say(f"{kind}: checkpoint")
            folder = checkpoint(kind, checkpoints, tiny=tiny)
            if set(scale.parts) - {"e"}:
                Bench(kind, folder, scale, results, say).run()
            if "e" in scale.parts:
                for mode, batch in itertools.product(scale.modes, scale.batches):
                    say(f"{kind}: counting kernels, {mode}, {batch} at once")
                    figures = count(kind, folder, mode, scale.device, sequences=batch, num_tokens=scale.num_tokens)
                    results.counts[kind, mode, batch] = figures
            gc.collect()
    return results


def checkpoint(kind: str, checkpoints: Path, *, tiny: bool) -> Path:
    """The folder of a model that never stops by itself, written now if it was not before."""
    folder = checkpoints / f"{kind}{'-tiny' if tiny else ''}"
    if not folder.exists():
        half_done = folder.with_name(f"{folder.name}.part")
        write_checkpoint(kind, half_done, tiny=tiny, stop_after=None)
        half_done.rename(folder)
    return folder


def _gpu(device: str) -> str:
    return f", {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else ""


def _names(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(value: str) -> tuple[str, ...]:
        names = tuple(value.split(","))
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return names

    return parse


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the Chatterbox engine beside the stock package.")
    parser.add_argument("--models", type=_names(KINDS), default=("nano", "turbo", "english"), help="default nano,turbo,english")
    parser.add_argument("--modes", type=_names(MODES), default=MODES, help="default exact,fast")
    parser.add_argument("--only", default=PARTS, metavar="PARTS", help="some of the parts a, b, c, d, e (default all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--tokens", type=int, default=75, help="speech tokens of a request (default 75: 3 s)")
    parser.add_argument("--batches", type=lambda value: tuple(map(int, value.split(","))), help="default 1,8; on a GPU 1,16,64")
    parser.add_argument("--stock-requests", type=int, default=2, help="requests to stock in a round of part b (default 2)")
    parser.add_argument("--words", type=int, default=60, help="length of the long text (default 60)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--threads", type=int, default=2, help="of torch (default 2)")
    parser.add_argument("--tiny", action="store_true", help="tiny models: shows that the benchmark works, the figures mean little")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path(tempfile.gettempdir()) / "parlance-checkpoints", help="folder of the models"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all single figures as JSON too")
    parser.add_argument("--results", type=Path, metavar="FILE", help="write what is printed into a file too")
    asked = parser.parse_args(list(arguments))
    asked.batches = asked.batches or ((1, 16, 64) if asked.device.startswith("cuda") else (1, 8))
    if asked.tokens <= max(asked.batches):
        parser.error(f"--tokens must be above {max(asked.batches)}: requests start one after the other, and must be at work all together")
    return asked


def run(asked: argparse.Namespace, parts: str) -> Results:
    """Measure some of the parts as the options say."""
    torch.set_num_threads(asked.threads)
    scale = Scale(
        rounds=asked.rounds,
        num_tokens=asked.tokens,
        batches=asked.batches,
        num_stock=asked.stock_requests,
        long_text=asked.words,
        modes=asked.modes,
        parts=parts,
        device=asked.device,
        threads=asked.threads,
        with_graphs=asked.device.startswith("cuda"),
    )
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:4.0f} s] {words}", file=sys.stderr, flush=True)

    return measure(asked.models, asked.checkpoints, scale, tiny=asked.tiny, say=say)


def main(arguments: Sequence[str]) -> int:
    """Measure and print. The exit code says whether the run was complete, not whether the claims were met."""
    asked = options(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    began = time.perf_counter()
    results = run(asked, asked.only)
    text = report(results, asked.rounds) + f"\n\nThe run took {time.perf_counter() - began:.0f} s."
    print(text)
    if asked.results:
        asked.results.write_text(text + "\n", encoding="utf-8")
    if asked.json:
        asked.json.write_text(json.dumps(results.document(), indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
