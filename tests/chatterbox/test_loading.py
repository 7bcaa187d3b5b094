"""A model that is loaded from its folder equals the stock one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.checkpoints import family_of, write_checkpoint
from tts_server.engines.chatterbox.failures import WeightsDamaged, WeightsMissing
from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.loading import CLONING_PARTS, Parts, load

LOADED_LATER = tuple(f"{part}." for part in CLONING_PARTS)


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def tensors_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@pytest.fixture
def fresh(checkpoint: Callable[[str], Path]) -> Callable[..., Parts]:
    """A model that no other test uses."""
    return lambda kind, **options: load(family_of(kind), checkpoint(kind), **options)


def test_every_weight_and_table_equals_the_stock_one(kind: str, fresh: Callable[..., Parts], stock_tts: Callable[[str], Any]) -> None:
    model, reference = fresh(kind), stock_tts(kind)
    voice_encoder = model.cloning().voice_encoder
    for ours, theirs in ((model.t3, reference.t3), (model.s3gen, reference.s3gen), (voice_encoder, reference.ve)):
        wanted = {name: tensor for name, tensor in tensors_of(theirs).items() if not name.startswith("text_head")}
        found = tensors_of(ours)
        assert found.keys() == wanted.keys()
        for name, tensor in found.items():
            assert not tensor.is_meta, name
            assert not tensor.requires_grad, name
            assert torch.equal(tensor, wanted[name]), name
        assert not ours.training


def test_nothing_that_is_no_parameter_was_left_without_content(kind: str, parts: Callable[[str], Parts]) -> None:
    parts(kind).cloning()
    for module in (*parts(kind).t3.modules(), *parts(kind).s3gen.modules()):
        for name, value in vars(module).items():
            assert not (isinstance(value, torch.Tensor) and value.is_meta), f"{type(module).__name__}.{name}"


def test_logits_equal_the_stock_ones(kind: str, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    model, reference = parts(kind), stock_tts(kind)
    ids = model.text_ids("Hello there.")[None]
    tokens = torch.arange(0, 6000, 500)[None]
    logits = []
    for t3 in (model.t3, reference.t3):
        with torch.inference_mode():
            embedded, _ = t3.prepare_input_embeds(t3_cond=model.builtin.t3_cond(0.5), text_tokens=ids, speech_tokens=tokens)
            logits.append(t3.speech_head(t3.tfmr(inputs_embeds=embedded).last_hidden_state))
    # A mapped file is not aligned as allocated memory is, which changes the last bit of some sums.
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-5, atol=1e-5)


def test_sound_equals_the_stock_one(kind: str, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    model, reference = parts(kind), stock_tts(kind)
    tokens = torch.arange(0, 6000, 500)
    spoken = []
    for s3gen, voice in ((model.s3gen, model.builtin.ref_dict()), (reference.s3gen, dict(reference.conds.gen))):
        torch.manual_seed(3)
        spoken.append(s3gen.inference(speech_tokens=tokens, ref_dict=voice, n_cfm_timesteps=model.family.flow_steps)[0])
    torch.testing.assert_close(spoken[0], spoken[1], rtol=0, atol=1e-5)
    assert spoken[0].abs().max() > 0.01


def test_a_model_speaks_without_the_parts_that_only_clone(fresh: Callable[..., Parts]) -> None:
    model = fresh("turbo")
    tokens = torch.arange(0, 6000, 500)
    first = {name: tensor.is_meta for name, tensor in model.s3gen.named_parameters()}
    assert all(is_empty == name.startswith(LOADED_LATER) for name, is_empty in first.items())
    torch.manual_seed(3)
    before = model.s3gen.inference(speech_tokens=tokens, ref_dict=model.builtin.ref_dict())[0]

    cloning = model.cloning()

    assert model.cloning() is cloning
    assert not any(parameter.is_meta for parameter in model.s3gen.parameters())
    torch.manual_seed(3)
    assert torch.equal(model.s3gen.inference(speech_tokens=tokens, ref_dict=model.builtin.ref_dict())[0], before)


def test_the_cloning_file_is_not_needed_before_a_clip_comes(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("nano"), tmp_path / "nano")
    model = load(family_of("nano"), folder)
    (folder / "ve.safetensors").write_bytes(b"nonsense")
    with pytest.raises(WeightsDamaged, match="ve.safetensors"):
        model.cloning()


def test_weights_stay_in_the_mapped_file(fresh: Callable[..., Parts], checkpoint: Callable[[str], Path]) -> None:
    """Allocated one by one, they would not lie in one piece that is as long as the file."""
    places = [(weight.data_ptr(), weight.nbytes) for weight in fresh("english").t3.parameters()]
    span = max(start + size for start, size in places) - min(start for start, _ in places)
    assert span <= (checkpoint("english") / "t3_cfg.safetensors").stat().st_size


def test_text_head_and_word_embeddings_are_left_out(kind: str, parts: Callable[[str], Parts]) -> None:
    t3 = parts(kind).t3
    assert not hasattr(t3, "text_head")
    assert not hasattr(t3.tfmr, "wte")


def test_recorded_speech_becomes_the_tokens_of_the_stock_tokenizer(parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    expected, _ = stock_tts("turbo").s3gen.tokenizer([samples])
    tokens = parts("turbo").cloning().speech_tokens(samples, 16000)
    assert tokens == expected[0].tolist()
    assert len(tokens) == 25
    with pytest.raises(ValueError, match="16000 Hz, not 24000"):
        parts("turbo").cloning().speech_tokens(samples, 24000)


def test_half_precision_files_become_single_precision(tmp_path: Path) -> None:
    model = load(family_of("multilingual"), write_checkpoint("multilingual", tmp_path, tiny=True, dtype=torch.float16))
    voice_encoder = model.cloning().voice_encoder
    for module in (model.t3, model.s3gen, voice_encoder):
        assert {tensor.dtype for tensor in tensors_of(module).values() if tensor.is_floating_point()} == {torch.float32}


def test_t3_can_have_half_precision_while_the_rest_keeps_single(fresh: Callable[..., Parts]) -> None:
    model = fresh("turbo", dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in model.t3.parameters()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.s3gen.parameters()} == {torch.float32}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_both_versions_of_the_multilingual_model_are_loaded(version: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("multilingual"), tmp_path / "multilingual")
    (folder / family_of("multilingual", "v3" if version == "v2" else "v2").files["t3"]).unlink()
    assert load(family_of("multilingual", version), folder).t3.hp.is_multilingual


def test_a_folder_without_a_voice_of_its_own_gives_none(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("nano"), tmp_path / "nano")
    (folder / "conds.pt").unlink()
    assert load(family_of("nano"), folder).builtin is None


def test_missing_files_are_named(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("english"), tmp_path / "english")
    for name in ("s3gen.safetensors", "tokenizer.json"):
        (folder / name).unlink()
    with pytest.raises(WeightsMissing, match=r"lacks s3gen.safetensors, tokenizer.json in .*english") as caught:
        load(family_of("english"), folder)
    assert caught.value.files == ("s3gen.safetensors", "tokenizer.json")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("turbo", "t3_turbo_v1.safetensors"),
        ("turbo", "s3gen_meanflow.safetensors"),
        ("turbo", "conds.pt"),
        ("multilingual", "s3gen.pt"),
        ("english", "tokenizer.json"),
    ],
)
def test_a_file_that_is_cut_short_is_named(kind: str, name: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint(kind), tmp_path / kind)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(WeightsDamaged, match=name) as caught:
        load(family_of(kind), folder)
    assert caught.value.path == folder / name


def test_the_weights_of_another_model_are_refused(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("turbo"), tmp_path / "turbo")
    shutil.copyfile(checkpoint("english") / "s3gen.safetensors", folder / "s3gen_meanflow.safetensors")
    with pytest.raises(WeightsDamaged, match="weights of another model"):
        load(family_of("turbo"), folder)
    shutil.copyfile(checkpoint("english") / "t3_cfg.safetensors", folder / "t3_turbo_v1.safetensors")
    with pytest.raises(WeightsDamaged, match="weights of another model"):
        load(family_of("turbo"), folder)


def test_unknown_weights_in_the_english_file_are_passed_over_as_in_stock(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied(checkpoint("english"), tmp_path / "english")
    weights = {**load_file(folder / "s3gen.safetensors"), "flow.old": torch.zeros(1), "tokenizer.old": torch.zeros(1)}
    save_file(weights, folder / "s3gen.safetensors")
    load(family_of("english"), folder).cloning()


def test_importing_the_stock_package_is_silent_and_needs_no_pkg_resources() -> None:
    code = """
import logging, sys
sys.modules["pkg_resources"] = None
from tts_server.engines.chatterbox.weights import stock
assert not logging.getLogger().handlers
assert stock.PerthImplicitWatermarker is not None
nano = stock.llama_configs.LLAMA_CONFIGS["GPT2_small"]
assert (nano["n_layer"], nano["n_embd"], nano["n_head"]) == (12, 768, 12)
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("package", "printed"),
    [
        ("", ""),
        ("class Dicta:\n    def __init__(self): raise TypeError('no model')", "Hebrew diacritization failed: no model"),
        ("class Dicta:\n    def add_diacritics(self, text): return text + '!'", ""),
    ],
)
def test_a_missing_helper_is_no_warning_for_each_text_and_a_failing_one_is(package: str, printed: str, tmp_path: Path) -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from tts_server.engines.chatterbox.weights import stock
from chatterbox.models.tokenizers import tokenizer
spoken = tokenizer.add_hebrew_diacritics("shalom")
sys.exit(spoken not in ("shalom", "shalom!"))
"""
    if package:
        (tmp_path / "dicta_onnx.py").write_text(package)
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, encoding="utf-8", check=False)
    assert (run.returncode, run.stdout, run.stderr.strip()) == (0, "", printed)


def test_a_missing_package_is_reported_with_the_command_that_installs_it() -> None:
    code = "import sys; sys.modules['torchaudio'] = None; import tts_server.engines.chatterbox.weights.stock"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert "StockMissing" in run.stderr
    assert "install chatterbox" in run.stderr.splitlines()[-1]


def test_a_clip_of_any_length_is_listened_to_in_silence(
    parts: Callable[[str], Parts], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    parts("english").cloning()
    samples = np.random.default_rng(0).normal(0, 0.1, 24000 + 700).astype(np.float32)
    found = parts("english").s3gen.embed_ref(torch.from_numpy(samples)[None], 24000)
    assert found["prompt_feat"].shape[1] // 2 == found["prompt_token"].shape[1]
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_stock_generation_is_silent(stock_tts: Callable[[str], Any], capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(1)
    stock_tts("turbo").generate("Hello.")
    assert capfd.readouterr() == ("", "")
    assert stock.tts_turbo.ChatterboxTurboTTS is type(stock_tts("turbo"))
