"""What a hostile page can make a visitor's browser do to this server: nothing. `tests/page/test_page_markup.py` shows it in Chromium."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlsplit

import pytest
import requests
from support.server import RunningServer, run_server

from tts_server.settings import settings_class

EVIL = "https://evil.example"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
OPEN = ("/", "/favicon.ico", "/health", "/healthz", "/docs", "/openapi.json")


def routes(server: RunningServer, *methods: str) -> list[tuple[str, str]]:
    """Method and path of every route that has one of the methods, without the files of the page."""
    return [
        (method, re.sub("<[^>]+>", "alloy", rule.rule))
        for rule in server.app.url_map.iter_rules()
        for method in sorted(rule.methods & set(methods))
        if not rule.rule.startswith("/static/") and not rule.websocket
    ]


def ask(server: RunningServer, method: str, path: str, **headers: str) -> requests.Response:
    return requests.request(method, server.url + path, headers=headers, timeout=60)


def refused(reply: requests.Response) -> str:
    """The code of a refusal; empty where the request was let in."""
    if reply.status_code != 403:
        return ""
    told = reply.json()
    if "error" not in told:  # Resonance's words
        return "forbidden_origin" if "Pages of other sites" in told["detail"] else told["detail"]
    return told["error"]["code"]


# Host


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5093",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "evil.example.",
        "localhost.evil.example:80",
        "xn--lcalhost-0za.example",
        "[::1].evil.example",
        "a b.example",
        "",
        ":5093",
        "[",
    ],
)
def test_a_foreign_host_name_reaches_no_route(server, host):
    """DNS rebinding: a page whose own name now leads to this address."""
    for path in ("/", "/health", "/v1/voices", "/nothing", "/static/js/index.js"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        reply = connection.getresponse()
        # Waitress may refuse what is no name before the application sees it.
        assert reply.status in (400, 403), (host, path)
        connection.close()


@pytest.mark.parametrize(
    "host", ["[::1]:{port}", "[::1]", "127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[fd00::1]:8080", "10.0.0.7"]
)
def test_addresses_and_local_names_are_answered(server, host):
    assert ask(server, "GET", "/health", Host=host.format(port=server.port)).status_code == 200


# Origin

FOREIGN = [
    EVIL,
    "null",
    "",
    "file://",
    "http://",
    "http://[",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "chrome-extension://abcdefghijklmnop",
    "data:text/html,x",
    "not an origin",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_foreign_origin_may_change_or_speak_anything(server, origin):
    for method, path in routes(server, "POST", "PUT", "PATCH", "DELETE"):
        assert refused(ask(server, method, path, Origin=origin)) == "forbidden_origin", (method, path)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_request_that_a_browser_calls_foreign_changes_nothing(server, site):
    for method, path in routes(server, "POST", "PUT", "PATCH", "DELETE"):
        assert ask(server, method, path, **{"Sec-Fetch-Site": site}).status_code == 403, (method, path)


@pytest.mark.parametrize("host_check", [(), ("*",)])
def test_the_origin_null_is_nobodys_own_whatever_the_host(start_server, host_check):
    """A sandboxed frame has the origin `null`; a request without a name of a host must not match it."""
    server = start_server(allowed_hosts=host_check)
    for host in ("", "null", "127.0.0.1"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.putrequest("POST", "/admin/reload-voices", skip_host=True)
        for name, value in (("Host", host), ("Origin", "null"), ("Content-Length", "0")):
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status in (400, 403), host
        connection.close()


@pytest.mark.parametrize("origin", [*FOREIGN, "ws://evil.example"])
def test_no_foreign_page_opens_a_websocket(server, origin):
    with requests.get(server.url + "/v1/realtime", headers={**UPGRADE, "Origin": origin}, timeout=60) as reply:
        assert refused(reply) == "forbidden_origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": "own"}])
def test_the_page_and_programs_open_one(server, headers):
    origin = {"Origin": server.url} if headers else {}
    with requests.get(server.url + "/v1/realtime", headers={**UPGRADE, **origin}, stream=True, timeout=60) as reply:
        assert reply.status_code == 101


# What is only read

EMBEDDED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "audio"}
LINKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAMED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


@pytest.mark.parametrize("headers", [EMBEDDED, FRAMED, {**EMBEDDED, "Referer": EVIL + "/"}, {**EMBEDDED, "Origin": "null"}])
def test_a_page_of_another_site_embeds_nothing_of_this_server(server, headers):
    for method, path in routes(server, "GET"):
        if path not in OPEN and path != "/v1/realtime":
            assert refused(ask(server, method, path, **headers)) == "forbidden_origin", path


def test_a_link_from_another_site_works_but_makes_nothing_speak(server):
    assert ask(server, "GET", "/v1/models", **LINKED).status_code == 200
    assert refused(ask(server, "GET", "/tts-stream?text=Yes.", **LINKED)) == "forbidden_origin"
    assert refused(ask(server, "GET", "/v1/voices/alloy/preview", **LINKED)) == "forbidden_origin"


def test_without_a_word_of_the_browser_the_referer_decides_who_may_make_it_speak(server):
    """Browsers tell nothing about themselves to addresses without https, but for this one header."""
    path = "/tts-stream?text=Yes."
    assert refused(ask(server, "GET", path, Referer=EVIL + "/page")) == "forbidden_origin"
    assert ask(server, "GET", path, Referer=server.url + "/").status_code == 200
    assert ask(server, "GET", path).status_code == 200


def test_an_allowed_site_may_embed_and_call(start_server):
    server = start_server(cors_origins=("http://chat.example:8000",))
    own = {**EMBEDDED, "Sec-Fetch-Site": "same-site"}
    path = "/tts-stream?text=Yes."
    assert ask(server, "GET", path, **own, Referer="http://chat.example:8000/room/1").status_code == 200
    assert ask(server, "GET", path, **own).status_code == 200  # it may send no Referer at all
    assert refused(ask(server, "GET", path, **own, Referer=EVIL + "/")) == "forbidden_origin"
    reply = ask(
        server, "GET", "/v1/voices", Origin="http://chat.example:8000", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    )
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_reading_changes_nothing(start_server, tmp_path, clip):
    (tmp_path / "reader.flac").write_bytes(clip)
    server = start_server(voice_library_path=tmp_path)

    def state() -> object:
        files = sorted((path.relative_to(tmp_path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
        return files, ask(server, "GET", "/v1/voices").json(), ask(server, "GET", "/admin/models").json()

    before = state()
    for method, path in routes(server, "GET", "HEAD"):
        ask(server, method, path.replace("alloy", "reader"))
    for path in ("/admin/models/embedded/unload", "/admin/reload-voices"):
        assert ask(server, "GET", path).status_code == 405
    for path in ("/v1/voices/reader?_method=DELETE", "/v1/audio/voices/reader"):
        ask(server, "GET", path, **{"X-HTTP-Method-Override": "DELETE"})
    assert state() == before


# CORS


def test_only_named_origins_may_read_replies_and_never_with_cookies(start_server):
    server = start_server(cors_origins=("https://app.example", "http://localhost:8000"))
    for origin in ("https://app.example", "http://localhost:8000"):
        reply = ask(server, "GET", "/v1/models", Origin=origin)
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in reply.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in reply.headers
    for origin in (
        "http://app.example",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://APP.example",
        "null",
        "*",
    ):
        reply = ask(server, "GET", "/v1/models", Origin=origin)
        assert "Access-Control-Allow-Origin" not in reply.headers, origin
        preflight = ask(server, "OPTIONS", "/admin/reload-voices", Origin=origin, **{"Access-Control-Request-Method": "POST"})
        assert not [name for name in preflight.headers if name.startswith("Access-Control-Allow")], origin


def test_no_reply_sets_a_cookie(server):
    for method, path in routes(server, "GET", "POST"):
        if path != "/v1/realtime":
            assert "Set-Cookie" not in ask(server, method, path).headers


# What replies tell the browser


def test_every_reply_is_taken_for_what_it_says_it_is(server):
    for method, path in [*routes(server, "GET", "POST", "DELETE"), ("GET", "/nothing/<script>"), ("GET", "/static/js/index.js")]:
        reply = ask(server, method, path)
        assert reply.headers["X-Content-Type-Options"] == "nosniff", path
        assert reply.headers["Referrer-Policy"] == "no-referrer", path
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "html" not in reply.headers.get("Content-Type", "") or path in ("/", "/docs"), path


def policy(reply: requests.Response) -> dict[str, list[str]]:
    parts = (part.split() for part in reply.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


def test_every_html_page_has_a_policy_without_inline_code_frames_or_plugins(server):
    seen = 0
    for _, path in routes(server, "GET"):
        reply = ask(server, "GET", path)
        if "html" not in reply.headers.get("Content-Type", ""):
            continue
        seen += 1
        rules = policy(reply)
        scripts, styles = (rules.get(name, rules["default-src"]) for name in ("script-src", "style-src"))
        assert not {"'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", "*", "https:", "http:"} & {*scripts}, path
        assert not {"'unsafe-inline'", "*", "https:", "http:", "data:"} & {*styles}, path
        assert rules["frame-ancestors"] == ["'none'"], path
        assert rules.get("object-src", rules["default-src"]) == ["'none'"], path
        assert rules["base-uri"] == ["'none'"], path
        assert reply.headers["X-Frame-Options"] == "DENY", path
        html = reply.text
        assert not re.findall(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>", html), path
        assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", html), path
        hosts = {urlsplit(address).netloc for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", html)}
        assert hosts == {""}, path
    assert seen >= 1


def test_the_safe_settings_are_the_defaults():
    settings = {name: field.default for name, field in settings_class().model_fields.items()}
    assert settings["host"] == "127.0.0.1"
    assert (settings["cors_origins"], settings["enable_cors"], settings["allowed_hosts"]) == ((), None, ())
    assert (settings["listings_open"], settings["log_text"], settings["voice_url_allow_private"]) == (False, False, False)


def test_on_an_address_that_others_reach_nothing_is_changed_without_a_key():
    with run_server(host="0.0.0.0") as server:
        for method, path in routes(server, "POST", "PATCH", "DELETE"):
            if path.startswith(("/admin/", "/v1/voices", "/v1/audio/voices")):
                assert refused(ask(server, method, path)) == "admin_off", (method, path)
