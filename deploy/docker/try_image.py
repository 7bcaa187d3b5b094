"""Builds the image and tries it as a container runtime would run it; needs root on Linux, `buildah` and `mmdebstrap`, no Docker.

    sudo python3 deploy/docker/try_image.py [--target cpu] [--base FILE.tar] [--volume HOST:CONTAINER]... [--json FILE]

The container has a read-only root, a tmpfs for /tmp, an empty volume for /data and a user id that nobody has. It has to speak, to finish a
reply that is being read when SIGTERM comes, and to speak again after `kill -9`. Standard library only.

--base: a root file system with Python 3.10 or newer and its venv module, in place of the public Python image; unless given, mmdebstrap
makes one. --volume: mounted while the image is built, such as a pip.conf that names a mirror.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
USER_ID = 54_321
"""No user of the image has it."""

PORT = 15_093
START_SECONDS = 60.0
STOP_SECONDS = 60
MIB = 2**20
RUN = r"""
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$DATA" "$ROOT/data"
mount -o remount,bind,ro "$ROOT"
mount -t tmpfs -o mode=1777,size=512m tmpfs "$ROOT/tmp"
mount -t tmpfs -o ro tmpfs "$ROOT/root"
exec chroot "$ROOT" setpriv --reuid "$USER_ID" --regid 0 --clear-groups --no-new-privs --bounding-set=-all -- \
    /bin/sh -c 'cd "$0" && exec "$@"' "$0" "$@"
"""
"""Becomes the container's first process, in mount and process namespaces of its own."""


class Failure(Exception):
    """The image does not do what it should; the message says what."""


@dataclass(frozen=True)
class Image:
    """A built image: where its files are mounted, its configuration as OCI defines it, the size of its compressed layers in bytes."""

    root: Path
    config: dict[str, Any]
    compressed_bytes: int
    build_seconds: float


def buildah(*arguments: str) -> str:
    """Run buildah and return what it prints; raises Failure."""
    done = subprocess.run(  # noqa: S603
        ["buildah", *arguments],  # noqa: S607
        env={**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"},
        stdout=subprocess.PIPE,
        stderr=None,
        check=False,
    )
    if done.returncode:
        raise Failure(f"buildah {arguments[0]} failed with status {done.returncode}")
    return done.stdout.decode(errors="replace").strip()


def make_base(file: Path) -> None:
    """Write a Debian root file system with Python."""
    packages = "--include=python3,python3-venv,ca-certificates"
    subprocess.run(["mmdebstrap", "--variant=minbase", packages, "bookworm", str(file)], check=True)  # noqa: S603, S607


@contextlib.contextmanager
def built(target: str, base: Path, volumes: Sequence[str], build_arguments: Sequence[str]) -> Iterator[Image]:
    """The image of a target, removed at the end."""
    scratch = buildah("from", "scratch")
    buildah("add", "--quiet", scratch, str(base), "/")
    buildah("commit", "--quiet", "--rm", scratch, "parlance-base")
    began = time.monotonic()
    options = [f"--volume={volume}" for volume in volumes] + [f"--build-arg={one}" for one in build_arguments]
    dockerfile = PROJECT / "deploy" / "docker" / "Dockerfile"
    buildah(
        *("bud", "--quiet", "--format=docker", "--layers=false", f"--target={target}", "--build-arg=PYTHON_IMAGE=localhost/parlance-base"),
        *(*options, f"--file={dockerfile}", "--tag=parlance-trial", str(PROJECT)),
    )
    build_seconds = time.monotonic() - began
    container = buildah("from", "parlance-trial")
    try:
        config = json.loads(buildah("inspect", "--type=image", "parlance-trial"))["Docker"]["config"]
        with tempfile.TemporaryDirectory() as folder:
            buildah("push", "--quiet", "parlance-trial", f"dir:{folder}")
            manifest = json.loads((Path(folder) / "manifest.json").read_text())
        size = sum(layer["size"] for layer in manifest["layers"])
        yield Image(Path(buildah("mount", container)), config, size, build_seconds)
    finally:
        buildah("rm", container)
        buildah("rmi", "--force", "parlance-trial", "parlance-base")


class Container:
    """A running container of the image. `data` is the folder behind its volume."""

    def __init__(self, image: Image, data: Path, **settings: str) -> None:
        self._image = image
        self._environment = dict(one.split("=", 1) for one in image.config["Env"])
        self._environment |= {"PORT": str(PORT), "STOP_SECONDS": str(STOP_SECONDS), **settings}
        command = [*image.config["Entrypoint"], *image.config["Cmd"]]
        self._process = self._start(data, command)
        self.start_seconds = self._wait_until_healthy()

    def _start(self, data: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
        own = {"ROOT": str(self._image.root), "DATA": str(data), "USER_ID": str(USER_ID)}
        run = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", RUN, self._image.config["WorkingDir"] or "/"]
        path = {"PATH": f"{self._environment['PATH']}:/usr/sbin:/sbin"}
        self._began = time.monotonic()
        return subprocess.Popen([*run, *command], env={**self._environment, **own, **path})  # noqa: S603

    def _wait_until_healthy(self) -> float:
        while time.monotonic() - self._began < START_SECONDS:
            if self._process.poll() is not None:
                raise Failure(f"the server ended with status {self._process.returncode}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
                with contextlib.closing(connection):
                    connection.request("GET", "/health")
                    if connection.getresponse().status == http.client.OK:
                        return time.monotonic() - self._began
            time.sleep(0.05)
        raise Failure("/health did not answer in time")

    @property
    def pid(self) -> int:
        """The server's process, as the host sees it."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0])

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the server."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    @property
    def user_id(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("Uid:")[1].split()[0])

    def is_read_only(self) -> bool:
        """Whether the server's root file system takes no file."""
        flags = [
            line.split()[5].split(",") for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines() if line.split()[4] == "/"
        ]
        return bool(flags) and "ro" in flags[-1]

    def check_health(self) -> int:
        """The exit status of the image's own health check, run inside of the container."""
        check = self._image.config["Healthcheck"]["Test"][1:]
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd", "--setuid", str(USER_ID), "--setgid", "0"]
        return subprocess.run([*enter, *check], env=self._environment, check=False).returncode  # noqa: S603

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for the end; the exit status."""
        return self._process.wait(STOP_SECONDS + 20)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def speak(text: str, *, response_format: str = "wav", is_slow: threading.Event | None = None) -> bytes:
    """The reply to a text. With `is_slow`, reading goes on only after that event. Raises Failure, and HTTPException if the reply is cut."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    with contextlib.closing(connection):
        fields = {"model": "tts-1", "input": text, "voice": "alloy", "seed": 1, "response_format": response_format}
        body = json.dumps({**fields, "stream": is_slow is not None})
        connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise Failure(f"speech answered {response.status}: {response.read(500)!r}")
        if is_slow is None:
            return response.read()
        first = response.read(1024)
        is_slow.wait(STOP_SECONDS)
        return first + response.read()


def seconds_of(wav: bytes) -> float:
    """The length of a WAV file; raises Failure where it is silent."""
    with wave.open(io.BytesIO(wav)) as file:
        frames = file.readframes(file.getnframes())
        if not any(frames):
            raise Failure("the reply is silent")
        return file.getnframes() / file.getframerate()


def require(condition: bool, message: str) -> None:
    if not condition:
        raise Failure(message)


def try_image(image: Image, data: Path) -> dict[str, Any]:
    """Run every check; the figures. Raises Failure at the first that fails."""
    figures: dict[str, Any] = {
        "compressed_mb": round(image.compressed_bytes / 1e6),
        "build_s": round(image.build_seconds),
    }
    container = Container(image, data, CACHE_TTL_MINUTES="10")
    try:
        figures["start_s"] = round(container.start_seconds, 2)
        figures["speech_s"] = round(seconds_of(speak("The container speaks without a network.")), 2)
        require(container.user_id == USER_ID, "the server does not run as the given user")
        require(container.is_read_only(), "the root file system is not read-only")
        require(container.check_health() == 0, "the health check fails although the server is healthy")
        figures["memory_mb"] = round(container.memory_bytes / MIB)
        require((data / "voices" / "standard").is_dir(), "the voices were not copied into the volume")

        container.send_signal(signal.SIGKILL)
        require(container.wait() != 0, "kill -9 did not end it")
    finally:
        container.close()
    container = Container(image, data)
    try:
        figures["restart_after_kill_s"] = round(container.start_seconds, 2)
        seconds_of(speak("The container speaks again."))
        figures["drain"] = drain(container)
    finally:
        container.close()
    return figures


def drain(container: Container) -> str:
    """Send SIGTERM while a reply is being read; all of it has to arrive, and the server has to end by itself with status 0."""
    text = "This reply is being read when the signal comes. " * 40
    go_on = threading.Event()
    replies: list[bytes | BaseException] = []

    def read() -> None:
        try:
            replies.append(speak(text, response_format="pcm", is_slow=go_on))
        except BaseException as error:
            replies.append(error)

    expected = speak(text, response_format="pcm")
    reader = threading.Thread(target=read)
    reader.start()
    while not in_flight():
        require(reader.is_alive(), "the stream did not begin")
    container.send_signal(signal.SIGTERM)
    go_on.set()
    reader.join(STOP_SECONDS)
    status = container.wait()
    reply = replies[0] if replies else None
    require(isinstance(reply, bytes), f"the reply was cut: {reply!r}")
    assert isinstance(reply, bytes)
    require(len(reply) == len(expected), f"the reply has {len(reply)} of {len(expected)} bytes")
    require(status == 0, f"the server ended with status {status}")
    return f"a reply of {len(reply)} bytes arrived whole after SIGTERM"


def in_flight() -> int:
    """Requests that the server is working on."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/health")
        return int(json.loads(connection.getresponse().read())["metrics"]["in_flight"])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Build the image and try it.")
    parser.add_argument("--target", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--base", type=Path, help="root file system (tar) with Python, in place of the public image")
    parser.add_argument("--volume", action="append", default=[], metavar="HOST:CONTAINER", help="mounted while the image is built")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into a file too")
    options = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory() as folder:
        base = options.base or Path(folder) / "base.tar"
        if options.base is None:
            make_base(base)
        data = Path(folder) / "data"
        data.mkdir()
        os.chown(data, USER_ID, 0)
        try:
            with built(options.target, base, options.volume, options.build_arg) as image:
                figures = try_image(image, data)
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
