"""Tiny Chatterbox models with random weights: the real classes in a thousandth of their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from benchmarks.checkpoints import KINDS, family_of, tiny_sizes, write_checkpoint
from tts_server.engines.chatterbox import stock
from tts_server.engines.chatterbox.loading import Parts, load


@pytest.fixture(scope="session", autouse=True)
def tiny() -> Iterator[None]:
    """All stock classes construct tiny models, on one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tiny_sizes():
        yield
    torch.set_num_threads(threads)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each of the four models in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def checkpoint(tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with a model's files, by kind; written once and not to be changed."""

    @cache
    def write(kind: str) -> Path:
        return write_checkpoint(kind, tmp_path_factory.mktemp("checkpoints") / kind, tiny=True)

    return write


@pytest.fixture(scope="session")
def parts(checkpoint: Callable[[str], Path]) -> Callable[[str], Parts]:
    """A model loaded our way, by kind; one for the whole session."""
    return cache(lambda kind: load(family_of(kind), checkpoint(kind)))


@pytest.fixture(scope="session")
def stock_tts(checkpoint: Callable[[str], Path]) -> Callable[[str], Any]:
    """A model loaded by the stock code, by kind; one for the whole session, with its built-in voice in `.conds`."""
    return cache(lambda kind: load_stock(kind, checkpoint(kind)))


def load_stock(kind: str, folder: Path) -> Any:
    """The stock object of a kind. chatterbox-tts 0.1.7 does not know Nano: its Turbo class is told another file and backbone."""
    if kind == "english":
        return stock.tts.ChatterboxTTS.from_local(folder, "cpu")
    if kind == "multilingual":
        return stock.mtl_tts.ChatterboxMultilingualTTS.from_local(folder, "cpu")
    if kind == "turbo":
        return stock.tts_turbo.ChatterboxTurboTTS.from_local(folder, "cpu")
    turbo, nano = family_of("turbo").files["t3"], family_of("nano").files["t3"]
    load_file, make = stock.tts_turbo.load_file, stock.tts_turbo.T3

    def load_nano(path: Path) -> Any:
        return load_file(path.with_name(nano) if path.name == turbo else path)

    def make_nano(config: Any) -> Any:
        config.llama_config_name = "GPT2_small"
        return make(config)

    with patch.object(stock.tts_turbo, "load_file", load_nano), patch.object(stock.tts_turbo, "T3", make_nano):
        return stock.tts_turbo.ChatterboxTurboTTS.from_local(folder, "cpu")
