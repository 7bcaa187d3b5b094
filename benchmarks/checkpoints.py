"""Chatterbox checkpoints with random weights, in the layout that the stock package loads: for tests (tiny) and measurements (full size).

    python benchmarks/checkpoints.py KIND FOLDER [--tiny] [--half] [--seed N] [--stop-after N]

A tiny checkpoint (about 5 MB) is run by the same classes, constructed inside `tiny_sizes()`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from tts_server.engines.chatterbox.families import (  # noqa: E402
    LANGUAGES,
    MULTILINGUAL_V2,
    SINGLE_LANGUAGE,
    SPEECH_VOCABULARY,
    TAGS,
    Family,
    families,
)
from tts_server.engines.chatterbox.weights import stock  # noqa: E402

import torch  # noqa: E402  isort: skip
from safetensors.torch import save_file  # noqa: E402  isort: skip
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402  isort: skip
from transformers.generation import logits_process as warpers  # noqa: E402  isort: skip

KINDS = ("english", "multilingual", "turbo", "nano")
GPT2_TEXT_VOCABULARY = 50276
TINY_GPT2_TEXT_VOCABULARY = 320
TINY_WIDTH = 64
STOP = SPEECH_VOCABULARY + 1
NEVER = -1e4
"""A logit that no token can be sampled with, and that half precision can hold."""

_CHARACTERS = (
    range(0x21, 0x7F),  # ASCII
    range(0xA1, 0x100),  # Latin-1
    range(0x300, 0x370),  # combining marks, which decomposition leaves behind
    range(0x391, 0x3CA),  # Greek
    range(0x410, 0x450),  # Cyrillic
    range(0x5B0, 0x5EB),  # Hebrew
    range(0x621, 0x653),  # Arabic
    range(0x901, 0x970),  # Devanagari
    range(0x3001, 0x3003),  # ideographic comma and full stop
    range(0x3041, 0x30FF),  # kana
    range(0x1100, 0x1200),  # Hangul letters
)
_MERGES = ("t h", "th e", "i n", "e r", "a n", "o u", "i s", "o n", "e n", "r e", "in g", "an d", "e s", "o r", "a t", "l l")
NUM_LEARNT_PIECES = 8000
_CANGJIE = ("你\tonf", "好\tvnd", "中\tl", "文\tyk", "世\tpt", "界\twll")


def family_of(kind: str, multilingual: str = "v2") -> Family:
    """The family that a kind of checkpoint belongs to."""
    return families(multilingual)[f"chatterbox-{kind}"]


def load_stock(kind: str, folder: Path, device: str = "cpu") -> Any:
    """The stock object of a kind. chatterbox-tts 0.1.7 does not know Nano: its Turbo class is told another file and backbone."""
    if kind == "english":
        return stock.tts.ChatterboxTTS.from_local(folder, device)
    if kind == "multilingual":
        return stock.mtl_tts.ChatterboxMultilingualTTS.from_local(folder, device)
    if kind == "turbo":
        return stock.tts_turbo.ChatterboxTurboTTS.from_local(folder, device)
    turbo, nano = family_of("turbo").files["t3"], family_of("nano").files["t3"]
    load_file, make = stock.tts_turbo.load_file, stock.tts_turbo.T3

    def load_nano(path: Path) -> Any:
        return load_file(path.with_name(nano) if path.name == turbo else path)

    def make_nano(config: Any) -> Any:
        config.llama_config_name = "GPT2_small"
        return make(config)

    with patch.object(stock.tts_turbo, "load_file", load_nano), patch.object(stock.tts_turbo, "T3", make_nano):
        return stock.tts_turbo.ChatterboxTurboTTS.from_local(folder, device)


@contextlib.contextmanager
def tiny_sizes() -> Iterator[None]:
    """Inside, the stock classes construct models of a thousandth of their size. What they have constructed goes on working outside.

    The sizes are constants in the stock code, so its names are replaced for the while. The Llama backbone keeps as many layers and
    heads as the alignment analyzer of the multilingual model looks at.
    """
    from chatterbox.models.s3gen import s3gen
    from chatterbox.models.s3gen.transformer import upsample_encoder
    from chatterbox.models.t3.modules import cond_enc
    from chatterbox.models.voice_encoder.config import VoiceEncConfig
    from s3tokenizer.model_v2 import S3TokenizerV2

    width = TINY_WIDTH
    configs = stock.llama_configs.LLAMA_CONFIGS
    gpt2 = {"n_embd": width, "hidden_size": width, "n_head": 2, "n_layer": 2, "n_positions": 2048, "n_ctx": 2048}
    gpt2 |= {"vocab_size": 8, "bos_token_id": 0, "eos_token_id": 0}
    llama = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 14, "head_dim": 4}
    # Chatterbox hands its tokenizer's configuration to nobody: the default of its base class is what counts.
    tokenizer_config = S3TokenizerV2.__init__.__defaults__[0]
    smaller: tuple[tuple[Any, str, Mapping[str, Any]], ...] = (
        (s3gen, "UpsampleConformerEncoder", {"output_size": width, "input_size": width, "attention_heads": 1, "linear_units": 128}),
        (s3gen, "ConditionalDecoder", {"channels": [32], "n_blocks": 1, "num_mid_blocks": 1, "num_heads": 1, "attention_head_dim": 32}),
        (s3gen, "CausalMaskedDiffWithXvec", {"input_size": width}),
        (s3gen, "HiFTGenerator", {"base_channels": 32}),
        (s3gen, "ConvRNNF0Predictor", {"cond_channels": 16}),
        (s3gen, "CAMPPlus", {"growth_rate": 4, "bn_size": 2, "init_channels": 16}),
        (upsample_encoder, "PreLookaheadLayer", {"channels": width}),
        (upsample_encoder, "Upsample1D", {"channels": width, "out_channels": width}),
        (cond_enc, "Perceiver", {"pre_attention_query_size": width, "embedding_dim": width}),
    )
    with contextlib.ExitStack() as stack:
        for name, changes in (("GPT2_medium", gpt2), ("GPT2_small", gpt2), ("Llama_520M", llama)):
            stack.enter_context(patch.dict(configs, {name: {**configs[name], **changes}}))
        for module, name, changes in smaller:
            stack.enter_context(patch.object(module, name, _with(getattr(module, name), changes)))
        stack.enter_context(patch.multiple(tokenizer_config, n_audio_state=64, n_audio_head=1, n_audio_layer=1))
        stack.enter_context(patch.object(VoiceEncConfig, "ve_hidden_size", 16))
        stack.enter_context(patch.object(stock.tts_turbo, "T3", _with_text_vocabulary(stock.T3, TINY_GPT2_TEXT_VOCABULARY)))
        yield


def _with(make: Any, changes: Mapping[str, Any]) -> Any:
    return lambda *_, **settings: make(**{**settings, **changes})


def _with_text_vocabulary(make: Any, size: int) -> Any:
    def construct(config: Any) -> Any:
        config.text_tokens_dict_size = size
        return make(config)

    return construct


def write_checkpoint(
    kind: str, folder: Path, *, tiny: bool = False, seed: int = 0, dtype: torch.dtype = torch.float32, stop_after: int | None = 40
) -> Path:
    """Write a checkpoint of random weights into `folder` and return it.

    `kind` is one of KINDS, or that of a single-language model, such as `multilingual-hi`. `stop_after` is the mean length, in speech
    tokens, of what the model says with its default controls (the lengths are spread like those of any chance that is the same at each
    step); None lets it never stop by itself.
    """
    family = family_of(kind)
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), tiny_sizes() if tiny else contextlib.nullcontext(), torch.no_grad():
        torch.manual_seed(seed)
        text_vocabulary = _write_tokenizer(family, folder, tiny)
        t3 = stock.T3(_t3_config(kind, text_vocabulary)).eval()
        _enliven(t3)
        s3gen = stock.S3Gen(meanflow=family.is_meanflow).eval()
        voice_encoder = stock.VoiceEncoder()
        voice = _voice(t3.hp, prompt_seconds=2 if tiny else 10)
        _set_endings(t3, family, voice["t3"], stop_after)
    s3gen_weights = s3gen.state_dict()
    if kind == "english" or family.is_single_language:
        # The published files have no such buffers either: their loaders are not strict.
        for name in ("tokenizer._mel_filters", "tokenizer.window"):
            del s3gen_weights[name]
    for part, weights in (("t3", t3.state_dict()), ("s3gen", s3gen_weights), ("voice_encoder", voice_encoder.state_dict())):
        _save(weights, folder / family.files[part], dtype)
    torch.save(voice, folder / family.files["conditionals"])
    if family == MULTILINGUAL_V2:
        _duplicate(folder / family.files["t3"], folder / family_of(kind, "v3").files["t3"])
    return folder


def _t3_config(kind: str, text_vocabulary: int) -> Any:
    config = stock.T3Config(text_tokens_dict_size=text_vocabulary)
    if kind in ("turbo", "nano"):
        config.llama_config_name = "GPT2_small" if kind == "nano" else "GPT2_medium"
        config.speech_tokens_dict_size = SPEECH_VOCABULARY + 2
        config.input_pos_emb = None
        config.speech_cond_prompt_len = 375
        config.use_perceiver_resampler = False
        config.emotion_adv = False
    return config


def _enliven(t3: Any) -> None:
    """Give each layer of the backbone a say: as they come, they add so little that a wrong one would go unnoticed."""
    for name, weight in t3.tfmr.named_parameters():
        if weight.dim() == 2 and not name.startswith("wte"):
            fan_in = weight.shape[0] if t3.is_gpt else weight.shape[1]
            weight.normal_(std=0.3 if name.startswith("wpe") else fan_in**-0.5)


def _set_endings(t3: Any, family: Family, voice: Mapping[str, Any], stop_after: int | None) -> None:
    """Make ids that are no sound impossible, and the end of speech as likely as wanted at each step."""
    t3.speech_head.weight[SPEECH_VOCABULARY:] = 0
    weights = t3.speech_head.bias
    if weights is None:
        _reserve_features(t3)
        weights = t3.speech_head.weight[:, -1]
    hidden = _typical_states(t3, voice)
    feature = torch.ones(hidden.shape[:2]) if t3.is_gpt else hidden[..., -1]
    weights[SPEECH_VOCABULARY:] = NEVER / float(feature.mean())
    if stop_after is not None:
        logits = _guided(t3.speech_head(hidden), family)
        chance = min(0.5, 1 / stop_after)
        weights[STOP] = _weight_of_chance(logits, _guided(feature, family), family, chance)


def _reserve_features(t3: Any) -> None:
    """Let no layer write to the last two features: the last is the same for all speech tokens, the other marks the end of the text."""
    for embedding in (t3.speech_emb, t3.speech_pos_emb.emb, t3.text_emb, t3.text_pos_emb.emb):
        embedding.weight[:, -2:] = 0
    t3.speech_emb.weight[:, -1] = t3.dim**0.5
    t3.text_emb.weight[t3.hp.stop_text_token, -2] = t3.dim**0.5
    for layer in t3.tfmr.layers:
        layer.self_attn.o_proj.weight[-2:] = 0
        layer.mlp.down_proj.weight[-2:] = 0


def _guided(rows: torch.Tensor, family: Family) -> torch.Tensor:
    """Row 0 as the model uses it: with classifier-free guidance, where there is a row without the text."""
    return rows[0] if len(rows) == 1 else rows[0] + family.default("cfg_weight") * (rows[0] - rows[1])


def _typical_states(t3: Any, voice: Mapping[str, Any], steps: int = 64) -> torch.Tensor:
    """The last hidden states [1 or 2, steps, width] of `steps` random speech tokens after a voice and a text; without the text in row 1."""
    text = torch.randint(3, 100, (1 if t3.is_gpt else 2, 40))
    tokens = torch.randint(0, SPEECH_VOCABULARY, (1, steps)).expand(len(text), -1)
    embedded, _ = t3.prepare_input_embeds(t3_cond=stock.T3Cond(**voice), text_tokens=text, speech_tokens=tokens, cfg_weight=0.5)
    return t3.tfmr(inputs_embeds=embedded).last_hidden_state[:, -steps:]


def _weight_of_chance(logits: torch.Tensor, feature: torch.Tensor, family: Family, chance: float) -> float:
    """What to multiply `feature` [steps] with for a logit that ends speech with this chance, by bisection. `logits` [steps, vocabulary]."""
    low, high = 0.0, 20.0
    for _ in range(20):
        middle = (low + high) / 2
        logits[:, STOP] = middle * feature
        if _chance_of_stop(logits, family) < chance:
            low = middle
        else:
            high = middle
    return high


def _chance_of_stop(logits: torch.Tensor, family: Family) -> float:
    scores = logits / family.default("temperature")
    if family.is_gpt2:
        scores = warpers.TopKLogitsWarper(int(family.default("top_k")))(None, scores)
    else:
        scores = warpers.MinPLogitsWarper(family.default("min_p"))(None, scores)
    scores = warpers.TopPLogitsWarper(family.default("top_p"))(None, scores)
    return float(scores.softmax(-1)[:, STOP].mean())


def _voice(config: Any, prompt_seconds: int) -> dict[str, dict[str, Any]]:
    """The built-in voice, as the stock classes keep it."""
    tokens = 25 * prompt_seconds
    return {
        "t3": {
            "speaker_emb": torch.nn.functional.normalize(torch.rand(1, 256), dim=-1),
            "clap_emb": None,
            "cond_prompt_speech_tokens": torch.randint(0, SPEECH_VOCABULARY, (1, config.speech_cond_prompt_len)),
            "cond_prompt_speech_emb": None,
            "emotion_adv": 0.5 * torch.ones(1, 1, 1),
        },
        "gen": {
            "prompt_token": torch.randint(0, SPEECH_VOCABULARY, (1, tokens)),
            "prompt_token_len": torch.tensor([tokens]),
            "prompt_feat": 2 * torch.randn(1, 2 * tokens, 80) - 5,
            "prompt_feat_len": None,
            "embedding": torch.randn(1, 192),
        },
    }


def _save(weights: Mapping[str, torch.Tensor], path: Path, dtype: torch.dtype) -> None:
    cast = {name: (value.to(dtype) if value.is_floating_point() else value).contiguous() for name, value in weights.items()}
    if path.suffix == ".pt":
        torch.save(cast, path)
    else:
        save_file(cast, path)


def _duplicate(path: Path, twin: Path) -> None:
    twin.unlink(missing_ok=True)
    try:
        os.link(path, twin)
    except OSError:
        shutil.copyfile(path, twin)


def _write_tokenizer(family: Family, folder: Path, tiny: bool) -> int:
    """Write the tokenizer's files; the size of its vocabulary."""
    if family.is_gpt2:
        size = TINY_GPT2_TEXT_VOCABULARY if tiny else GPT2_TEXT_VOCABULARY
        _write_byte_tokenizer(folder, size, _MERGES if tiny else _learnt_merges())
    else:
        size = 2454 if family.is_multilingual else 704
        _write_grapheme_tokenizer(folder / family.tokenizer_files[0], size, family.is_multilingual)
    if family.is_multilingual:
        (folder / "Cangjie5_TC.json").write_text(json.dumps(_CANGJIE), encoding="utf-8")
    return size


def _write_grapheme_tokenizer(path: Path, size: int, multilingual: bool) -> None:
    """A tokenizer of letters and a few merges. Ids 0 and 255 mark the text's ends."""
    special = ["[PAD]", "[SEP]", "[CLS]", "[MASK]"]
    if multilingual:
        special += [f"[{language}]" for language in LANGUAGES] + [f"[cj_{key}]" for key in "abcdefghijklmnopqrstuvwxyz0123456789."]
    letters = [chr(code) for codes in (_CHARACTERS if multilingual else _CHARACTERS[:1]) for code in codes]
    pieces = [*special, *letters, *(merge.replace(" ", "") for merge in _MERGES)]
    pieces += [f"<{number}>" for number in range(size - 4 - len(pieces))]
    free = (number for number in range(3, size) if number != 255)
    vocabulary = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 255, **dict(zip(pieces, free, strict=True))}
    merges = [(left, right) for left, right in (merge.split() for merge in _MERGES)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[STOP]", "[UNK]", "[SPACE]", "[START]", *special])
    tokenizer.save(str(path))


def _learnt_merges() -> list[str]:
    """Merges of bytes learnt from this project's documents. GPT-2's own, which make somewhat fewer tokens of a text, need a download."""
    project = Path(__file__).resolve().parent.parent
    prose = [path.read_text(encoding="utf-8") for path in sorted([project / "README.md", *(project / "docs").glob("*.md")])]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=NUM_LEARNT_PIECES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(prose, trainer)
    return [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def _write_byte_tokenizer(folder: Path, size: int, merges: Sequence[str]) -> None:
    """GPT-2's tokenizer files, with bytes and merges for words, and the tags as added tokens at the end."""
    added = [*sorted(TAGS), *(f"[tag {number}]" for number in range(19 - len(TAGS)))]
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(merge.replace(" ", "") for merge in merges)]
    pieces += [f"<{number}>" for number in range(size - len(added) - 1 - len(pieces))] + ["<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    settings = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "model_max_length": 1024}
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    contents = {
        "vocab.json": vocabulary,
        "added_tokens.json": {token: len(vocabulary) + number for number, token in enumerate(added)},
        "special_tokens_map.json": special,
        "tokenizer_config.json": {**settings, **special},
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=[*KINDS, *(family.id.removeprefix("chatterbox-") for family in SINGLE_LANGUAGE)])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true", help="a thousandth of the size, for tests")
    parser.add_argument("--half", action="store_true", help="half precision")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stop-after", type=int, metavar="N", help="end speech after about N tokens; else it never ends by itself")
    asked = parser.parse_args()
    dtype = torch.float16 if asked.half else torch.float32
    write_checkpoint(asked.kind, asked.folder, tiny=asked.tiny, seed=asked.seed, dtype=dtype, stop_after=asked.stop_after)
    for path in sorted(asked.folder.iterdir()):
        print(f"{path.stat().st_size / 1e6:10.2f} MB  {path.name}")


if __name__ == "__main__":
    main()
