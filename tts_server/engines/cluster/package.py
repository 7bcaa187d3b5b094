"""The declaration of the cluster engine. Standard library only until a function is called."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tts_server.engines.package import DoctorContext, EnginePackage, Installation, TrialCommand

if TYPE_CHECKING:
    from tts_server.config import Settings
    from tts_server.engines.cluster.settings import ClusterSettings
    from tts_server.finding import Finding

INSTALLATION = Installation(
    name="cluster",
    requirements=("requirements-cluster.txt",),
    summary="Ray Serve, which runs models in replicas on several GPUs or machines",
)


def is_installed() -> bool:
    """Whether Ray is installed; does not import it."""
    return importlib.util.find_spec("ray") is not None


def _settings() -> type[Settings]:
    from tts_server.engines.cluster.settings import ClusterSettings

    return ClusterSettings


def _distribute(settings: ClusterSettings, packages: Sequence[EnginePackage]) -> Sequence[EnginePackage]:
    from tts_server.config import SettingsError

    if settings.engine != "cluster":
        return packages
    if not is_installed():
        raise SettingsError(f"ENGINE: 'cluster' needs Ray. Install it with: {INSTALLATION.command}")
    # Before Ray is imported: otherwise a thread of it that outlives the connection starts another cluster.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    from tts_server.engines.cluster.distribution import distribute

    return distribute(settings, packages)


def _check(context: DoctorContext) -> Sequence[Finding]:
    from tts_server.engines.cluster.doctor import check_cluster

    return check_cluster(context.settings)


def _trial_settings(replicas: int) -> Mapping[str, Any]:
    return {"engine": "cluster", "ray_address": "local", "cluster_min_replicas": replicas, "cluster_max_replicas": replicas}


CLUSTER = EnginePackage(
    id="cluster",
    name="Cluster on Ray",
    models=(),
    installation=INSTALLATION,
    trial=TrialCommand(
        "cluster",
        "try the cluster engine on this machine",
        "start Ray, replicas of the models and the server; they end together",
        _trial_settings,
    ),
    is_installed=is_installed,
    settings=_settings,
    distribute=_distribute,
    check=_check,
)
