"""OpenAI's Python SDK beyond what tests/api/test_real_clients.py asks of it: asyncio, streams, events, retries."""

from __future__ import annotations

import asyncio
import base64
import json

import openai
import pytest
from support.decoded_audio import hear

TEXT = "This line comes from a real client."


def run(server, work):
    """The result of `work(client)` in an event loop of its own."""

    async def main():
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="not-needed", max_retries=0) as client:
            return await work(client)

    return asyncio.run(main())


def test_asyncio_gets_a_whole_file(server):
    async def work(client):
        return (await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="flac")).content

    assert hear(run(server, work)).kind == "flac"


def test_asyncio_streams_pieces_that_join(server):
    async def work(client):
        async with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="cedar", input=f"{TEXT} And a second.", response_format="pcm", extra_body={"stream": True}
        ) as reply:
            return [piece async for piece in reply.iter_bytes(4096)]

    pieces = run(server, work)
    assert len(pieces) > 2
    assert hear(b"".join(pieces), 24000).seconds > 2


def test_many_at_once_over_one_client_get_their_own_audio(server):
    async def work(client):
        async def one(number):
            reply = await client.audio.speech.create(
                model="tts-1", voice="alloy", input="One. " * number, response_format="pcm", extra_body={"seed": 1}
            )
            return len(reply.content)

        return await asyncio.gather(*map(one, (1, 3, 6, 1, 3, 6)))

    sizes = run(server, work)
    assert sizes[:3] == sizes[3:]
    assert sizes[0] < sizes[1] < sizes[2]


def test_asyncio_reads_events_in_the_format_asked_for(server):
    async def work(client):
        async with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="ash", input=TEXT, response_format="opus", stream_format="sse"
        ) as reply:
            return [json.loads(line.removeprefix("data: ")) async for line in reply.iter_lines() if line]

    *deltas, done = run(server, work)
    assert hear(b"".join(base64.b64decode(event["audio"]) for event in deltas)).kind == "opus"
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]


def test_a_stream_that_is_left_does_no_harm_to_the_next(server):
    async def work(client):
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input="A sentence nobody waits for. " * 100, response_format="pcm", extra_body={"stream": True}
        ) as reply:
            async for _ in reply.iter_bytes(1024):
                break
        return (await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)).content

    assert hear(run(server, work)).seconds > 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"voice": "alloy", "speed": 9.0}, openai.BadRequestError), ({"voice": {"id": "nobody"}}, openai.BadRequestError)],
)
def test_asyncio_raises_the_class_of_the_status(server, fields, error):
    with pytest.raises(error) as raised:
        run(server, lambda client: client.audio.speech.create(model="tts-1", input=TEXT, **fields))
    assert raised.value.param in ("speed", "voice")
