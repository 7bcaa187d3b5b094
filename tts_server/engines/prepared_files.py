"""Files of prepared voices, seen from outside of the models that made them, which need not be loaded."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 1024 * 1024


def forget_clip(folder: Path, digest: str) -> None:
    """Delete what any model prepared of the clip whose file has this sha256."""
    for path in folder.glob("*/*.safetensors"):
        try:
            if f"-{digest}-" in _key(path):
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("The prepared voice %s of a deleted voice could not be deleted: %s", path, error)


def _key(path: Path) -> str:
    """What a file says it was made of; empty where it says nothing."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if size <= MAX_HEADER_BYTES else b""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(header)["__metadata__"]["key"])
    return ""
