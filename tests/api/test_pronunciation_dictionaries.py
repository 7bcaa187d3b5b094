"""The routes of pronunciation dictionaries: what they take, what they answer, who may use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from support.server import RunningServer

from tts_server.keys import KeyFile, Role
from tts_server.web.routes.pronunciation import MAX_FILE_BYTES

PATH = "/v1/pronunciation-dictionaries"
NPC = {"type": "alias", "string_to_replace": "NPC", "alias": "non-player character"}
NIKE = {"type": "phoneme", "string_to_replace": "Nike", "phoneme": "ˈnaɪki", "alphabet": "ipa"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    from tests.conftest import run_server

    with run_server(pronunciation_path=tmp_path_factory.mktemp("dictionaries")) as server:
        yield server


def ask(server: RunningServer, method: str, path: str = "", **kwargs: Any) -> requests.Response:
    return requests.request(method, f"{server.url}{PATH}{path}", timeout=60, **kwargs)


def make(server: RunningServer, name: str, *rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    reply = ask(server, "POST", "/add-from-rules", json={"name": name, "rules": list(rules), **fields})
    assert reply.status_code == 200, reply.text
    made = reply.json()
    assert isinstance(made, dict)
    return made


def rules_of(server: RunningServer, id_: str) -> list[str]:
    return [rule["string_to_replace"] for rule in ask(server, "GET", f"/{id_}").json()["rules"]]


def test_a_new_dictionary_is_listed_and_shown_with_its_rules(running):
    made = make(running, "  First\tone ", NPC, NIKE, description="Some names")
    listed = ask(running, "GET").json()["pronunciation_dictionaries"]
    assert {"id": made["id"], "name": "First one", "description": "Some names", "default": False}.items() <= listed[0].items()
    shown = ask(running, "GET", f"/{made['id']}").json()
    assert shown["rules"] == [
        {**NPC, "case_sensitive": True, "word_boundaries": True},
        {**NIKE, "case_sensitive": True, "word_boundaries": True},
    ]
    assert [one["version_id"] for one in shown["versions"]] == [made["version_id"]]
    assert ask(running, "GET", "/first one").json()["id"] == made["id"]


def test_rules_are_added_replaced_and_removed_and_old_versions_stay(running):
    made = make(running, "Versions", NPC)
    path = f"/{made['id']}"
    added = ask(running, "POST", f"{path}/add-rules", json={"rules": [NIKE, {**NPC, "alias": "other"}]}).json()
    assert (added["version_rules_num"], rules_of(running, made["id"])) == (2, ["Nike", "NPC"])
    ask(running, "POST", f"{path}/remove-rules", json={"rule_strings": ["Nike", "nothing"]})
    assert rules_of(running, made["id"]) == ["NPC"]
    ask(running, "POST", f"{path}/set-rules", json={"rules": []})
    assert rules_of(running, made["id"]) == []
    assert "non-player character" in ask(running, "GET", f"{path}/{made['version_id']}/download").text


def test_a_version_is_downloaded_as_pls_or_as_a_table_and_can_be_sent_back(running):
    made = make(running, "Download", NPC, NIKE)
    for format_, kind in (("pls", "application/pls+xml"), ("csv", "text/csv; charset=utf-8")):
        reply = ask(running, "GET", f"/{made['id']}/latest/download", params={"format": format_})
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, kind)
        assert reply.headers["Content-Disposition"] == f'attachment; filename="{made["id"]}.{format_}"'
        again = ask(running, "POST", "/add-from-file", data={"name": "Again"}, files={"file": ("x", reply.content)}).json()
        assert again["version_rules_num"] == 2
        assert ask(running, "GET", f"/{again['id']}").json()["rules"] == ask(running, "GET", f"/{made['id']}").json()["rules"]
    wrong = ask(running, "GET", f"/{made['id']}/latest/download", params={"format": "xlsx"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "format")


def test_what_is_given_changes_and_the_rest_stays(running):
    made = make(running, "Change", NPC, description="before")
    changed = ask(running, "PATCH", f"/{made['id']}", json={"name": "Changed", "default": True}).json()
    assert (changed["name"], changed["description"], changed["default"]) == ("Changed", "before", True)
    again = ask(running, "PATCH", f"/{made['id']}", json={"archived": True, "description": ""}).json()
    assert (again["name"], again["description"], again["default"]) == ("Changed", None, False)
    assert again["archived_time_unix"] >= made["creation_time_unix"]
    assert made["id"] not in [one["id"] for one in ask(running, "GET", "?page_size=100").json()["pronunciation_dictionaries"]]


def test_a_deleted_dictionary_is_gone(running):
    made = make(running, "Delete", NPC)
    reply = ask(running, "DELETE", f"/{made['id']}").json()
    assert reply == {"id": made["id"], "object": "pronunciation_dictionary.deleted", "deleted": True}
    gone = ask(running, "DELETE", f"/{made['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "pronunciation_dictionary_not_found")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"rules": [NPC]}, "name"),
        ({"name": "x"}, "rules"),
        ({"name": " \u200b", "rules": []}, "name"),
        ({"name": "x" * 201, "rules": []}, "name"),
        ({"name": 5, "rules": []}, "name"),
        ({"name": "x", "rules": [], "description": "y" * 2001}, "description"),
        ({"name": "x", "rules": [], "workspace_access": "root"}, "workspace_access"),
        ({"name": "x", "rules": "a"}, "rules"),
        ({"name": "x", "rules": [NPC, {**NPC, "string_to_replace": ""}]}, "rules.1.string_to_replace"),
        ({"name": "x", "rules": [{**NPC, "type": "noun"}]}, "rules.0.type"),
        ({"name": "x", "rules": [{**NPC, "case_sensitive": "maybe"}]}, "rules.0.case_sensitive"),
        ({"name": "x", "rules": [{"type": "alias", "string_to_replace": "a"}]}, "rules.0"),
        ({"name": "x", "rules": [{"type": "phoneme", "string_to_replace": "a", "phoneme": "123"}]}, "rules.0"),
        ({"name": "x", "rules": [NPC, {**NIKE, "alphabet": "klingon"}]}, "rules.1"),
        ({"name": "x\ud800", "rules": []}, "name"),
        ({"name": "x", "rules": [{**NPC, "alias": "\udfff"}]}, "rules.0.alias"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(running, fields, param):
    before = len(ask(running, "GET", "?page_size=100&include_archived=true").json()["pronunciation_dictionaries"])
    reply = ask(running, "POST", "/add-from-rules", data=json.dumps(fields).encode())
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert reply.json()["detail"]
    assert len(ask(running, "GET", "?page_size=100&include_archived=true").json()["pronunciation_dictionaries"]) == before


@pytest.mark.parametrize("query", [{"page_size": "0"}, {"page_size": "x"}, {"sort": "size"}, {"sort_direction": "up"}, {"cursor": "W10"}])
def test_a_wrong_part_of_a_query_is_named(running, query):
    reply = ask(running, "GET", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(query)))


def test_a_file_that_is_too_large_is_refused(running):
    reply = ask(running, "POST", "/add-from-file", data={"name": "Large"}, files={"file": ("x.csv", b"a,b\n" * (MAX_FILE_BYTES // 4 + 1))})
    assert (reply.status_code, reply.json()["error"]["param"]) == (413, "file")


def test_a_wrong_file_is_refused_with_the_line(running):
    reply = ask(running, "POST", "/add-from-file", data={"name": "Wrong"}, files={"file": ("x.csv", b"a,b\nc,phoneme,123")})
    assert (reply.status_code, reply.json()["error"]["param"], "line 2" in reply.json()["error"]["message"]) == (400, "file", True)


def test_rules_that_two_clients_add_at_once_are_all_there(running):
    made = make(running, "Together")

    def add(number: int) -> int:
        return ask(running, "POST", f"/{made['id']}/add-rules", json={"rules": [{**NPC, "string_to_replace": f"w{number}"}]}).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(add, range(24))) == {200}
    assert sorted(rules_of(running, made["id"])) == sorted(f"w{number}" for number in range(24))


def test_dictionaries_are_there_after_a_restart_and_a_damaged_one_is_reported(start_server: Callable[..., RunningServer], tmp_path: Path):
    first = start_server(pronunciation_path=tmp_path)
    good, bad = make(first, "Good", NPC), make(first, "Bad", NPC)
    (tmp_path / bad["id"] / "dictionary.json").write_bytes(b"{")
    second = start_server(pronunciation_path=tmp_path, pronunciation_dictionaries=("good",))
    listed = ask(second, "GET").json()
    assert [(one["id"], one["default"]) for one in listed["pronunciation_dictionaries"]] == [(good["id"], True)]
    assert bad["id"] in listed["problems"][0]
    shown = ask(second, "GET", f"/{bad['id']}")
    assert (shown.status_code, shown.json()["error"]["code"]) == (409, "pronunciation_dictionary_damaged")
    assert ask(second, "DELETE", f"/{bad['id']}").status_code == 200


CHANGES = (
    ("POST", "/add-from-rules"),
    ("POST", "/add-from-file"),
    ("POST", "/x/add-rules"),
    ("POST", "/x/remove-rules"),
    ("POST", "/x/set-rules"),
    ("PATCH", "/x"),
    ("DELETE", "/x"),
)


def test_reading_needs_any_key_and_changing_the_role_of_voices(start_server: Callable[..., RunningServer], tmp_path: Path):
    keys = KeyFile(tmp_path / "keys.json")
    speech, voices = keys.add("speaker", [Role.SPEECH]), keys.add("maker", [Role.VOICES])
    server = start_server(api_keys_file=keys.path, pronunciation_path=tmp_path / "dictionaries", listings_open=True)
    made = ask(server, "POST", "/add-from-rules", json={"name": "x", "rules": [NPC]}, headers={"xi-api-key": voices}).json()
    assert made["created_by"] == "maker"
    for key, permission in ((speech, "viewer"), (voices, "admin")):
        for path in ("", f"/{made['id']}", f"/{made['id']}/latest/download"):
            assert ask(server, "GET", path, headers={"xi-api-key": key}).status_code == 200
        assert ask(server, "GET", f"/{made['id']}", headers={"x-api-key": key}).json()["permission_on_resource"] == permission
    for path in ("", f"/{made['id']}", f"/{made['id']}/latest/download"):
        assert ask(server, "GET", path).status_code == 401, "lists that are open are those of models and voices"
    for method, path in CHANGES:
        refused = ask(server, method, path, json={}, headers={"x-api-key": speech})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "wrong_role")
        assert ask(server, method, path, json={}).status_code == 401


def test_without_a_key_nothing_is_changed_from_outside(start_server: Callable[..., RunningServer], tmp_path: Path):
    server = start_server(host="0.0.0.0", pronunciation_path=tmp_path)
    local = RunningServer(f"http://127.0.0.1:{server.port}", server.port, server.synthesizer, server.app)
    for method, path in CHANGES:
        refused = ask(local, method, path, json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "admin_off")
    assert ask(local, "GET").json()["pronunciation_dictionaries"] == []


def test_a_voice_has_dictionaries_of_its_own(start_server: Callable[..., RunningServer], clip: bytes, tmp_path: Path):
    server = start_server(voice_library_path=tmp_path / "voices", pronunciation_path=tmp_path / "dictionaries")
    made = make(server, "Of a voice", NPC)
    locators = [{"pronunciation_dictionary_id": made["id"], "version_id": None}]
    fields = {"name": "Ada", "pronunciation_dictionary_locators": json.dumps(locators)}
    voice = requests.post(f"{server.url}/v1/voices", data=fields, files={"audio": ("a.flac", clip)}, timeout=60).json()
    assert voice["pronunciation_dictionary_locators"] == locators
    assert server.synthesizer.library.voices()[0].dictionaries == ((made["id"], None),)
    for wrong in ([{"pronunciation_dictionary_id": "nobody"}], [{**locators[0], "version_id": "nobody"}]):
        refused = requests.patch(f"{server.url}/v1/voices/Ada", json={"pronunciation_dictionary_locators": wrong}, timeout=60)
        assert (refused.status_code, refused.json()["error"]["param"]) == (404, "pronunciation_dictionary_locators")
    exact = [{**locators[0], "version_id": made["version_id"]}]
    changed = requests.patch(f"{server.url}/v1/voices/Ada", json={"pronunciation_dictionary_locators": exact}, timeout=60).json()
    assert changed["pronunciation_dictionary_locators"] == exact
    emptied = requests.patch(f"{server.url}/v1/voices/Ada", json={"pronunciation_dictionary_locators": None}, timeout=60).json()
    assert emptied["pronunciation_dictionary_locators"] == []


def preview(server: RunningServer, text: str, **fields: Any) -> requests.Response:
    return requests.post(f"{server.url}/v1/text/normalize", json={"input": text, **fields}, timeout=60)


def test_a_request_names_its_dictionaries(running):
    made = make(running, "Of a request", NPC, {**NIKE, "string_to_replace": "Nyke"})
    ask(running, "POST", f"/{made['id']}/set-rules", json={"rules": [{**NPC, "alias": "later"}]})
    locator = {"pronunciation_dictionary_id": made["id"]}
    assert "alias" not in [one["rule"] for one in preview(running, "Two NPCs.").json()["changes"]]
    assert preview(running, "Two NPCs.", pronunciation_dictionary_locators=[locator]).json()["text"] == "Two laters."
    exact = [{**locator, "version_id": made["version_id"]}]
    read = preview(running, "A Nyke NPC.", pronunciation_dictionary_locators=exact).json()
    assert [(one["from"], one["rule"]) for one in read["changes"]] == [("Nyke", "phoneme"), ("NPC", "alias")]
    assert read["text"].endswith("non-player character.")
    for wrong in ([{"pronunciation_dictionary_id": "nobody"}], [{**locator, "version_id": "nobody"}]):
        refused = requests.post(
            f"{running.url}/v1/audio/speech", data={"input": "NPC", "pronunciation_dictionary_locators": json.dumps(wrong)}, timeout=60
        )
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (404, "pronunciation_dictionary_not_found")
        assert error["param"] == "pronunciation_dictionary_locators"


def test_audio_of_another_version_is_another_audio(start_server: Callable[..., RunningServer], tmp_path: Path):
    server = start_server(pronunciation_path=tmp_path / "dictionaries", cache_path=tmp_path / "cache", cache_ttl_minutes=10)
    made = make(server, "Cache", NPC)
    body = {
        "input": "An NPC.",
        "seed": 1,
        "response_format": "wav",
        "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": made["id"]}],
    }

    def speak() -> requests.Response:
        return requests.post(f"{server.url}/v1/audio/speech", json=body, timeout=60)

    first, second = speak(), speak()
    assert (first.headers["X-Cache"], second.headers["X-Cache"], first.content == second.content) == ("MISS", "HIT", True)
    ask(server, "POST", f"/{made['id']}/set-rules", json={"rules": [{**NPC, "alias": "dragon"}]})
    third = speak()
    assert (third.headers["X-Cache"], third.content == first.content) == ("MISS", False)


def test_a_default_dictionary_is_used_for_every_text_and_goes_behind_the_others(start_server: Callable[..., RunningServer], tmp_path: Path):
    server = start_server(pronunciation_path=tmp_path)
    first, second = make(server, "Server", {**NPC, "alias": "first"}), make(server, "Request", {**NPC, "alias": "second"})
    ask(server, "PATCH", f"/{first['id']}", json={"default": True})
    assert preview(server, "NPC").json()["text"] == "first"
    locators = [{"pronunciation_dictionary_id": second["id"]}]
    assert preview(server, "NPC", pronunciation_dictionary_locators=locators).json()["text"] == "second"
    ask(server, "DELETE", f"/{first['id']}")
    assert "first" not in preview(server, "NPC").json()["text"]
