"""Every kind of event that the realtime address sends, held against the models of the client package that is installed here."""

import base64
import json
import os

from websockets.sync.client import connect

try:
    from agents.realtime.openai_realtime import get_server_event_type_adapter

    def check(raw: str) -> None:
        get_server_event_type_adapter().validate_json(raw)

except ImportError:
    from pipecat.services.openai.realtime.events import parse_server_event

    def check(raw: str) -> None:
        assert parse_server_event(raw) is not None, f"there is no model of {raw[:200]}"


class Talk:
    """A session; what arrives has to fit the models."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.events = []

    def say(self, type_: str, **fields) -> None:
        self.socket.send(json.dumps({"type": type_, **fields}))

    def user(self, text: str) -> None:
        self.say("conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})

    def until(self, type_: str) -> dict:
        while True:
            raw = self.socket.recv(timeout=60)
            check(raw)
            self.events.append(json.loads(raw))
            if self.events[-1]["type"] == type_:
                return self.events[-1]


address = os.environ["SERVER"].replace("http", "ws", 1)
with connect(f"{address}/v1/realtime?model=gpt-realtime", proxy=None) as socket:
    talk = Talk(socket)
    talk.until("session.created")
    talk.say(
        "session.update",
        session={"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "nova", "speed": 1.2}}, "tools": []},
    )
    talk.until("session.updated")
    talk.say("input_audio_buffer.clear")
    talk.until("input_audio_buffer.cleared")
    for role, kind in (("system", "input_text"), ("assistant", "output_text")):
        talk.say("conversation.item.create", item={"type": "message", "role": role, "content": [{"type": kind, "text": "Well."}]})
        item = talk.until("conversation.item.done")["item"]
    talk.say("conversation.item.retrieve", item_id=item["id"])
    talk.until("conversation.item.retrieved")
    talk.user("The events of this sentence are checked.")
    talk.say("response.create", response={"metadata": {"topic": "events"}})
    completed = talk.until("response.done")
    pcm = b"".join(base64.b64decode(event["delta"]) for event in talk.events if event["type"] == "response.output_audio.delta")
    spoken = completed["response"]["output"][0]["id"]
    talk.say("conversation.item.truncate", item_id=spoken, content_index=0, audio_end_ms=100)
    talk.until("conversation.item.truncated")
    talk.say("conversation.item.delete", item_id=spoken)
    talk.until("conversation.item.deleted")
    talk.say("response.cancel", event_id="nothing-runs")
    error = talk.until("error")["error"]
    talk.say("response.create", response={"conversation": "none", "input": [item | {"role": "user", "content": [
        {"type": "input_text", "text": "A long story about nothing at all, told twice. " * 60}
    ]}]})  # fmt: skip
    talk.until("response.output_audio.delta")
    talk.say("response.cancel")
    cancelled = talk.until("response.done")

print(
    json.dumps(
        {
            "kinds": sorted({event["type"] for event in talk.events}),
            "statuses": [completed["response"]["status"], cancelled["response"]["status"]],
            "error_of": error["event_id"],
            "pcm_bytes": len(pcm),
        }
    )
)
