"""Dictionaries on disk: versions, several writers, damage, and what a crash leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tts_server.dictionaries import store as store_module
from tts_server.dictionaries.selection import DictionarySelection
from tts_server.dictionaries.store import DictionaryNotFound, DictionaryStore
from tts_server.errors import Conflict, InvalidRequest
from tts_server.text.edits import EditedText
from tts_server.text.pronunciation.rules import Rule

PROJECT = Path(__file__).resolve().parents[2]
A, B, C = Rule("a", alias="1"), Rule("b", alias="2"), Rule("c", phoneme="si", case_sensitive=False)


@pytest.fixture
def store(tmp_path: Path) -> DictionaryStore:
    return DictionaryStore(tmp_path / "dictionaries")


def test_what_was_made_is_there_for_another_server(store):
    made = store.create("Größe", [A, B, C], description="über", created_by="somebody")
    other = DictionaryStore(store.folder)
    assert other.get(made.id) == made
    assert other.rules(made.id) == [A, B, C]
    assert [one.name for one in other.dictionaries()] == ["Größe"]
    assert re.fullmatch(r"[0-9a-f]{20}", made.id)


def test_every_change_of_rules_is_a_new_version_and_the_old_one_stays(store):
    made = store.create("x", [A])
    second = store.add_rules(made.id, [B, C])
    third = store.remove_rules(made.id, ["a", "nothing"])
    fourth = store.set_rules(made.id, [C])
    versions = [one.id for one in fourth.versions]
    assert versions == [made.latest.id, second.latest.id, third.latest.id, fourth.latest.id]
    assert [store.rules(made.id, version) for version in versions] == [[A], [A, B, C], [B, C], [C]]
    assert store.rules(made.id) == store.rules(made.id, "latest") == [C]


def test_a_change_that_changes_no_rule_makes_no_version(store):
    made = store.create("x", [A])
    assert store.set_rules(made.id, [A]) == store.remove_rules(made.id, ["b"]) == made


def test_a_new_name_leaves_the_version_as_it_is(store):
    made = store.create("x", [A])
    changed = store.change(made.id, name="y", description="z", is_archived=True, is_default=True)
    assert (changed.name, changed.description, changed.is_default, changed.latest) == ("y", "z", True, made.latest)
    assert changed.archived is not None
    assert store.change(made.id, is_archived=False).archived is None


def test_a_dictionary_is_found_by_its_name_while_no_other_has_it(store):
    made = store.create("Names", [A])
    assert store.get("names") == made
    store.create("NAMES", [B])
    with pytest.raises(Conflict) as error:
        store.get("names")
    assert (error.value.code, made.id in error.value.message) == ("ambiguous_name", True)


@pytest.mark.parametrize("name", ["", "..", "../x", "0" * 20, "con", "a/b", "C:\\x", "\0", "x" * 5000])
def test_what_is_not_there_is_not_found_whatever_it_is_called(store, name):
    store.create("something", [A])
    for call in (store.get, store.delete, store.rules, lambda one: store.set_rules(one, [])):
        with pytest.raises(DictionaryNotFound):
            call(name)
    with pytest.raises(DictionaryNotFound):
        store.version(store.dictionaries()[0].id, name or "x")


def test_a_deleted_dictionary_is_gone_with_its_files(store):
    made = store.create("x", [A])
    store.add_rules(made.id, [B])
    assert store.delete(made.id) == made.id
    assert not (store.folder / made.id).exists()
    with pytest.raises(DictionaryNotFound):
        store.get(made.id)


def test_the_oldest_versions_go_when_there_are_too_many(store, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_VERSIONS", 3)
    made = store.create("x", [A])
    for number in range(4):
        last = store.set_rules(made.id, [Rule("a", alias=str(number + 10))])
    assert len(last.versions) == 3
    assert len(list((store.folder / made.id).iterdir())) == 4
    with pytest.raises(DictionaryNotFound):
        store.rules(made.id, made.latest.id)


def test_too_many_rules_and_dictionaries_are_refused_and_change_nothing(store, monkeypatch):
    made = store.create("x", [A])
    with pytest.raises(InvalidRequest) as error:
        store.add_rules(made.id, [Rule(str(number), alias="x") for number in range(10_000)])
    assert (error.value.param, error.value.code) == ("rules", "too_many_rules")
    monkeypatch.setattr(store_module, "MAX_DICTIONARIES", 1)
    with pytest.raises(Conflict):
        store.create("y", [A])
    assert store.dictionaries() == [made]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": "x"}', b"\xff\xfe\x00"])
def test_a_damaged_dictionary_is_reported_and_the_others_work(store, content):
    good, bad = store.create("good", [A]), store.create("bad", [B])
    (store.folder / bad.id / "dictionary.json").write_bytes(content)
    assert store.dictionaries() == [good]
    assert [bad.id in problem for problem in store.problems()] == [True]
    with pytest.raises(Conflict) as error:
        store.get(bad.id)
    assert error.value.code == "pronunciation_dictionary_damaged"
    assert store.add_rules(good.id, [C]).latest.num_rules == 2
    store.delete(bad.id)
    assert store.problems() == []


def test_a_damaged_version_can_be_replaced(store):
    made = store.create("x", [A])
    (store.folder / made.id / f"{made.latest.id}.json").write_bytes(b'{"rules": [5]}')
    for call in (lambda: store.rules(made.id), lambda: store.compiled(made.id), lambda: store.add_rules(made.id, [B])):
        with pytest.raises(Conflict):
            call()
    store.set_rules(made.id, [B])
    assert store.rules(made.id) == [B]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_change_that_breaks_off_leaves_the_old_state(store, monkeypatch, fails_at):
    """A change replaces two files; either may fail."""
    made = store.create("x", [A])
    calls = 0
    replace = os.replace

    def failing(self, target):
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(30, "Read-only file system")
        replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        with pytest.raises(Conflict) as error:
            store.add_rules(made.id, [B])
        assert error.value.code == "folder_not_writable"
    for reader in (store, DictionaryStore(store.folder)):
        assert reader.get(made.id) == made
        assert reader.rules(made.id) == [A]
    assert store.add_rules(made.id, [B]).latest.num_rules == 2


def test_a_full_disk_is_no_fault_of_the_folder(store, monkeypatch):
    made = store.create("x", [A])

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            store.add_rules(made.id, [B])
    assert store.rules(made.id) == [A]
    assert not list(store.folder.rglob("*.unfinished"))


KILLED = """
import os, sys
from pathlib import Path
from tts_server.dictionaries.store import DictionaryStore
from tts_server.text.pronunciation.rules import Rule
store = DictionaryStore(Path(sys.argv[1]))
calls, replace = 0, Path.replace
def ending(self, target):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        os._exit(9)
    return replace(self, target)
Path.replace = ending
store.add_rules(sys.argv[2], [Rule("b", alias="2")])
"""


@pytest.mark.parametrize("ends_at", [1, 2])
def test_a_process_that_is_killed_within_a_change_leaves_the_old_state_and_no_lock(store, ends_at):
    made = store.create("x", [A])
    command = [sys.executable, "-c", KILLED, str(store.folder), made.id, str(ends_at)]
    assert subprocess.run(command, cwd=PROJECT, timeout=60).returncode == 9
    assert DictionaryStore(store.folder).rules(made.id) == [A]
    assert store.add_rules(made.id, [C]).latest.num_rules == 2


def test_what_a_killed_server_left_is_removed_when_it_is_old(store):
    made = store.create("x", [A])
    folder = store.folder / made.id
    left = [folder / f".{'0' * 32}.unfinished", folder / f"{'0' * 20}.json"]
    without_description = store.folder / ("1" * 20)
    without_description.mkdir()
    left.append(without_description / f"{'2' * 20}.json")
    for path in left:
        path.write_bytes(b"{}")
    DictionaryStore(store.folder)
    assert all(path.exists() for path in left), "they may be the work of another server"
    old = time.time() - 86_400
    for path in (*left, folder, without_description):
        os.utime(path, (old, old))
    assert DictionaryStore(store.folder).rules(made.id) == [A]
    assert not any(path.exists() for path in left)


def test_rules_that_several_threads_and_stores_add_are_all_there(store):
    made = store.create("x", [])
    failed: list[BaseException] = []

    def add(first: int) -> None:
        own = DictionaryStore(store.folder)
        try:
            for number in range(first, first + 5):
                own.add_rules(made.id, [Rule(f"w{number}", alias="x")])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, 30, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {rule.string_to_replace for rule in store.rules(made.id)} == {f"w{number}" for number in range(30)}


def test_a_folder_that_cannot_be_made_is_a_conflict(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    store = DictionaryStore(tmp_path / "file" / "dictionaries")
    assert (store.dictionaries(), store.problems()) == ([], [])
    with pytest.raises(Conflict):
        store.create("x", [A])


def test_the_files_are_json_that_people_can_read(store):
    made = store.create("x", [Rule("Straße", alias="street"), C])
    written = json.loads((store.folder / made.id / f"{made.latest.id}.json").read_text(encoding="utf-8"))
    assert written["rules"][0] == {
        "string_to_replace": "Straße",
        "type": "alias",
        "alias": "street",
        "case_sensitive": True,
        "word_boundaries": True,
    }


def read(selection: DictionarySelection, text: str, *args) -> str:
    return EditedText(text, selection.resolve(*args).find_edits(text)).text


def test_a_requests_dictionaries_go_before_the_voices_and_those_before_the_servers(store):
    request, voice, server = (store.create(name, [Rule("word", alias=name), Rule(name, alias="own")]) for name in ("one", "two", "three"))
    store.change(server.id, is_default=True)
    selection = DictionarySelection(store)
    assert read(selection, "word one two three") == "three one two own"
    assert read(selection, "word one two three", (), [(voice.id, None)]) == "two one own own"
    assert read(selection, "word one two three", [(request.id, None)], [(voice.id, None)]) == "one own own own"
    resolved = selection.resolve([(request.id, None)], [(voice.id, None)])
    assert resolved.versions == (request.latest.id, voice.latest.id, server.latest.id)


def test_a_version_that_is_named_is_used_though_there_is_a_later_one(store):
    made = store.create("x", [Rule("word", alias="old")])
    store.set_rules(made.id, [Rule("word", alias="new")])
    selection = DictionarySelection(store)
    assert read(selection, "word", [(made.id, made.latest.id)]) == "old"
    assert read(selection, "word", [(made.id, None)]) == "new"


def test_only_a_request_fails_by_a_dictionary_that_does_not_exist(store, caplog):
    selection = DictionarySelection(store, ["nobody"])
    for locator in (("0" * 20, None), (store.create("x", []).id, "0" * 20)):
        with pytest.raises(DictionaryNotFound) as error:
            selection.resolve([locator])
        assert error.value.param == "pronunciation_dictionary_locators"
        assert error.value.code == "pronunciation_dictionary_not_found"
        assert selection.resolve((), [locator]).versions == ()
    assert "PRONUNCIATION_DICTIONARIES" in caplog.text and "nobody" in caplog.text


def test_the_dictionaries_of_the_settings_may_be_named_or_come_later(store):
    selection = DictionarySelection(store, ["News"])
    assert read(selection, "a") == "a"
    made = store.create("news", [A])
    assert (read(selection, "a"), selection.default_ids()) == ("1", [made.id])


def test_an_archived_dictionary_is_no_default_and_still_there_for_who_names_it(store):
    made = store.create("x", [A])
    store.change(made.id, is_default=True, is_archived=True)
    selection = DictionarySelection(store)
    assert read(selection, "a") == "a"
    assert read(selection, "a", [(made.id, None)]) == "1"
