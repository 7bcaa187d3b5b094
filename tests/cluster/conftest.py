"""One Ray cluster on this machine for all tests of the session: two CPUs, no dashboard."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Ray reads them when it is imported: how often load is measured, no usage reports, no start of a cluster by itself.
os.environ |= {
    "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
}
pytest.importorskip("ray")

from cluster.ray_options import ONE_REPLICA, StartEngine

from tts_server.engines.cluster.deployment import ReplicaOptions, connect, disconnect, is_startable
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.embedded.engine import EmbeddedEngine


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Ray on this machine; every test of the folder shares it."""
    if "PARLANCE_TEST_CLUSTER" not in os.environ:
        pytest.skip("set PARLANCE_TEST_CLUSTER=1 to start Ray: it takes minutes on two cores")
    if not is_startable(sys.executable):
        pytest.skip("Ray starts no process from a path with spaces or special letters")
    connect("local", num_cpus=2, object_store_memory=150 * 2**20)
    yield
    disconnect()


@pytest.fixture(scope="module")
def start_engine(ray_cluster: None) -> Iterator[StartEngine]:
    """Deploys a model whose engine `create` returns; its replicas end with the module."""
    engines: list[ClusterEngine] = []

    def start(model_id: str, create: Callable[[], Any], options: ReplicaOptions = ONE_REPLICA, version: str = "1") -> ClusterEngine:
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
