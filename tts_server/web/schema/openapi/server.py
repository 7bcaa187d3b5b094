"""Operations on models and on the server itself."""

from __future__ import annotations

from tts_server.web.schema.openapi.operation import JSON, TEXT, Answer, Operation, Parameter
from tts_server.web.schema.openapi.replies import AudioModelList, Health, ModelList, ModelReply, ModelStateReply, ModelStates, Place

MODELS, SERVER = "Models", "Server"
MODEL_ID = Parameter("model_id", "path", "The id of the model or one of its aliases.", "tts-1")
LOADED_ID = Parameter("model_id", "path", "The model.", "embedded")
WELL = Answer("A model can answer requests.", {JSON: Health}, ("Cache-Control",))
UNWELL = Answer("No model can answer requests.", {JSON: Health}, ("Cache-Control",))
HEAD_WELL, HEAD_UNWELL = Answer(WELL.description, headers=WELL.headers), Answer(UNWELL.description, headers=UNWELL.headers)


def health_operations(path: str, name: str) -> tuple[Operation, ...]:
    """Return the operations of one of the two paths."""
    description = "For monitoring and load balancers. Requires no key."
    return (
        Operation("get", path, f"get{name}", SERVER, "Show the state of the server", description, {200: WELL, 503: UNWELL}),
        Operation("head", path, f"head{name}", SERVER, "The same without the body", description, {200: HEAD_WELL, 503: HEAD_UNWELL}),
    )


MODEL_OPERATIONS = (
    Operation(
        "get",
        "/v1/models",
        "listModels",
        MODELS,
        "List all models",
        "Models and their aliases, with capabilities and states.",
        {200: Answer("The models.", {JSON: ModelList})},
    ),
    Operation(
        "get",
        "/v1/models/{model_id}",
        "getModel",
        MODELS,
        "Show a model",
        "One model, by its id or one of its aliases.",
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
        "For Open WebUI.",
        {200: Answer("The names.", {JSON: AudioModelList})},
    ),
    Operation(
        "get",
        "/admin/models",
        "listModelStates",
        MODELS,
        "Show the states of all models",
        "States, downloads and memory.",
        {200: Answer("The models.", {JSON: ModelStates})},
    ),
    Operation(
        "post",
        "/admin/models/{model_id}/load",
        "loadModel",
        MODELS,
        "Load a model",
        "Starts to download and load the model.",
        {200: Answer("The model is ready.", {JSON: ModelStateReply}), 202: Answer("The model is being loaded.", {JSON: ModelStateReply})},
        (404,),
        (LOADED_ID,),
    ),
    Operation(
        "post",
        "/admin/models/{model_id}/unload",
        "unloadModel",
        MODELS,
        "Unload a model",
        "Frees the memory of the model, or cancels its download.",
        {
            200: Answer("The state of the model.", {JSON: ModelStateReply}),
            202: Answer("The model is still being loaded.", {JSON: ModelStateReply}),
        },
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
        "For a request that has not been answered yet.",
        {200: Answer("Its position.", {JSON: Place}, ("Cache-Control",))},
        parameters=(Parameter("request_id", "path", "The x-request-id that the request was sent with.", "my-request-1"),),
    ),
    Operation(
        "get",
        "/metrics",
        "getMetrics",
        SERVER,
        "Counters for Prometheus",
        "In Prometheus's text format, or as OpenMetrics if Accept asks for it.",
        {200: Answer("The counters.", {"text/plain": TEXT, "application/openmetrics-text": TEXT}, ("Cache-Control",))},
    ),
)
