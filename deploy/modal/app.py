"""Parlance on Modal: a server with a GPU that is started by a request and stopped when nobody asks.

    modal secret create parlance CHATTERBOX_API_KEY=change-me     # the key that clients send as x-api-key or Authorization
    modal deploy deploy/modal/app.py                              # prints the address of the server
    modal run deploy/modal/app.py --prompt "Hello." --voice harbor --out hello.wav

Options, as environment variables of these commands: PARLANCE_GPU (L4), PARLANCE_MODEL (chatterbox-turbo), PARLANCE_SCALEDOWN_SECONDS (300),
PARLANCE_MAX_CONTAINERS (4), TORCH_BUILD (cu128); PARLANCE_BUCKET with PARLANCE_BUCKET_ENDPOINT for voices in a bucket, which is mounted for
reading with the keys of the secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).

Modal's own authentication is off, since clients of the OpenAI API cannot send its headers: the server checks its own keys, and the secret
must hold one. Waitress serves, not Modal's WSGI adapter, so that WebSockets and streamed replies work as everywhere else.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import modal

PROJECT = Path(__file__).resolve().parents[2] if modal.is_local() else Path("/app")
PYTHON = "/opt/parlance/bin/python"
PORT = 5093
DATA = "/data"
BUCKET = "/bucket"
START_SECONDS = 900
"""A model that is used for the first time is downloaded into the volume."""

STOP_SECONDS = 60
REQUESTS_AT_ONCE = 16
"""More start another container."""

gpu = os.environ.get("PARLANCE_GPU", "L4")
bucket = os.environ.get("PARLANCE_BUCKET", "")
settings = {
    "HOST": "0.0.0.0",  # noqa: S104 - Modal's proxy is the only one that reaches it
    "PORT": str(PORT),
    "OPEN_BROWSER": "false",
    "ALLOWED_HOSTS": "*",  # the name is Modal's; a key protects the server instead
    "LOG_FORMAT": "json",
    "STOP_SECONDS": str(STOP_SECONDS - 10),
    "DEFAULT_MODEL": os.environ.get("PARLANCE_MODEL", "chatterbox-turbo"),
    "HF_HOME": f"{DATA}/models",
    "VOICE_LIBRARY_PATH": f"{DATA}/voices",
    "PRONUNCIATION_PATH": f"{DATA}/dictionaries",
    "API_KEYS_FILE": f"{DATA}/keys.json",
    # A volume keeps what is written for others to read, which a cache of one container is not.
    "CACHE_PATH": "/tmp/cache/audio",  # noqa: S108
    "VOICE_CACHE_PATH": "/tmp/cache/voices",  # noqa: S108
    **({"RESONANCE_VOICES": BUCKET} if bucket else {}),
}

app = modal.App("parlance")
data = modal.Volume.from_name("parlance-data", create_if_missing=True)
secret = modal.Secret.from_name("parlance", required_keys=["CHATTERBOX_API_KEY"])
volumes: dict[str | os.PathLike[str], modal.Volume | modal.CloudBucketMount] = {DATA: data}
if bucket:
    endpoint = os.environ.get("PARLANCE_BUCKET_ENDPOINT") or None
    volumes[BUCKET] = modal.CloudBucketMount(bucket, bucket_endpoint_url=endpoint, secret=secret, read_only=True)

image = (
    modal.Image.debian_slim(python_version="3.12")
    .add_local_dir(
        PROJECT,
        "/app",
        copy=True,
        ignore=[
            "*",
            "!run.sh",
            "!requirements*.txt",
            "!locks/**",
            "!tts_server/**",
            "!static/**",
            "!templates/**",
            "!voices/standard/**",
            "!docs/**",
        ],
    )
    .run_commands(
        "cd /app && ./run.sh install chatterbox",
        env={"PARLANCE_VENV": "/opt/parlance", "PARLANCE_TORCH": os.environ.get("TORCH_BUILD", "cu128")},
    )
    .env(settings)
)


def start_server() -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers. Raises RuntimeError if it ends or takes too long."""
    voices = Path(os.environ["VOICE_LIBRARY_PATH"])
    if not (voices / "standard").exists():
        subprocess.run(["cp", "-R", "/app/voices/.", str(voices)], check=False)  # noqa: S603, S607
    server = subprocess.Popen([PYTHON, "-m", "tts_server", "serve"], cwd="/app")  # noqa: S603
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}; its log says why")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return server
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.25)
    server.kill()
    raise RuntimeError(f"the server did not answer within {START_SECONDS} seconds")


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """Let requests end, then keep what was downloaded."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
    data.commit()


# No memory snapshot: the server is a process of its own, and its weights are read from the volume.
@app.server(
    port=PORT,
    unauthenticated=True,
    image=image,
    gpu=gpu,
    secrets=[secret],
    volumes=volumes,
    target_concurrency=REQUESTS_AT_ONCE,
    min_containers=0,
    max_containers=int(os.environ.get("PARLANCE_MAX_CONTAINERS", "4")),
    scaledown_window=int(os.environ.get("PARLANCE_SCALEDOWN_SECONDS", "300")),
    startup_timeout=START_SECONDS,
    exit_grace_period=STOP_SECONDS,
)
class Parlance:
    """The server, one in each container."""

    @modal.enter()
    def start(self) -> None:
        self.server = start_server()

    @modal.exit()
    def stop(self) -> None:
        stop_server(self.server)


@app.function(image=image, gpu=gpu, secrets=[secret], volumes=volumes, timeout=START_SECONDS + 600)
def generate(prompt: str, voice: str) -> bytes:
    """Speak a text in a container of its own; the WAV file. Raises RuntimeError with the server's message."""
    server = start_server()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
        body = json.dumps({"model": os.environ["DEFAULT_MODEL"], "input": prompt, "voice": voice, "response_format": "wav"})
        headers = {"Content-Type": "application/json", "x-api-key": os.environ["CHATTERBOX_API_KEY"]}
        connection.request("POST", "/v1/audio/speech", body, headers)
        response = connection.getresponse()
        audio = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(audio.decode(errors="replace"))
        return audio
    finally:
        stop_server(server)


@app.local_entrypoint()
def main(prompt: str = "Parlance speaks on Modal.", voice: str = "harbor", out: str = "speech.wav") -> None:
    """Write a text, spoken on Modal, into a file on this machine."""
    Path(out).write_bytes(generate.remote(prompt, voice))
    print(out)
