"""Throw-away copies of the project, small enough to install in seconds and without a network."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tts_server.launcher.locks import ALL

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)

MODULES = (
    "__init__", "__main__", "accelerator", "child_environment", "spelling",
    "engines/__init__", "engines/package", "engines/registry",
)  # fmt: skip
"""What the launcher imports besides its own package and the declarations of the engines."""

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


def write_uv_wheel(folder: Path) -> Path:
    """Make a wheel of the uv that is installed here."""
    version = importlib.metadata.version("uv")
    info = f"uv-{version}.dist-info"
    wheel = folder / f"uv-{version}-py3-none-any.whl"
    program = Path(sys.executable).with_name("uv")
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in importlib.metadata.files("uv") or ():
            if file.parts[0] == "uv" and file.suffix == ".py":
                archive.write(file.locate(), str(file))
        entry = zipfile.ZipInfo(f"uv-{version}.data/scripts/uv")
        entry.external_attr = 0o100755 << 16  # a regular file that can be run
        archive.writestr(entry, program.read_bytes())
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def lock_entry(*wheels: Path) -> str:
    """What a lock says of a package: its version and the hashes of these files of it."""
    name, version, *_ = wheels[0].name.split("-")
    hashes = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    return f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{digest}" for digest in hashes) + "\n"


@contextlib.contextmanager
def package_index(folder: Path) -> Iterator[str]:
    """The address of a package index of the wheels in a folder; what lies there counts at each request."""

    class Index(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            if not self.path.startswith("/simple/"):
                super().do_GET()
                return
            name = self.path.split("/")[2]
            wheels = sorted(path.name for path in folder.glob(f"{name}-*.whl"))
            page = "".join(f'<a href="/{wheel}">{wheel}</a>\n' for wheel in wheels).encode()
            self.send_response(200 if wheels else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


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
        (folder / "locks").mkdir(parents=True)
        shutil.copytree(
            PROJECT / "tts_server" / "launcher", folder / "tts_server" / "launcher", ignore=shutil.ignore_patterns("__pycache__")
        )
        engines = (PROJECT / "tts_server" / "engines").glob("*/package.py")
        declarations = [path.relative_to(PROJECT) for package in engines for path in (package, package.with_name("__init__.py"))]
        for name in ("run.sh", "run.bat", *(f"tts_server/{module}.py" for module in MODULES), *declarations):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
        (folder / "tts_server" / "commands.py").write_text(COMMANDS, encoding="utf-8")
        copy.require("1.0")
        for name in ALL:
            (folder / name).touch()
        copy.programs.mkdir(exist_ok=True)
        for name in ("dirname", "readlink"):
            (copy.programs / name).symlink_to(str(shutil.which(name)))
        (copy.programs / "python3").symlink_to(PYTHON)
        return copy

    def require(self, version: str) -> None:
        """Make requirements.txt ask for this version of the package."""
        wheel = write_wheel(self.folder, "probe", version, {"probe/__init__.py": f"VERSION = {version!r}\n"})
        (self.folder / "requirements.txt").write_text(f"./{wheel.name}\n", encoding="utf-8")

    def lock(self, requirements: str, text: str) -> None:
        """Write the lock of a list of requirements."""
        (self.folder / "locks" / f"{requirements}.lock").write_text(text, encoding="utf-8")

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


def moved(copy: Copy, folder: Path) -> Copy:
    """Copy a copy with what is beside it into another folder."""
    shutil.copytree(copy.folder.parent, folder / "moved 移动", symlinks=True)
    return Copy(folder / "moved 移动" / copy.folder.name)
