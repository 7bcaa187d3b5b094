"""A self-hosted text-to-speech server around the Chatterbox models."""

import os

__version__ = "0.1.0"

# ONNX Runtime, which computes the embedded voice, would tell Microsoft of its use; it reads this before anything else of it runs.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
