"""LiteLLM, with and without asyncio, and what it makes of an error."""

import asyncio
import json
import os

import litellm

common = {"api_base": f"{os.environ['SERVER']}/v1", "api_key": "not-needed", "input": "LiteLLM passes this on."}


async def speak_with_asyncio() -> None:
    reply = await litellm.aspeech(model="openai/gpt-4o-mini-tts", voice="cedar", response_format="wav", **common)
    reply.write_to_file("async.wav")


litellm.speech(model="openai/tts-1", voice="alloy", **common).write_to_file("sync.mp3")
asyncio.run(speak_with_asyncio())
raised = {}
for name, fields in {"voice": {"voice": "nobody"}, "speed": {"voice": "alloy", "speed": 9}}.items():
    try:
        litellm.speech(model="openai/tts-1", max_retries=0, **fields, **common)
    except Exception as error:
        raised[name] = [type(error).__name__, str(error)]
print(json.dumps(raised))
