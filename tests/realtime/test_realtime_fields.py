"""What a client of OpenAI's Realtime protocol may set, and where it finds it again."""

from __future__ import annotations

import pytest

from tts_server.web.realtime.fields import SessionFields

SESSION = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "Be brief.",
    "audio": {
        "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": None},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "coral", "speed": 1.25},
    },
    "tools": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}],
    "tool_choice": "none",
    "max_output_tokens": 100,
    "tracing": "auto",
    "truncation": "disabled",
    "prompt": {"id": "pmpt_1", "version": "2"},
    "include": ["item.input_audio_transcription.logprobs"],
}


def test_every_field_of_a_session_is_kept_and_shown(talk):
    assert set(SESSION) == set(SessionFields.model_fields)
    talk.say("session.update", session=SESSION)
    shown = talk.the("session.updated")["session"]
    assert {name: shown[name] for name in SESSION if name != "audio"} == {name: SESSION[name] for name in SESSION if name != "audio"}
    assert shown["audio"]["output"] == SESSION["audio"]["output"]
    assert shown["audio"]["input"]["format"] == SESSION["audio"]["input"]["format"]
    talk.say("session.update", session={"type": "realtime", "instructions": "Take your time."})
    again = talk.the("session.updated")["session"]
    assert (again["instructions"], again["audio"]["output"]["voice"]) == ("Take your time.", "coral")


@pytest.mark.parametrize(
    ("role", "part"),
    [
        ("user", {"type": "input_text", "text": "Said by the user."}),
        ("system", {"type": "input_text", "text": "Said by the system."}),
        ("assistant", {"type": "output_text", "text": "Said by the assistant."}),
        ("assistant", {"type": "output_audio", "transcript": "Heard from the assistant."}),
    ],
)
def test_every_kind_of_message_is_kept_and_shown(talk, role, part):
    talk.say("conversation.item.create", item={"id": "mine", "type": "message", "role": role, "content": [part]})
    item = talk.the("conversation.item.done")["item"]
    assert (item["id"], item["role"], item["content"]) == ("mine", role, [part])
    talk.say("conversation.item.retrieve", item_id="mine")
    assert talk.the("conversation.item.retrieved")["item"] == item


def test_a_response_has_the_fields_it_was_asked_with(seeded, talk):
    given = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Aside."}]}]
    wishes = {
        "conversation": "none",
        "output_modalities": ["audio"],
        "input": given,
        "instructions": "Cheerfully.",
        "audio": {"output": {"voice": {"id": "sage"}, "speed": 1.5}},
        "metadata": {"topic": "aside"},
        "max_output_tokens": "inf",
    }
    talk.say("response.create", response=wishes)
    done = talk.the("response.done")["response"]
    shown = {name: done[name] for name in ("output_modalities", "metadata", "max_output_tokens", "conversation_id")}
    assert shown == {"output_modalities": ["audio"], "metadata": {"topic": "aside"}, "max_output_tokens": "inf", "conversation_id": None}
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Aside."}]
