"""What the doctor finds, and what it advises."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from throwaway import write_program

from tts_server import doctor
from tts_server.config import Settings
from tts_server.doctor import Finding


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    voices = tmp_path / "voices"
    voices.mkdir()
    return Settings(host="127.0.0.1", port=0, voice_library_path=voices, voice_cache_path=tmp_path / "not" / "made" / "yet")


def test_a_healthy_installation_can_speak(settings: Settings) -> None:
    output = io.StringIO()
    assert doctor.main(settings, output) == 0, output.getvalue()
    text = output.getvalue()
    assert "The server can speak." in text
    assert 'ok  Embedded voice  said "Hello."' in text
    assert "hibari-tts" in text


def test_the_report_changes_nothing(settings: Settings) -> None:
    doctor.report(settings)
    assert not settings.voice_cache_path.parent.exists()
    assert list(settings.voice_library_path.iterdir()) == []


def test_something_needed_that_is_missing_means_exit_status_1(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_threads: int) -> None:
        raise OSError("the model file is missing")

    monkeypatch.setattr("tts_server.engines.embedded.engine.EmbeddedEngine", broken)
    output = io.StringIO()
    assert doctor.main(settings, output) == 1
    assert "NO  Embedded voice" in output.getvalue()
    assert "the model file is missing" in output.getvalue()
    assert "pip install --force-reinstall" in output.getvalue()


def test_something_optional_that_is_missing_does_not() -> None:
    findings = [Finding("Voice", True, "speaks", needed=True), Finding("Extra", False, "not installed", "./run.sh install extra")]
    assert doctor.can_speak(findings)
    assert "--  Extra" in doctor.describe(findings)
    assert "-> ./run.sh install extra" in doctor.describe(findings)


def test_missing_and_unsuitable_packages_are_named(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    lines = ["# comment", "numpy>=1.20  # ok", "Flask>=99", "no-such-package[fast]>=1", "not-for-us; python_version < '3'", "-r other.txt"]
    requirements.write_text("\n".join(lines), encoding="utf-8")
    finding = doctor.check_packages(requirements)
    assert not finding.ok
    assert finding.needed
    assert "no-such-package is missing" in finding.detail
    assert "Flask is" in finding.detail
    assert "numpy" not in finding.detail
    assert "not-for-us" not in finding.detail


def test_every_requirement_of_the_project_is_installed_here() -> None:
    finding = doctor.check_packages()
    assert finding.ok, finding.detail


@pytest.mark.parametrize(("version", "ok", "words"), [((3, 9), False, ""), ((3, 12), True, ""), ((3, 14), True, "newer than the tested")])
def test_an_unsuitable_python_is_told(version: tuple[int, int], ok: bool, words: str) -> None:
    finding = doctor.check_python(version)
    assert finding.ok is ok
    assert words in finding.detail


def test_a_port_in_use_is_told_with_another_to_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = doctor.check_port("127.0.0.1", port)
        assert not finding.ok
        assert not finding.needed
        assert f"--port {port % 65535 + 1}" in finding.remedy
    assert doctor.check_port("127.0.0.1", port).ok


def test_an_address_of_another_machine_is_told() -> None:
    finding = doctor.check_port("192.0.2.1", 5093)
    assert not finding.ok
    assert "192.0.2.1" in finding.detail


def test_unreadable_folders_are_told_with_their_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    voices, cache = doctor.check_voices(tmp_path / "missing"), doctor.check_cache(file / "inside")
    assert not voices.ok
    assert "VOICE_LIBRARY_PATH" in voices.remedy
    assert not cache.ok
    assert "VOICE_CACHE_PATH" in cache.remedy


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_a_graphics_card_is_told_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path, "nvidia-smi", 'echo "NVIDIA H100, 81559 MiB"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.check_gpu().detail == "NVIDIA H100, 81559 MiB"
    write_program(tmp_path, "nvidia-smi", "exit 9")
    assert "none found" in doctor.check_gpu().detail


def test_a_missing_ffmpeg_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "ffmpeg version" in doctor.check_ffmpeg().detail
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "missing"))
    finding = doctor.check_ffmpeg()
    assert not finding.ok
    assert "IMAGEIO_FFMPEG_EXE" in finding.remedy


def test_the_doctor_does_not_load_torch_without_chatterbox() -> None:
    """torch takes seconds and hundreds of megabytes; it is here only for the tests."""
    code = "import sys; from tts_server import doctor; doctor.check_chatterbox(); sys.exit('torch' in sys.modules)"
    project = Path(doctor.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=project, timeout=60).returncode == 0
