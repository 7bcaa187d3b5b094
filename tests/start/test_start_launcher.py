"""The way from run.sh to a running server, with real interpreters, environments and pip."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from throwaway import PROJECT, PYTHON, Copy, moved, write_program, write_wheel

from tts_server.launcher.environment import Environment
from tts_server.launcher.errors import StartError
from tts_server.launcher.launcher import start
from tts_server.launcher.test_command import FAST_TESTS, side_by_side

pytestmark = pytest.mark.skipif(os.name == "nt", reason="run.sh is for POSIX systems")


def test_the_first_start_installs_and_the_second_runs_no_pip(finished: Copy) -> None:
    assert finished.first["version"] == "1.0"
    assert Path(finished.first["prefix"]) == finished.environment
    assert finished.pip_installs() == 1
    log = finished.log.read_bytes()
    assert finished.see()["version"] == "1.0"
    assert finished.log.read_bytes() == log


def test_changed_requirements_are_installed_at_the_next_start(installed: Copy) -> None:
    installed.require("2.0")
    assert installed.see()["version"] == "2.0"
    assert installed.pip_installs() == 2


def test_a_moved_folder_starts_without_installing_again(installed: Copy) -> None:
    seen = installed.see()
    assert Path(seen["prefix"]) == installed.environment
    assert installed.pip_installs() == 1


@pytest.mark.parametrize("damage", ["no python", "no pyvenv.cfg", "python does not run", "packages of another python"])
def test_a_broken_environment_is_made_again(installed: Copy, damage: str) -> None:
    if damage == "no python":
        for name in installed.python.parent.glob("python*"):
            name.unlink()
    elif damage == "no pyvenv.cfg":
        (installed.environment / "pyvenv.cfg").write_bytes(b"\0\xff garbage")
    elif damage == "python does not run":
        installed.python.unlink()
        write_program(installed.python.parent, "python", "exit 127")
    else:
        packages = installed.site_packages()
        packages.parent.rename(packages.parent.with_name("python3.1"))
    assert installed.see()["version"] == "1.0"
    assert installed.pip_installs() == 2


@contextmanager
def serving(wheel: bytes) -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """An address of the wheel, an event that a request came, and one that lets the answers go."""
    asked, answer = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            asked.set()
            answer.wait(60)
            try:
                self.send_response(200)
                self.send_header("Content-Length", str(len(wheel)))
                self.end_headers()
                self.wfile.write(wheel)
            except OSError:
                pass  # the one who asked was killed

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked, answer
        finally:
            answer.set()
            server.shutdown()
            thread.join()


def test_an_install_that_was_killed_is_done_again_from_nothing(installed: Copy) -> None:
    wheel = next(installed.folder.glob("*.whl"))
    with serving(wheel.read_bytes()) as (address, asked, answer):
        (installed.folder / "requirements.txt").write_text(f"probe @ {address}{wheel.name}\n", encoding="utf-8")
        command = ["/bin/sh", str(installed.folder / "run.sh")]
        victim = subprocess.Popen(command, env=installed.variables, start_new_session=True, stderr=subprocess.DEVNULL)
        assert asked.wait(60)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        answer.set()
        left_behind = installed.site_packages() / "half_a_package.py"
        left_behind.touch()
        assert installed.see()["version"] == "1.0"
        assert not left_behind.exists()


def test_two_first_starts_at_once_both_succeed_with_one_install(fresh: Copy) -> None:
    command = ["/bin/sh", str(fresh.folder / "run.sh")]
    both = [
        subprocess.Popen(command, env=fresh.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") for _ in range(2)
    ]
    results = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert [json.loads(output)["version"] for output, _ in results] == ["1.0", "1.0"]
    assert fresh.pip_installs() == 1


def test_a_damaged_package_is_repaired_and_the_command_runs(installed: Copy) -> None:
    (installed.site_packages() / "probe" / "__init__.py").unlink()
    seen = installed.see("say", "hello there")
    assert seen["version"] == "1.0"
    assert seen["arguments"] == ["say", "hello there"]


def test_a_package_without_its_record_is_repaired_too(installed: Copy) -> None:
    (installed.site_packages() / "probe" / "__init__.py").unlink()
    (installed.site_packages() / "probe-1.0.dist-info" / "RECORD").unlink()
    (installed.site_packages() / "pip" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    assert installed.see()["version"] == "1.0"


def test_a_package_that_stays_damaged_is_repaired_only_once(installed: Copy) -> None:
    commands = installed.folder / "tts_server" / "commands.py"
    commands.write_text("import probe.nothing_of_this_name", encoding="utf-8")
    done = installed.start()
    assert done.returncode != 0
    assert "nothing_of_this_name" in done.stderr
    assert installed.pip_installs() == 2


def test_a_server_that_the_launcher_did_not_start_repairs_nothing(installed: Copy) -> None:
    package = installed.site_packages() / "probe" / "__init__.py"
    package.unlink()
    subprocess.run([installed.python, "-m", "tts_server"], cwd=installed.folder, env=installed.variables, capture_output=True, timeout=60)
    assert not package.exists()
    assert installed.pip_installs() == 1


def test_on_windows_the_waiting_launcher_repairs_once_and_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"

    class Recorded(Environment):
        def repair(self) -> None:
            with log.open("a") as file:
                file.write("repair\n")

    environment = Recorded(tmp_path)
    environment.python = write_program(tmp_path, "python.exe", f'echo "start $PARLANCE_LAUNCHED" >> "{log}"; exit 97')
    with monkeypatch.context() as windows, pytest.raises(SystemExit) as end:
        windows.setattr("sys.platform", "win32")
        start(environment, [])
    assert log.read_text(encoding="utf-8").splitlines() == ["start 1", "repair", "start repaired"]
    assert end.value.code == 97


def test_arguments_and_the_callers_folder_arrive_as_they_are(installed: Copy, tmp_path: Path) -> None:
    caller = tmp_path / "my folder"
    caller.mkdir()
    for module in ("json", "runpy", "probe", "tts_server"):  # files of the caller must not take the place of modules
        (caller / f"{module}.py").write_text("raise SystemExit('the wrong module')", encoding="utf-8")
    arguments = ["say", "zwei Wörter", '名前 "$HOME" * \\ %PATH%', "", "-o", "out dir/ä.mp3"]
    seen = installed.see(*arguments, cwd=caller, PYTHONPATH=str(caller))
    assert seen["arguments"] == arguments
    assert Path(seen["cwd"]) == caller


@pytest.mark.parametrize("code", [0, 3, 97])
def test_the_servers_exit_status_is_passed_on(installed: Copy, code: int) -> None:
    assert installed.start(STUB_EXIT=str(code)).returncode == code


def test_run_sh_works_through_a_chain_of_symbolic_links(installed: Copy, tmp_path: Path) -> None:
    links = tmp_path / "links ü"
    links.mkdir()
    (links / "first").symlink_to(os.path.relpath(installed.folder / "run.sh", links))
    (links / "second").symlink_to("first")
    assert Path(installed.see(program=links / "second")["prefix"]) == installed.environment


def test_parlance_venv_names_another_folder_relative_to_the_caller(installed: Copy, tmp_path: Path) -> None:
    installed.environment.rename(tmp_path / "elsewhere")
    seen = installed.see(cwd=tmp_path, PARLANCE_VENV="elsewhere")
    assert Path(seen["prefix"]) == tmp_path / "elsewhere"
    assert installed.pip_installs() == 1


def test_a_folder_that_parlance_did_not_make_is_never_emptied(installed: Copy, tmp_path: Path) -> None:
    precious = tmp_path / "home" / "letter.txt"
    precious.parent.mkdir()
    precious.write_text("dear", encoding="utf-8")
    done = installed.start(PARLANCE_VENV=str(precious.parent))
    assert done.returncode == 1
    assert "did not create it" in done.stderr
    assert precious.read_text(encoding="utf-8") == "dear"


def test_an_environment_of_the_users_own_is_filled_but_not_emptied(installed: Copy) -> None:
    for name in ("parlance.made", "parlance.json", "parlance.lock"):
        (installed.environment / name).unlink()
    own = installed.site_packages() / "of_my_own.py"
    own.touch()
    installed.require("2.0")
    assert installed.see()["version"] == "2.0"
    assert own.exists()


def test_a_failed_install_says_why_and_keeps_what_was_there(installed: Copy) -> None:
    requirements = installed.folder / "requirements.txt"
    working = requirements.read_text(encoding="utf-8")
    requirements.write_text("a-package-that-is-nowhere\n", encoding="utf-8")
    done = installed.start(PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:1/", PIP_RETRIES="1")
    assert done.returncode == 1
    log = installed.environment / "parlance-install.log"
    assert "a-package-that-is-nowhere" in log.read_text(encoding="utf-8")  # pip's own words
    assert "a-package-that-is-nowhere" not in done.stderr
    assert "The network cannot be reached" in done.stderr
    assert str(log) in done.stderr
    requirements.write_text(working, encoding="utf-8")
    assert installed.see()["version"] == "1.0"
    assert installed.pip_installs() == 1


def test_the_installers_reason_is_named_where_it_is_not_the_network_or_the_disk(installed: Copy) -> None:
    (installed.folder / "requirements.txt").write_text("a-package-that-is-nowhere\n", encoding="utf-8")
    done = installed.start()  # the index is switched off
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line]
    reason = next(number for number, line in enumerate(lines) if "a-package-that-is-nowhere" in line)
    assert "The reason is in the installer's output" in "\n".join(lines[:reason])
    assert len(lines) < 12
    assert str(installed.environment / "parlance-install.log") in lines[-1]


OLD_PYTHON = """case "$*" in
    *"import sys; sys.exit("*) exit 1 ;;
    *version_info*) echo 3.8 ;;
    *cache_tag*) echo cpython-38 ;;
    *pip*) exit 0 ;;
    *) echo "a server for Python 3.8 was started"; exit 1 ;;
esac"""


def test_an_environment_of_an_old_python_is_made_again(installed: Copy) -> None:
    installed.python.unlink()
    write_program(installed.python.parent, "python", OLD_PYTHON)
    done = installed.start()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["python"] >= [3, 10]
    assert f"{installed.environment} was made by Python 3.8, and Parlance needs 3.10 or newer. It is created again." in done.stderr


def test_an_environment_of_an_old_python_that_parlance_did_not_make_is_left_alone(installed: Copy) -> None:
    (installed.environment / "parlance.made").unlink()
    installed.python.unlink()
    write_program(installed.python.parent, "python", OLD_PYTHON)
    done = installed.start()
    assert done.returncode == 1
    assert "was made by Python 3.8" in done.stderr
    assert "Delete it, or set PARLANCE_VENV to another folder" in done.stderr
    assert "cpython-38" in subprocess.run([installed.python, "cache_tag"], capture_output=True, encoding="utf-8", timeout=60).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, "say"),
        (["--version"], 0, "0."),
        (["say", "--help"], 0, "./run.sh say -f book.txt"),
        (["install", "--help"], 0, "chatterbox"),
        (["test", "--help"], 0, "--newest"),
        (["test", "--help"], 0, "--fast"),
        (["sing"], 2, "There is no command 'sing'."),
        (["docter"], 2, "Did you mean doctor?"),
        (["say", "--vioce", "x", "Hi."], 2, "Did you mean --voice?"),
        (["install", "chatterbx"], 2, "Did you mean chatterbox?"),
        (["say", "--speed", "fast", "Hi."], 2, "--speed: 'fast' is not a number."),
    ],
)
def test_help_and_mistakes_need_nothing_installed(fresh: Copy, arguments: list[str], code: int, words: str) -> None:
    done = fresh.start(*arguments)
    assert done.returncode == code, done.stderr
    assert words in (done.stderr if code else done.stdout)
    assert not fresh.environment.exists()


def test_a_python_without_its_venv_package_names_the_package_to_install(tmp_path: Path) -> None:
    refusal = "not created successfully because ensurepip is not\\navailable."
    debian = write_program(tmp_path, "python3", f'case "$*" in *"-m venv"*) printf "{refusal}"; exit 1;; esac\nexec {PYTHON} "$@"')
    (tmp_path / "requirements.txt").touch()
    with pytest.raises(StartError, match=r"sudo apt install python3\.\d+-venv"):
        Environment(tmp_path / "environment", project=tmp_path, base=str(debian)).ensure("requirements.txt")


@pytest.mark.parametrize(("stub", "words"), [(None, "no Python was found"), ("printf 3.8; exit 1", "the newest one found here is 3.8")])
def test_a_missing_or_too_old_python_is_named(fresh: Copy, stub: str | None, words: str) -> None:
    (fresh.programs / "python3").unlink()
    if stub is not None:
        write_program(fresh.programs, "python3", stub)
    write_program(fresh.programs, "apt-get", "exit 1")
    done = fresh.start()
    assert done.returncode == 1
    assert words in done.stderr
    assert "sudo apt install python3" in done.stderr
    assert not fresh.environment.exists()


def test_a_python_that_only_pretends_to_be_there_is_passed_over(fresh: Copy) -> None:
    """As version managers leave them: a `python3` that says it has no version to run."""
    (fresh.folder / "tts_server" / "launcher" / "launcher.py").write_text("import sys; print('launched', *sys.argv[1:])", encoding="utf-8")
    (fresh.programs / "python3").rename(fresh.programs / "python")
    write_program(fresh.programs, "python3", "echo no version is set >&2; exit 127")
    assert fresh.start("doctor").stdout == "launched doctor\n"


def give_stub_tools(copy: Copy) -> None:
    """Make a copy's linters and pytest only print that they were called; STUB_FAIL names one that fails.

    Where STUB_COMPILES is set, they also print whether they would write compiled files.
    """
    stub = "import os, sys\nprint('{0}', *sys.argv[1:], flush=True)\n"
    stub += "if 'STUB_COMPILES' in os.environ: print(not sys.dont_write_bytecode, flush=True)\n"
    stub += "sys.exit(9 if os.environ.get('STUB_FAIL') == '{0}' else 0)\n"
    modules = {f"{name}.py": stub.format(name) for name in ("ruff", "mypy", "pytest")}
    modules["importlinter/cli.py"] = f"def lint_imports_command():\n    exec({stub.format('lint-imports')!r})\n"
    wheel = write_wheel(copy.folder, "stages", "1.0", modules)
    (copy.folder / "requirements-test.txt").write_text(f"-r requirements.txt\n./{wheel.name}\n", encoding="utf-8")
    for tool in ("chromium-headless-shell", "wine", "strace", "nginx", "caddy"):
        write_program(copy.programs, tool, "exit 1")


@pytest.fixture(scope="module")
def tested(finished: Copy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Copy, subprocess.CompletedProcess[str]]:
    """A copy whose test command ran once and installed the stub tools, and what it printed. Shared: not to be changed."""
    copy = moved(finished, tmp_path_factory.mktemp("tested"))
    give_stub_tools(copy)
    return copy, copy.start("test", "-k", "two words")


@pytest.fixture
def testable(tested: tuple[Copy, subprocess.CompletedProcess[str]], tmp_path: Path) -> Copy:
    """A copy of one's own that has the stub tools."""
    return moved(tested[0], tmp_path)


def test_the_test_command_runs_every_stage_and_gives_its_arguments_to_pytest(
    tested: tuple[Copy, subprocess.CompletedProcess[str]], testable: Copy
) -> None:
    done = tested[1]
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["ruff check .", "mypy", "lint-imports", "pytest --durations=10 -k two words"]
    log = testable.log.read_bytes()
    assert testable.start("test").returncode == 0
    assert testable.start("--version").returncode == 0
    assert testable.log.read_bytes() == log


def test_the_fast_tier_runs_the_quick_stages_with_unit_tests_alone(testable: Copy) -> None:
    (testable.programs / "wine").unlink()
    done = testable.start("test", "--fast", "-k", "two words")
    assert done.returncode == 0, done.stderr
    *stages, tests = done.stdout.splitlines()
    assert stages == ["ruff check .", "lint-imports"]
    assert tests == f"pytest --durations=10 {' '.join(FAST_TESTS)} -k two words"
    assert "3/3 pytest" in done.stderr
    assert "wine" not in done.stderr


def test_the_folders_of_the_fast_tier_hold_tests_and_its_markers_exist(pytestconfig: pytest.Config) -> None:
    folders = FAST_TESTS[: FAST_TESTS.index("-m")]
    assert all(any((PROJECT / folder).rglob("test_*.py")) for folder in folders)
    known = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert set(re.findall(r"not (\w+)", FAST_TESTS[-1])) <= known


def test_the_test_command_writes_compiled_files_whatever_the_caller_has_set(testable: Copy) -> None:
    done = testable.start("test", "-x", PYTHONDONTWRITEBYTECODE="1", STUB_COMPILES="1")
    assert done.stdout.splitlines() == [
        "ruff check .",
        "True",
        "mypy",
        "True",
        "lint-imports",
        "True",
        "pytest --durations=10 -x",
        "True",
    ], done.stderr


def test_the_test_command_stops_at_the_first_failure_with_its_exit_status(testable: Copy) -> None:
    done = testable.start("test", STUB_FAIL="mypy")
    assert done.returncode == 9
    assert done.stdout.splitlines() == ["ruff check .", "mypy"]
    assert "mypy failed" in done.stderr


def test_the_test_command_brings_missing_programs_only_as_root_on_debian(testable: Copy) -> None:
    (testable.programs / "wine").unlink()
    write_program(testable.programs, "apt-get", 'echo apt-get "$@"; [ "$1" = update ]')
    done = testable.start("test", CI="true")
    assert done.returncode == 0, done.stderr
    apt = [line for line in done.stdout.splitlines() if line.startswith("apt-get")]
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        assert apt == ["apt-get update -qq", "apt-get install -y -qq --no-install-recommends wine"]
        assert "apt could not install wine" in done.stderr
    else:
        assert apt == []
        assert "Not installed: wine" in done.stderr


def test_ci_runs_the_test_command(testable: Copy, tmp_path: Path) -> None:
    (testable.folder / ".ci").mkdir()
    script = testable.folder / ".ci" / "run"
    shutil.copy(Path(__file__).resolve().parents[2] / ".ci" / "run", script)
    variables = testable.variables | {"PATH": f"{testable.programs}:{os.environ['PATH']}"}
    done = subprocess.run([script], cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split()[0] == "pytest"


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_files_of_tests_run_beside_each_other_where_there_are_cores(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    processes = {1: [], 2: ["-n", "3"], 64: ["-n", "4"]}
    assert side_by_side()[:2] == processes[cores]
