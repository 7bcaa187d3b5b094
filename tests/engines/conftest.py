"""What the tests of the embedded voice's reading share."""

from __future__ import annotations

import pytest
from hibari.g2p import G2P

from tts_server.engines.embedded.reader import Reader


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def hibari() -> G2P:
    """hibari's own reading."""
    return G2P()
