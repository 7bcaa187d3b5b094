"""What the web layer needs to know, as plain values."""

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

    `decode` turns an uploaded clip's bytes into a VoiceReference; `listening_on` is the address the server binds to,
    which Host headers may name, as well as names of a local network where `allow_local_names`; `is_open_to_changes` whether models and
    voices may be changed as long as there is no key; `may_anyone_load` whether every request may have a model downloaded or loaded.
    `is_cache_private` says whether each key has a part of the cache of its own.
    `voice_store` holds the clips that `POST /generate` names by keys, `dictionaries` the pronunciation dictionaries; `admission`
    has the queue of all that makes or takes audio.
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
