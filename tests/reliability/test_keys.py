"""Keys: who gets in, for what, and what stands on the disk."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.server import RunningServer, run_server

from tts_server.key_command import run
from tts_server.keys import KeyFile, KeyFileError, KeyRing, Role
from tts_server.launcher.command_line import parse
from tts_server.settings import load_settings

PROJECT = Path(__file__).resolve().parents[2]
OPEN = {"/", "/favicon.ico", "/health", "/healthz", "/docs", "/openapi.json"}
YES = {"input": "Yes.", "response_format": "pcm"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def command(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`run.sh keys …` in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tts_server", "keys", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "CONFIG_FILE": "none", "API_KEYS_FILE": str(folder / "keys.json"), **settings},
    )


@contextlib.contextmanager
def locked_server(folder: Path, **settings) -> Iterator[tuple[RunningServer, KeyFile]]:
    file = KeyFile(folder / "keys.json")
    with run_server(api_keys_file=file.path, voice_library_path=folder, **settings) as running:
        yield running, file


@pytest.fixture(scope="module")
def keyed(tmp_path_factory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    """A server and a key for each role."""
    folder = tmp_path_factory.mktemp("keyed")
    file = KeyFile(folder / "keys.json")
    keys = {role.value: file.add(f"the-{role.value}", [role]) for role in Role}
    keys["none"] = ""
    with locked_server(folder) as (running, _):
        yield running, keys


def ask(server: RunningServer, method: str, path: str, key: str = "", **options) -> requests.Response:
    headers = {**({"x-api-key": key} if key else {}), **options.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=60, **options)


# The file


def test_the_file_holds_no_key_and_only_its_owner_may_read_it(tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    key = file.add("kitchen", [Role.SPEECH])
    assert re.fullmatch(r"parlance-[\w-]{43}", key)  # 256 random bits
    assert key not in file.path.read_text()
    assert key.removeprefix("parlance-") not in file.path.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_two_keys_are_never_the_same(tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    assert file.add("one", [Role.SPEECH]) != file.add("two", [Role.SPEECH])


def test_keys_that_are_made_at_the_same_time_are_all_kept(tmp_path):
    names = [f"key{number}" for number in range(12)]
    threads = [threading.Thread(target=KeyFile(tmp_path / "keys.json").add, args=(name, [Role.SPEECH])) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.name for key in KeyFile(tmp_path / "keys.json").read()) == sorted(names)


def test_a_full_disk_leaves_the_keys_that_were_there(tmp_path, monkeypatch):
    file = KeyFile(tmp_path / "keys.json")
    file.add("first", [Role.SPEECH])
    before = file.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        file.add("second", [Role.SPEECH])
    assert file.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "x\ny", "é", "-rf", "x" * 65])
def test_a_name_that_could_confuse_a_log_or_a_shell_is_refused(tmp_path, name):
    with pytest.raises(KeyFileError, match="not a valid name for a key"):
        KeyFile(tmp_path / "keys.json").add(name, [Role.SPEECH])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"keys": [{"name": "x"}]}',
        '{"keys": [{"name": "x", "sha256": "00", "roles": ["speech"]}]}',
        '{"keys": [{"name": "x", "sha256": "%s", "roles": ["everything"]}]}' % ("00" * 32),
        '{"keys": 3}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_stops_the_start_and_lets_nobody_in(tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(KeyFileError, match=r"keys\.json is damaged"):
        KeyRing((), KeyFile(tmp_path / "keys.json"))


# Comparing


def test_every_key_is_compared_whichever_is_right(tmp_path, monkeypatch):
    file = KeyFile(tmp_path / "keys.json")
    made = [file.add(f"key{number}", [Role.SPEECH]) for number in range(3)]
    ring = KeyRing(("first", "sécond"), file)
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def counting(one, other):
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    counts = set()
    for given in (b"first", "sécond".encode(), made[0].encode(), made[-1].encode(), b"wrong", b"firs", b"x" * 5000):
        compared.clear()
        ring.find([given])
        counts.add(len(compared))
        assert {len(text) for pair in compared for text in pair} == {32}  # hashes, so that no length shows
    assert len(counts) == 1


def test_a_key_shows_nothing_of_itself():
    assert "sesame" not in repr(KeyRing(("sesame",)).find([b"sesame"]))


# Roles

RIGHTS = [
    ("POST", "/v1/audio/speech", {"json": YES}, {"speech", "admin"}),
    ("GET", "/tts-stream?text=Yes.", {}, {"speech", "admin"}),
    ("GET", "/v1/realtime", {"headers": UPGRADE, "stream": True}, {"speech", "admin"}),
    ("GET", "/v1/voices/alloy/preview", {}, {"speech", "admin"}),
    ("GET", "/metrics", {}, {"speech", "admin"}),
    ("GET", "/v1/models", {}, {"speech", "voices", "admin"}),
    ("GET", "/v1/voices", {}, {"speech", "voices", "admin"}),
    ("GET", "/v1/audio/voices", {}, {"speech", "voices", "admin"}),
    ("GET", "/get_predefined_voices", {}, {"speech", "voices", "admin"}),
    ("POST", "/v1/voices", {"data": {"name": ""}}, {"voices", "admin"}),
    ("POST", "/v1/audio/voices", {"data": {"name": ""}}, {"voices", "admin"}),
    ("PATCH", "/v1/voices/nobody", {"json": {}}, {"voices", "admin"}),
    ("DELETE", "/v1/voices/nobody", {}, {"voices", "admin"}),
    ("DELETE", "/v1/audio/voices/nobody", {}, {"voices", "admin"}),
    ("GET", "/v1/voices/nobody/audio", {}, {"voices", "admin"}),
    ("POST", "/admin/reload-voices", {}, {"voices", "admin"}),
    ("GET", "/admin/models", {}, {"admin"}),
    ("POST", "/admin/models/embedded/load", {}, {"admin"}),
    ("POST", "//admin/models/embedded/load", {}, {"admin"}),
]


@pytest.mark.parametrize(("method", "path", "options", "able"), RIGHTS, ids=[f"{method} {path}" for method, path, _, _ in RIGHTS])
def test_a_key_opens_what_its_roles_say_and_nothing_else(keyed, method, path, options, able):
    server, keys = keyed
    for role in Role:
        with ask(server, method, path, keys[role.value], **options) as reply:
            if role.value in able:
                assert reply.status_code not in (401, 403), (role, reply.text)
            else:
                assert (reply.status_code, reply.json()["error"]["code"]) == (403, "wrong_role")
                assert any(f"role '{needed}'" in reply.json()["error"]["message"] for needed in able)
                assert f"the-{role.value}" in reply.json()["error"]["message"]


def test_a_key_of_the_settings_opens_everything(tmp_path):
    KeyFile(tmp_path / "keys.json").add("other", [Role.SPEECH])
    with locked_server(tmp_path, api_keys=("plain",)) as (server, _):
        for method, path, options, _ in RIGHTS:
            with ask(server, method, path, "plain", **options) as reply:
                assert reply.status_code not in (401, 403), path


def test_every_route_but_health_the_page_and_the_documentation_needs_a_key(keyed):
    server, _ = keyed
    asked = 0
    for rule in server.app.url_map.iter_rules():
        path = re.sub("<[^>]+>", "alloy", rule.rule)
        if path in OPEN or path.startswith("/static/"):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            reply = ask(server, method, path, headers=UPGRADE if rule.websocket else {})
            asked += 1
            if path == "/generate":
                assert (reply.status_code, reply.json()) == (403, {"detail": "Invalid API key"})
            else:
                assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key"), path
                assert reply.json()["detail"] == reply.json()["error"]["message"]  # what the FastAPI dialects read
    assert asked > 25


def test_health_and_the_page_answer_whoever_asks(keyed):
    server, _ = keyed
    for path in sorted({"/", "/health", "/healthz", "/static/js/index.js", "/favicon.ico"}):
        assert ask(server, "GET", path).status_code == 200
        assert ask(server, "GET", path, "wrong").status_code == 200


def test_the_wrong_role_is_told_in_resonances_words_too(keyed):
    server, keys = keyed
    reply = ask(server, "POST", "/generate", keys["voices"], json={"prompt": "Yes.", "voice_key": "x.wav"})
    assert reply.status_code == 403
    assert "role 'speech'" in reply.json()["detail"]


def test_a_key_in_the_protocols_of_a_websocket_counts(keyed):
    server, keys = keyed
    for key, status in ((keys["speech"], 101), (keys["voices"], 403), ("wrong", 401)):
        headers = {**UPGRADE, "Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{key}"}
        with ask(server, "GET", "/v1/realtime", headers=headers, stream=True) as reply:
            assert reply.status_code == status


# Listings


@pytest.fixture(scope="module")
def listing() -> Iterator[RunningServer]:
    """A server that needs a key, but for its listings."""
    with run_server(api_keys=("k",), listings_open=True) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/tts-1", "/v1/voices", "/v1/audio/voices", "/v1/audio/models", "/get_reference_files"]
)
def test_listings_can_be_opened_for_clients_that_send_no_key(listing, path):
    assert ask(listing, "GET", path).status_code == 200
    assert ask(listing, "GET", path, headers={"Authorization": "Bearer "}).status_code == 200  # SillyTavern without a key
    assert ask(listing, "GET", path, "wrong").status_code == 401


def test_open_listings_open_nothing_else(listing):
    for method, path, options, able in RIGHTS:
        if able != {"speech", "voices", "admin"}:
            assert ask(listing, method, path, **options).status_code == 401, path


# While the server runs


def test_keys_are_taken_up_and_let_go_without_a_restart(tmp_path):
    with locked_server(tmp_path) as (server, file):
        assert ask(server, "GET", "/v1/models").status_code == 200  # no key yet, so none is needed
        key = file.add("new", [Role.SPEECH])
        assert ask(server, "GET", "/v1/models").status_code == 401
        assert ask(server, "GET", "/v1/models", key).status_code == 200
        other = file.add("other", [Role.SPEECH])
        file.remove("new")
        assert ask(server, "GET", "/v1/models", key).status_code == 401
        assert ask(server, "GET", "/v1/models", other).status_code == 200


def test_losing_the_file_lets_nobody_in(tmp_path):
    with locked_server(tmp_path) as (server, file):
        key = file.add("new", [Role.SPEECH])
        assert ask(server, "GET", "/v1/models", key).status_code == 200
        file.path.unlink()
        assert ask(server, "GET", "/v1/models", key).status_code == 401
        assert ask(server, "GET", "/v1/models").status_code == 401


def test_removing_the_last_key_lets_nobody_in(tmp_path):
    with locked_server(tmp_path) as (server, file):
        file.add("only", [Role.ADMIN])
        file.remove("only")
        assert ask(server, "GET", "/v1/models").status_code == 401
    with locked_server(tmp_path) as (server, file):
        assert ask(server, "GET", "/v1/models").status_code == 401


def test_a_file_that_is_damaged_by_hand_changes_nothing_but_the_log(tmp_path, caplog):
    with locked_server(tmp_path) as (server, file):
        key = file.add("new", [Role.SPEECH])
        assert ask(server, "GET", "/v1/models", key).status_code == 200
        file.path.write_text("{")
        for _ in range(3):
            assert ask(server, "GET", "/v1/models", key).status_code == 200
            assert ask(server, "GET", "/v1/models").status_code == 401
    assert len([record for record in caplog.records if "damaged" in record.getMessage()]) == 1


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions here")
def test_a_file_that_others_can_read_is_warned_of(tmp_path, caplog):
    file = KeyFile(tmp_path / "keys.json")
    file.add("x", [Role.SPEECH])
    file.path.chmod(0o644)
    KeyRing((), file)
    assert f"chmod 600 {file.path}" in caplog.text


def test_a_key_opens_changes_on_an_address_that_others_reach(tmp_path):
    with locked_server(tmp_path, host="0.0.0.0") as (server, file):
        assert ask(server, "GET", "/admin/models").json()["error"]["code"] == "admin_off"
        key = file.add("boss", [Role.ADMIN])
        assert ask(server, "GET", "/admin/models", key).status_code == 200
        assert ask(server, "GET", "/admin/models").status_code == 401


# The command


def test_the_command_makes_lists_and_removes_keys(tmp_path, capsys):
    made = command(tmp_path, "add", "kitchen", "--role", "speech", "--role", "voices")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    found = KeyRing((), KeyFile(tmp_path / "keys.json")).find([key.encode()])
    assert found is not None
    assert (found.name, found.roles) == ("kitchen", {Role.SPEECH, Role.VOICES})
    assert "refuses requests without a key" in made.stderr

    def here(*arguments: str) -> tuple[int, str, str]:
        """The same command without a process of its own."""
        code = run(load_settings(api_keys_file=tmp_path / "keys.json"), parse(["keys", *arguments]))
        return code, *capsys.readouterr()

    code, output, errors = here("add", "kitchen")
    assert (code, output) == (1, "")
    assert "already" in errors
    code, output, _ = here("list")
    assert re.fullmatch(r"kitchen +speech, voices +\d{4}-\d\d-\d\dT.*\n", output)
    assert here("remove", "bathroom")[0] == 1
    code, _, errors = here("remove", "kitchen")
    assert code == 0
    assert "delete that file" in errors
    assert json.loads((tmp_path / "keys.json").read_text()) == {"keys": []}
    code, output, errors = here("list")
    assert (code, output) == (0, "")
    assert "no keys" in errors


def test_a_role_that_is_none_is_refused_with_those_there_are(tmp_path):
    done = command(tmp_path, "add", "x", "--role", "root")
    assert done.returncode == 2
    assert "speech" in done.stderr
    assert not (tmp_path / "keys.json").exists()
