"""The web page and the two routes that serve only it."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict

import numpy as np
from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory

from tts_server import __version__
from tts_server.audio.encoders import create_encoder, supported_rate
from tts_server.audio.quality import describe
from tts_server.audio.resample import Resampler
from tts_server.errors import InvalidRequest, TooLarge
from tts_server.speech import AudioFormat
from tts_server.web.openai import SpeechDesk

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
MAX_ENCODE_SECONDS = 3600


def html_page(html: str) -> Response:
    """A page of ours, which may load and do what `CONTENT_SECURITY_POLICY` says and nothing else."""
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cache-Control"] = "no-cache"
    return response


def page_routes(desk: SpeechDesk) -> Blueprint:
    routes = Blueprint("pages", __name__)
    options = desk.options

    @routes.get("/")
    def index() -> Response:
        config = {
            "maxTextLength": options.max_text_length,
            "maxUploadBytes": options.max_upload_bytes,
            "maxClipSeconds": options.max_clip_seconds,
            "defaultVoice": desk.synthesizer.default_voice,
            "needsKey": options.keys.is_locked,
            "isAdminOn": options.is_open_to_changes or options.keys.is_locked,
            "isSameMachine": _is_same_machine(request.remote_addr or ""),
        }
        html = render_template("index.html", version=__version__, max_text_length=options.max_text_length, page_config=config)
        return html_page(html)

    @routes.get("/favicon.ico")
    def favicon() -> Response:
        return send_from_directory(options.assets / "static", "favicon.svg", mimetype="image/svg+xml")

    @routes.post("/page/clip")
    def judge_clip() -> Response:
        """What the server thinks of a reference clip."""
        return jsonify(asdict(describe(desk.references.from_upload(request, ("file",)))))

    @routes.post("/page/encode")
    def encode() -> Response:
        """Raw s16le mono PCM in the body, as another format out: a download needs no second synthesis."""
        try:
            format_ = AudioFormat(request.args.get("format", "mp3"))
            rate = int(request.args.get("sample_rate", "24000"))
        except ValueError as error:
            message = "format must be one of mp3, opus, aac, flac, wav, pcm, and sample_rate a number."
            raise InvalidRequest(message, param="format") from error
        if not 8000 <= rate <= 48000:
            raise InvalidRequest("sample_rate must be between 8000 and 48000.", param="sample_rate")
        body = request.get_data()
        if not body:
            raise InvalidRequest("The body must be raw 16-bit samples.", code="missing")
        if len(body) > MAX_ENCODE_SECONDS * rate * 2:
            raise TooLarge("This is more than an hour of audio.")
        samples = np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.float32) / np.float32(32768)
        target = supported_rate(format_, rate)
        resampler = Resampler(rate, target)
        encoder = create_encoder(format_, target, streamed=False)
        try:
            data = encoder.encode(resampler.process(samples)) + encoder.encode(resampler.flush()) + encoder.flush()
        finally:
            encoder.close()
        return Response(data, content_type=format_.content_type)

    return routes


def _is_same_machine(address: str) -> bool:
    """Whether the client at `address` runs on this machine. A proxy on this machine does too: the page also looks at its own address."""
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(client, "ipv4_mapped", None) or client).is_loopback
