"""Lock files: the exact version and the SHA-256 hashes of every package that a list of requirements brings.

Standard library only. A list `requirements-x.txt` at the top of the project has its lock at `locks/requirements-x.lock`. All locks come
from one resolution, so a package has one version in all of them. They hold for the systems and Pythons named here; PyTorch's own
packages are in none of them, because its builds differ by GPU (`accelerator.py` pins those).
"""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tts_server.engines.registry import requirement_lists
from tts_server.launcher.errors import InstallError

BASE = "requirements.txt"
S3 = "requirements-s3.txt"
TEST = "requirements-test.txt"
TORCH = "requirements-torch.txt"
UV = "requirements-uv.txt"
ENGINES = requirement_lists()
ALL = (BASE, S3, TEST, *ENGINES, UV)

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 14)

_EVERY_LIST = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")}
_SERVER_ONLY = {("Darwin", "x86_64")}  # PyTorch has no builds for Macs with Intel processors
_SERVER_LISTS = {BASE, S3, UV}
_NEWEST_ON_INTEL_MACS = (3, 13)  # onnxruntime ended its builds for them before Python 3.14
_OLDEST_MACOS = 14  # of PyAV's builds
_OLDEST_GLIBC = (2, 28)  # of most builds for Linux: manylinux_2_28

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\\n]+?))?(?: \\)?$", re.MULTILINE)
_HASH = re.compile(r"--hash=(\S+)")
_TORCH_BUILD = re.compile(r"torch|torchaudio|triton|pytorch-triton.*|nvidia-.+|cuda-.+")

_WHOLE_INDEX = {"UV_INDEX": "", "UV_FIND_LINKS": "", "UV_CONSTRAINT": ""}
"""Variables that leave uv the default index alone. Others often lack the files for some systems, whose hashes would then be missing."""


def is_bare(requirements: str) -> bool:
    """Whether a list is installed without the dependencies of its packages."""
    return requirements.endswith("-bare.txt")


def lock_of(requirements: str) -> str:
    """The path of a list's lock, from the top of the project."""
    return f"locks/{requirements.removesuffix('.txt')}.lock"


@dataclass(frozen=True)
class Platform:
    """The properties of a machine and its Python that determine whether a lock applies.

    `system` and `machine` are those of the module `platform`, `python` is its version, `glibc` the version of the C library (None for
    another one), `macos` the first number of its version, and `kind` names a Python that is not the usual 64-bit CPython, as a noun.
    """

    system: str
    machine: str
    python: tuple[int, int]
    glibc: tuple[int, int] | None = _OLDEST_GLIBC
    macos: int = _OLDEST_MACOS
    kind: str = ""

    @classmethod
    def current(cls) -> Platform:
        """This machine and Python."""
        macos = platform.mac_ver()[0].partition(".")[0]
        libc, version = platform.libc_ver()
        numbers = re.match(r"(\d+)\.(\d+)", version) if libc == "glibc" else None
        glibc = (int(numbers[1]), int(numbers[2])) if numbers else None
        return cls(platform.system(), platform.machine(), sys.version_info[:2], glibc, int(macos) if macos else 0, _python_kind())


def _python_kind() -> str:
    if platform.python_implementation() != "CPython":
        return platform.python_implementation()
    if sys.maxsize < 2**32:  # also on a 64-bit system, whose machine does not tell
        return "a 32-bit Python"
    return "a free-threaded Python" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""


def uncovered_reason(requirements: str, on: Platform) -> str:
    """Why the lock of a list does not apply on a platform, as a clause; empty where it does."""
    newest = _NEWEST_ON_INTEL_MACS if (on.system, on.machine) in _SERVER_ONLY else NEWEST_PYTHON
    if not OLDEST_PYTHON <= on.python <= newest:
        return "this is Python {}.{}, and they are for {}.{} to {}.{}".format(*on.python, *OLDEST_PYTHON, *newest)
    if (on.system, on.machine) not in _EVERY_LIST | (_SERVER_ONLY if requirements in _SERVER_LISTS else set()):
        hint = "; a Python for x86-64 works, and is covered" if (on.system, on.machine) == ("Windows", "ARM64") else ""
        return f"they are not for {on.system} on {on.machine}{hint}"
    if on.kind:
        return f"they are for the usual 64-bit CPython, and this is {on.kind}"
    if on.system == "Linux" and (on.glibc is None or on.glibc < _OLDEST_GLIBC):
        found = "another C library" if on.glibc is None else "{}.{}".format(*on.glibc)
        return "they are for Linux with glibc {}.{} and newer, and this system has {}".format(*_OLDEST_GLIBC, found)
    if on.system == "Darwin" and on.macos < _OLDEST_MACOS:
        return f"they are for macOS {_OLDEST_MACOS} and newer, and this is macOS {on.macos}"
    return ""


def pins(lock: str) -> dict[tuple[str, str], str]:
    """The versions in the text of a lock, by package name and marker (empty for every machine)."""
    return {pin: version for pin, (version, _) in _entries(lock).items()}


class LockWriter:
    """Writes the locks of `project`.

    `uv` runs uv with arguments and environment variables, and returns its exit status and output.
    """

    def __init__(self, project: Path, uv: Callable[..., tuple[int, str]]) -> None:
        self.project = project
        self._uv = uv

    def write(self, packages: Sequence[str] = (), *, is_kept: bool = False) -> list[str]:
        """Write every lock and return the changes, a line each.

        Takes the newest versions within the ranges: of all packages, of `packages` only where some are named, or of none but those
        whose range changed where `is_kept`. Raises InstallError; the locks then stay as they are.
        """
        before = self._read()
        if packages:
            upgrade = [part for name in packages for part in ("--upgrade-package", name)]
        else:
            upgrade = [] if is_kept else ["--upgrade"]
        with tempfile.TemporaryDirectory() as folder:
            together = Path(folder, "together.txt")
            together.write_text(self._known(before), encoding="utf-8")
            self._compile(together, *upgrade, *(name for name in ALL if not is_bare(name)))
            builds = [name for name, _ in pins(together.read_text(encoding="utf-8")) if _TORCH_BUILD.fullmatch(name)]
            without_builds = [part for name in dict.fromkeys(builds) for part in ("--no-emit-package", name)]
            locks: dict[str, str] = {}
            for name in ALL:
                output = Path(folder, Path(lock_of(name)).name)
                if is_bare(name):
                    output.write_text(before[name], encoding="utf-8")
                    self._compile(output, *upgrade, "--no-deps", "--generate-hashes", name)
                else:
                    self._compile(output, "--constraint", str(together), *without_builds, "--generate-hashes", name)
                locks[name] = _header(name) + output.read_text(encoding="utf-8")
        for name, text in locks.items():
            path = self.project / lock_of(name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        return list(changes(before, locks))

    def _compile(self, output: Path, *arguments: str) -> None:
        options = ["--universal", "--python-version", "{}.{}".format(*OLDEST_PYTHON), "--no-emit-index-url", "--no-header", "--no-annotate"]
        code, said = self._uv("pip", "compile", *options, "--quiet", "--output-file", str(output), *arguments, **_WHOLE_INDEX)
        if code != 0:
            raise InstallError(f"{said}\nThe locks could not be made; they are unchanged. The reason is above.")

    def _read(self) -> dict[str, str]:
        paths = {name: self.project / lock_of(name) for name in ALL}
        return {name: path.read_text(encoding="utf-8") if path.exists() else "" for name, path in paths.items()}

    def _known(self, locks: Mapping[str, str]) -> str:
        """All pins together, as the file of preferred versions for uv."""
        known = {pin: version for text in locks.values() for pin, version in pins(text).items()}
        return "".join(f"{name}=={version}{f' ; {marker}' if marker else ''}\n" for (name, marker), version in sorted(known.items()))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The differences between two states of the locks, a line for each package: `numpy 2.4.5 -> 2.4.6`.

    Where the version stays, files that came or went are counted, since their hashes changed.
    """
    old, new = ({pin: entry for text in locks.values() for pin, entry in _entries(text).items()} for locks in (before, after))
    for pin in sorted({*old, *new}):
        name, where = pin[0], f"  ({pin[1]})" if pin[1] else ""
        (old_version, old_hashes), (new_version, new_hashes) = old.get(pin, ("new", set())), new.get(pin, ("gone", set()))
        if old_version != new_version:
            yield f"{name} {old_version} -> {new_version}{where}"
        elif old_hashes != new_hashes:
            yield f"{name} {new_version}: {len(new_hashes - old_hashes)} files added, {len(old_hashes - new_hashes)} removed{where}"


def _entries(lock: str) -> dict[tuple[str, str], tuple[str, set[str]]]:
    """The version and the hashes of each package in the text of a lock, by name and marker."""
    found = list(_PIN.finditer(lock))
    ends = [match.start() for match in found[1:]] + [len(lock)]
    return {
        (match["name"], match["marker"] or ""): (match["version"], set(_HASH.findall(lock, match.end(), end)))
        for match, end in zip(found, ends, strict=False)  # an empty lock has an end alone
    }


def _header(name: str) -> str:
    return f"# The locked packages of {name}. Written by `./run.sh lock`, not by hand; see docs/UPDATING.md.\n"
