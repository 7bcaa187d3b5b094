"""What is installed, what this machine has, what is missing and the command that brings it.

Each check looks at one thing and returns a Finding; none changes anything, and none raises.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import textwrap
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement

from tts_server import __version__
from tts_server.accelerator import Machine, choose, look, torch_pins
from tts_server.addresses import listen_briefly, url_of
from tts_server.child_environment import minimal_environment
from tts_server.config import PROJECT, Settings
from tts_server.engines.package import DoctorContext, EnginePackage
from tts_server.engines.registry import PACKAGES
from tts_server.errors import TTSError
from tts_server.finding import Finding
from tts_server.launcher.client_options import PROGRAM
from tts_server.launcher.environment import Environment
from tts_server.launcher.locks import BASE, NEWEST_PYTHON, OLDEST_PYTHON, TORCH, Platform, lock_of, pins, uncovered_reason
from tts_server.packages import compare_packages, installed_version

WIDTH = 100
"""Columns of the report."""


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Is this a Python that the server is tested with?"""
    detail = f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    if version < OLDEST_PYTHON:
        return Finding("Python", False, detail, "install Python 3.10 or newer: https://www.python.org/downloads/", needed=True)
    if version > NEWEST_PYTHON:
        return Finding("Python", True, f"{detail}; newer than the tested ones, up to {NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]}", needed=True)
    return Finding("Python", True, detail, needed=True)


def check_environment() -> Finding:
    """Does the server run in a virtual environment of its own?"""
    if sys.prefix == sys.base_prefix:
        return Finding("Environment", False, "none; packages are those of the whole system", f"start with {PROGRAM}")
    return Finding("Environment", True, sys.prefix)


def check_packages(requirements: Path = PROJECT / "requirements.txt") -> Finding:
    """Is every package of a requirements file installed, in a version the file allows?"""
    try:
        present, wrong = compare_packages(requirements)
    except (OSError, InvalidRequirement) as error:
        return Finding("Packages", False, f"{requirements.name} cannot be read: {error}", "bring the file back", needed=True)
    if wrong:
        return Finding("Packages", False, "; ".join(wrong), _reinstall(), needed=True)
    return Finding("Packages", True, ", ".join(present), needed=True)


def installed_lists(folder: Path = Path(sys.prefix)) -> list[str]:
    """The lists of requirements that the launcher installed into an environment; the server's own where it did not make it."""
    return Environment(folder).installed() or [BASE]


def check_locks(lists: Sequence[str], project: Path = PROJECT, on: Platform | None = None) -> Finding:
    """Whether the installed packages of some lists are the versions that this release was tested with."""
    on = on or Platform.current()
    differing: dict[str, str] = {}
    num_compared = 0
    try:
        for name in lists:
            if reason := uncovered_reason(name, on):
                return Finding("Versions", True, f"not for this machine: {reason}")
            locked = _applicable((project / lock_of(name)).read_text(encoding="utf-8"))
            if name == TORCH:
                locked |= torch_pins((installed_version("torch") or "").partition("+")[2])
            num_compared += len(locked)
            for package, tested in locked.items():
                version = installed_version(package)
                if version is None or version.partition("+")[0] != tested:
                    differing[package] = f"{package} {version or 'missing'} (tested: {tested})"
    except OSError as error:
        return Finding("Versions", False, f"{error.filename} cannot be read: {error.strerror}", "bring the file back")
    if differing:
        return Finding("Versions", False, f"others are installed: {'; '.join(differing.values())}", f"{PROGRAM} repair")
    return Finding("Versions", True, f"all {num_compared} packages are as locked")


def _applicable(lock: str) -> dict[str, str]:
    """The versions of a lock that this Python would install, by package."""
    return {name: version for (name, marker), version in pins(lock).items() if not marker or Marker(marker).evaluate()}


def check_ffmpeg() -> Finding:
    """Does the ffmpeg that reads uploaded clips start?"""
    try:
        from tts_server.audio.child import find_ffmpeg

        command = [find_ffmpeg(), "-hide_banner", "-version"]
        said = subprocess.run(command, env=minimal_environment(), capture_output=True, timeout=20, check=True).stdout
    except (ImportError, TTSError, OSError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg", False, f"reference clips cannot be read: {error}", "let IMAGEIO_FFMPEG_EXE name an ffmpeg program")
    return Finding("ffmpeg", True, " ".join(said.decode("utf-8", "replace").split()[:3]))


def check_machine() -> Finding:
    """How many cores this process may use, and the machine's memory."""
    cores = os.cpu_count() or 1
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    memory = memory_bytes()
    return Finding("Machine", True, f"{cores} cores" + (f", {memory / 2**30:.1f} GiB of memory" if memory else ""))


def memory_bytes() -> int | None:
    """The machine's memory, where the system reports it."""
    try:
        return _windows_memory() if os.name == "nt" else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def check_gpu(machine: Machine) -> Finding:
    """Check that PyTorch can use the machine's GPU, where there is one."""
    build = choose(machine)
    if machine.system == "Darwin" and build.backend:
        return Finding("GPU", True, "Apple's, by Metal")
    if machine.nvidia:
        cards = (f"{card.name}, {card.memory or '?'} MiB, driver {card.driver[0]}.{card.driver[1]:02}" for card in machine.nvidia)
        detail = "; ".join(cards)
    elif machine.amd:
        detail = f"AMD's {', '.join(machine.amd)}"
    else:
        return Finding("GPU", True, "none found; engines that use PyTorch are slow without")
    if build.is_for_gpu:
        return Finding("GPU", True, detail)
    remedy = "bring NVIDIA's driver up to date: https://www.nvidia.com/drivers" if "driver" in build.reason else ""
    return Finding("GPU", False, f"{detail}; PyTorch cannot use it: {build.reason}", remedy)


def check_port(host: str, port: int) -> Finding:
    """Is the port free to listen on?"""
    name = f"Port {port}"
    try:
        listen_briefly(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            detail = f"in use on {host}, by a server that runs already or another program"
            return Finding(name, False, detail, f"stop that one, or take another port: {PROGRAM} serve --port {port % 65535 + 1}")
        return Finding(name, False, f"cannot be used on {host}: {error.strerror or error}", f"{PROGRAM} serve --host 127.0.0.1 --port 5093")
    return Finding(name, True, f"free on {host}")


def check_voices(folder: Path) -> Finding:
    """Can the voices folder be read?"""
    try:
        num_entries = len(list(folder.iterdir()))
    except OSError as error:
        return Finding("Voices folder", False, f"{folder}: {error.strerror}", "let VOICE_LIBRARY_PATH name a folder that can be read")
    return Finding("Voices folder", True, f"{folder} ({num_entries} entries)")


def check_cache(folder: Path) -> Finding:
    """Can the cache folder be written, or made where it is not there yet?"""
    nearest = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Finding("Cache folder", True, str(folder))
    except OSError as error:
        return Finding("Cache folder", False, f"{folder}: {error.strerror}", "let VOICE_CACHE_PATH name a folder that can be written")


def check_browser(host: str, port: int) -> Finding:
    """Is there a browser to show the page?"""
    address = f"{url_of(host, port)}/"
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return Finding("Browser", True, f"none found here; open {address} in one that reaches this machine")
    path = shutil.which(str(getattr(browser, "name", ""))) or type(browser).__name__
    return Finding("Browser", True, f"{path} shows {address}")


def models_folder(settings: Settings) -> Path:
    """Where models are downloaded to: as huggingface_hub has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(settings.hf_home or os.environ.get("HF_HOME") or cache / "huggingface")


def report(settings: Settings, packages: Sequence[EnginePackage] = PACKAGES) -> list[Finding]:
    """Return all findings, those of the engines among them, in the order to read them."""
    machine = look()
    context = DoctorContext(settings, machine, models_folder(settings))
    return [
        check_python(),
        check_environment(),
        check_packages(),
        check_locks(installed_lists()),
        check_machine(),
        check_gpu(machine),
        *(finding for package in packages if package.check is not None for finding in package.check(context)),
        check_ffmpeg(),
        check_voices(settings.voice_library_path),
        check_cache(settings.voice_cache_path),
        check_port(settings.host, settings.port),
        check_browser(settings.host, settings.port),
    ]


def describe(findings: Sequence[Finding]) -> str:
    """The findings as text, ending in a sentence that says whether the server can speak."""
    width = max(len(finding.name) for finding in findings)
    lines = [f"Parlance {__version__}", ""]
    for finding in findings:
        mark = "ok" if finding.ok else "NO" if finding.needed else "--"
        begin = f"{mark}  {finding.name:<{width}}  "
        lines += _wrapped(begin, finding.detail)
        if finding.remedy:
            lines.append(f"    {'':<{width}}  -> {finding.remedy}")
    lines.append("")
    lines.append("The server can speak." if can_speak(findings) else "The server cannot speak until what is marked NO is mended.")
    return "\n".join(lines) + "\n"


def _wrapped(begin: str, text: str) -> list[str]:
    """Lines that start with `begin` and then stand below the text; words, such as paths, stay whole."""
    indent = " " * len(begin)
    wrapper = textwrap.TextWrapper(WIDTH, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(text) or [begin.rstrip()]


def can_speak(findings: Sequence[Finding]) -> bool:
    """Is everything there that speaking needs?"""
    return all(finding.ok for finding in findings if finding.needed)


def main(settings: Settings, output: TextIO | None = None, *, packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Print the report (to standard output by default); returns 0 if the server can speak, else 1."""
    findings = report(settings, packages)
    (output or sys.stdout).write(describe(findings))
    return 0 if can_speak(findings) else 1


def _windows_memory() -> int:
    # GlobalMemoryStatusEx fills a structure of two 32-bit and seven 64-bit numbers: its own size, the load in percent, the memory ...
    status = ctypes.create_string_buffer(struct.pack("<2L7Q", 64, *[0] * 8))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(status):  # type: ignore[attr-defined,unused-ignore]
        raise OSError("GlobalMemoryStatusEx failed")
    return int(struct.unpack("<2L7Q", status.raw[:64])[2])


def _reinstall() -> str:
    return f"{PROGRAM} repair"
