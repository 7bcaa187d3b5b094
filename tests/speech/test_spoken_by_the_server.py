"""What the whole server says, heard by a speech recogniser: every sentence once, in order, and no click where segments meet."""

from __future__ import annotations

import re

import numpy as np
import pytest
import requests
from speech.asr import transcribe, word_error_rate, words
from speech.sentences import SENTENCES
from support.decoded_audio import hear

from tts_server.audio.pcm import SegmentJoiner
from tts_server.speech import SpeechRequest
from tts_server.synthesis import render

ANIMALS = """tiger rabbit monkey elephant dolphin penguin spider camel donkey eagle giraffe turtle lizard hamster parrot pigeon buffalo
leopard lobster octopus panther peacock salmon scorpion squirrel walrus zebra beaver gorilla""".split()
LONG = " ".join(f"After a while the {animal} went home and closed the door." for animal in ANIMALS)


@pytest.mark.speech
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_no_sentence_of_a_long_text_is_missing_or_doubled_or_moved(server, stream):
    reply = requests.post(
        f"{server.url}/v1/audio/speech", json={"input": LONG, "response_format": "wav", "stream": stream, "seed": 1}, timeout=120
    )
    heard = words(transcribe(*_samples(reply.content)))
    named = [animal for animal in re.findall(r"[a-z]+", heard) if animal in ANIMALS]
    assert len(re.findall("went home", heard)) == len(ANIMALS)
    assert named == sorted(named, key=ANIMALS.index), "out of order"
    assert len(named) == len(set(named)), "doubled"
    assert len(named) >= len(ANIMALS) - 2, "missing"


@pytest.mark.speech
@pytest.mark.parametrize("name", ["mp3", "opus", "aac"])
def test_words_survive_the_codec(server, name):
    text = " ".join(SENTENCES[:6])
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": text, "response_format": name, "seed": 1}, timeout=120)
    assert word_error_rate(text, transcribe(*_samples(reply.content))) < 0.12


@pytest.mark.speech
@pytest.mark.parametrize("speed", [0.5, 1.8])
def test_words_survive_a_change_of_tempo(server, speed):
    text = " ".join(SENTENCES[:6])
    reply = requests.post(
        f"{server.url}/v1/audio/speech", json={"input": text, "response_format": "wav", "speed": speed, "seed": 1}, timeout=120
    )
    assert word_error_rate(text, transcribe(*_samples(reply.content))) < 0.12


def _samples(data: bytes) -> tuple[np.ndarray, int]:
    heard = hear(data)
    return heard.samples, heard.rate


class HardCuts(SegmentJoiner):
    """Ends each segment at its loudest sample and fades nothing: what a careless joint sounds like."""

    def process(self, samples):
        return samples[: int(np.argmax(np.abs(samples))) + 1] if len(samples) else samples

    def end_segment(self, pause_after=0.0):
        return np.zeros(int(pause_after * 24000), np.float32)


class Seams:
    """Remembers where each segment begins and ends in the joined stream, by wrapping a joiner."""

    def __init__(self, kind: type[SegmentJoiner]) -> None:
        self.kind = kind
        self.places: list[int] = []

    def __call__(self, rate: int, **options) -> SegmentJoiner:
        joiner = self.kind(rate, **options)
        self.joiner, self.count = joiner, 0
        begin, end = joiner.process, joiner.end_segment

        def process(samples):
            out = begin(samples)
            self.count += len(out)
            return out

        def end_segment(pause_after=0.0):
            out = end(pause_after)
            self.places += [self.count + len(out) - round(pause_after * rate), self.count + len(out)]
            self.count += len(out)
            return out

        joiner.process, joiner.end_segment = process, end_segment  # type: ignore[method-assign]
        return joiner


def loudest_step(server, monkeypatch, kind: type[SegmentJoiner]) -> float:
    """The largest jump between neighbouring samples within a millisecond of a seam."""
    seams = Seams(kind)
    monkeypatch.setattr(render, "SegmentJoiner", seams)
    speech = server.synthesizer.synthesize(SpeechRequest(LONG[:900], voice="onyx", seed=3))
    joined = np.concatenate(list(speech.pcm()))
    assert len(seams.places) >= 6
    steps = np.abs(np.diff(joined, prepend=0.0, append=0.0))
    return float(max(steps[max(0, place - 24) : place + 24].max(initial=0.0) for place in seams.places))


def test_no_click_where_segments_meet_and_a_hard_cut_would_be_found(server, monkeypatch):
    assert loudest_step(server, monkeypatch, SegmentJoiner) < 0.002
    assert loudest_step(server, monkeypatch, HardCuts) > 0.02
