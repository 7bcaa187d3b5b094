"""Operations on models and on the server itself."""

from __future__ import annotations

from tts_server.web.schema.openapi.operation import JSON, TEXT, Answer, Operation, Parameter
from tts_server.web.schema.openapi.replies import AudioModelList, Health, ModelList, ModelReply, ModelStateReply, ModelStates, Place

MODELS, SERVER = "Models", "Server"
MODEL_ID = Parameter("model_id", "path", "The model, or another of its names.", "tts-1")
LOADED_ID = Parameter("model_id", "path", "The model.", "embedded")
WELL = Answer("A model answers by default.", {JSON: Health}, ("Cache-Control",))
UNWELL = Answer("None does.", {JSON: Health}, ("Cache-Control",))
HEAD_WELL, HEAD_UNWELL = Answer(WELL.description, headers=WELL.headers), Answer(UNWELL.description, headers=UNWELL.headers)


def health_operations(path: str, name: str) -> tuple[Operation, ...]:
    """The same under each of its addresses."""
    words = "For watchdogs and load balancers. Needs no key."
    return (
        Operation("get", path, f"get{name}", SERVER, "Is the server well", words, {200: WELL, 503: UNWELL}),
        Operation("head", path, f"head{name}", SERVER, "The same without the body", words, {200: HEAD_WELL, 503: HEAD_UNWELL}),
    )


MODEL_OPERATIONS = (
    Operation(
        "get",
        "/v1/models",
        "listModels",
        MODELS,
        "List all models",
        "Models and their other names, with what they can do and how far they are.",
        {200: Answer("The models.", {JSON: ModelList})},
    ),
    Operation(
        "get",
        "/v1/models/{model_id}",
        "getModel",
        MODELS,
        "Show a model",
        "One model, by its id or another of its names.",
        {200: Answer("The model.", {JSON: ModelReply})},
        (404,),
        (MODEL_ID,),
    ),
    Operation(
        "get",
        "/v1/audio/models",
        "listAudioModels",
        MODELS,
        "List the names of all models",
        "What Open WebUI reads.",
        {200: Answer("The names.", {JSON: AudioModelList})},
    ),
    Operation(
        "get",
        "/admin/models",
        "listModelStates",
        MODELS,
        "Show how far all models are",
        "States, downloads and memory.",
        {200: Answer("The models.", {JSON: ModelStates})},
    ),
    Operation(
        "post",
        "/admin/models/{model_id}/load",
        "loadModel",
        MODELS,
        "Load a model",
        "Begins to download and load it.",
        {200: Answer("It is ready.", {JSON: ModelStateReply}), 202: Answer("It is on its way.", {JSON: ModelStateReply})},
        (404,),
        (LOADED_ID,),
    ),
    Operation(
        "post",
        "/admin/models/{model_id}/unload",
        "unloadModel",
        MODELS,
        "Unload a model",
        "Frees its memory, or gives up a download.",
        {200: Answer("Its state now.", {JSON: ModelStateReply}), 202: Answer("It is still on its way.", {JSON: ModelStateReply})},
        (400, 404, 409),
        (LOADED_ID,),
    ),
)

SERVER_OPERATIONS = (
    *health_operations("/health", "Health"),
    *health_operations("/healthz", "Healthz"),
    Operation(
        "get",
        "/v1/queue/{request_id}",
        "showPlace",
        SERVER,
        "Show a request's position in the queue",
        "For a request that is not answered yet.",
        {200: Answer("Its position.", {JSON: Place}, ("Cache-Control",))},
        parameters=(Parameter("request_id", "path", "The x-request-id that the request was sent with.", "my-request-1"),),
    ),
    Operation(
        "get",
        "/metrics",
        "getMetrics",
        SERVER,
        "Counters for Prometheus",
        "In Prometheus's text format, or OpenMetrics where Accept asks for it.",
        {200: Answer("The counters.", {"text/plain": TEXT, "application/openmetrics-text": TEXT}, ("Cache-Control",))},
    ),
)
