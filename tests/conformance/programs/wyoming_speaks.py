"""wyoming-openai in front of the server, and a Wyoming client such as Home Assistant in front of that."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def connect(port: int) -> AsyncTcpClient:
    for _ in range(300):
        client = AsyncTcpClient("127.0.0.1", port)
        try:
            await client.connect()
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return client
    raise TimeoutError("wyoming-openai did not start")


async def main(port: int) -> None:
    client = await connect(port)
    await client.write_event(Describe().event())
    voices = []
    while not voices:
        event = await client.read_event()
        if Info.is_type(event.type):
            voices = [voice.name for program in Info.from_event(event).tts for voice in program.voices]
    await client.write_event(Synthesize(text="Home Assistant hears this.", voice=SynthesizeVoice(name=voices[0])).event())
    audio, start = b"", None
    while True:
        event = await client.read_event()
        if AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
        elif AudioChunk.is_type(event.type):
            audio += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            break
    await client.disconnect()
    Path("wyoming.pcm").write_bytes(audio)
    print(json.dumps({"voices": voices, "rate": start.rate, "width": start.width, "channels": start.channels}))


port = free_port()
bridge = subprocess.Popen(
    [
        *(sys.executable, "-m", "wyoming_openai", "--uri", f"tcp://127.0.0.1:{port}", "--languages", "en"),
        *("--tts-openai-url", f"{os.environ['SERVER']}/v1", "--tts-openai-key", "not-needed"),
        *("--tts-models", "tts-1", "--tts-voices", "alloy", "onyx"),
    ],
    stdout=sys.stderr,
)
try:
    asyncio.run(main(port))
finally:
    bridge.terminate()
    bridge.wait(20)
