"""The models a client can name, and the engine behind each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tts_server.engines.base import Engine
from tts_server.errors import ModelNotAvailable, ModelNotFound

INSTALL_CHATTERBOX = "run.bat install chatterbox" if sys.platform == "win32" else "./run.sh install chatterbox"

DEFAULT_ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "chatterbox", "chatterbox-tts")


@dataclass(frozen=True)
class ModelEntry:
    """A model of this product: its id, a name for people, its languages, and how to get it if it is missing."""

    id: str
    name: str
    languages: tuple[str, ...]
    install_hint: str | None = None


KNOWN_MODELS = (
    ModelEntry("embedded", "Embedded voice", ("en",)),
    ModelEntry("chatterbox-english", "Chatterbox English", ("en",), INSTALL_CHATTERBOX),
    ModelEntry(
        "chatterbox-multilingual",
        "Chatterbox Multilingual",
        tuple("ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split()),
        INSTALL_CHATTERBOX,
    ),
    ModelEntry("chatterbox-turbo", "Chatterbox Turbo", ("en",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-nano", "Chatterbox Nano", ("en",), INSTALL_CHATTERBOX),
)


class ModelCatalog:
    """Which engine answers to which model name.

    `engines` maps ids of KNOWN_MODELS to running engines; `aliases` maps more names to those ids.
    Raises ValueError where an alias or the default points nowhere.
    """

    def __init__(
        self, engines: Mapping[str, Engine], *, default: str = "embedded", aliases: Mapping[str, str] | None = None, strict: bool = False
    ):
        self.entries = {entry.id: entry for entry in KNOWN_MODELS}
        self.engines = dict(engines)
        self.default = default
        self.strict = strict
        self.aliases = dict.fromkeys(DEFAULT_ALIASES, default)
        self.aliases |= {name.lower(): self.aliases.get(target.lower(), target.lower()) for name, target in (aliases or {}).items()}
        for name, target in [("the default model", default), *self.aliases.items()]:
            if target not in self.entries:
                raise ValueError(f"{name}: there is no model {target!r}; there are {', '.join(self.entries)}")

    def resolve(self, name: str | None) -> str:
        """The id of the model that answers to `name`; raises ModelNotFound when strict and unknown."""
        if name is None:
            return self.default
        key = name.strip().lower()
        if key in self.entries:
            return key
        if key in self.aliases:
            return self.aliases[key]
        if self.strict:
            known = ", ".join([*self.entries, *self.aliases])
            raise ModelNotFound(f"There is no model {name!r}. Known models: {known}.", param="model")
        return self.default

    def engine(self, model_id: str) -> Engine:
        """The running engine of a model; raises ModelNotAvailable with the command that brings it."""
        engine = self.engines.get(model_id)
        if engine is None:
            entry = self.entries[model_id]
            raise ModelNotAvailable(
                f"{entry.name} is not installed on this server. Install it with: {entry.install_hint}. "
                f"The model 'embedded' answers meanwhile.",
                param="model",
            )
        return engine
