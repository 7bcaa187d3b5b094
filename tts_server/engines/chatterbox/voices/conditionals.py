"""The conditioning of the models for a voice: its tensors, and how they are read from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.stock_types import StockObject
from tts_server.speech import VoiceReference

CODE_VERSION = 1
"""Part of every key: to be raised when `cloning.compute` gives other numbers than before."""


@dataclass(frozen=True, eq=False)
class Conditionals:
    """A voice. `key` names the content: equal keys mean equal tensors. All tensors are on the CPU; they must not be written to.

    speaker_emb: float32 [1, 256]; speech_tokens: int64 [1, P], the beginning of the clip for T3.
    prompt_token: int64 [1, N]; prompt_feat: float32 [1, M, 80], mel frames at 50 Hz; embedding: float32 [1, 192]: for S3Gen.
    """

    key: str
    speaker_emb: torch.Tensor
    speech_tokens: torch.Tensor
    prompt_token: torch.Tensor
    prompt_feat: torch.Tensor
    embedding: torch.Tensor

    def t3_cond(self, exaggeration: float) -> StockObject:
        """The stock `T3Cond`: a new one at each call, as the stock code writes into it."""
        return stock.T3Cond(
            speaker_emb=self.speaker_emb,
            cond_prompt_speech_tokens=self.speech_tokens,
            emotion_adv=exaggeration * torch.ones(1, 1, 1),
        )

    def ref_dict(self) -> dict[str, torch.Tensor | None]:
        """What the stock S3Gen takes: a new dict at each call."""
        return {
            "prompt_token": self.prompt_token,
            "prompt_token_len": torch.tensor([self.prompt_token.shape[1]]),
            "prompt_feat": self.prompt_feat,
            "prompt_feat_len": None,
            "embedding": self.embedding,
        }

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors by name."""
        return {name: getattr(self, name) for name in TENSORS}


TENSORS = {
    "speaker_emb": (torch.float32, (1, 256)),
    "speech_tokens": (torch.int64, (1, None)),
    "prompt_token": (torch.int64, (1, None)),
    "prompt_feat": (torch.float32, (1, None, 80)),
    "embedding": (torch.float32, (1, 192)),
}
"""Type and shape of each tensor; None for any length."""


def from_tensors(key: str, tensors: dict[str, torch.Tensor]) -> Conditionals:
    """Conditionals of exactly the tensors that TENSORS names; raises ValueError for others."""
    if tensors.keys() != TENSORS.keys():
        raise ValueError(f"holds {sorted(tensors)}, not {sorted(TENSORS)}")
    for name, (dtype, shape) in TENSORS.items():
        tensor = tensors[name]
        fits = tensor.dim() == len(shape) and all(want in (None, has) for want, has in zip(shape, tensor.shape, strict=True))
        if tensor.dtype != dtype or not fits:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}")
    return Conditionals(key, **tensors)


def key_of(model: str, reference: VoiceReference, norm_loudness: bool) -> str:
    """The key of a clip's conditionals."""
    return f"{model}-{reference.digest}-{'even' if norm_loudness else 'plain'}-{CODE_VERSION}"


def load_builtin(key: str, path: Path) -> Conditionals:
    """The voice that a model brings along, from the stock file `conds.pt`. Raises ValueError or KeyError where it holds something else."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    t3, gen = stored["t3"], stored["gen"]
    found = {
        "speaker_emb": t3["speaker_emb"].reshape(1, -1),
        "speech_tokens": t3["cond_prompt_speech_tokens"],
        "prompt_token": gen["prompt_token"],
        "prompt_feat": gen["prompt_feat"],
        "embedding": gen["embedding"],
    }
    return from_tensors(key, {name: copied_to_host(tensor, TENSORS[name][0]) for name, tensor in found.items()})


def copied_to_host(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A contiguous copy on the CPU."""
    return tensor.detach().to(device="cpu", dtype=dtype).clone(memory_format=torch.contiguous_format)
