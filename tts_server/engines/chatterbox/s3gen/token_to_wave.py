"""Speech tokens to watermarked samples: S3Gen's flow and vocoder, then Perth.

In exact mode the samples before the watermark equal those of stock Chatterbox for a generator in the same state. In fast mode the numbers
are smaller where the machine has such, the prompt is shorter, and its states are kept for each voice, so that speech can be made block by
block while its tokens still come.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tts_server.engines.chatterbox.families import SPEECH_VOCABULARY, Family
from tts_server.engines.chatterbox.s3gen.encoder import FRAMES_PER_TOKEN, LOOK_AHEAD
from tts_server.engines.chatterbox.s3gen.flow import Flow, FlowStream, Prompt, Row, Target
from tts_server.engines.chatterbox.s3gen.noise import MEL_BINS, SourceNoise, flow_noise, source_noise, source_phase
from tts_server.engines.chatterbox.s3gen.prompts import PromptCache
from tts_server.engines.chatterbox.s3gen.vocoder import FRAME_SAMPLES, Vocoder
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.packed import fast_dtype
from tts_server.speech import Samples

SILENCE_TOKEN = 4299
TAIL_TOKENS = 3
"""Tokens of silence that the GPT-2 families put behind their speech."""

MIN_TOKENS = 2

MULTILINGUAL_CUT_SAMPLES = FRAMES_PER_TOKEN * FRAME_SAMPLES
"""What upstream cuts from the end of the multilingual model's speech since 2026-05: the last token's 40 ms, which often click."""

FIRST_BLOCK_TOKENS = 20
"""Enough for a quarter of a second of sound: the vocoder and the watermark look 0.55 s ahead."""

BLOCK_TOKENS = 25
WINDOW_FRAMES = 150
"""How much of what was said a block can see, beside the prompt: 3 s."""

VOCODER_FRAMES = 50
"""Frames between two yields of the vocoder."""


@dataclass(frozen=True, eq=False)
class WaveRequest:
    """Speech tokens to be spoken in a voice. `is_text` is false for recorded speech, which has its own silence at the end."""

    tokens: Sequence[int]
    conditionals: Conditionals
    generator: torch.Generator
    is_text: bool = True


class TokenToWave:
    """Speaks with a stock S3Gen's weights. For one thread.

    `prompt_seconds` of the reference are used in fast mode, and their states kept for the voices used last, within `prompt_bytes`.
    With `takes_weights` the stock module's own copies of the weights are let go (half a gigabyte): it can then clone, but not speak.
    """

    def __init__(
        self,
        s3gen: Any,
        *,
        family: Family,
        mode: str = "exact",
        watermarker: Watermarker,
        prompt_seconds: float = 3.0,
        prompt_bytes: int = 512 * 2**20,
        takes_weights: bool = False,
    ) -> None:
        if mode not in ("exact", "fast"):
            raise ValueError(f"the mode must be 'exact' or 'fast', not {mode!r}")
        self.can_stream = mode == "fast"
        dtype = fast_dtype(s3gen.mel2wav.conv_pre.bias.device) if self.can_stream else torch.float32
        self._family = family
        self._watermarker = watermarker
        self._prompt_seconds = prompt_seconds
        self._prompts = PromptCache(prompt_bytes)
        with torch.inference_mode():
            self._flow = Flow(s3gen, family.flow_steps, dtype)
            self._vocoder = Vocoder(s3gen.mel2wav, dtype)
        self._fade = s3gen.trim_fade.cpu()
        if takes_weights:
            for part in (s3gen.flow.encoder, s3gen.flow.encoder_proj, s3gen.flow.decoder, s3gen.mel2wav):
                for parameter in part.parameters():
                    parameter.data = parameter.data.new_empty(0)

    def segment(
        self, tokens: Sequence[int], conditionals: Conditionals, generator: torch.Generator, *, is_text: bool = True
    ) -> Iterator[Samples | None]:
        """All of a segment's samples at the end, None whenever a piece of the work is done. May be abandoned at any point."""
        for lines in self.batch([WaveRequest(tokens, conditionals, generator, is_text)]):
            yield None if lines is None else lines[0]

    @torch.inference_mode()
    def batch(self, lines: Sequence[WaveRequest]) -> Generator[list[Samples] | None, None, None]:
        """As `segment`, for several lines in one batch, each as it would be alone: worth it on a GPU."""
        rows = []
        sources = []
        for line in lines:
            target = self._target(line.conditionals)
            tokens = self._usable(line.tokens, with_tail=line.is_text)
            num_prompt = len(target.tokens) * FRAMES_PER_TOKEN
            noise = flow_noise(line.generator, num_prompt, len(tokens) * FRAMES_PER_TOKEN, is_meanflow=self._flow.is_meanflow)
            rows.append(Row(target, torch.tensor(tokens), noise))
            num_frames = num_prompt + len(tokens) * FRAMES_PER_TOKEN - len(target.frames)
            sources.append(source_noise(line.generator, self._vocoder.num_harmonics, num_frames * FRAME_SAMPLES))
        mels = yield from self._flow.mels(rows)
        spoken = []
        for line, mel, source in zip(lines, mels, sources, strict=True):
            sound = yield from self._sound(mel, source)
            if line.is_text:
                sound = self._without_end(sound)
            spoken.append(self._watermarker.apply(_faded(sound, self._fade, 0)))
            yield None
        yield spoken

    def split_batch(self, requests: Sequence[WaveRequest], budget_bytes: int) -> list[int]:
        """The sizes of consecutive groups of the requests whose flow fits into `budget_bytes` of working memory each."""
        most = round(self._prompt_seconds * 25) if self.can_stream else None
        prompts = [len(request.conditionals.prompt_token[0][:most]) for request in requests]
        num_tokens = [num_prompt + len(request.tokens) + TAIL_TOKENS for num_prompt, request in zip(prompts, requests, strict=True)]
        return self._flow.split_batch(num_tokens, budget_bytes)

    def stream(self, conditionals: Conditionals, generator: torch.Generator) -> WaveStream:
        """Speech block by block, in fast mode."""
        return WaveStream(self, conditionals, generator)

    def shrink(self) -> None:
        """Drop what is kept for the next time."""
        self._prompts.shrink()

    def _sound(self, mel: Tensor, source: SourceNoise) -> Generator[None, None, Tensor]:
        position = 0

        def noise(count: int) -> Tensor:
            nonlocal position
            position += count
            return source.noise[:, :, position - count : position]

        stream = self._vocoder.stream(source.phase, noise)
        parts = []
        for at in range(0, mel.shape[2], VOCODER_FRAMES):
            is_end = at + VOCODER_FRAMES >= mel.shape[2]
            parts.append(stream.push(mel[:, :, at : at + VOCODER_FRAMES], is_end=is_end))
            yield
        return torch.cat(parts)

    def _without_end(self, sound: Tensor) -> Tensor:
        """The samples of a text segment without those that upstream cuts."""
        return sound[:-MULTILINGUAL_CUT_SAMPLES] if self._family.is_multilingual else sound

    def _usable(self, tokens: Sequence[int], *, with_tail: bool) -> list[int]:
        """The tokens that are sound, as many as S3Gen needs at least."""
        tokens = list(tokens)
        if not self._family.is_gpt2:
            start, stop = SPEECH_VOCABULARY, SPEECH_VOCABULARY + 1
            tokens = tokens[tokens.index(start) + 1 if start in tokens else 0 :]
            tokens = tokens[: tokens.index(stop) if stop in tokens else None]
        tokens = [token for token in tokens if 0 <= token < SPEECH_VOCABULARY]
        if with_tail and self._family.is_gpt2:
            tokens += [SILENCE_TOKEN] * TAIL_TOKENS
        return tokens + [SILENCE_TOKEN] * (MIN_TOKENS - len(tokens))

    def _target(self, conditionals: Conditionals) -> Target:
        tokens, frames, embedding = conditionals.prompt_token, conditionals.prompt_feat, conditionals.embedding
        target = Target(tokens[0].cpu().long(), frames[0].cpu().float(), embedding[0].cpu().float())
        return target.shortened(self._prompt_seconds) if self.can_stream else target

    def _prompt(self, conditionals: Conditionals) -> Prompt:
        target = self._target(conditionals)
        # Always the same: the prompt's states belong to the voice, not to a request.
        noise = flow_noise(torch.Generator().manual_seed(0), 0, len(target.frames), is_meanflow=False)
        return self._prompts.get(conditionals.key, lambda: _result(self._flow.prompt(target, noise)))


class WaveStream:
    """One utterance, spoken while its tokens come. How they are cut when fed makes no difference."""

    def __init__(self, speaker: TokenToWave, conditionals: Conditionals, generator: torch.Generator) -> None:
        self._speaker = speaker
        self._conditionals = conditionals
        self._generator = generator
        self._tokens: list[int] = []
        self._size = FIRST_BLOCK_TOKENS
        self._flow: FlowStream | None = None
        harmonics = speaker._vocoder.num_harmonics
        self._vocoder = speaker._vocoder.stream(
            source_phase(generator, harmonics), lambda count: torch.randn(1, harmonics, count, generator=generator)
        )
        self._watermark = speaker._watermarker.stream()
        self._num_sounded = 0

    @torch.inference_mode()
    def feed(self, tokens: Sequence[int]) -> Samples:
        """The next speech tokens; answers the samples that are ready, possibly none."""
        self._tokens += [token for token in tokens if 0 <= token < SPEECH_VOCABULARY]
        return np.concatenate([np.zeros(0, np.float32), *self._whole_blocks()])

    @torch.inference_mode()
    def finish(self) -> Samples:
        """No more tokens: the rest of the samples."""
        if self._speaker._family.is_gpt2:
            self._tokens += [SILENCE_TOKEN] * TAIL_TOKENS
        if self._flow is None:
            self._tokens += [SILENCE_TOKEN] * (MIN_TOKENS - len(self._tokens))
        chunks = [*self._whole_blocks(), self._block(len(self._tokens), is_end=True), self._watermark.finish()]
        return np.concatenate(chunks)

    def _whole_blocks(self) -> Iterator[Samples]:
        while len(self._tokens) >= self._size + LOOK_AHEAD:
            yield self._block(self._size, is_end=False)

    def _block(self, size: int, *, is_end: bool) -> Samples:
        if self._flow is None:
            self._flow = self._speaker._flow.stream(self._speaker._prompt(self._conditionals), WINDOW_FRAMES)
        seen = torch.tensor(self._tokens[: size + LOOK_AHEAD])
        noise = torch.randn(size * FRAMES_PER_TOKEN, MEL_BINS, generator=self._generator)
        mel = _result(self._flow.block(seen, noise, is_end=is_end))
        self._tokens = self._tokens[size:]
        self._size = BLOCK_TOKENS
        sound = self._vocoder.push(mel, is_end=is_end)
        samples = _faded(self._speaker._without_end(sound) if is_end else sound, self._speaker._fade, self._num_sounded)
        self._num_sounded += len(samples)
        return self._watermark.feed(samples)


def _faded(sound: Tensor, fade: Tensor, position: int) -> Samples:
    """Samples as an array, faded in where they lie within the stream's first `len(fade)`; `position` is where they begin."""
    samples: Samples = sound.float().cpu().numpy().copy()
    part = fade[position : position + len(samples)].numpy()
    samples[: len(part)] *= part
    return samples


def _result(work: Generator[None, None, Any]) -> Any:
    """What a generator of slices returns in the end, without a break."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
