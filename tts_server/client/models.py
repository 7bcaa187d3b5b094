"""Warns if another model than the requested one has answered."""

from __future__ import annotations

from tts_server.client.connection import Connection
from tts_server.errors import TTSError
from tts_server.spelling import did_you_mean


def model_warning(connection: Connection, requested: str | None, used: str) -> str:
    """Return a warning if the server has used another model than `requested` means there; else an empty string."""
    if not requested or not used or requested.strip().lower() == used.lower():
        return ""
    targets = _targets(connection)
    name = requested.strip().lower()
    if not targets:
        return f"The model {requested!r} was not used; {used} was used instead."
    if name not in targets:
        return f"There is no model {requested!r} at {connection.name}; {used} was used instead.{did_you_mean(requested, targets)}"
    if targets[name] == used.lower():
        return ""
    return f"The model {requested!r} is not ready; {used} was used instead."


def _targets(connection: Connection) -> dict[str, str]:
    """Return the model id for each name of a model, in lower case; empty if the server does not list them."""
    try:
        listed = connection.get("/v1/models").get("data")
    except TTSError:
        return {}
    models = [model for model in listed if isinstance(model, dict)] if isinstance(listed, list) else []
    return {str(model.get("id")).lower(): str(model.get("alias_of") or model.get("id")).lower() for model in models}
