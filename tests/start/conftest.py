"""Fixtures of the tests of starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from throwaway import Copy, moved


@pytest.fixture
def fresh(tmp_path: Path) -> Copy:
    """A copy that was never started, in a folder whose name is awkward."""
    return Copy.make(tmp_path / "Größe & 名前 (1)" / "parlance")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy that was started once, and what its server saw then. Shared: not to be changed."""
    copy = Copy.make(tmp_path_factory.mktemp("finished") / "Größe & 名前 (1)" / "parlance")
    copy.first = copy.see()
    return copy


@pytest.fixture
def installed(finished: Copy, tmp_path: Path) -> Copy:
    """A copy of one's own that was started once, elsewhere, and moved here."""
    return moved(finished, tmp_path)
