"""The check of the cluster engine for `doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from tts_server.engines.cluster.package import INSTALLATION, is_installed
from tts_server.engines.cluster.settings import ClusterSettings
from tts_server.finding import Finding
from tts_server.packages import installed_version


def check_cluster(settings: ClusterSettings) -> Sequence[Finding]:
    """Check that Ray is installed where `ENGINE` needs it."""
    if settings.engine != "cluster":
        return []
    if not is_installed():
        return [Finding("Ray", False, "not installed, and ENGINE is 'cluster'", INSTALLATION.command, needed=True)]
    return [Finding("Ray", True, f"{installed_version('ray')}, cluster at {settings.ray_address}")]
