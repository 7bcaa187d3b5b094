"""The replicas of one model on the cluster: their deployment on Ray Serve, and calls of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.serve.exceptions import DeploymentUnavailableError, RayServeException
from ray.serve.schema import ApplicationStatus

from tts_server.config import PROJECT
from tts_server.engines.cluster.messages import Item, Order
from tts_server.engines.cluster.replica import EngineFactory, Replica
from tts_server.engines.cluster.routing import VoiceRouter
from tts_server.engines.cluster.streams import ReplicaLost
from tts_server.errors import EngineFailure, Unavailable

DEPLOYMENT = "engine"
QUEUE_FACTOR = 4
"""Calls that a replica accepts, as a multiple of those it should have: its engine then orders them, first segments first."""

SURGE_PERCENT = 20
"""So many replicas, and at least one, are started before old ones are stopped, where the cluster has room for one more."""

MAX_STARTS = 3
POLL_SECONDS = 0.25
PATIENCE_SECONDS = 60.0
"""After which a deployment that is not complete is reported, or replaced."""

FOREVER_SECONDS = 1e9
LOOK_BACK_SECONDS = 15.0
"""Load is averaged over this time. Serve requires more than the 10 seconds between its measurements."""

DRAIN_SECONDS = 60.0
HEALTH_PERIOD_SECONDS = 5.0
HEALTH_TIMEOUT_SECONDS = 30.0

_deploying = threading.Lock()


@dataclass(frozen=True)
class ReplicaOptions:
    """How many replicas a model has, and what each gets.

    A replica should have `requests_per_replica` segments in work; with more, replicas are added, after `upscale_seconds`. With fewer they
    are removed after `idle_seconds`, down to `min_replicas`, which may be 0. `gpus` and `cpus` are reserved for each replica.
    `python_path` are the folders that its process imports from besides its environment.
    """

    min_replicas: int = 0
    max_replicas: int = 1
    requests_per_replica: int = 16
    cpus: float = 1.0
    gpus: float = 0.0
    upscale_seconds: float = 2.0
    idle_seconds: float = 900.0
    python_path: Sequence[str] = field(default_factory=lambda: (str(PROJECT),))


def connect(address: str, **options: Any) -> bool:
    """Connect this process to the Ray cluster at `address` as a driver; `local` starts one on this machine. Returns whether it did.

    `auto` is the cluster that this machine is a node of. Raises ConnectionError where there is none, or where Ray could start no worker.
    """
    if ray.is_initialized():
        return False
    if not is_startable(sys.executable):
        raise ConnectionError(f"Ray starts no process from {sys.executable}: move the folder to a path without spaces and special letters")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        options = {"include_dashboard": False, **options}
    ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, runtime_env=_environment([str(PROJECT)]), **options)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    # Calls arrive through handles only, so Serve needs no HTTP server.
    serve.start(proxy_location="Disabled")
    return True


def is_startable(executable: str) -> bool:
    """Return whether Ray can start workers with this interpreter. It does not quote the path in its commands."""
    return executable.isascii() and not any(letter.isspace() for letter in executable)


def disconnect() -> None:
    """Leave the cluster. One that this process has started ends."""
    ray.shutdown()


def put(value: object) -> Any:
    """Store a value in the object store of the cluster; return its reference."""
    return ray.put(value)


@dataclass(frozen=True)
class ApplicationState:
    """The status of a model on Serve, and the last line of the reason."""

    status: ApplicationStatus
    reason: str


class Deployment:
    """The replicas of one model. Thread-safe."""

    def __init__(self, model_id: str, name: str) -> None:
        self.model_id = model_id
        self._name = name
        self._handle: Any = None

    def find(self) -> bool:
        """Use the replicas that the cluster has already, and return whether the model is deployed there.

        Where another server deploys it at this moment, wait for that, but not for ever: it may need more than the cluster has.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := self._status().status) == ApplicationStatus.DEPLOYING and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if status != ApplicationStatus.RUNNING:
            return False
        self._handle = serve.get_app_handle(self._application).options(stream=True)
        return True

    def deploy(self, create: EngineFactory, options: ReplicaOptions, version: str) -> None:
        """Begin to deploy the model; returns before its first replica runs.

        Replicas that are there are replaced: new ones get the new calls, and old ones end with their last. Without resources for another
        replica, one has to end before its replacement starts; calls wait meanwhile.
        """
        deployment = serve.deployment(
            Replica,
            name=DEPLOYMENT,
            max_ongoing_requests=QUEUE_FACTOR * options.requests_per_replica,
            max_constructor_retry_count=MAX_STARTS,
            max_surge_percent=SURGE_PERCENT if _has_free_resources(options) else 0,
            graceful_shutdown_timeout_s=DRAIN_SECONDS,
            graceful_shutdown_wait_loop_s=0.5,
            health_check_period_s=HEALTH_PERIOD_SECONDS,
            health_check_timeout_s=HEALTH_TIMEOUT_SECONDS,
            autoscaling_config=AutoscalingConfig(
                min_replicas=options.min_replicas,
                initial_replicas=max(1, options.min_replicas),
                max_replicas=options.max_replicas,
                target_ongoing_requests=options.requests_per_replica,
                upscale_delay_s=options.upscale_seconds,
                downscale_delay_s=min(options.idle_seconds, FOREVER_SECONDS),
                look_back_period_s=LOOK_BACK_SECONDS,
            ),
            request_router_config=RequestRouterConfig(
                request_router_class=VoiceRouter, request_router_kwargs={"slack": options.requests_per_replica // 2}
            ),
            ray_actor_options={
                "num_cpus": options.cpus,
                "num_gpus": options.gpus,
                "runtime_env": _environment(options.python_path),
            },
        )
        with _deploying:
            [handle] = serve.run_many(
                [serve.RunTarget(deployment.bind(create, version), name=self._application, route_prefix=None)],
                wait_for_applications_running=False,
            )
        self._handle = handle.options(stream=True)

    def is_complete(self) -> bool:
        """Whether nothing is started or stopped any more. Raises Unavailable with the reason of a failure."""
        state = self._status()
        if state.status not in (ApplicationStatus.RUNNING, ApplicationStatus.DEPLOYING, ApplicationStatus.UNHEALTHY):
            raise Unavailable(f"{self._name} has no replica on the cluster: {state.reason}")
        return bool(state.status == ApplicationStatus.RUNNING)

    def call(self, method: str, order: Order) -> ReplicaCall:
        """Send a call to a replica; returns at once."""
        return ReplicaCall(getattr(self._handle, method).remote(order), self._name)

    def num_replicas(self) -> int:
        """Return how many replicas run."""
        application = serve.status().applications.get(self._application)
        states = application.deployments[DEPLOYMENT].replica_states if application else {}
        return sum(count for state, count in states.items() if state == "RUNNING")

    def delete(self) -> None:
        """Remove the model from the cluster with all its replicas."""
        serve.delete(self._application)

    @property
    def _application(self) -> str:
        return f"parlance-{self.model_id}"

    def _status(self) -> ApplicationState:
        application = serve.status().applications.get(self._application)
        if application is None:
            return ApplicationState(ApplicationStatus.NOT_STARTED, "it was removed")
        return ApplicationState(application.status, (application.message.strip() or "unknown reason").splitlines()[-1])


class ReplicaCall:
    """A streaming call of a replica. One thread iterates it, since Ray's generators are not thread-safe; any thread may cancel it."""

    def __init__(self, response: Any, name: str) -> None:
        self._response = response
        self._name = name

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._response
        except DeploymentUnavailableError as error:
            raise Unavailable(f"{self._name} could not be started on the cluster.") from error
        except (RayError, RayServeException) as error:
            if is_loss(error):
                raise ReplicaLost(str(error).strip().partition("\n")[0]) from error
            raise EngineFailure(f"{self._name} could not speak this text.") from error

    def cancel(self) -> None:
        with contextlib.suppress(RayError, RayServeException):  # the call has failed already
            self._response.cancel()


def is_loss(error: Exception) -> bool:
    """Whether an error of a call means that its replica was lost, rather than that its code has failed."""
    if isinstance(error, RayTaskError):
        cause = getattr(error, "cause", None)
        return isinstance(cause, Exception) and not isinstance(cause, RayTaskError) and is_loss(cause)
    return isinstance(error, (RayError, RayServeException))


def deployment_version(*values: object) -> str:
    """Return a version that differs where the values do: replicas of another version are replaced."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _has_free_resources(options: ReplicaOptions) -> bool:
    """Whether the cluster has the free resources of one more replica."""
    free = ray.available_resources()
    return bool(free.get("CPU", 0) >= options.cpus and free.get("GPU", 0) >= options.gpus)


def num_gpus() -> float:
    """Return how many GPUs the cluster has."""
    return float(ray.cluster_resources().get("GPU", 0))


def _environment(python_path: Sequence[str]) -> dict[str, Any]:
    paths = [*python_path, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}}
