"""Installs packages into a virtual environment: with uv, which pip brings first, or with pip alone where uv cannot be had.

Standard library only. uv does not read pip's settings, so those that name an index, a proxy or a certificate are handed to it.
"""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from tts_server.launcher.errors import InstallError
from tts_server.launcher.locks import UV, lock_of
from tts_server.launcher.process import run, run_with_progress, say

PIP = ("pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off")

NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Failed to establish|failure in name resolution|getaddrinfo failed"
    r"|dns error|failed to lookup address|tcp connect error"
)
NO_SPACE = re.compile(r"No space left on device|os error (28|112)\b|WinError 112|not enough space on the disk")
WRONG_HASH = re.compile(r"DO NOT MATCH THE HASHES|[Hh]ash(es)? mismatch")
BROKEN_OFF = re.compile(r"Failed to (download|extract)|error decoding response body")
"""uv's messages for an interrupted download of a file."""
NO_INDEX = re.compile(r"Failed to fetch|error sending request|[Cc]onnection (refused|reset)|operation timed out")
"""uv's messages for an index that does not answer."""

_ERROR = re.compile(r"^\s*(ERROR|error)\b|×")

INSTALL_LOG = "parlance-install.log"

_PIP_SETTING = re.compile(r"^(?P<section>[\w:]+)\.(?P<name>[\w-]+)=(?P<value>'.*'|\".*\")$", re.MULTILINE)
_UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "constraint": "UV_CONSTRAINT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "no-cache-dir": "UV_NO_CACHE",
}
_ONLY_FOR_PIP = {"client-cert", "keyring-provider"}
"""Settings for authentication that uv has no variable for."""
_SECTIONS = ("global", "install", ":env:")


def uv_variables(settings: str) -> dict[str, str] | None:
    """The environment variables that give uv the settings of pip, from the output of `pip config list`.

    None where pip has a setting that uv has no variable for, such as a client certificate: then pip has to install.
    """
    variables: dict[str, str] = {}
    for section in _SECTIONS:  # later ones win
        for match in _PIP_SETTING.finditer(settings):
            name = match["name"].lower().replace("_", "-")
            if match["section"] == section and name in _ONLY_FOR_PIP:
                return None
            if match["section"] != section or name not in _UV_VARIABLES:
                continue
            value = str(ast.literal_eval(match["value"])).split()
            variables[_UV_VARIABLES[name]] = ("," if name == "find-links" else " ").join(value)
    if variables.get("UV_NO_INDEX", "").lower() in ("0", "false", "no", "off"):
        del variables["UV_NO_INDEX"]
    return variables


class Installer:
    """Installs into the environment whose interpreter is `python`, from lists and locks in the folder `project`.

    What a failed installer printed goes to the file `log`, and not to the terminal.
    """

    def __init__(self, python: Path, project: Path, log: Path) -> None:
        self.python = python
        self.project = project
        self.log = log
        self._uv: Mapping[str, str] | None = None
        self._is_uv_tried = False
        self._has_logged = False

    def install(self, *arguments: str, is_forced: bool = False) -> None:
        """Install what `arguments` name, which both pip and uv understand. Raises InstallError.

        `is_forced` installs over what is there. What is there already and fits stays otherwise.
        """
        if not arguments:
            return
        if self.has_uv():
            options = ["--reinstall"] if is_forced else []
            # With hashes, uv refuses constraints that have none; and a lock leaves nothing to constrain.
            without = {"UV_CONSTRAINT": ""} if "--require-hashes" in arguments else {}
            code, output = self.run_uv("pip", "install", "--python", str(self.python), *options, *arguments, **without)
            if code == 0:
                return
            if WRONG_HASH.search(output) or NO_SPACE.search(output):
                self.check(code, output)
            say(f"uv could not install them{self._write_log(output)}; pip tries now ...")
        self.install_by_pip(*arguments, is_forced=is_forced)

    def install_by_pip(self, *arguments: str, is_forced: bool = False) -> None:
        """As `install`, but by pip alone. Raises InstallError."""
        options = ["--force-reinstall"] if is_forced else []
        self.check(*self._run_pip(*options, *arguments))

    def has_uv(self) -> bool:
        """Whether uv is there; installs it once. Raises InstallError where the network cannot be reached."""
        if not self._is_uv_tried:
            self._is_uv_tried = True
            self._uv = self._with_uv()
        return self._uv is not None

    def run_uv(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run uv, which is there, with these environment variables besides its own, and return its exit status and output."""
        # A locked file may come from any index, since its hash is verified; uv would take a package from the first index that has it.
        own = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1", **(self._uv or {})}
        own["UV_LINK_MODE"] = "copy"  # a file that is linked to uv's cache would be damaged there too, and a repair would bring it back
        own = {name: value for name, value in own.items() if name not in os.environ} | variables
        return run_with_progress([str(self.python), "-I", "-m", "uv", *arguments], self.project, **own)

    def _with_uv(self) -> Mapping[str, str] | None:
        """The variables for uv after it was installed, or None."""
        lock = lock_of(UV)
        if not (self.project / lock).exists():
            return None
        listed = run([str(self.python), "-I", "-m", "pip", "config", "list"])
        variables = uv_variables(listed.stdout)
        if variables is None:
            return None
        code, output = self._run_pip("--no-deps", "--require-hashes", "-r", lock)
        if code != 0 and (NO_NETWORK.search(output) or WRONG_HASH.search(output) or NO_SPACE.search(output)):
            self.check(code, output)
        return variables if code == 0 else None

    def check(self, code: int, output: str) -> None:
        """Raises InstallError with what to do, if an installer that printed `output` failed."""
        if code != 0:
            check(code, output, self.log if self._write_log(output) else None)

    def _write_log(self, output: str) -> str:
        """Write the output of an installer to the log; returns a clause with its path, or nothing where it cannot be written."""
        try:
            with self.log.open("a" if self._has_logged else "w", encoding="utf-8") as file:
                self._has_logged = True
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{output.rstrip()}\n\n")
        except OSError:  # the disk is full
            return ""
        return f" (its output is in {self.log})"

    def _run_pip(self, *arguments: str) -> tuple[int, str]:
        # PIP_USER would install beside the environment.
        return run_with_progress([str(self.python), "-I", "-m", *PIP, *arguments], self.project, PIP_USER="0")


def check(code: int, output: str, log: Path | None = None) -> None:
    """Raises InstallError with what to do, if an installer failed. Its `output` is in the file `log`; without one the message has it."""
    if code == 0:
        return
    hint, is_external = _advice(output)
    if log is None:
        raise InstallError(f"{hint}\nThe installer's output:\n{output}", is_external=is_external)
    reason = "" if is_external else "\n".join(_last_errors(output)) + "\n"
    raise InstallError(f"{hint}\n{reason}All of the installer's output is in {log}", is_external=is_external)


def _advice(output: str) -> tuple[str, bool]:
    """What to do after an installer printed `output`, and whether the cause lies outside of this machine's environment."""
    if WRONG_HASH.search(output):
        return (
            "A downloaded file is not the one that this release was tested with, so it was not installed: it was damaged or "
            "changed on its way here, or by the package index that it came from.\n"
            "Start again. If the message comes back, use another network or package index (pip's setting index-url), and report it as "
            "SECURITY.md describes."
        ), True
    if NO_SPACE.search(output):
        return "The disk is full: free some space, or set PARLANCE_VENV to a folder on another disk, then start again.", True
    if NO_NETWORK.search(output):
        return "The packages could not be downloaded. The network cannot be reached: connect it, then start again.", True
    if BROKEN_OFF.search(output):
        return "The download was interrupted. Complete files are not downloaded again. Start again.", True
    return "Installing failed. The reason is in the installer's output: fix it, then start again.", False


def _last_errors(output: str) -> list[str]:
    """The lines that name errors, at most the last five; without any the last five lines."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return ([line for line in lines if _ERROR.search(line)] or lines)[-5:]
