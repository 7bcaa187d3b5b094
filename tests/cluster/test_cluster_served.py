"""A server whose models run on the cluster, from its settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from support.server import RunningServer, run_server

from tts_server.engines.cluster.settings import ClusterSettings
from tts_server.engines.registry import PACKAGES
from tts_server.settings import load_settings


@pytest.fixture(scope="module")
def on_cluster(ray_cluster: None) -> Iterator[RunningServer]:
    """A server with one replica of the embedded voice."""
    replicas = {"cluster_min_replicas": 1, "cluster_max_replicas": 1, "cluster_cpus_per_replica": 0.25}
    with run_server(engine="cluster", ray_address="local", **replicas) as server:
        yield server
        server.synthesizer.catalog.engines["embedded"].delete_replicas()


def speak(server: RunningServer, **fields: object) -> requests.Response:
    body = {"input": "A voice from another process. It says two sentences.", "voice": "nova", "seed": 7, "response_format": "wav", **fields}
    return requests.post(f"{server.url}/v1/audio/speech", json=body, timeout=120)


@pytest.mark.parametrize("fields", [{}, {"speed": 1.3}, {"stream": True, "response_format": "pcm"}], ids=str)
def test_a_reply_is_that_of_a_server_without_a_cluster(on_cluster: RunningServer, server: RunningServer, fields: dict[str, object]) -> None:
    replies = [speak(one, **fields) for one in (on_cluster, server)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].content == replies[1].content


def test_metrics_count_by_replica(on_cluster: RunningServer) -> None:
    assert speak(on_cluster).ok
    lines = requests.get(f"{on_cluster.url}/metrics", timeout=20).text.splitlines()
    [segments] = [line for line in lines if line.startswith('parlance_replica_segments_total{model="embedded",replica="')]
    assert float(segments.split()[1]) >= 2
    assert 'parlance_replicas_lost_total{model="embedded"} 0.0' in lines


def test_models_of_other_engines_are_listed_as_before(on_cluster: RunningServer, server: RunningServer) -> None:
    listed = [{model["id"] for model in requests.get(f"{one.url}/v1/models", timeout=20).json()["data"]} for one in (on_cluster, server)]
    assert listed[0] == listed[1]


def test_a_client_of_ray_is_refused_as_an_address() -> None:
    from tts_server.config import SettingsError

    with pytest.raises(SettingsError, match="RAY_ADDRESS.*cannot stream"):
        load_settings(PACKAGES, ray_address="ray://10.0.0.5:10001")
    assert isinstance(load_settings(PACKAGES, ray_address="10.0.0.5:6379"), ClusterSettings)
