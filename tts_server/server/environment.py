"""The WSGI environment of a request."""

from __future__ import annotations

from typing import Any

from waitress.task import WSGITask

from tts_server.client_addresses import forwarded_address


def environment(channel: Any, request: Any) -> dict[str, Any]:
    """Return the WSGI environment of a request, whose body may be missing. REMOTE_ADDR is the client's address, also behind a proxy."""
    environ: dict[str, Any] = WSGITask(channel, request).get_environment()
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = forwarded_address(forwarded, environ["REMOTE_ADDR"], channel.server.trusted_proxy)
    return environ
