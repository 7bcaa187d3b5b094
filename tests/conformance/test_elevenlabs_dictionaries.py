"""ElevenLabs' own Python package, unmodified and pointed at this server: all its calls about pronunciation dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from elevenlabs import AsyncElevenLabs, ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import (
    AddPronunciationDictionaryResponseModel,
    GetPronunciationDictionariesMetadataResponseModel,
    GetPronunciationDictionaryMetadataResponse,
    GetPronunciationDictionaryWithRulesResponseModel,
    PronunciationDictionaryRulesResponseModel,
)
from pydantic import BaseModel
from support.server import RunningServer, run_server

KEY = "right"
PLS = b"""<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="cmu-arpabet" xml:lang="en-US">
  <lexeme><grapheme>Apple</grapheme><phoneme>AE P AH0 L</phoneme></lexeme>
  <lexeme><grapheme>UN</grapheme><alias>United Nations</alias></lexeme>
</lexicon>"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("dictionaries")
    with run_server(api_keys=(KEY,), pronunciation_path=folder) as running:
        yield running


@pytest.fixture
def client(live: RunningServer) -> Iterator[ElevenLabs]:
    with httpx.Client(timeout=60) as connections:
        yield ElevenLabs(base_url=live.url, api_key=KEY, httpx_client=connections)


def alias(string: str, said: str, **more: Any) -> dict[str, Any]:
    return {"type": "alias", "string_to_replace": string, "alias": said, **more}


def phoneme(string: str, said: str, **more: Any) -> dict[str, Any]:
    return {"type": "phoneme", "string_to_replace": string, "phoneme": said, "alphabet": "ipa", **more}


def checked(model: type[BaseModel], reply: BaseModel) -> None:
    """The package builds replies without checking them; here they are checked."""
    assert isinstance(reply, model)
    model.model_validate(reply.model_dump())


RULES = [alias("NPC", "non-player character"), phoneme("Nike", "ˈnaɪki")]


def test_a_dictionary_from_rules_is_read_changed_and_downloaded(client):
    dictionaries = client.pronunciation_dictionaries
    made = dictionaries.create_from_rules(
        name="Names",
        description="of things",
        workspace_access="viewer",
        rules=RULES,
    )
    checked(AddPronunciationDictionaryResponseModel, made)
    assert (made.name, made.description, made.version_rules_num, made.created_by) == ("Names", "of things", 2, "API_KEYS:1")

    added = dictionaries.rules.add(made.id, rules=[alias("gif", "jif", case_sensitive=False, word_boundaries=True)])
    checked(PronunciationDictionaryRulesResponseModel, added)
    assert (added.id, added.version_rules_num, added.version_id == made.version_id) == (made.id, 3, False)

    removed = dictionaries.rules.remove(made.id, rule_strings=["NPC"])
    assert removed.version_rules_num == 2

    found = dictionaries.get(made.id)
    checked(GetPronunciationDictionaryWithRulesResponseModel, found)
    assert found.latest_version_id == removed.version_id
    assert [(rule.type, rule.string_to_replace, rule.case_sensitive, rule.word_boundaries) for rule in found.rules] == [
        ("phoneme", "Nike", True, True),
        ("alias", "gif", False, True),
    ]
    assert (found.rules[0].phoneme, found.rules[0].alphabet, found.rules[1].alias) == ("ˈnaɪki", "ipa", "jif")

    first = b"".join(dictionaries.download(made.id, made.version_id)).decode()
    assert "<alias>non-player character</alias>" in first and "gif" not in first
    assert "gif" in b"".join(dictionaries.download(made.id, removed.version_id)).decode()

    replaced = dictionaries.rules.set(made.id, rules=[alias("only", "this")])
    assert (replaced.version_rules_num, len(dictionaries.get(made.id).rules)) == (1, 1)


def test_a_dictionary_from_a_file_has_its_rules(client, tmp_path):
    path = tmp_path / "lexicon.pls"
    path.write_bytes(PLS)
    with path.open("rb") as file:
        made = client.pronunciation_dictionaries.create_from_file(name="From a file", file=file, description="PLS")
    checked(AddPronunciationDictionaryResponseModel, made)
    rules = client.pronunciation_dictionaries.get(made.id).rules
    assert [(rule.type, rule.string_to_replace) for rule in rules] == [("phoneme", "Apple"), ("alias", "UN")]
    assert (rules[0].alphabet, rules[0].phoneme) == ("cmu-arpabet", "AE P AH0 L")
    for file in (PLS, ("lexicon.pls", PLS), ("words.csv", b"NPC,non-player character", "text/csv")):
        assert client.pronunciation_dictionaries.create_from_file(name="Again", file=file).version_rules_num in (1, 2)
    assert client.pronunciation_dictionaries.create_from_file(name="Empty").version_rules_num == 0


def test_a_dictionary_is_renamed_archived_and_brought_back(client):
    dictionaries = client.pronunciation_dictionaries
    made = dictionaries.create_from_rules(name="Before", rules=[alias("a", "b")])
    changed = dictionaries.update(made.id, name="After", archived=True)
    checked(GetPronunciationDictionaryMetadataResponse, changed)
    assert (changed.name, changed.latest_version_id, bool(changed.archived_time_unix)) == ("After", made.version_id, True)
    assert made.id not in [one.id for one in dictionaries.list(page_size=100).pronunciation_dictionaries]
    assert made.id in [one.id for one in dictionaries.list(page_size=100, include_archived=True).pronunciation_dictionaries]
    assert dictionaries.update(made.id, archived=False).archived_time_unix is None


@pytest.mark.parametrize("direction", ["ascending", "descending", "ASCENDING"])
@pytest.mark.parametrize("sort", ["creation_time_unix", "name"])
def test_the_list_comes_in_pages_in_the_order_that_was_asked_for(client, sort, direction):
    dictionaries = client.pronunciation_dictionaries
    for number in (3, 1, 2):
        dictionaries.create_from_rules(name=f"Page {number}", rules=[alias("a", "b")])
    listed: list[GetPronunciationDictionaryMetadataResponse] = []
    cursor = None
    while True:
        page = dictionaries.list(page_size=2, cursor=cursor, sort=sort, sort_direction=direction)
        checked(GetPronunciationDictionariesMetadataResponseModel, page)
        assert len(page.pronunciation_dictionaries) <= 2
        listed += page.pronunciation_dictionaries
        cursor = page.next_cursor
        assert page.has_more == (cursor is not None)
        if not page.has_more:
            break
    assert len({one.id for one in listed}) == len(listed) == len(dictionaries.list(page_size=100).pronunciation_dictionaries)
    values = [one.name.casefold() if sort == "name" else one.creation_time_unix for one in listed]
    assert values == sorted(values, reverse=direction.lower() == "descending")


def test_errors_are_the_packages_own_with_a_message(client, live):
    dictionaries = client.pronunciation_dictionaries
    made = dictionaries.create_from_rules(name="Errors", rules=[alias("a", "b")])
    calls: dict[int, list[Callable[[], object]]] = {
        404: [
            lambda: dictionaries.get("nobody"),
            lambda: dictionaries.update("nobody", name="x"),
            lambda: dictionaries.rules.add("nobody", rules=[alias("a", "b")]),
            lambda: dictionaries.rules.remove("nobody", rule_strings=["a"]),
            lambda: dictionaries.rules.set("nobody", rules=[]),
            lambda: b"".join(dictionaries.download(made.id, "nobody")),
        ],
        400: [
            lambda: dictionaries.create_from_rules(name="", rules=[]),
            lambda: dictionaries.create_from_rules(name="x", rules=[phoneme("a", "123")]),
            lambda: dictionaries.create_from_rules(name="x", rules=[alias("", "b")]),
            lambda: dictionaries.create_from_file(name="x", file=b"<!DOCTYPE x><lexicon/>"),
            lambda: dictionaries.list(cursor="nonsense"),
            lambda: dictionaries.list(page_size=101),
        ],
    }
    with httpx.Client(timeout=60) as connections:
        stranger = ElevenLabs(base_url=live.url, api_key="wrong", httpx_client=connections)
        calls[401] = [lambda: stranger.pronunciation_dictionaries.list()]
        for status, wrong in calls.items():
            for call in wrong:
                with pytest.raises(ApiError) as error:
                    call()
                assert error.value.status_code == status
                assert isinstance(error.value.body, dict) and error.value.body["error"]["message"] and error.value.body["detail"]


def test_the_asynchronous_client_works_too(live):
    async def use() -> list[str]:
        async with httpx.AsyncClient(timeout=60) as connections:
            dictionaries = AsyncElevenLabs(base_url=live.url, api_key=KEY, httpx_client=connections).pronunciation_dictionaries
            made = await dictionaries.create_from_rules(name="Async", rules=[alias("a", "b")])
            await dictionaries.rules.add(made.id, rules=[alias("c", "d")])
            text = b"".join([piece async for piece in dictionaries.download(made.id, made.version_id)]).decode()
            assert "<grapheme>a</grapheme>" in text
            return [rule.string_to_replace for rule in (await dictionaries.get(made.id)).rules]

    assert asyncio.run(use()) == ["a", "c"]
