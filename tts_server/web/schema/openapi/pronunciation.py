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
_ID = Parameter("dictionary_id", "path", "The id of the dictionary, or its name if it is unique.", _NAME)
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

    type: Literal["alias", "phoneme"] = Field(description="The kind of replacement.")
    string_to_replace: str = Field(description="The string that is replaced.")
    alias: str | None = Field(None, description="The text to speak instead.")
    phoneme: str | None = Field(None, description="The pronunciation of the string.")
    alphabet: str | None = Field(None, description="The alphabet of phoneme.")
    case_sensitive: bool = Field(description="Whether case matters.")
    word_boundaries: bool = Field(description="Whether only whole words match.")


class DictionaryReply(Reply):
    """A dictionary without its rules."""

    id: str = Field(description="The id.")
    latest_version_id: str = Field(description="The id of its latest version.")
    latest_version_rules_num: int = Field(description="The number of its rules.")
    name: str = Field(description="The name.")
    permission_on_resource: Literal["admin", "viewer"] = Field(description="Whether the client may change it.")
    created_by: str = Field(description="The name of the key that created it.")
    creation_time_unix: int = Field(description="When it was created, in seconds since 1970.")
    archived_time_unix: int | None = Field(description="When it was archived, if it is.")
    description: str | None = Field(description="A description.")
    default: bool = Field(description="Whether it is applied to every text.")

    model_config = example(**_EXAMPLE)


class VersionReply(Reply):
    """A version of a dictionary."""

    version_id: str = Field(description="The id.")
    version_rules_num: int = Field(description="The number of its rules.")
    creation_time_unix: int = Field(description="When it was created, in seconds since 1970.")


class DictionaryWithRules(DictionaryReply):
    """A dictionary with the rules of its latest version."""

    rules: list[RuleReply] = Field(description="The rules.")
    versions: list[VersionReply] = Field(description="The versions, oldest first.")

    model_config = example(
        **_EXAMPLE,
        rules=[_RULE],
        versions=[{"version_id": "9ab3c0d17fe24568bd01", "version_rules_num": 1, "creation_time_unix": 1763740800}],
    )


class DictionaryPage(Reply):
    """A page of the list of dictionaries."""

    pronunciation_dictionaries: list[DictionaryReply] = Field(description="The dictionaries.")
    next_cursor: str | None = Field(description="The cursor of the next page.")
    has_more: bool = Field(description="Whether there is a next page.")
    problems: list[str] = Field(description="Damaged dictionaries, which no page contains.")

    model_config = example(pronunciation_dictionaries=[_EXAMPLE], next_cursor=None, has_more=False, problems=[])


class CreatedDictionary(Reply):
    """A new dictionary."""

    id: str = Field(description="The id.")
    name: str = Field(description="The name.")
    created_by: str = Field(description="The name of the key that created it.")
    creation_time_unix: int = Field(description="When it was created, in seconds since 1970.")
    version_id: str = Field(description="The id of its version.")
    version_rules_num: int = Field(description="The number of its rules.")
    description: str | None = Field(description="A description.")
    permission_on_resource: Literal["admin"] = Field(description="The permission of the client.")

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
    """The version created by a change of rules."""

    id: str = Field(description="The dictionary.")
    version_id: str = Field(description="The id of its latest version.")
    version_rules_num: int = Field(description="The number of its rules.")

    model_config = example(id="1f0c7a4be2d95836ab10", version_id="9ab3c0d17fe24568bd01", version_rules_num=1)


class DeletedDictionary(Reply):
    """A deleted dictionary."""

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
        "ElevenLabs' route, with the additional fields default and problems.",
        {200: Answer("A page of dictionaries.", {JSON: DictionaryPage})},
        (400,),
        query=DictionaryQuery,
        query_example={"page_size": 10},
    ),
    Operation(
        "post",
        f"{PATH}/add-from-rules",
        "addPronunciationDictionaryFromRules",
        PRONUNCIATION,
        "Create a pronunciation dictionary from rules",
        "Requests refer to it in pronunciation_dictionary_locators.",
        {200: Answer("The dictionary.", {JSON: CreatedDictionary})},
        (409,),
        body=Body((NewDictionaryFields,), {"name": _NAME, "rules": [_RULE]}, media=(JSON,)),
    ),
    Operation(
        "post",
        f"{PATH}/add-from-file",
        "addPronunciationDictionaryFromFile",
        PRONUNCIATION,
        "Create a pronunciation dictionary from a file",
        "A lexicon in PLS 1.0, or a table (CSV). An error names the line of the first invalid rule.",
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
        "Creates a version. Rules for the same strings are replaced.",
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
        "Creates a version without the rules for these strings.",
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
        "Creates a version with these rules only.",
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
            Parameter("format", "query", "The file format.", "pls", {"enum": ["pls", "csv"]}),
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
        "Changes the given fields; the version does not change.",
        {200: Answer("The changed dictionary.", {JSON: DictionaryReply})},
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
