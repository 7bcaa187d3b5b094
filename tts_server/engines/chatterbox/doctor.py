"""The checks of Chatterbox's packages for `doctor`. A Python of its own loads them, never the process that reports."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from packaging.requirements import InvalidRequirement

from tts_server.accelerator import Build, Machine, choose, covered
from tts_server.child_environment import minimal_environment
from tts_server.config import PROJECT
from tts_server.engines.chatterbox.package import CHATTERBOX, INSTALLATION
from tts_server.finding import Finding
from tts_server.packages import compare_packages, installed_version

INSTALL = INSTALLATION.command
REQUIREMENTS = tuple(PROJECT / name for name in INSTALLATION.requirements)
MODELS_BYTES = 4 * 10**9

TORCH_VARIABLES = (
    "CUDA", "NVIDIA", "NCCL", "HIP", "HSA", "ROCR", "AMD", "GPU", "TORCH", "PYTORCH", "OMP", "MKL", "KMP", "PYTHON", "VIRTUAL_ENV",
    "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAM", "XDG_", "HF_HOME", "HF_HUB_CACHE", "LANG", "LC_",
)  # fmt: skip
"""Beginnings of the names of variables that PyTorch, its drivers and Python read."""

# Run by a Python of its own, since packages for another processor or driver can end the process that loads them.
INSPECT = """
import json, os, sys

sys.path.insert(0, sys.argv[1])
found = {}
try:
    import torch

    cuda = torch.cuda.is_available()
    found["torch"] = {
        "version": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip, "is_available": cuda,
        "name": torch.cuda.get_device_name(0) if cuda else None, "capability": torch.cuda.get_device_capability(0) if cuda else None,
        "architectures": torch.cuda.get_arch_list() if cuda else [], "mps": torch.backends.mps.is_available(),
    }
except Exception as error:
    found["torch_error"] = f"{type(error).__name__}: {error}"
try:
    from tts_server.engines.chatterbox.weights import stock

    found["torchaudio"] = getattr(sys.modules.get("torchaudio._extension"), "__file__", None) is not None
    found["watermark"] = stock.PerthImplicitWatermarker is not None
except Exception as error:
    found["stock_error"] = str(error) or type(error).__name__
print("\\n" + json.dumps(found))
"""


Inspection: TypeAlias = Mapping[str, Any]
"""The result of INSPECT: a JSON object."""


def check_engine(machine: Machine, models_folder: Path) -> list[Finding]:
    """Check Chatterbox's packages, PyTorch's build for the GPU, the watermarker, the disk. Loads nothing unless they are installed."""
    if installed_version("chatterbox-tts") is None:
        names = ", ".join(model.id for model in CHATTERBOX.models)
        build = choose(machine)
        remedy = INSTALL if build.backend else ""
        return [Finding("Chatterbox", False, f"not installed ({names})" if remedy else f"not for this machine: {build.reason}", remedy)]
    found = inspect_packages()
    return [
        check_packages(found),
        check_torch(found, machine),
        check_watermark(found),
        check_models_disk(models_folder),
    ]


def inspect_packages(timeout: float = 180) -> Inspection:
    """Return what another Python finds when it loads Chatterbox: keys as in INSPECT; `stock_error` alone where that process failed."""
    command = [sys.executable, "-W", "ignore", "-c", INSPECT, str(PROJECT)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, encoding="utf-8", errors="replace", env=_quiet()
        )
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return {"stock_error": f"loading them failed: {error}"}
    if not isinstance(found, dict):
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return {"stock_error": f"loading them ended the process with status {done.returncode} {last[0]}".strip()}
    return found


def check_packages(found: Inspection, files: Sequence[Path] = REQUIREMENTS) -> Finding:
    """Check that each package is installed in a version that fits, and that they load."""
    present: list[str] = []
    wrong: list[str] = []
    try:
        for file in files:
            well, not_well = compare_packages(file)
            present += well
            wrong += not_well
    except (OSError, InvalidRequirement) as error:
        return Finding("Chatterbox", False, f"{error}", "restore the file")
    if wrong:
        return Finding("Chatterbox", False, "; ".join(wrong), INSTALL)
    if "stock_error" in found:
        return Finding("Chatterbox", False, f"does not load: {found['stock_error']}", INSTALL)
    native = "" if found["torchaudio"] else "; torchaudio without its native part, which is not needed"
    return Finding("Chatterbox", True, ", ".join(present) + native)


def check_torch(found: Inspection, machine: Machine) -> Finding:
    """Check that PyTorch loads, and that its build uses this machine's GPU."""
    if "torch" not in found:
        return Finding("PyTorch", False, f"does not load: {found.get('torch_error') or found['stock_error']}", INSTALL)
    torch, build = found["torch"], choose(machine)
    version, name = torch["version"], torch["name"]
    if torch["is_available"] and torch["cuda"] and not covered(tuple(torch["capability"]), torch["architectures"]):
        capability = "{}.{}".format(*torch["capability"])
        return Finding("PyTorch", False, f"{version} has no code for the {name} (compute capability {capability})", INSTALL)
    if torch["is_available"]:
        return Finding("PyTorch", True, f"{version} on the {name}")
    if torch["mps"]:
        return Finding("PyTorch", True, f"{version} on Apple's GPU")
    if build.is_for_gpu:
        return _unused_gpu(torch, build)
    return Finding("PyTorch", True, f"{version} on the CPU")


def _unused_gpu(torch: Inspection, build: Build) -> Finding:
    made_for = f"CUDA {torch['cuda']}" if torch["cuda"] else f"ROCm {torch['hip']}" if torch["hip"] else "the CPU alone"
    detail = f"{torch['version']}, made for {made_for}, does not use the GPU ({build.reason})"
    # The number in cu128 is CUDA's version without its point.
    is_this_build = build.backend == f"cu{(torch['cuda'] or '').replace('.', '')}" or (torch["hip"] and build.backend.startswith("rocm"))
    if is_this_build:
        remedy = "restart the machine after an update of the driver; let a container see the GPU (--gpus all); unset CUDA_VISIBLE_DEVICES"
        return Finding("PyTorch", False, detail, remedy)
    return Finding("PyTorch", False, detail, INSTALL)


def check_watermark(found: Inspection) -> Finding:
    """Check that the watermarker loads, without which Chatterbox does not speak."""
    if found.get("watermark"):
        return Finding("Watermark", True, "loads")
    return Finding(
        "Watermark", False, f"does not load, so Chatterbox does not speak: {found.get('stock_error', 'no reason given')}", INSTALL
    )


def check_models_disk(folder: Path) -> Finding:
    """Check that a model fits on the disk that models are downloaded to."""
    nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(nearest).free
    detail = f"{free / 1e9:.0f} GB free in {folder}"
    if free < MODELS_BYTES:
        return Finding(
            "Models", False, f"{detail}; a model takes up to {MODELS_BYTES / 1e9:.0f}", "set HF_HOME to a folder on another disk"
        )
    return Finding("Models", True, detail)


def _quiet() -> dict[str, str]:
    """The environment of a Python process that loads PyTorch, without keys and passwords."""
    return {**minimal_environment(TORCH_VARIABLES), "PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1"}
