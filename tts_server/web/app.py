"""Builds the Flask application: the routes of all dialects over one synthesizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.voices.store import StoredVoices
from tts_server.web.head import normalize_path
from tts_server.web.middleware.access_log import with_access_log
from tts_server.web.middleware.body_limits import MAX_FORM_FIELDS, install_body_limits
from tts_server.web.middleware.checks import PolicyChecks
from tts_server.web.middleware.failures import install_failures
from tts_server.web.middleware.guard import install_guard
from tts_server.web.middleware.head_checks import HeadChecks
from tts_server.web.middleware.rate_headers import install_rates
from tts_server.web.middleware.tickets import install_tickets, queue_routes
from tts_server.web.options import WebOptions
from tts_server.web.realtime.routes import realtime_routes
from tts_server.web.references import ReferenceReader, WaitingStore
from tts_server.web.route_map import PolicyRule, RouteMap
from tts_server.web.routes.admin import admin_routes
from tts_server.web.routes.conversion import conversion_routes
from tts_server.web.routes.docs import docs_routes
from tts_server.web.routes.metrics import count_answers, metrics_routes
from tts_server.web.routes.models import model_routes
from tts_server.web.routes.openai import openai_routes
from tts_server.web.routes.pages import page_routes
from tts_server.web.routes.pronunciation import pronunciation_routes
from tts_server.web.routes.reading import reading_routes
from tts_server.web.routes.resonance import resonance_routes
from tts_server.web.routes.responses_api import responses_routes
from tts_server.web.routes.sillytavern import sillytavern_routes
from tts_server.web.routes.status import status_routes
from tts_server.web.routes.voices import voice_routes
from tts_server.web.speech_service import SpeechService

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 50 * 2**20
CHECKS = "tts_server.checks"
"""Key of the PolicyChecks in the extensions of the application."""


def with_normal_paths(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with paths normalized: clients send paths such as `/v1//audio/speech/` for `/v1/audio/speech`."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = normalize_path(environ.get("PATH_INFO", ""))
        return app(environ, start_response)

    return serve


class Application(Flask):
    """Flask with routes that carry their policies. Registering a route without one raises PolicyError."""

    url_map: RouteMap
    url_map_class = RouteMap
    url_rule_class = PolicyRule


def create_app(synthesizer: Synthesizer, options: WebOptions) -> Flask:
    """Return the application. `options` holds limits and permissions."""
    app = Application(__name__, static_folder=None, template_folder=str(options.assets / "templates"))
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=MAX_FORM_FIELDS,
        SEND_FILE_MAX_AGE_DEFAULT=0,
    )
    app.url_map.merge_slashes = False
    app.wsgi_app = with_access_log(with_normal_paths(app.wsgi_app))  # type: ignore[method-assign, assignment]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install_failures(app)
    checks = PolicyChecks(HeadChecks(options, app.url_map), options.rates, options.admission)
    app.extensions[CHECKS] = checks
    install_guard(app, app.url_map, checks, options)
    install_body_limits(app)
    install_rates(app, options.rates)
    install_tickets(app)
    count_answers(app, synthesizer.metrics)
    service = SpeechService(synthesizer, ReferenceReader(options), options)
    stored = StoredVoices(WaitingStore(options.voice_store), lambda data: service.references.from_bytes(data, "voice_key"))
    for routes in (
        openai_routes(service),
        conversion_routes(service),
        responses_routes(service),
        reading_routes(service),
        realtime_routes(service),
        sillytavern_routes(service),
        resonance_routes(service, stored),
        model_routes(synthesizer.catalog),
        admin_routes(synthesizer.catalog),
        voice_routes(service),
        pronunciation_routes(options),
        status_routes(synthesizer, options.admission),
        queue_routes(options.admission),
        metrics_routes(synthesizer, options.admission),
        page_routes(service),
        docs_routes(options),
    ):
        app.register_blueprint(routes)
    return app
