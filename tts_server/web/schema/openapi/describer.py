"""Turns operations and pydantic models into OpenAPI operations and schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from tts_server.web.policy import Authorization, RoutePolicy
from tts_server.web.schema.openapi.operation import FORM, JSON, URLENCODED, Answer, Body, ErrorManner, Operation, Schema

SCHEMAS = "#/components/schemas/"


class RequestSchemas(GenerateJsonSchema):
    """Schemas of requests. Null means "not given", which is described once for all fields."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"]) if schema.get("default") is None else super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class ReplySchemas(GenerateJsonSchema):
    """Schemas of replies."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@dataclass(frozen=True)
class Limits:
    """The limits of one server, for the schemas."""

    max_text_length: int

    def of(self, model: str, name: str) -> Schema:
        """Return further constraints of a field of a model."""
        has_limit = (model, name) in (("SpeechFields", "input"), ("TtsFields", "text"))
        return {"minLength": 1, "maxLength": self.max_text_length} if has_limit else {}


@dataclass
class Describer:
    """Turns operations into OpenAPI operations."""

    limits: Limits
    schemas: dict[str, Any] = field(default_factory=dict)

    def add_schemas(self, models: Iterable[type[BaseModel]], generator: type[GenerateJsonSchema]) -> None:
        unique = dict.fromkeys(models)
        _, made = models_json_schema(
            [(model, "validation") for model in unique], ref_template=SCHEMAS + "{model}", schema_generator=generator
        )
        for name, schema in made["$defs"].items():
            for key, property_ in schema.get("properties", {}).items():
                property_.update(self.limits.of(name, key))
        if twice := self.schemas.keys() & made["$defs"].keys():
            raise ValueError(f"two models share a name: {', '.join(sorted(twice))}")
        self.schemas |= made["$defs"]

    def operation(self, operation: Operation, policy: RoutePolicy) -> dict[str, Any]:
        described: dict[str, Any] = {
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": operation.summary,
            "description": f"{operation.description} {requirements(policy)}".strip(),
            "parameters": [
                {
                    "name": one.name,
                    "in": one.place,
                    "required": one.place == "path",
                    "description": one.description,
                    "schema": one.schema,
                    "example": one.example,
                }
                for one in operation.parameters
            ],
            "responses": {},
        }
        if operation.query:
            described["parameters"] += self.query(operation.query, operation.query_example)
        if operation.body:
            described["requestBody"] = self.body(operation.body)
        for status, answer in operation.answers.items():
            described["responses"][str(status)] = self.answer(answer)
        for status in operation.statuses(policy):
            described["responses"][str(status)] = error_name(status, operation.manner)
        if policy.authorization is Authorization.NONE:
            described["security"] = []
        return described

    def query(self, model: type[BaseModel], example: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        schema = self.schemas[model.__name__]
        for name, property_ in schema["properties"].items():
            parameter = {"name": name, "in": "query", "required": name in schema.get("required", ())}
            words = {"description": property_["description"]} | ({"example": example[name]} if name in example else {})
            yield parameter | words | {"schema": {key: value for key, value in property_.items() if key != "description"}}

    def body(self, body: Body) -> dict[str, Any]:
        content = {}
        for media in body.media:
            if media == JSON and len(body.models) == 1 and not body.without:
                schema: Any = reference(body.models[0])
            else:
                schema = self.fields(body, media)
            content[media] = {"schema": schema, "example": dict(body.example)}
            if media in (FORM, URLENCODED):
                files = {name: {"contentType": body.file_types} for name in body.files if media == FORM}
                objects = {name: {"contentType": JSON} for name, value in schema["properties"].items() if self.is_object(value)}
                content[media]["encoding"] = files | objects
        return {"required": True, "content": content}

    def is_object(self, schema: Mapping[str, Any]) -> bool:
        if "$ref" in schema:
            return self.is_object(self.schemas[schema["$ref"].removeprefix(SCHEMAS)])
        return schema.get("type") == "object"

    def fields(self, body: Body, media: str) -> dict[str, Any]:
        """Return a schema with all fields of a body."""
        properties: dict[str, Any] = {}
        required: list[str] = []
        for model in body.models:
            schema = self.schemas[model.__name__]
            properties |= schema["properties"]
            required = [*(name for name in required if name not in schema["properties"]), *schema.get("required", ())]
        properties = {name: value for name, value in properties.items() if name not in body.without}
        if media in (FORM, URLENCODED):
            properties = {name: form_field(value, body.example.get(name)) for name, value in properties.items()}
        if media == FORM:
            files = {name: {"type": "string", "format": "binary", "description": words} for name, words in body.files.items()}
            properties = {**files, **properties}
            required += body.required_files
        fields: dict[str, Any] = {"type": "object", "properties": properties}
        names = [name for name in required if name in properties]
        return fields | ({"required": names} if names else {})

    def answer(self, answer: Answer) -> dict[str, Any]:
        described: dict[str, Any] = {"description": answer.description, "headers": header_references(answer.headers)}
        if answer.content:
            described["content"] = {media: {"schema": inline(shape)} for media, shape in answer.content.items()}
        return described


def requirements(policy: RoutePolicy) -> str:
    """Return sentences about the requirements of a policy; empty if there are none."""
    role = policy.authorization.role
    sentences = [
        f"Needs a key with the role {role.value}." if role else "",
        "Needs a key of any role." if policy.authorization in (Authorization.LISTING, Authorization.ANY_ROLE) else "",
        "Waits for a slot in the queue." if policy.is_queued else "",
    ]
    return " ".join(filter(None, sentences))


def form_field(schema: Mapping[str, Any], example: Any) -> dict[str, Any]:
    """Return the schema of a form field: a string if it may be a string or an object, and JSON in a string for an optional object or list.

    Who fills a form in begins with the example, else with an empty field, which is "not given".
    """
    kinds = schema.get("anyOf")
    described = {**{key: value for key, value in schema.items() if key != "anyOf"}, **kinds[0]} if kinds else dict(schema)
    if example is None and ("$ref" in described or described.get("type") == "array"):
        described = {"type": "string", "description": f"{described.get('description', '')} JSON."}
    if example is None and "default" in schema:
        return described
    return described | {"examples": ["" if example is None else example]}


def reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMAS + model.__name__}


def inline(shape: Any) -> Any:
    """Return a schema with references instead of models."""
    if isinstance(shape, Mapping):
        return {key: inline(value) for key, value in shape.items()}
    if isinstance(shape, list):
        return [inline(value) for value in shape]
    return reference(shape) if isinstance(shape, type) else shape


def header_references(names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("x-request-id", *names)}


def error_name(status: int, manner: ErrorManner) -> str:
    """Return the name of an error reply, such as BadRequest."""
    words = "".join(part.capitalize() for part in HTTPStatus(status).phrase.replace("-", " ").split())
    return manner.value + words


def models_of(shape: Any) -> Iterator[type[BaseModel]]:
    """Return all models that a schema refers to."""
    if isinstance(shape, type):
        yield shape
    elif isinstance(shape, (Mapping, list)):
        for value in shape.values() if isinstance(shape, Mapping) else shape:
            yield from models_of(value)
