"""run.bat under Wine's cmd, with stubs in place of Windows' Python."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from throwaway import PROJECT, PYTHON, write_program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Wine is for other systems")

STUB = """@echo off
if "%~3"=="-c" exit /b %STUB_CHECK%
echo started %~nx3
exit /b %STUB_EXIT%
"""


def windows_path(path: Path) -> str:
    """A file of this system as Wine's programs name it."""
    return "Z:" + str(path).replace("/", "\\")


def write_batch(path: Path, source: str) -> None:
    path.write_bytes(source.replace("\n", "\r\n").encode("ascii"))


class Windows:
    """A Windows drive of Wine's, with the project in a folder whose name is awkward."""

    def __init__(self, wine: str, prefix: Path) -> None:
        self.wine = wine
        self.variables = {
            "HOME": str(prefix.parent),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }

    def run_bat(self, folder: Path, *arguments: str, programs: Path | None = None, **variables: str) -> subprocess.CompletedProcess[bytes]:
        """Run the folder's run.bat to its end; `programs` is on the PATH, besides Windows' own folder."""
        path = {"WINEPATH": windows_path(programs)} if programs else {}
        return subprocess.run(
            [self.wine, "cmd", "/d", "/c", "run.bat", *arguments],
            cwd=folder,
            env=self.variables | path | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    wine = shutil.which("wine")
    if wine is None:
        reason = "wine is not installed"
        if os.environ.get("PARLANCE_REQUIRE_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    drive = Windows(wine, tmp_path_factory.mktemp("wine"))
    # The server stays, so that each run is quick; what Wine starts beside it must not inherit the pipe of a test.
    silence = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["wineserver", "-p"], env=drive.variables, timeout=60, check=True, **silence)
    booted = subprocess.run([wine, "cmd", "/d", "/c", "exit 7"], env=drive.variables, timeout=180, check=False, **silence)
    assert booted.returncode == 7
    yield drive
    subprocess.run(["wineserver", "-k"], env=drive.variables, timeout=60, check=False, **silence)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Größe & (x86) ü"
    folder.mkdir()
    shutil.copy(PROJECT / "run.bat", folder)
    return folder


@pytest.fixture
def add_python(tmp_path: Path) -> Callable[[str], Path]:
    """Puts a program under the name of a Python on the PATH; it exits with STUB_CHECK when asked for its version, else with STUB_EXIT."""

    def add(name: str) -> Path:
        spec = importlib.util.find_spec("setuptools")
        assert spec is not None
        assert spec.origin is not None
        programs = tmp_path / "my programs"
        programs.mkdir(exist_ok=True)
        # setuptools brings a small Windows program that runs the interpreter its script names.
        shutil.copy(Path(spec.origin).with_name("cli-64.exe"), programs / f"{name}.exe")
        (programs / f"{name}-script.py").write_text(f"#!C:\\windows\\system32\\cmd.exe /d /c {windows_path(tmp_path / 'stub.bat')}\n")
        write_batch(tmp_path / "stub.bat", STUB)
        return programs

    return add


def test_run_bat_has_windows_line_ends_and_plain_letters() -> None:
    """cmd misreads labels in files with Unix line ends, and other letters in files of another code page."""
    source = (PROJECT / "run.bat").read_bytes()
    assert source.count(b"\n") == source.count(b"\r\n") > 0
    assert source.isascii()


def test_run_bat_starts_the_launcher_with_all_arguments(windows: Windows, folder: Path, tmp_path: Path) -> None:
    """Wine runs a script of this system as python.exe: it cannot see its exit status, but the arguments go all the way."""
    programs = tmp_path / "my programs"
    write_program(programs, "python.exe", f"exec {PYTHON} -c 'import sys; print(ascii(sys.argv[1:]))' \"$@\"")
    arguments = ["say", "two wörds & more (really)", "smile:)", "-o", "out dir\\a.mp3"]
    done = windows.run_bat(folder, *arguments, programs=programs)
    launcher = windows_path(folder / "tts_server" / "launcher" / "launcher.py")
    assert done.stdout.decode().strip() == ascii(["-I", launcher, *arguments]), done.stderr


@pytest.mark.parametrize("code", [0, 42])
def test_run_bat_passes_the_exit_status_on(windows: Windows, folder: Path, add_python: Callable[[str], Path], code: int) -> None:
    done = windows.run_bat(folder, "doctor", programs=add_python("python"), STUB_CHECK="0", STUB_EXIT=str(code))
    assert done.returncode == code, done
    assert b"started" in done.stdout


def test_run_bat_prefers_the_python_launcher(windows: Windows, folder: Path, add_python: Callable[[str], Path], tmp_path: Path) -> None:
    programs = add_python("py")
    add_python("python")
    write_batch(tmp_path / "stub.bat", "@echo off\necho %~n1 %~2\nexit /b 0\n")
    done = windows.run_bat(folder, "doctor", programs=programs)
    assert done.stdout.split() == [b"py-script", b"-3"]


@pytest.mark.parametrize("check", ["1", "9009"], ids=["too old", "only opens the Store"])
def test_run_bat_says_what_to_install_where_python_cannot_be_used(
    windows: Windows, folder: Path, add_python: Callable[[str], Path], check: str
) -> None:
    done = windows.run_bat(folder, "serve", programs=add_python("python"), STUB_CHECK=check, STUB_EXIT="0")
    assert done.returncode == 1
    assert b"needs Python 3.10 or newer" in done.stdout
    assert b"too old or does not run" in done.stdout
    assert b"started" not in done.stdout


def test_run_bat_says_what_to_install_where_there_is_no_python(windows: Windows, folder: Path) -> None:
    done = windows.run_bat(folder, "serve")
    assert done.returncode == 1
    assert b"No Python was found here" in done.stdout
    assert b"https://www.python.org/downloads/" in done.stdout


def test_run_bat_takes_a_newer_python_if_there_is_no_other(windows: Windows, folder: Path, add_python: Callable[[str], Path]) -> None:
    done = windows.run_bat(folder, "doctor", programs=add_python("python"), STUB_CHECK="2", STUB_EXIT="0")
    assert done.returncode == 0, done
    assert b"started" in done.stdout


def test_run_bat_keeps_its_window_open_on_errors_only(windows: Windows, folder: Path, add_python: Callable[[str], Path]) -> None:
    """A double-click passes no arguments. `pause` writes a prompt and waits for a key."""

    def said(*arguments: str, **variables: str) -> int:
        done = windows.run_bat(folder, *arguments, programs=add_python("python"), STUB_CHECK="0", **variables)
        assert done.returncode == int(variables["STUB_EXIT"])
        return len(done.stdout)

    quiet = said(STUB_EXIT="0")
    assert said(STUB_EXIT="3") > quiet
    assert said(STUB_EXIT="3", NO_PAUSE="1") == quiet
    assert said("serve", STUB_EXIT="3") == quiet
