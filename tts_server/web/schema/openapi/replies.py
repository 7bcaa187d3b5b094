"""What the server answers in JSON. Nothing is sent that is not named here; a test holds the server to it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tts_server.engines.model_source import ModelState

Measured = bool | int | float


class Reply(BaseModel):
    """An object of an answer: these fields and no others."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


def example(**fields: Any) -> ConfigDict:
    """Such an answer, as an example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class WrongField(Reply):
    """One wrong field of a request."""

    loc: list[str | int] = Field(description="Where it is, such as body, speed.")
    msg: str = Field(description="What is wrong with it.")
    type: str = Field(description="The rule that it breaks, in one word.")


class ErrorInside(Reply):
    """An error in OpenAI's words."""

    message: str = Field(description="What was wrong, and what to do, for people.")
    type: str = Field(description="The family of the error, such as invalid_request_error.")
    param: str | None = Field(description="The field that is wrong, where there is one.")
    code: str | None = Field(description="The error, for programs.")


class ErrorReply(Reply):
    """Every error but those of POST /generate."""

    error: ErrorInside = Field(description="The error in OpenAI's words.")
    detail: str | list[WrongField] = Field(description="The same for clients of other servers: a sentence, or the wrong fields.")

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

    detail: str | list[WrongField] = Field(description="What was wrong, or the wrong fields.")

    model_config = example(detail="Voice not found at 'voices/system/default.wav'")


class ModelProgress(Reply):
    """How far a model is."""

    state: ModelState = Field(description="Where it is on its way to speaking.")
    bytes_done: int = Field(description="Bytes of a download that are here.")
    bytes_total: int | None = Field(description="Bytes of the download, while one runs.")
    download_bytes: int | None = Field(description="About what a download takes.")
    memory_bytes: int = Field(description="Memory that it holds.")
    reason: str | None = Field(description="Why it does not speak, in words.")


class ModelControl(Reply):
    """A control that a model has."""

    name: str = Field(description="The field of a request.")
    minimum: float = Field(description="Its lowest value.")
    maximum: float = Field(description="Its highest value.")
    default: float = Field(description="What it is unless a request says otherwise.")
    kind: Literal["number", "whole", "switch"] = Field(description="What values it takes.")


class ModelNotice(Reply):
    """What is missing on the server for a language of a model."""

    language: str = Field(description="The code of the language.")
    message: str = Field(description="What is heard without it, and what to do.")


class ModelReply(ModelProgress):
    """A model, or another name of one."""

    id: str = Field(description="The name that requests give as model.")
    object: Literal["model"]
    created: int = Field(description="When the server started, in seconds since 1970.")
    owned_by: str = Field(description="Always parlance.")
    name: str = Field(description="Its name for people.")
    engine: str = Field(description="The model behind the name.")
    alias_of: str | None = Field(description="The model that this is another name of.")
    default: bool = Field(description="Whether it answers requests that name no model.")
    always_loaded: bool = Field(description="Whether it runs as long as the server, and is neither loaded nor unloaded.")
    available: bool = Field(description="Whether a request may name it, even if it has to be loaded first.")
    installed: bool = Field(description="Whether its Python packages are here.")
    install_hint: str | None = Field(description="The command that installs them.")
    install_name: str | None = Field(description="The name for people of what the command installs.")
    languages: list[str] = Field(description="Codes of the languages that it speaks.")
    cloning: Literal["matched", "cloned"] | None = Field(description="What it does with a reference clip.")
    converts: bool = Field(description="Whether it speaks recordings again in another voice.")
    tags: list[str] = Field(description="Sounds that it makes where the text names them, such as [laugh].")
    controls: list[ModelControl] = Field(description="Controls that it has.")
    notices: list[ModelNotice] = Field(description="Languages that it speaks less well here than it could.")

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
    """All models and their other names."""

    object: Literal["list"]
    data: list[ModelReply]


class NamedById(Reply):
    """Something that has an id."""

    id: str


class AudioModelList(Reply):
    """All names of models."""

    models: list[NamedById]

    model_config = example(models=[{"id": "embedded"}, {"id": "tts-1"}])


class ModelStateReply(ModelProgress):
    """A model for who loads and unloads it."""

    id: str = Field(description="The model.")
    name: str = Field(description="Its name for people.")

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
    """All models, and the memory they hold."""

    models: list[ModelStateReply]
    memory_bytes: int = Field(description="Memory that all loaded models hold.")
    memory_limit_bytes: int | None = Field(description="What they may hold together.")


class DictionaryReference(Reply):
    """A pronunciation dictionary that a voice has."""

    pronunciation_dictionary_id: str = Field(description="Its id or name.")
    version_id: str | None = Field(description="The id of a version; null means the latest.")


class VoiceReply(Reply):
    """A voice that requests can name."""

    id: str = Field(description="The name that requests give as voice.")
    object: Literal["voice"]
    name: str = Field(description="Its name for people.")
    origin: Literal["builtin", "library"] = Field(description="Built in, or a file of the folder of voices.")
    description: str = Field(description="A word about it.")
    gender: str | None = Field(description="How a built-in voice sounds.")
    language: str | None = Field(description="Language of its requests, unless they say otherwise.")
    aliases: list[str] = Field(description="More names that mean it.")
    controls: dict[str, Measured] = Field(description="Model controls of its requests, unless they say otherwise.")
    pronunciation_dictionary_locators: list[DictionaryReference] = Field(description="Dictionaries that its texts are read with.")
    removable: bool = Field(description="Whether it may be renamed and deleted.")
    wav_path: str | None = Field(description="Its file; built-in voices have none.")

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
    default: str = Field(description="The voice of requests that name none.")


class Measure(Reply):
    """One measure of a clip."""

    value: float
    unit: str = Field(description="Such as s, dB, Hz.")
    good: bool
    advice: str = Field(description="What it means, and what would be better.")


class Quality(Reply):
    """What a clip is like."""

    good: bool
    problems: list[str] = Field(description="What is wrong with it, in words.")
    measures: dict[str, Measure]


class CreatedVoice(VoiceReply):
    """A new voice, and what its clip is like."""

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
    """A voice's id, and its name for people."""

    id: str
    name: str


class AudioVoiceList(Reply):
    """All voices; only their ids with legacy=true."""

    voices: list[NamedVoice] | list[str]

    model_config = example(voices=[{"id": "alloy", "name": "Alloy"}])


class AudioVoice(Reply):
    """A new voice, as OpenAI tells it."""

    id: str
    object: Literal["audio.voice"]
    created_at: int = Field(description="Seconds since 1970.")
    name: str
    type: Literal["audio_sample"]

    model_config = example(id="Ada", object="audio.voice", created_at=1763740800, name="Ada", type="audio_sample")


class DeletedVoice(Reply):
    """A voice that is gone."""

    id: str
    object: Literal["voice.deleted"]
    deleted: Literal[True]

    model_config = example(id="Ada", object="voice.deleted", deleted=True)


class DeletedAudioVoice(Reply):
    """A voice that is gone, as OpenAI tells it."""

    id: str
    object: Literal["audio.voice.deleted"]
    deleted: Literal[True]

    model_config = example(id="Ada", object="audio.voice.deleted", deleted=True)


class Reloaded(Reply):
    """What the folder of voices holds now."""

    status: Literal["ok"]
    loaded: list[str] = Field(description="Voices that are there.")
    failed: list[str] = Field(description="Files that could not be read.")
    total: int = Field(description="How many are there.")
    added: list[str] = Field(description="Those that are new.")
    dropped: list[str] = Field(description="Those that are gone.")
    problems: list[str] = Field(description="What is wrong in the folder, in words.")

    model_config = example(status="ok", loaded=["harbor", "meadow"], failed=[], total=2, added=["meadow"], dropped=[], problems=[])


class PredefinedVoice(Reply):
    """A voice, as SillyTavern's provider lists it."""

    display_name: str
    filename: str = Field(description="Its file, or the bare name of a built-in voice.")

    model_config = example(display_name="Harbor", filename="harbor.flac")


class SpokenPart(Reply):
    """The audio of a response."""

    type: Literal["output_audio"]
    data: str = Field(description="The whole file in base64.")
    transcript: str = Field(description="What was spoken.")
    format: str = Field(description="Its response_format.")
    sample_rate: int = Field(description="In Hz.")


class SpokenMessage(Reply):
    """The one message of a response."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["completed"]
    content: list[SpokenPart]


class InputDetails(Reply):
    """OpenAI's details of the tokens in; always 0 here."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Reply):
    """OpenAI's details of the tokens out; always 0 here."""

    reasoning_tokens: int


class Usage(Reply):
    """Tokens: 4 characters each in, 25 a second of audio out."""

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
    """For who spreads requests over several servers."""

    load_score: float = Field(description="Requests at work for each that the engine works on at once; above 1 they wait.")
    accepts_requests: bool


class Line(Reply):
    """Requests for audio: those at work, and those that wait."""

    at_work: int
    slots: int = Field(description="How many may be at work at once.")
    paused: int = Field(description="How many have begun and wait for their readers or for a clip; they hold no slot.")
    waiting: int
    max_waiting: int = Field(description="How many may wait; more are refused.")
    estimated_seconds: float = Field(description="About how long a new request would wait.")


class ModelHealth(Reply):
    """How far a model is; bytes only while it is downloaded."""

    state: ModelState
    bytes_done: int = 0
    bytes_total: int | None = None


class Health(Reply):
    """Is the server well, and what is it doing."""

    status: Literal["healthy", "unavailable"]
    version: str
    engine: str = Field(description="The model that is meant to answer by default.")
    model: str = Field(description="The model that does.")
    served_as: list[str] = Field(description="Other names of the default model.")
    engine_ready: bool
    engine_error: str | None = Field(description="Why another model answers, or none.")
    voices_loaded: int
    default_voice: str
    routing: Routing
    queue: Line
    models: dict[str, ModelHealth]
    metrics: dict[str, float] = Field(description="Counters since the start: of requests, the cache and the engine.")

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
    """Where a request is in the line."""

    waiting: bool
    position: int = Field(description="Its place, from 1; 0 where it does not wait.")
    estimated_seconds: float = Field(description="About how long it will wait.")

    model_config = example(waiting=True, position=3, estimated_seconds=1.5)
