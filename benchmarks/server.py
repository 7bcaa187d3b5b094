"""Measures this server beside the plain way of serving speech, in one run, and prints Markdown tables.

    python benchmarks/server.py [--rounds 3] [--quick] [--json FILE] [--start "./run.sh"]

Both servers are child processes on free ports of this machine, both speak with the same voice, and this process is their only
client. Measurements alternate between them, so that whatever else the machine does touches both; tables hold medians of the
rounds. The plain way (`plain_server.py`) speaks the whole text at once, writes a WAV file and runs an ffmpeg child on it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from claims import claims  # noqa: E402
from load import run_load  # noqa: E402
from long_stream import stream_long  # noqa: E402
from machine import describe_machine  # noqa: E402
from reply import speak_once  # noqa: E402
from report import report  # noqa: E402
from results import OURS, PLAIN, STREAMED, WHOLE, Results  # noqa: E402
from scale import QUICK, Scale  # noqa: E402
from server_process import PROJECT, running  # noqa: E402
from texts import Writer  # noqa: E402

PLAIN_COMMAND = [sys.executable, str(PROJECT / "benchmarks" / "plain_server.py")]
OUR_COMMAND = [sys.executable, "-m", "tts_server", "serve"]

REST_SECONDS = 4.0
"""Both servers are left alone for so long before their memory at the end is read: ours gives free memory back once it is idle."""


def measure(scale: Scale, start: Sequence[str], say: Callable[[str], None]) -> Results:
    """Run everything; `say` hears what is being done."""
    results = Results(describe_machine())
    with contextlib.ExitStack() as stack:
        for number in range(scale.starts):
            say(f"start {number + 1} of {scale.starts}")
            servers = {}
            for name, command in ((PLAIN, PLAIN_COMMAND), (OURS, start)):
                with contextlib.ExitStack() as one:
                    servers[name] = one.enter_context(running(name, command))
                    results.start_seconds.setdefault(name, []).append(servers[name].start_seconds)
                    results.idle_rss.setdefault(name, []).append(servers[name].idle_rss)
                    if number == scale.starts - 1:
                        stack.push(one.pop_all())
        plain, ours = servers[PLAIN], servers[OURS]
        kinds = ((PLAIN, plain, False), (WHOLE, ours, False), (STREAMED, ours, True))
        writer = Writer(1)
        for name, server, is_streamed in kinds:
            say(f"warm up: {name}")
            run_load(server, writer, 4, 0.0, 0.5, is_streamed=is_streamed)
        for number in range(scale.rounds):
            order = kinds if number % 2 == 0 else kinds[::-1]
            for num_clients in scale.clients:
                for name, server, is_streamed in order:
                    say(f"round {number + 1} of {scale.rounds}: {num_clients} clients, {name}")
                    load = run_load(server, writer, num_clients, scale.ramp, scale.seconds, is_streamed=is_streamed)
                    results.loads.setdefault(name, {}).setdefault(num_clients, []).append(load)
            for num_words in scale.lengths:
                say(f"round {number + 1} of {scale.rounds}: {num_words} words")
                for name, server, is_streamed in order:
                    if name == WHOLE:
                        continue
                    reply = speak_once(server, writer.words(num_words), is_streamed=is_streamed)
                    results.first_bytes.setdefault(name, {}).setdefault(num_words, []).append(reply.first_byte)
        for characters in scale.long_texts:
            say(f"a text of {characters:,} characters")
            results.long_streams.append(stream_long(ours, writer.characters(characters)))
        say(f"{REST_SECONDS:g} s of rest")
        time.sleep(REST_SECONDS)
        results.rss_after = {name: server.rss for name, server in servers.items()}
    return results


def main(arguments: Sequence[str]) -> int:
    """Measure and print. The exit code says whether the run was complete, not whether the claims were met."""
    parser = argparse.ArgumentParser(description="Measure this server beside the plain way of serving speech.")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: shows that the benchmark works, the figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all single figures as JSON too")
    parser.add_argument("--start", default=shlex.join(OUR_COMMAND), help="command that starts the server (default: -m tts_server serve)")
    options = parser.parse_args(list(arguments))
    scale = QUICK if options.quick else Scale(options.rounds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:4.0f} s] {words}", file=sys.stderr, flush=True)

    results = measure(scale, shlex.split(options.start), say)
    print(report(results, scale))
    print(f"\nThe run took {time.perf_counter() - began:.0f} s.")
    if options.json:
        document = {**asdict(results), "claims": [asdict(claim) for claim in claims(results, scale)]}
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
