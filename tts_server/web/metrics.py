"""`GET /metrics`: everything that is counted, in Prometheus's own words."""

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
from tts_server.synthesis import Synthesizer
from tts_server.web.policy import READING

ENGINE_GAUGES = {
    "segments_waiting": ("parlance_segments_waiting", "Segments that wait for an engine."),
    "sequences_running": ("parlance_t3_sequences", "Sequences that T3 works on together now."),
    "threads_stuck": ("parlance_stuck_threads", "Threads of an engine that did not come back from a segment."),
}
ENGINE_COUNTERS = {
    "segments_done": ("parlance_segments", "Segments spoken since the model was loaded."),
    "retries": ("parlance_segment_retries", "Segments made again because they did not sound like their text."),
    "failures": ("parlance_engine_failures", "Failures inside an engine."),
    "steps": ("parlance_t3_steps", "Steps of T3; tokens by steps is the mean size of a batch."),
    "tokens": ("parlance_t3_tokens", "Speech tokens that T3 has made."),
}
"""Counters of an engine (`Engine.stats`) as series; an engine that does not count a thing shows 0."""


def count_answers(app: Flask, metrics: Metrics) -> None:
    """Count every reply of `app` by its route, method and status, and every error by its code."""

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
        """In the text format, or as OpenMetrics where `Accept` asks for it."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"})

    return routes


class PresentState(Collector):
    """What is read off the engines, the models and the cache when somebody asks."""

    def __init__(self, synthesizer: Synthesizer, admission: Admission) -> None:
        self._synthesizer = synthesizer
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("parlance_build_info", "Always 1; its label is the version.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._engines()
        yield from self._models()
        yield from self._cache()
        yield from self._queue()

    def _queue(self) -> Iterator[Metric]:
        queue = self._admission.state()
        yield GaugeMetricFamily("parlance_queue_waiting", "Requests that wait for a slot.", value=queue.waiting)
        yield GaugeMetricFamily("parlance_queue_limit", "Most that may wait.", value=queue.max_waiting)
        yield GaugeMetricFamily("parlance_turns", "Requests that have a slot.", value=queue.active)
        yield GaugeMetricFamily("parlance_turns_limit", "Most that have one at a time.", value=queue.slots)

    def _engines(self) -> Iterator[Metric]:
        catalog = self._synthesizer.catalog
        engines = catalog.engines
        stats = {id_: engines[id_].stats() if id_ in engines else {} for id_ in catalog.entries if catalog.is_installed(id_)}
        for key, (name, words) in ENGINE_GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=["model"])
            for id_, counted in stats.items():
                gauge.add_metric([id_], counted.get(key, 0))
            yield gauge
        for key, (name, words) in ENGINE_COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=["model"])
            for id_, counted in stats.items():
                counter.add_metric([id_], counted.get(key, 0))
            yield counter

    def _models(self) -> Iterator[Metric]:
        catalog = self._synthesizer.catalog
        states = GaugeMetricFamily("parlance_model_state", "1 for the state that a model is in.", labels=["model", "state"])
        memory = GaugeMetricFamily("parlance_model_memory_bytes", "Memory that the weights of a loaded model hold.", labels=["model"])
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
        yield GaugeMetricFamily("parlance_cache_bytes", "Disk space that kept audio takes.", value=stats.bytes if stats else 0)
        yield GaugeMetricFamily("parlance_cache_limit_bytes", "Most that it may take; 0: off.", value=cache.max_bytes if cache else 0)
        yield GaugeMetricFamily("parlance_cache_entries", "Pieces of audio that are kept.", value=stats.entries if stats else 0)
        dropped = CounterMetricFamily("parlance_cache_dropped", "Kept audio that was dropped, by why.", labels=["why"])
        for why in ("evicted", "expired", "damaged"):
            dropped.add_metric([why], getattr(stats, why) if stats else 0)
        yield dropped
