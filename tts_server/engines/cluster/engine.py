"""A model on the cluster as an engine."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.cluster.deployment import PATIENCE_SECONDS, POLL_SECONDS, Deployment, ReplicaOptions, put
from tts_server.engines.cluster.messages import BuiltinVoice, ClipVoice, EngineFacts, Order, VoiceHandle
from tts_server.engines.cluster.replica import EngineFactory
from tts_server.engines.cluster.streams import ClusterStream, StreamReport
from tts_server.errors import EngineFailure, Unavailable
from tts_server.speech import Voice, VoiceReference

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 60.0
"""How long a first segment waits for its audio, which includes the start of a replica; then the client gets a 503."""

NEXT_WAIT_SECONDS = 600.0
"""How long a later segment waits, whose reply has begun."""

MAX_PARALLEL = 32
MAX_VOICES = 64
MAX_REPLICAS_COUNTED = 256


class ClusterEngine:
    """Speaks with the replicas of one model. Thread-safe.

    It deploys the model and waits for the first replica. `close` leaves the replicas running, because they belong to the cluster: other
    servers may use them, and idle ones end by themselves.
    """

    is_broken = is_device_lost = False

    def __init__(
        self,
        model_id: str,
        name: str,
        create: EngineFactory,
        options: ReplicaOptions,
        version: str,
        *,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self.name = model_id
        self._display_name = name
        self._first_wait_seconds = first_wait_seconds
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._counts: Counter[str] = Counter()
        self._replicas: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._voices: OrderedDict[str, ClipVoice] = OrderedDict()
        self._streams: set[ClusterStream] = set()
        self._is_closed = False
        self._deployment = Deployment(model_id, name)
        facts = self._find(version) or self._deploy(create, options, version)
        self.capabilities = facts.capabilities
        self.version = facts.version
        self.num_parallel = min(facts.num_parallel * options.max_replicas, max(MAX_PARALLEL, facts.num_parallel))
        self._builtin = {voice.id: voice for voice in facts.voices}

    def voices(self) -> Sequence[Voice]:
        return list(self._builtin.values())

    def builtin_voice(self, voice_id: str) -> BuiltinVoice:
        # A model that clones prepares its built-in voices from clips.
        return BuiltinVoice(self._builtin[voice_id].id, voice_id if self.capabilities.cloning == "cloned" else "")

    def reference(self, voice_id: str) -> VoiceReference:
        """Return the clip of one of `voices()`; KeyError for others."""
        clip: VoiceReference = self._ask("reference", Order(self.builtin_voice(voice_id)))
        return clip

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> ClipVoice:
        key = f"{reference.digest}:{norm_loudness}:{keep}"
        with self._lock:
            known = self._voices.get(key)
        if known is not None:
            return known
        voice = ClipVoice(key, norm_loudness, keep, put(reference))
        self._ask("prepare", Order(voice))
        with self._lock:
            self._voices[key] = voice
            while len(self._voices) > MAX_VOICES:
                self._voices.popitem(last=False)
        return voice

    def submit(self, utterance: Utterance) -> ClusterStream:
        order = Order(utterance.voice, replace(utterance, voice=None))
        return self._stream("speak", order, self._first_wait_seconds if utterance.index == 0 else NEXT_WAIT_SECONDS)

    def convert(self, source: VoiceReference, voice: VoiceHandle, seed: int) -> ClusterStream:
        return self._stream("speak", Order(voice, source=put(source), seed=seed), self._first_wait_seconds)

    def stats(self) -> Mapping[str, float]:
        with self._lock:
            counts, num_streams = dict(self._counts), len(self._streams)
        return {"segments_done": 0, "failures": 0, "retries": 0, "replicas_lost": 0, **counts, "segments_waiting": num_streams}

    def replica_stats(self) -> Mapping[str, Mapping[str, float]]:
        """Return the counters of each replica that completed a call, as of its last one."""
        with self._lock:
            return dict(self._replicas)

    def num_replicas(self) -> int:
        """Return how many replicas run now. Asks the cluster."""
        return self._deployment.num_replicas()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.fail(EngineFailure(f"{self._display_name} has been stopped."))

    def delete_replicas(self) -> None:
        """Remove the model from the cluster."""
        self._deployment.delete()

    def _find(self, version: str) -> EngineFacts | None:
        """Use the replicas of the cluster if they are of this version."""
        if not self._deployment.find():
            return None
        facts: EngineFacts = self._ask("describe", Order())
        return facts if facts.deployed_version == version else None

    def _deploy(self, create: EngineFactory, options: ReplicaOptions, version: str) -> EngineFacts:
        self._deployment.deploy(create, options, version)
        warn_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            is_complete = self._deployment.is_complete()
            # Old replicas may still run, but they get no calls once there are new ones.
            if is_complete or self._deployment.num_replicas():
                facts: EngineFacts = self._ask("describe", Order())
                if facts.deployed_version == version:
                    return facts
                if is_complete:
                    raise Unavailable(f"{self._display_name}: another server with other settings has replaced the replicas.")
            if time.monotonic() >= warn_at:
                warn_at = math.inf
                log.warning("%s: still waiting for a replica, which needs %g CPU cores and %g GPUs", self.name, options.cpus, options.gpus)
            time.sleep(POLL_SECONDS)

    def _ask(self, method: str, order: Order) -> Any:
        return self._stream(method, order, NEXT_WAIT_SECONDS).wait(Cancellation())

    def _stream(self, method: str, order: Order, wait_seconds: float) -> ClusterStream:
        with self._lock:
            if self._is_closed:
                raise EngineFailure(f"{self._display_name} has been stopped.")
        stream = ClusterStream(
            partial(self._deployment.call, method, order),
            name=self._display_name,
            wait_seconds=wait_seconds,
            on_end=self._count,
        )
        with self._lock:
            self._streams.add(stream)
        stream.start()
        return stream

    def _count(self, stream: ClusterStream, report: StreamReport) -> None:
        with self._lock:
            self._streams.discard(stream)
            self._counts["replicas_lost"] += report.num_losses
            self._counts["failures"] += report.has_failed
            if report.end is not None:
                self._counts["segments_done"] += report.num_samples > 0
                self._counts["retries"] += report.end.retries
                self._replicas[report.end.replica] = report.end.stats
                self._replicas.move_to_end(report.end.replica)
                while len(self._replicas) > MAX_REPLICAS_COUNTED:
                    self._replicas.popitem(last=False)
