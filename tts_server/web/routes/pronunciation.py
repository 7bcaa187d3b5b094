"""The routes of pronunciation dictionaries, compatible with ElevenLabs' clients: create, list, change, download and delete."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from flask import Blueprint, Response, g, jsonify, request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tts_server.dictionaries.formats import read_rules
from tts_server.dictionaries.pls import write_pls
from tts_server.dictionaries.records import MAX_DESCRIPTION, MAX_NAME, Dictionary, rule_fields
from tts_server.dictionaries.tables import write_table
from tts_server.errors import InvalidRequest, TooLarge
from tts_server.keys import Key, Role
from tts_server.text.clean import clean
from tts_server.text.pronunciation.rules import MAX_ALIAS, MAX_RULES, MAX_STRING, Rule
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.options import WebOptions
from tts_server.web.policy import READING, VOICE_CHANGE, Authorization
from tts_server.web.route_map import protect
from tts_server.web.schema.payload import read_payload
from tts_server.web.schema.validation import validate

PATH = "/v1/pronunciation-dictionaries"
PLS, CSV = "application/pls+xml", "text/csv"
MAX_FILE_BYTES = 5 * 2**20
MAX_PAGE = 100
DICTIONARY = replace(READING, authorization=Authorization.ANY_ROLE)
"""Dictionaries may contain private names, so LISTINGS_OPEN does not apply to them."""

Fields = TypeVar("Fields", bound=BaseModel)


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _plain_name(value: str) -> str:
    name = " ".join(clean(value).split())
    if not name:
        raise ValueError("a name is required")
    return name


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_plain_name)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(clean)]
Access = Annotated[Literal["admin", "editor", "viewer"], BeforeValidator(_lower)]
ACCESS_DESCRIPTION = "Accepted and ignored: the roles of a key decide what it may do."


class RuleFields(BaseModel):
    """A rule: a string in a text is replaced by an alias or by a pronunciation."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[Literal["alias", "phoneme"], BeforeValidator(_lower)] = Field(description="The kind of replacement.")
    string_to_replace: str = Field(
        min_length=1, max_length=MAX_STRING, description="One or more words; plural and possessive forms match as well."
    )
    alias: str | None = Field(None, max_length=MAX_ALIAS, description="The text to speak instead; it is normalized like any text.")
    phoneme: str | None = Field(None, max_length=MAX_STRING, description="The pronunciation of the string.")
    alphabet: str | None = Field(None, max_length=40, description="The alphabet of phoneme: ipa, cmu-arpabet or x-sampa.")
    case_sensitive: bool | None = Field(None, description="Whether case matters; the default is true.")
    word_boundaries: bool | None = Field(None, description="Whether only whole words match; the default is true.")

    def as_rule(self) -> Rule:
        """Return the rule; raises ValueError."""
        is_alias = self.type == "alias"
        if (self.alias if is_alias else self.phoneme) is None:
            raise ValueError(f"a rule of the type {self.type} needs the field {self.type}")
        return Rule(
            self.string_to_replace,
            alias=self.alias if is_alias else None,
            phoneme=None if is_alias else self.phoneme,
            alphabet="ipa" if is_alias else self.alphabet or "ipa",
            case_sensitive=self.case_sensitive is not False,
            word_boundaries=self.word_boundaries is not False,
        )


class RuleListFields(BaseModel):
    """Rules for an existing dictionary."""

    rules: list[RuleFields] = Field(max_length=MAX_RULES, description="The rules; if several have the same string, the first applies.")


class NewDictionaryFields(RuleListFields):
    """A dictionary from rules."""

    name: Name = Field(description="The name, which need not be unique.")
    description: Description | None = Field(None, description="A description.")
    workspace_access: Access | None = Field(None, description=ACCESS_DESCRIPTION)


class DictionaryFileFields(BaseModel):
    """A dictionary from a file."""

    name: Name = Field(description="The name, which need not be unique.")
    description: Description | None = Field(None, description="A description.")
    workspace_access: Access | None = Field(None, description=ACCESS_DESCRIPTION)


class RuleStringFields(BaseModel):
    """Rules to remove."""

    rule_strings: list[Annotated[str, Field(max_length=MAX_STRING)]] = Field(
        max_length=MAX_RULES, description="The strings that the rules replace, exactly as in the rules."
    )


class DictionaryChangeFields(BaseModel):
    """Changes of a dictionary; fields that are not given stay as they are."""

    name: Name | None = Field(None, description="A new name.")
    description: Description | None = Field(None, description="A new description.")
    archived: bool | None = Field(None, description="Whether it is omitted from lists and not applied to every text.")
    default: bool | None = Field(None, description="Whether it is applied to every text.")


class DictionaryQuery(BaseModel):
    """Which dictionaries to list."""

    cursor: str | None = Field(None, max_length=2000, description="The next_cursor of the previous reply.")
    page_size: int = Field(30, ge=1, le=MAX_PAGE, description="The maximum number of dictionaries in the reply.")
    sort: Annotated[Literal["creation_time_unix", "name"], BeforeValidator(_lower)] = Field(
        "creation_time_unix", description="The field to sort by."
    )
    sort_direction: Annotated[Literal["ascending", "descending"], BeforeValidator(_lower)] = Field(
        "descending", description="The sort direction."
    )
    include_archived: bool = Field(False, description="Whether to include archived dictionaries.")


def pronunciation_routes(options: WebOptions) -> Blueprint:
    routes = Blueprint("pronunciation", __name__)
    protect(routes, PATH, unsafe=VOICE_CHANGE)
    store = options.dictionaries.store

    def may_change() -> bool:
        key: Key | None = g.get("key")
        return key.has_role(Role.VOICES) if key is not None else options.is_open_to_changes

    def creator() -> str:
        key: Key | None = g.get("key")
        return key.name if key is not None else ""

    def metadata(dictionary: Dictionary, defaults: Collection[str] | None = None) -> dict[str, Any]:
        return {
            "id": dictionary.id,
            "latest_version_id": dictionary.latest.id,
            "latest_version_rules_num": dictionary.latest.num_rules,
            "name": dictionary.name,
            "permission_on_resource": "admin" if may_change() else "viewer",
            "created_by": dictionary.created_by,
            "creation_time_unix": dictionary.created,
            "archived_time_unix": dictionary.archived,
            "description": dictionary.description or None,
            "default": dictionary.id in (options.dictionaries.default_ids() if defaults is None else defaults),
        }

    def created(dictionary: Dictionary) -> Response:
        return jsonify(
            {
                "id": dictionary.id,
                "name": dictionary.name,
                "created_by": dictionary.created_by,
                "creation_time_unix": dictionary.created,
                "version_id": dictionary.latest.id,
                "version_rules_num": dictionary.latest.num_rules,
                "description": dictionary.description or None,
                "permission_on_resource": "admin",
            }
        )

    def changed(dictionary: Dictionary) -> Response:
        latest = dictionary.latest
        return jsonify({"id": dictionary.id, "version_id": latest.id, "version_rules_num": latest.num_rules})

    @routes.get(PATH, policy=DICTIONARY)
    def list_dictionaries() -> Response:
        query = _validated(DictionaryQuery, {name: value for name, value in request.args.items() if value}, "query")
        chosen = [one for one in store.dictionaries() if query.include_archived or one.archived is None]
        page, next_cursor = _page(chosen, query)
        defaults = frozenset(options.dictionaries.default_ids())
        return jsonify(
            {
                "pronunciation_dictionaries": [metadata(one, defaults) for one in page],
                "next_cursor": next_cursor,
                "has_more": next_cursor is not None,
                "problems": store.problems(),
            }
        )

    @routes.post(f"{PATH}/add-from-rules", policy=VOICE_CHANGE)
    def add_from_rules() -> Response:
        fields = _validated(NewDictionaryFields, read_payload(request))
        rules = _rules(fields.rules)
        return created(store.create(fields.name, rules, description=fields.description or "", created_by=creator()))

    @routes.post(f"{PATH}/add-from-file", policy=VOICE_CHANGE)
    def add_from_file() -> Response:
        """Without a file the new dictionary is empty."""
        fields = _validated(DictionaryFileFields, {name: value for name, value in request.form.items() if value})
        data = request.files["file"].stream.read(MAX_FILE_BYTES + 1) if "file" in request.files else b""
        if len(data) > MAX_FILE_BYTES:
            raise TooLarge(f"file: the file is larger than {MAX_FILE_BYTES} bytes.", param="file")
        rules = read_rules(data) if data else []
        return created(store.create(fields.name, rules, description=fields.description or "", created_by=creator()))

    @routes.post(f"{PATH}/<dictionary_id>/add-rules", policy=VOICE_CHANGE)
    def add_rules(dictionary_id: str) -> Response:
        fields = _validated(RuleListFields, read_payload(request))
        return changed(store.add_rules(dictionary_id, _rules(fields.rules)))

    @routes.post(f"{PATH}/<dictionary_id>/remove-rules", policy=VOICE_CHANGE)
    def remove_rules(dictionary_id: str) -> Response:
        fields = _validated(RuleStringFields, read_payload(request))
        return changed(store.remove_rules(dictionary_id, fields.rule_strings))

    @routes.post(f"{PATH}/<dictionary_id>/set-rules", policy=VOICE_CHANGE)
    def set_rules(dictionary_id: str) -> Response:
        fields = _validated(RuleListFields, read_payload(request))
        return changed(store.set_rules(dictionary_id, _rules(fields.rules)))

    @routes.get(f"{PATH}/<dictionary_id>/<version_id>/download", policy=DICTIONARY)
    def download(dictionary_id: str, version_id: str) -> Response:
        format_ = request.args.get("format", "").lower() or "pls"
        if format_ not in ("pls", "csv"):
            raise InvalidRequest("format: must be pls or csv.", param="format")
        rules = store.rules(dictionary_id, version_id)
        data, kind = (write_pls(rules), PLS) if format_ == "pls" else (write_table(rules), f"{CSV}; charset=utf-8")
        response = Response(data, content_type=kind)
        response.headers["Content-Disposition"] = f'attachment; filename="{store.get(dictionary_id).id}.{format_}"'
        return response

    @routes.get(f"{PATH}/<dictionary_id>", policy=DICTIONARY)
    def get_dictionary(dictionary_id: str) -> Response:
        dictionary = store.get(dictionary_id)
        rules = store.rules(dictionary.id, dictionary.latest.id)
        versions = [
            {"version_id": one.id, "version_rules_num": one.num_rules, "creation_time_unix": one.created} for one in dictionary.versions
        ]
        return jsonify({**metadata(dictionary), "rules": [rule_fields(rule) for rule in rules], "versions": versions})

    @routes.patch(f"{PATH}/<dictionary_id>", policy=VOICE_CHANGE)
    def change_dictionary(dictionary_id: str) -> Response:
        fields = _validated(DictionaryChangeFields, read_payload(request))
        changes = {"is_archived": fields.archived, "is_default": fields.default}
        return jsonify(metadata(store.change(dictionary_id, name=fields.name, description=fields.description, **changes)))

    @routes.delete(f"{PATH}/<dictionary_id>", policy=VOICE_CHANGE)
    def delete_dictionary(dictionary_id: str) -> Response:
        return jsonify({"id": store.delete(dictionary_id), "object": "pronunciation_dictionary.deleted", "deleted": True})

    return routes


def _validated(kind: type[Fields], given: Mapping[str, Any], place: str = "body") -> Fields:
    """Return the fields as `kind`; null means "not given". Raises InvalidFields for each invalid one."""
    values = {name: value for name, value in given.items() if value is not None}
    return validate(kind, values, place, is_nested=True, max_errors=MAX_PAGE)


def _rules(fields: Sequence[RuleFields]) -> list[Rule]:
    rules = []
    for number, one in enumerate(fields):
        try:
            rules.append(one.as_rule())
        except ValueError as error:
            raise InvalidFields([{"loc": ["body", "rules", number], "msg": str(error), "type": "value_error"}]) from error
    return rules


def _page(dictionaries: Sequence[Dictionary], query: DictionaryQuery) -> tuple[list[Dictionary], str | None]:
    """Return the page of dictionaries after the cursor, and the cursor of the next page.

    A cursor contains the sort key of the last dictionary, so changes between two requests neither repeat nor skip others.
    """

    def sort_key(one: Dictionary) -> tuple[int | str, str]:
        return (one.name.casefold() if query.sort == "name" else one.created), one.id

    is_descending = query.sort_direction == "descending"
    ordered = sorted(dictionaries, key=sort_key, reverse=is_descending)
    if query.cursor is not None:
        last = _read_cursor(query)
        ordered = [one for one in ordered if (sort_key(one) < last if is_descending else sort_key(one) > last)]
    page = ordered[: query.page_size]
    has_more = len(ordered) > len(page)
    return page, _cursor(query.sort, sort_key(page[-1])) if has_more else None


def _cursor(sort: str, place: tuple[int | str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *place]).encode()).decode().rstrip("=")


def _read_cursor(query: DictionaryQuery) -> tuple[Any, str]:
    try:
        text = query.cursor or ""
        sort, value, id_ = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        if sort != query.sort or not isinstance(value, str if sort == "name" else int) or not isinstance(id_, str):
            raise ValueError(sort)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidFields(
            [{"loc": ["query", "cursor"], "msg": "not a valid cursor for this sort order", "type": "value_error"}]
        ) from error
    return value, id_
