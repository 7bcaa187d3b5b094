"""The errors of a Chatterbox model that is not available; each message states the remedy. No torch here.

ModelNotAvailable          503, from tts_server.errors
├── StockMissing           packages are missing or broken
├── WeightsMissing         files are missing from a folder
├── WeightsDamaged         a file is cut short or of another model
└── DownloadFailed         the hub did not deliver
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tts_server.engines.chatterbox.package import INSTALLATION
from tts_server.errors import ModelNotAvailable


class StockMissing(ModelNotAvailable):
    """The `chatterbox` package, or one that it needs, cannot be imported."""

    code = "model_not_installed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Chatterbox is not installed here, or not completely ({reason}). Install it with: {INSTALLATION.command}")


class WeightsMissing(ModelNotAvailable):
    """A folder lacks files of a model. `files` are their names, `folder` is where they are missing."""

    code = "model_files_missing"

    def __init__(self, model: str, files: Sequence[str], folder: Path, advice: str) -> None:
        super().__init__(f"{model} lacks {', '.join(files)} in {folder}. {advice}")
        self.files = tuple(files)
        self.folder = folder


class WeightsDamaged(ModelNotAvailable):
    """A file of a model, `path`, cannot be read, or holds something else."""

    code = "model_files_damaged"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}. Delete it, so that it is downloaded again, or copy it again.")
        self.path = path


HUB_ADVICE = "A mirror can be named by HF_ENDPOINT, and files that you already have by MODEL_DIR."


class DownloadFailed(ModelNotAvailable):
    """A file could not be downloaded. The next attempt resumes after the bytes that have arrived. `advice` is a sentence."""

    code = "model_download_failed"
    retry_after = 60.0
    is_retryable = True

    def __init__(self, model: str, file: str, reason: str, advice: str = HUB_ADVICE) -> None:
        super().__init__(f"{file} of {model} could not be downloaded: {reason}. The next attempt resumes where this one stopped. {advice}")
        self.file = file
