"""Which build of PyTorch a machine gets."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from throwaway import write_program

from tts_server import accelerator
from tts_server.accelerator import Card, Machine, choose, covered, nvidia_cards, read_nvidia_smi
from tts_server.engines.chatterbox.package import CHATTERBOX
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.launcher.engine_install import suggest_installation

RTX_5090 = "NVIDIA GeForce RTX 5090, {}, 32607, 12.0"
RTX_4090 = "NVIDIA GeForce RTX 4090, {}, 24564, 8.9"
GTX_1080 = "NVIDIA GeForce GTX 1080, {}, 8192, 6.1"
H100 = "NVIDIA H100 80GB HBM3, {}, 81559, 9.0"
V100 = "Tesla V100-SXM2-16GB, {}, 16384, 7.0"
K80 = "Tesla K80, {}, 11441, 3.7"


@pytest.mark.parametrize(
    ("system", "card", "driver", "build"),
    [
        ("Linux", RTX_5090, "580.65.06", "cu130"),
        ("Linux", RTX_5090, "570.86.10", "cu128"),
        ("Linux", RTX_5090, "550.54.14", "cpu"),  # an impossible pair, but then no build would run
        ("Linux", RTX_4090, "550.54.14", "cu126"),
        ("Windows", RTX_4090, "581.29", "cu130"),
        ("Windows", RTX_4090, "572.16", "cu128"),
        ("Windows", RTX_4090, "528.02", "cu118"),
        ("Linux", GTX_1080, "550.54.14", "cu126"),
        ("Linux", GTX_1080, "580.65.06", "cu126"),
        ("Linux", GTX_1080, "470.256.02", "cu118"),
        ("Linux", GTX_1080, "390.157", "cpu"),
        ("Windows", GTX_1080, "390.65", "registry"),
        ("Linux", V100, "580.65.06", "cu126"),
        ("Linux", H100, "580.65.06", "cu130"),
        ("Linux", H100, "535.104.05", "cu126"),
        ("Linux", K80, "470.256.02", "cpu"),
    ],
)
def test_nvidias_cards_get_the_newest_build_that_card_and_driver_can_run(system: str, card: str, driver: str, build: str) -> None:
    machine = Machine(system, "AMD64" if system == "Windows" else "x86_64", read_nvidia_smi(card.format(driver)))
    assert choose(machine).backend == build


@pytest.mark.parametrize(
    ("machine", "build"),
    [
        (Machine("Linux", "x86_64"), "cpu"),
        (Machine("Linux", "aarch64"), "cpu"),
        (Machine("Windows", "AMD64"), "registry"),
        (Machine("Windows", "ARM64"), "cpu"),
        (Machine("Darwin", "arm64"), "registry"),
        (Machine("Darwin", "x86_64"), ""),
        (Machine("Linux", "x86_64", amd=("gfx1100",)), "rocm7.2"),
        (Machine("Linux", "x86_64", amd=("gfx1036", "gfx1201")), "rocm7.2"),  # the first is inside the processor
        (Machine("Linux", "x86_64", amd=("gfx906",)), "rocm6.3"),
        (Machine("Linux", "x86_64", amd=("gfx803",)), "cpu"),
        (Machine("Linux", "x86_64", (Card("NVIDIA RTX A2000", (580, 1), (8, 6)),), ("gfx1100",)), "cu130"),
    ],
)
def test_other_machines(machine: Machine, build: str) -> None:
    assert choose(machine).backend == build


def test_of_several_cards_the_most_able_decides() -> None:
    cards = "\n".join((GTX_1080.format("580.65.06"), RTX_5090.format("580.65.06")))
    chosen = choose(Machine("Linux", "x86_64", read_nvidia_smi(cards)))
    assert chosen.backend == "cu130"
    assert "RTX 5090" in chosen.reason


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (Machine("Linux", "x86_64", read_nvidia_smi(RTX_5090.format("550.54.14"))), "it needs 570 or newer"),
        (Machine("Linux", "x86_64", read_nvidia_smi(K80.format("470.256.02"))), "Tesla K80 is older"),
        (Machine("Linux", "x86_64", amd=("gfx803",)), "no code for AMD's gfx803"),
        (Machine("Darwin", "x86_64"), "Intel"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_told_with_the_reason(machine: Machine, words: str) -> None:
    assert words in choose(machine).reason


def test_a_wanted_build_is_taken_and_a_wrong_name_refused() -> None:
    assert choose(Machine("Linux", "x86_64"), "cu126").backend == "cu126"
    for wrong in ("cuda", "CPU", "cu126 --index-url x", "https://example.invalid"):
        with pytest.raises(ValueError, match="PARLANCE_TORCH"):
            choose(Machine("Linux", "x86_64"), wrong)


def test_nvidia_smi_is_read_also_where_fields_are_missing() -> None:
    assert read_nvidia_smi("NVIDIA Y, 470.256.02, 8192\n") == (Card("NVIDIA Y", (470, 256), None, 8192),)
    assert read_nvidia_smi("NVIDIA Y, 535.104.05, [N/A], [N/A]") == (Card("NVIDIA Y", (535, 104), None, None),)
    assert read_nvidia_smi("No devices were found\n") == ()
    assert read_nvidia_smi("") == ()


def test_a_card_whose_capability_is_unknown_gets_an_old_build() -> None:
    assert choose(Machine("Linux", "x86_64", read_nvidia_smi("NVIDIA Y, 470.256.02, 8192"))).backend == "cu118"


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_a_driver_that_knows_no_capability_is_asked_again_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = 'case "$*" in *compute_cap*) echo "Field is not valid"; exit 2;; esac'
    write_program(tmp_path, "nvidia-smi", f'{refusal}\necho "NVIDIA Y, 470.256.02, 8192"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [card.name for card in nvidia_cards()] == ["NVIDIA Y"]
    write_program(tmp_path, "nvidia-smi", "exit 9")
    assert nvidia_cards() == ()


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_nvidia_smi_sees_no_secret_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEYS", "HF_TOKEN", "S3_SECRET_ACCESS_KEY", "SOME_LATER_SECRET"):
        monkeypatch.setenv(name, "a-secret-value")
    write_program(tmp_path, "nvidia-smi", f'/usr/bin/env > "{tmp_path}/seen"\necho "NVIDIA Y, 535.104.05, 8192, 8.6"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [card.name for card in nvidia_cards()] == ["NVIDIA Y"]
    assert "PATH=" in (tmp_path / "seen").read_text()
    assert "a-secret-value" not in (tmp_path / "seen").read_text()


def test_amds_architectures_are_read_from_the_driver(tmp_path: Path) -> None:
    for node, version in enumerate((0, 90010, 110000, 100306)):
        (tmp_path / str(node)).mkdir()
        (tmp_path / str(node) / "properties").write_text(f"cpu_cores_count 0\ngfx_target_version {version}\nvendor_id 4098\n")
    assert accelerator.amd_architectures(tmp_path) == ("gfx90a", "gfx1100", "gfx1036")
    assert accelerator.amd_architectures(tmp_path / "missing") == ()


@pytest.mark.parametrize(
    ("capability", "architectures", "is_covered"),
    [
        ((12, 0), ["sm_80", "sm_90", "sm_120"], True),
        ((12, 1), ["sm_120"], True),
        ((8, 9), ["sm_80", "sm_90"], True),
        ((6, 1), ["sm_75", "sm_80", "compute_90"], False),
        ((12, 0), ["sm_80", "sm_90"], False),
        ((12, 0), ["sm_80", "compute_90"], True),
        ((9, 0), ["sm_90a"], True),
        ((8, 0), ["sm_86"], False),
        ((8, 0), [], False),
    ],
)
def test_code_runs_on_its_major_version_and_intermediate_code_on_newer_ones(
    capability: tuple[int, int], architectures: list[str], is_covered: bool
) -> None:
    assert covered(capability, architectures) is is_covered


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_an_engine_is_suggested_where_a_usable_card_is_and_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    missing = replace(CHATTERBOX, is_installed=lambda: False)
    installed = replace(CHATTERBOX, is_installed=lambda: True)
    write_program(tmp_path, "nvidia-smi", f'echo "{H100.format("580.65.06")}"')
    sentence = suggest_installation([EMBEDDED, missing]) or ""
    assert "NVIDIA H100" in sentence
    assert "23 languages" in sentence
    assert "run.sh install chatterbox" in sentence
    assert suggest_installation([EMBEDDED, installed]) is None
    write_program(tmp_path, "nvidia-smi", f'echo "{K80.format("470.256.02")}"')
    assert suggest_installation([EMBEDDED, missing]) is None
    write_program(tmp_path, "nvidia-smi", "exit 9")
    assert suggest_installation([EMBEDDED, missing]) is None
