"""The plain way of serving speech, for comparison: one process, the whole text at once, a WAV file, then an ffmpeg child per request.

It speaks with the same voice (`hibari`, which is the server's `alloy`) under Waitress as it comes. `python benchmarks/plain_server.py`
prints its address and serves on a free port of this machine until it is stopped.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from flask import Flask, Response, request
from hibari import Hibari, write_wav
from imageio_ffmpeg import get_ffmpeg_exe
from waitress.server import create_server


def create_app() -> Flask:
    """An application with one route, `POST /v1/audio/speech`, that reads `input` and answers mp3."""
    app = Flask(__name__)
    voice = Hibari()
    voice("Ready.")
    ffmpeg = get_ffmpeg_exe()

    @app.post("/v1/audio/speech")
    def speech() -> Response:
        audio = voice(request.get_json()["input"])
        with tempfile.TemporaryDirectory() as folder:
            wav, mp3 = Path(folder, "speech.wav"), Path(folder, "speech.mp3")
            write_wav(str(wav), audio)
            subprocess.run([ffmpeg, "-loglevel", "error", "-i", wav, mp3], check=True, stdin=subprocess.DEVNULL)
            return Response(mp3.read_bytes(), content_type="audio/mpeg")

    @app.get("/health")
    def health() -> Response:
        return Response("ok", content_type="text/plain")

    return app


if __name__ == "__main__":
    server = create_server(create_app(), host="127.0.0.1", port=0)
    print(f"The plain server speaks at http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()
