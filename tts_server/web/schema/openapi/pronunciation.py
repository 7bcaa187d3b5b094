"""Operations on pronunciation dictionaries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tts_server.web.routes.pronunciation import (
    CSV,
    PATH,
    PLS,
    DictionaryChangeFields,
    DictionaryFileFields,
    DictionaryQuery,
    NewDictionaryFields,
    RuleListFields,
    RuleStringFields,
)
from tts_server.web.schema.openapi.operation import BINARY, FORM, JSON, Answer, Body, Operation, Parameter
from tts_server.web.schema.openapi.replies import Reply, example

PRONUNCIATION = "Pronunciation"

_NAME = "Names of games"
_ID = Parameter("dictionary_id", "path", "The dictionary's id, or its name where no other has it.", _NAME)
_RULE = {
    "type": "alias",
    "string_to_replace": "NPC",
    "alias": "non-player character",
    "case_sensitive": True,
    "word_boundaries": True,
}
_EXAMPLE = {
    "id": "1f0c7a4be2d95836ab10",
    "latest_version_id": "9ab3c0d17fe24568bd01",
    "latest_version_rules_num": 1,
    "name": _NAME,
    "permission_on_resource": "admin",
    "created_by": "API_KEYS:1",
    "creation_time_unix": 1763740800,
    "archived_time_unix": None,
    "description": None,
    "default": False,
}


class RuleReply(Reply):
    """A rule of a dictionary."""

    type: Literal["alias", "phoneme"] = Field(description="What it has.")
    string_to_replace: str = Field(description="What it replaces.")
    alias: str | None = Field(None, description="The text that is said instead.")
    phoneme: str | None = Field(None, description="How the string is pronounced.")
    alphabet: str | None = Field(None, description="What phoneme is written in.")
    case_sensitive: bool = Field(description="Whether capitals matter.")
    word_boundaries: bool = Field(description="Whether it has to be a whole word.")


class DictionaryReply(Reply):
    """A dictionary without its rules."""

    id: str = Field(description="Its id.")
    latest_version_id: str = Field(description="The id of its latest version.")
    latest_version_rules_num: int = Field(description="How many rules that has.")
    name: str = Field(description="Its name.")
    permission_on_resource: Literal["admin", "viewer"] = Field(description="Whether the caller may change it.")
    created_by: str = Field(description="The name of the key that made it.")
    creation_time_unix: int = Field(description="When it was made, in seconds since 1970.")
    archived_time_unix: int | None = Field(description="When it was archived, if it is.")
    description: str | None = Field(description="A word about it.")
    default: bool = Field(description="Whether every text is read with it.")

    model_config = example(**_EXAMPLE)


class VersionReply(Reply):
    """A version of a dictionary."""

    version_id: str = Field(description="Its id.")
    version_rules_num: int = Field(description="How many rules it has.")
    creation_time_unix: int = Field(description="When it was made, in seconds since 1970.")


class DictionaryWithRules(DictionaryReply):
    """A dictionary with the rules of its latest version."""

    rules: list[RuleReply] = Field(description="The rules.")
    versions: list[VersionReply] = Field(description="Its versions, the oldest first.")

    model_config = example(
        **_EXAMPLE,
        rules=[_RULE],
        versions=[{"version_id": "9ab3c0d17fe24568bd01", "version_rules_num": 1, "creation_time_unix": 1763740800}],
    )


class DictionaryPage(Reply):
    """A page of the list of dictionaries."""

    pronunciation_dictionaries: list[DictionaryReply] = Field(description="The dictionaries.")
    next_cursor: str | None = Field(description="What to send as cursor for the next page.")
    has_more: bool = Field(description="Whether there is one.")
    problems: list[str] = Field(description="What is damaged, and so is in no page.")

    model_config = example(pronunciation_dictionaries=[_EXAMPLE], next_cursor=None, has_more=False, problems=[])


class CreatedDictionary(Reply):
    """A dictionary that was made."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    created_by: str = Field(description="The name of the key that made it.")
    creation_time_unix: int = Field(description="When it was made, in seconds since 1970.")
    version_id: str = Field(description="The id of its version.")
    version_rules_num: int = Field(description="How many rules that has.")
    description: str | None = Field(description="A word about it.")
    permission_on_resource: Literal["admin"] = Field(description="What the caller may do.")

    model_config = example(
        id="1f0c7a4be2d95836ab10",
        name=_NAME,
        created_by="API_KEYS:1",
        creation_time_unix=1763740800,
        version_id="9ab3c0d17fe24568bd01",
        version_rules_num=1,
        description=None,
        permission_on_resource="admin",
    )


class ChangedRules(Reply):
    """The version that a change of rules made."""

    id: str = Field(description="The dictionary.")
    version_id: str = Field(description="The id of its latest version.")
    version_rules_num: int = Field(description="How many rules that has.")

    model_config = example(id="1f0c7a4be2d95836ab10", version_id="9ab3c0d17fe24568bd01", version_rules_num=1)


class DeletedDictionary(Reply):
    """A dictionary that is gone."""

    id: str
    object: Literal["pronunciation_dictionary.deleted"]
    deleted: Literal[True]

    model_config = example(id="1f0c7a4be2d95836ab10", object="pronunciation_dictionary.deleted", deleted=True)


_CHANGED = {200: Answer("The latest version.", {JSON: ChangedRules})}
_NEW_RULES = {"rules": [_RULE, {"type": "phoneme", "string_to_replace": "Nike", "phoneme": "ˈnaɪki", "alphabet": "ipa"}]}

PRONUNCIATION_OPERATIONS = (
    Operation(
        "get",
        PATH,
        "listPronunciationDictionaries",
        PRONUNCIATION,
        "List pronunciation dictionaries",
        "As ElevenLabs' route, with default and problems added.",
        {200: Answer("A page of them.", {JSON: DictionaryPage})},
        (400,),
        query=DictionaryQuery,
        query_example={"page_size": 10},
    ),
    Operation(
        "post",
        f"{PATH}/add-from-rules",
        "addPronunciationDictionaryFromRules",
        PRONUNCIATION,
        "Make a pronunciation dictionary from rules",
        "Requests name it in pronunciation_dictionary_locators.",
        {200: Answer("The dictionary.", {JSON: CreatedDictionary})},
        (409,),
        body=Body((NewDictionaryFields,), {"name": _NAME, "rules": [_RULE]}, media=(JSON,)),
    ),
    Operation(
        "post",
        f"{PATH}/add-from-file",
        "addPronunciationDictionaryFromFile",
        PRONUNCIATION,
        "Make a pronunciation dictionary from a file",
        "A lexicon in PLS 1.0, or a table (CSV); its first wrong rule is named with its line.",
        {200: Answer("The dictionary.", {JSON: CreatedDictionary})},
        (409,),
        body=Body(
            (DictionaryFileFields,),
            {"name": "From a file"},
            {"file": "The lexicon or table, at most 5 MiB. Without it the dictionary is empty."},
            media=(FORM,),
            file_types=f"{PLS}, {CSV}, application/xml, text/xml, application/octet-stream",
        ),
    ),
    Operation(
        "post",
        f"{PATH}/{{dictionary_id}}/add-rules",
        "addPronunciationRules",
        PRONUNCIATION,
        "Add rules",
        "Makes a new version. Rules for the same strings are replaced.",
        _CHANGED,
        (404, 409),
        (_ID,),
        body=Body((RuleListFields,), _NEW_RULES, media=(JSON,)),
    ),
    Operation(
        "post",
        f"{PATH}/{{dictionary_id}}/remove-rules",
        "removePronunciationRules",
        PRONUNCIATION,
        "Remove rules",
        "Makes a new version without the rules for these strings.",
        _CHANGED,
        (404, 409),
        (_ID,),
        body=Body((RuleStringFields,), {"rule_strings": ["NPC"]}, media=(JSON,)),
    ),
    Operation(
        "post",
        f"{PATH}/{{dictionary_id}}/set-rules",
        "setPronunciationRules",
        PRONUNCIATION,
        "Replace all rules",
        "Makes a new version with these rules alone.",
        _CHANGED,
        (404, 409),
        (_ID,),
        body=Body((RuleListFields,), _NEW_RULES, media=(JSON,)),
    ),
    Operation(
        "get",
        f"{PATH}/{{dictionary_id}}/{{version_id}}/download",
        "downloadPronunciationDictionary",
        PRONUNCIATION,
        "Download the rules of a version",
        "As a lexicon in PLS 1.0, with pronunciations in IPA, or as a table.",
        {200: Answer("The rules.", {PLS: BINARY, CSV: BINARY}, ("Content-Disposition",))},
        (400, 404, 409),
        (
            _ID,
            Parameter("version_id", "path", "The id of a version, or latest.", "latest"),
            Parameter("format", "query", "What to download.", "pls", {"enum": ["pls", "csv"]}),
        ),
    ),
    Operation(
        "get",
        f"{PATH}/{{dictionary_id}}",
        "getPronunciationDictionary",
        PRONUNCIATION,
        "Show a pronunciation dictionary",
        "With the rules of its latest version.",
        {200: Answer("The dictionary.", {JSON: DictionaryWithRules})},
        (404, 409),
        (_ID,),
    ),
    Operation(
        "patch",
        f"{PATH}/{{dictionary_id}}",
        "changePronunciationDictionary",
        PRONUNCIATION,
        "Change a pronunciation dictionary",
        "Changes what is given; the version stays.",
        {200: Answer("The dictionary as it is now.", {JSON: DictionaryReply})},
        (404, 409),
        (_ID,),
        body=Body((DictionaryChangeFields,), {"default": True, "description": "For the news"}, media=(JSON,)),
    ),
    Operation(
        "delete",
        f"{PATH}/{{dictionary_id}}",
        "deletePronunciationDictionary",
        PRONUNCIATION,
        "Delete a pronunciation dictionary",
        "Deletes all its versions. Requests that name it get a 404.",
        {200: Answer("It is gone.", {JSON: DeletedDictionary})},
        (404, 409),
        (_ID,),
    ),
)
