"""Writes the access log: one line for each request."""

from __future__ import annotations

import logging

log = logging.getLogger("tts_server.web.access")

MAX_PATH = 200


def log_request(
    method: str,
    path: str,
    status: int,
    num_bytes: int,
    caller: str,
    *,
    seconds: float = 0.0,
    is_cut_short: bool = False,
    level: int = logging.INFO,
) -> None:
    """Log a request and its reply. `path` has no query, since that may hold a text; `caller` is the name of a key, or an address."""
    fields: dict[str, object] = {
        "method": method or "-",
        "path": path[:MAX_PATH] or "-",
        "status": status,
        "ms": round(seconds * 1000),
        "bytes": num_bytes,
        "caller": caller or "-",
    }
    message = "%(method)s %(path)s %(status)d %(ms)d ms %(bytes)d bytes %(caller)s"
    if is_cut_short:
        fields["cut_short"] = True
        message += " (cut short)"
    log.log(level, message, fields, extra=fields)
