"""`GET /health`: the state of the server, its models and its queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify

from tts_server import __version__
from tts_server.admission import Admission
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.model_source import BUSY, ModelState
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.web.policy import PUBLIC

HEALTH = replace(PUBLIC, is_health_probe=True)


def status_routes(synthesizer: Synthesizer, admission: Admission) -> Blueprint:
    routes = Blueprint("status", __name__)
    catalog = synthesizer.catalog

    @routes.get("/health", policy=HEALTH)
    @routes.get("/healthz", policy=HEALTH)
    def health() -> Response:
        model = catalog.available_default()
        engine = catalog.engines.get(model) if model else None
        metrics = synthesizer.metrics.snapshot()
        stats = dict(engine.stats()) if engine else {}
        queue = admission.state()
        load = (metrics["in_flight"] + queue.waiting) / engine.num_parallel if engine else 0.0
        is_degraded = any(one.stats().get("threads_stuck") for one in catalog.engines.values())
        response = jsonify(
            {
                "status": "unavailable" if model is None or catalog.models.has_lost_device else "degraded" if is_degraded else "healthy",
                "version": __version__,
                "engine": catalog.default,
                "model": model or catalog.default,
                "served_as": sorted(alias for alias, target in catalog.aliases.items() if target == catalog.default),
                "engine_ready": model is not None,
                "engine_error": _default_model_error(catalog, model),
                "voices_loaded": len(synthesizer.voices.all()) if model else 0,
                "default_voice": synthesizer.voices.default,
                "routing": {"load_score": round(load, 3), "accepts_requests": model is not None and not queue.is_full},
                "queue": {
                    "at_work": queue.active,
                    "slots": queue.slots,
                    "paused": queue.paused,
                    "waiting": queue.waiting,
                    "max_waiting": queue.max_waiting,
                    "estimated_seconds": round(queue.seconds, 3),
                },
                "models": {model_id: _progress(catalog, model_id) for model_id in catalog.entries},
                "metrics": metrics | stats,
            }
        )
        response.status_code = 200 if model and not catalog.models.has_lost_device else 503
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _progress(catalog: ModelCatalog, model_id: str) -> dict[str, Any]:
    status = catalog.status(model_id)
    fields: dict[str, Any] = {"state": status.state.value}
    if status.state is ModelState.DOWNLOADING:
        fields |= {"bytes_done": status.bytes_done, "bytes_total": status.bytes_total}
    return fields


def _default_model_error(catalog: ModelCatalog, model_id: str | None) -> str | None:
    """Return why the default model does not answer; None if it does."""
    if model_id == catalog.default:
        return None
    status = catalog.status(catalog.default)
    if status.state is ModelState.NOT_INSTALLED:
        return "The default model is not installed."
    name = catalog.entries[catalog.default].name
    meanwhile = f" The model '{catalog.fallback.id}' answers meanwhile." if catalog.fallback else ""
    if status.state is ModelState.FAILED:
        return f"{name} could not be loaded: {status.reason}{meanwhile}"
    doing = "being made ready" if status.state in BUSY else "not loaded yet"
    return f"{name} is {doing}.{meanwhile}"
