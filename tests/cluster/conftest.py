"""One Ray cluster on this machine for all tests of the session: two CPUs, no dashboard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

# Ray reads them when it is imported: how often load is measured, and what it sends home (nothing).
os.environ |= {
    "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
    "RAY_USAGE_STATS_ENABLED": "0",
}

from tts_server.engines.cluster.deployment import ReplicaOptions, connect, disconnect
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.embedded.engine import EmbeddedEngine

TESTS = Path(__file__).resolve().parents[1]
PYTHON_PATH = (str(TESTS.parent), str(TESTS), str(TESTS / "chatterbox"), str(TESTS / "cluster"))
HALF_A_CORE = ReplicaOptions(min_replicas=1, max_replicas=1, requests_per_replica=8, cpus=0.25, python_path=PYTHON_PATH)

StartEngine = Callable[..., ClusterEngine]


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Ray on this machine; every test of the folder shares it."""
    connect("local", num_cpus=2, object_store_memory=150 * 2**20)
    yield
    disconnect()


@pytest.fixture(scope="module")
def start_engine(ray_cluster: None) -> Iterator[StartEngine]:
    """Deploys a model whose engine `create` returns; its replicas end with the module."""
    engines: list[ClusterEngine] = []

    def start(model_id: str, create: Callable[[], Any], options: ReplicaOptions = HALF_A_CORE, version: str = "1") -> ClusterEngine:
        engines.append(ClusterEngine(model_id, f"The voice {model_id}", create, options, version))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
        engine.delete_replicas()


@pytest.fixture(scope="session")
def local() -> Iterator[EmbeddedEngine]:
    """The embedded voice in this process."""
    engine = EmbeddedEngine(1)
    yield engine
    engine.close()


create_embedded = partial(EmbeddedEngine, 1)
