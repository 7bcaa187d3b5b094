"""Keys, the Host header, and pages of other sites."""

from __future__ import annotations

import pytest
import requests

SPEECH = "/v1/audio/speech"
BODY = {"input": "Yes."}


def ask(server, method="POST", path=SPEECH, **headers) -> requests.Response:
    json = BODY if method == "POST" else None
    return requests.request(method, server.url + path, json=json, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def locked():
    from tests.conftest import run_server

    with run_server(api_keys=("first", "sécond"), chatterbox_api_key="third") as running:
        yield running


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first"},
        {"Authorization": "bearer third"},
        {"x-api-key": "first"},
        {"x-api-key": "sécond".encode()},
        {"Authorization": "Bearer sécond".encode("latin-1")},
        {"Authorization": "Bearer wrong", "x-api-key": "third"},
    ],
)
def test_any_of_the_keys_opens_the_door(locked, headers):
    assert ask(locked, **headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer firs"}, {"Authorization": "Basic first"}, {"x-api-key": ""}]
)
def test_without_a_right_key_the_answer_is_a_401(locked, headers):
    reply = ask(locked, **headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/voices", "/v1/audio/voices", "/v1/audio/models", "/nothing", "/page/clip"])
def test_every_other_route_needs_the_key_too(locked, path):
    assert ask(locked, "GET", path).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/healthz", "/"])
def test_health_and_the_page_need_none(locked, path):
    assert ask(locked, "GET", path).status_code == 200


def test_without_keys_nobody_is_asked(server):
    assert ask(server, Authorization="Bearer whatever").status_code == 200


@pytest.mark.parametrize("host", ["localhost:5093", "127.0.0.1", "[::1]:5093", "[::1]", "192.168.1.20:5093", "host.docker.internal"])
def test_names_of_this_machine_and_addresses_are_answered(server, host):
    assert ask(server, Host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5093", "127.0.0.1.evil.example", "localhost.evil.example", "a@b.example", "[::1", ".."]
)
def test_foreign_host_names_are_refused(server, host):
    reply = ask(server, Host=host)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "forbidden_host")
    assert ask(server, "GET", "/", Host=host).status_code == 403


def test_a_host_name_can_be_allowed(start_server):
    running = start_server(allowed_hosts=("tts.example.com",))
    assert ask(running, Host="tts.example.com").status_code == 200
    assert ask(running, Host="other.example.com").status_code == 403
    assert ask(start_server(allowed_hosts=("*",)), Host="other.example.com").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_pages_of_other_sites_may_change_nothing(server, headers):
    reply = ask(server, **headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "forbidden_origin")
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_the_page_itself_may(server):
    assert ask(server, Origin=server.url).status_code == 200
    assert ask(server, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_without_configuration_there_is_no_cors(server):
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert not [name for name in ask(server, "OPTIONS", **headers).headers if name.startswith("Access-Control")]


def test_an_allowed_origin_may_call_and_read_the_headers(start_server):
    running = start_server(cors_origins=("https://app.example",), api_keys=("k",))
    preflight = ask(running, "OPTIONS", **{"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    reply = ask(running, Origin="https://app.example", **{"x-api-key": "k"})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")
    assert "X-Voice" in reply.headers["Access-Control-Expose-Headers"]
    assert ask(running, Origin="https://other.example", **{"x-api-key": "k"}).status_code == 403


def test_cors_that_is_switched_off_stays_off_whatever_the_origins(start_server):
    reply = ask(start_server(enable_cors=False, cors_origins=("*",)), "GET", "/health", Origin="https://app.example")
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_any_origin_never_comes_with_credentials(start_server):
    reply = ask(start_server(enable_cors=True), Origin="https://app.example")
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in reply.headers
