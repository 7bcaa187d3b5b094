"""The options of a client's command, as the fields of a request."""

from __future__ import annotations

import argparse
from typing import Any

from tts_server.launcher.client_options import FIELDS, NUMBERS, SWITCHES


def request_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a speech request that were given."""
    return {name: value for name in (*FIELDS, *NUMBERS, *SWITCHES) if (value := getattr(options, name)) is not None}
