"""From a folder of files to an engine, with the settings that choose its width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_engines import listen, utterance

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.create import create_engine
from tts_server.engines.chatterbox.memory_plan import CPU_ROWS
from tts_server.engines.chatterbox.weights.loading import Parts


@pytest.mark.parametrize(("max_rows", "num_parallel"), [(0, CPU_ROWS // 2), (1, 2)])
def test_a_guided_model_speaks_at_any_width(
    checkpoint: Callable[[str], Path], parts: Callable[[str], Parts], max_rows: int, num_parallel: int
) -> None:
    engine = create_engine(family_of("english"), checkpoint("english"), device="cpu", max_rows=max_rows, checks_speech=False, threads=1)
    try:
        assert engine.num_parallel == num_parallel
        assert len(listen(engine.submit(utterance(parts("english").builtin, "Hello."))))
    finally:
        engine.close()
