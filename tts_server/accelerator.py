"""What this machine can compute with, and which build of PyTorch that requires.

Standard library only, since the launcher asks before anything is installed. `choose` is a pure function of a Machine; `look` finds out
what the machine is, without loading a driver into this process.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tts_server.child_environment import minimal_environment

REGISTRY = "registry"
"""Stands where a build's name would: what `pip install torch` brings, from wherever pip is set to look."""

BACKEND = re.compile(r"registry|cpu|xpu|cu\d{2,3}|rocm\d+(\.\d+)+")

# Older drivers refuse a query with `compute_cap`; they are asked again without.
NVIDIA_QUERIES = ("name,driver_version,memory.total,compute_cap", "name,driver_version,memory.total")

NVIDIA_PROGRAMS = (
    "nvidia-smi",
    "/usr/lib/wsl/lib/nvidia-smi",
    r"C:\Windows\System32\nvidia-smi.exe",
    r"C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe",
)

AMD_NODES = Path("/sys/class/kfd/kfd/topology/nodes")


@dataclass(frozen=True)
class Card:
    """An NVIDIA card as its driver describes it: driver as (570, 86), capability as (12, 0) None if it is not reported, memory in MiB."""

    name: str
    driver: tuple[int, int]
    capability: tuple[int, int] | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Machine:
    """What decides over the build: `platform.system()`, `platform.machine()`, NVIDIA's cards, architectures of AMD's (such as gfx1100)."""

    system: str
    processor: str
    nvidia: tuple[Card, ...] = ()
    amd: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """A build of PyTorch. `backend` is uv's word for it, REGISTRY, or empty where there is none; `reason` is a clause for people.

    `download` and `disk` are about how many GB it and the other packages of an engine take.
    """

    backend: str
    reason: str
    download: float = 0.4
    disk: float = 2.0

    @property
    def is_for_gpu(self) -> bool:
        return self.backend.startswith(("cu", "rocm", "xpu"))


@dataclass(frozen=True)
class Cuda:
    """A CUDA build: the compute capabilities it has code for, first to last, and the oldest drivers that run it."""

    backend: str
    first: tuple[int, int]
    last: tuple[int, int]
    linux: tuple[int, int]
    windows: tuple[int, int]


# Best first. Capabilities: PyTorch's release notes (CUDA 12.8 and later builds have no code below 7.5, 12.6 none above 9.0).
# Drivers: CUDA's release notes, table of minimum versions; 12.8 by its own driver, since only 12.0's would have to translate.
CUDA = (
    Cuda("cu130", (7, 5), (99, 9), (580, 0), (580, 0)),
    Cuda("cu128", (7, 5), (12, 1), (570, 0), (570, 0)),
    Cuda("cu126", (5, 0), (9, 0), (525, 60), (528, 33)),
    Cuda("cu118", (5, 0), (9, 0), (450, 80), (452, 39)),
)

# AMD's architectures with code in PyTorch's builds, and the build; the first two have no maths libraries in later ones.
ROCM = {"gfx900": "rocm6.3", "gfx906": "rocm6.3"} | dict.fromkeys(
    "gfx908 gfx90a gfx942 gfx950 gfx1030 gfx1100 gfx1101 gfx1102 gfx1150 gfx1151 gfx1200 gfx1201".split(), "rocm7.2"
)

TESTED_TORCH = {"torch": "2.13.0", "torchaudio": "2.11.0"}
LAST_TORCH = {
    "cu118": {"torch": "2.7.1", "torchaudio": "2.7.1"},
    "rocm6.3": {"torch": "2.9.1", "torchaudio": "2.9.1"},
}
"""The last versions with builds that PyTorch has ended since."""

CUDA_SIZE = {"download": 3.5, "disk": 9.0}
ROCM_SIZE = {"download": 6.0, "disk": 20.0}


def choose(machine: Machine, wanted: str = "") -> Build:
    """The build for a machine, or the `wanted` one (PARLANCE_TORCH). Raises ValueError where that is no build's name."""
    if wanted:
        return _wanted(wanted)
    if machine.system == "Darwin":
        if machine.processor != "arm64":
            return Build("", "PyTorch ended its builds for Macs with Intel processors with version 2.2")
        return Build(REGISTRY, "a Mac with Apple's processor, whose GPU the usual build uses by Metal")
    if machine.nvidia:
        return _for_nvidia(machine)
    if machine.amd:
        return _for_amd(machine)
    return _for_cpu(machine, "no GPU was found")


def torch_pins(backend: str) -> dict[str, str]:
    """The versions of PyTorch's packages that are installed for a build, by name."""
    return LAST_TORCH.get(backend, TESTED_TORCH)


def look() -> Machine:
    """What this machine is. Takes as long as nvidia-smi does, where there is one."""
    return Machine(platform.system(), platform.machine(), nvidia_cards(), amd_architectures())


def nvidia_cards() -> tuple[Card, ...]:
    """NVIDIA's cards, by nvidia-smi; empty where there is none or its driver does not answer."""
    program = next(filter(None, map(shutil.which, NVIDIA_PROGRAMS)), None)
    if program is None:
        return ()
    for query in NVIDIA_QUERIES:
        command = [program, f"--query-gpu={query}", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(
                command,
                env=minimal_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                encoding="utf-8",
                errors="replace",
            )
        except (OSError, subprocess.SubprocessError):
            return ()
        if done.returncode == 0:
            return read_nvidia_smi(done.stdout)
    return ()


def read_nvidia_smi(text: str) -> tuple[Card, ...]:
    """The cards in the answer to one of NVIDIA_QUERIES. Lines that are none are passed over."""
    cards = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        driver = _pair(fields[1]) if len(fields) > 1 else None
        if driver is None:
            continue
        memory = int(fields[2]) if len(fields) > 2 and fields[2].isdigit() else None
        cards.append(Card(fields[0], driver, _pair(fields[3]) if len(fields) > 3 else None, memory))
    return tuple(cards)


def amd_architectures(nodes: Path = AMD_NODES) -> tuple[str, ...]:
    """Architectures of AMD's GPUs, such as gfx1100, as Linux's driver reports them; empty elsewhere."""
    found = []
    try:
        for properties in sorted(nodes.glob("*/properties")):
            version = re.search(r"^gfx_target_version (\d+)$", properties.read_text(encoding="ascii", errors="replace"), re.M)
            if version and int(version[1]):  # processors are nodes too, with version 0
                found.append(architecture(int(version[1])))
    except OSError:
        pass  # not for us to read; then ROCm could not use it either
    return tuple(found)


def architecture(version: int) -> str:
    """The name of what Linux's driver writes as a number: 90010 is gfx90a, 110000 is gfx1100."""
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"


def covered(capability: tuple[int, int], architectures: Iterable[str]) -> bool:
    """Does a build with these (`torch.cuda.get_arch_list()`: sm_86, compute_90 ...) run on a card of this compute capability?

    Machine code runs on the same major version from its minor version on, intermediate code (`compute_`) on everything newer: CUDA C++
    Programming Guide, "Application Compatibility".
    """
    for name in architectures:
        parts = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", name)
        if parts is None:
            continue
        code = (int(parts[2]), int(parts[3]))
        if code <= capability and (parts[1] == "compute" or code[0] == capability[0]):
            return True
    return False


def _wanted(name: str) -> Build:
    if not BACKEND.fullmatch(name):
        raise ValueError(f"PARLANCE_TORCH names no build of PyTorch: {name!r}. There are registry, cpu, cu126, cu128, cu130, rocm7.2 ...")
    size = CUDA_SIZE if name.startswith("cu") else ROCM_SIZE if name.startswith(("rocm", "xpu")) else {}
    return Build(name, "PARLANCE_TORCH says so", **size)


def _for_cpu(machine: Machine, reason: str) -> Build:
    # The registry has builds for the CPU alone for Windows, those for CUDA for Linux.
    is_usual = machine.system == "Windows" and machine.processor.upper() == "AMD64"
    return Build(REGISTRY if is_usual else "cpu", reason)


def _for_nvidia(machine: Machine) -> Build:
    card = max(machine.nvidia, key=lambda card: card.capability or (0, 0))
    driver = ".".join(map(str, card.driver))
    fitting = [build for build in CUDA if _covers(build, card.capability)]
    if not fitting:
        return _for_cpu(machine, f"the {card.name} is older than what PyTorch still computes on")
    runnable = [build for build in fitting if card.driver >= _driver_for(build, machine)]
    what = f"{card.name}{_describe(card.capability)}, driver {driver}"
    if not runnable:
        needed = min(_driver_for(build, machine) for build in fitting)
        return _for_cpu(machine, f"the driver {driver} of the {card.name} is too old: it needs {needed[0]} or newer")
    return Build(runnable[0].backend, what, **CUDA_SIZE)


def _for_amd(machine: Machine) -> Build:
    known = [name for name in machine.amd if name in ROCM]
    if not known:
        return _for_cpu(machine, f"PyTorch has no code for AMD's {machine.amd[0]}")
    if machine.processor != "x86_64":
        return _for_cpu(machine, "PyTorch's builds for AMD's GPUs are for x86-64 processors")
    return Build(ROCM[known[0]], f"AMD's {known[0]}", **ROCM_SIZE)


def _covers(build: Cuda, capability: tuple[int, int] | None) -> bool:
    # Drivers too old to tell the capability are older than the cards that want newer builds than these two.
    return build.first <= capability <= build.last if capability else build.backend in ("cu126", "cu118")


def _driver_for(build: Cuda, machine: Machine) -> tuple[int, int]:
    return build.windows if machine.system == "Windows" else build.linux


def _describe(capability: tuple[int, int] | None) -> str:
    return f" with compute capability {capability[0]}.{capability[1]}" if capability else ""


def _pair(text: str) -> tuple[int, int] | None:
    numbers = re.match(r"(\d+)\.(\d+)", text)
    return (int(numbers[1]), int(numbers[2])) if numbers else None
