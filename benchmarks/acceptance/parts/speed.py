"""Audio a second and the time to first audio, for one stream and for many; the shares of the engine's parts."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.acceptance.session import Session
from benchmarks.acceptance.stack_sampler import StackSampler
from benchmarks.acceptance.subject import Spoken
from benchmarks.texts import Writer

WORDS = 24
MANY = 16


def measure(session: Session) -> None:
    """All streams of a step begin together and say one text each."""
    subject = session.subject
    writer = Writer(3)
    num_words = min(WORDS, session.scale.prose_words)
    subject.speak(writer.words(num_words))  # what is computed once: voices, graphs, thread pools
    most = subject.engine.num_parallel
    steps = []
    answered = 0
    sampler = StackSampler()
    for number in [number for number in session.scale.streams if number <= max(2, most)]:
        texts = [writer.words(num_words) for _ in range(number)]
        tokens, began = subject.engine.stats().get("tokens", 0), time.perf_counter()
        with sampler.running():
            spoken = speak_together(session, texts)
        seconds = time.perf_counter() - began
        first = [one.first_audio for one in spoken]
        answered += sum(len(one.samples) > 0 for one in spoken)
        steps.append(
            {
                "streams": number,
                "times real time": sum(one.seconds for one in spoken) / seconds,
                "speech tokens a second": (subject.engine.stats().get("tokens", 0) - tokens) / seconds,
                "first audio, median": statistics.median(first),
                "first audio, 95th percentile": float(np.percentile(first, 95)),
            }
        )
    session.note("steps", steps)
    session.note("shares of the time", sampler.shares)
    session.judge("answered", answered / sum(step["streams"] for step in steps))
    _judge_gpu(session, steps)


def speak_together(session: Session, texts: list[str]) -> list[Spoken]:
    """Several requests at once."""
    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(lambda one: session.subject.speak(one[1], seed=one[0]), enumerate(texts)))


def _judge_gpu(session: Session, steps: list[dict[str, float]]) -> None:
    first = "first_fast" if session.subject.loading.mode == "fast" else "first_exact"
    if not session.subject.is_on_gpu:
        for name in (first, "one", "many"):
            session.skip(name, "no GPU; the threshold is for one")
        return
    session.judge(first, steps[0]["first audio, median"])
    session.judge("one", steps[0]["times real time"])
    if (many := next((step for step in steps if step["streams"] == MANY), None)) is not None:
        session.judge("many", many["times real time"])
    else:
        session.skip("many", f"fewer than {MANY} streams were measured")
