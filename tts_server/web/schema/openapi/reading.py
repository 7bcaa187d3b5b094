"""The operation that returns the spoken form of a text."""

from __future__ import annotations

from pydantic import Field

from tts_server.web.schema.fields import SpeechFields
from tts_server.web.schema.openapi.operation import JSON, Answer, Body, Operation
from tts_server.web.schema.openapi.replies import Reply, example

READING = "Reading"

NOT_READ = frozenset(SpeechFields.model_fields) - {
    "input",
    "language",
    "model",
    "voice",
    "text_normalization",
    "normalization_options",
    "pronunciation_dictionary_locators",
}


class SegmentReply(Reply):
    """A part of the text that an engine synthesizes as one."""

    text: str = Field(description="The words of the segment.")
    start: int = Field(description="Where it begins in the input, in characters.")
    end: int = Field(description="Where it ends in the input, in characters.")
    pause_after: float = Field(description="Seconds of silence after it, at speed 1.")


class ChangeReply(Reply):
    """A part of the text that is read as something else."""

    start: int = Field(description="Where it begins in the input, in characters.")
    end: int = Field(description="Where it ends in the input, in characters.")
    from_: str = Field(alias="from", description="The original text.")
    to: str = Field(description="The text that is read instead; empty if none is.")
    rule: str = Field(description="The kind of change, such as money, date or markdown.")


class NormalizedText(Reply):
    """The spoken form of a text."""

    text: str = Field(description="The words that are spoken.")
    language: str = Field(description="The language of the text.")
    segments: list[SegmentReply] = Field(description="The segments in order.")
    changes: list[ChangeReply] = Field(description="The changes of the input.")
    removed_voices: list[str] = Field(description="Names in tags such as [voice:nova], which are removed.")

    model_config = example(
        text="It costs five dollars.",
        language="en",
        segments=[{"text": "It costs five dollars.", "start": 0, "end": 12, "pause_after": 0.0}],
        changes=[{"start": 9, "end": 11, "from": "$5", "to": "five dollars", "rule": "money"}],
        removed_voices=[],
    )


READING_OPERATIONS = (
    Operation(
        "post",
        "/v1/text/normalize",
        "normalizeText",
        READING,
        "Show how a text will be read",
        "The words that a speech request with the same fields speaks, and the changes of the text. Nothing is synthesized or queued.",
        {200: Answer("The words, segments and changes.", {JSON: NormalizedText})},
        (404,),
        body=Body((SpeechFields,), {"input": "It costs $5."}, without=NOT_READ),
    ),
)
