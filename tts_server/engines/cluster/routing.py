"""Which replica gets a call: one that has prepared the voice, unless others have much less to do; else the one with the least to do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica

from tts_server.engines.cluster.messages import Order

MAX_VOICES_PER_REPLICA = 64
"""As many as a replica keeps prepared (`replica.MAX_VOICES`)."""

Id = TypeVar("Id")


def rank(loads: Mapping[Id, int], prepared: AbstractSet[Id], slack: int) -> list[list[Id]]:
    """Return the replicas in ranks, best first. Within a rank the load decides.

    `loads` are the numbers of running calls. Replicas that have `prepared` the voice come first, unless they have more than `slack` calls
    above the least loaded one: preparing a voice again then costs less than waiting.
    """
    least = min(loads.values(), default=0)
    first = [replica for replica in loads if replica in prepared and loads[replica] <= least + slack]
    rest = [replica for replica in loads if replica not in first]
    return [part for part in (first, rest) if part]


class VoiceRouter(RequestRouter):
    """Ranks the replicas for each call by voice and load. Runs in the server's process, in the event loop of Serve's handles.

    It does not keep the order of arrival of calls that no replica accepts: admission is in front of the engine, and the queues of the
    engines in the replicas put first segments first.
    """

    def initialize_state(self, slack: int = 0) -> None:
        """Called by Serve with the arguments of the deployment."""
        self._slack = slack
        self._voices: dict[ReplicaID, OrderedDict[str, None]] = {}

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        replicas = {replica.replica_id: replica for replica in candidate_replicas}
        key = _voice_key(pending_request)
        self._voices = {id_: voices for id_, voices in self._voices.items() if id_ in replicas}
        prepared = {id_ for id_, voices in self._voices.items() if key and key in voices}
        loads = {id_: self.replica_queue_len_cache.get(id_) or 0 for id_ in replicas}
        return [[replicas[id_] for id_ in ids] for ids in rank(loads, prepared, self._slack)]

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: object) -> None:
        if key := _voice_key(pending_request):
            voices = self._voices.setdefault(replica_id, OrderedDict())
            voices[key] = None
            voices.move_to_end(key)
            while len(voices) > MAX_VOICES_PER_REPLICA:
                voices.popitem(last=False)


def _voice_key(request: PendingRequest | None) -> str:
    arguments: Sequence[object] = request.args if request is not None else ()
    return arguments[0].voice_key if arguments and isinstance(arguments[0], Order) else ""
