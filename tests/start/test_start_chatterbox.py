"""`install chatterbox`, with real environments and pip; uv, PyTorch and Chatterbox are small stand-ins."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from throwaway import Copy, lock_entry, write_program, write_wheel

from tts_server.accelerator import Build
from tts_server.launcher.engine_install import require_space
from tts_server.launcher.environment import Environment
from tts_server.launcher.errors import StartError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="run.sh is for POSIX systems")

PROJECT = Path(__file__).resolve().parents[2]

# For a build of PyTorch it writes down its arguments, then installs the wheel of that build, unless STUB_UV has words to fail with.
# Everything else it leaves to pip.
UV = """
import os, pathlib, shutil, sys, sysconfig, zipfile
if "--torch-backend" not in sys.argv:
    place = sys.argv.index("--python")
    options = sys.argv[1:place] + sys.argv[place + 2:]
    options = ["--force-reinstall" if option == "--reinstall" else option for option in options]
    os.execv(sys.executable, [sys.executable, "-m", *options])
with open(os.environ["STUB_UV_LOG"], "a") as file:
    print(*sys.argv[1:], file=file)
if os.environ.get("STUB_UV"):
    sys.exit(os.environ["STUB_UV"])
build = sys.argv[sys.argv.index("--torch-backend") + 1]
packages = sysconfig.get_path("purelib")
for old in pathlib.Path(packages).glob("torch*"):
    shutil.rmtree(old)
zipfile.ZipFile(f"torch-2.9.0+{build}-py3-none-any.whl").extractall(packages)
"""

UNREACHABLE = "error: Failed to fetch: `https://index.invalid/torch/`\n  cause: dns error"


class Shop:
    """A started copy, and wheels for it to install."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        self.uv_log = copy.folder.parent / "uv.log"
        copy.variables |= {"PIP_FIND_LINKS": copy.folder.as_uri(), "STUB_UV_LOG": str(self.uv_log), "PARLANCE_TORCH": "cpu"}
        copy.lock("requirements-uv", lock_entry(write_wheel(copy.folder, "uv", "0.13.9", {"uv/__init__.py": "", "uv/__main__.py": UV})))
        for build in ("cpu", "cu126", "cu128"):
            write_wheel(copy.folder, "torch", f"2.9.0+{build}", {"torch/__init__.py": f"BUILD = {build!r}\n"})
        write_wheel(copy.folder, "torch", "2.9.0", {"torch/__init__.py": "BUILD = 'usual'\n"})
        write_wheel(copy.folder, "ears", "1.0", {"ears.py": ""})
        write_wheel(copy.folder, "voicebox", "1.0", {"voicebox.py": ""}, requires="torch==1.0")
        self.write("torch", "torch>=2.7\n")
        self.write("chatterbox", "ears==1.0\n")
        self.write("chatterbox-bare", "voicebox==1.0\n")

    def write(self, name: str, text: str) -> None:
        (self.copy.folder / f"requirements-{name}.txt").write_text(text, encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.copy.site_packages() / name).exists()

    def torch(self) -> str:
        source = (self.copy.site_packages() / "torch" / "__init__.py").read_text(encoding="utf-8")
        return re.sub(r"BUILD = '(\w+)'\n", r"\1", source)

    def install(self, **variables: str) -> str:
        """Run `install chatterbox`, which must succeed; returns what it said."""
        done = self.copy.start("install", "chatterbox", **variables)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def asked(self) -> list[str]:
        """What uv was asked, one line for each time."""
        return self.uv_log.read_text(encoding="utf-8").splitlines() if self.uv_log.exists() else []


@pytest.fixture
def shop(installed: Copy) -> Shop:
    """Without Chatterbox yet."""
    return Shop(installed)


@pytest.fixture(scope="module")
def sold(finished: Copy, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy where Chatterbox was installed, for the CPU. Shared: not to be changed."""
    shutil.copytree(finished.folder.parent, folder := tmp_path_factory.mktemp("sold") / "it", symlinks=True)
    Shop(Copy(folder / finished.folder.name)).install()
    return Copy(folder / finished.folder.name)


@pytest.fixture
def stocked(sold: Copy, tmp_path: Path) -> Shop:
    """With Chatterbox, for the CPU."""
    shutil.copytree(sold.folder.parent, tmp_path / "moved", symlinks=True)
    return Shop(Copy(tmp_path / "moved" / sold.folder.name))


def test_chatterbox_comes_without_its_pins_and_with_the_build_that_was_chosen(shop: Shop) -> None:
    said = shop.install(PARLANCE_TORCH="cu128")
    assert "PyTorch with cu128" in said
    assert said.index("GB to download") < said.index("Installing")
    assert shop.torch() == "cu128"
    assert shop.has("ears.py")
    assert shop.has("voicebox.py")
    assert "--torch-backend cu128" in shop.asked()[0]


def test_what_is_installed_already_runs_neither_pip_nor_uv(stocked: Shop) -> None:
    log = stocked.copy.log.read_bytes()
    assert "is installed" in stocked.install()
    assert stocked.copy.see()["version"] == "1.0"
    assert stocked.copy.log.read_bytes() == log
    assert len(stocked.asked()) == 1


def test_another_build_takes_the_place_of_the_one_that_is_there(stocked: Shop) -> None:
    stocked.install(PARLANCE_TORCH="cu126")
    assert stocked.torch() == "cu126"
    assert "--reinstall-package torch " in stocked.asked()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="Macs never ask for an NVIDIA card")
def test_the_card_decides_over_the_build(shop: Shop) -> None:
    write_program(shop.copy.programs, "nvidia-smi", 'echo "NVIDIA GeForce GTX 1080, 550.54.14, 8192, 6.1"')
    assert "GTX 1080" in shop.install(PARLANCE_TORCH="")
    assert shop.torch() == "cu126"


def test_without_pytorchs_index_the_usual_build_comes_and_the_right_one_later(shop: Shop) -> None:
    for wheel in shop.copy.folder.glob("torch-*+*.whl"):
        wheel.rename(wheel.with_suffix(".hidden"))
    said = shop.install(PARLANCE_TORCH="cu128", STUB_UV=UNREACHABLE)
    assert "PyTorch's own index cannot be reached" in said
    assert "It is not the build for this GPU" in said
    assert shop.torch() == "usual"
    assert shop.has("voicebox.py")
    for hidden in shop.copy.folder.glob("*.hidden"):
        hidden.rename(hidden.with_suffix(".whl"))
    assert "It is not the build" not in shop.install(PARLANCE_TORCH="cu128")
    assert shop.torch() == "cu128"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("error: Failed to download `torch`\n  cause: Failed to fetch", "not downloaded again"),
        ("error: failed to write\n  cause: No space left on device (os error 28)", "The disk is full"),
        ("error: No solution found when resolving dependencies", "in the installer's output"),
    ],
)
def test_a_failed_download_says_what_to_do_and_the_server_still_starts(shop: Shop, words: str, advice: str) -> None:
    done = shop.copy.start("install", "chatterbox", STUB_UV=words)
    assert done.returncode == 1
    assert words in (shop.copy.environment / "parlance-install.log").read_text(encoding="utf-8")
    assert advice in done.stderr
    log = shop.copy.log.read_bytes()
    assert shop.copy.see()["version"] == "1.0"
    assert shop.copy.log.read_bytes() == log


def test_a_changed_list_of_chatterbox_is_installed_at_the_next_start(stocked: Shop) -> None:
    write_wheel(stocked.copy.folder, "mouth", "1.0", {"mouth.py": ""})
    stocked.write("chatterbox-bare", "voicebox==1.0\nmouth\n")
    assert stocked.copy.see()["version"] == "1.0"
    assert stocked.has("mouth.py")
    assert stocked.torch() == "cpu"


def test_a_change_that_cannot_be_installed_does_not_keep_the_server_from_starting(stocked: Shop) -> None:
    stocked.write("chatterbox", "ears==99\n")
    done = stocked.copy.start()
    assert done.returncode == 0, done.stderr
    assert "runs with the packages" in done.stderr


def test_changed_requirements_of_the_server_do_not_forget_chatterbox(stocked: Shop) -> None:
    stocked.copy.require("2.0")
    assert stocked.copy.see()["version"] == "2.0"
    log = stocked.copy.log.read_bytes()
    stocked.install()
    assert stocked.copy.log.read_bytes() == log


def test_a_broken_environment_is_made_again_with_chatterbox_and_its_build(stocked: Shop) -> None:
    stocked.copy.variables["PARLANCE_TORCH"] = "cu128"  # what is there counts, not what would be chosen now
    (stocked.copy.environment / "pyvenv.cfg").write_bytes(b"\0\xff garbage")
    assert stocked.copy.see()["version"] == "1.0"
    assert stocked.torch() == "cpu"
    assert stocked.has("voicebox.py")


def test_a_name_that_is_no_build_and_a_name_that_is_no_engine_are_told(shop: Shop) -> None:
    wrong = shop.copy.start("install", "chatterbox", PARLANCE_TORCH="cuda!")
    assert wrong.returncode == 1
    assert "PARLANCE_TORCH" in wrong.stderr
    unknown = shop.copy.start("install", "bass guitar")
    assert unknown.returncode == 2
    assert "chatterbox" in unknown.stderr


def test_a_disk_that_is_too_small_is_told_before_anything_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="PARLANCE_VENV"):
        require_space(Environment(tmp_path / "not" / "there" / "yet"), Build("cu128", "", disk=1e9))


def test_nothing_that_pip_resolves_for_chatterbox_depends_on_torch() -> None:
    """pip would bring a build of its own choice, before uv brings the right one."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    text = (PROJECT / "requirements-chatterbox.txt").read_text(encoding="utf-8")
    waiting = [Requirement(line).name for line in text.splitlines() if line and not line.startswith("#")]
    seen = set(waiting)
    while waiting:
        for requirement in map(Requirement, requires(waiting.pop()) or ()):
            if requirement.name not in seen and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                seen.add(requirement.name)
                waiting.append(requirement.name)
    assert "numpy" in seen
    assert not {"torch", "torchaudio"} & seen
