"""A device that fails for good ends the process with a status of its own, after an answer to everybody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tts_server.launcher import launcher

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_served(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{url}/health", timeout=10)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")


def test_a_device_that_fails_for_good_ends_the_server_with_its_own_status(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    script = Path(__file__).with_name("serve_with_lost_device.py")
    modules = os.pathsep.join(map(str, (ROOT, TESTS, TESTS / "engines")))
    process = subprocess.Popen([sys.executable, str(script), str(port), str(tmp_path)], env={**os.environ, "PYTHONPATH": modules})
    try:
        wait_until_served(url, process)
        fields = {"model": "chatterbox-turbo", "input": "Good evening to you all.", "response_format": "wav"}
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = requests.post(f"{url}/v1/audio/speech", json=fields, timeout=60)
            assert reply.status_code == 503
            if reply.json()["error"]["code"] != "model_loading":
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert process.wait(PATIENCE) == launcher.DEVICE_LOST == 70
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("status", "seconds", "variables", "is_started"),
    [
        (70, 100.0, {launcher.LAUNCHED: "1"}, True),
        (70, 5.0, {launcher.LAUNCHED: "1"}, False),
        (70, 100.0, {}, False),
        (70, 100.0, {launcher.LAUNCHED: "1", "INVOCATION_ID": "a1"}, False),
        (1, 100.0, {launcher.LAUNCHED: "1"}, False),
        (0, 100.0, {launcher.LAUNCHED: "1"}, False),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="there the launcher waits for the server")
def test_what_run_sh_has_started_starts_again_unless_a_supervisor_does_so(monkeypatch, status, seconds, variables, is_started):
    started = []

    def execve(path, command, environment):
        started.append(command)
        raise SystemExit

    for name in (launcher.LAUNCHED, "INVOCATION_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "execve", execve)
    if is_started:
        with pytest.raises(SystemExit):
            launcher.restart_after(status, seconds, ["serve", "--port", "5005"])
        assert started[0][-3:] == ["serve", "--port", "5005"]
    else:
        assert launcher.restart_after(status, seconds, ["serve"]) == status
        assert not started
