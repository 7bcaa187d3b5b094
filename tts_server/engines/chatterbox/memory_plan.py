"""How a GPU's memory is divided among the parts of a model: arithmetic on the sizes of the published models. No torch here.

Everything that grows with load has a size that is chosen once, when the model is loaded: the KV cache of T3 (rows times positions), the
caches of voices, and the working memory of a batch of S3Gen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tts_server.engines.chatterbox.families import ENGLISH, MULTILINGUAL_V3, NANO, TURBO, Family

CPU_ROWS = 16
"""Rows of a step on a CPU, where more of them do not raise the throughput."""

MIN_ROWS, MAX_ROWS = 2, 128

MAX_SPEECH_TOKENS = 1000
"""Speech tokens of a segment: 40 s."""

_MIN_SPEECH_TOKENS = 600
_POSITION_STEP = 64

FLOAT_BYTES, HALF_BYTES = 4, 2

_CLONING_PARAMETERS = 123_740_696 + 6_930_842 + 1_423_618
"""S3 tokenizer, CAM++ and voice encoder, which are loaded when the first clip is cloned, in float32."""

_CLONING_WORK_BYTES = 192 << 20
_WORKSPACE_BYTES = 512 << 20
"""cuBLAS and cuDNN workspaces, graphs, activations of the vocoder, fragmentation."""

CONTEXT_BYTES = 512 << 20
"""Memory of CUDA and its kernels in each process, outside of PyTorch's allocator."""

_ATTENTION_HEADS = 8
_SCORES_PER_PAIR = 4
"""Numbers in memory for each pair of frames and head of S3Gen's encoder: scores by distance (two), bias, and a copy of the bias."""

_PROMPT_TOKENS = 250
_USUAL_SPEECH_TOKENS = 500
_MAX_BATCH = 8
_CACHE_BYTES = 512 << 20

# Fractions of the memory that remains after weights, cloning and workspaces. The rest stays free, for another model.
_KV_SHARE, _S3GEN_SHARE, _CACHE_SHARE = 0.6, 0.2, 0.05


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of one model.

    t3_parameters: those that decoding uses, without the text head. s3gen_parameters: flow and vocoder with their buffers;
    s3gen_float32_parameters: those of them that stay in float32 in all modes. prefix_positions: a voice's conditioning in T3;
    text_positions: the longest text of a segment. rows_per_sequence: 2 with classifier-free guidance.
    """

    t3_parameters: int
    s3gen_parameters: int
    s3gen_float32_parameters: int
    layers: int
    heads: int
    head_size: int
    prefix_positions: int
    text_positions: int
    rows_per_sequence: int

    def position_bytes(self, element_bytes: int) -> int:
        """Keys and values of one position in all layers."""
        return 2 * self.layers * self.heads * self.head_size * element_bytes

    def weight_bytes(self, element_bytes: int) -> int:
        """The weights of T3 and S3Gen, without those that only cloning uses."""
        halved = self.t3_parameters + self.s3gen_parameters - self.s3gen_float32_parameters
        return halved * element_bytes + self.s3gen_float32_parameters * FLOAT_BYTES

    def positions(self, speech_tokens: int) -> int:
        """Positions of a row: voice, text, start tokens and `speech_tokens`, rounded up."""
        return _rounded(self.prefix_positions + self.text_positions + 2 + speech_tokens)


_FLOAT32 = 3_359_232 + 15_440  # embeddings of tokens and speakers
_FLOW, _MEANFLOW, _HIFT = 112_549_360, 114_646_512, 20_821_295
_SIZES = {
    ENGLISH.id: ModelSizes(531_684_352, _FLOW + _HIFT, _FLOAT32, 30, 16, 64, 34, 300, 2),
    MULTILINGUAL_V3.id: ModelSizes(533_476_352, _FLOW + _HIFT, _FLOAT32, 30, 16, 64, 34, 660, 2),
    TURBO.id: ModelSizes(375_897_507, _MEANFLOW + _HIFT, _FLOAT32, 24, 16, 64, 376, 300, 1),
    NANO.id: ModelSizes(140_247_203, _MEANFLOW + _HIFT, _FLOAT32, 12, 12, 64, 376, 300, 1),
}


def sizes_of(family: Family) -> ModelSizes:
    """The sizes of a family; fine-tuned single-language models have those of the multilingual one."""
    return _SIZES.get(family.id) or _SIZES[TURBO.id if family.is_gpt2 else MULTILINGUAL_V3.id]


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes of each part of a model, and the shape of the KV cache: `rows` of `positions`. `element_bytes` is 2 in half precision."""

    element_bytes: int
    rows: int
    positions: int
    weight_bytes: int
    kv_bytes: int
    prefix_bytes: int
    prompt_bytes: int
    s3gen_bytes: int
    cloning_bytes: int
    workspace_bytes: int

    @property
    def work_bytes(self) -> int:
        """All but the weights."""
        parts = (self.kv_bytes, self.prefix_bytes, self.prompt_bytes, self.s3gen_bytes, self.cloning_bytes, self.workspace_bytes)
        return sum(parts)

    @property
    def total_bytes(self) -> int:
        return self.weight_bytes + self.work_bytes

    def __str__(self) -> str:
        caches = self.prefix_bytes + self.prompt_bytes
        return (
            f"{self.rows} rows of {self.positions} positions; weights {_mb(self.weight_bytes)}, KV cache {_mb(self.kv_bytes)}, "
            f"voices {_mb(caches)}, S3Gen {_mb(self.s3gen_bytes)}, cloning {_mb(self.cloning_bytes)}, "
            f"workspaces {_mb(self.workspace_bytes)}, together {_mb(self.total_bytes)}"
        )


def plan_memory(sizes: ModelSizes, *, element_bytes: int, caches_prompts: bool, free_bytes: int, max_rows: int = 0) -> MemoryPlan:
    """Divide `free_bytes`, the memory that is free once the weights are loaded.

    element_bytes: of a weight, a key and a value. caches_prompts: whether S3Gen keeps the states of prompts (fast mode).
    max_rows: the most rows (0: as memory allows, up to MAX_ROWS).
    The plan always has rows for one sequence: its `work_bytes` may then be more than `free_bytes`.
    """
    step = sizes.rows_per_sequence
    limit = max(_even(max_rows or MAX_ROWS, step), step)
    cloning = _CLONING_PARAMETERS * FLOAT_BYTES + _CLONING_WORK_BYTES
    least_s3gen = s3gen_bytes([MAX_SPEECH_TOKENS], element_bytes)
    rest = max(0, free_bytes - cloning - _WORKSPACE_BYTES)
    positions = sizes.positions(MAX_SPEECH_TOKENS)
    budget = max(int(rest * _KV_SHARE), min(step * positions * sizes.position_bytes(element_bytes), rest - least_s3gen))
    rows = min(_even(budget // (positions * sizes.position_bytes(element_bytes)), step), limit)
    if rows < min(MIN_ROWS, limit):
        positions = sizes.positions(_MIN_SPEECH_TOKENS)
        rows = min(max(_even(budget // (positions * sizes.position_bytes(element_bytes)), step), step), limit)
    most_s3gen = s3gen_bytes([_USUAL_SPEECH_TOKENS] * _MAX_BATCH, element_bytes)
    cache = min(_CACHE_BYTES, int(rest * _CACHE_SHARE))
    return MemoryPlan(
        element_bytes=element_bytes,
        rows=rows,
        positions=positions,
        weight_bytes=sizes.weight_bytes(element_bytes),
        kv_bytes=kv_bytes(sizes, rows, positions, element_bytes),
        prefix_bytes=cache,
        prompt_bytes=cache if caches_prompts else 0,
        s3gen_bytes=max(least_s3gen, min(most_s3gen, int(rest * _S3GEN_SHARE))),
        cloning_bytes=cloning,
        workspace_bytes=_WORKSPACE_BYTES,
    )


def kv_bytes(sizes: ModelSizes, rows: int, positions: int, element_bytes: int) -> int:
    """Keys and values of `rows` rows of `positions` positions."""
    return rows * positions * sizes.position_bytes(element_bytes)


def s3gen_bytes(speech_tokens: Sequence[int], element_bytes: int) -> int:
    """Working memory of a batch of S3Gen: attention over the frames of prompt and segment (two for each token), squared."""
    longest = 2 * (_PROMPT_TOKENS + max(speech_tokens))
    return len(speech_tokens) * longest**2 * _ATTENTION_HEADS * _SCORES_PER_PAIR * element_bytes


def required_bytes(sizes: ModelSizes, *, element_bytes: int, caches_prompts: bool, sequences: int) -> int:
    """The least memory of a GPU on which a model computes `sequences` segments at once, CUDA's own included."""
    rows = sequences * sizes.rows_per_sequence
    low, high = 0, 1 << 40
    while high - low > 1 << 20:
        middle = (low + high) // 2
        plan = plan_memory(sizes, element_bytes=element_bytes, caches_prompts=caches_prompts, free_bytes=middle, max_rows=rows)
        is_enough = plan.rows >= rows and plan.work_bytes <= middle
        low, high = (low, middle) if is_enough else (middle, high)
    return high + sizes.weight_bytes(element_bytes) + CONTEXT_BYTES


def _rounded(positions: int) -> int:
    return -(-positions // _POSITION_STEP) * _POSITION_STEP


def _even(rows: int, step: int) -> int:
    return rows - rows % step


def _mb(size: int) -> str:
    return f"{size >> 20:,} MB"
