"""The measurements of the engine: one model, stock and ours in turns."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.engine_ours import OurWay
from benchmarks.engine_results import STOCK, Decoding, LongText, Results, Speaking, VoiceUse
from benchmarks.engine_stock import StockWay
from benchmarks.texts import Writer
from tts_server.audio.decode import decode_clip
from tts_server.engines.chatterbox.fresh_thread import in_fresh_thread
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices

PROJECT = Path(__file__).resolve().parent.parent
CLIPS = tuple(PROJECT / "voices" / "standard" / f"{name}.flac" for name in ("harbor", "meadow"))
"""Two voices of 8.9 seconds."""

TOKENS_PER_WORD = 10
"""150 words a minute."""

WORDS = 12

SECOND_USES = 5
"""In a round: each takes a moment only."""


@dataclass(frozen=True)
class Scale:
    """How much is measured, and what."""

    rounds: int
    num_tokens: int
    batches: tuple[int, ...]
    num_stock: int
    """Requests that stock is asked for, one after another; the next would take as long as these."""
    long_text: int
    """Words."""
    modes: tuple[str, ...]
    parts: str
    device: str
    threads: int
    with_graphs: bool = False


class Bench:
    """One model, loaded by stock and by us in each mode. `say` hears what is being done.

    Stock and T3 alone have a thread to themselves for each measurement, and so never another team of workers beside theirs: see
    `fresh_thread`.
    """

    def __init__(self, kind: str, folder: Path, scale: Scale, results: Results, say: Callable[[str], None]) -> None:
        self._kind = kind
        self._scale = scale
        self._results = results
        self._say = lambda words: say(f"{kind}: {words}")
        self._writer = Writer(1)
        self._references = [decode_clip(clip.read_bytes()) for clip in CLIPS]
        self._say("loading stock")
        self._stock = in_fresh_thread(partial(StockWay, kind, folder, scale.device))
        self._stock_voices = []
        for clip in CLIPS:
            in_fresh_thread(partial(self._stock.prepare, clip))
            self._stock_voices.append(self._stock.voice)
        self._ours: dict[str, OurWay] = {}
        for mode in scale.modes:
            for name, settings in _variants(mode, scale):
                self._say(f"loading ours, {name}")
                options = {"threads": scale.threads, "max_requests": max(scale.batches), **settings}
                self._ours[name] = in_fresh_thread(partial(OurWay, kind, folder, mode, scale.device, **options))

    def run(self) -> None:
        """Measure what the scale names and close the engines."""
        with contextlib.ExitStack() as stack:
            for ours in self._ours.values():
                stack.callback(ours.close)
            self._results.backbones[self._kind] = in_fresh_thread(partial(backbone, self._stock))
            self._warm_up()
            for part, measure in (("a", self._decode), ("b", self._speak), ("c", self._speak_long), ("d", self._use_voices)):
                if part in self._scale.parts and not (part == "c" and self._kind != "nano"):
                    for number in range(self._scale.rounds):
                        self._say(f"round {number + 1} of {self._scale.rounds}, {measure.__name__.strip('_').replace('_', ' ')}")
                        measure()

    def _warm_up(self) -> None:
        """Every path once: voices known, caches filled, graphs captured."""
        self._say("warming up")
        in_fresh_thread(partial(self._stock.decode, next(iter(self._ours.values())).parts.text_ids(self._texts(1)[0], "en"), 4))
        for ours in self._ours.values():
            for batch in self._scale.batches:
                in_fresh_thread(partial(ours.decode, self._texts(batch), self._voices(ours, batch), batch + 4))
            ours.speak(self._texts(2), self._voices(ours, 2), 30)

    def _texts(self, number: int) -> list[str]:
        return [self._writer.words(WORDS) for _ in range(number)]

    def _voices(self, ours: OurWay, number: int) -> list[Any]:
        return [ours.prepare(self._references[request % len(CLIPS)]) for request in range(number)]

    def _decode(self) -> None:
        """T3 alone."""
        num_tokens, decoding = self._scale.num_tokens, self._results.decoding
        any_of_ours = next(iter(self._ours.values()))
        self._stock.voice = self._stock_voices[0]
        text_ids = any_of_ours.parts.text_ids(self._texts(1)[0], "en")
        seconds, step = in_fresh_thread(partial(self._stock.decode, text_ids, num_tokens))
        _add(decoding.setdefault((self._kind, STOCK, 1), Decoding()), rates=num_tokens / seconds, steps=step)
        for mode, ours in self._ours.items():
            for batch in self._scale.batches:
                seconds, step = in_fresh_thread(partial(ours.decode, self._texts(batch), self._voices(ours, batch), num_tokens))
                _add(decoding.setdefault((self._kind, mode, batch), Decoding()), rates=batch * num_tokens / seconds, steps=step)

    def _speak(self) -> None:
        """Text to watermarked audio."""
        speaking = self._results.speaking
        total = 0.0
        for number, text in enumerate(self._texts(self._scale.num_stock)):
            self._stock.voice = self._stock_voices[number % len(CLIPS)]
            total += in_fresh_thread(partial(self._stock.speak, text, self._scale.num_tokens))
        each = total / self._scale.num_stock
        _add(speaking.setdefault((self._kind, STOCK, 1), Speaking()), seconds=each, first_audio=each)
        for mode, ours in self._ours.items():
            for batch in self._scale.batches:
                seconds, first = ours.speak(self._texts(batch), self._voices(ours, batch), self._scale.num_tokens)
                _add(speaking.setdefault((self._kind, mode, batch), Speaking()), seconds=seconds / batch, first_audio=first)

    def _speak_long(self) -> None:
        """A text of several segments."""
        text = self._writer.words(self._scale.long_text)
        self._stock.voice = self._stock_voices[0]
        whole = in_fresh_thread(partial(self._stock.speak, text, TOKENS_PER_WORD * len(text.split())))
        _add(self._results.long_texts.setdefault((self._kind, STOCK), LongText()), first_audio=whole, whole=whole)
        for mode, ours in self._ours.items():
            first, whole = ours.speak_long(text, self._voices(ours, 1)[0], TOKENS_PER_WORD)
            _add(self._results.long_texts.setdefault((self._kind, mode), LongText()), first_audio=first, whole=whole)

    def _use_voices(self) -> None:
        """A voice for the first time and again."""
        ours = next(iter(self._ours.values()))
        reference = self._references[0]
        stock = in_fresh_thread(partial(self._stock.prepare, CLIPS[0]))
        with tempfile.TemporaryDirectory() as folder:
            first = _seconds(lambda: _prepared(ours, Path(folder)).get(reference))
            from_disk = _seconds(lambda: _prepared(ours, Path(folder)).get(reference))
        second = statistics.median(ours.until_queued(reference) for _ in range(SECOND_USES))
        _add(self._results.voices.setdefault(self._kind, VoiceUse()), stock=stock, first=first, from_disk=from_disk, second=second)


def backbone(stock: StockWay) -> dict[str, float]:
    """What one step of T3 reads and computes: numbers of weights of the layers and of the speech head, of numbers kept for each position
    (keys and values), rows for each request, positions of a voice's prefix."""
    t3 = stock.t3
    body = sum(weight.numel() for name, weight in t3.tfmr.named_parameters() if not name.startswith(("wte", "wpe", "embed_tokens")))
    return {
        "body": body,
        "head": t3.speech_head.weight.numel(),
        "kept": 2 * t3.cfg.num_hidden_layers * t3.cfg.hidden_size,
        "rows": 1 if stock.family.is_gpt2 else 2,
        "prefix": t3.prepare_conditioning(stock.voice.t3).shape[1],
    }


def _variants(mode: str, scale: Scale) -> list[tuple[str, dict[str, Any]]]:
    """The ways to run a mode: on a GPU with CUDA graphs and, to compare, without."""
    if not scale.with_graphs:
        return [(mode, {})]
    return [(mode, {"with_graphs": True}), (f"{mode}, no graphs", {"with_graphs": False})]


def _prepared(ours: OurWay, folder: Path) -> PreparedVoices:
    """As after a restart: nothing in memory."""
    return PreparedVoices(folder, ours.compute, capacity=1, model=ours.family.id)


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _add(measured: object, **figures: float) -> None:
    for name, figure in figures.items():
        getattr(measured, name).append(figure)
