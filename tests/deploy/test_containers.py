"""The Dockerfile and the compose file, checked by the programs that read them. `deploy/docker/try_image.py` builds and runs the image."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tts_server.settings import settings_class

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
PROGRAMS = Path(sys.executable).parent
NOT_SETTINGS = {
    "PATH",
    "HOME",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PARLANCE_VENV",
    "PARLANCE_TORCH",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES",
}


def instructions(name: str) -> list[str]:
    """The arguments of all instructions of a name, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def compose(*profiles: str) -> dict[str, Any]:
    """The services that start with these profiles, with variables replaced by their defaults."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    parsed = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return {name: one for name, one in parsed["services"].items() if not one.get("profiles") or set(one["profiles"]) & set(profiles)}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="there is a hadolint for x86-64 alone")
def test_hadolint_finds_nothing_in_the_dockerfile():
    done = subprocess.run([PROGRAMS / "hadolint", str(DOCKERFILE)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_a_user_without_rights_and_says_how_it_is():
    assert instructions("USER") == ["10001:0"]
    assert "healthcheck.py" in instructions("HEALTHCHECK")[0]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert not any("gcc" in run or "build-essential" in run for run in instructions("RUN"))


def test_all_that_is_copied_exists():
    for arguments in instructions("COPY"):
        if not arguments.startswith("--from"):
            *sources, _ = arguments.split()
            for source in sources:
                assert list(PROJECT.glob(source)), source


def test_every_variable_of_the_image_is_a_setting():
    names = {name for line in instructions("ENV") for name in re.findall(r"(\w+)=", line)}
    assert {name.lower() for name in names - NOT_SETTINGS} <= set(settings_class().model_fields)
    assert names & NOT_SETTINGS == NOT_SETTINGS


def test_keys_and_settings_of_this_machine_do_not_get_into_an_image():
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".env", "config.toml", "keys.json*", ".git", "voices/custom"} <= set(ignored)


@pytest.mark.parametrize("profile", ["", "gpu", "https", "monitoring"])
def test_the_compose_file_is_valid_with_each_profile(profile):
    services = compose(profile)
    added = {"gpu": {"parlance-gpu"}, "https": {"caddy"}, "monitoring": {"prometheus", "grafana"}}.get(profile, set())
    assert set(services) == {"parlance", *added}


def test_servers_of_the_compose_file_are_restricted_and_may_finish_their_replies():
    services = compose("gpu")
    for name in ("parlance", "parlance-gpu"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["ports"][0].startswith("127.0.0.1:")
        assert {one.lower() for one in service["environment"]} <= set(settings_class().model_fields)
        assert service["stop_grace_period"] == "60s"
        assert int(service["environment"]["STOP_SECONDS"]) < 60


def test_files_that_the_compose_file_mounts_exist():
    services = compose("https", "monitoring")
    mounted = [one.split(":")[0] for service in services.values() for one in service.get("volumes", ()) if one.startswith(".")]
    assert len(mounted) == 5
    for source in mounted:
        assert (DEPLOY / source).is_file(), source


def test_caddy_is_the_proxy_that_is_trusted():
    services = compose("https")
    address = services["caddy"]["networks"]["default"]["ipv4_address"]
    assert services["parlance"]["environment"]["TRUSTED_PROXY"] == address
