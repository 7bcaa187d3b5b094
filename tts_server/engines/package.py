"""The declaration of an engine: the only part of it that the rest of the server imports.

Standard library only: the launcher reads the declarations before anything is installed. What needs more is imported by the functions of a
declaration when they are called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts_server.accelerator import Machine
    from tts_server.config import Settings
    from tts_server.engines.base import BuiltinEngine
    from tts_server.engines.model_source import ModelSource
    from tts_server.finding import Finding

PROGRAM = "run.bat" if sys.platform == "win32" else "./run.sh"


@dataclass(frozen=True)
class ModelEntry:
    """A model that clients can name, as it is listed even where its engine is not installed.

    `install_hint` is the command that installs it, None where nothing has to be installed. `converts` says whether it changes the voice
    of recordings, `reads_every_script` whether it accepts text in any script.
    """

    id: str
    name: str
    languages: tuple[str, ...]
    install_hint: str | None = None
    converts: bool = False
    reads_every_script: bool = False


@dataclass(frozen=True)
class Installation:
    """What `install NAME` installs for an engine: its lists of requirements, in this order, by their file names.

    A list whose name ends with `-bare.txt` is installed without the dependencies of its packages. With the list of PyTorch among them, the
    build of PyTorch for this machine is chosen. `summary` is the engine's part of the command's help. `download_size` is about how much a
    model downloads when it is first used; empty where nothing is downloaded.
    """

    name: str
    requirements: tuple[str, ...]
    summary: str
    download_size: str = ""

    @property
    def command(self) -> str:
        """The command as a user types it."""
        return f"{PROGRAM} install {self.name}"


@dataclass(frozen=True)
class TrialCommand:
    """The command `NAME up`, which starts the server and all that an engine needs besides it on this machine.

    `settings` returns the settings that it overrides, given the option `--replicas`. `summary` and `up_summary` are its help.
    """

    name: str
    summary: str
    up_summary: str
    settings: Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True)
class DoctorContext:
    """What the checks of an engine may use: `settings` of its own class, the machine with its GPUs, and the folder of downloaded models."""

    settings: Any
    machine: Machine
    models_folder: Path


def _is_always_installed() -> bool:
    return True


@dataclass(frozen=True, eq=False)
class EnginePackage:
    """An engine: its models, how they are created, and what has to be installed and checked for them.

    `aliases` maps more names to ids of its models; `default_aliases` are more names of whichever model is the default. A package either
    has `start`, which creates one engine that runs as long as the server and is named as its only model, or `create_sources`, which
    returns the sources of models that are loaded on demand, by id. It gets the engine that always runs: its voices are the ones that
    clients name, so every model has to offer them, from a clip of each (`BuiltinEngine.reference`) or in a way of its own.
    `settings` returns the class of its settings, a subclass of `config.Settings`; `start`, `create_sources` and `check` get an instance.
    `distribute` returns the packages with which the server runs under these settings: an engine that runs the models of others elsewhere
    replaces their `start` and `create_sources`. `check` returns what `doctor` reports. Where the engine `uses_gpu`, its installation is
    suggested on a machine with a suitable GPU.
    """

    id: str
    name: str
    models: tuple[ModelEntry, ...]
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default_aliases: tuple[str, ...] = ()
    installation: Installation | None = None
    trial: TrialCommand | None = None
    uses_gpu: bool = False
    is_installed: Callable[[], bool] = _is_always_installed
    settings: Callable[[], type[Settings]] | None = None
    start: Callable[[Any], BuiltinEngine] | None = None
    create_sources: Callable[[Any, BuiltinEngine | None], Mapping[str, ModelSource]] | None = None
    distribute: Callable[[Any, Sequence[EnginePackage]], Sequence[EnginePackage]] | None = None
    check: Callable[[DoctorContext], Sequence[Finding]] | None = None

    @property
    def languages(self) -> frozenset[str]:
        """Codes of all languages that its models speak."""
        return frozenset(language for model in self.models for language in model.languages)
