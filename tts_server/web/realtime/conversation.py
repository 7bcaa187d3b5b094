"""The items of one OpenAI conversation: what was said, and what of it still is to be spoken."""

from __future__ import annotations

import json
import threading
from typing import Any, NamedTuple

from tts_server.errors import InvalidRequest
from tts_server.web.realtime.bounds import shown

MAX_ITEMS = 500
MAX_BYTES = 2**20

Item = dict[str, Any]


class _Stored(NamedTuple):
    """An item as JSON, so that what it takes is what is counted."""

    id: str
    data: bytes

    @property
    def item(self) -> Item:
        item: Item = json.loads(self.data.decode("utf-8", "surrogatepass"))
        return item


class Conversation:
    """Ordered items by id, the oldest deleted where they are more than MAX_ITEMS or MAX_BYTES of JSON. Thread-safe."""

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self._items: list[_Stored] = []
        self._num_bytes = 0
        self._unspoken: set[str] = set()
        self._lock = threading.Lock()

    def add(self, item: Item, *, after: str | None = None, is_to_speak: bool = False) -> str | None:
        """Put an item at the end, or behind the one named `after` (`root`: at the beginning). Returns the id of the one before it."""
        with self._lock:
            if any(known.id == item["id"] for known in self._items):
                raise InvalidRequest(f"item.id: there is an item {shown(item['id'])} already.", param="item.id")
            place = 0 if after == "root" else len(self._items) if after is None else self._place(after, "previous_item_id") + 1
            stored = _store(item)
            self._items.insert(place, stored)
            self._num_bytes += len(stored.data)
            if is_to_speak:
                self._unspoken.add(item["id"])
            previous = self._items[place - 1].id if place else None
            self._forget()
            return previous

    def get(self, item_id: str) -> Item:
        """Raises InvalidRequest for an unknown id."""
        with self._lock:
            return self._items[self._place(item_id, "item_id")].item

    def replace(self, item: Item) -> str | None:
        """Put an item in the place of the one with its id, where that still is there. Returns the id of the one before it."""
        with self._lock:
            for place, known in enumerate(self._items):
                if known.id == item["id"]:
                    self._items[place] = _store(item)
                    self._num_bytes += len(self._items[place].data) - len(known.data)
                    previous = self._items[place - 1].id if place else None
                    self._forget()
                    return previous
            return None

    def remove(self, item_id: str) -> None:
        """Raises InvalidRequest for an unknown id."""
        with self._lock:
            self._delete(self._place(item_id, "item_id"))

    def unspoken(self) -> str:
        """The text of the user's items since `mark_spoken`, in the order of the conversation."""
        with self._lock:
            return "\n\n".join(text_of(known.item) for known in self._items if known.id in self._unspoken)

    def mark_spoken(self) -> None:
        """What is there now has been asked for."""
        with self._lock:
            self._unspoken = set()

    def _place(self, item_id: str, param: str) -> int:
        for place, known in enumerate(self._items):
            if known.id == item_id:
                return place
        raise InvalidRequest(f"{param}: there is no item {shown(item_id)}.", param=param, code="item_not_found")

    def _forget(self) -> None:
        while len(self._items) > MAX_ITEMS or (self._num_bytes > MAX_BYTES and len(self._items) > 1):
            self._delete(0)

    def _delete(self, place: int) -> None:
        deleted = self._items.pop(place)
        self._num_bytes -= len(deleted.data)
        self._unspoken.discard(deleted.id)


def text_of(item: Item) -> str:
    """The words of an item."""
    return "\n".join(part.get("text") or part.get("transcript") or "" for part in item["content"])


def _store(item: Item) -> _Stored:
    data = json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return _Stored(str(item["id"]), data)
