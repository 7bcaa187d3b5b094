"""A route in a module of its own is queued, limited, protected and documented by its declaration alone."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
import requests
from flask import Blueprint, Response, jsonify, request
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.server import RunningServer, run_server

from tts_server.keys import KeyFile, Role
from tts_server.speech import AudioFormat, SpeechRequest
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.web.app import Application
from tts_server.web.policy import PUBLIC, READING, SPEAKING, SPEAKING_BY_GET, Authorization, RoutePolicy
from tts_server.web.responses import whole_audio
from tts_server.web.route_map import PolicyError

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"
LINKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
MAX_BYTES = 1000


@dataclass
class Greeter:
    """The new module: how often the server greets, a greeting to listen to, and one for a name."""

    synthesizer: Synthesizer
    greetings: list[str] = field(default_factory=lambda: ["Hello."])

    def routes(self) -> Blueprint:
        routes = Blueprint("greeter", __name__)

        @routes.get("/greetings/clear", policy=RoutePolicy(authorization=Authorization.VOICES, is_queued=False, is_rate_limited=False))
        def clear() -> Response:
            """Forget all greetings."""
            self.greetings.clear()
            return jsonify(self.greetings)

        @routes.get("/greetings/<int:number>/audio", policy=SPEAKING_BY_GET)
        def speak(number: int) -> Response:
            """Speak a greeting.

            The rest of this is not in the summary.
            """
            return whole_audio(self.synthesizer.synthesize(SpeechRequest(self.greetings[number], format=AudioFormat.WAV)))

        @routes.post("/greetings", policy=replace(SPEAKING, max_body_bytes=MAX_BYTES, allows_cors=False))
        def add() -> Response:
            self.greetings.append(request.get_data(as_text=True))
            return jsonify(self.greetings)

        return routes


@pytest.fixture
def greeter(tmp_path) -> Iterator[tuple[RunningServer, Greeter, dict[str, str]]]:
    """A server with the new routes, and a key for each role."""
    file = KeyFile(tmp_path / "keys.json")
    keys = {role.value: file.add(f"the-{role.value}", [role]) for role in Role}
    with run_server(api_keys_file=file.path, cors_origins=(FRIEND,), rate_limit="1000/minute") as server:
        module = Greeter(server.synthesizer)
        server.app.register_blueprint(module.routes())
        yield server, module, keys


def ask(server: RunningServer, method: str, path: str, key: str = "", **options) -> requests.Response:
    headers = {**({"x-api-key": key} if key else {}), **options.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=60, **options)


def code(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, "" if reply.ok else reply.json()["error"]["code"]


def test_only_a_key_with_the_declared_role_opens_it(greeter):
    server, module, keys = greeter
    assert code(ask(server, "GET", "/greetings/0/audio")) == (401, "invalid_api_key")
    assert code(ask(server, "GET", "/greetings/0/audio", keys["voices"])) == (403, "wrong_role")
    assert code(ask(server, "GET", "/greetings/clear", keys["speech"])) == (403, "wrong_role")
    assert code(ask(server, "POST", "/greetings", keys["voices"], data="Hi.")) == (403, "wrong_role")
    assert module.greetings == ["Hello."]
    assert ask(server, "GET", "/greetings/0/audio", keys["speech"]).content.startswith(b"RIFF")
    assert ask(server, "POST", "/greetings", keys["speech"], data="Hi.").json() == ["Hello.", "Hi."]
    assert ask(server, "GET", "/greetings/clear", keys["voices"]).json() == []


def test_what_is_declared_to_speak_waits_in_the_queue_and_counts_for_the_rate(greeter):
    server, _, keys = greeter
    spoken = ask(server, "GET", "/greetings/0/audio", keys["speech"])
    added = ask(server, "POST", "/greetings", keys["speech"], data="Hi.")
    cleared = ask(server, "GET", "/greetings/clear", keys["voices"])
    for reply in (spoken, added):
        assert reply.headers["X-Queue-Position"] == "0"
        assert reply.headers["X-RateLimit-Limit"] == "1000"
    assert not {"X-Queue-Position", "X-RateLimit-Limit"} & cleared.headers.keys()


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [("GET", "/greetings/clear", "voices"), ("GET", "/greetings/0/audio", "speech"), ("POST", "/greetings", "speech")],
)
@pytest.mark.parametrize("headers", [{"Origin": STRANGER}, {**LINKED, "Referer": f"{STRANGER}/page"}], ids=["request", "link"])
def test_a_page_of_another_site_cannot_start_it(greeter, method, path, key, headers):
    server, module, keys = greeter
    assert code(ask(server, method, path, keys[key], headers=headers)) == (403, "forbidden_origin")
    assert module.greetings == ["Hello."]


def test_pages_of_allowed_origins_use_it_only_where_cors_is_declared(greeter):
    server, _, keys = greeter
    spoken = ask(server, "GET", "/greetings/0/audio", keys["speech"], headers={"Origin": FRIEND})
    assert (spoken.status_code, spoken.headers["Access-Control-Allow-Origin"]) == (200, FRIEND)
    assert spoken.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    added = ask(server, "POST", "/greetings", keys["speech"], headers={"Origin": FRIEND}, data="Hi.")
    assert code(added) == (403, "forbidden_origin")
    assert added.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    preflight = ask(server, "OPTIONS", "/greetings", keys["speech"], headers=asked)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert ask(server, "OPTIONS", "/v1/audio/speech", headers=asked).headers["Access-Control-Allow-Origin"] == FRIEND


def test_a_body_beyond_the_declared_size_is_refused(greeter):
    server, module, keys = greeter
    assert code(ask(server, "POST", "/greetings", keys["speech"], data="x" * (MAX_BYTES + 1))) == (413, "too_large")
    in_chunks = ask(server, "POST", "/greetings", keys["speech"], data=iter([b"x" * MAX_BYTES, b"x"]))
    assert code(in_chunks) == (413, "too_large")
    assert module.greetings == ["Hello."]
    assert ask(server, "POST", "/greetings", keys["speech"], data="x" * MAX_BYTES).status_code == 200


def test_a_body_beyond_the_declared_size_is_refused_before_it_is_sent(greeter):
    server, _, keys = greeter
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/greetings")
    connection.putheader("x-api-key", keys["speech"])
    connection.putheader("Content-Length", str(MAX_BYTES + 1))
    connection.endheaders(b"x")
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["error"]["code"]) == (413, "too_large")
    connection.close()


def test_it_is_documented_with_what_it_requires(greeter):
    server, _, _ = greeter
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    spoken = document["paths"]["/greetings/{number}/audio"]["get"]
    assert spoken["summary"] == "Speak a greeting."
    assert spoken["description"] == "Needs a key with the role speech. Waits for a slot in the queue."
    assert [one["name"] for one in spoken["parameters"]] == ["number"]
    assert {"401", "403", "429", "503"} <= spoken["responses"].keys()
    assert document["paths"]["/greetings"]["post"]["summary"] == "POST /greetings"
    cleared = document["paths"]["/greetings/clear"]["get"]
    assert (cleared["description"], "429" in cleared["responses"]) == ("Needs a key with the role voices.", False)


def test_without_keys_what_is_administrative_is_refused_from_outside():
    with run_server() as server:
        module = Greeter(server.synthesizer)
        server.app.register_blueprint(module.routes())
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        assert code(ask(server, "GET", "/greetings/clear", headers=forwarded)) == (403, "admin_off")
        assert ask(server, "GET", "/greetings/0/audio", headers=forwarded).status_code == 200
        assert module.greetings == ["Hello."]
        assert ask(server, "GET", "/greetings/clear").json() == []


def view() -> str:
    return ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "declares no policy"),
        ({"policy": None}, "declares no policy"),
        ({"policy": PUBLIC, "methods": ["POST"]}, "has the method POST, so its policy needs an authorization"),
        ({"policy": READING, "methods": ["GET", "DELETE"]}, r"has the method DELETE, so its policy needs CrossSite\.OWN_PAGES"),
    ],
)
def test_a_route_without_a_policy_that_suits_it_is_refused_at_the_start(options, message):
    blueprint = Blueprint("undeclared", __name__)
    blueprint.add_url_rule("/undeclared", view_func=view, **options)
    app = Application(__name__, static_folder=None)
    with pytest.raises(PolicyError, match=f"The route /undeclared {message}"):
        app.register_blueprint(blueprint)
    with pytest.raises(PolicyError, match=f"The route /undeclared {message}"):
        app.add_url_rule("/undeclared", view_func=view, **options)


def test_a_route_that_declares_options_itself_has_its_own_policy_for_it():
    app = Application(__name__, static_folder=None)
    app.add_url_rule("/described", view_func=view, methods=["OPTIONS"], policy=PUBLIC)
    assert app.url_map.find_policy("OPTIONS", "/described") is PUBLIC


def test_the_defaults_of_a_policy_are_the_strictest():
    server_route = Application(__name__, static_folder=None)
    server_route.add_url_rule("/strict", view_func=view, policy=RoutePolicy())
    policy = server_route.url_map.find_policy("GET", "/strict")
    assert policy.authorization.role is Role.ADMIN
    assert policy.is_queued and policy.is_rate_limited and policy.is_administrative and not policy.allows_cors
