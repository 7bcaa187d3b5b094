"""Simulates many replicas behind one queue, driven by measured step times: `python benchmarks/scale_simulation.py --figures FILE`.

FILE is what `benchmarks/engine.py --json FILE` has written on the machine that a replica stands for; `--speed-up` scales its times, for
a device that was not measured. A discrete-event simulation: each replica shares its device among its sequences, so that a token of each
costs `base + rows * per_row` seconds. Seeds are fixed: the same arguments print the same tables.

What it leaves out: the network between front doors and replicas, whose share `scale_out.py` measures, and reading the text.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from benchmarks.tables import table  # noqa: E402

TOKENS_PER_SECOND = 25
SEGMENT_TOKENS = 250
FIRST_TOKENS = 25
"""A reply is heard once so many tokens are audio."""

PREPARED_VOICES = 64
VOICES = 5000
VOICE_EXPONENT = 1.1
"""Of the Zipf distribution of requests over voices."""

MEAN_SECONDS, SPREAD = 8.0, 0.8
"""Of the log-normal lengths of replies."""

CANDIDATES = 2
"""Replicas that are compared for a request besides those that have its voice."""

SCALING_PERIOD = 10.0


@dataclass(frozen=True)
class StepTimes:
    """Seconds that a token of each of `rows` sequences takes on a replica: `base + rows * per_row`. A voice that is new costs `voice`."""

    base: float
    per_row: float
    voice: float
    max_rows: int

    def token_seconds(self, rows: int) -> float:
        return self.base + rows * self.per_row

    @property
    def capacity(self) -> float:
        """Seconds of audio in a second, with all rows in use."""
        return self.max_rows / self.token_seconds(self.max_rows) / TOKENS_PER_SECOND


@dataclass(frozen=True)
class Scaling:
    """Replicas follow the requests, as Ray Serve does it: one for each `target` of them, after a delay, between two bounds."""

    target: float
    minimum: int
    maximum: int
    start_seconds: float = 60.0
    up_delay: float = 30.0
    down_delay: float = 300.0


@dataclass(frozen=True)
class Scenario:
    """`rate(t)` requests a second for `seconds`; a share of the replicas fails at `fails_at`. Beyond `max_waiting` requests are refused."""

    name: str
    replicas: int
    seconds: float
    rate: Callable[[float], float]
    peak_rate: float
    scaling: Scaling | None = None
    fails_at: float = math.inf
    failing_share: float = 0.0
    max_waiting: int = 100_000


@dataclass(eq=False)
class Request:
    arrived: float
    tokens: float
    voice: int
    done: float = 0.0
    """Tokens that are spoken."""
    start: float = 0.0
    """The replica's clock when its tokens began, less what was done before."""
    first_audio: float | None = None


@dataclass(eq=False)
class Replica:
    """Its `clock` counts the tokens that a sequence which was there all the time would have spoken."""

    running: list[Request] = field(default_factory=list)
    waiting: deque[Request] = field(default_factory=deque)
    voices: OrderedDict[int, None] = field(default_factory=OrderedDict)
    clock: float = 0.0
    updated: float = 0.0
    version: int = 0
    busy_seconds: float = 0.0
    since: float = 0.0
    is_leaving: bool = False

    @property
    def load(self) -> int:
        return len(self.running) + len(self.waiting)


@dataclass
class Outcome:
    """What happened, in seconds and counts."""

    first_audio: list[float] = field(default_factory=list)
    num_finished: int = 0
    num_refused: int = 0
    num_resumed: int = 0
    num_voice_hits: int = 0
    num_placed: int = 0
    audio_seconds: float = 0.0
    replica_seconds: float = 0.0
    busy_seconds: float = 0.0
    most_replicas: int = 0
    ended: float = 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.first_audio)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan


class Simulation:
    """One scenario. `run` gives what happened."""

    def __init__(self, scenario: Scenario, times: StepTimes, seed: int = 1) -> None:
        self._scenario = scenario
        self._times = times
        self._draw = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._replicas: list[Replica] = []
        self._by_voice: dict[int, list[Replica]] = {}
        self._pending: deque[Request] = deque()
        self._num_starting = 0
        self._num_ongoing = 0
        self._wanted_since: tuple[int, float] = (0, 0.0)
        self._outcome = Outcome()
        weights = [1 / (rank + 1) ** VOICE_EXPONENT for rank in range(VOICES)]
        self._voice_weights = list(itertools.accumulate(weights))

    def run(self) -> Outcome:
        for _ in range(self._scenario.replicas):
            self._add_replica(0.0)
        self._at(0.0, self._arrive)
        if self._scenario.scaling is not None:
            self._at(SCALING_PERIOD, self._scale)
        if self._scenario.failing_share:
            self._at(self._scenario.fails_at, self._fail)
        now = 0.0
        while self._events:
            now, _, event = heapq.heappop(self._events)
            event(now)
        self._outcome.ended = now
        for replica in list(self._replicas):
            self._remove(replica, now)
        return self._outcome

    def _at(self, time: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), event))

    # Arrivals, by thinning a Poisson process of the peak rate

    def _arrive(self, now: float) -> None:
        following = now + self._draw.expovariate(self._scenario.peak_rate)
        if following < self._scenario.seconds:
            self._at(following, self._arrive)
        if self._draw.random() * self._scenario.peak_rate > self._scenario.rate(now):
            return
        seconds = MEAN_SECONDS * math.exp(self._draw.gauss(-(SPREAD**2) / 2, SPREAD))
        (voice,) = self._draw.choices(range(VOICES), cum_weights=self._voice_weights)
        self._num_ongoing += 1
        self._place(Request(now, max(FIRST_TOKENS, seconds * TOKENS_PER_SECOND), voice), now)

    def _place(self, request: Request, now: float) -> None:
        """Give a request to the least loaded of a few replicas; one that has its voice wins where it is not busier."""
        replicas = self._replicas
        if not replicas:
            self._refuse_or(self._pending.append, request)
            return
        known = self._by_voice.get(request.voice, [])
        candidates = [self._draw.choice(known) for _ in range(min(CANDIDATES, len(known)))]
        candidates += [self._draw.choice(replicas) for _ in range(CANDIDATES)]
        replica = min(candidates, key=lambda one: (one.load, request.voice not in one.voices))
        self._update(replica, now)
        if len(replica.running) < self._times.max_rows:
            self._begin(replica, request, now)
        else:
            self._refuse_or(replica.waiting.append, request)
        self._plan(replica, now)

    def _refuse_or(self, wait: Callable[[Request], None], request: Request) -> None:
        if self._num_ongoing > self._scenario.max_waiting + len(self._replicas) * self._times.max_rows:
            self._num_ongoing -= 1
            self._outcome.num_refused += 1
        else:
            wait(request)

    def _begin(self, replica: Replica, request: Request, now: float) -> None:
        self._outcome.num_placed += 1
        request.start = replica.clock - request.done
        if request.voice in replica.voices:
            self._outcome.num_voice_hits += 1
            replica.voices.move_to_end(request.voice)
        else:
            # The device prepares the voice while all of its sequences wait, this one too.
            replica.clock -= self._times.voice / self._times.token_seconds(max(1, len(replica.running)))
            replica.voices[request.voice] = None
            self._by_voice.setdefault(request.voice, []).append(replica)
            if len(replica.voices) > PREPARED_VOICES:
                forgotten, _ = replica.voices.popitem(last=False)
                self._by_voice[forgotten].remove(replica)
        replica.running.append(request)

    # A replica's clock

    def _update(self, replica: Replica, now: float) -> None:
        if replica.running:
            elapsed = now - replica.updated
            interval = self._times.token_seconds(len(replica.running))
            before = replica.clock
            replica.clock += elapsed / interval
            replica.busy_seconds += elapsed
            for request in replica.running:
                if request.first_audio is None and replica.clock - request.start >= FIRST_TOKENS - 1e-6:
                    late = max(0.0, replica.clock - max(before, request.start + FIRST_TOKENS)) * interval
                    request.first_audio = now - late
                    self._outcome.first_audio.append(request.first_audio - request.arrived)
        replica.updated = now

    def _plan(self, replica: Replica, now: float) -> None:
        """Wake up when the next sequence has all of its tokens."""
        replica.version += 1
        if not replica.running:
            return
        version = replica.version
        left = min(request.start + request.tokens for request in replica.running) - replica.clock
        when = now + max(left, 0.0) * self._times.token_seconds(len(replica.running))
        self._at(when, lambda time: self._advance(replica, version, time))

    def _advance(self, replica: Replica, version: int, now: float) -> None:
        if version != replica.version:
            return
        self._update(replica, now)
        finished = [request for request in replica.running if replica.clock - request.start >= request.tokens - 1e-6]
        for request in finished:
            replica.running.remove(request)
            self._num_ongoing -= 1
            self._outcome.num_finished += 1
            self._outcome.audio_seconds += request.tokens / TOKENS_PER_SECOND
        while replica.waiting and len(replica.running) < self._times.max_rows:
            self._begin(replica, replica.waiting.popleft(), now)
        self._plan(replica, now)
        if replica.is_leaving and not replica.load:
            self._remove(replica, now)

    # Replicas come and go

    def _add_replica(self, now: float) -> None:
        self._replicas.append(Replica(updated=now, since=now))
        self._outcome.most_replicas = max(self._outcome.most_replicas, len(self._replicas))
        for _ in range(min(len(self._pending), self._times.max_rows)):
            self._place(self._pending.popleft(), now)

    def _remove(self, replica: Replica, now: float) -> None:
        self._update(replica, now)
        self._outcome.replica_seconds += now - replica.since
        self._outcome.busy_seconds += replica.busy_seconds
        if replica in self._replicas:
            self._replicas.remove(replica)
        for voice in replica.voices:
            self._by_voice[voice].remove(replica)
        replica.voices.clear()
        replica.version += 1

    def _fail(self, now: float) -> None:
        """Lose some replicas at once: what their requests have spoken in whole segments stays, the rest is spoken again elsewhere."""
        lost = self._draw.sample(self._replicas, round(self._scenario.failing_share * len(self._replicas)))
        for replica in lost:
            self._update(replica, now)
            for request in replica.running:
                request.done = max(0.0, (replica.clock - request.start) // SEGMENT_TOKENS * SEGMENT_TOKENS)
            requests = [*replica.running, *replica.waiting]
            replica.running.clear()
            replica.waiting.clear()
            self._remove(replica, now)
            self._outcome.num_resumed += len(requests)
            for request in requests:
                self._place(request, now)

    def _scale(self, now: float) -> None:
        scaling = self._scenario.scaling
        assert scaling is not None
        have = len(self._replicas) + self._num_starting
        wanted = min(max(math.ceil(self._num_ongoing / scaling.target), scaling.minimum), scaling.maximum)
        direction = (wanted > have) - (wanted < have)
        if direction != self._wanted_since[0]:
            self._wanted_since = (direction, now)
        waited = now - self._wanted_since[1]
        if direction > 0 and waited >= scaling.up_delay:
            for _ in range(wanted - have):
                self._num_starting += 1
                self._at(now + scaling.start_seconds, self._finish_start)
        elif direction < 0 and waited >= scaling.down_delay:
            for replica in sorted(self._replicas, key=lambda one: one.load)[: have - wanted]:
                self._replicas.remove(replica)
                replica.is_leaving = True
                if not replica.load:
                    self._remove(replica, now)
        if now < self._scenario.seconds or self._num_ongoing:
            self._at(now + SCALING_PERIOD, self._scale)

    def _finish_start(self, now: float) -> None:
        self._num_starting -= 1
        self._add_replica(now)


def read_times(document: dict[str, Any], model: str, mode: str, speed_up: float, max_rows: int) -> StepTimes:
    """The step times of a benchmark's JSON: a line through the steps of 1 and of several rows, and the device's seconds for the audio."""
    steps = {
        row["batch"]: sorted(row["steps"])[len(row["steps"]) // 2]
        for row in document["decoding"]
        if (row["model"], row["way"]) == (model, mode)
    }
    few, many = min(steps), max(steps)
    per_row = (steps[many] - steps[few]) / (many - few)
    (speaking,) = [row for row in document["speaking"] if (row["model"], row["way"], row["batch"]) == (model, mode, many)]
    seconds = sorted(speaking["seconds"])[len(speaking["seconds"]) // 2]
    decoding = steps[many] / many
    wave = max(0.0, seconds / document["num_tokens"] - decoding)
    (voice,) = [row for row in document["voices"] if row["model"] == model]
    prepare = sorted(voice["first"])[len(voice["first"]) // 2]
    base = steps[few] - per_row * few
    return StepTimes(max(0.0, base) / speed_up, (per_row + wave) / speed_up, prepare / speed_up, max_rows)


def scenarios(times: StepTimes, sizes: Sequence[int], seconds: float) -> list[Scenario]:
    """Steady load at 70 % of what the replicas can do, a failure of 5 %, a flash crowd and a day that autoscaling follows."""
    found = []
    for size in sizes:
        rate = 0.7 * size * times.capacity / MEAN_SECONDS
        found.append(Scenario(f"{size} replicas, steady at 70 %", size, seconds, lambda _, rate=rate: rate, rate))
    size = sizes[-1]
    rate = 0.7 * size * times.capacity / MEAN_SECONDS
    found.append(
        Scenario(f"{size} replicas, 5 % fail at once", size, seconds, lambda _: rate, rate, fails_at=seconds / 2, failing_share=0.05)
    )
    crowd = sizes[len(sizes) // 2]
    usual = 0.3 * crowd * times.capacity / MEAN_SECONDS
    scaling = Scaling(target=times.max_rows * 0.6, minimum=max(1, crowd // 2), maximum=crowd * 4)

    def burst(now: float) -> float:
        return usual * (5 if seconds / 4 <= now < seconds / 2 else 1)

    found.append(Scenario(f"{crowd} replicas, five times the load for a while, autoscaled", crowd, seconds, burst, usual * 5, scaling))

    def day(now: float) -> float:
        return usual * (1 + 0.9 * math.sin(2 * math.pi * now / (4 * seconds)))

    found.append(Scenario(f"{crowd} replicas, a wave of load, autoscaled", crowd, 4 * seconds, day, usual * 1.9, scaling))
    return found


def report(runs: Sequence[tuple[Scenario, Outcome]], price: float) -> str:
    """A Markdown table."""
    rows = []
    for scenario, outcome in runs:
        hours = outcome.audio_seconds / 3600
        cost = outcome.replica_seconds / 3600 * price / hours if hours else math.nan
        rows.append(
            [
                scenario.name,
                f"{outcome.num_finished:,}",
                f"{outcome.num_refused:,}",
                f"{outcome.num_resumed:,}",
                *(f"{outcome.percentile(share):.2f}" for share in (0.5, 0.95, 0.99)),
                f"{100 * outcome.busy_seconds / outcome.replica_seconds:.0f} %",
                f"{100 * outcome.num_voice_hits / max(1, outcome.num_placed):.0f} %",
                f"{outcome.most_replicas:,}",
                f"{cost:.3f}",
            ]
        )
    head = [
        "scenario",
        "replies",
        "refused",
        "resumed",
        "first audio p50, s",
        "p95",
        "p99",
        "busy",
        "voice at hand",
        "most replicas",
        "cost of an hour",
    ]
    return "\n".join(table(head, rows))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Simulate many replicas.")
    parser.add_argument("--figures", type=Path, required=True, help="JSON of benchmarks/engine.py")
    parser.add_argument("--model", default="turbo")
    parser.add_argument("--mode", default="fast", choices=("exact", "fast"))
    parser.add_argument("--speed-up", type=float, default=1.0, help="how many times faster a replica is than the measured machine")
    parser.add_argument("--rows", type=int, default=16, help="sequences that a replica works on at once")
    parser.add_argument("--price", type=float, default=1.0, help="of a replica for an hour, in any currency")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=(10, 100, 1000))
    parser.add_argument("--seconds", type=float, default=600.0, help="simulated seconds of arrivals")
    options = parser.parse_args(list(arguments))
    document = json.loads(options.figures.read_text(encoding="utf-8"))
    times = read_times(document, options.model, options.mode, options.speed_up, options.rows)
    print(
        f"{options.model}, {options.mode}: a token of each of n sequences takes "
        f"{times.base * 1000:.2f} + n x {times.per_row * 1000:.2f} ms, a new voice {times.voice:.2f} s; "
        f"{options.rows} at once make {times.capacity:.1f} s of audio in a second.\n"
    )
    print(report([(one, Simulation(one, times).run()) for one in scenarios(times, options.sizes, options.seconds)], options.price))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
