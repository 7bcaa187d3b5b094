"""What run.sh installs where there are locks: the locked files, by uv or by pip, and nothing else."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import Copy, lock_entry, moved, package_index, write_uv_wheel, write_wheel

from tts_server.launcher.environment import Environment
from tts_server.launcher.errors import InstallError
from tts_server.launcher.installer import check, uv_variables
from tts_server.launcher.locks import BASE, S3, TEST, lock_of


class Offer:
    """A copy whose list and lock are of a package `probe`, and the folder of an index that offers it as the wheel `good`."""

    def __init__(self, copy: Copy, folder: Path, good: str = "") -> None:
        self.copy = copy
        self.folder = folder
        self.good = folder / good if good else self.offer("1.0", "VERSION = '1.0'\n")
        copy.variables |= {"PIP_NO_INDEX": "0", "UV_CACHE_DIR": str(folder / "cache"), "UV_NO_CONFIG": "1"}

    @contextlib.contextmanager
    def served(self) -> Iterator[Offer]:
        """Run the index."""
        with package_index(self.folder) as address:
            self.copy.variables["PIP_INDEX_URL"] = address
            yield self

    def offer(self, version: str, source: str) -> Path:
        return write_wheel(self.folder, "probe", version, {"probe/__init__.py": source})


def make_offer(copy: Copy, folder: Path, installer: str) -> Offer:
    """Lock the package in a copy that was never started. Without uv, pip has to install."""
    folder.mkdir()
    made = Offer(copy, folder)
    copy.lock("requirements", lock_entry(made.good))
    (copy.folder / BASE).write_text("probe>=1\n", encoding="utf-8")
    if installer == "uv":
        copy.lock("requirements-uv", lock_entry(write_uv_wheel(folder)))
    return made


@pytest.fixture(params=["uv", "pip"])
def offer(request: pytest.FixtureRequest, fresh: Copy, tmp_path: Path) -> Iterator[Offer]:
    """A copy that was never started."""
    with make_offer(fresh, tmp_path / "index", request.param).served() as offer:
        yield offer


@pytest.fixture(scope="module", params=["uv", "pip"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Offer:
    """A copy that was started once and has installed version 1.0. Shared: not to be changed."""
    folder = tmp_path_factory.mktemp("started")
    with make_offer(Copy.make(folder / "copies" / "parlance"), folder / "index", request.param).served() as offer:
        assert offer.copy.see()["version"] == "1.0"
    return offer


@pytest.fixture
def installed_offer(started: Offer, tmp_path: Path) -> Iterator[Offer]:
    """A copy of one's own that has installed version 1.0."""
    shutil.copytree(started.folder, tmp_path / "index", symlinks=True)
    with Offer(moved(started.copy, tmp_path), tmp_path / "index", started.good.name).served() as offer:
        yield offer


def test_a_newer_version_is_not_taken(offer: Offer) -> None:
    offer.offer("2.0", "VERSION = '2.0'\n")
    assert offer.copy.see()["version"] == "1.0"


def test_a_tampered_file_is_refused_with_what_to_do(offer: Offer) -> None:
    right = offer.good.read_bytes()
    offer.offer("1.0", "VERSION = '1.0'\nprint('stolen')\n")
    done = offer.copy.start()
    assert done.returncode == 1
    assert "not the one that this release was tested with" in done.stderr
    assert "use another network or package index" in done.stderr
    assert "SECURITY.md" in done.stderr
    assert not list(offer.copy.environment.rglob("probe"))
    offer.good.write_bytes(right)
    assert offer.copy.see()["version"] == "1.0"


def test_a_tampered_file_does_not_take_away_what_is_installed(installed_offer: Offer) -> None:
    assert installed_offer.copy.see()["version"] == "1.0"
    installed_offer.offer("2.0", "VERSION = '2.0'\n")
    installed_offer.copy.lock("requirements", lock_entry(installed_offer.folder / "probe-2.0-py3-none-any.whl"))
    installed_offer.offer("2.0", "VERSION = '2.0'\nprint('stolen')\n")
    assert installed_offer.copy.start().returncode == 1
    installed_offer.copy.lock("requirements", lock_entry(installed_offer.good))
    assert installed_offer.copy.see()["version"] == "1.0"


def test_a_changed_lock_is_installed_at_the_next_start(installed_offer: Offer) -> None:
    assert installed_offer.copy.see()["version"] == "1.0"
    installed_offer.copy.lock("requirements", lock_entry(installed_offer.offer("2.0", "VERSION = '2.0'\n")))
    assert installed_offer.copy.see()["version"] == "2.0"


def test_without_a_lock_the_ranges_count_and_a_line_says_so(offer: Offer) -> None:
    (offer.copy.folder / lock_of(BASE)).unlink()
    offer.offer("2.0", "VERSION = '2.0'\n")
    done = offer.copy.start()
    assert json.loads(done.stdout)["version"] == "2.0"
    assert "there is no locks/requirements.lock" in done.stderr
    assert "newest versions within the ranges" in done.stderr


def test_the_newest_versions_are_tested_in_an_environment_of_their_own(installed_offer: Offer) -> None:
    assert installed_offer.copy.see()["version"] == "1.0"
    tools = {f"{name}.py": f"import probe\nprint('{name}', probe.VERSION, flush=True)\n" for name in ("ruff", "mypy", "pytest")}
    tools["importlinter/cli.py"] = "def lint_imports_command():\n    pass\n"
    write_wheel(installed_offer.folder, "stages", "1.0", tools)
    (installed_offer.copy.folder / TEST).write_text("-r requirements.txt\nstages\n", encoding="utf-8")
    for number in (2, 3):  # each run looks for what is newest
        installed_offer.offer(f"{number}.0", f"VERSION = '{number}.0'\n")
        done = installed_offer.copy.start("test", "--newest", "-k", "something")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [f"{name} {number}.0" for name in ("ruff", "mypy", "pytest")]
    assert installed_offer.copy.see()["version"] == "1.0"


def test_an_extra_package_list_is_installed_from_its_lock(installed_offer: Offer) -> None:
    wheel = write_wheel(installed_offer.folder, "bucket", "1.0", {"bucket.py": ""})
    write_wheel(installed_offer.folder, "bucket", "2.0", {"bucket.py": ""})
    (installed_offer.copy.folder / S3).write_text("bucket\n", encoding="utf-8")
    installed_offer.copy.lock("requirements-s3", lock_entry(wheel))
    assert installed_offer.copy.start("install", "s3").returncode == 0
    assert (installed_offer.copy.site_packages() / "bucket-1.0.dist-info").is_dir()


def test_repair_brings_back_the_locked_version(installed_offer: Offer) -> None:
    assert installed_offer.copy.see()["version"] == "1.0"
    (installed_offer.copy.site_packages() / "probe" / "__init__.py").write_text("VERSION = 'another'\n", encoding="utf-8")
    assert installed_offer.copy.see()["version"] == "another"
    assert installed_offer.copy.start("repair").returncode == 0
    assert installed_offer.copy.see()["version"] == "1.0"


def test_pips_settings_reach_uv() -> None:
    settings = """
global.index-url='https://mirror.example/simple'
global.extra-index-url='https://a.example/simple https://b.example/simple'
global.trusted-host='mirror.example'
site.index-url='https://not.example/simple'
install.no-index='false'
:env:.find-links='/one /two'
:env:.index-url='https://nearer.example/simple'
:env:.no-input='1'
"""
    assert uv_variables(settings) == {
        "UV_DEFAULT_INDEX": "https://nearer.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INSECURE_HOST": "mirror.example",
        "UV_FIND_LINKS": "/one,/two",
    }
    assert uv_variables("global.client-cert='/me.pem'") is None


@pytest.mark.parametrize(
    ("output", "advice", "is_external"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "was not installed", True),
        ("error: Hash mismatch for `probe==1.0`", "was not installed", True),
        ("OSError: [Errno 28] No space left on device", "The disk is full", True),
        ("cause: dns error: failed to lookup address information", "The network cannot be reached", True),
        ("ERROR: Could not find a version", "in the installer's output", False),
    ],
)
def test_a_failed_install_says_what_to_do(output: str, advice: str, is_external: bool) -> None:
    with pytest.raises(InstallError, match=advice) as failure:
        check(1, output)
    assert failure.value.is_external is is_external


def test_an_unknown_option_of_the_lock_command_is_refused(installed: Copy) -> None:
    done = installed.start("lock", "--newest")
    assert done.returncode == 2
    assert "lock --keep" in done.stderr


def test_a_machine_without_a_lock_is_told_so_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / BASE).touch()
    assert "there is no" in Environment(tmp_path / "environment", project=tmp_path).unlocked_reason(BASE)
    assert "newest" in Environment(tmp_path / "environment", project=tmp_path, is_newest=True).unlocked_reason(BASE)
