"""A self-hosted text-to-speech server around the Chatterbox models."""

__version__ = "0.1.0"
