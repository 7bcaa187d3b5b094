"""Turns the options of a client command into fields of a request."""

from __future__ import annotations

import argparse
from typing import Any

from tts_server.launcher.client_options import FIELDS, NUMBERS, SWITCHES


def request_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a speech request that the options contain."""
    return {name: value for name in (*FIELDS, *NUMBERS, *SWITCHES) if (value := getattr(options, name)) is not None}
