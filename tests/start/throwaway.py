"""Throw-away copies of the project, small enough to install in seconds and without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)

COMMANDS = """
import json, os, sys
from probe import VERSION

def main(arguments):
    print(json.dumps({
        "arguments": arguments, "cwd": os.getcwd(), "version": VERSION, "prefix": sys.prefix,
        "python": list(sys.version_info[:2]), "variables": dict(os.environ),
    }))
    return int(os.environ.get("STUB_EXIT", "0"))
"""


def write_wheel(folder: Path, name: str, version: str, modules: Mapping[str, str], requires: str = "") -> Path:
    """Make a wheel of the given modules (path in the wheel: source), which may require another package."""
    info = f"{name}-{version}.dist-info"
    files = dict(modules)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        files[f"{info}/METADATA"] += f"Requires-Dist: {requires}\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, source in files.items():
            archive.writestr(path, source)
    return wheel


def write_program(folder: Path, name: str, script: str) -> Path:
    """Make a shell script that can be run by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


class Copy:
    """A copy of what starts the server, with one small package as its requirements and a server that only tells what it sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = folder / ".venv"
        self.python = self.environment / "bin" / "python"
        self.log = folder.parent / "pip.log"
        self.programs = folder.parent / "programs"
        self.first: dict[str, Any] = {}
        self.variables = {
            "HOME": str(folder.parent),
            "PATH": str(self.programs),
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "PIP_LOG": str(self.log),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_NO_COMPILE": "1",
            "PARLANCE_TORCH": "registry",
        }

    @classmethod
    def make(cls, folder: Path) -> Copy:
        copy = cls(folder)
        (folder / "tts_server").mkdir(parents=True)
        for name in (
            "run.sh",
            "run.bat",
            *(f"tts_server/{module}.py" for module in ("__init__", "__main__", "accelerator", "environment", "launcher")),
        ):
            shutil.copy(PROJECT / name, folder / name)
        (folder / "tts_server" / "commands.py").write_text(COMMANDS, encoding="utf-8")
        copy.require("1.0")
        for name in ("torch", "chatterbox", "chatterbox-bare"):
            (folder / f"requirements-{name}.txt").touch()
        copy.programs.mkdir(exist_ok=True)
        for name in ("dirname", "readlink"):
            (copy.programs / name).symlink_to(str(shutil.which(name)))
        (copy.programs / "python3").symlink_to(PYTHON)
        return copy

    def require(self, version: str) -> None:
        """Make requirements.txt ask for this version of the package."""
        wheel = write_wheel(self.folder, "probe", version, {"probe/__init__.py": f"VERSION = {version!r}\n"})
        (self.folder / "requirements.txt").write_text(f"./{wheel.name}\n", encoding="utf-8")

    def start(
        self, *arguments: str, cwd: Path | None = None, program: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run run.sh to its end."""
        return subprocess.run(
            ["/bin/sh", str(program or self.folder / "run.sh"), *arguments],
            cwd=cwd or self.folder.parent,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def see(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run run.sh, which must succeed, and return what the server saw."""
        done = self.start(*arguments, **options)
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        assert isinstance(seen, dict)
        return seen

    def pip_installs(self) -> int:
        """How many times pip was told to install the package, by its own log."""
        return self.log.read_text(encoding="utf-8").count("Processing ./probe") if self.log.exists() else 0

    def site_packages(self) -> Path:
        return next(self.environment.glob("lib/python*/site-packages"))
