"""Where real clients live: each in a throw-away environment of its own, made when CONFORMANCE=1 asks for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tts_server.launcher.installer import uv_variables

PROGRAMS = Path(__file__).parent / "programs"
INSTALL_SECONDS = 900
RUN_SECONDS = 180


@dataclass
class Client:
    """A client program's environment: `command` runs a program that lies in `folder`."""

    folder: Path
    command: Sequence[str]

    def run(self, name: str, source: str, url: str) -> dict[str, Any]:
        """Run a program against the server at `url`. It leaves files in `folder`, and what it prints last is JSON, if anything."""
        program = self.folder / name
        program.write_text(source, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTHON", "LIVEKIT_"))}
        done = subprocess.run(
            [*self.command, str(program)],
            cwd=self.folder,
            capture_output=True,
            timeout=RUN_SECONDS,
            # LiteLLM looks for newer prices on the web otherwise.
            env={**kept, "SERVER": url, "NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-4000:]
        lines = done.stdout.decode().strip().splitlines()
        told = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        assert isinstance(told, dict)
        return told

    def run_program(self, name: str, url: str) -> dict[str, Any]:
        """Run one of the programs of this folder."""
        return self.run(name, (PROGRAMS / name).read_text(encoding="utf-8"), url)

    def read(self, name: str) -> bytes:
        """A file that the program left."""
        return (self.folder / name).read_bytes()


def _install(*command: str, folder: Path, **variables: str) -> None:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_SECONDS, env=environment)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-4000:]


def _install_packages(python: Path, packages: Sequence[str], folder: Path) -> None:
    """Install by uv, with the settings of pip, which takes a fraction of pip's time; by pip where uv cannot."""
    settings = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    variables = uv_variables(settings) if find_spec("uv") else None
    if variables is None:
        _install(str(python), "-m", "pip", "install", "-q", "--no-input", "--no-compile", *packages, folder=folder)
        return
    own = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1", **variables}
    _install(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), *packages, folder=folder, **own)


def _python(version: tuple[int, int]) -> str:
    """A Python that is at least that new: this one, or one of the system."""
    if sys.version_info >= version:
        return sys.executable
    for minor in range(13, version[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return found
    pytest.skip(f"needs Python {version[0]}.{version[1]}")


@pytest.fixture(scope="session")
def is_asked_for() -> None:
    """Skips unless the heavy clients are wanted: they are installed from the registries for minutes."""
    if os.environ.get("CONFORMANCE") != "1":
        pytest.skip("set CONFORMANCE=1 to install and run the real client packages")


@pytest.fixture(scope="session")
def python_client(is_asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """Make a virtual environment with the given packages, once for each list of them, by `python_from` or a newer Python."""
    made: dict[tuple[str, ...], Client] = {}

    def make(*packages: str, python_from: tuple[int, int] = (3, 10)) -> Client:
        if packages not in made:
            base = _python(python_from)
            folder = tmp_path_factory.mktemp("python-client")
            _install(base, "-m", "venv", str(folder / "venv"), folder=folder)
            python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
            _install_packages(python, packages, folder)
            made[packages] = Client(folder, [str(python)])
        return made[packages]

    yield make
    for client in made.values():
        shutil.rmtree(client.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def node_client(is_asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """Make a folder with the given npm packages, once for each list of them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node and npm are not installed")
    made: dict[tuple[str, ...], Client] = {}

    def make(*packages: str) -> Client:
        if packages not in made:
            folder = tmp_path_factory.mktemp("node-client")
            _install(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages, folder=folder)
            made[packages] = Client(folder, [node])
        return made[packages]

    yield make
    for client in made.values():
        shutil.rmtree(client.folder, ignore_errors=True)
