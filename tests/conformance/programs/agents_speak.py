"""The speech model of OpenAI's Agents SDK, as its voice pipeline makes and runs it."""

import asyncio
import json
import os
from pathlib import Path

from agents.voice import OpenAIVoiceModelProvider, TTSModelSettings
from openai import AsyncOpenAI


async def main() -> None:
    client = AsyncOpenAI(base_url=f"{os.environ['SERVER']}/v1", api_key="not-needed")
    provider = OpenAIVoiceModelProvider(openai_client=client)
    told = {}
    for name, settings in {
        "default": TTSModelSettings(),
        "chosen": TTSModelSettings(voice="verse", speed=1.5, instructions="Cheerfully."),
    }.items():
        model = provider.get_tts_model(None if name == "default" else "gpt-4o-mini-tts")
        pieces = [piece async for piece in model.run("The agents hear this sentence.", settings)]
        told[name] = {"model": model.model_name, "pieces": len(pieces), "even": all(len(piece) % 2 == 0 for piece in pieces[:-1])}
        Path(f"{name}.pcm").write_bytes(b"".join(pieces))
    print(json.dumps(told))


asyncio.run(main())
