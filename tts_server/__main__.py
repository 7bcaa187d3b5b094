"""The command line: the only place that reads settings and builds everything."""

from __future__ import annotations

import sys
import time

from tts_server import __version__

began = time.monotonic()
try:
    # Commands import what they need when they run, so a missing package may show during either.
    from tts_server.commands import main

    status = main(sys.argv[1:])
except ImportError as damage:
    if (damage.name or "").startswith("tts_server"):
        raise
    # A package of the environment is missing or damaged: bring it back, then start again.
    from tts_server.launcher.launcher import repair_and_restart

    print(f"The environment of version {__version__} is incomplete ({damage}); it is being repaired.", file=sys.stderr)
    repair_and_restart(sys.argv[1:])
else:
    if status:
        from tts_server.launcher.launcher import restart_after

        status = restart_after(status, time.monotonic() - began, sys.argv[1:])
    sys.exit(status)
