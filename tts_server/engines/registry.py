"""The engines of this server. Standard library only: the launcher reads it before anything is installed.

A new engine is a folder with a `package.py`, and its line here.
"""

from __future__ import annotations

from collections.abc import Sequence

from tts_server.engines.chatterbox.package import CHATTERBOX
from tts_server.engines.cluster.package import CLUSTER
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.engines.package import EnginePackage, ModelEntry

PACKAGES: tuple[EnginePackage, ...] = (
    EMBEDDED,
    CHATTERBOX,
    CLUSTER,
)


def model_entries(packages: Sequence[EnginePackage] = PACKAGES) -> dict[str, ModelEntry]:
    """The models of all engines by id, in the order of the packages."""
    return {entry.id: entry for package in packages for entry in package.models}


def requirement_lists(packages: Sequence[EnginePackage] = PACKAGES) -> tuple[str, ...]:
    """The lists of requirements of all engines by their file names, each once."""
    found = (name for package in packages if package.installation for name in package.installation.requirements)
    return tuple(dict.fromkeys(found))
