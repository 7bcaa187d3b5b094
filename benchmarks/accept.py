"""`./run.sh accept`: checks the Chatterbox models on this machine and writes a report.

    ./run.sh accept [MODEL ...] [--random] [--parts a,b] [--quick] [--output FOLDER]

It uses the settings of the server (DEVICE, CHATTERBOX_MODE, MODEL_DIR, HF_HUB_OFFLINE …). Models that are not here are downloaded.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from tts_server.config import Settings, SettingsError  # noqa: E402
from tts_server.engines.chatterbox.families import Family, families  # noqa: E402
from tts_server.engines.chatterbox.options import file_options, segmenter_archive  # noqa: E402
from tts_server.engines.chatterbox.package import INSTALLATION, is_installed  # noqa: E402
from tts_server.engines.chatterbox.weights.files import find  # noqa: E402
from tts_server.engines.chatterbox.weights.language_helpers import provide_segmenter  # noqa: E402
from tts_server.engines.chatterbox.weights.repository_cache import RepositoryCache  # noqa: E402
from tts_server.errors import TTSError  # noqa: E402
from tts_server.launcher.command_line import EXIT_USAGE, parse  # noqa: E402
from tts_server.settings import load_settings  # noqa: E402
from tts_server.spelling import did_you_mean  # noqa: E402

DEFAULT_MODEL = "chatterbox-turbo"
DEFAULT_MODEL_ON_CPU = "chatterbox-nano"
RANDOM_TOKENS = 75
"""Mean length, in speech tokens, of what random weights say: three seconds."""


class UsageError(Exception):
    """A model or a part of the command line does not exist."""


def main(arguments: Sequence[str]) -> int:
    """Check the models; the exit status is 0 where no threshold was missed, 1 where one was, 2 for a mistake in the command line."""
    options = parse(["accept", *arguments])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING)
    if not is_installed():
        print(f"Chatterbox is not installed. Install it with: {INSTALLATION.command}", file=sys.stderr)
        return 1
    try:
        return run(options, load_settings())
    except (UsageError, SettingsError, ValueError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except (TTSError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace, settings: Settings, *, is_tiny: bool = False) -> int:
    """Check what the options name; `is_tiny` makes random checkpoints small, for tests. Returns the exit status."""
    from benchmarks.acceptance import report
    from benchmarks.acceptance.recognizer import Recognizer
    from benchmarks.acceptance.run import accept
    from benchmarks.acceptance.scale import FULL, QUICK
    from benchmarks.acceptance.subject import Loading
    from benchmarks.acceptance.table import NAMES
    from tts_server.engines.chatterbox.device import choose_device

    parts = _chosen(options.parts.split(",") if options.parts else NAMES, NAMES, "part")
    device = choose_device(settings.device)
    # The stock package, which random weights are compared with, knows the second version of the multilingual model alone.
    known = families("v2" if options.random else settings.multilingual_version)
    names = [name if name.startswith("chatterbox-") else f"chatterbox-{name}" for name in options.models]
    models = _chosen(names or [DEFAULT_MODEL_ON_CPU if device == "cpu" else DEFAULT_MODEL], list(known), "model")
    output = options.output or Path(f"acceptance-{datetime.datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:4.0f} s] {words}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as stack:
        loadings = []
        for name in models:
            say(f"{name}: files")
            folder, where = (_random_folder(known[name], stack, is_tiny=is_tiny), {}) if options.random else _find(known[name], settings)
            loadings.append(
                Loading(
                    known[name],
                    folder,
                    device,
                    settings.chatterbox_mode,
                    is_random=options.random,
                    is_tiny=is_tiny,
                    threads=settings.torch_threads,
                    max_rows=settings.max_batch_rows,
                    **where,
                )
            )
        recognizer = Recognizer(may_download=not (options.random or settings.hf_hub_offline))
        sessions = accept(loadings, parts, QUICK if options.quick else FULL, output, say, recognizer=recognizer)
    print(f"The report is {output / 'report.md'}.")
    for session in sessions:
        print(report.summary(session))
    return 1 if report.has_failed(sessions) else 0


def _chosen(names: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    for name in names:
        if name not in known:
            raise UsageError(f"There is no {what} {name!r}.{did_you_mean(name, known)} There is: {', '.join(known)}.")
    return [name for name in known if name in names]


def _find(family: Family, settings: Settings) -> tuple[Path, dict[str, Any]]:
    """The model's folder, and what is known of its files as fields of a Loading; it is downloaded where it is not here.

    Raises the TTSError family.
    """
    options = file_options(settings)
    located = find(family, options)
    recorded = RepositoryCache(options.hf_home, family.repository).checksums(located.commit) if located.commit else {}
    segmenter = provide_segmenter(family, options, segmenter_archive(settings))
    return located.folder, {"commit": located.commit, "recorded": recorded, "segmenter": segmenter}


def _random_folder(family: Family, stack: contextlib.ExitStack, *, is_tiny: bool) -> Path:
    """A checkpoint of random weights, as large as the model's own, that goes with the stack."""
    from benchmarks.checkpoints import write_checkpoint

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parlance-accept-")))
    return write_checkpoint(family.id.removeprefix("chatterbox-"), folder / "random", tiny=is_tiny, stop_after=RANDOM_TOKENS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
