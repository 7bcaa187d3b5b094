"""The realtime model of OpenAI's Agents SDK, connected, spoken to and listened to as its sessions do it."""

import asyncio
import json
import os

from agents.realtime.model import RealtimeModelListener
from agents.realtime.model_inputs import RealtimeModelSendInterrupt, RealtimeModelSendUserInput
from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel


class Listener(RealtimeModelListener):
    """Keeps what happens."""

    def __init__(self) -> None:
        self.audio = b""
        self.transcript = ""
        self.errors = []
        self.turns = asyncio.Queue()

    async def on_event(self, event) -> None:
        if event.type == "audio":
            self.audio += event.data
        elif event.type == "transcript_delta":
            self.transcript += event.delta
        elif event.type in ("error", "exception"):
            self.errors.append(str(event))
        elif event.type == "turn_ended":
            self.turns.put_nowait(event)


async def main() -> None:
    address = os.environ["SERVER"].replace("http", "ws", 1)
    model, listener = OpenAIRealtimeWebSocketModel(), Listener()
    model.add_listener(listener)
    settings = {"model_name": "gpt-realtime", "voice": "verse", "instructions": "Speak kindly.", "modalities": ["audio"], "tracing": None}
    await model.connect({"url": f"{address}/v1/realtime?model=gpt-realtime", "api_key": "not-needed", "initial_model_settings": settings})
    try:
        await model.send_event(RealtimeModelSendUserInput(user_input="The agents hear this sentence in one turn."))
        await asyncio.wait_for(listener.turns.get(), 60)
        first, transcript = len(listener.audio), listener.transcript
        await model.send_event(RealtimeModelSendUserInput(user_input="And a long story about nothing, told twice. " * 60))
        while len(listener.audio) == first:
            await asyncio.sleep(0.01)
        await model.send_event(RealtimeModelSendInterrupt(force_response_cancel=True))
        await asyncio.wait_for(listener.turns.get(), 60)
    finally:
        await model.close()
    print(json.dumps({"bytes": first, "transcript": transcript, "errors": listener.errors}))


asyncio.run(main())
