"""Operations that return audio."""

from __future__ import annotations

from tts_server.speech import AudioFormat
from tts_server.web.responses import EVENT_STREAM
from tts_server.web.routes.resonance import GenerateFields
from tts_server.web.routes.sillytavern import TtsFields
from tts_server.web.schema.fields import SpeechFields
from tts_server.web.schema.openapi.operation import BINARY, EVENTS, FORM, JSON, TEXT, Answer, Body, ErrorManner, Operation, Parameter
from tts_server.web.schema.openapi.replies import PredefinedVoice, ResponseReply
from tts_server.web.schema.openapi.requests import ResponseInput

SPEECH, SILLYTAVERN, RESONANCE = "Speech", "SillyTavern", "Resonance"

AUDIO_HEADERS = (
    "X-Model",
    "X-Voice",
    "X-Voice-Cloning",
    "X-Ignored-Parameters",
    "X-Removed-Voices",
    "X-Retries",
    "X-Sample-Rate",
    "X-Seed",
    "X-Cache",
    "X-Route",
    "X-Queue-Position",
    "X-Queue-Wait",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
ALL_AUDIO = {format_.content_type: BINARY for format_ in AudioFormat}
WAV = {AudioFormat.WAV.content_type: BINARY}
CLIP_ERRORS = (404, 415)
CLIP_FILES = {
    "custom_voice_file": "Reference clip for this request.",
    "speaker_wav": "Another name of custom_voice_file, which takes precedence.",
}

SPOKEN = Answer(
    "The audio. Streams are chunked. With stream_format=sse, or Accept: text/event-stream and pcm, the reply is a stream of events.",
    {**ALL_AUDIO, EVENT_STREAM: EVENTS},
    AUDIO_HEADERS,
)
STREAMED_WAV = Answer("A WAV of unknown length, streamed during synthesis.", WAV, AUDIO_HEADERS)
HELLO = {"input": "Hello, and welcome.", "voice": "alloy", "response_format": "mp3"}

SPEECH_OPERATIONS = (
    Operation(
        "post",
        "/v1/audio/speech",
        "createSpeech",
        SPEECH,
        "Speak a text",
        "OpenAI's route. For an unknown model the default one is used; X-Model names the model that was used.",
        {200: SPOKEN},
        CLIP_ERRORS,
        body=Body((SpeechFields,), HELLO, CLIP_FILES),
    ),
    Operation(
        "post",
        "/v1/audio/speech/stream",
        "streamSpeech",
        SPEECH,
        "Speak a text as a stream of WAV",
        "The fields of the speech route; response_format, stream and stream_format are ignored.",
        {200: STREAMED_WAV},
        CLIP_ERRORS,
        body=Body((SpeechFields,), {"input": "Hello, and welcome.", "voice": "nova"}, CLIP_FILES),
    ),
    Operation(
        "post",
        "/v2/audio/speech_with_prompt",
        "speakWithPrompt",
        SPEECH,
        "Speak a text in the voice of a clip",
        "A form with the clip and the fields of the speech route; the default of response_format is wav.",
        {200: SPOKEN},
        CLIP_ERRORS,
        body=Body(
            (SpeechFields,),
            {"input": "This is my own voice.", "exaggeration": 0.5},
            {"audio_prompt": "The clip: a few seconds of one person speaking."},
            ("audio_prompt",),
            media=(FORM,),
        ),
    ),
    Operation(
        "post",
        "/v1/audio/voice-conversion",
        "convertVoice",
        SPEECH,
        "Convert a recording to another voice",
        "Words, timing and intonation are preserved. The voice is a name or a clip. Requires a model with voice conversion; "
        "the default of response_format is wav.",
        {200: SPOKEN},
        CLIP_ERRORS,
        body=Body(
            (SpeechFields,),
            {"voice": "nova"},
            {
                "audio": "The recording.",
                "file": "Another name of the same field.",
                "source": "Another name of the same field.",
                "target": "A clip of the target voice.",
                "audio_prompt": "Another name of the same field.",
                **dict.fromkeys(CLIP_FILES, "Another name of the same field."),
            },
            without=frozenset({"input", "language", "instructions", "cache"}),
            media=(FORM,),
        ),
    ),
    Operation(
        "post",
        "/v1/responses",
        "createResponse",
        SPEECH,
        "Text in, audio out",
        "The part of OpenAI's Responses API for speech. With stream=true the reply is a stream of events; the default format is then pcm.",
        {200: Answer("The response with its audio in base64, or events.", {JSON: ResponseReply, EVENT_STREAM: EVENTS}, AUDIO_HEADERS)},
        CLIP_ERRORS,
        body=Body(
            (SpeechFields, ResponseInput),
            {"input": "Good morning.", "audio": {"voice": "alloy", "format": "mp3"}},
            CLIP_FILES,
            without=frozenset({"stream_format"}),
        ),
    ),
    Operation(
        "get",
        "/v1/realtime",
        "openRealtime",
        SPEECH,
        "Open a WebSocket for speech",
        "A WebSocket with OpenAI's Realtime protocol or a simple one, selected by the first message. docs/API.md describes the messages.",
        {
            101: Answer("The connection is upgraded to a WebSocket.", headers=("Upgrade", "Sec-WebSocket-Accept")),
        },
        (400, 404, 426),
        (
            Parameter(
                "model",
                "query",
                "The model to use. With this parameter the server uses OpenAI's protocol and sends session.created at once.",
                "tts-1",
            ),
        ),
    ),
)

TTS = {"text": "The tavern is open.", "voice_mode": "predefined", "predefined_voice_id": "harbor.flac", "output_format": "wav"}
TTS_FORMATS = {format_.content_type: BINARY for format_ in (AudioFormat.WAV, AudioFormat.OPUS, AudioFormat.MP3)}

SILLYTAVERN_OPERATIONS = (
    Operation(
        "get",
        "/get_predefined_voices",
        "listPredefinedVoices",
        SILLYTAVERN,
        "List the voices",
        "All voices, in the format of SillyTavern's Chatterbox provider.",
        {200: Answer("The voices.", {JSON: {"type": "array", "items": PredefinedVoice}})},
    ),
    Operation(
        "get",
        "/get_reference_files",
        "listReferenceFiles",
        SILLYTAVERN,
        "List the files of voices",
        "The names of the files in the folder of voices.",
        {200: Answer("The files.", {JSON: {"type": "array", "items": TEXT, "examples": [["harbor.flac"]]}})},
    ),
    Operation(
        "post",
        "/tts",
        "speakForSillyTavern",
        SILLYTAVERN,
        "Speak a text",
        "The request of SillyTavern's Chatterbox provider.",
        {200: Answer("The audio.", TTS_FORMATS, AUDIO_HEADERS)},
        (404, 422),
        body=Body((TtsFields,), TTS),
    ),
    Operation(
        "get",
        "/tts-stream",
        "streamForSillyTavern",
        SILLYTAVERN,
        "Speak a text as a stream",
        "The fields of POST /tts as query parameters; a WAV of unknown length unless output_format is given.",
        {200: Answer("The audio, streamed during synthesis.", TTS_FORMATS, AUDIO_HEADERS)},
        (400, 404, 422),
        query=TtsFields,
        query_example=TTS,
    ),
)

RESONANCE_OPERATIONS = (
    Operation(
        "post",
        "/generate",
        "generate",
        RESONANCE,
        "Speak a text in the voice of a stored clip",
        "Uses the default model. If keys are set, the key is sent as x-api-key, and an invalid one gets a 403.",
        {200: Answer("A whole WAV.", WAV, AUDIO_HEADERS)},
        (422,),
        body=Body((GenerateFields,), {"prompt": "Hello, and welcome.", "voice_key": "voices/standard/harbor.flac"}),
        manner=ErrorManner.RESONANCE,
    ),
)
