"""The web page, its files, and the two routes that serve only it."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, replace

from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory

from tts_server import __version__
from tts_server.audio.quality import describe
from tts_server.speech import AudioFormat
from tts_server.web.policy import PUBLIC, SPEAKING
from tts_server.web.routes.encoding import encode_body
from tts_server.web.speech_service import SpeechService

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)

PAGE = replace(PUBLIC, undocumented="the page and its files")
PAGE_ONLY = replace(SPEAKING, undocumented="serves the page alone, and may change with it")


def html_page(html: str) -> Response:
    """A page of ours, which may load and do what `CONTENT_SECURITY_POLICY` says and nothing else."""
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cache-Control"] = "no-cache"
    return response


def page_routes(service: SpeechService) -> Blueprint:
    routes = Blueprint("pages", __name__)
    options = service.options

    @routes.get("/", policy=PAGE)
    def index() -> Response:
        config = {
            "maxTextLength": options.max_text_length,
            "maxUploadBytes": options.max_upload_bytes,
            "maxClipSeconds": options.max_clip_seconds,
            "defaultVoice": service.synthesizer.voices.default,
            "needsKey": options.keys.is_locked,
            "isAdminOn": options.is_open_to_changes or options.keys.is_locked,
            "isSameMachine": _is_same_machine(request.remote_addr or ""),
        }
        html = render_template(
            "index.html",
            version=__version__,
            max_text_length=options.max_text_length,
            formats=[one for one in AudioFormat if one.spec.extension],
            page_config=config,
        )
        return html_page(html)

    @routes.get("/favicon.ico", policy=PAGE)
    def favicon() -> Response:
        return send_from_directory(options.assets / "static", "favicon.svg", mimetype="image/svg+xml")

    @routes.get("/static/<path:filename>", policy=PAGE)
    def static_file(filename: str) -> Response:
        return send_from_directory(options.assets / "static", filename)

    @routes.post("/page/clip", policy=PAGE_ONLY)
    def check_clip() -> Response:
        """The quality report of a reference clip."""
        return jsonify(asdict(describe(service.references.from_upload(request, ("file",)))))

    @routes.post("/page/encode", policy=PAGE_ONLY)
    def encode() -> Response:
        """Raw s16le mono PCM in the body, as another format out."""
        return encode_body()

    return routes


def _is_same_machine(address: str) -> bool:
    """Whether the client at `address` runs on this machine. A proxy on this machine does too: the page also looks at its own address."""
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(client, "ipv4_mapped", None) or client).is_loopback
