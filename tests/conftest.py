"""What all tests share: servers that run, a clip, a clean environment."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from support.server import RunningServer, run_server

from tts_server.config import environment_names
from tts_server.log import SPOKEN
from tts_server.settings import settings_class

CLIPS = Path(__file__).parent / "clips"


def pytest_configure(config: pytest.Config) -> None:
    """Make warnings that our own code causes errors; those that other packages cause among themselves are listed in the summary.

    A warning belongs to the module that it blames. The last filter that matches decides.
    """
    ours = ["tts_server", "benchmarks", "support", *sorted({path.stem for path in Path(__file__).parent.rglob("*.py")})]
    config.addinivalue_line("filterwarnings", "default")
    # One filter for all modules: pytest installs every filter again for each test, and its search for duplicates takes quadratic time.
    config.addinivalue_line("filterwarnings", rf"error:::({'|'.join(ours)})(\.|$)")
    # Reported by pytest itself: an exception in a thread, which would otherwise let a test pass although our code failed.
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half an emoji in a captured log would end the process that tells another one what it tested."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> None:
    """Settings of the machine that runs the tests must not reach them."""
    for name, field in settings_class().model_fields.items():
        for variable in environment_names(name, field):
            os.environ.pop(variable, None)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that ran within this process has set up the log of a process of its own."""
    root, hook = logging.getLogger(), threading.excepthook
    levels = {logger: logger.level for logger in (root, logging.getLogger(SPOKEN))}
    handlers = list(root.handlers)
    yield
    for handler in [one for one in root.handlers if type(one) is logging.StreamHandler and one not in handlers]:
        root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)
    logging.captureWarnings(capture=False)
    threading.excepthook = hook


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """One server for all tests that need nothing special."""
    with run_server() as running:
        yield running


@pytest.fixture
def start_server() -> Iterator[Callable[..., RunningServer]]:
    """Start a server with special settings; it stops when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda **overrides: stack.enter_context(run_server(**overrides))


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this process and its children put temporary files while the test runs."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A few seconds of a person speaking."""
    return (CLIPS / "female_slt.flac").read_bytes()
