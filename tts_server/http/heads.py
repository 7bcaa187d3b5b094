"""Checks a request by its head while its body is still to come."""

from __future__ import annotations

from typing import Any

from tts_server.errors import TTSError
from tts_server.http.environment import environment


def check_head(channel: Any, request: Any) -> None:
    """Set the `refusal` of a request whose head shows that it is refused. What is accepted is checked once more when it is complete."""
    try:
        channel.server.checks.check(environment(channel, request))
    except TTSError as error:
        request.refusal = error
