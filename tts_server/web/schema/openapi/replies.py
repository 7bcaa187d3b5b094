"""The JSON replies of the server, with all of their fields; a test compares the server's replies with them.

The module is longer than others because it is one list of small models.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tts_server.engines.model_source import ModelState

Measured = bool | int | float


class Reply(BaseModel):
    """An object in a reply, with exactly these fields."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


def example(**fields: Any) -> ConfigDict:
    """Return the model configuration with an example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class WrongField(Reply):
    """One invalid field of a request."""

    loc: list[str | int] = Field(description="The path of the field, such as body, speed.")
    msg: str = Field(description="What is wrong with it.")
    type: str = Field(description="The rule that it violates.")


class ErrorInside(Reply):
    """An error in OpenAI's format."""

    message: str = Field(description="What is wrong and what to do, for people.")
    type: str = Field(description="The kind of error, such as invalid_request_error.")
    param: str | None = Field(description="The invalid field, if there is one.")
    code: str | None = Field(description="The error code, for programs.")


class ErrorReply(Reply):
    """An error of any route except POST /generate."""

    error: ErrorInside = Field(description="The error in OpenAI's format.")
    detail: str | list[WrongField] = Field(description="The same for clients of other servers: the message, or the invalid fields.")

    model_config = example(
        error={
            "message": "speed: input should be less than or equal to 4",
            "type": "invalid_request_error",
            "param": "speed",
            "code": "invalid_value",
        },
        detail=[{"loc": ["body", "speed"], "msg": "input should be less than or equal to 4", "type": "less_than_equal"}],
    )


class ResonanceErrorReply(Reply):
    """An error of POST /generate."""

    detail: str | list[WrongField] = Field(description="The message, or the invalid fields.")

    model_config = example(detail="Voice not found at 'voices/system/default.wav'")


class ModelProgress(Reply):
    """The state of a model."""

    state: ModelState = Field(description="The state of the model.")
    bytes_done: int = Field(description="Bytes downloaded so far.")
    bytes_total: int | None = Field(description="Bytes of the whole download, while one runs.")
    download_bytes: int | None = Field(description="Approximate size of the download.")
    memory_bytes: int = Field(description="Memory used by the model, in bytes.")
    reason: str | None = Field(description="Why the model is not available.")


class ModelControl(Reply):
    """A control that a model has."""

    name: str = Field(description="The field of a request.")
    minimum: float = Field(description="Its lowest value.")
    maximum: float = Field(description="Its highest value.")
    default: float = Field(description="The value if a request has none.")
    kind: Literal["number", "whole", "switch"] = Field(description="The kind of value.")


class ModelNotice(Reply):
    """A limitation of a language on this server."""

    language: str = Field(description="The code of the language.")
    message: str = Field(description="The limitation, and what to do.")


class ModelReply(ModelProgress):
    """A model, or an alias of one."""

    id: str = Field(description="The value of the field model in requests.")
    object: Literal["model"]
    created: int = Field(description="When the server started, in seconds since 1970.")
    owned_by: str = Field(description="Always parlance.")
    name: str = Field(description="The name for people.")
    engine: str = Field(description="The model behind the name.")
    alias_of: str | None = Field(description="The model of which this is an alias.")
    default: bool = Field(description="Whether it is the model of requests without one.")
    always_loaded: bool = Field(description="Whether it is always loaded, so that it can be neither loaded nor unloaded.")
    available: bool = Field(description="Whether requests may use it, even if it has to be loaded first.")
    installed: bool = Field(description="Whether its Python packages are installed.")
    install_hint: str | None = Field(description="The command that installs them.")
    install_name: str | None = Field(description="The name for people of what the command installs.")
    languages: list[str] = Field(description="Codes of the languages that it supports.")
    cloning: Literal["matched", "cloned"] | None = Field(description="How it uses a reference clip.")
    converts: bool = Field(description="Whether it supports voice conversion.")
    tags: list[str] = Field(description="Sound tags that it supports in texts, such as [laugh].")
    controls: list[ModelControl] = Field(description="The controls of the model.")
    notices: list[ModelNotice] = Field(description="Limitations of languages on this server.")

    model_config = example(
        id="tts-1",
        object="model",
        created=1763740800,
        owned_by="parlance",
        name="Embedded voice",
        engine="embedded",
        alias_of="embedded",
        default=True,
        always_loaded=True,
        available=True,
        installed=True,
        install_hint=None,
        install_name=None,
        state="ready",
        bytes_done=0,
        bytes_total=None,
        download_bytes=None,
        memory_bytes=0,
        reason=None,
        languages=["en"],
        cloning="matched",
        converts=False,
        tags=[],
        controls=[],
        notices=[],
    )


class ModelList(Reply):
    """All models and their aliases."""

    object: Literal["list"]
    data: list[ModelReply]


class NamedById(Reply):
    """An object with an id."""

    id: str


class AudioModelList(Reply):
    """All names of models."""

    models: list[NamedById]

    model_config = example(models=[{"id": "embedded"}, {"id": "tts-1"}])


class ModelStateReply(ModelProgress):
    """The state of a model, for administrators."""

    id: str = Field(description="The model.")
    name: str = Field(description="The name for people.")

    model_config = example(
        id="chatterbox-turbo",
        name="Chatterbox Turbo",
        state="loading",
        bytes_done=0,
        bytes_total=None,
        download_bytes=3000000000,
        memory_bytes=0,
        reason=None,
    )


class ModelStates(Reply):
    """All models, and the memory they use."""

    models: list[ModelStateReply]
    memory_bytes: int = Field(description="Memory used by all loaded models, in bytes.")
    memory_limit_bytes: int | None = Field(description="The limit of that memory, in bytes.")


class DictionaryReference(Reply):
    """A pronunciation dictionary of a voice."""

    pronunciation_dictionary_id: str = Field(description="Its id or name.")
    version_id: str | None = Field(description="The id of a version; null means the latest.")


class VoiceReply(Reply):
    """A voice."""

    id: str = Field(description="The value of the field voice in requests.")
    object: Literal["voice"]
    name: str = Field(description="The name for people.")
    origin: Literal["builtin", "library"] = Field(description="Built in, or a file of the folder of voices.")
    description: str = Field(description="A description.")
    gender: str | None = Field(description="The gender of a built-in voice.")
    language: str | None = Field(description="The language of requests with this voice that have none.")
    aliases: list[str] = Field(description="Further names of the voice.")
    controls: dict[str, Measured] = Field(description="Model controls of requests with this voice that have none.")
    pronunciation_dictionary_locators: list[DictionaryReference] = Field(description="Pronunciation dictionaries applied to its texts.")
    removable: bool = Field(description="Whether it may be renamed and deleted.")
    wav_path: str | None = Field(description="The file; built-in voices have none.")

    model_config = example(
        id="harbor",
        object="voice",
        name="Harbor",
        origin="library",
        description="From harbor.flac",
        gender=None,
        language=None,
        aliases=["captain"],
        controls={"exaggeration": 0.4},
        pronunciation_dictionary_locators=[],
        removable=False,
        wav_path="voices/standard/harbor.flac",
    )


class VoiceList(Reply):
    """All voices."""

    object: Literal["list"]
    data: list[VoiceReply]
    default: str = Field(description="The voice of requests without one.")


class Measure(Reply):
    """One measure of a clip."""

    value: float
    unit: str = Field(description="Such as s, dB, Hz.")
    good: bool
    advice: str = Field(description="What the value means, and what would be better.")


class Quality(Reply):
    """The quality of a clip."""

    good: bool
    problems: list[str] = Field(description="The problems of the clip.")
    measures: dict[str, Measure]


class CreatedVoice(VoiceReply):
    """A new voice, and the quality of its clip."""

    quality: Quality

    model_config = example(
        id="Ada",
        object="voice",
        name="Ada",
        origin="library",
        description="",
        gender=None,
        language=None,
        aliases=[],
        controls={},
        pronunciation_dictionary_locators=[],
        removable=True,
        wav_path="voices/custom/Ada.flac",
        quality={
            "good": True,
            "problems": [],
            "measures": {"seconds": {"value": 6.8, "unit": "s", "good": True, "advice": "Long enough (6.8 s)."}},
        },
    )


class NamedVoice(Reply):
    """The id and the name of a voice."""

    id: str
    name: str


class AudioVoiceList(Reply):
    """All voices; only their ids with legacy=true."""

    voices: list[NamedVoice] | list[str]

    model_config = example(voices=[{"id": "alloy", "name": "Alloy"}])


class AudioVoice(Reply):
    """A new voice, in OpenAI's format."""

    id: str
    object: Literal["audio.voice"]
    created_at: int = Field(description="Seconds since 1970.")
    name: str
    type: Literal["audio_sample"]

    model_config = example(id="Ada", object="audio.voice", created_at=1763740800, name="Ada", type="audio_sample")


class DeletedVoice(Reply):
    """A deleted voice."""

    id: str
    object: Literal["voice.deleted"]
    deleted: Literal[True]

    model_config = example(id="Ada", object="voice.deleted", deleted=True)


class DeletedAudioVoice(Reply):
    """A deleted voice, in OpenAI's format."""

    id: str
    object: Literal["audio.voice.deleted"]
    deleted: Literal[True]

    model_config = example(id="Ada", object="audio.voice.deleted", deleted=True)


class Reloaded(Reply):
    """The content of the folder of voices."""

    status: Literal["ok"]
    loaded: list[str] = Field(description="The voices.")
    failed: list[str] = Field(description="Files that could not be read.")
    total: int = Field(description="The number of voices.")
    added: list[str] = Field(description="Voices that were added.")
    dropped: list[str] = Field(description="Voices that were removed.")
    problems: list[str] = Field(description="Problems in the folder.")

    model_config = example(status="ok", loaded=["harbor", "meadow"], failed=[], total=2, added=["meadow"], dropped=[], problems=[])


class PredefinedVoice(Reply):
    """A voice in the list for SillyTavern."""

    display_name: str
    filename: str = Field(description="The file, or the name of a built-in voice.")

    model_config = example(display_name="Harbor", filename="harbor.flac")


class SpokenPart(Reply):
    """The audio of a response."""

    type: Literal["output_audio"]
    data: str = Field(description="The whole file in base64.")
    transcript: str = Field(description="The text that was spoken.")
    format: str = Field(description="The response_format.")
    sample_rate: int = Field(description="The sample rate in Hz.")


class SpokenMessage(Reply):
    """The one message of a response."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["completed"]
    content: list[SpokenPart]


class InputDetails(Reply):
    """OpenAI's details of input tokens; always 0 here."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Reply):
    """OpenAI's details of output tokens; always 0 here."""

    reasoning_tokens: int


class Usage(Reply):
    """Tokens: 4 characters of input each, and 25 per second of audio."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputDetails
    output_tokens_details: OutputDetails


class ResponseReply(Reply):
    """A finished response of OpenAI's Responses API."""

    id: str
    object: Literal["response"]
    created_at: int = Field(description="Seconds since 1970.")
    completed_at: int
    status: Literal["completed"]
    error: None
    incomplete_details: None
    instructions: None
    metadata: dict[str, str]
    model: str = Field(description="The model that answered.")
    output: list[SpokenMessage]
    parallel_tool_calls: bool
    tool_choice: Literal["none"]
    tools: list[str]
    usage: Usage

    model_config = example(
        id="resp_1",
        object="response",
        created_at=1763740800,
        completed_at=1763740800,
        status="completed",
        error=None,
        incomplete_details=None,
        instructions=None,
        metadata={},
        model="embedded",
        output=[
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_audio", "data": "SUQz", "transcript": "Hello.", "format": "mp3", "sample_rate": 24000},
                ],
            }
        ],
        parallel_tool_calls=False,
        tool_choice="none",
        tools=[],
        usage={
            "input_tokens": 2,
            "output_tokens": 20,
            "total_tokens": 22,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    )


class Routing(Reply):
    """Data for load balancers."""

    load_score: float = Field(
        description="Active and waiting requests, divided by the number that the engine processes in parallel; above 1 they wait."
    )
    accepts_requests: bool


class Line(Reply):
    """The queue of requests for audio."""

    at_work: int
    slots: int = Field(description="The maximum number of active requests.")
    paused: int = Field(description="Requests that have begun and wait for their reader or for a clip; they hold no slot.")
    waiting: int
    max_waiting: int = Field(description="The maximum number of waiting requests; further ones are refused.")
    estimated_seconds: float = Field(description="Estimated waiting time of a new request.")


class ModelHealth(Reply):
    """The state of a model; the numbers of bytes only during a download."""

    state: ModelState
    bytes_done: int = 0
    bytes_total: int | None = None


class Health(Reply):
    """The state of the server."""

    status: Literal["healthy", "unavailable"]
    version: str
    engine: str = Field(description="The default model.")
    model: str = Field(description="The model that answers in its place, or the default model itself.")
    served_as: list[str] = Field(description="Aliases of the default model.")
    engine_ready: bool
    engine_error: str | None = Field(description="Why another model answers, or none does.")
    voices_loaded: int
    default_voice: str
    routing: Routing
    queue: Line
    models: dict[str, ModelHealth]
    metrics: dict[str, float] = Field(description="Counters of requests, the cache and the engine since the start.")

    model_config = example(
        status="healthy",
        version="0.1.0",
        engine="embedded",
        model="embedded",
        served_as=["tts-1"],
        engine_ready=True,
        engine_error=None,
        voices_loaded=16,
        default_voice="alloy",
        routing={"load_score": 0.5, "accepts_requests": True},
        queue={"at_work": 1, "slots": 48, "paused": 0, "waiting": 0, "max_waiting": 256, "estimated_seconds": 0.0},
        models={"embedded": {"state": "ready"}},
        metrics={"in_flight": 1, "total_completed": 12, "total_errors": 0},
    )


class Place(Reply):
    """The position of a request in the queue."""

    waiting: bool
    position: int = Field(description="The position, from 1; 0 if the request does not wait.")
    estimated_seconds: float = Field(description="Estimated waiting time.")

    model_config = example(waiting=True, position=3, estimated_seconds=1.5)
