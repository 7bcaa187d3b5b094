"""Installs the packages of an engine, with the build of PyTorch for this machine. Standard library only."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence

from tts_server.accelerator import REGISTRY, Build, Machine, choose, look, nvidia_cards
from tts_server.engines.package import EnginePackage, Installation
from tts_server.launcher.environment import Environment
from tts_server.launcher.errors import StartError
from tts_server.launcher.locks import BASE, TORCH
from tts_server.launcher.process import say


def install(environment: Environment, package: EnginePackage, installation: Installation) -> None:
    """Install the lists of requirements of an engine. Raises StartError."""
    lists = (BASE, *installation.requirements)
    if TORCH in lists:
        _install_with_torch(environment, package, lists)
    else:
        environment.ensure(*lists)
    download = f"; a model is downloaded when it is first used ({installation.download_size})" if installation.download_size else ""
    say(f"{package.name} is installed. Start with run.sh or run.bat{download}.")


def _install_with_torch(environment: Environment, package: EnginePackage, lists: Sequence[str]) -> None:
    build = chosen_build(package)
    if not environment.is_current(lists, build.backend):
        what = "for the CPU" if not build.is_for_gpu else f"with {build.backend}"
        if build.backend == REGISTRY:
            what = "as pip brings it"
        say(f"{package.name} comes with PyTorch {what}: {build.reason}.")
        say(f"About {build.download:g} GB to download, {build.disk:g} GB on disk.")
        require_space(environment, build)
        environment.ensure(*lists, backend=build.backend)
    if build.is_for_gpu and not environment.is_current(lists, build.backend):
        say(f"It is not the build for this GPU ({build.backend}), though: connect the network and install once more to get that.")


def chosen_build(package: EnginePackage) -> Build:
    """Return PyTorch's build for this machine, or the one that PARLANCE_TORCH names. Raises StartError where there is none."""
    try:
        build = choose(look(), os.environ.get("PARLANCE_TORCH", ""))
    except ValueError as error:
        raise StartError(str(error)) from error
    if not build.backend:
        raise StartError(f"{package.name} cannot be installed here: {build.reason}. The server works without it.")
    return build


def require_space(environment: Environment, build: Build) -> None:
    """Raise StartError where the disk is too small for a build, before anything is downloaded."""
    folder = next(folder for folder in (environment.folder, *environment.folder.parents) if folder.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free < build.disk:
        raise StartError(
            f"There are {free:.1f} GB free on the disk of {folder}, and about {build.disk:g} are needed.\n"
            "Free some space, or set PARLANCE_VENV to a folder on another disk, then install again."
        )


def suggest_installation(packages: Sequence[EnginePackage]) -> str | None:
    """Return a sentence on a machine with a suitable NVIDIA GPU and an engine for it that is not installed; else None.

    Runs nvidia-smi, where there is one.
    """
    missing = next((package for package in packages if package.uses_gpu and package.installation and not package.is_installed()), None)
    if missing is None or missing.installation is None:
        return None
    cards = nvidia_cards()
    if not cards or not choose(Machine(platform.system(), platform.machine(), cards)).is_for_gpu:
        return None
    return (
        f"{missing.name} can use the {cards[0].name} of this machine and speaks {len(missing.languages)} languages. "
        f"To install it: {missing.installation.command}"
    )
