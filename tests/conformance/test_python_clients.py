"""Packages that speak through OpenAI's API and Realtime, unmodified, each in an environment of its own. Run with CONFORMANCE=1."""

from __future__ import annotations

import pytest
from conformance.pasted import example
from support.decoded_audio import hear

AGENTS = "openai-agents[voice]>=0.20,<1"
PIPECAT = "pipecat-ai[openai]>=1.3,<2"

EVENTS = {
    "session.created",
    "session.updated",
    "input_audio_buffer.cleared",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "conversation.item.deleted",
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
    "error",
}


def test_litellm(server, python_client):
    client = python_client("litellm>=1.80,<2")
    raised = client.run_program("litellm_speaks.py", server.url)
    assert hear(client.read("sync.mp3")).kind == "mp3"
    assert hear(client.read("async.wav")).seconds > 1
    assert raised["voice"][0] == "NotFoundError"
    assert "There is no voice 'nobody'" in raised["voice"][1]
    assert raised["speed"][0] == "BadRequestError"
    client.run("example.py", example("litellm", server.url), server.url)
    assert hear(client.read("litellm.mp3")).seconds > 0.5


def test_livekit(server, python_client):
    client = python_client("livekit-plugins-openai>=1.5,<2")
    told = client.run_program("livekit_speaks.py", server.url)
    for model in ("tts-1", "gpt-4o-mini-tts"):
        assert (told[model]["rate"], told[model]["channels"]) == (24000, 1)
        heard = hear(client.read(f"{model}.pcm"), 24000)
        assert heard.seconds > 2
        assert heard.rms > 0.01


def test_pipecat(server, python_client):
    client = python_client(PIPECAT)
    told = client.run_program("pipecat_speaks.py", server.url)
    for voice in ("alloy", "verse"):
        assert told[voice] == {"rates": [24000], "errors": []}
        heard = hear(client.read(f"{voice}.pcm"), 24000)
        assert heard.seconds > 1
        assert heard.rms > 0.01


def test_openai_agents(server, python_client):
    client = python_client(AGENTS)
    told = client.run_program("agents_speak.py", server.url)
    usual, fast = (hear(client.read(f"{name}.pcm"), 24000) for name in ("default", "chosen"))
    assert usual.seconds > fast.seconds > 0.8
    assert min(usual.rms, fast.rms) > 0.01
    assert all(model["even"] for model in told.values())


def test_wyoming_openai(server, python_client):
    client = python_client("wyoming-openai>=0.6,<1", python_from=(3, 12))
    told = client.run_program("wyoming_speaks.py", server.url)
    assert set(told["voices"]) == {"alloy", "onyx"}
    assert (told["rate"], told["width"], told["channels"]) == (24000, 2, 1)
    heard = hear(client.read("wyoming.pcm"), 24000)
    assert heard.seconds > 1
    assert heard.rms > 0.01


@pytest.mark.parametrize("package", [AGENTS, PIPECAT], ids=["openai-agents", "pipecat"])
def test_every_event_fits_the_models_of_a_client(server, python_client, package):
    told = python_client(package).run_program("realtime_events.py", server.url)
    assert set(told["kinds"]) == EVENTS
    assert (told["statuses"], told["error_of"]) == (["completed", "cancelled"], "nothing-runs")
    assert told["pcm_bytes"] > 48_000


def test_the_agents_realtime_model_speaks_and_is_interrupted(server, python_client):
    told = python_client(AGENTS).run_program("agents_converse.py", server.url)
    assert told["errors"] == []
    assert told["transcript"] == "The agents hear this sentence in one turn."
    assert told["bytes"] > 48_000
