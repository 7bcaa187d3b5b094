"""Loads a model from its folder. Weights are not initialized first, are read when they are used, and are not copied without need."""

from __future__ import annotations

import hashlib
import pickle
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.overrides import TorchFunctionMode

from tts_server.engines.chatterbox.failures import WeightsDamaged, WeightsMissing
from tts_server.engines.chatterbox.families import SPEECH_VOCABULARY, Family
from tts_server.engines.chatterbox.text_ids import text_ids
from tts_server.engines.chatterbox.voices.conditionals import Conditionals, load_builtin
from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.files import missing_files
from tts_server.engines.chatterbox.weights.stock_types import StockModule, StockObject
from tts_server.speech import Samples

CLONING_PARTS = ("tokenizer", "speaker_encoder")
"""The modules of S3Gen that only reference clips need: half of its weights."""

_UNUSED_T3_WEIGHTS = ("text_head.", "tfmr.wte.")
_SET_DATA = torch.Tensor.data.__set__  # type: ignore[attr-defined]
_S3GEN_CONSTANTS = ("tokenizer._mel_filters", "tokenizer.window")
"""Not in every published file; the stock class computes them."""


@dataclass(frozen=True)
class Cloning:
    """The networks that process recordings: the voice encoder, and the S3 tokenizer of S3Gen."""

    voice_encoder: StockModule
    tokenizer: StockModule

    @torch.inference_mode()
    def speech_tokens(self, samples: Samples, sample_rate: int) -> list[int]:
        """The speech tokens (25 a second, each below 6561) of mono `samples`, which must be at 16 kHz."""
        if sample_rate != stock.S3_SR:
            raise ValueError(f"the S3 tokenizer needs {stock.S3_SR} Hz, not {sample_rate}")
        tokens, _ = self.tokenizer.forward([samples])
        return [int(token) for token in tokens[0]]


class Parts:
    """A loaded model. `t3` and `s3gen` are the stock classes in eval mode without gradients; `builtin` is the voice in the folder.

    `s3gen` cannot clone before `cloning` was called once.
    """

    def __init__(
        self,
        family: Family,
        t3: StockModule,
        s3gen: StockModule,
        tokenizer: StockModule,
        device: str,
        builtin: Conditionals | None,
        load_cloning: Callable[[], Cloning],
    ) -> None:
        self.family = family
        self.t3 = t3
        self.s3gen = s3gen
        self.tokenizer = tokenizer
        self.device = device
        self.builtin = builtin
        self._load_cloning = load_cloning
        self._cloning: Cloning | None = None
        self._lock = threading.Lock()

    def text_ids(self, text: str, language: str | None = None, *, begins_inside: bool = False, ends_inside: bool = False) -> torch.Tensor:
        """Ids int64 [n] on the CPU, as stock `generate` feeds T3; see `text_ids.text_ids` for the arguments and errors."""
        inside = {"begins_inside": begins_inside, "ends_inside": ends_inside}
        return text_ids(self.family, self.tokenizer, self.t3.hp, text, language, **inside)

    def cloning(self) -> Cloning:
        """The networks that process recordings, loaded on first use. Thread-safe. Raises WeightsMissing and WeightsDamaged."""
        with self._lock:
            if self._cloning is None:
                self._cloning = self._load_cloning()
            return self._cloning


def load(family: Family, folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32, segmenter: Path | None = None) -> Parts:
    """Load a model from its folder. `dtype` is that of T3; all else is float32, whatever the files hold.

    `segmenter` is the folder of the Chinese word segmenter's model; None: the one that `find_segmenter` finds, or none.

    Raises WeightsMissing with the names of missing files, WeightsDamaged with the file that is cut short or of another model.
    """
    if missing := missing_files(family, folder):
        raise WeightsMissing(family.name, missing, folder, "Copy them there, or let the model be downloaded.")
    paths = {part: folder / name for part, name in family.files.items()}
    t3 = _load_t3(family, paths["t3"], device, dtype)
    # The stock code is not strict about the English file either.
    is_strict = family.id != "chatterbox-english"
    s3gen = _load_s3gen(family, paths["s3gen"], device, is_strict)

    def load_cloning() -> Cloning:
        _fill(s3gen, paths["s3gen"], _is_cloning_weight, device, torch.float32, optional=_S3GEN_CONSTANTS, is_strict=is_strict)
        for part in CLONING_PARTS:
            getattr(s3gen, part).to(device)
        voice_encoder = _empty(stock.VoiceEncoder)
        _fill(voice_encoder, paths["voice_encoder"], lambda _: True, device, torch.float32)
        return Cloning(_finished(voice_encoder, device), s3gen.tokenizer)

    builtin = _load_builtin(family, paths["conditionals"]) if paths["conditionals"].is_file() else None
    tokenizer = _load_tokenizer(family, folder)
    if segmenter is not None and family.is_multilingual:
        tokenizer.cangjie_converter.segmenter_folder = segmenter
    return Parts(family, t3, s3gen, tokenizer, device, builtin, load_cloning)


class _NoMemoryForWeights(TorchFunctionMode):
    """Creates uninitialized tensors on the meta device; tensors that a module computes (tables of positions, windows) stay real.

    Filling the former with random numbers then costs nothing. For the current thread only.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        if func == _SET_DATA and args[0].is_meta:
            return None  # a starting value that the file's own replaces
        return func(*args, **kwargs)


def _empty(make: Callable[[], StockModule]) -> StockModule:
    """A module without weights."""
    with _NoMemoryForWeights(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def _finished(module: StockModule, device: str) -> StockModule:
    return module.to(device).eval().requires_grad_(False)


class _S3Gen(stock.S3Gen):  # type: ignore[misc]
    """The stock class takes its device from its tokenizer, which may not be loaded yet."""

    @property
    def device(self) -> torch.device:
        return torch.device(self.trim_fade.device)


def _load_t3(family: Family, path: Path, device: str, dtype: torch.dtype) -> StockModule:
    names = _read(path, lambda _: False).names
    shape = names.get("text_emb.weight")
    if shape is None:
        raise WeightsDamaged(path, f"it holds no {family.name}, there is no text_emb.weight")
    t3 = _empty(lambda: stock.T3(_t3_config(family, shape[0])))
    del t3.text_head
    if family.is_gpt2:
        del t3.tfmr.wte
    _fill(t3, path, lambda name: not name.startswith(_UNUSED_T3_WEIGHTS), device, dtype)
    return _finished(t3, device)


def _t3_config(family: Family, text_vocabulary: int) -> StockObject:
    """The stock T3Config; that of the GPT-2 models exists only inside the stock loader."""
    config = stock.T3Config(text_tokens_dict_size=text_vocabulary)
    if family.is_gpt2:
        config.llama_config_name = "GPT2_small" if family.id == "chatterbox-nano" else "GPT2_medium"
        config.speech_tokens_dict_size = SPEECH_VOCABULARY + 2
        config.input_pos_emb = None
        config.use_perceiver_resampler = False
        config.emotion_adv = False
    config.speech_cond_prompt_len = family.prompt_tokens
    return config


def _load_s3gen(family: Family, path: Path, device: str, is_strict: bool) -> StockModule:
    s3gen = _empty(lambda: _S3Gen(meanflow=family.is_meanflow))
    _fill(s3gen, path, lambda name: not _is_cloning_weight(name), device, torch.float32, is_strict=is_strict)
    for name, child in s3gen.named_children():
        if name not in CLONING_PARTS:
            child.to(device)
    s3gen.trim_fade = s3gen.trim_fade.to(device)
    return s3gen.eval().requires_grad_(False)


def _is_cloning_weight(name: str) -> bool:
    return name.partition(".")[0] in CLONING_PARTS


def _load_tokenizer(family: Family, folder: Path) -> StockObject:
    path = folder / family.tokenizer_files[0]
    try:
        if not family.is_gpt2:
            return (stock.MTLTokenizer if family.is_multilingual else stock.EnTokenizer)(str(path))
        tokenizer = stock.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the Rust tokenizers raise plain Exception
        raise WeightsDamaged(path, f"no tokenizer can be made of it ({error})") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _load_builtin(family: Family, path: Path) -> Conditionals:
    key = f"{family.id}-builtin-{hashlib.sha256(path.read_bytes()).hexdigest()}"
    try:
        return load_builtin(key, path)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise WeightsDamaged(path, f"it holds no voice ({error})") from error


@dataclass(frozen=True)
class _File:
    """A file of weights: the shapes of all tensors, and the requested tensors."""

    names: dict[str, tuple[int, ...]]
    weights: dict[str, torch.Tensor]


def _read(path: Path, is_requested: Callable[[str], bool]) -> _File:
    """Open a file of weights, mapped into memory: only tensors that are used are read from the disk."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt", device="cpu") as file:
                names = list(file.keys())
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
                return _File(shapes, {name: file.get_tensor(name) for name in names if is_requested(name)})
        # Files of old PyTorch versions are no archives, and cannot be mapped.
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        tensors = {name: tensor for name, tensor in stored.items() if isinstance(tensor, torch.Tensor)}
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return _File(shapes, {name: tensor for name, tensor in tensors.items() if is_requested(name)})
    except (SafetensorError, RuntimeError, ValueError, KeyError, AttributeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise WeightsDamaged(path, f"it is cut short or no file of weights ({error})") from error


def _fill(
    module: nn.Module,
    path: Path,
    is_requested: Callable[[str], bool],
    device: str,
    dtype: torch.dtype,
    *,
    optional: tuple[str, ...] = (),
    is_strict: bool = True,
) -> None:
    """Load a module's weights from a file. Each must be there, except `optional` ones; unknown ones are an error if `is_strict`."""
    weights = _read(path, is_requested).weights
    known = {name for name in module.state_dict() if is_requested(name)}
    missing, unknown = sorted(known - weights.keys() - set(optional)), sorted(weights.keys() - known)
    if missing or (unknown and is_strict):
        reason = f"without {missing[0]}" if missing else f"with {unknown[0]}"
        raise WeightsDamaged(path, f"it holds the weights of another model, {reason}")
    fitting = {
        name: weights[name].to(device=device, dtype=dtype) if weights[name].is_floating_point() else weights[name].to(device)
        for name in known & weights.keys()
    }
    try:
        module.load_state_dict(fitting, strict=False, assign=True)
    except RuntimeError as error:
        raise WeightsDamaged(path, f"it holds the weights of another model ({str(error).splitlines()[-1].strip()})") from error
