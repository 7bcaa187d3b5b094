"""Which replica gets a call."""

from __future__ import annotations

import pytest

pytest.importorskip("ray")

from tts_server.engines.cluster.deployment import is_startable
from tts_server.engines.cluster.routing import rank


def test_without_a_prepared_voice_the_load_decides_alone() -> None:
    assert rank({"a": 3, "b": 1, "c": 2}, set(), slack=4) == [["a", "b", "c"]]


def test_a_replica_that_has_prepared_the_voice_comes_first() -> None:
    assert rank({"a": 0, "b": 4}, {"b"}, slack=4) == [["b"], ["a"]]


def test_the_voice_is_prepared_elsewhere_where_its_replica_has_much_more_to_do() -> None:
    assert rank({"a": 0, "b": 5}, {"b"}, slack=4) == [["a", "b"]]


def test_replicas_that_have_all_prepared_the_voice_share_its_calls() -> None:
    assert rank({"a": 2, "b": 1, "c": 0}, {"a", "b"}, slack=4) == [["a", "b"], ["c"]]


def test_no_replica_is_no_rank() -> None:
    assert rank({}, {"a"}, slack=4) == []


@pytest.mark.parametrize(
    ("executable", "expected"), [("/srv/parlance/bin/python", True), ("/srv/my voice/python", False), ("/srv/ü/python", False)]
)
def test_ray_needs_an_interpreter_whose_path_needs_no_quotes(executable, expected):
    assert is_startable(executable) is expected
