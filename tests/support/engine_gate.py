"""Holds an engine, so that what happens meanwhile does not depend on the speed of the machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from support.server import RunningServer
from support.waiting import PATIENCE

from tts_server.engines.embedded.hibari_voice import HibariVoice


class Gate:
    """While it is closed, the embedded voice stops before each segment. `said` lists the segments in the order they were begun."""

    def __init__(self, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
        speaker: Any = server.synthesizer.catalog.engine("embedded").hibari
        self._speak = speaker.speak
        self._open = threading.Event()
        self._open.set()
        self.said: list[str] = []
        monkeypatch.setattr(speaker, "speak", self._held)

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def _held(self, text: str, *arguments: Any) -> Any:
        self.said.append(text)
        assert self._open.wait(PATIENCE), "the gate stayed closed"
        return self._speak(text, *arguments)


@contextlib.contextmanager
def held_texts(monkeypatch: pytest.MonkeyPatch, word: str, patience: float) -> Iterator[threading.Event]:
    """Texts with the word are not spoken by any engine before the event is set, or `patience` seconds have passed."""
    let_go, speak = threading.Event(), HibariVoice.speak

    def held(self: HibariVoice, text: str, *arguments: Any) -> Any:
        if word in text:
            let_go.wait(patience)
        return speak(self, text, *arguments)

    monkeypatch.setattr(HibariVoice, "speak", held)
    try:
        yield let_go
    finally:
        let_go.set()


def queue(server: RunningServer) -> dict[str, Any]:
    told: dict[str, Any] = requests.get(f"{server.url}/health", timeout=10).json()["queue"]
    return told
