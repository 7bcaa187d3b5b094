"""The options of the web layer, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tts_server.admission import Admission
from tts_server.dictionaries.selection import DictionarySelection
from tts_server.keys import KeyRing
from tts_server.rates import Rates
from tts_server.speech import VoiceReference
from tts_server.voices.fetch import FetchLimits
from tts_server.voices.store import VoiceStore


@dataclass(frozen=True)
class WebOptions:
    """Limits and permissions of the web layer.

    - `decode`: turns the bytes of an uploaded clip into a VoiceReference.
    - `voice_store`: the clips that `POST /generate` names by keys.
    - `dictionaries`: the pronunciation dictionaries.
    - `admission`: the queue of requests that make or read audio.
    - `is_cache_private`: each key has its own part of the cache.
    - `listening_on`: the address that the server binds to; Host headers may name it.
    - `allow_local_names`: Host headers may name any name of a local network.
    - `is_open_to_changes`: models and voices may be changed on a server without keys.
    - `may_anyone_load`: every request may cause a model to be downloaded or loaded.
    """

    decode: Callable[[bytes], VoiceReference]
    assets: Path
    fetch_limits: FetchLimits
    voice_store: VoiceStore
    dictionaries: DictionarySelection
    admission: Admission
    max_text_length: int = 4096
    max_upload_bytes: int = 25 * 2**20
    max_clip_seconds: float = 120.0
    sample_rate: int = 24000
    is_cache_private: bool = False
    keys: KeyRing = field(default_factory=KeyRing)
    listings_open: bool = False
    rates: Rates = field(default_factory=Rates)
    listening_on: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    allow_local_names: bool = False
    is_open_to_changes: bool = True
    may_anyone_load: bool = False
