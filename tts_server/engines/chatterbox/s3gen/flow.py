"""Speech tokens to mel frames: the flow matching half of stock S3Gen (`flow.py`, `flow_matching.py` of chatterbox-tts 0.1.7).

A frame is 20 ms. Long computations are generators that yield between slices of the work, so that their thread can do other work.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.attention import padding_mask
from tts_server.engines.chatterbox.s3gen.batching import split_batch
from tts_server.engines.chatterbox.s3gen.causal import StreamState
from tts_server.engines.chatterbox.s3gen.encoder import FRAMES_PER_TOKEN, Encoder
from tts_server.engines.chatterbox.s3gen.estimator import Estimator
from tts_server.engines.chatterbox.weights.packed import Linear
from tts_server.engines.chatterbox.weights.stock_types import StockModule


@dataclass(frozen=True)
class Target:
    """The voice to speak in: `tokens` [N] and `frames` [M, 80] of the prompt (the reference clip), `embedding` [192] of the speaker."""

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
    """The states of the encoder and of each step of the flow after a voice's prompt, and the projected speaker embedding [1, 80]."""

    encoder: StreamState
    steps: tuple[StreamState, ...]
    speaker: Tensor

    @property
    def num_bytes(self) -> int:
        return self.encoder.num_bytes + sum(step.num_bytes for step in self.steps)

    def fork(self, window: int) -> Prompt:
        """The states of an utterance that follows the prompt. They share the tensors of the prompt, which does not change."""
        return Prompt(self.encoder.fork(None), tuple(step.fork(window) for step in self.steps), self.speaker)


class Flow:
    """`s3gen.flow`, computed in `dtype`, solved in `steps` Euler steps. Without meanflow, each step uses classifier-free guidance."""

    def __init__(self, s3gen: StockModule, steps: int, dtype: torch.dtype) -> None:
        flow = s3gen.flow
        decoder = flow.decoder
        self._dtype = dtype
        self._spk_embed_affine_layer = Linear.of(flow.spk_embed_affine_layer, dtype=torch.float32)
        self._device = flow.input_embedding.weight.device
        self.is_meanflow = bool(s3gen.meanflow)
        self._cfg_rate = 0.0 if self.is_meanflow else float(decoder.inference_cfg_rate)
        self._encoder = Encoder(flow, dtype)
        self._estimator = Estimator(decoder.estimator, dtype)
        times = [step / steps for step in range(steps + 1)]
        if not self.is_meanflow:
            times = [1 - math.cos(time * 0.5 * math.pi) for time in times]
        self._step_sizes = [end - begin for begin, end in pairwise(times)]
        with torch.inference_mode():
            points = torch.tensor(times, dtype=torch.float32).to(self._device).chunk(steps + 1)
            self._time_embeddings = [self._estimator.time_embeddings(begin, end) for begin, end in pairwise(points)]

    def split_batch(self, num_tokens: Sequence[int], budget_bytes: int) -> list[int]:
        """The sizes of consecutive groups of utterances to compute together: `num_tokens` of each, prompt included.

        A group's working memory stays within `budget_bytes`, unless the group is a single utterance.
        """
        return split_batch(
            [FRAMES_PER_TOKEN * count for count in num_tokens],
            budget_bytes,
            num_heads=self._estimator.num_heads,
            rows_per_segment=2 if self._cfg_rate else 1,
        )

    def mels(self, rows: Sequence[Row]) -> Generator[None, None, list[Tensor]]:
        """The frames of utterances in one batch, each [1, 80, F] without its prompt, equal to those of each utterance alone."""
        lengths = [len(row.target.tokens) + len(row.tokens) for row in rows]
        inside = mask = None
        if len(set(lengths)) > 1:
            inside = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).to(self._device)
            mask = padding_mask(inside.repeat_interleave(FRAMES_PER_TOKEN, 1).repeat(2 if self._cfg_rate else 1, 1), self._dtype)
        tokens = _pad_rows([torch.cat((row.target.tokens, row.tokens)) for row in rows], max(lengths)).to(self._device)
        conditioning = yield from self._encoder.encode(tokens, inside)
        yield
        num_frames = max(lengths) * FRAMES_PER_TOKEN
        frames = _pad_rows([row.target.frames for row in rows], num_frames).to(self._device)
        noise = _pad_rows([row.noise for row in rows], num_frames).to(self._device)
        speaker = self._project_speakers([row.target for row in rows])
        solution = yield from self._solve(noise, self._context(conditioning, speaker, frames), mask)
        return [
            solution[index, len(row.target.frames) : length * FRAMES_PER_TOKEN].T[None]
            for index, (row, length) in enumerate(zip(rows, lengths, strict=True))
        ]

    def prompt(self, target: Target, noise: Tensor) -> Generator[None, None, Prompt]:
        """The states of a prompt computed alone, from `noise` [2 N, 80]."""
        prompt = Prompt(StreamState(), tuple(StreamState() for _ in self._step_sizes), self._project_speakers([target]))
        yield from self.extend(prompt, target.tokens, noise, frames=target.frames)
        return prompt

    def stream(self, prompt: Prompt, window: int) -> FlowStream:
        """Frames block by block after a prompt; `window` is how many of the utterance's earlier frames a block can attend to."""
        return FlowStream(self, prompt, window)

    def extend(
        self, state: Prompt, tokens: Tensor, noise: Tensor, *, frames: Tensor | None = None, is_end: bool = True
    ) -> Generator[None, None, Tensor]:
        """Frames [1, F, 80] of the tokens [T] that follow those in `state`, which is updated; `noise` and known `frames` are [F, 80].

        Unless `is_end`, the last LOOK_AHEAD tokens are only context.
        """
        conditioning = yield from self._encoder.encode(tokens[None].to(self._device), state=state.encoder, is_end=is_end)
        known = torch.zeros_like(conditioning) if frames is None else frames[None].to(self._device)
        context = self._context(conditioning, state.speaker, known)
        return (yield from self._solve(noise[None].to(self._device), context, states=state.steps))

    def _project_speakers(self, targets: Sequence[Target]) -> Tensor:
        embeddings = torch.stack([target.embedding for target in targets]).to(self._device, torch.float32)
        return self._spk_embed_affine_layer(functional.normalize(embeddings, dim=1))

    def _context(self, conditioning: Tensor, speaker: Tensor, frames: Tensor) -> Tensor:
        """The estimator's input beside the frames being solved: [B, T, 240]; with guidance twice the rows, the second half zero."""
        context = torch.cat((conditioning, speaker[:, None].expand(-1, conditioning.shape[1], -1), frames), -1)
        return torch.cat((context, torch.zeros_like(context))) if self._cfg_rate else context

    def _solve(
        self, x: Tensor, context: Tensor, mask: Tensor | None = None, states: Sequence[StreamState] | None = None
    ) -> Generator[None, None, Tensor]:
        """Integrate from the noise x [B, T, 80] by Euler's method; yields after every stage of every step."""
        for step, size in enumerate(self._step_sizes):
            state = None if states is None else states[step]
            rows = torch.cat((x, x)) if self._cfg_rate else x
            velocity = yield from self._estimator.evaluate(rows, context, self._time_embeddings[step], mask, state)
            if self._cfg_rate:
                conditional, unconditional = velocity.chunk(2)
                velocity = torch.lerp(unconditional, conditional, 1 + self._cfg_rate)
            x = torch.add(x, velocity, alpha=size)
            yield
        return x


class FlowStream:
    """One utterance, block by block. A block sees the prompt, the frames before it and itself: an approximation of the whole."""

    def __init__(self, flow: Flow, prompt: Prompt, window: int) -> None:
        self._flow = flow
        self._state = prompt.fork(window)

    def block(self, tokens: Tensor, noise: Tensor, *, is_end: bool) -> Generator[None, None, Tensor]:
        """Frames [1, 80, F] from tokens [T] and noise [F, 80]; unless `is_end`, the last LOOK_AHEAD tokens are only context."""
        frames = yield from self._flow.extend(self._state, tokens, noise, is_end=is_end)
        return frames.transpose(1, 2)


def _pad_rows(rows: Sequence[Tensor], length: int) -> Tensor:
    """Tensors [n, …] of different n as one, [B, length, …]: cut, or padded with zeros."""
    rows = [*(row[:length] for row in rows), rows[0].new_zeros(length, *rows[0].shape[1:])]
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)[:-1]
