"""The items of one OpenAI conversation, and which of them are still to be spoken."""

from __future__ import annotations

import json
import threading
from typing import Any, NamedTuple

from tts_server.errors import InvalidRequest
from tts_server.web.realtime.bounds import shorten

MAX_ITEMS = 500
MAX_BYTES = 2**20

Item = dict[str, Any]


class _Stored(NamedTuple):
    """An item as JSON, so that its size in memory is the size that is counted."""

    id: str
    data: bytes

    @property
    def item(self) -> Item:
        item: Item = json.loads(self.data.decode("utf-8", "surrogatepass"))
        return item


class Conversation:
    """An ordered list of items. Beyond MAX_ITEMS items or MAX_BYTES of JSON, the oldest are deleted. Thread-safe."""

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self._items: list[_Stored] = []
        self._num_bytes = 0
        self._unspoken: set[str] = set()
        self._lock = threading.Lock()

    def add(self, item: Item, *, after: str | None = None, is_to_speak: bool = False) -> str | None:
        """Add an item at the end, or after the item `after` (`root`: at the start); return the id of the item before it."""
        with self._lock:
            if any(known.id == item["id"] for known in self._items):
                raise InvalidRequest(f"item.id: an item {shorten(item['id'])} already exists.", param="item.id")
            index = 0 if after == "root" else len(self._items) if after is None else self._index_of(after, "previous_item_id") + 1
            stored = _store(item)
            self._items.insert(index, stored)
            self._num_bytes += len(stored.data)
            if is_to_speak:
                self._unspoken.add(item["id"])
            previous = self._items[index - 1].id if index else None
            self._evict()
            return previous

    def get(self, item_id: str) -> Item:
        """Return an item; raises InvalidRequest for an unknown id."""
        with self._lock:
            return self._items[self._index_of(item_id, "item_id")].item

    def replace(self, item: Item) -> str | None:
        """Replace the item with the same id, if it still exists; return the id of the item before it."""
        with self._lock:
            for index, known in enumerate(self._items):
                if known.id == item["id"]:
                    self._items[index] = _store(item)
                    self._num_bytes += len(self._items[index].data) - len(known.data)
                    previous = self._items[index - 1].id if index else None
                    self._evict()
                    return previous
            return None

    def remove(self, item_id: str) -> None:
        """Remove an item; raises InvalidRequest for an unknown id."""
        with self._lock:
            self._delete(self._index_of(item_id, "item_id"))

    def unspoken(self) -> str:
        """Return the text of the user's items since `mark_spoken`, in the order of the conversation."""
        with self._lock:
            return "\n\n".join(text_of(known.item) for known in self._items if known.id in self._unspoken)

    def mark_spoken(self) -> None:
        """Mark all current items as spoken."""
        with self._lock:
            self._unspoken = set()

    def _index_of(self, item_id: str, param: str) -> int:
        for index, known in enumerate(self._items):
            if known.id == item_id:
                return index
        raise InvalidRequest(f"{param}: there is no item {shorten(item_id)}.", param=param, code="item_not_found")

    def _evict(self) -> None:
        while len(self._items) > MAX_ITEMS or (self._num_bytes > MAX_BYTES and len(self._items) > 1):
            self._delete(0)

    def _delete(self, index: int) -> None:
        deleted = self._items.pop(index)
        self._num_bytes -= len(deleted.data)
        self._unspoken.discard(deleted.id)


def text_of(item: Item) -> str:
    """Return the text of an item."""
    return "\n".join(part.get("text") or part.get("transcript") or "" for part in item["content"])


def _store(item: Item) -> _Stored:
    data = json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return _Stored(str(item["id"]), data)
