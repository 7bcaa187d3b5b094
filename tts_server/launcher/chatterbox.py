"""`run.sh install chatterbox`: Chatterbox's packages, and PyTorch in the build for this machine. Standard library only."""

from __future__ import annotations

import os
import shutil

from tts_server.accelerator import REGISTRY, Build, choose, look
from tts_server.launcher.environment import Environment
from tts_server.launcher.errors import StartError
from tts_server.launcher.locks import BARE, BASE, CHATTERBOX, TORCH
from tts_server.launcher.process import say

LISTS = (TORCH, CHATTERBOX, BARE)


def install(environment: Environment) -> None:
    """Bring Chatterbox with the build of PyTorch that this machine wants. Raises StartError."""
    build = chosen_build()
    if not environment.is_current([BASE, *LISTS], build.backend):
        what = "for the CPU" if not build.is_for_gpu else f"with {build.backend}"
        if build.backend == REGISTRY:
            what = "as pip brings it"
        say(f"Chatterbox comes with PyTorch {what}: {build.reason}.")
        say(f"About {build.download:g} GB to download, {build.disk:g} GB on disk.")
        require_space(environment, build)
        environment.ensure(BASE, *LISTS, backend=build.backend)
    if build.is_for_gpu and not environment.is_current([BASE, *LISTS], build.backend):
        say(f"It is not the build for this GPU ({build.backend}), though: connect the network and install once more to get that.")
    say("Chatterbox is installed. Start with run.sh or run.bat; a model is downloaded when it is first used (2 to 3 GB).")


def chosen_build() -> Build:
    """PyTorch's build for this machine, or the one that PARLANCE_TORCH names. Raises StartError where there is none."""
    try:
        build = choose(look(), os.environ.get("PARLANCE_TORCH", ""))
    except ValueError as error:
        raise StartError(str(error)) from error
    if not build.backend:
        raise StartError(f"Chatterbox cannot be installed here: {build.reason}. The embedded voice goes on speaking.")
    return build


def require_space(environment: Environment, build: Build) -> None:
    """Raises StartError where the disk is too small for a build, before anything is downloaded."""
    folder = next(folder for folder in (environment.folder, *environment.folder.parents) if folder.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free < build.disk:
        raise StartError(
            f"There are {free:.1f} GB free on the disk of {folder}, and about {build.disk:g} are needed.\n"
            "Free some space, or let PARLANCE_VENV name a folder on another disk, then install again."
        )
