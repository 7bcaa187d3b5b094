"""The stock `chatterbox` package (written for 0.1.7), made importable, silent while it generates, and independent of the network.

All other modules take its classes from here. Importing this raises StockMissing where a package is missing. What is changed:

- torchaudio's native extension may not load (its wheel needs CUDA libraries even with a CPU-only torch). Chatterbox does not use it.
- perth reads one folder name from `pkg_resources`; setuptools dropped it in 81. Without perth there is no watermark, hence no speech.
- The multilingual tokenizer downloads a word segmenter and its Cangjie table when it is constructed, even for English.
- It warns for each text in a language whose helper package is missing; `language_helpers` warns once, when a model is loaded.
- `norm_loudness` returns float64 with numpy 2, which the S3 tokenizer refuses.
- The perceiver allows all attention kernels (the default) by a name that PyTorch is about to drop.
- The backbone of Chatterbox Nano is unknown to 0.1.7.
- Its loops call the transformer's cache `past_key_values`, which transformers renames to `cache` in 5.x and drops in 5.40.
- Progress bars, prints, a deprecation warning for each linear layer, and a warning for each clip that is no multiple of 40 ms.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tts_server.engines.chatterbox.failures import StockMissing
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.language_helpers import is_importable
from tts_server.engines.chatterbox.weights.segmenter import find_segmenter
from tts_server.speech import Samples

_Item = TypeVar("_Item")


_TEXT_HELPERS = {
    "pykakasi": "hiragana_normalize",
    "dicta_onnx": "add_hebrew_diacritics",
    "russian_text_stresser": "add_russian_stress",
}
"""Packages and the functions of the stock tokenizer that use them."""


class _NoExtension(types.ModuleType):
    """Replaces `torchaudio._extension`: every native feature is absent, and decorators that require one do nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_IS_"):
            return False
        if name.startswith("fail_if_no_"):
            return lambda function: function
        if name == "lazy_import_sox_ext":
            return lambda: types.ModuleType("sox")
        raise AttributeError(name)


def _import_torchaudio() -> None:
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        raise
    except (OSError, RuntimeError, ImportError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _NoExtension("torchaudio._extension")
        importlib.import_module("torchaudio")


def _resource_filename(package: str, resource: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"no package {package}")
    return str(Path(spec.origin).parent / resource)


def _import_perth() -> None:
    is_replaced = sys.modules.get("pkg_resources") is None
    if is_replaced:
        sys.modules["pkg_resources"] = types.ModuleType("pkg_resources")
        sys.modules["pkg_resources"].__dict__["resource_filename"] = _resource_filename
    try:
        # The package itself suppresses the error and sets the class to None.
        importlib.import_module("perth.perth_net.perth_net_implicit.perth_watermarker")
    finally:
        if is_replaced:
            del sys.modules["pkg_resources"]


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _import_torchaudio()
            _import_perth()
            yield
        except (ImportError, OSError) as error:
            raise StockMissing(str(error)) from error


with _importing():
    import diffusers.models.lora as _lora
    import perth.perth_net.perth_net_implicit.model.perth_net as _perth_net
    import torch
    from chatterbox import mtl_tts, tts, tts_turbo
    from chatterbox.models.s3gen import S3GEN_SR, S3Gen
    from chatterbox.models.s3gen import flow_matching as _flow_matching
    from chatterbox.models.s3gen import s3gen as _s3gen
    from chatterbox.models.s3gen.const import S3GEN_SIL
    from chatterbox.models.s3gen.utils.mel import mel_spectrogram
    from chatterbox.models.s3tokenizer import S3_SR, S3Tokenizer, drop_invalid_tokens
    from chatterbox.models.t3 import T3, llama_configs
    from chatterbox.models.t3 import t3 as _t3
    from chatterbox.models.t3.inference import t3_hf_backend as _t3_backend
    from chatterbox.models.t3.modules.cond_enc import T3Cond
    from chatterbox.models.t3.modules.perceiver import AttentionQKV as _AttentionQKV
    from chatterbox.models.t3.modules.t3_config import T3Config
    from chatterbox.models.tokenizers import EnTokenizer, MTLTokenizer
    from chatterbox.models.tokenizers import tokenizer as _tokenizer
    from chatterbox.models.voice_encoder import VoiceEncoder
    from perth import PerthImplicitWatermarker
    from transformers import AutoTokenizer

__all__ = [
    "AutoTokenizer",
    "EnTokenizer",
    "MTLTokenizer",
    "PerthImplicitWatermarker",
    "S3GEN_SIL",
    "S3GEN_SR",
    "S3Gen",
    "S3Tokenizer",
    "S3_SR",
    "T3",
    "T3Cond",
    "T3Config",
    "VoiceEncoder",
    "drop_invalid_tokens",
    "llama_configs",
    "mel_spectrogram",
    "mtl_tts",
    "norm_loudness",
    "punc_norm",
    "torch",
    "tts",
    "tts_turbo",
]


class _CangjieConverter(_tokenizer.ChineseCangjieConverter):  # type: ignore[misc]
    """Chinese characters to Cangjie codes, with the table of the model's own folder.

    `segmenter_folder` has the model of the word segmenter; it is loaded with the first Chinese text. None: there is no segmenter.
    """

    segmenter: Any
    segmenter_folder: Path | None

    def _load_cangjie_mapping(self, model_dir: Path) -> None:
        with (Path(model_dir) / "Cangjie5_TC.json").open(encoding="utf-8") as file:
            entries = json.load(file)
        for entry in entries:
            word, code = entry.split("\t")[:2]
            self.word2cj[word] = code
            self.cj2word.setdefault(code, []).append(word)

    def _init_segmenter(self) -> None:
        self.segmenter_folder = find_segmenter() if is_importable("spacy_pkuseg") else None

    def __call__(self, text: str) -> str:
        if self.segmenter is None and self.segmenter_folder is not None:
            from spacy_pkuseg import pkuseg

            self.segmenter = pkuseg(str(self.segmenter_folder))
        return str(super().__call__(text))


def punc_norm(family: Family, text: str) -> str:
    """The text as the family's own `generate` prepares it: first letter, spaces, rare punctuation, a full stop at the end."""
    module = tts_turbo if family.is_gpt2 else mtl_tts if family.is_multilingual else tts
    return str(module.punc_norm(text))


def norm_loudness(samples: Samples, sample_rate: int) -> Samples:
    """A clip at -27 LUFS, which Turbo expects of references; one that is too short or quiet to be measured is not changed."""
    return np.asarray(_stock_norm_loudness(None, samples, sample_rate), dtype=np.float32)


def _norm_loudness(self: Any, wav: Samples, sr: int, target_lufs: float = -27) -> Samples:
    return np.asarray(_stock_norm_loudness(self, wav, sr, target_lufs), dtype=np.float32)


def _attention(self: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    dropout = self.dropout_rate if self.training else 0.0
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)


class _StockOutput:
    """The output of a transformer, with its cache under the name that the stock loops use."""

    def __init__(self, output: Any) -> None:
        self._output = output
        self.past_key_values = output.cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)

    def __getitem__(self, index: int) -> Any:
        return self._output[index]


def _with_stock_cache_names(model: type[torch.nn.Module]) -> type[torch.nn.Module]:
    """A class of transformers that takes and returns its cache as `past_key_values`, whatever its name in this version."""
    if "cache" not in inspect.signature(model.forward).parameters:
        return model

    def forward(self: torch.nn.Module, *args: Any, past_key_values: Any = None, **kwargs: Any) -> Any:
        return _StockOutput(model.forward(self, *args, cache=past_key_values, **kwargs))

    return type(model.__name__, (model,), {"forward": forward, "__module__": model.__module__})


def _bare(items: Iterable[_Item], **_: Any) -> Iterable[_Item]:
    return items


def _silent(*_: Any, **__: Any) -> None:
    return None


def _unchanged(text: str) -> str:
    return text


def _patch() -> None:
    """Replace the parts of the package that the module's docstring lists."""
    _tokenizer.ChineseCangjieConverter = _CangjieConverter
    for package, function in _TEXT_HELPERS.items():
        if not is_importable(package):
            setattr(_tokenizer, function, _unchanged)
    tts_turbo.ChatterboxTurboTTS.norm_loudness = _norm_loudness
    _AttentionQKV.flash_attention = _attention
    _t3.LlamaModel = _with_stock_cache_names(_t3.LlamaModel)
    _t3.GPT2Model = _with_stock_cache_names(_t3.GPT2Model)
    _t3_backend.CausalLMOutputWithCrossAttentions = types.SimpleNamespace
    medium = llama_configs.LLAMA_CONFIGS["GPT2_medium"]
    llama_configs.LLAMA_CONFIGS.setdefault("GPT2_small", {**medium, "n_embd": 768, "hidden_size": 768, "n_head": 12, "n_layer": 12})


def _silence_progress() -> None:
    for module in (_t3, _flow_matching):
        module.tqdm = _bare
    for module in (_t3, _flow_matching, _s3gen, _perth_net, tts_turbo):
        module.print = _silent
    # A warning for each of S3Gen's linear layers.
    _lora.deprecate = _silent
    # It warns, by the root logger, of each clip that is no multiple of 40 ms long, which it shortens by itself.
    _s3gen.logging = types.SimpleNamespace(warning=_silent)


_stock_norm_loudness: Callable[..., Samples] = tts_turbo.ChatterboxTurboTTS.norm_loudness
_patch()
_silence_progress()
