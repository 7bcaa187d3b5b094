"""Speech tokens to mel frames: the flow matching half of stock S3Gen (`flow.py`, `flow_matching.py` of chatterbox-tts 0.1.7).

A frame is 20 ms. Everything that takes long is a generator that yields now and then, so that one thread can do other work between.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.causal import Memory
from tts_server.engines.chatterbox.s3gen.encoder import FRAMES_PER_TOKEN, Encoder, padding_mask
from tts_server.engines.chatterbox.s3gen.estimator import Estimator
from tts_server.engines.chatterbox.weights.packed import Linear


@dataclass(frozen=True)
class Target:
    """Whose voice: `tokens` [N] and `frames` [M, 80] of the prompt (the reference clip), `embedding` [192] of the speaker."""

    tokens: Tensor
    frames: Tensor
    embedding: Tensor

    def shortened(self, seconds: float) -> Target:
        """The end of the prompt, with exactly two frames to each token."""
        num_tokens = min(len(self.tokens), len(self.frames) // FRAMES_PER_TOKEN)
        tokens, frames = self.tokens[:num_tokens], self.frames[: num_tokens * FRAMES_PER_TOKEN]
        first = max(0, num_tokens - round(seconds * 25))
        return Target(tokens[first:], frames[first * FRAMES_PER_TOKEN :], self.embedding)


@dataclass(frozen=True)
class Row:
    """One utterance: its speech tokens [n] and where the flow starts, `noise` [2 (N + n), 80]."""

    target: Target
    tokens: Tensor
    noise: Tensor


@dataclass(frozen=True)
class Prompt:
    """What a voice's prompt leaves behind in the encoder and in every step of the flow, and the speaker's part of the conditioning."""

    encoder: Memory
    steps: tuple[Memory, ...]
    speaker: Tensor

    @property
    def num_bytes(self) -> int:
        return self.encoder.num_bytes + sum(step.num_bytes for step in self.steps)


class Flow:
    """`s3gen.flow`, computed in `dtype`, solved in `steps` Euler steps. Without meanflow, each step asks with and without conditioning."""

    def __init__(self, s3gen: Any, steps: int, dtype: torch.dtype) -> None:
        flow = s3gen.flow
        decoder = flow.decoder
        self._speaker = Linear.of(flow.spk_embed_affine_layer, dtype=torch.float32)
        self._device = flow.input_embedding.weight.device
        self.is_meanflow = bool(s3gen.meanflow)
        self._guidance = 0.0 if self.is_meanflow else float(decoder.inference_cfg_rate)
        self._encoder = Encoder(flow, dtype)
        self._estimator = Estimator(decoder.estimator, dtype)
        times = torch.linspace(0, 1, steps + 1, device=self._device)
        if not self.is_meanflow:
            times = 1 - torch.cos(times * 0.5 * math.pi)
        with torch.inference_mode():
            self._steps = [
                (end - begin, self._estimator.shifts(begin[None], end[None])) for begin, end in zip(times[:-1], times[1:], strict=True)
            ]

    def mels(self, rows: Sequence[Row]) -> Generator[None, None, list[Tensor]]:
        """The frames of utterances in one batch, each [1, 80, F] without its prompt. Equal to what each would be alone."""
        lengths = torch.tensor([len(row.target.tokens) + len(row.tokens) for row in rows], device=self._device)
        is_ragged = len(set(lengths.tolist())) > 1
        tokens = _stacked([torch.cat((row.target.tokens, row.tokens)) for row in rows], self._device)
        conditioning = yield from self._encoder.encode(tokens, lengths if is_ragged else None)
        yield
        frames = _stacked([row.target.frames for row in rows], self._device, conditioning.shape[1])
        noise = _stacked([row.noise for row in rows], self._device)
        mask = None
        if is_ragged:
            mask = padding_mask(torch.arange(noise.shape[1], device=self._device) < lengths[:, None] * FRAMES_PER_TOKEN)
        speaker = self._speakers([row.target for row in rows])
        solved = yield from self._solved(noise, self._context(conditioning, speaker, frames), mask)
        return [
            solved[index, len(row.target.frames) : (len(row.target.tokens) + len(row.tokens)) * FRAMES_PER_TOKEN].T[None]
            for index, row in enumerate(rows)
        ]

    def prompt(self, target: Target, noise: Tensor) -> Generator[None, None, Prompt]:
        """What a prompt leaves behind if it is looked at alone, from `noise` [2 N, 80]."""
        encoder, steps = Memory(), tuple(Memory() for _ in self._steps)
        speaker = self._speakers([target])
        conditioning = yield from self._encoder.encode(target.tokens[None].to(self._device), memory=encoder)
        context = self._context(conditioning, speaker, target.frames[None].to(self._device))
        yield from self._solved(noise[None].to(self._device), context, memories=steps)
        return Prompt(encoder, steps, speaker)

    def _speakers(self, targets: Sequence[Target]) -> Tensor:
        embeddings = torch.stack([target.embedding for target in targets]).to(self._device, torch.float32)
        return self._speaker(functional.normalize(embeddings, dim=1))

    def _context(self, conditioning: Tensor, speaker: Tensor, frames: Tensor) -> Tensor:
        """What the estimator hears beside the frames on their way: [B, T, 240]; with guidance twice the rows, the second half silent."""
        context = torch.cat((conditioning, speaker[:, None].expand(-1, conditioning.shape[1], -1), frames), -1)
        return torch.cat((context, torch.zeros_like(context))) if self._guidance else context

    def _solved(
        self, x: Tensor, context: Tensor, mask: Tensor | None = None, memories: Sequence[Memory] | None = None
    ) -> Generator[None, None, Tensor]:
        if self._guidance and mask is not None:
            mask = torch.cat((mask, mask))
        for index, (length, shifts) in enumerate(self._steps):
            memory = None if memories is None else memories[index]
            asked = torch.cat((x, x)) if self._guidance else x
            direction = yield from self._estimator.evaluate(asked, context, shifts, mask, memory)
            if self._guidance:
                guided, free = direction.chunk(2)
                direction = (1 + self._guidance) * guided - self._guidance * free
            x = x + length * direction
            yield
        return x

    def stream(self, prompt: Prompt, window: int) -> FlowStream:
        """Frames block by block after a prompt; `window` is how many frames of what was said a block can see."""
        return FlowStream(self, prompt, window)


class FlowStream:
    """One utterance, block by block. A block sees the prompt, the frames before it and itself: an approximation of the whole."""

    def __init__(self, flow: Flow, prompt: Prompt, window: int) -> None:
        self._flow = flow
        self._speaker = prompt.speaker
        self._encoder = prompt.encoder.follower(None)
        self._steps = [step.follower(window) for step in prompt.steps]

    def block(self, tokens: Tensor, noise: Tensor, *, is_end: bool) -> Generator[None, None, Tensor]:
        """Frames [1, 80, F] from tokens [T] and noise [F, 80]; unless it is the end, the last LOOK_AHEAD tokens are only looked at."""
        flow = self._flow
        conditioning = yield from flow._encoder.encode(tokens[None].to(flow._device), memory=self._encoder, is_end=is_end)
        frames = torch.zeros_like(conditioning)
        context = flow._context(conditioning, self._speaker, frames)
        solved = yield from flow._solved(noise[None].to(flow._device), context, memories=self._steps)
        return solved.transpose(1, 2)


def _stacked(parts: Sequence[Tensor], device: torch.device, length: int | None = None) -> Tensor:
    """Tensors of different length as one, zeros behind the shorter ones."""
    length = length or max(len(part) for part in parts)
    stacked = torch.zeros((len(parts), length, *parts[0].shape[1:]), dtype=parts[0].dtype)
    for index, part in enumerate(parts):
        stacked[index, : len(part)] = part[:length]
    return stacked.to(device)
