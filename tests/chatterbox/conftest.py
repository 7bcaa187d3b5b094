"""Tiny Chatterbox models with random weights: the real classes in a thousandth of their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.checkpoints import KINDS, family_of, load_stock, tiny_sizes, write_checkpoint
from benchmarks.upstream import multilingual_as_upstream
from tts_server.engines.chatterbox.weights.loading import Parts, load


@pytest.fixture(scope="session", autouse=True)
def tiny() -> Iterator[None]:
    """All stock classes construct tiny models, on one core, and the multilingual one samples as upstream does today."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tiny_sizes(), multilingual_as_upstream():
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

    @cache
    @torch.inference_mode(False)  # a test that asks first may have it on, and tensors of that mode are of no use without it
    def load_parts(kind: str) -> Parts:
        return load(family_of(kind), checkpoint(kind))

    return load_parts


@pytest.fixture(scope="session")
def stock_tts(checkpoint: Callable[[str], Path]) -> Callable[[str], Any]:
    """A model loaded by the stock code, by kind; one for the whole session, with its built-in voice in `.conds`."""

    @cache
    @torch.inference_mode(False)
    def load_model(kind: str) -> Any:
        return load_stock(kind, checkpoint(kind))

    return load_model
