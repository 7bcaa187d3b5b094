"""The locks: what they hold, for whom, and that nothing else is installed."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from throwaway import PROJECT, package_index, write_wheel

from tts_server.launcher.errors import InstallError
from tts_server.launcher.installer import uv_variables
from tts_server.launcher.locks import (
    ALL,
    BASE,
    TEST,
    TORCH,
    UV,
    LockWriter,
    Platform,
    changes,
    lock_of,
    pins,
    uncovered_reason,
)

CHATTERBOX = "requirements-chatterbox.txt"
BARE = "requirements-chatterbox-bare.txt"
ENTRY = re.compile(r"^(\S+==\S+(?: ; [^\\\n]+)?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "linux x86-64": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    "linux arm64": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
    "windows x86-64": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    "macos arm64": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    "macos x86-64": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "x86_64"},
}
UV_NAMES = {
    "linux x86-64": "x86_64-unknown-linux-gnu",
    "linux arm64": "aarch64-unknown-linux-gnu",
    "windows x86-64": "x86_64-pc-windows-msvc",
    "macos arm64": "aarch64-apple-darwin",
    "macos x86-64": "x86_64-apple-darwin",
}
BUILT_FROM_SOURCE = {"webrtcvad"}
"""Of the tests, and without wheels: a C compiler builds it."""

TORCH_BUILDS = {"torch", "torchaudio"}


def locked_text(requirements: str) -> str:
    return (PROJECT / lock_of(requirements)).read_text(encoding="utf-8")


def wanted(requirements: str) -> list[Requirement]:
    """The requirements of a list, those of the lists that it names included."""
    found = []
    for line in (PROJECT / requirements).read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += wanted(line.removeprefix("-r "))
        elif line:
            found.append(Requirement(line))
    return found


def environment(python: str, system: str) -> dict[str, str]:
    return {**default_environment(), **SYSTEMS[system], "python_version": python, "python_full_version": f"{python}.4"}


def versions(requirements: str, there: Mapping[str, str]) -> dict[str, list[str]]:
    """The versions that a lock installs in an environment, by package."""
    found: dict[str, list[str]] = {}
    for (name, marker), version in pins(locked_text(requirements)).items():
        if not marker or Marker(marker).evaluate(dict(there)):
            found.setdefault(canonicalize_name(name), []).append(version)
    return found


def is_covered(requirements: str, python: str, system: str) -> bool:
    there = SYSTEMS[system]
    major, minor = map(int, python.split("."))
    return not uncovered_reason(requirements, Platform(there["platform_system"], there["platform_machine"], (major, minor)))


# What the locks hold


@pytest.mark.parametrize("requirements", ALL)
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_locked_once_within_its_range(python: str, system: str, requirements: str) -> None:
    there = environment(python, system)
    found = versions(requirements, there)
    assert {name: several for name, several in found.items() if len(several) != 1} == {}
    for requirement in wanted(requirements):
        if canonicalize_name(requirement.name) in TORCH_BUILDS or (requirement.marker and not requirement.marker.evaluate(there)):
            continue
        version = Version(found[canonicalize_name(requirement.name)][0])
        assert requirement.specifier.contains(version), f"{requirement} has {version}: run ./run.sh lock, see docs/UPDATING.md"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_package_has_one_version_in_all_locks(python: str, system: str) -> None:
    together: dict[str, set[str]] = {}
    for requirements in ALL:
        for name, found in versions(requirements, environment(python, system)).items():
            together.setdefault(name, set()).update(found)
    assert {name: found for name, found in together.items() if len(found) > 1} == {}


@pytest.mark.parametrize("requirements", [name for name in ALL if name != BARE])
def test_what_the_locked_packages_need_is_locked_too(requirements: str) -> None:
    """By the metadata of the locked packages that are installed here. PyTorch and its own packages are pinned elsewhere."""
    here = default_environment()
    found = versions(requirements, here)
    extras = {canonicalize_name(requirement.name): requirement.extras for requirement in wanted(requirements)}
    missing = []
    for name in found:
        try:
            if importlib.metadata.version(name) not in found[name]:
                continue  # as in the tests of the newest versions
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            chosen = ["", *extras.get(name, ())]
            is_needed = need.marker is None or any(need.marker.evaluate({**here, "extra": extra}) for extra in chosen)
            if is_needed and canonicalize_name(need.name) not in {*found, *TORCH_BUILDS}:
                missing.append(f"{name} needs {need}")
    assert missing == []


@pytest.mark.parametrize("requirements", ALL)
def test_every_line_is_an_exact_version_with_hashes_and_nothing_names_a_place(requirements: str) -> None:
    text = locked_text(requirements)
    rest = ENTRY.sub("", text)
    assert [line for line in rest.splitlines() if line.strip() and not line.strip().startswith("#")] == []
    assert re.findall(r"https?:|file:|--(?:extra-)?index|--find-links|--trusted", text) == []
    assert len(ENTRY.findall(text)) == len(pins(text)) > 0


def test_pytorchs_builds_are_in_no_lock() -> None:
    found = {name for requirements in ALL for name, _ in pins(locked_text(requirements))}
    assert {name for name in found if name in TORCH_BUILDS or name.startswith(("nvidia-", "cuda-", "triton"))} == set()


def test_everything_that_is_imported_is_in_a_lock() -> None:
    ours = {part for path in PROJECT.glob("[bt]*/**/*.py") for part in (*path.relative_to(PROJECT).parts[:-1], path.stem)}
    modules: dict[str, str] = {}
    for folder in ("tts_server", "tests", "benchmarks"):
        for path in (PROJECT / folder).rglob("*.py"):
            if "programs" in path.parts:  # run in environments of their own
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    names = [node.module]
                modules |= {name.partition(".")[0]: str(path) for name in names}
    distributions = importlib.metadata.packages_distributions()
    locked = TORCH_BUILDS | {canonicalize_name(name) for requirements in ALL for name, _ in pins(locked_text(requirements))}
    foreign = {name: path for name, path in modules.items() if name not in ours | set(sys.stdlib_module_names)}
    assert "numpy" in foreign
    unlocked = {
        name: path for name, path in foreign.items() if not {canonicalize_name(found) for found in distributions.get(name, ())} & locked
    }
    unlocked.pop("_typeshed")  # exists for type checkers alone
    assert unlocked == {}


# For whom they hold


@pytest.mark.parametrize(
    ("on", "server", "chatterbox"),
    [
        (Platform("Linux", "x86_64", (3, 10)), "", ""),
        (Platform("Linux", "aarch64", (3, 14)), "", ""),
        (Platform("Windows", "AMD64", (3, 14)), "", ""),
        (Platform("Darwin", "arm64", (3, 12), macos=15), "", ""),
        (Platform("Darwin", "arm64", (3, 12), macos=13), "macOS 14 and newer", "macOS 14 and newer"),
        (Platform("Darwin", "x86_64", (3, 13)), "", "not for Darwin on x86_64"),
        (Platform("Darwin", "x86_64", (3, 14)), "3.10 to 3.13", "3.10 to 3.13"),
        (Platform("Windows", "ARM64", (3, 12)), "a Python for x86-64 works", "a Python for x86-64 works"),
        (Platform("Linux", "x86_64", (3, 15)), "this is Python 3.15", "this is Python 3.15"),
        (Platform("Linux", "x86_64", (3, 12), glibc=None), "another C library", "another C library"),
        (Platform("Linux", "x86_64", (3, 12), glibc=(2, 17)), "this system has 2.17", "this system has 2.17"),
        (Platform("Linux", "aarch64", (3, 12), glibc=(2, 41)), "", ""),
        (Platform("Linux", "aarch64", (3, 11), kind="a 32-bit Python"), "a 32-bit Python", "a 32-bit Python"),
        (Platform("Windows", "AMD64", (3, 14), kind="a free-threaded Python"), "free-threaded", "free-threaded"),
        (Platform("Linux", "x86_64", (3, 11), kind="PyPy"), "this is PyPy", "this is PyPy"),
        (Platform("Linux", "ppc64le", (3, 12)), "ppc64le", "ppc64le"),
    ],
)
def test_where_a_lock_does_not_hold_the_reason_is_given(on: Platform, server: str, chatterbox: str) -> None:
    for requirements, words in ((BASE, server), (CHATTERBOX, chatterbox)):
        reason = uncovered_reason(requirements, on)
        assert words in reason
        assert bool(words) is bool(reason)


def test_this_machine_is_described_as_it_is() -> None:
    on = Platform.current()
    assert on.python == sys.version_info[:2]
    if sys.platform == "linux":
        assert on.system == "Linux"
        assert on.glibc is not None
        assert on.glibc > (2, 0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_locks_resolve_to_wheels_for_every_python_of_a_system(system: str, tmp_path: Path) -> None:
    """By the package index: each lock is installed with its hashes, as a dry run."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    variables = {**os.environ, **(uv_variables(listed) or {}), "UV_CONSTRAINT": "", "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    variables |= {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
    failures = []
    num_resolved = 0
    for requirements in ALL:
        text = "".join(entry[0] for entry in re.finditer(ENTRY.pattern + r"\n", locked_text(requirements), re.MULTILINE))
        text = re.sub(rf"^(?:{'|'.join(BUILT_FROM_SOURCE)})==.*(?:\n    .*)+\n", "", text, flags=re.MULTILINE)
        lock = tmp_path / "wheels.lock"
        lock.write_text(text, encoding="utf-8")
        for python in PYTHONS:
            if not is_covered(requirements, python, system):
                continue
            command = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
            command += ["--python-platform", UV_NAMES[system], "--python-version", python, "--target", str(tmp_path / "target"), "-r", lock]
            done = subprocess.run(command, env=variables, cwd=PROJECT, capture_output=True, text=True, timeout=300)
            num_resolved += done.returncode == 0
            if done.returncode != 0:
                if os.environ.get("CI") != "true" and re.search(r"Failed to fetch|dns error|error sending request", done.stderr):
                    pytest.skip("the package index cannot be reached from here")
                failures.append(f"{requirements} for Python {python}: {done.stderr}")
    assert failures == []
    assert num_resolved >= 12


@pytest.mark.skipif(not os.environ.get("AUDIT"), reason="known vulnerabilities are looked up with AUDIT=1, which needs the network")
@pytest.mark.parametrize("requirements", [BASE, CHATTERBOX])
def test_no_locked_version_has_a_known_vulnerability(requirements: str) -> None:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json", "-r", lock_of(requirements)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        pytest.skip(f"the advisory service cannot be reached from here: {done.stderr.strip().splitlines()[-1:]}")
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        pytest.skip(f"the package index tells no advisories here: {packages[0]['skip_reason']}")
    assert {package["name"]: [one["id"] for one in package["vulns"]] for package in audited if package["vulns"]} == {}


# How they are made


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A project with a list of one package, and an empty one of each other name."""
    for name in ALL:
        (tmp_path / "project").mkdir(exist_ok=True)
        (tmp_path / "project" / name).write_text("probe>=1\n" if name == BASE else "", encoding="utf-8")
    return tmp_path / "project"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def writer(lists: Path, index: Path, tmp_path: Path) -> Iterator[LockWriter]:
    """Makes the locks of `lists` from `index`, with the uv that is installed here."""
    with package_index(index) as address:
        settings = {
            "UV_DEFAULT_INDEX": address,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }

        def run_uv(*arguments: str, **more: str) -> tuple[int, str]:
            variables = {**os.environ, **settings, **more}
            command = [sys.executable, "-m", "uv", *arguments]
            done = subprocess.run(command, cwd=lists, env=variables, capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        yield LockWriter(lists, run_uv)


def probe(index: Path) -> Callable[[str], Path]:
    return lambda version: write_wheel(index, "probe", version, {"probe/__init__.py": ""})


def test_locks_are_made_anew_and_the_changes_listed(writer: LockWriter, lists: Path, index: Path) -> None:
    probe(index)("1.0")
    assert writer.write() == ["probe new -> 1.0"]
    assert pins((lists / lock_of(BASE)).read_text(encoding="utf-8")) == {("probe", ""): "1.0"}
    probe(index)("2.0")
    assert writer.write(is_kept=True) == []
    assert writer.write(["probe"]) == ["probe 1.0 -> 2.0"]
    probe(index)("3.0")
    (lists / TEST).write_text("another\n", encoding="utf-8")
    write_wheel(index, "another", "1.0", {"another.py": ""})
    assert writer.write() == ["another new -> 1.0", "probe 2.0 -> 3.0"]


def test_files_that_came_or_went_without_a_new_version_are_listed() -> None:
    before = {BASE: "probe==1.0 ; os_name == 'nt' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nother==2.0 \\\n    --hash=sha256:cc\n"}
    after = {BASE: before[BASE].replace("sha256:bb", "sha256:dd")}
    assert list(changes(before, after)) == ["probe 1.0: 1 files added, 1 removed  (os_name == 'nt')"]
    assert list(changes(before, before)) == []


def test_a_package_has_the_version_that_all_lists_allow(writer: LockWriter, lists: Path, index: Path) -> None:
    probe(index)("1.0")
    probe(index)("2.0")
    (lists / TEST).write_text("probe<2\n", encoding="utf-8")
    writer.write()
    for name in (BASE, TEST):
        assert pins((lists / lock_of(name)).read_text(encoding="utf-8")) == {("probe", ""): "1.0"}


def test_a_list_without_dependencies_and_pytorchs_builds_stay_out(writer: LockWriter, lists: Path, index: Path) -> None:
    probe(index)("1.0")
    write_wheel(index, "torch", "2.13.0", {"torch/__init__.py": ""}, requires="sums")
    write_wheel(index, "sums", "1.0", {"sums.py": ""})
    write_wheel(index, "voicebox", "1.0", {"voicebox.py": ""}, requires="torch==1.0")
    (lists / TORCH).write_text("torch\n", encoding="utf-8")
    (lists / BARE).write_text("voicebox\n", encoding="utf-8")
    writer.write()
    assert pins((lists / lock_of(TORCH)).read_text(encoding="utf-8")) == {("sums", ""): "1.0"}
    assert pins((lists / lock_of(BARE)).read_text(encoding="utf-8")) == {("voicebox", ""): "1.0"}


def test_other_indexes_than_the_default_one_do_not_count(
    writer: LockWriter, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe(index)("1.0")
    (tmp_path / "other").mkdir()
    probe(tmp_path / "other")("2.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "other"))
    assert writer.write() == ["probe new -> 1.0"]


def test_ranges_that_no_version_fits_leave_the_locks_as_they_are(writer: LockWriter, lists: Path, index: Path) -> None:
    probe(index)("1.0")
    writer.write()
    before = {name: (lists / lock_of(name)).read_bytes() for name in ALL}
    (lists / UV).write_text("probe>=2\n", encoding="utf-8")
    with pytest.raises(InstallError, match="unchanged"):
        writer.write()
    assert {name: (lists / lock_of(name)).read_bytes() for name in ALL} == before
