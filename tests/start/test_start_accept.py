"""`run.sh accept`: what it starts, and with what."""

from __future__ import annotations

import os

import pytest
from throwaway import Copy

pytestmark = pytest.mark.skipif(os.name == "nt", reason="run.sh is for POSIX systems")

STUB = "import os, sys\nprint('accept', *sys.argv[1:], os.getcwd())\nsys.exit(int(os.environ.get('STUB_EXIT', '0')))\n"


@pytest.mark.parametrize("status", [0, 1])
def test_accept_runs_in_the_environment_and_in_the_callers_folder_and_gives_its_exit_status(installed: Copy, status: int) -> None:
    (installed.folder / "benchmarks").mkdir()
    (installed.folder / "benchmarks" / "accept.py").write_text(STUB, encoding="utf-8")
    installed.variables["STUB_EXIT"] = str(status)
    done = installed.start("accept", "nano", "--parts", "files,words", "--quick")
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("accept nano --parts files,words --quick /")


def test_a_mistake_in_its_options_is_told_before_anything_is_installed(fresh: Copy) -> None:
    done = fresh.start("accept", "--quik")
    assert done.returncode == 2
    assert "There is no option --quik. Did you mean --quick?" in done.stderr
    assert not fresh.environment.exists()
