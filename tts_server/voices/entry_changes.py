"""Changes of `voices.json`, as functions that edit its JSON object for `VoiceRegistry.update`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

from tts_server.voices.names import name_key
from tts_server.voices.registry import VoiceEntry

EntryChange: TypeAlias = Callable[[dict[str, object]], None]


def relative_path(given: str) -> str:
    """A path of `voices.json` in the form for comparison with the files found; it is never opened."""
    path = PurePosixPath(given.replace("\\", "/"))
    parts = path.parts[1:] if path.parts[:1] == ("voices",) else path.parts
    return "/".join(parts).casefold()


def put_entry(
    voice_id: str, entry: VoiceEntry, *, over: str | None = None, fields: Iterable[str] = tuple(VoiceEntry.model_fields)
) -> EntryChange:
    """A change that writes `fields` of a voice's entry; its other fields are copied from the entry of the voice `over`, unchecked."""
    chosen = frozenset(fields)

    def change(raw: dict[str, object]) -> None:
        own = [(name, value) for name, value in raw.items() if over is not None and name_key(name) == name_key(over)]
        before = next((value for _, value in own if isinstance(value, dict)), {})
        written = {name: value for name, value in before.items() if name not in chosen}
        written |= {name: value for name, value in entry.as_json().items() if name in chosen}
        spellings = [name for name, value in raw.items() if name_key(name) == name_key(voice_id) and isinstance(value, dict)]
        if not spellings and not written:
            return
        for name in spellings:
            if name != voice_id:
                del raw[name]
        raw[voice_id] = written

    return change


def remove_entry(key: str, path: str | None = None, *, renamed: Mapping[str, str] | None = None) -> EntryChange:
    """A change that removes a voice's entry and the names of the file `path`, and updates the names of `renamed` files."""
    removed = None if path is None else relative_path(path)
    moved = {relative_path(old): new for old, new in (renamed or {}).items()}

    def change(raw: dict[str, object]) -> None:
        for name, value in list(raw.items()):
            if isinstance(value, str):
                if relative_path(value) == removed:
                    del raw[name]
                elif relative_path(value) in moved:
                    raw[name] = moved[relative_path(value)]
            elif name_key(name) == key:
                del raw[name]

    return change
