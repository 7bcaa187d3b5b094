"""Speech tokens to samples: S3Gen's flow and vocoder, then Perth's watermark if one is passed.

In exact mode the samples before the watermark equal those of stock Chatterbox for a generator in the same state. In fast mode the numbers
are 16 bits wide where the device computes them natively, the prompt is shorter, and its states are cached for each voice, so that speech
can be computed block by block while its tokens are still being decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from tts_server.engines.chatterbox.families import SPEECH_VOCABULARY, Family
from tts_server.engines.chatterbox.s3gen.encoder import FRAMES_PER_TOKEN
from tts_server.engines.chatterbox.s3gen.flow import Flow, Prompt, Row, Target
from tts_server.engines.chatterbox.s3gen.hift import HiFT
from tts_server.engines.chatterbox.s3gen.hift_source import FRAME_SAMPLES
from tts_server.engines.chatterbox.s3gen.layout import group_segments
from tts_server.engines.chatterbox.s3gen.noise import SourceNoise, flow_noise, source_noise, source_phase
from tts_server.engines.chatterbox.s3gen.prompts import PromptCache
from tts_server.engines.chatterbox.s3gen.wave_stream import MIN_TOKENS, WaveStream, fade_in, read_samples, run_slices
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.packed import fast_dtype
from tts_server.engines.chatterbox.weights.stock_types import StockModule
from tts_server.speech import Samples

SILENCE_TOKEN = 4299
TAIL_TOKENS = 3
"""Tokens of silence that the GPT-2 families append to their speech."""

MULTILINGUAL_CUT_SAMPLES = FRAMES_PER_TOKEN * FRAME_SAMPLES
"""Samples that upstream cuts from the end of the multilingual model's speech since 2026-05: the last token's 40 ms, which often click."""

CPU_BLOCK_FRAMES = 50
"""Frames that the vocoder computes at once on a CPU: its working memory stays small, and other work can run between blocks."""

VOCODER_BYTES = 2 * 2**30
"""Enough for eight segments of 20 s at once."""


@dataclass(frozen=True, eq=False)
class WaveRequest:
    """Speech tokens to be spoken in a voice. `is_text` is false for recorded speech, which has its own silence at the end."""

    tokens: Sequence[int]
    conditionals: Conditionals
    generator: torch.Generator
    is_text: bool = True


class TokenToWave:
    """Computes samples with a stock S3Gen's weights. For one thread.

    watermarker: None leaves the samples unmarked. prompt_seconds: of the reference, used in fast mode; the states of the most recently
    used voices are cached within `prompt_bytes`. block_frames: how many frames the vocoder computes at once; None: all of a batch, within
    `vocoder_bytes` of working memory; 0: as suits the device. takes_weights: free the stock module's own copies of the weights (half a
    gigabyte): it can then clone, but not speak. read: copies samples from the device, the only values that the host needs.
    """

    def __init__(
        self,
        s3gen: StockModule,
        *,
        family: Family,
        mode: str = "exact",
        watermarker: Watermarker | None = None,
        prompt_seconds: float = 3.0,
        prompt_bytes: int = 512 * 2**20,
        block_frames: int | None = 0,
        vocoder_bytes: int = VOCODER_BYTES,
        takes_weights: bool = False,
        read: Callable[[Tensor], Samples] = read_samples,
    ) -> None:
        if mode not in ("exact", "fast"):
            raise ValueError(f"the mode must be 'exact' or 'fast', not {mode!r}")
        self.can_stream = mode == "fast"
        device = s3gen.mel2wav.conv_pre.bias.device
        dtype = fast_dtype(device) if self.can_stream else torch.float32
        self._family = family
        self._watermarker = watermarker
        self._prompt_seconds = prompt_seconds
        self.prompts = PromptCache(prompt_bytes)
        with torch.inference_mode():
            self.flow = Flow(s3gen, family.flow_steps, dtype)
            self.hift = HiFT(s3gen.mel2wav, dtype)
        self._block_frames = block_frames if block_frames != 0 else None if device.type == "cuda" else CPU_BLOCK_FRAMES
        self._max_frames = vocoder_bytes // self.hift.frame_bytes
        self._read = read
        # The first samples of a segment are faded in: the rest of the prompt's last frame lies in them.
        self._fade = read(s3gen.trim_fade)
        if takes_weights:
            for part in (s3gen.flow.encoder, s3gen.flow.encoder_proj, s3gen.flow.decoder, s3gen.mel2wav):
                for parameter in part.parameters():
                    parameter.data = parameter.data.new_empty(0)

    def segment(
        self, tokens: Sequence[int], conditionals: Conditionals, generator: torch.Generator, *, is_text: bool = True
    ) -> Iterator[Samples | None]:
        """Yield None after each slice of the work, and all of a segment's samples at the end. May be abandoned at any point."""
        for result in self.batch([WaveRequest(tokens, conditionals, generator, is_text)]):
            yield None if result is None else result[0]

    @torch.inference_mode()
    def batch(self, requests: Sequence[WaveRequest]) -> Generator[list[Samples] | None, None, None]:
        """As `segment`, for several requests in one batch, with the same results as alone. This is faster on a GPU only."""
        rows = []
        noises = []
        for request in requests:
            target = self.target(request.conditionals)
            tokens = self._usable(request.tokens, with_tail=request.is_text)
            num_prompt = len(target.tokens) * FRAMES_PER_TOKEN
            noise = flow_noise(request.generator, num_prompt, len(tokens) * FRAMES_PER_TOKEN, is_meanflow=self.flow.is_meanflow)
            rows.append(Row(target, torch.tensor(tokens), noise))
            num_frames = num_prompt + len(tokens) * FRAMES_PER_TOKEN - len(target.frames)
            noises.append(source_noise(request.generator, self.hift.num_harmonics, num_frames * FRAME_SAMPLES))
        mels = yield from self.flow.mels(rows)
        results = []
        for request, samples in zip(requests, (yield from self._vocode(mels, noises)), strict=True):
            if request.is_text and self._cut_samples:
                samples = samples[: -self._cut_samples]
            fade_in(samples, self._fade)
            results.append(samples if self._watermarker is None else self._watermarker.apply(samples))
            yield None
        yield results

    def split_batch(self, requests: Sequence[WaveRequest], budget_bytes: int) -> list[int]:
        """The sizes of consecutive groups of the requests whose flow fits into `budget_bytes` of working memory each."""
        most = round(self._prompt_seconds * 25) if self.can_stream else None
        prompts = [len(request.conditionals.prompt_token[0][:most]) for request in requests]
        num_tokens = [num_prompt + len(request.tokens) + TAIL_TOKENS for num_prompt, request in zip(prompts, requests, strict=True)]
        return self.flow.split_batch(num_tokens, budget_bytes)

    def stream(self, conditionals: Conditionals, generator: torch.Generator) -> WaveStream:
        """Speech of a text block by block, in fast mode."""
        harmonics = self.hift.num_harmonics
        phase = source_phase(generator, harmonics)
        return WaveStream(
            lambda window: self.flow.stream(self.prompt(conditionals), window),
            self.hift.stream(phase, lambda count: torch.randn(1, harmonics, count, generator=generator)),
            None if self._watermarker is None else self._watermarker.stream(),
            generator,
            tail=[SILENCE_TOKEN] * self._num_tail_tokens,
            filler=SILENCE_TOKEN,
            fade=self._fade,
            cut_samples=self._cut_samples,
            read=self._read,
        )

    def shrink(self) -> None:
        """Drop the cached prompts."""
        self.prompts.shrink()

    def target(self, conditionals: Conditionals) -> Target:
        """A voice as the input of the flow; in fast mode only the end of its prompt."""
        tokens, frames, embedding = conditionals.prompt_token, conditionals.prompt_feat, conditionals.embedding
        target = Target(tokens[0].long(), frames[0].float(), embedding[0].float())
        return target.shortened(self._prompt_seconds) if self.can_stream else target

    def prompt(self, conditionals: Conditionals) -> Prompt:
        """The states of the flow after a voice's prompt, computed once."""
        target = self.target(conditionals)
        # The noise is always the same: the states belong to the voice, not to a request.
        noise = flow_noise(torch.Generator().manual_seed(0), 0, len(target.frames), is_meanflow=False)
        return self.prompts.get(conditionals.key, lambda: run_slices(self.flow.prompt(target, noise)))

    @property
    def _num_tail_tokens(self) -> int:
        return TAIL_TOKENS if self._family.is_gpt2 else 0

    @property
    def _cut_samples(self) -> int:
        """How many samples are cut from the end of a text segment."""
        return MULTILINGUAL_CUT_SAMPLES if self._family.is_multilingual else 0

    def _vocode(self, mels: Sequence[Tensor], noises: Sequence[SourceNoise]) -> Generator[None, None, list[Samples]]:
        if self._block_frames is not None:
            results = []
            for mel, noise in zip(mels, noises, strict=True):
                results.append((yield from self._vocode_blocks(mel, noise, self._block_frames)))
            return results
        samples: dict[int, Samples] = {}
        for group in group_segments([mel.shape[2] for mel in mels], self._max_frames):
            generated = self.hift.generate([mels[index] for index in group], [noises[index] for index in group])
            ends = list(accumulate(len(one) for one in generated))
            # One copy to the host for the whole group.
            samples.update(zip(group, np.split(self._read(torch.cat(generated)), ends[:-1]), strict=True))
            yield
        return [samples[index] for index in range(len(mels))]

    def _vocode_blocks(self, mel: Tensor, source: SourceNoise, size: int) -> Generator[None, None, Samples]:
        position = 0

        def draw(count: int) -> Tensor:
            nonlocal position
            position += count
            return source.noise[:, :, position - count : position]

        stream = self.hift.stream(source.phase, draw)
        parts = []
        for first in range(0, mel.shape[2], size):
            parts.append(stream.push(mel[:, :, first : first + size], is_end=first + size >= mel.shape[2]))
            yield
        return self._read(torch.cat(parts))

    def _usable(self, tokens: Sequence[int], *, with_tail: bool) -> list[int]:
        """The tokens that stand for sound, padded to the fewest that S3Gen accepts."""
        tokens = list(tokens)
        if not self._family.is_gpt2:
            start, stop = SPEECH_VOCABULARY, SPEECH_VOCABULARY + 1
            tokens = tokens[tokens.index(start) + 1 if start in tokens else 0 :]
            tokens = tokens[: tokens.index(stop) if stop in tokens else None]
        tokens = [token for token in tokens if 0 <= token < SPEECH_VOCABULARY]
        if with_tail:
            tokens += [SILENCE_TOKEN] * self._num_tail_tokens
        return tokens + [SILENCE_TOKEN] * (MIN_TOKENS - len(tokens))
