"""Checks a request by its head while its body is still to come."""

from __future__ import annotations

from typing import Any

from tts_server.errors import TTSError
from tts_server.server.environment import environment


def check_head(channel: Any, request: Any) -> None:
    """Set `request.refusal` if the head alone is reason to refuse it. Accepted requests are checked again when they are complete."""
    try:
        channel.server.checks.check(environment(channel, request))
    except TTSError as error:
        request.refusal = error
