"""`GET /metrics`: the metrics of the server in Prometheus's format."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tts_server import __version__
from tts_server.admission import Admission
from tts_server.engines.model_source import ModelState
from tts_server.metrics import Metrics
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.web.policy import READING

ENGINE_GAUGES = {
    "segments_waiting": ("parlance_segments_waiting", "Segments that wait for an engine."),
    "sequences_running": ("parlance_t3_sequences", "Sequences in the current batch of T3."),
    "threads_stuck": ("parlance_stuck_threads", "Threads of an engine that are stuck in a segment."),
}
ENGINE_COUNTERS = {
    "segments_done": ("parlance_segments", "Segments synthesized since the model was loaded."),
    "retries": ("parlance_segment_retries", "Segments synthesized again because they failed the quality checks."),
    "failures": ("parlance_engine_failures", "Failures inside an engine."),
    "steps": ("parlance_t3_steps", "Decode steps of T3; tokens per step is the mean batch size."),
    "tokens": ("parlance_t3_tokens", "Speech tokens decoded by T3."),
}
"""Counters of an engine (`Engine.stats`) with their series; an engine without a counter shows 0."""

REPLICA_COUNTERS = {
    "segments_done": ("parlance_replica_segments", "Segments synthesized by a replica since its start."),
    "clips_received": ("parlance_replica_clips", "Reference clips that were transferred to a replica."),
}
"""Counters of the replicas of an engine (`ReplicatedEngine.replica_stats`) as series; empty for models in this process."""


def count_answers(app: Flask, metrics: Metrics) -> None:
    """Count the replies of `app` by route, method and status, and its errors by code."""

    @app.after_request
    def count(response: Response) -> Response:
        metrics.count_answer(request.url_rule.rule if request.url_rule else None, request.method, response.status_code)
        if code := g.get("error_code"):
            metrics.count_error(code)
        return response


def metrics_routes(synthesizer: Synthesizer, admission: Admission) -> Blueprint:
    routes = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(synthesizer.metrics)
    registry.register(PresentState(synthesizer, admission))
    ProcessCollector(registry=registry)

    @routes.get("/metrics", policy=READING)
    def show() -> Response:
        """Metrics in the text format, or as OpenMetrics if `Accept` asks for it."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"})

    return routes


class PresentState(Collector):
    """Collects the current state of the engines, models, cache and queue at each request."""

    def __init__(self, synthesizer: Synthesizer, admission: Admission) -> None:
        self._synthesizer = synthesizer
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("parlance_build_info", "Always 1; its label is the version.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._engines()
        yield from self._replicas()
        yield from self._models()
        yield from self._cache()
        yield from self._queue()

    def _queue(self) -> Iterator[Metric]:
        queue = self._admission.state()
        yield GaugeMetricFamily("parlance_queue_waiting", "Requests that wait for a slot.", value=queue.waiting)
        yield GaugeMetricFamily("parlance_queue_limit", "Maximum number of requests that may wait.", value=queue.max_waiting)
        yield GaugeMetricFamily("parlance_turns", "Requests that have a slot.", value=queue.active)
        yield GaugeMetricFamily("parlance_turns_limit", "Number of slots.", value=queue.slots)

    def _engines(self) -> Iterator[Metric]:
        catalog = self._synthesizer.catalog
        engines = catalog.engines
        stats = {id_: engines[id_].stats() if id_ in engines else {} for id_ in catalog.entries if catalog.is_installed(id_)}
        for key, (name, description) in ENGINE_GAUGES.items():
            gauge = GaugeMetricFamily(name, description, labels=["model"])
            for id_, counted in stats.items():
                gauge.add_metric([id_], counted.get(key, 0))
            yield gauge
        for key, (name, description) in ENGINE_COUNTERS.items():
            counter = CounterMetricFamily(name, description, labels=["model"])
            for id_, counted in stats.items():
                counter.add_metric([id_], counted.get(key, 0))
            yield counter

    def _replicas(self) -> Iterator[Metric]:
        counters = {key: CounterMetricFamily(name, help_, labels=["model", "replica"]) for key, (name, help_) in REPLICA_COUNTERS.items()}
        lost = CounterMetricFamily("parlance_replicas_lost", "Calls whose replica was lost while it worked on them.", labels=["model"])
        for model_id, engine in self._synthesizer.catalog.engines.items():
            if not hasattr(engine, "replica_stats"):
                continue
            lost.add_metric([model_id], engine.stats().get("replicas_lost", 0))
            for replica, counts in engine.replica_stats().items():
                for key, counter in counters.items():
                    counter.add_metric([model_id, replica], counts.get(key, 0))
        yield lost
        yield from counters.values()

    def _models(self) -> Iterator[Metric]:
        catalog = self._synthesizer.catalog
        states = GaugeMetricFamily("parlance_model_state", "1 for the current state of a model.", labels=["model", "state"])
        memory = GaugeMetricFamily("parlance_model_memory_bytes", "Memory used by the weights of a loaded model.", labels=["model"])
        for id_ in catalog.entries:
            status = catalog.status(id_)
            for state in ModelState:
                states.add_metric([id_, state.value], float(status.state is state))
            memory.add_metric([id_], status.memory_bytes)
        yield states
        yield memory

    def _cache(self) -> Iterator[Metric]:
        cache = self._synthesizer.cache
        stats = cache.stats() if cache else None
        yield GaugeMetricFamily("parlance_cache_bytes", "Disk space used by cached audio.", value=stats.bytes if stats else 0)
        yield GaugeMetricFamily("parlance_cache_limit_bytes", "Limit of that disk space; 0: off.", value=cache.max_bytes if cache else 0)
        yield GaugeMetricFamily("parlance_cache_entries", "Entries of the audio cache.", value=stats.entries if stats else 0)
        dropped = CounterMetricFamily("parlance_cache_dropped", "Entries removed from the audio cache, by reason.", labels=["why"])
        for why in ("evicted", "expired", "damaged"):
            dropped.add_metric([why], getattr(stats, why) if stats else 0)
        yield dropped
