"""Prints the bytes of all models in full size as JSON. A process of its own, because the tests shrink the stock classes in theirs."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch.overrides import TorchFunctionMode

from tts_server.engines.chatterbox.families import SPEECH_VOCABULARY, Family, families
from tts_server.engines.chatterbox.weights import stock

GPT2_TEXT_VOCABULARY = 50276
ENGLISH_TEXT_VOCABULARY = 704
MULTILINGUAL_TEXT_VOCABULARY = 2454
CLONING = ("tokenizer", "speaker_encoder")
KEPT = ("flow.input_embedding.", "flow.spk_embed_affine_layer.")


def make_t3(family: Family) -> Any:
    """The published configuration, without what decoding does not use."""
    vocabulary = MULTILINGUAL_TEXT_VOCABULARY if family.is_multilingual else ENGLISH_TEXT_VOCABULARY
    config = stock.T3Config(text_tokens_dict_size=GPT2_TEXT_VOCABULARY if family.is_gpt2 else vocabulary)
    if family.is_gpt2:
        config.llama_config_name = "GPT2_small" if family.id == "chatterbox-nano" else "GPT2_medium"
        config.speech_tokens_dict_size = SPEECH_VOCABULARY + 2
        config.input_pos_emb = None
        config.use_perceiver_resampler = config.emotion_adv = False
    t3 = stock.T3(config)
    del t3.text_head
    if family.is_gpt2:
        del t3.tfmr.wte
    return t3


def num_bytes(tensors: Any) -> int:
    return sum(tensor.nbytes for tensor in tensors)


@cache
def measure_s3gen(is_meanflow: bool) -> dict[str, int]:
    with _NoMemory():
        weights = stock.S3Gen(meanflow=is_meanflow).state_dict()
        voice_encoder = stock.VoiceEncoder()
    speaking = {name: tensor for name, tensor in weights.items() if name.partition(".")[0] not in CLONING}
    return {
        "s3gen": num_bytes(speaking.values()),
        "kept": num_bytes(tensor for name, tensor in speaking.items() if name.startswith(KEPT)),
        "cloning": num_bytes(weights[name] for name in weights.keys() - speaking.keys()) + num_bytes(voice_encoder.parameters()),
    }


def measure(family: Family) -> dict[str, int]:
    with _NoMemory():
        t3 = make_t3(family)
    config = t3.cfg
    return {
        "t3_exact": num_bytes(t3.parameters()),
        "t3_fast": num_bytes(t3.to(torch.bfloat16).parameters()),
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "head_size": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        **measure_s3gen(family.is_meanflow),
    }


class _NoMemory(TorchFunctionMode):
    """Tensors without content are on the meta device, which knows their sizes and has no memory; starting values do not matter."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        if func == torch.Tensor.data.__set__ and args[0].is_meta:  # type: ignore[attr-defined]
            return None
        return func(*args, **kwargs)


def main() -> None:
    print(json.dumps({id_: measure(family) for id_, family in families().items()}))


if __name__ == "__main__":
    main()
