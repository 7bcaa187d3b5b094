"""Detects a running Parlance server. Standard library only."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 2**20
HEALTH_FIELDS = {"status", "version", "engine", "engine_ready", "voices_loaded", "routing"}
"""Fields of `/health` that identify a Parlance server."""


def is_parlance(url: str) -> bool:
    """Return whether a Parlance server answers at this address."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        with connection.getresponse() as response:  # an open response keeps the socket open
            health = json.loads(response.read(MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(health, dict) and health.keys() >= HEALTH_FIELDS
