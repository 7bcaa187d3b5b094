"""The realtime address against clients that check what they are sent: their own models of events, unmodified. Run with CONFORMANCE=1."""

from __future__ import annotations

import pytest

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
