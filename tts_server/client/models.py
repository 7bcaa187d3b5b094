"""Whether the model that was asked for is the one that answered."""

from __future__ import annotations

from tts_server.client.connection import Connection
from tts_server.errors import TTSError
from tts_server.spelling import did_you_mean


def other_model_warning(connection: Connection, wanted: str | None, answered: str) -> str:
    """A sentence where `answered`, the id of a model, is not what the name `wanted` means on that server; else empty."""
    if not wanted or not answered or wanted.strip().lower() == answered.lower():
        return ""
    meanings = _meanings(connection)
    name = wanted.strip().lower()
    if not meanings:
        return f"The model {wanted!r} was not used; {answered} spoke."
    if name not in meanings:
        return f"There is no model {wanted!r} at {connection.name}; {answered} spoke.{did_you_mean(wanted, meanings)}"
    if meanings[name] == answered.lower():
        return ""
    return f"The model {wanted!r} is not ready; {answered} spoke instead."


def _meanings(connection: Connection) -> dict[str, str]:
    """The id behind each name of a model, all in lower case; empty where the server does not tell."""
    try:
        listed = connection.get("/v1/models").get("data")
    except TTSError:
        return {}
    models = [model for model in listed if isinstance(model, dict)] if isinstance(listed, list) else []
    return {str(model.get("id")).lower(): str(model.get("alias_of") or model.get("id")).lower() for model in models}
