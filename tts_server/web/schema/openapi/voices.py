"""Operations on voices."""

from __future__ import annotations

from tts_server.speech import AudioFormat
from tts_server.voices.registry import VoiceEntry
from tts_server.web.routes.voices import CONTENT_TYPES
from tts_server.web.schema.openapi.operation import BINARY, FORM, JSON, Answer, Body, Operation, Parameter
from tts_server.web.schema.openapi.replies import (
    AudioVoice,
    AudioVoiceList,
    CreatedVoice,
    DeletedAudioVoice,
    DeletedVoice,
    Reloaded,
    VoiceList,
    VoiceReply,
)
from tts_server.web.schema.openapi.requests import OpenAIVoiceForm, VoiceName
from tts_server.web.schema.openapi.speech import AUDIO_HEADERS

VOICES = "Voices"
ANOTHER = "Another name of the same field."
VOICE_ID = Parameter("voice_id", "path", "The id of the voice or one of its aliases.", "harbor")
CHANGED_ID = Parameter("voice_id", "path", "The id of the voice.", "Ada")

VOICE_OPERATIONS = (
    Operation(
        "get",
        "/v1/voices",
        "listVoices",
        VOICES,
        "List all voices",
        "Built-in voices and those of the folder, with all their properties.",
        {200: Answer("The voices.", {JSON: VoiceList})},
    ),
    Operation(
        "post",
        "/v1/voices",
        "createVoice",
        VOICES,
        "Create a voice from a clip",
        "Stores the clip in the folder of voices and reports its quality. controls is JSON; aliases may be separated by commas.",
        {201: Answer("The voice.", {JSON: CreatedVoice})},
        (409, 415),
        body=Body(
            (VoiceEntry, VoiceName),
            {"name": "Ada", "aliases": ["countess"], "language": "en"},
            {"audio": "A few seconds of one person speaking.", "audio_sample": ANOTHER, "file": ANOTHER},
            media=(FORM,),
        ),
    ),
    Operation(
        "get",
        "/v1/voices/{voice_id}",
        "getVoice",
        VOICES,
        "Show a voice",
        "One voice with all its properties.",
        {200: Answer("The voice.", {JSON: VoiceReply})},
        (404,),
        (VOICE_ID,),
    ),
    Operation(
        "patch",
        "/v1/voices/{voice_id}",
        "changeVoice",
        VOICES,
        "Change a voice",
        "Changes the given fields; null clears a field. Built-in voices and those in standard/ cannot be renamed.",
        {200: Answer("The changed voice.", {JSON: VoiceReply})},
        (404, 409),
        (CHANGED_ID,),
        body=Body((VoiceEntry,), {"aliases": ["captain"], "controls": {"exaggeration": 0.4}}),
    ),
    Operation(
        "delete",
        "/v1/voices/{voice_id}",
        "deleteVoice",
        VOICES,
        "Delete a voice",
        "Deletes the recording as well.",
        {200: Answer("It is gone.", {JSON: DeletedVoice})},
        (400, 404, 409),
        (CHANGED_ID,),
    ),
    Operation(
        "get",
        "/v1/voices/{voice_id}/audio",
        "downloadVoice",
        VOICES,
        "Download a voice's recording",
        "The file in the folder of voices. Built-in voices have none.",
        {200: Answer("The recording.", dict.fromkeys(sorted(set(CONTENT_TYPES.values())), BINARY), ("Content-Disposition",))},
        (404,),
        (VOICE_ID,),
    ),
    Operation(
        "get",
        "/v1/voices/{voice_id}/preview",
        "previewVoice",
        VOICES,
        "Preview a voice",
        "A fixed sentence in that voice.",
        {200: Answer("The sentence.", {AudioFormat.MP3.content_type: BINARY}, AUDIO_HEADERS)},
        (400, 404),
        (VOICE_ID, Parameter("model", "query", "The model to use.", "tts-1")),
    ),
    Operation(
        "get",
        "/v1/audio/voices",
        "listAudioVoices",
        VOICES,
        "List the names of all voices",
        "For Open WebUI and other clients.",
        {200: Answer("The voices.", {JSON: AudioVoiceList})},
        parameters=(Parameter("legacy", "query", "true: only the ids.", False, {"type": "boolean"}),),
    ),
    Operation(
        "post",
        "/v1/audio/voices",
        "createAudioVoice",
        VOICES,
        "Create a voice from a clip, by OpenAI's route",
        "A form with a name and a recording.",
        {200: Answer("The voice.", {JSON: AudioVoice})},
        (409, 415),
        body=Body(
            (OpenAIVoiceForm,),
            {"name": "Ada"},
            {"audio_sample": "A few seconds of one person speaking.", "audio": ANOTHER, "file": ANOTHER},
            media=(FORM,),
        ),
    ),
    Operation(
        "delete",
        "/v1/audio/voices/{voice_id}",
        "deleteAudioVoice",
        VOICES,
        "Delete a voice, by OpenAI's route",
        "Deletes the recording as well.",
        {200: Answer("It is gone.", {JSON: DeletedAudioVoice})},
        (400, 404, 409),
        (CHANGED_ID,),
    ),
    Operation(
        "post",
        "/admin/reload-voices",
        "reloadVoices",
        VOICES,
        "Reload the folder of voices",
        "Adds new files, applies changes of voices.json, and drops removed files.",
        {200: Answer("The voices after reloading.", {JSON: Reloaded})},
    ),
)
