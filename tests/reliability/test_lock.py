"""`requirements.lock`: what a release installs, down to the bytes."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).resolve().parents[2]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(r"^(\S+==\S+(?: ; [^\\\n]+)?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
}


def wanted() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def locked(environment: Mapping[str, str]) -> dict[str, list[Version]]:
    """The versions that would be installed there, by name."""
    found: dict[str, list[Version]] = {}
    for text, _ in ENTRY.findall(LOCK):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            version = next(iter(requirement.specifier)).version
            found.setdefault(canonicalize_name(requirement.name), []).append(Version(version))
    return found


def environment(python: str, system: str) -> dict[str, str]:
    return {**default_environment(), **SYSTEMS[system], "python_version": python, "python_full_version": f"{python}.4"}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_locked_once_within_its_range(python, system):
    there = environment(python, system)
    versions = locked(there)
    assert {name: found for name, found in versions.items() if len(found) != 1} == {}
    for requirement in wanted():
        if requirement.marker is None or requirement.marker.evaluate(there):
            version = versions[canonicalize_name(requirement.name)][0]
            assert requirement.specifier.contains(version), f"{requirement} has {version}: see docs/UPDATING.md"


def test_what_the_locked_packages_need_is_locked_too():
    """By what the packages that are installed here say of themselves."""
    here = default_environment()
    versions = locked(here)
    extras = {canonicalize_name(requirement.name): requirement.extras for requirement in wanted()}
    missing = []
    for name in versions:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            chosen = ["", *extras.get(name, ())]
            is_needed = need.marker is None or any(need.marker.evaluate({**here, "extra": extra}) for extra in chosen)
            if is_needed and canonicalize_name(need.name) not in versions:
                missing.append(f"{name} needs {need}")
    assert missing == []


def test_every_line_is_an_exact_version_with_hashes_and_nothing_names_a_place():
    rest = ENTRY.sub("", LOCK)
    assert [line for line in rest.splitlines() if line.strip() and not line.strip().startswith("#")] == []
    assert re.findall(r"https?:|file:|--(?:extra-)?index|--find-links|--trusted", LOCK) == []
    assert len(ENTRY.findall(LOCK)) > 20


@pytest.mark.skipif(not os.environ.get("AUDIT"), reason="known vulnerabilities are looked up with AUDIT=1, which needs the network")
def test_no_locked_version_has_a_known_vulnerability():
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json", "-r", "requirements.lock"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        pytest.skip(f"the advisory service cannot be reached from here: {done.stderr.strip().splitlines()[-1:]}")
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        pytest.skip(f"the package index tells no advisories here: {packages[0]['skip_reason']}")
    assert {package["name"]: [one["id"] for one in package["vulns"]] for package in audited if package["vulns"]} == {}
