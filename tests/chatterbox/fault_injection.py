"""Real parts of an engine that raise an injected error for the requests that use a certain voice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sequence import Sequence as DecoderSequence

OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
KERNEL_FAILED = RuntimeError("a kernel failed")


class RecordingDecoder(T3Decoder):
    """Remembers the `sequences` that were added to it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sequences: list[DecoderSequence] = []

    def add(self, sequence: DecoderSequence) -> None:
        super().add(sequence)
        self.sequences.append(sequence)


@dataclass(eq=False)
class Fault:
    """Raises `error` in a stage (`prefill`, `decode`, `flow`, `vocoder`) whenever `voice` takes part, at most `times` times.

    size: the number of requests that must take part for the first fault of all. operator: which one of a decoding step fails.
    after_tokens: how long all sequences must be for a decoding step to fail for the first time.
    on_raise: called before the first raise. after_raise: called at the first decoding step after it.
    """

    voice: Any
    stage: str
    error: Exception
    size: int = 1
    times: int = 10**6
    operator: int = 5
    after_tokens: int = 0
    on_raise: Callable[[], None] | None = None
    after_raise: Callable[[], None] | None = None
    sizes: list[int] = field(default_factory=list)
    """How many took part each time that it was raised."""

    def is_due(self, stage: str, voices: Sequence[Any], *, is_first: bool) -> bool:
        if stage != self.stage or not any(voice is self.voice for voice in voices) or len(self.sizes) == self.times:
            return False
        return not is_first or len(voices) >= self.size

    def record(self, size: int) -> Exception:
        """The error to raise, for `size` requests at once."""
        if not self.sizes and self.on_raise:
            self.on_raise()
        self.sizes.append(size)
        return self.error


class Injection:
    """Decoders and speakers with the same faults. `gate` holds back decoding until it is set."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        self.gate = threading.Event()

    def check(self, stage: str, voices: Sequence[Any], num_operators: int = 0, num_tokens: int = 0) -> None:
        """Raise if a fault of `stage` is due for what takes part in it."""
        is_first = not any(fault.sizes for fault in self.faults)
        for fault in self.faults:
            if stage == "decode" and (num_operators != fault.operator or (is_first and num_tokens < fault.after_tokens)):
                continue
            if fault.is_due(stage, voices, is_first=is_first):
                raise fault.record(len(voices))

    @property
    def types(self) -> dict[str, Any]:
        """What `tiny_engines.running` takes."""
        injection = self

        class Decoder(RecordingDecoder):
            def step(self) -> list[DecoderSequence]:
                assert injection.gate.wait(60)
                for fault in injection.faults:
                    if fault.sizes and fault.after_raise:
                        fault.after_raise()
                        fault.after_raise = None
                self.sequences = [sequence for sequence in self.sequences if not sequence.is_finished]
                with _FailingOperators(injection, self.sequences):
                    return super().step()

        class Speaker(TokenToWave):
            def batch(self, requests: Any) -> Iterator[Any]:
                voices = [request.conditionals for request in requests]
                injection.check("flow", voices)
                for number, result in enumerate(super().batch(requests)):
                    if number == 2:
                        injection.check("vocoder", voices)
                    yield result

        return {"decoder_type": Decoder, "speaker_type": Speaker}


class _FailingOperators(TorchFunctionMode):
    """Raises the faults of a step: in an operator of decoding, or in the first one on a new text."""

    def __init__(self, injection: Injection, sequences: Sequence[DecoderSequence]) -> None:
        super().__init__()
        self._injection = injection
        self._running = [sequence.conditionals for sequence in sequences if sequence.tokens]
        self._new = [sequence for sequence in sequences if not sequence.tokens]
        self._num_tokens = min((len(sequence.tokens) for sequence in sequences), default=0)
        self._num_operators = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self._num_operators += 1
        self._injection.check("decode", self._running, self._num_operators, self._num_tokens)
        if func is not torch.Tensor.__len__:
            for sequence in self._new:
                if any(each is sequence.text_ids for each in args):
                    self._injection.check("prefill", [sequence.conditionals])
        return func(*args, **(kwargs or {}))
