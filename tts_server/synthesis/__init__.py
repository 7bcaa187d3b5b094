"""From a request to audio: planning, resolving voices, rendering, and the cache of finished audio."""
