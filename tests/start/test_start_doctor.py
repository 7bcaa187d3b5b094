"""What the doctor finds, and what it advises."""

from __future__ import annotations

import importlib.metadata
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tts_server import doctor
from tts_server.accelerator import Machine, read_nvidia_smi
from tts_server.config import Settings
from tts_server.doctor import Finding
from tts_server.engines.chatterbox import doctor as chatterbox_doctor
from tts_server.launcher.locks import Platform
from tts_server.settings import load_settings

H100 = "NVIDIA H100, 580.65.06, 81559, 9.0"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a report that takes Chatterbox, which loads for seconds, as it was found elsewhere."""
    monkeypatch.setattr(chatterbox_doctor, "inspect_packages", lambda: torch("2.13.0+cpu"))
    voices = tmp_path / "voices"
    voices.mkdir()
    return load_settings(host="127.0.0.1", port=0, voice_library_path=voices, voice_cache_path=tmp_path / "not" / "made" / "yet")


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
    assert "./run.sh repair" in output.getvalue()


@pytest.fixture
def locked_project(tmp_path: Path) -> Path:
    """A project whose lock holds one package, in the version that is installed here, and one for another system."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "requirements.lock").write_text(
        f"packaging=={importlib.metadata.version('packaging')}\nwinonly==1.0 ; sys_platform == 'nowhere'\n", encoding="utf-8"
    )
    return tmp_path


def test_installed_versions_equal_to_the_locked_ones_are_reported(locked_project: Path) -> None:
    finding = doctor.check_locks(["requirements.txt"], locked_project)
    assert finding.ok
    assert finding.detail == "all 1 packages are as locked"


def test_installed_versions_that_differ_from_the_lock_are_named_with_the_command_that_helps(locked_project: Path) -> None:
    lock = locked_project / "locks" / "requirements.lock"
    lock.write_text("packaging==1.0\nnot-installed-anywhere==2.0 \\\n    --hash=sha256:00\n", encoding="utf-8")
    finding = doctor.check_locks(["requirements.txt"], locked_project)
    assert not finding.ok
    assert f"packaging {importlib.metadata.version('packaging')} (tested: 1.0)" in finding.detail
    assert "not-installed-anywhere missing (tested: 2.0)" in finding.detail
    assert finding.remedy.endswith("repair")
    assert doctor.can_speak([finding])


def test_a_machine_without_a_lock_is_not_compared(locked_project: Path) -> None:
    finding = doctor.check_locks(["requirements.txt"], locked_project, Platform("Windows", "ARM64", (3, 12)))
    assert finding.ok
    assert "x86-64" in finding.detail


def test_a_missing_lock_is_reported(tmp_path: Path) -> None:
    finding = doctor.check_locks(["requirements.txt"], tmp_path)
    assert not finding.ok
    assert "requirements.lock" in finding.detail


def test_the_lists_that_the_launcher_installed_are_compared(tmp_path: Path) -> None:
    (tmp_path / "parlance.json").write_text('{"python": "x", "requirements.txt": "1", "requirements-torch.txt": "2", "torch": "cpu"}')
    assert doctor.installed_lists(tmp_path) == ["requirements.txt", "requirements-torch.txt"]
    assert doctor.installed_lists(tmp_path / "elsewhere") == ["requirements.txt"]


def test_something_optional_that_is_missing_does_not() -> None:
    findings = [Finding("Voice", True, "speaks", needed=True), Finding("Extra", False, "not installed", "./run.sh install extra")]
    assert doctor.can_speak(findings)
    assert "--  Extra" in doctor.describe(findings)
    assert "-> ./run.sh install extra" in doctor.describe(findings)


def test_long_findings_are_wrapped_below_their_beginning() -> None:
    packages = ", ".join(f"package-{number} 1.{number}" for number in range(40))
    path = "/a folder/" + "x" * 150
    lines = doctor.describe([Finding("Packages", True, packages), Finding("Voices folder", True, path)]).splitlines()
    listed = [line for line in lines if "package-" in line]
    assert len(listed) > 1
    assert all(len(line) <= 100 for line in listed)
    assert all(line[: len("ok  Voices folder  ")].isspace() for line in listed[1:])
    assert " ".join(line.removeprefix("ok  Packages").strip() for line in listed) == packages
    assert any("x" * 150 in line for line in lines)


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


@pytest.mark.parametrize(
    ("version", "ok", "words"), [((3, 9), False, ""), ((3, 12), True, ""), ((3, 14), True, ""), ((3, 15), True, "newer than the tested")]
)
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


def machine(*cards: str, system: str = "Linux") -> Machine:
    return Machine(system, "x86_64", read_nvidia_smi("\n".join(cards)))


def test_a_graphics_card_is_told_with_its_driver() -> None:
    finding = doctor.check_gpu(machine(H100))
    assert finding.ok
    assert finding.detail == "NVIDIA H100, 81559 MiB, driver 580.65"
    assert "none found" in doctor.check_gpu(machine()).detail


def test_a_card_that_chatterbox_cannot_use_is_told_with_the_way_out() -> None:
    finding = doctor.check_gpu(machine("NVIDIA GeForce RTX 5090, 550.54.14, 32607, 12.0"))
    assert not finding.ok
    assert not finding.needed
    assert "it needs 570 or newer" in finding.detail
    assert "driver" in finding.remedy


def test_a_missing_ffmpeg_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "ffmpeg version" in doctor.check_ffmpeg().detail
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "missing"))
    finding = doctor.check_ffmpeg()
    assert not finding.ok
    assert "IMAGEIO_FFMPEG_EXE" in finding.remedy


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_the_programs_of_the_doctor_see_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("API_KEYS", "HF_TOKEN", "S3_SECRET_ACCESS_KEY", "SOME_LATER_SECRET"):
        monkeypatch.setenv(name, "a-secret-value")
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\necho "ffmpeg version 1"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    assert doctor.check_ffmpeg().ok
    assert "a-secret-value" not in (tmp_path / "seen").read_text()
    monkeypatch.setattr(chatterbox_doctor, "INSPECT", "import json, os\nprint(json.dumps(dict(os.environ)))")
    seen = chatterbox_doctor.inspect_packages()
    assert "PATH" in seen
    assert "a-secret-value" not in seen.values()


def test_the_doctor_never_loads_torch_into_its_own_process() -> None:
    """torch takes seconds and hundreds of megabytes."""
    code = "import sys; from tts_server import doctor; sys.exit('torch' in sys.modules)"
    project = Path(doctor.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=project, timeout=60).returncode == 0


def test_without_chatterbox_the_doctor_names_the_command_and_loads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chatterbox_doctor, "installed_version", lambda _: None)
    monkeypatch.setattr(chatterbox_doctor, "inspect_packages", lambda: pytest.fail("it was loaded"))
    (finding,) = chatterbox_doctor.check_engine(machine(), tmp_path)
    assert not finding.ok
    assert "chatterbox-turbo" in finding.detail
    assert "install chatterbox" in finding.remedy
    (finding,) = chatterbox_doctor.check_engine(machine(system="Darwin"), tmp_path)
    assert "Intel" in finding.detail
    assert finding.remedy == ""


def test_the_real_chatterbox_is_found_whole(tmp_path: Path) -> None:
    findings = chatterbox_doctor.check_engine(machine(), tmp_path / "not" / "yet")
    assert [finding.name for finding in findings] == ["Chatterbox", "PyTorch", "Watermark", "Models"]
    assert all(finding.ok for finding in findings), findings
    assert "chatterbox-tts 0.1.7" in findings[0].detail
    assert "2.13.0" in findings[1].detail


def torch(version: str = "2.13.0+cu130", **facts: object) -> dict[str, object]:
    unused = {"cuda": None, "hip": None, "is_available": False, "name": None, "capability": None, "architectures": [], "mps": False}
    return {"torch": {"version": version, **unused, **facts}, "watermark": True, "torchaudio": True}


USED = {"cuda": "13.0", "is_available": True, "name": "NVIDIA H100"}


@pytest.mark.parametrize(
    ("found", "cards", "ok", "words", "remedy"),
    [
        (torch("2.13.0+cpu"), [], True, "on the CPU", ""),
        (torch("2.13.0+cpu"), [H100], False, "made for the CPU alone, does not use the GPU", "install chatterbox"),
        (torch(**USED, capability=[9, 0], architectures=["sm_90"]), [H100], True, "on the NVIDIA H100", ""),
        (torch(**USED, capability=[6, 1], architectures=["sm_75", "sm_90"]), [H100], False, "capability 6.1", "install chatterbox"),
        (torch(cuda="13.0"), [H100], False, "made for CUDA 13.0", "--gpus all"),
        (torch(cuda="12.8"), [H100], False, "made for CUDA 12.8", "install chatterbox"),
        (torch(mps=True), [], True, "Apple's GPU", ""),
        ({"torch_error": "OSError: libcudart.so", "stock_error": "no torch"}, [], False, "libcudart.so", "install chatterbox"),
        ({"stock_error": "loading them ended the process"}, [], False, "ended the process", "install chatterbox"),
    ],
)
def test_pytorchs_build_is_held_against_the_card(found: dict, cards: list[str], ok: bool, words: str, remedy: str) -> None:
    finding = chatterbox_doctor.check_torch(found, machine(*cards))
    assert finding.ok is ok
    assert words in finding.detail
    assert remedy in finding.remedy
    assert bool(finding.remedy) is not ok


def test_packages_of_chatterbox_that_are_missing_or_do_not_load_are_told(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("numpy>=1\nno-such-package\n", encoding="utf-8")
    finding = chatterbox_doctor.check_packages(torch(), [file])
    assert finding.detail == "no-such-package is missing"
    assert "install chatterbox" in finding.remedy
    broken = {"stock_error": "No module named 'perth'"}
    file.write_text("numpy>=1\n", encoding="utf-8")
    assert "No module named 'perth'" in chatterbox_doctor.check_packages(broken, [file]).detail
    assert not chatterbox_doctor.check_watermark(broken).ok
    assert "does not speak: No module named 'perth'" in chatterbox_doctor.check_watermark(broken).detail


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_packages_that_end_the_process_do_not_end_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatterbox_doctor, "INSPECT", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    assert "status -4" in chatterbox_doctor.inspect_packages()["stock_error"]


def test_a_disk_without_room_for_a_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chatterbox_doctor.check_models_disk(tmp_path / "not" / "yet").ok
    monkeypatch.setattr(chatterbox_doctor, "MODELS_BYTES", 2**63)
    finding = chatterbox_doctor.check_models_disk(tmp_path)
    assert not finding.ok
    assert "HF_HOME" in finding.remedy
