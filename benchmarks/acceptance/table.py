"""The parts of the acceptance in the order in which they run, and what each figure must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.acceptance.checks import YES_OR_NO, Needs, Threshold
from benchmarks.acceptance.parts import (
    bad_weather,
    batching,
    device,
    devices_compared,
    fast_mode,
    files,
    hard_texts,
    long_text,
    memory,
    pace,
    retries,
    speed,
    stock_equality,
    voices,
    watermark,
    words,
)
from benchmarks.acceptance.session import Session

SIZE, TRAINED = Needs.FULL_SIZE, Needs.TRAINED_WEIGHTS


@dataclass(frozen=True)
class Part:
    """One part: its name on the command line, what it is about, and its thresholds by the names that its module uses."""

    name: str
    title: str
    measure: Callable[[Session], None]
    thresholds: Mapping[str, Threshold]


PARTS = (
    Part(
        "files",
        "Files",
        files.measure,
        {
            "missing": Threshold("files that are missing", at_most=0),
            "contents": Threshold("files whose size or sha256 differs from the known one", at_most=0),
            "segmenter": Threshold("the Chinese word segmenter is there", YES_OR_NO, at_least=1, needs=TRAINED),
            "t3_tensors": Threshold("T3 has the published number of tensors", YES_OR_NO, at_least=1, needs=SIZE),
            "s3gen_tensors": Threshold("S3Gen has the published number of tensors", YES_OR_NO, at_least=1, needs=SIZE),
            "voice": Threshold("the model's own voice is there", YES_OR_NO, at_least=1),
            "vocabulary": Threshold("text tokens", at_least=files.TEXT_TOKENS, at_most=files.TEXT_TOKENS, needs=SIZE),
            "tags": Threshold("tags that are one token", "%", at_least=1),
        },
    ),
    Part(
        "device",
        "Device",
        device.measure,
        {
            "follows": Threshold("another text gives other tokens", YES_OR_NO, at_least=1),
            "repeats": Threshold("the same text and seed give the same tokens", YES_OR_NO, at_least=1),
        },
    ),
    Part(
        "batching",
        "A batch against each alone, graphs against none",
        batching.measure,
        {
            "together": Threshold("sequences with the same tokens together as alone", "%", at_least=1),
            "joining": Threshold("sequences with the same tokens when they join one after the other", "%", at_least=1),
            "graphs": Threshold("sequences with the same tokens with CUDA graphs as without", "%", at_least=1),
        },
    ),
    Part(
        "stock",
        "Exact mode against the stock package, on the CPU",
        stock_equality.measure,
        {
            "length": Threshold("difference in length", "samples", at_most=stock_equality.WATERMARK_SAMPLES),
            "samples": Threshold("largest difference of a sample", at_most=1e-3),
        },
    ),
    Part(
        "gpu",
        "The GPU against the CPU",
        devices_compared.measure,
        {
            "logits": Threshold("largest difference of logits, float32", at_most=2e-2),
            "top1": Threshold("steps with the same likeliest token, bfloat16", "%", at_least=0.97, needs=TRAINED),
            "divergence": Threshold("KL divergence of a step, bfloat16", at_most=0.02, needs=TRAINED),
            "audio": Threshold("spectrum of the same seed, exact mode", "dB", at_least=30),
        },
    ),
    Part(
        "memory",
        "Memory",
        memory.measure,
        {
            "many": Threshold("largest use to the plan's", at_most=1.1, needs=SIZE),
            "unloaded": Threshold("memory that is not given back", "GB", at_most=0.3),
        },
    ),
    Part(
        "words",
        "Words",
        words.measure,
        {
            "wer_en": Threshold("word error rate", "%", at_most=0.05, needs=TRAINED),
            "wer": Threshold("word error rate", "%", at_most=0.10, needs=TRAINED),
            "cer": Threshold("character error rate", "%", at_most=0.08, needs=TRAINED),
            "tails": Threshold("sentences whose last words were not heard", at_most=0, needs=TRAINED),
        },
    ),
    Part(
        "hard",
        "Hard texts",
        hard_texts.measure,
        {
            "heard": Threshold("words that were heard", "%", at_least=0.90, needs=TRAINED),
            "length": Threshold("longest segment to its usual length", at_most=2, needs=TRAINED),
        },
    ),
    Part(
        "long",
        "A long text",
        long_text.measure,
        {
            "wer": Threshold("error rate", "%", at_most=0.05, needs=TRAINED),
            "loudness": Threshold("loudest segment above the quietest", "dB", at_most=3, needs=TRAINED),
            "voice": Threshold("least similarity of a segment's voice to the first's", at_least=0.80, needs=TRAINED),
            "silence": Threshold("longest inner silence", "s", at_most=1.2, needs=TRAINED),
            "tails": Threshold("loudest last 0.1 s of a segment, to its loudness", "dB", at_most=-12, needs=TRAINED),
        },
    ),
    Part(
        "voices",
        "Cloned voices",
        voices.measure,
        {
            "similarity": Threshold("similarity to the clip", at_least=0.75, needs=TRAINED),
            "to_stock": Threshold("similarity to the clip, above the stock package's", at_least=-0.02, needs=TRAINED),
        },
    ),
    Part(
        "pace",
        "Length of segments against what is expected",
        pace.measure,
        {
            "fast": Threshold("segments that the engine would call too short", "%", at_most=0.01, needs=TRAINED),
            "slow": Threshold("segments that the engine would call too long", "%", at_most=0.01, needs=TRAINED),
        },
    ),
    Part(
        "retries",
        "Segments made again",
        retries.measure,
        {"retried": Threshold("share of segments", "%", at_most=0.03, needs=TRAINED)},
    ),
    Part(
        "speed",
        "Speed",
        speed.measure,
        {
            "answered": Threshold("requests that were answered with audio", "%", at_least=1),
            "first_exact": Threshold("first audio of one stream, exact", "s", at_most=0.8, needs=SIZE),
            "first_fast": Threshold("first audio of one stream, fast", "s", at_most=0.25, needs=SIZE),
            "one": Threshold("times real time, one stream", at_least=5, needs=SIZE),
            "many": Threshold(f"times real time, {speed.MANY} streams", at_least=15, needs=SIZE),
        },
    ),
    Part(
        "weather",
        "Disturbances",
        bad_weather.measure,
        {
            "cloning": Threshold("requests that fail while a voice is cloned", at_most=0),
            "second": Threshold("requests that fail while a second model is loaded and speaks", at_most=0),
            "ballast": Threshold("requests that fail other than as unavailable while memory is full", at_most=0),
            "same": Threshold("requests with the same audio afterwards", "%", at_least=1),
        },
    ),
    Part(
        "fast",
        "Fast mode",
        fast_mode.measure,
        {
            "words": Threshold("word error rate above exact mode's", "%", at_most=0.01, needs=TRAINED),
            "voice": Threshold("similarity of the voice to exact mode's", at_least=0.75, needs=TRAINED),
            "joints": Threshold("joints of blocks more abrupt than 99 % of other places", "%", at_most=0.05, needs=TRAINED),
        },
    ),
    Part(
        "watermark",
        "Watermark",
        watermark.measure,
        {
            "plain": Threshold("least detection in a file", at_least=0.9),
            "mp3": Threshold(f"least detection after MP3 at {watermark.MP3_KILOBITS} kbit/s", at_least=0.9, needs=TRAINED),
        },
    ),
)

NAMES = tuple(part.name for part in PARTS)
