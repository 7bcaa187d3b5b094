"""The models that a client can name, and the engine of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tts_server.engines.base import Capabilities, Engine
from tts_server.engines.manager.handles import EngineFacts
from tts_server.engines.manager.model_manager import ModelManager
from tts_server.engines.model_source import BUSY, ModelState, ModelStatus
from tts_server.engines.package import EnginePackage, ModelEntry
from tts_server.engines.registry import PACKAGES, model_entries
from tts_server.errors import InvalidRequest, ModelNotAvailable, ModelNotFound

OPENAI_NAMES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names of OpenAI's models, which mean the default model."""


class ModelCatalog:
    """The models of `packages` by name, and the engine of each.

    `engines` maps ids of models to engines that always run, `models` holds those that are loaded on demand; `aliases` maps more names to
    the ids. The first of `engines` is the default model, unless `default` names another, and answers in place of a model that is not
    ready. The default model and those named by `preloaded` are loaded for every request, others only for one that `may_load`.
    Raises ValueError where an alias or the default names no model.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        models: ModelManager | None = None,
        *,
        default: str | None = None,
        aliases: Mapping[str, str] | None = None,
        strict: bool = False,
        preloaded: Iterable[str] = (),
        packages: Sequence[EnginePackage] = PACKAGES,
    ):
        self.entries = model_entries(packages)
        self._engine_names = {entry.id: package.name for package in packages for entry in package.models}
        self.models = models or ModelManager({})
        self._running = dict(engines)
        self._fallback = next(iter(self._running), None)
        self.default = default = default or self._fallback or next(iter(self.entries))
        self.strict = strict
        self.aliases = dict.fromkeys([*OPENAI_NAMES, *(name for package in packages for name in package.default_aliases)], default)
        self.aliases |= {name: model_id for package in packages for name, model_id in package.aliases.items()}
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
        """The state of a model and its progress; KeyError for an unknown id."""
        if model_id in self._running:
            return ModelStatus(ModelState.READY)
        if model_id in self.models:
            return self.models.status(model_id)
        hint = self.entries[model_id].install_hint
        return ModelStatus(ModelState.NOT_INSTALLED, reason=f"Install it with: {hint}." if hint else "Its packages are missing.")

    def engine_name(self, model_id: str) -> str:
        """The name of a model's engine, for people; KeyError for an unknown id."""
        return self._engine_names[model_id]

    def is_always_loaded(self, model_id: str) -> bool:
        """Whether a model runs as long as the server, so that it is neither loaded nor unloaded."""
        return model_id in self._running

    @property
    def fallback(self) -> ModelEntry | None:
        """The model that answers in place of one that is not ready; None where no engine always runs."""
        return None if self._fallback is None else self.entries[self._fallback]

    def available_default(self) -> str | None:
        """The id of the model that answers by default: the default model or, while it is not ready, `fallback`; None without either."""
        if self.status(self.default).state in (ModelState.READY, ModelState.UNLOADED):
            return self.default
        return self._fallback if self.is_installed(self.default) else None

    def converting_model(self) -> str | None:
        """The id of a model that converts recordings: one that is ready, else the first that could be loaded or installed."""
        ready = (model_id for model_id, engine in self.engines.items() if engine.capabilities.converts)
        return next(ready, None) or next((entry.id for entry in self.entries.values() if entry.converts), None)

    def model_of_every_script(self) -> ModelEntry | None:
        """The first model that accepts text in any script, installed or not."""
        return next((entry for entry in self.entries.values() if entry.reads_every_script), None)

    def named(self, name: str | None) -> str:
        """The id of the model with this name or alias; raises ModelNotFound for an unknown one if `strict`."""
        key = (name or self.default).strip().lower()
        if key in self.entries:
            return key
        if key not in self.aliases and self.strict:
            known = ", ".join([*self.entries, *self.aliases])
            raise ModelNotFound(f"There is no model {name!r}. Known models: {known}.", param="model")
        return self.aliases.get(key, self.default)

    def resolve(self, name: str | None, *, may_load: bool = True) -> str:
        """The id of the model to use for `name` now; raises ModelNotFound for an unknown one if `strict`.

        A model that is not ready begins to load. Until then `fallback` is used in its place, unless `name` is the model's own id.
        Without `may_load`, ModelNotAvailable is raised for a model that would have to be loaded.
        """
        model_id = self.named(name)
        if not may_load:
            self._check_loaded(model_id)
        is_own_id = name is not None and name.strip().lower() == model_id
        if is_own_id or model_id not in self.models or self._fallback is None or self.models.ensure_loaded(model_id):
            return model_id
        return self._fallback

    def engine(self, model_id: str) -> Engine:
        """The engine of a model that is ready; raises ModelLoading, or ModelNotAvailable with the command that installs it."""
        if model_id in self._running:
            return self._running[model_id]
        return self._loadable(model_id).engine(model_id)

    def unloaded_facts(self, name: str | None) -> EngineFacts | None:
        """Return the properties of the model meant by `name`, if it was unloaded, without loading it; raises ModelNotFound when strict."""
        model_id = self.named(name)
        return self.models.unloaded_facts(model_id) if model_id in self.models else None

    def ready(self, name: str | None) -> str:
        """The id of the model of this name, once it is loaded or its load has failed. May take minutes."""
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
        """Begin to load the models of these names that are installed."""
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
        """Stop every engine and cancel all loads."""
        self.models.close()
        for engine in self._running.values():
            engine.close()

    def _loadable(self, model_id: str) -> ModelManager:
        if model_id not in self.models:
            entry = self.entries[model_id]
            remedy = f" Install it with: {entry.install_hint}." if entry.install_hint else ""
            other = f" The model '{self._fallback}' needs no installation." if self._fallback else ""
            raise ModelNotAvailable(f"{entry.name} is not installed on this server.{remedy}{other}", param="model")
        return self.models
