"""The models a client can name, and the engine behind each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tts_server.engines.base import Capabilities, Engine
from tts_server.engines.managed_engines import RestingEngine
from tts_server.engines.model_source import BUSY, ModelState, ModelStatus
from tts_server.engines.models import ModelManager
from tts_server.errors import InvalidRequest, ModelNotAvailable, ModelNotFound

INSTALL_CHATTERBOX = "run.bat install chatterbox" if sys.platform == "win32" else "./run.sh install chatterbox"

EMBEDDED = "embedded"

DEFAULT_ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "chatterbox", "chatterbox-tts")


@dataclass(frozen=True)
class ModelEntry:
    """A model of this product: its id, a name for people, its languages, and how to get it if it is missing."""

    id: str
    name: str
    languages: tuple[str, ...]
    install_hint: str | None = None


KNOWN_MODELS = (
    ModelEntry(EMBEDDED, "Embedded voice", ("en",)),
    ModelEntry("chatterbox-english", "Chatterbox English", ("en",), INSTALL_CHATTERBOX),
    ModelEntry(
        "chatterbox-multilingual",
        "Chatterbox Multilingual",
        tuple("ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split()),
        INSTALL_CHATTERBOX,
    ),
    ModelEntry("chatterbox-turbo", "Chatterbox Turbo", ("en",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-nano", "Chatterbox Nano", ("en",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-zh-cmn", "Chatterbox Mandarin", ("zh",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-es-mx-latam", "Chatterbox Spanish (Latin America)", ("es",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-es-es", "Chatterbox Spanish (Spain)", ("es",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-pt-br", "Chatterbox Portuguese (Brazil)", ("pt",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-pt-pt", "Chatterbox Portuguese (Portugal)", ("pt",), INSTALL_CHATTERBOX),
    ModelEntry("chatterbox-multilingual-hi", "Chatterbox Hindi", ("hi",), INSTALL_CHATTERBOX),
)


class ModelCatalog:
    """Which engine answers to which model name.

    `engines` maps ids of KNOWN_MODELS to engines that always run, `models` holds those that are loaded on demand; `aliases` maps more
    names to the ids. The default model and those named by `preloaded` are loaded for every request, others only for one that `may_load`.
    Raises ValueError where an alias or the default points nowhere.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        models: ModelManager | None = None,
        *,
        default: str = "embedded",
        aliases: Mapping[str, str] | None = None,
        strict: bool = False,
        preloaded: Iterable[str] = (),
    ):
        self.entries = {entry.id: entry for entry in KNOWN_MODELS}
        self.models = models or ModelManager({})
        self._running = dict(engines)
        self.default = default
        self.strict = strict
        self.aliases = dict.fromkeys(DEFAULT_ALIASES, default)
        self.aliases |= {name.lower(): self.aliases.get(target.lower(), target.lower()) for name, target in (aliases or {}).items()}
        for name, target in [("the default model", default), *self.aliases.items()]:
            if target not in self.entries:
                raise ValueError(f"{name}: there is no model {target!r}; there are {', '.join(self.entries)}")
        self._loaded_for_all = {default, *map(self.named, preloaded)}

    @property
    def engines(self) -> dict[str, Engine]:
        """The engines that can speak now."""
        return self._running | self.models.engines()

    def is_installed(self, model_id: str) -> bool:
        """Whether a model can be used here, perhaps after it has been downloaded and loaded."""
        return model_id in self._running or model_id in self.models

    def capabilities(self, model_id: str) -> Capabilities | None:
        """What an installed model can do, loaded or not."""
        if model_id in self._running:
            return self._running[model_id].capabilities
        return self.models.source(model_id).capabilities if model_id in self.models else None

    def status(self, model_id: str) -> ModelStatus:
        """How far a model is; KeyError for an unknown id."""
        if model_id in self._running:
            return ModelStatus(ModelState.READY)
        if model_id in self.models:
            return self.models.status(model_id)
        return ModelStatus(ModelState.NOT_INSTALLED, reason=f"Install it with: {self.entries[model_id].install_hint}.")

    def stand_in(self) -> str | None:
        """What answers by default: the default model or, while that is not ready, the embedded voice. None where it is not installed."""
        if self.status(self.default).state in (ModelState.READY, ModelState.UNLOADED):
            return self.default
        return EMBEDDED if self.is_installed(self.default) and EMBEDDED in self._running else None

    def named(self, name: str | None) -> str:
        """The id of the model that is meant by `name`; raises ModelNotFound when strict and unknown."""
        key = (name or self.default).strip().lower()
        if key in self.entries:
            return key
        if key not in self.aliases and self.strict:
            known = ", ".join([*self.entries, *self.aliases])
            raise ModelNotFound(f"There is no model {name!r}. Known models: {known}.", param="model")
        return self.aliases.get(key, self.default)

    def resolve(self, name: str | None, *, may_load: bool = True) -> str:
        """The id of the model that answers to `name` now; raises ModelNotFound when strict and unknown.

        A model that is not ready begins to load. Until then the embedded voice answers in its place, unless it is asked for by its own id.
        Without `may_load`, ModelNotAvailable is raised for a model that would have to be loaded.
        """
        model_id = self.named(name)
        if not may_load:
            self._check_loaded(model_id)
        is_own_id = name is not None and name.strip().lower() == model_id
        if is_own_id or model_id not in self.models or EMBEDDED not in self._running or self.models.is_answering(model_id):
            return model_id
        return EMBEDDED

    def engine(self, model_id: str) -> Engine:
        """The engine of a model that is ready; raises ModelLoading, or ModelNotAvailable with the command that brings it."""
        if model_id in self._running:
            return self._running[model_id]
        return self._loadable(model_id).engine(model_id)

    def resting(self, name: str | None) -> RestingEngine | None:
        """The model meant by `name` where it was unloaded, without loading it; raises ModelNotFound when strict and unknown."""
        model_id = self.named(name)
        return self.models.resting(model_id) if model_id in self.models else None

    def ready(self, name: str | None) -> str:
        """The id of the model meant by `name`, once it is loaded or has failed to: for who has the time to wait."""
        model_id = self.named(name)
        if model_id in self.models:
            self.models.load(model_id)
            self.models.wait(model_id)
        return model_id

    def load(self, model_id: str) -> ModelStatus:
        """Begin to load a model; returns at once. Raises ModelNotAvailable where it is not installed."""
        return self.status(model_id) if model_id in self._running else self._loadable(model_id).load(model_id)

    def unload(self, model_id: str) -> ModelStatus:
        """Free a model's memory; raises Conflict while it is in use."""
        if model_id in self._running:
            raise InvalidRequest(f"{self.entries[model_id].name} is always loaded.", param="model", code="always_loaded")
        return self._loadable(model_id).unload(model_id)

    def preload(self, names: Iterable[str]) -> None:
        """Begin to load the models that these names mean, those of them that are installed."""
        for model_id in dict.fromkeys(map(self.named, names)):
            if model_id in self.models:
                self.models.load(model_id)

    def _check_loaded(self, model_id: str) -> None:
        """Raise ModelNotAvailable where a model is neither loaded, nor being loaded, nor one that is loaded for every request."""
        if model_id not in self.models or model_id in self._loaded_for_all:
            return
        if self.models.status(model_id).state not in (ModelState.READY, *BUSY):
            raise ModelNotAvailable(
                f"{self.entries[model_id].name} is not loaded, and this request may not have it downloaded or loaded. A key of the role "
                f"'admin' can load it: POST /admin/models/{model_id}/load. MODEL_LOADING=anyone lets every request do so.",
                param="model",
                code="model_not_loaded",
            )

    def close(self) -> None:
        """Stop every engine and give up what is being loaded."""
        self.models.close()
        for engine in self._running.values():
            engine.close()

    def _loadable(self, model_id: str) -> ModelManager:
        if model_id not in self.models:
            entry = self.entries[model_id]
            raise ModelNotAvailable(
                f"{entry.name} is not installed on this server. Install it with: {entry.install_hint}. "
                f"The model 'embedded' needs no installation.",
                param="model",
            )
        return self.models
