"""Is the server well, and what is it doing."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from tts_server import __version__
from tts_server.synthesis import Synthesizer


def status_routes(synthesizer: Synthesizer) -> Blueprint:
    routes = Blueprint("status", __name__)
    catalog = synthesizer.catalog

    @routes.get("/health")
    @routes.get("/healthz")
    def health() -> Response:
        engine = catalog.engines.get(catalog.default)
        metrics = synthesizer.metrics.snapshot()
        stats = dict(engine.stats()) if engine else {}
        load = metrics["in_flight"] / engine.num_parallel if engine else 0.0
        response = jsonify(
            {
                "status": "healthy" if engine else "unavailable",
                "version": __version__,
                "engine": catalog.default,
                "model": catalog.default,
                "served_as": sorted(alias for alias, target in catalog.aliases.items() if target == catalog.default),
                "engine_ready": engine is not None,
                "engine_error": None if engine else "The default model is not installed.",
                "voices_loaded": len(synthesizer.voices()) if engine else 0,
                "default_voice": synthesizer.default_voice,
                "routing": {"load_score": round(load, 3), "accepts_requests": engine is not None},
                "metrics": metrics | stats,
            }
        )
        response.status_code = 200 if engine else 503
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes
