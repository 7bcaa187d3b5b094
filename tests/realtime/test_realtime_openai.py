"""OpenAI's Realtime protocol: its events, in its order, in its shapes."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
import requests
from openai import AsyncOpenAI
from support.waiting import wait_until
from talking import LONG, Talk, dial, pcm_of

from tts_server.errors import EngineFailure


def spoken(server, text: str, **fields) -> bytes:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": text, "response_format": "pcm", **fields}, timeout=30)
    assert reply.status_code == 200
    return reply.content


def test_a_session_is_announced_before_the_client_says_anything(seeded):
    with dial(seeded, "/v1/realtime?model=gpt-realtime") as socket:
        event = Talk(socket).next()
    assert event["type"] == "session.created"
    assert event["session"]["model"] == "gpt-realtime"
    assert event["session"]["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy", "speed": 1.0}


def test_a_session_can_switch_the_reading_of_numbers_off(seeded, talk):
    talk.say("session.update", session={"type": "realtime", "audio": {"output": {"text_normalization": "off"}}})
    assert talk.the("session.updated")["session"]["audio"]["output"]["text_normalization"] == "off"
    link = "See [the prices](https://example.com/a)."
    talk.user(link)
    talk.say("response.create")
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, link, text_normalization="off") != spoken(seeded, link)


def test_a_client_that_names_no_model_is_greeted_when_it_waits_or_speaks(seeded):
    with dial(seeded) as waiting, dial(seeded) as eager:
        Talk(eager).say("session.update", session={"type": "realtime"})
        assert [json.loads(eager.recv(timeout=20))["type"] for _ in range(2)] == ["session.created", "session.updated"]
        assert Talk(waiting).next()["type"] == "session.created"


def test_a_response_is_the_documented_sequence(seeded, talk):
    talk.user("Hello there, how are you?")
    user = talk.the("conversation.item.done")["item"]
    talk.say("response.create")
    events = list(talk.until("response.done"))
    kinds = [event["type"] for event in events]
    assert [kind for kind in kinds if kind != "response.output_audio.delta"] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert pcm_of(events) == spoken(seeded, "Hello there, how are you?")
    done = events[-1]["response"]
    assert done["id"] == events[0]["response"]["id"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hello there, how are you?"}]
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"] > 0
    assert events[kinds.index("conversation.item.done")]["previous_item_id"] == user["id"]
    placed = [event for event in events if "content_index" in event]
    assert {(event["response_id"], event["item_id"]) for event in placed} == {(done["id"], done["output"][0]["id"])}


def test_every_part_of_the_audio_is_whole_samples(talk):
    talk.user(LONG[:400])
    talk.say("response.create")
    deltas = [event["delta"] for event in talk.until("response.done") if event["type"] == "response.output_audio.delta"]
    assert len(deltas) > 20
    assert all(len(base64.b64decode(delta)) % 2 == 0 for delta in deltas)


def test_the_session_says_what_holds_after_an_update(seeded, talk):
    output = {"voice": {"id": "Onyx"}, "speed": 1.5}
    talk.say("session.update", session={"type": "realtime", "instructions": "Be brief.", "audio": {"output": output}})
    session = talk.the("session.updated")["session"]
    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "Onyx", "speed": 1.5}
    talk.user("Hello there.")
    talk.say("response.create")
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "Hello there.", voice="onyx", speed=1.5)


def test_events_need_not_wait_for_answers(seeded, talk):
    talk.say("session.update", session={"type": "realtime", "audio": {"output": {"voice": "nova"}}})
    talk.user("One.")
    talk.say("response.create")
    talk.user("Two.")
    talk.say("response.create", response={"audio": {"output": {"voice": "echo"}}})
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "One.", voice="nova")
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "Two.", voice="echo")


def test_items_since_the_last_response_are_spoken_together_and_only_the_users(seeded, talk):
    order = [{"type": "input_text", "text": "Be kind."}]
    talk.say("conversation.item.create", item={"type": "message", "role": "system", "content": order})
    talk.user("One.")
    reply = [{"type": "output_text", "text": "Ah."}]
    talk.say("conversation.item.create", item={"type": "message", "role": "assistant", "content": reply})
    talk.user("Two.")
    talk.say("response.create")
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "One.\n\nTwo.")
    talk.say("response.create", event_id="nothing-new")
    assert talk.the("error")["error"]["event_id"] == "nothing-new"


@pytest.mark.parametrize("where", ["session", "response"])
def test_instructions_are_never_spoken(seeded, talk, where):
    if where == "session":
        talk.say("session.update", session={"type": "realtime", "instructions": "Whisper like a ghost."})
    talk.user("Hello there.")
    talk.say("response.create", response={"instructions": "Whisper like a ghost."} if where == "response" else {})
    events = list(talk.until("response.done"))
    assert pcm_of(events) == spoken(seeded, "Hello there.")
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Hello there."


def test_a_response_outside_the_conversation_leaves_no_trace_in_it(seeded, talk):
    given = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Aside."}]}]
    talk.say("response.create", response={"conversation": "none", "input": given, "metadata": {"topic": "aside"}, "max_output_tokens": 99})
    events = list(talk.until("response.done"))
    assert pcm_of(events) == spoken(seeded, "Aside.")
    assert not [event for event in events if event["type"].startswith("conversation.")]
    done = events[-1]["response"]
    assert (done["conversation_id"], done["metadata"], done["max_output_tokens"]) == (None, {"topic": "aside"}, 99)
    talk.say("conversation.item.retrieve", item_id=done["output"][0]["id"])
    assert talk.next()["error"]["code"] == "item_not_found"


def test_items_are_placed_shown_referred_to_and_deleted(seeded, talk):
    for name, before in (("second", None), ("first", "root"), ("third", "second")):
        item = {"id": name, "type": "message", "role": "user", "content": [{"type": "input_text", "text": f"The {name}."}]}
        talk.say("conversation.item.create", item=item, previous_item_id=before)
        assert talk.the("conversation.item.done")["previous_item_id"] == {"second": None, "first": None, "third": "second"}[name]
    talk.say("conversation.item.retrieve", item_id="first")
    assert talk.next()["item"]["content"][0]["text"] == "The first."
    talk.say("conversation.item.truncate", item_id="first", content_index=0, audio_end_ms=10)
    assert talk.next()["audio_end_ms"] == 10
    talk.say("conversation.item.delete", item_id="second")
    assert talk.next()["item_id"] == "second"
    talk.say("response.create", response={"input": [{"type": "item_reference", "id": "third"}]})
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "The third.")
    talk.say("response.create")
    assert pcm_of(list(talk.until("response.done"))) == spoken(seeded, "The first.\n\nThe third.")


def wrong(type_: str, **fields) -> dict:
    return {"type": type_, **fields}


@pytest.mark.parametrize(
    ("event", "param"),
    [
        (wrong("session.update", session={"type": "transcription"}), "session.type"),
        (wrong("session.update", session={"type": "realtime", "audio": {"output": {"voice": "nobody"}}}), "audio.output.voice"),
        (wrong("session.update", session={"audio": {"output": {"format": {"type": "audio/pcmu"}}}}), "session.audio.output.format.type"),
        (wrong("session.update", session={"audio": {"output": {"speed": 9}}}), "session.audio.output.speed"),
        (wrong("session.update", session={"output_modalities": ["text"]}), "session.output_modalities.0"),
        (wrong("session.update"), "session"),
        (wrong("conversation.item.create", item={"type": "message", "role": "user"}), "item.content"),
        (wrong("conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_audio"}]}), "item.content"),
        (wrong("conversation.item.create", item={"type": "function_call"}), "item.type"),
        (wrong("conversation.item.delete", item_id="nothing"), "item_id"),
        (wrong("conversation.item.delete"), "item_id"),
        (wrong("response.create"), "input"),
        (wrong("response.create", response={"instructions": "Say hello."}), "input"),
        (wrong("response.create", response={"metadata": {"key": 1}}), "response.metadata.key"),
        (wrong("response.cancel"), "response_id"),
        (wrong("input_audio_buffer.append", audio="AAAA"), "type"),
        (wrong("input_text_buffer.append"), "delta"),
        (wrong("input_text_buffer.commit"), None),
        (wrong("sing"), "type"),
        (wrong(["response.create"]), "type"),
        ({}, "type"),
    ],
)
def test_what_is_wrong_with_an_event_is_told_with_its_id_and_the_session_goes_on(talk, event, param):
    talk.say(**{"type_": event.get("type"), **{k: v for k, v in event.items() if k != "type"}, "event_id": "mine"})
    error = talk.the("error")["error"]
    assert (error["event_id"], error["param"], error["type"]) == ("mine", param, "invalid_request_error")
    assert error["message"]
    talk.user("Still here.")
    talk.say("response.create")
    assert talk.the("response.done")["response"]["status"] == "completed"


def health(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]


def test_cancel_ends_the_response_and_the_work_for_it(start_server):
    slow = start_server(synthesis_threads=1, max_text_length=200_000)
    with dial(slow, "/v1/realtime?model=tts-1") as socket:
        talk = Talk(socket)
        talk.user(" ".join([LONG] * 20))
        talk.say("response.create")
        talk.the("response.output_audio.delta")
        talk.say("response.cancel")
        events = list(talk.until("response.done"))
        done = events[-1]["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
        assert done["output"][0]["status"] == "incomplete"
        assert "response.output_item.done" in [event["type"] for event in events]
        wait_until(lambda: health(slow)["segments_waiting"] == 0)
        assert health(slow)["segments_done"] < 300
        assert (health(slow)["in_flight"], health(slow)["total_cancelled"], health(slow)["total_errors"]) == (0, 1, 0)
        talk.user("And on it goes.")
        talk.say("response.create")
        assert talk.the("response.done")["response"]["status"] == "completed"


def test_a_cancel_without_a_name_ends_the_responses_that_wait_too(start_server):
    slow = start_server(synthesis_threads=1, max_text_length=200_000)
    with dial(slow, "/v1/realtime?model=tts-1") as socket:
        talk = Talk(socket)
        for text in (" ".join([LONG] * 20), "Never heard."):
            talk.user(text)
            talk.say("response.create")
        talk.the("response.output_audio.delta")
        talk.say("response.cancel")
        assert talk.the("response.done")["response"]["status"] == "cancelled"
        events = list(talk.until("response.done"))
        assert [event["type"] for event in events] == ["response.created", "response.done"]
        assert (events[-1]["response"]["status"], events[-1]["response"]["output"]) == ("cancelled", [])


def test_a_response_that_fails_on_the_way_is_ended_as_failed(start_server, monkeypatch):
    server = start_server(synthesis_threads=1)
    speaker = server.synthesizer.catalog.engine("embedded").hibari
    speak, calls = speaker.speak, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise RuntimeError("out of breath")
        return speak(*arguments)

    monkeypatch.setattr(speaker, "speak", failing)
    with dial(server, "/v1/realtime?model=tts-1") as socket:
        talk = Talk(socket)
        talk.user(LONG[:400])
        talk.say("response.create")
        done = talk.the("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == EngineFailure.code
        assert "breath" not in json.dumps(done)


def test_text_is_spoken_while_more_of_it_arrives(talk):
    """The second sentence is sent only after the first has been heard."""
    for delta in ("The first sen", "tence is he", "re. And a", " second"):
        talk.say("input_text_buffer.append", delta=delta)
    assert talk.the("response.output_audio_transcript.delta")["delta"] == "The first sentence is here."
    talk.the("response.output_audio.delta")
    talk.say("input_text_buffer.append", delta=" one follows")
    talk.say("input_text_buffer.commit")
    events = list(talk.until("response.done"))
    done = events[-1]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["transcript"] == "The first sentence is here. And a second one follows"
    (item,) = [e["item"] for e in events if e["type"] == "conversation.item.done" and e["item"]["role"] == "user"]
    assert item["content"][0]["text"] == "The first sentence is here. And a second one follows"


def test_a_text_that_never_ends_is_over_when_its_client_leaves(seeded):
    with dial(seeded, "/v1/realtime?model=tts-1") as socket:
        talk = Talk(socket)
        talk.say("input_text_buffer.append", delta="This is spoken. And this is")
        talk.the("response.output_audio.delta")


def test_more_text_than_the_server_keeps_is_refused_and_the_rest_is_spoken(start_server):
    server = start_server(max_text_length=100)
    with dial(server, "/v1/realtime?model=tts-1") as socket:
        talk = Talk(socket)
        talk.say("input_text_buffer.append", delta="No sentence ends here")
        talk.say("input_text_buffer.append", delta="x" * 100)
        assert talk.the("error")["error"]["code"] == "string_too_long"
        talk.say("input_text_buffer.commit")
        assert talk.the("response.done")["response"]["output"][0]["content"][0]["transcript"] == "No sentence ends here"


def test_openais_own_client_speaks(seeded):
    async def talk() -> tuple[bytes, list[str]]:
        client = AsyncOpenAI(api_key="none", base_url=f"{seeded.url}/v1", websocket_base_url=f"ws://127.0.0.1:{seeded.port}/v1")
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.session.update(session={"type": "realtime", "audio": {"output": {"voice": "coral"}}})
            content = [{"type": "input_text", "text": "Hello from the client."}]
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            await connection.response.create()
            pcm, kinds = b"", []
            async for event in connection:
                kinds.append(event.type)
                if event.type == "response.output_audio.delta":
                    pcm += base64.b64decode(event.delta)
                if event.type == "response.done":
                    return pcm, kinds
        raise AssertionError

    pcm, kinds = asyncio.run(talk())
    assert pcm == spoken(seeded, "Hello from the client.", voice="coral")
    assert kinds[:2] == ["session.created", "session.updated"]
