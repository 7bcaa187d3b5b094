"""The routes that list models, in OpenAI's format with further fields for the page."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.package import ModelEntry
from tts_server.errors import ModelNotFound
from tts_server.web.policy import LISTING
from tts_server.web.routes.admin import status_fields


def model_routes(catalog: ModelCatalog) -> Blueprint:
    routes = Blueprint("models", __name__)
    created = int(time.time())

    def describe(model_id: str, entry: ModelEntry) -> dict[str, Any]:
        capabilities = catalog.capabilities(entry.id)
        status = catalog.status(entry.id)
        return {
            "id": model_id,
            "object": "model",
            "created": created,
            "owned_by": "parlance",
            "name": entry.name,
            "engine": entry.id,
            "alias_of": None if model_id == entry.id else entry.id,
            "default": entry.id == catalog.default,
            "always_loaded": catalog.is_always_loaded(entry.id),
            "available": catalog.is_installed(entry.id),
            "installed": catalog.is_installed(entry.id),
            "install_hint": None if catalog.is_installed(entry.id) else entry.install_hint,
            "install_name": None if catalog.is_installed(entry.id) else catalog.engine_name(entry.id),
            **status_fields(catalog, entry.id, status),
            "languages": list(capabilities.languages if capabilities else entry.languages),
            "cloning": capabilities.cloning if capabilities else None,
            "converts": capabilities.converts if capabilities else False,
            "tags": list(capabilities.tags) if capabilities else [],
            "controls": [{**asdict(control), "kind": control.kind} for control in capabilities.controls] if capabilities else [],
            "notices": [
                {"language": notice.language, "message": notice.message} for notice in (capabilities.notices if capabilities else ())
            ],
        }

    def all_models() -> dict[str, dict[str, Any]]:
        own = {model_id: describe(model_id, entry) for model_id, entry in catalog.entries.items()}
        return own | {alias: describe(alias, catalog.entries[target]) for alias, target in catalog.aliases.items()}

    @routes.get("/v1/models", policy=LISTING)
    def list_models() -> Response:
        return jsonify({"object": "list", "data": list(all_models().values())})

    @routes.get("/v1/models/<model_id>", policy=LISTING)
    def get_model(model_id: str) -> Response:
        model = all_models().get(model_id.lower())
        if model is None:
            raise ModelNotFound(f"There is no model {model_id!r}.", param="model")
        return jsonify(model)

    @routes.get("/v1/audio/models", policy=LISTING)
    def list_audio_models() -> Response:
        return jsonify({"models": [{"id": model_id} for model_id in all_models()]})

    return routes
