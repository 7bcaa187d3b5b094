"""The settings of the cluster engine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tts_server.config import Settings, lower


def _node_address(value: str) -> str:
    if value.startswith("ray://"):
        raise ValueError("must be the address of a cluster that this machine is a node of; ray:// clients cannot stream")
    return value


class ClusterSettings(Settings):
    """The settings of the server and of the cluster engine."""

    engine: Annotated[Literal["local", "cluster"], BeforeValidator(lower)] = Field(
        "local", description="Where models run: `local`: in this process. `cluster`: in replicas on a Ray cluster (docs/SCALING.md)."
    )
    ray_address: Annotated[str, AfterValidator(_node_address)] = Field(
        "auto",
        description="Address of the Ray cluster, such as `10.0.0.5:6379`. This machine must be one of its nodes. `auto`: the cluster of "
        "this node. `local`: start one on this machine, which ends with the server.",
    )
    cluster_min_replicas: int = Field(
        0, ge=0, le=1000, description="Replicas of each loaded model that always run. 0: none after `KEEP_ALIVE_MINUTES` without a request."
    )
    cluster_max_replicas: int = Field(4, ge=1, le=1000, description="Most replicas of each model.")
    cluster_requests_per_replica: int = Field(
        16, ge=1, le=256, description="Segments that a replica should have in work; with more, replicas are added."
    )
    cluster_cpus_per_replica: float = Field(
        1.0, gt=0, le=256, description="CPU cores reserved for each replica, and the threads of its engine."
    )
    cluster_gpus_per_replica: float = Field(
        1.0,
        ge=0,
        le=8,
        description="GPUs reserved for each replica of a Chatterbox model, where the cluster has any and `DEVICE` is not `cpu`.",
    )
