"""The results as Markdown tables."""

from __future__ import annotations

from claims import claims
from results import MIB, OURS, PLAIN, STREAMED, WHOLE, Results
from scale import Scale
from tables import table

AUDIO_RATE_NOTE = (
    "Audio s/s compares less than requests/s: at each edge of a segment this server cuts 0.2-0.4 s of hibari's silence, "
    "which the plain way sends."
)


def report(results: Results, scale: Scale) -> str:
    """All tables as Markdown."""
    lines = [f"Machine: {results.machine}.", "", f"Medians of {scale.rounds} rounds, ratios too; replies are mp3."]
    lines += ["", f"## Short texts: 12 words, all different, {scale.seconds:g} s a cell", "", *load_table(results, scale)]
    lines += ["", AUDIO_RATE_NOTE]
    lines += ["", "## First byte against the length of the text, one client", "", *first_byte_table(results, scale)]
    lines += ["", f"## Start and memory, medians of {scale.starts} starts", "", *memory_table(results)]
    lines += ["", "The plain way's memory is without its ffmpeg children."]
    lines += ["", "## Long texts, streamed by Parlance", "", *long_table(results)]
    tenths = ", ".join(f"{rss / MIB:.0f}" for rss in results.long_streams[-1].rss_by_tenth)
    lines += [
        "",
        f"Memory in MiB at each tenth of the last one: {tenths}. Growth is the median of the last quarter over that of the first.",
    ]
    lines += ["", "## Claims", "", *claim_table(results, scale)]
    return "\n".join(lines)


def load_table(results: Results, scale: Scale) -> list[str]:
    rows = []
    for num_clients in scale.clients:
        for kind in (PLAIN, WHOLE, STREAMED):
            load = results.load(kind, num_clients)
            rows.append(
                [
                    f"{num_clients}",
                    kind,
                    f"{load.requests_per_second:.1f}",
                    f"{results.throughput_ratio(kind, num_clients):.2f}",
                    f"{load.audio_per_second:.0f}",
                    f"{load.cpu_seconds * 1000:.0f}",
                    f"{load.first_byte * 1000:.0f}",
                    f"{load.first_byte_p95 * 1000:.0f}",
                    f"{load.peak_rss / MIB:.0f}",
                ]
            )
    head = [
        "clients",
        "server",
        "requests/s",
        "to plain",
        "audio s/s",
        "CPU ms a request",
        "first byte, ms",
        "95th percentile, ms",
        "peak memory, MiB",
    ]
    return table(head, rows)


def first_byte_table(results: Results, scale: Scale) -> list[str]:
    rows = []
    for num_words in scale.lengths:
        plain, ours = results.first_byte(PLAIN, num_words), results.first_byte(STREAMED, num_words)
        plain_growth, growth = (
            results.first_byte(kind, num_words) / results.first_byte(kind, scale.lengths[0]) for kind in (PLAIN, STREAMED)
        )
        rows.append([f"{num_words}", f"{plain:.0f}", f"{ours:.0f}", f"{ours / plain:.3f}", f"{plain_growth:.1f}", f"{growth:.1f}"])
    return table(["words", f"{PLAIN}, ms", f"{STREAMED}, ms", "to plain", f"growth, {PLAIN}", f"growth, {STREAMED}"], rows)


def memory_table(results: Results) -> list[str]:
    rows = []
    for name, kinds in ((PLAIN, [PLAIN]), (OURS, [WHOLE, STREAMED])):
        peak = max(load.peak_rss for kind in kinds for loads in results.loads[kind].values() for load in loads)
        after = results.rss_after[name]
        rows.append([name, f"{results.start(name):.2f}", f"{results.idle(name):.0f}", f"{peak / MIB:.0f}", f"{after / MIB:.0f}"])
    return table(["server", "start to first answer, s", "idle, MiB", "peak under load, MiB", "idle at the end, MiB"], rows)


def long_table(results: Results) -> list[str]:
    rows = [
        [
            f"{one.characters:,}",
            f"{one.seconds:.1f}",
            f"{one.cpu_seconds:.1f}",
            f"{one.seconds / one.characters * 1e6:.0f}",
            f"{one.audio:.0f}",
            f"{one.audio / one.seconds:.0f}",
            f"{one.first_byte * 1000:.0f}",
            f"{one.peak_rss / MIB:.0f}",
            f"{one.growth / MIB:+.1f}",
        ]
        for one in results.long_streams
    ]
    head = [
        "characters",
        "time, s",
        "CPU, s",
        "µs a character",
        "audio, s",
        "times real time",
        "first byte, ms",
        "peak memory, MiB",
        "growth, MiB",
    ]
    return table(head, rows)


def claim_table(results: Results, scale: Scale) -> list[str]:
    rows = [
        [one.words, one.ours, one.plain, "-" if one.ratio is None else f"{one.ratio:.3g}", one.limit, "PASS" if one.is_met else "FAIL"]
        for one in claims(results, scale)
    ]
    return table(["claim", OURS, PLAIN, "ratio", "must be", "verdict"], rows)
