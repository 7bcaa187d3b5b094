"""An engine is one folder and one line of the registry: a package that exists only in the tests works everywhere."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from engines.tone_package import INSTALLATION, TONE
from support.decoded_audio import hear
from support.server import RunningServer, run_server

from tts_server import doctor
from tts_server.commands import main
from tts_server.config import SettingsError
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.engines.registry import PACKAGES, model_entries, requirement_lists
from tts_server.launcher.command_line import EXIT_USAGE, installable, parse
from tts_server.launcher.launcher import install
from tts_server.launcher.locks import ALL, lock_of
from tts_server.settings import find_misspelt_settings, load_settings

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = PROJECT / "tts_server"
WITH_TONE = [*PACKAGES, TONE]
MISSING = replace(TONE, is_installed=lambda: False)


def pitch_of(audio: bytes) -> float:
    """The loudest frequency of a file, in Hz."""
    heard = hear(audio)
    spectrum = np.abs(np.fft.rfft(heard.samples))
    return float(np.fft.rfftfreq(len(heard.samples), 1 / heard.rate)[spectrum.argmax()])


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    """A server with the embedded voice and the tone."""
    with run_server(packages=[EMBEDDED, TONE], tone_hertz=1000) as server:
        yield server


def ask(server: RunningServer, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


def model_of(server: RunningServer, name: str) -> dict[str, Any]:
    return ask(server, "GET", f"/v1/models/{name}").json()


def state_after(server: RunningServer, action: str) -> str:
    assert ask(server, "POST", f"/admin/models/tone/{action}").status_code in (200, 202)
    server.synthesizer.catalog.models.wait("tone", 20)
    return model_of(server, "tone")["state"]


def speak(server: RunningServer, model: str) -> requests.Response:
    fields = {"model": model, "input": "A tone of some length.", "voice": "fork", "response_format": "wav"}
    return ask(server, "POST", "/v1/audio/speech", json=fields)


def test_its_model_is_listed_with_what_it_can_do(running: RunningServer) -> None:
    model = model_of(running, "tone")
    assert (model["name"], model["installed"], model["always_loaded"], model["install_hint"]) == ("Tone", True, False, None)
    assert [control["name"] for control in model["controls"]] == ["temperature"]
    assert model_of(running, "sine")["alias_of"] == "tone"
    assert model_of(running, "embedded")["always_loaded"] is True
    listed = {one["id"] for one in ask(running, "GET", "/v1/models").json()["data"]}
    assert {"embedded", "tone", "sine", "tts-1"} <= listed
    assert not any("chatterbox" in name for name in listed)


@pytest.mark.parametrize("name", ["tone", "sine"])
def test_it_is_chosen_by_name_loaded_spoken_with_and_unloaded(running: RunningServer, name: str) -> None:
    assert state_after(running, "load") == "ready"
    reply = speak(running, name)
    assert reply.status_code == 200, reply.text
    assert reply.headers["X-Model"] == "tone"
    assert pitch_of(reply.content) == pytest.approx(1000, abs=5)
    assert state_after(running, "unload") == "unloaded"


def test_its_model_is_in_the_health_report(running: RunningServer) -> None:
    assert set(ask(running, "GET", "/health").json()["models"]) == {"embedded", "tone"}


def test_without_its_packages_the_answer_is_the_command_that_installs_it() -> None:
    with run_server(packages=[EMBEDDED, MISSING]) as server:
        model = model_of(server, "tone")
        assert (model["state"], model["install_name"]) == ("not_installed", "Tone generator")
        assert model["install_hint"].endswith("install tone")
        reply = speak(server, "tone")
        assert reply.status_code == 503
        assert model["install_hint"] in reply.json()["error"]["message"]


def test_the_command_line_speaks_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONE_HERTZ", "700")
    assert main(["say", "A tone.", "--model", "tone", "--voice", "fork", "-o", "tone.wav", "--quiet"], [EMBEDDED, TONE]) == 0
    assert pitch_of((tmp_path / "tone.wav").read_bytes()) == pytest.approx(700, abs=5)


def test_the_doctor_reports_its_checks(tmp_path: Path) -> None:
    settings = load_settings([TONE], port=0, voice_library_path=tmp_path, tone_hertz=123)
    output = io.StringIO()
    doctor.main(settings, output, packages=[TONE])
    report = output.getvalue()
    assert re.search(r"^ok  Tone +plays 123 Hz$", report, re.MULTILINE)
    assert "Chatterbox" not in report
    assert "Embedded voice" not in report


def test_its_settings_are_read_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("tone_hertz = 550\n", encoding="utf-8")
    assert load_settings([TONE]).model_dump()["tone_hertz"] == 550
    with pytest.raises(SettingsError, match="There is no setting TONE_HERTZ"):
        load_settings([EMBEDDED])
    monkeypatch.setenv("TONE_HERTZ", "1")
    with pytest.raises(SettingsError, match="TONE_HERTZ: '1' is too small"):
        load_settings([TONE])
    (tmp_path / ".env").write_text("TONE_HERZ=550\n", encoding="utf-8")
    assert find_misspelt_settings([TONE]) == [".env: There is no setting TONE_HERZ. Did you mean TONE_HERTZ?"]


class RecordingEnvironment:
    """An environment into which nothing is installed: it records what is asked for."""

    def __init__(self) -> None:
        self.requirements: list[tuple[str, ...]] = []

    def ensure(self, *requirements: str, backend: str = "") -> None:
        self.requirements.append(requirements)


def test_install_takes_its_name_and_installs_its_lists(capsys: pytest.CaptureFixture[str]) -> None:
    environment: Any = RecordingEnvironment()
    assert install(environment, ["tone"], WITH_TONE) == 0
    assert environment.requirements == [("requirements.txt", "requirements-tone.txt")]
    said = capsys.readouterr().err
    assert "Tone generator is installed." in said
    assert INSTALLATION.download_size in said


def test_install_lists_its_name_in_help_and_after_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    environment: Any = RecordingEnvironment()
    assert install(environment, ["tonne"], WITH_TONE) == EXIT_USAGE
    assert "Did you mean tone?" in capsys.readouterr().err
    assert environment.requirements == []
    with pytest.raises(SystemExit):
        parse(["install", "--help"], WITH_TONE)
    assert "an engine that plays a tone" in " ".join(capsys.readouterr().out.split())
    assert {"chatterbox", "s3"} <= installable(PACKAGES).keys()
    assert "tone" not in installable(PACKAGES)


def test_the_declarations_need_nothing_but_the_standard_library() -> None:
    """The launcher reads them before anything is installed."""
    code = "import sys; from tts_server.engines.registry import PACKAGES; from tts_server.launcher import launcher; print(len(PACKAGES))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.returncode) == (str(len(PACKAGES)), 0), done.stderr


def test_names_are_unique_among_the_engines() -> None:
    ids = [entry.id for package in PACKAGES for entry in package.models]
    names = [*ids, *(name for package in PACKAGES for name in (*package.aliases, *package.default_aliases))]
    assert len(set(names)) == len(names)
    assert list(model_entries()) == ids
    fields = [set(package.settings().model_fields) for package in PACKAGES if package.settings]
    own = [names - set.intersection(*fields) for names in fields]
    assert not set.intersection(*own)


def test_every_list_of_requirements_of_an_engine_exists_and_is_locked() -> None:
    for name in requirement_lists():
        assert (PROJECT / name).exists()
        assert (PROJECT / lock_of(name)).exists()
        assert name in ALL


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.id)
def test_a_package_lies_in_the_folder_of_its_name(package: Any) -> None:
    assert (SOURCES / "engines" / package.id / "package.py").exists()


def test_nothing_but_its_folder_names_an_engine() -> None:
    """Apart from defaults of settings, examples in the API's description, and model names in requests of older clients."""
    ids = {name for package in PACKAGES for name in (package.id, *(entry.id for entry in package.models), *package.default_aliases)}
    quoted = re.compile("|".join(rf"[\"'`]{re.escape(name)}[\"'`]" for name in sorted(ids)))
    own = {SOURCES / "engines" / package.id for package in PACKAGES}
    allowed = {"config.py", "fields.py"}
    files = [path for path in SOURCES.rglob("*.py") if not own & set(path.parents)]
    files = [path for path in files if "openapi" not in path.parts and path.name not in allowed]
    files += [path for path in (PROJECT / "static" / "js").rglob("*.js") if path.parent.name != "strings"]
    assert len(files) > 200
    assert [path.relative_to(PROJECT).as_posix() for path in files if quoted.search(path.read_text(encoding="utf-8"))] == []
