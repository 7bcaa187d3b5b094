"""What the tests deploy on the cluster of conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tts_server.engines.cluster.deployment import ReplicaOptions
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.embedded.engine import EmbeddedEngine

TESTS = Path(__file__).resolve().parents[1]
PYTHON_PATH = (str(TESTS.parent), str(TESTS), str(TESTS / "chatterbox"))
ONE_REPLICA = ReplicaOptions(min_replicas=1, max_replicas=1, requests_per_replica=8, cpus=0.25, python_path=PYTHON_PATH)
TWO_REPLICAS = ReplicaOptions(min_replicas=2, max_replicas=2, requests_per_replica=8, cpus=0.25, python_path=PYTHON_PATH)

StartEngine = Callable[..., ClusterEngine]
"""The fixture `start_engine`."""

create_embedded = partial(EmbeddedEngine, 1)
