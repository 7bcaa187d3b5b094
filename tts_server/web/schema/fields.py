"""The fields of a speech request, in JSON or in a form, and their rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from tts_server.controls import Controls, SampleRate, Seed, Speed
from tts_server.speech import AudioFormat, SpeechRequest, VoiceReference
from tts_server.voices.names import MAX_COMPARED
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.schema.validation import validate

NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*")


def lowercase(value: Any) -> Any:
    """Return a text without surrounding spaces and in lower case, and any other value as it is."""
    return value.strip().lower() if isinstance(value, str) else value


class VoiceId(BaseModel):
    """A voice named by an object, as newer OpenAI clients may."""

    id: str = Field(min_length=1, max_length=MAX_COMPARED, description="Name of a voice.")


def _from_json(value: Any) -> Any:
    """Return the object or list that a form holds as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise PydanticCustomError("json_invalid", "must be JSON") from error


class DictionaryLocator(BaseModel):
    """A pronunciation dictionary that a request uses."""

    pronunciation_dictionary_id: str = Field(min_length=1, max_length=MAX_COMPARED, description="Id of the dictionary.")
    version_id: str | None = Field(None, max_length=MAX_COMPARED, description="Id of its version; the latest unless given.")


class NormalizationOptions(BaseModel):
    """Kokoro's options of reading."""

    model_config = ConfigDict(extra="ignore")

    normalize: bool = Field(True, description="false is text_normalization off.")
    unit_normalization: bool = Field(True, description="Read 10KB as 10 kilobytes.")
    url_normalization: bool = Field(True, description="Read web addresses as words.")
    email_normalization: bool = Field(True, description="Read e-mail addresses as words.")
    optional_pluralization_normalization: bool = Field(True, description="Read (s) as s.")
    phone_normalization: bool = Field(True, description="Read phone numbers digit by digit.")
    replace_remaining_symbols: bool = Field(True, description="Read signs such as & and % as words.")

    def skipped_rules(self) -> frozenset[str]:
        """Return the rules of reading that are switched off."""
        switches = {
            "unit": self.unit_normalization,
            "url": self.url_normalization,
            "email": self.email_normalization,
            "plural": self.optional_pluralization_normalization,
            "phone": self.phone_normalization,
            "symbol": self.replace_remaining_symbols,
        }
        return frozenset(rule for rule, is_on in switches.items() if not is_on)


TextNormalization = Annotated[Literal["auto", "off"], BeforeValidator(lowercase)]
TEXT_NORMALIZATION = "auto reads numbers, dates, money, units, abbreviations and markup as words; off gives the model the text as written."


class SpeechFields(Controls):
    """`POST /v1/audio/speech` and its relatives. Unknown fields are tolerated; `""` and null mean "not given"."""

    model_config = ConfigDict(extra="ignore")

    input: str = Field(description="What to speak. [pause:0.5s] and blank lines make pauses.")
    model: str | None = Field(
        None,
        max_length=MAX_COMPARED,
        description="Which model speaks, such as tts-1 or embedded; see /v1/models. An unknown name means the default one.",
    )
    voice: Annotated[str, Field(max_length=MAX_COMPARED)] | VoiceId | None = Field(
        None, description="Name of a voice; see /v1/voices. A language code means the default voice."
    )
    response_format: Annotated[AudioFormat, BeforeValidator(lowercase)] | None = Field(
        None, description=f"Container and codec of the audio. {'; '.join(f'{one.value}: {one.spec.description}' for one in AudioFormat)}."
    )
    speed: Speed = Field(1.0, description="Tempo; the pitch stays.")
    instructions: str | None = Field(
        None,
        description="Accepted and never spoken. A number is the exaggeration and makes speed the cfg_weight, as in chatterbox-api.",
    )
    stream_format: Annotated[Literal["audio", "sse"], BeforeValidator(lowercase)] = Field(
        "audio", description="sse sends the audio as OpenAI's server-sent events."
    )
    stream: bool = Field(False, description="Send audio from the first sound on.")
    sample_rate: SampleRate | None = Field(
        None, description="Rate of the audio in Hz; a codec that cannot carry it takes the nearest it can."
    )
    language: str | None = Field(
        None, max_length=35, description="Language code, for models of several languages; without it the text decides."
    )
    seed: Seed | None = Field(None, description="The same seed gives the same samples.")
    text_normalization: TextNormalization = Field("auto", description=TEXT_NORMALIZATION)
    normalization_options: Annotated[NormalizationOptions, BeforeValidator(_from_json)] | None = Field(
        None, description="Parts of reading to switch off, as Kokoro's clients do."
    )
    pronunciation_dictionary_locators: Annotated[list[DictionaryLocator], BeforeValidator(_from_json), Field(max_length=10)] | None = Field(
        None, description="Pronunciation dictionaries for this request; they go before those of the voice and of the server."
    )
    cache: bool = Field(True, description="false neither reads nor writes the cache of finished audio.")
    voice_url: str | None = Field(None, max_length=4096, description="https address of a reference clip for this request.")
    voice_b64: str | None = Field(None, description="Reference clip for this request, in base64 or as a data: address.")

    @field_validator("instructions", mode="before")
    @classmethod
    def _instructions_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    @property
    def voice_name(self) -> str | None:
        return self.voice.id if isinstance(self.voice, VoiceId) else self.voice

    def to_request(
        self,
        *,
        reference: VoiceReference | None = None,
        default_format: AudioFormat = AudioFormat.MP3,
        default_sample_rate: int = 24000,
        cache_scope: str = "",
        may_load: bool = True,
        may_use_cache: bool = True,
    ) -> SpeechRequest:
        """Return the request that these fields describe, in the voice of `reference` where there is one."""
        normalization = self.normalization_options or NormalizationOptions.model_validate({})
        locators = self.pronunciation_dictionary_locators or ()
        return SpeechRequest(
            text=self.input,
            model=self.model,
            voice=self.voice_name,
            reference=reference,
            format=self.response_format or default_format,
            sample_rate=self.sample_rate or default_sample_rate,
            speed=self.speed,
            language=self.language,
            seed=self.seed,
            controls=self.controls(),
            cache=self.cache and may_use_cache,
            cache_scope=cache_scope,
            may_load=may_load,
            is_normalized=self.text_normalization == "auto" and normalization.normalize,
            skipped_rules=normalization.skipped_rules(),
            dictionaries=tuple((locator.pronunciation_dictionary_id, locator.version_id) for locator in locators),
        )


def parse_fields(payload: Mapping[str, Any], max_text_length: int) -> SpeechFields:
    """Return the validated fields; raises InvalidFields naming each wrong one."""
    given = {name: value for name, value in payload.items() if name == "input" or (value is not None and value != "")}
    if speaks_older_dialect(payload):
        given = translate_older_dialect(given)
    if given.get("input") in (None, ""):
        raise InvalidFields([{"loc": ["body", "input"], "msg": "the text to speak is required", "type": "missing"}])
    fields = validate(SpeechFields, given, "body")
    if len(fields.input) > max_text_length:
        message = f"the text has {len(fields.input)} characters; this server takes {max_text_length} at once"
        raise InvalidFields([{"loc": ["body", "input"], "msg": message, "type": "string_too_long"}])
    return fields


def speaks_older_dialect(payload: Mapping[str, Any]) -> bool:
    """Whether a request comes from a client of the older chatterbox-api, where `instructions` is a number or, for its model, empty."""
    instructions = payload.get("instructions")
    if isinstance(instructions, (int, float)) and not isinstance(instructions, bool):
        return True
    if not isinstance(instructions, str):
        return False
    if instructions == "":
        return payload.get("model") == "chatterbox-tts"
    return NUMBER.fullmatch(instructions) is not None


def translate_older_dialect(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields in which `instructions` is the exaggeration and `speed` the cfg_weight; a field of the new name takes precedence."""
    fields = dict(given)
    exaggeration = fields.pop("instructions", None)
    cfg_weight = fields.pop("speed", None)
    if exaggeration is not None:
        fields.setdefault("exaggeration", exaggeration)
    if cfg_weight is not None:
        fields.setdefault("cfg_weight", cfg_weight)
    return fields
