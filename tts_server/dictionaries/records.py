"""The data of a pronunciation dictionary, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from tts_server.text.pronunciation.rules import Rule

MAX_NAME = 200
MAX_DESCRIPTION = 2000
ID = r"[0-9a-f]{20}"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a dictionary. Its rules are in a separate file, which never changes."""

    id: str = Field(pattern=f"^{ID}$")
    num_rules: int = Field(ge=0)
    created: int


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """A dictionary without its rules; times are Unix times in seconds.

    `created_by` is the name of the key that created it. A dictionary that `is_default` applies to all texts, unless it is archived.
    """

    id: str = Field(pattern=f"^{ID}$")
    name: str = Field(min_length=1, max_length=MAX_NAME)
    created: int
    versions: tuple[Version, ...] = Field(min_length=1)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    created_by: str = ""
    archived: int | None = None
    is_default: bool = False

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    def has_version(self, version_id: str) -> bool:
        return any(version.id == version_id for version in self.versions)


_DICTIONARY = TypeAdapter(Dictionary)


def dictionary_to_json(dictionary: Dictionary) -> bytes:
    """The file of a dictionary."""
    return _DICTIONARY.dump_json(dictionary, indent=1)


def dictionary_from_json(data: bytes) -> Dictionary:
    """The dictionary of a file; raises ValueError where it is damaged."""
    return _DICTIONARY.validate_json(data)


def rule_fields(rule: Rule) -> dict[str, Any]:
    """A rule as a JSON object, with the names of ElevenLabs' API."""
    said = {"type": "alias", "alias": rule.alias} if rule.alias is not None else {"type": "phoneme", "phoneme": rule.phoneme}
    alphabet = {} if rule.phoneme is None else {"alphabet": rule.alphabet}
    conditions = {"case_sensitive": rule.case_sensitive, "word_boundaries": rule.word_boundaries}
    return {"string_to_replace": rule.string_to_replace, **said, **alphabet, **conditions}


def rule_from_fields(fields: Mapping[str, Any]) -> Rule:
    """The rule of a JSON object that `rule_fields` wrote. Raises ValueError, TypeError or KeyError where it is none."""
    return Rule(
        fields["string_to_replace"],
        alias=fields["alias"] if fields["type"] == "alias" else None,
        phoneme=fields["phoneme"] if fields["type"] == "phoneme" else None,
        alphabet=fields.get("alphabet", "ipa"),
        case_sensitive=bool(fields["case_sensitive"]),
        word_boundaries=bool(fields["word_boundaries"]),
    )


def rules_to_json(rules: Iterable[Rule]) -> bytes:
    """The file of a version."""
    return json.dumps({"rules": [rule_fields(rule) for rule in rules]}, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def rules_from_json(data: bytes) -> list[Rule]:
    """The rules of a version's file; raises ValueError where it is damaged."""
    try:
        return [rule_from_fields(fields) for fields in json.loads(data)["rules"]]
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
