"""The routes under `/admin/models`: states of models, loading and unloading."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.model_source import BUSY, ModelStatus
from tts_server.errors import ModelNotFound
from tts_server.web.policy import ADMIN_READING, ADMINISTRATION
from tts_server.web.route_map import protect


def status_fields(catalog: ModelCatalog, model_id: str, status: ModelStatus) -> dict[str, Any]:
    """Return the fields with the state of a model, which several routes share.

    `download_bytes` is the approximate size of the missing files; during a download it is that of all files.
    """
    return {
        "state": status.state.value,
        "bytes_done": status.bytes_done,
        "bytes_total": status.bytes_total,
        "download_bytes": catalog.models.source(model_id).download_bytes if model_id in catalog.models else None,
        "memory_bytes": status.memory_bytes,
        "reason": status.reason,
    }


def admin_routes(catalog: ModelCatalog) -> Blueprint:
    routes = Blueprint("admin", __name__)
    protect(routes, "/admin/", unsafe=ADMINISTRATION, safe=ADMIN_READING)

    def find_id(model_id: str) -> str:
        if model_id.lower() not in catalog.entries:
            raise ModelNotFound(f"There is no model {model_id!r}. Models: {', '.join(catalog.entries)}.", param="model")
        return model_id.lower()

    def describe(model_id: str, status: ModelStatus) -> dict[str, Any]:
        return {"id": model_id, "name": catalog.entries[model_id].name, **status_fields(catalog, model_id, status)}

    def answer(model_id: str, status: ModelStatus) -> Response:
        response = jsonify(describe(model_id, status))
        response.status_code = 202 if status.state in BUSY else 200
        return response

    @routes.get("/admin/models", policy=ADMIN_READING)
    def list_states() -> Response:
        return jsonify(
            {
                "models": [describe(model_id, catalog.status(model_id)) for model_id in catalog.entries],
                "memory_bytes": catalog.models.used_bytes,
                "memory_limit_bytes": catalog.models.memory_limit or None,
            }
        )

    @routes.post("/admin/models/<model_id>/load", policy=ADMINISTRATION)
    def load(model_id: str) -> Response:
        """202 while the model is being loaded; poll this route or /health."""
        return answer(find_id(model_id), catalog.load(find_id(model_id)))

    @routes.post("/admin/models/<model_id>/unload", policy=ADMINISTRATION)
    def unload(model_id: str) -> Response:
        """Cancels a download as well; 409 while the model is in use."""
        return answer(find_id(model_id), catalog.unload(find_id(model_id)))

    return routes
