"""LiveKit's OpenAI plugin: MP3 as a body from tts-1, server-sent events from every other model."""

import asyncio
import json
import os
from pathlib import Path

import aiohttp
from livekit.plugins import openai


async def speak(model: str) -> dict:
    tts = openai.TTS(base_url=f"{os.environ['SERVER']}/v1", api_key="not-needed", model=model, voice="nova")
    tts.prewarm()
    async with tts.synthesize("LiveKit hears this sentence. And this one after it.") as stream:
        frame = await stream.collect()
    await tts.aclose()
    Path(f"{model}.pcm").write_bytes(bytes(frame.data))
    return {"rate": frame.sample_rate, "channels": frame.num_channels, "seconds": frame.duration}


async def main() -> None:
    async with aiohttp.ClientSession():
        print(json.dumps({model: await speak(model) for model in ("tts-1", "gpt-4o-mini-tts")}))


asyncio.run(main())
