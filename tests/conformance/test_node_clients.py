"""Packages from npm, unmodified. Run with CONFORMANCE=1 where node is installed."""

from __future__ import annotations

from conformance.pasted import example
from support.decoded_audio import hear, sniff


def test_openai_for_javascript(server, node_client):
    client = node_client("openai@>=6 <8")
    told = client.run_program("openai_speaks.mjs", server.url)
    for name, kind in told["formats"].items():
        data = client.read(f"speech.{name}")
        assert hear(data, 24000 if name == "pcm" else None).seconds > 0.8
        assert kind.startswith("audio/")
    assert hear(client.read("streamed.pcm"), 24000).seconds > 1
    assert hear(client.read("events.mp3")).seconds > 0.5
    assert told["last"] == "speech.audio.done"
    assert {"tts-1", "gpt-4o-mini-tts", "embedded"} <= set(told["models"])
    assert told["errors"]["voice"]["class"] == "NotFoundError"
    assert told["errors"]["speed"]["class"] == "BadRequestError"
    assert all(error["isApi"] and error["id"] and error["param"] == name for name, error in told["errors"].items())
    client.run("example.mjs", example("javascript", server.url), server.url)
    assert sniff(client.read("javascript.mp3")) == "mp3"


def test_vercels_ai_sdk(server, node_client):
    client = node_client("ai@>=6 <8", "@ai-sdk/openai@>=3 <5")
    told = client.run_program("vercel_speaks.mjs", server.url)
    for name in ("mp3", "wav", "opus", "flac", "aac"):
        assert hear(client.read(f"vercel.{name}")).kind == name
    assert told["media"]["mp3"][0] in ("audio/mpeg", "audio/mp3")
    assert "There is no voice 'nobody'" in told["error"]["message"]
    assert told["error"]["status"] == 404
    client.run("example.mjs", example("vercel", server.url), server.url)
    assert sniff(client.read("vercel.mp3")) == "mp3"
