"""The items of one OpenAI conversation: what was said, and what of it still is to be spoken."""

from __future__ import annotations

import threading
from typing import Any

from tts_server.errors import InvalidRequest

MAX_ITEMS = 500
MAX_CHARACTERS = 500_000

Item = dict[str, Any]


class Conversation:
    """Ordered items by id, the oldest forgotten where they grow too many. Thread-safe."""

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self._items: list[Item] = []
        self._unspoken: list[str] = []
        self._lock = threading.Lock()

    def add(self, item: Item, *, after: str | None = None, is_to_speak: bool = False) -> str | None:
        """Put an item at the end, or behind the one named `after` (`root`: at the beginning). Returns the id of the one before it."""
        with self._lock:
            if any(known["id"] == item["id"] for known in self._items):
                raise InvalidRequest(f"item.id: there is an item {item['id']!r} already.", param="item.id")
            place = 0 if after == "root" else len(self._items) if after is None else self._place(after, "previous_item_id") + 1
            self._items.insert(place, item)
            if is_to_speak:
                self._unspoken.append(item["id"])
            previous = str(self._items[place - 1]["id"]) if place else None
            self._forget()
            return previous

    def get(self, item_id: str) -> Item:
        """Raises InvalidRequest for an unknown id."""
        with self._lock:
            return self._items[self._place(item_id, "item_id")]

    def replace(self, item: Item) -> str | None:
        """Put an item in the place of the one with its id, where that still is there. Returns the id of the one before it."""
        with self._lock:
            for place, known in enumerate(self._items):
                if known["id"] == item["id"]:
                    self._items[place] = item
                    return str(self._items[place - 1]["id"]) if place else None
            return None

    def remove(self, item_id: str) -> None:
        """Raises InvalidRequest for an unknown id."""
        with self._lock:
            del self._items[self._place(item_id, "item_id")]
            self._unspoken = [id_ for id_ in self._unspoken if id_ != item_id]

    def unspoken(self) -> str:
        """The text of the user's items since `mark_spoken`, in the order of the conversation."""
        with self._lock:
            return "\n\n".join(text_of(item) for item in self._items if item["id"] in self._unspoken)

    def mark_spoken(self) -> None:
        """What is there now has been asked for."""
        with self._lock:
            self._unspoken = []

    def _place(self, item_id: str, param: str) -> int:
        for place, item in enumerate(self._items):
            if item["id"] == item_id:
                return place
        raise InvalidRequest(f"{param}: there is no item {item_id!r}.", param=param, code="item_not_found")

    def _forget(self) -> None:
        size = sum(len(text_of(item)) for item in self._items)
        while len(self._items) > MAX_ITEMS or (size > MAX_CHARACTERS and len(self._items) > 1):
            oldest = self._items.pop(0)
            size -= len(text_of(oldest))
            self._unspoken = [id_ for id_ in self._unspoken if id_ != oldest["id"]]


def text_of(item: Item) -> str:
    """The words of an item."""
    return "\n".join(part.get("text") or part.get("transcript") or "" for part in item["content"])
