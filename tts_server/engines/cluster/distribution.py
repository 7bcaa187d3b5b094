"""The engines of the server with their models on the cluster: what replaces their local ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tts_server import __version__
from tts_server.config import SettingsError
from tts_server.engines.base import BuiltinEngine, Capabilities, ReloadableEngine
from tts_server.engines.cluster.creation import EngineRecipe, engine_values
from tts_server.engines.cluster.deployment import ReplicaOptions, connect, deployment_version, num_gpus
from tts_server.engines.cluster.engine import ClusterEngine
from tts_server.engines.cluster.settings import ClusterSettings
from tts_server.engines.model_source import ModelSource
from tts_server.engines.package import EnginePackage


def distribute(settings: ClusterSettings, packages: Sequence[EnginePackage]) -> Sequence[EnginePackage]:
    """Connect to the cluster, and return the packages with engines whose models run there; raises SettingsError."""
    try:
        connect(settings.ray_address)
    except (ConnectionError, ValueError, RuntimeError) as error:
        message = f"RAY_ADDRESS: there is no Ray cluster at {settings.ray_address!r} that this machine is a node of ({error})."
        raise SettingsError(message) from error
    return [_distribute(package, settings) for package in packages]


def _distribute(package: EnginePackage, settings: ClusterSettings) -> EnginePackage:
    if package.start is not None:
        [entry] = package.models

        def start(_settings: object) -> ClusterEngine:
            return create_engine(entry.id, entry.name, package, settings)

        return replace(package, start=start)
    local_sources = package.create_sources
    if local_sources is not None:

        def create_sources(_settings: object, builtin: BuiltinEngine | None) -> Mapping[str, ModelSource]:
            return {id_: ClusterSource(id_, source, package, settings) for id_, source in local_sources(settings, builtin).items()}

        return replace(package, create_sources=create_sources)
    return package


class ClusterSource:
    """A model on the cluster. Its files are downloaded by the replicas; `local` is its source on this machine."""

    download_bytes: int | None = None

    def __init__(self, model_id: str, local: ModelSource, package: EnginePackage, settings: ClusterSettings) -> None:
        self.name = local.name
        self._local = local
        self._version = deployment_version(model_id, __version__, engine_values(settings.model_dump()))
        self._create: Callable[[], ClusterEngine] = lambda: create_engine(model_id, local.name, package, settings)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._local.capabilities, notices=())  # the local ones are about the files of this machine

    def is_present(self) -> bool:
        return True

    def stamp(self) -> str:
        return self._version

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        """Replicas download their files themselves."""

    def memory_bytes(self) -> int:
        return 0

    def create(self) -> ReloadableEngine:
        return self._create()


def create_engine(model_id: str, name: str, package: EnginePackage, settings: ClusterSettings) -> ClusterEngine:
    """Deploy a model of `package` on the cluster; return its engine. Raises Unavailable with the reason of a failure."""
    values = engine_values(settings.model_dump())
    recipe = EngineRecipe(model_id, values, threads=max(1, math.floor(settings.cluster_cpus_per_replica)))
    return ClusterEngine(
        model_id, name, recipe, replica_options(settings, uses_gpu=package.uses_gpu), deployment_version(model_id, __version__, values)
    )


def replica_options(settings: ClusterSettings, *, uses_gpu: bool) -> ReplicaOptions:
    """Return what the settings say about the replicas of a model."""
    has_gpu = uses_gpu and getattr(settings, "device", "auto") != "cpu" and num_gpus() > 0
    return ReplicaOptions(
        min_replicas=min(settings.cluster_min_replicas, settings.cluster_max_replicas),
        max_replicas=settings.cluster_max_replicas,
        requests_per_replica=settings.cluster_requests_per_replica,
        cpus=settings.cluster_cpus_per_replica,
        gpus=settings.cluster_gpus_per_replica if has_gpu else 0.0,
        # Negative: models are never unloaded.
        idle_seconds=settings.keep_alive_minutes * 60 if settings.keep_alive_minutes >= 0 else math.inf,
    )
