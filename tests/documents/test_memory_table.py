"""docs/MODELS.md says how much memory of a GPU the models need."""

from __future__ import annotations

from pathlib import Path

from memory_table import memory_table

from tts_server.engines.chatterbox.families import NANO
from tts_server.engines.chatterbox.memory_plan import FLOAT_BYTES, required_bytes, sizes_of

MODELS = (Path(__file__).resolve().parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")


def test_the_table_of_memory_is_what_the_plan_computes() -> None:
    assert f"\n{memory_table()}\n" in MODELS


def test_more_at_once_and_wider_numbers_need_more() -> None:
    needs = [required_bytes(sizes_of(NANO), element_bytes=FLOAT_BYTES, caches_prompts=False, sequences=count) for count in (1, 16, 64)]
    assert needs == sorted(set(needs))
    assert required_bytes(sizes_of(NANO), element_bytes=2, caches_prompts=True, sequences=16) < needs[1]
