"""Access to the files of prepared voices without loading the models that made them."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 1024 * 1024


def delete_prepared(folder: Path, digest: str) -> None:
    """Delete the files that models have prepared from the clip whose file has this sha256."""
    for path in folder.glob("*/*.safetensors"):
        try:
            if f"-{digest}-" in _key(path):
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("The prepared voice %s of a deleted voice could not be deleted: %s", path, error)


def _key(path: Path) -> str:
    """The key of a prepared voice in its file's header; empty where there is none."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if size <= MAX_HEADER_BYTES else b""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(header)["__metadata__"]["key"])
    return ""
