"""What was measured of the engine, as Markdown tables."""

from __future__ import annotations

import statistics

from benchmarks.engine_results import STOCK, Counts, Results, claims, ratio
from benchmarks.tables import table


def report(results: Results, rounds: int) -> str:
    """All tables of what was measured."""
    lines = [
        f"Machine: {results.machine}.",
        "",
        f"Medians of {rounds} rounds, ratios too. Each request says {results.num_tokens} speech tokens.",
    ]
    for title, rows in (
        ("Text to speech tokens (T3 alone)", decoding_table(results)),
        ("Text to watermarked audio", speaking_table(results)),
        ("A long text, streamed", long_table(results)),
        ("What a voice costs", voice_table(results)),
        ("What a GPU is given to do", count_table(results)),
        ("Claims", claim_table(results)),
    ):
        if len(rows) > 2:
            lines += ["", f"### {title}", "", *rows]
    return "\n".join(lines)


def decoding_table(results: Results) -> list[str]:
    rows = []
    for (model, way, batch), one in results.decoding.items():
        stock = results.decoding[model, STOCK, 1]
        steps = ratio(stock.steps, one.steps) * batch
        rows.append([model, way, f"{batch}", f"{one.rate:.1f}", f"{ratio(one.rates, stock.rates):.2f}", _ms(one.step), f"{steps:.2f}"])
    return table(["model", "way", "at once", "tokens/s", "to stock", "step, ms", "tokens/s of the steps alone, to stock"], rows)


def speaking_table(results: Results) -> list[str]:
    rows = []
    for (model, way, batch), one in results.speaking.items():
        stock = results.speaking[model, STOCK, 1]
        seconds, first = statistics.median(one.seconds), statistics.median(one.first_audio)
        audio = results.num_tokens / 25
        rows.append(
            [model, way, f"{batch}", f"{seconds:.2f}", f"{audio / seconds:.2f}", f"{ratio(stock.seconds, one.seconds):.2f}", f"{first:.2f}"]
        )
    return table(["model", "way", "at once", "s a request", "audio s/s", "times stock", "first audio, s"], rows)


def long_table(results: Results) -> list[str]:
    rows = []
    for (model, way), one in results.long_texts.items():
        stock = results.long_texts[model, STOCK]
        first, whole = statistics.median(one.first_audio), statistics.median(one.whole)
        rows.append(
            [
                model,
                way,
                f"{first:.2f}",
                f"{ratio(one.first_audio, stock.whole):.3f}",
                f"{whole:.1f}",
                f"{ratio(one.whole, stock.whole):.2f}",
            ]
        )
    return table(["model", "way", "first audio, s", "to stock's whole", "whole, s", "to stock"], rows)


def voice_table(results: Results) -> list[str]:
    rows = [
        [model, *(_ms(statistics.median(figures)) for figures in (one.stock, one.first, one.from_disk, one.second))]
        for model, one in results.voices.items()
    ]
    return table(["model", "stock, each time, ms", "first use, ms", "after a restart, ms", "second use, to T3's queue, ms"], rows)


def count_table(results: Results) -> list[str]:
    rows = [
        [model, way, f"{batch}", f"{one.step_launches:.0f}", f"{one.step_reads:.0f}", *(f"{number}" for number in _of_batch(one))]
        for (model, way, batch), one in results.counts.items()
    ]
    head = ["model", "way", "at once", "kernels a step, beside its graph", "reads a step"]
    return table([*head, "kernels of the flow, a batch", "kernels of the vocoder, a batch", "reads a batch"], rows)


def claim_table(results: Results) -> list[str]:
    rows = [[one.words, one.measured, one.limit, "PASS" if one.is_met else "FAIL"] for one in claims(results)]
    return table(["claim", "measured", "must be", "verdict"], rows)


def _of_batch(counts: Counts) -> tuple[int, int, int]:
    return counts.flow_launches, counts.vocoder_launches, counts.batch_reads


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.{1 if seconds > 0.01 else 2}f}"
