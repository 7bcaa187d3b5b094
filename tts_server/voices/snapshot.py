"""The folder of voices at one moment: its recordings together with the entries of `voices.json`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tts_server.errors import resource_exhausted
from tts_server.speech import Voice
from tts_server.voices.entry_changes import relative_path
from tts_server.voices.names import is_printable, name_key
from tts_server.voices.registry import FILE_NAME, Contents, VoiceEntry

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".m4a"})

SHIPPED = "standard"
"""The sub-folder of the samples that come with the project; nothing in it is renamed, deleted or overwritten."""


@dataclass(frozen=True)
class Snapshot:
    """The folder at one moment. `files` and `voices` are by `name_key`; `names` maps every other name to such a key."""

    files: Mapping[str, Path]
    voices: Mapping[str, Voice]
    names: Mapping[str, str]
    failed: tuple[str, ...]
    problems: tuple[str, ...]

    def find(self, name: str) -> str | None:
        key = name_key(name)
        return key if key in self.voices else self.names.get(key)


def find_files(folder: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Key -> file, of two files with one stem the first by path; and a message for each file that is skipped."""
    found: dict[str, Path] = {}
    odd: list[str] = []
    for path in sorted(_audio_files(folder)):
        relative = path.relative_to(folder).as_posix()
        if not is_printable(relative) or not name_key(path.stem):
            odd.append(
                f"The file {ascii(relative)} is no voice: its name is empty or holds control characters or bytes that are no letters."
            )
            continue
        found.setdefault(name_key(path.stem), path)
    return found, tuple(odd)


def _audio_files(folder: Path) -> Iterator[Path]:
    root = folder.resolve()

    def is_inside(path: Path) -> bool:
        return path.resolve().is_relative_to(root)

    for parent, folders, names in os.walk(folder, onerror=_raise_exhausted):
        here = Path(parent)
        folders[:] = [name for name in folders if not name.startswith(".") and _holds(is_inside, here / name)]
        for name in names:
            path = here / name
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            if _holds(Path.is_file, path) and (not path.is_symlink() or _holds(is_inside, path)):
                yield path


def build_snapshot(folder: Path, reserved: Collection[str], contents: Contents, files: Mapping[str, Path], odd: Iterable[str]) -> Snapshot:
    """Combine the recordings `files` with the entries of `voices.json`; `odd` are messages about skipped files."""
    entries: dict[str, VoiceEntry] = {}
    for name, entry in contents.entries.items():
        entries.setdefault(name_key(name), entry)
    voices = {key: _described(folder, path, entries.get(key, VoiceEntry())) for key, path in files.items()}
    names: dict[str, str] = {}
    problems, failed = [*contents.problems, *odd], list(contents.failed)

    def wrong(name: str, why: str) -> None:
        problems.append(f"{FILE_NAME}: {name}: {why}.")
        failed.append(name)

    def call(key: str, name: str, entry: str) -> None:
        """Make `name` a name of the voice `key`, unless it is in use already."""
        wanted = name_key(name)
        if wanted in reserved:
            wrong(entry, f"{name!r} is the name of a built-in voice, which always means that one")
        elif wanted != key and (wanted in voices or names.setdefault(wanted, key) != key):
            wrong(entry, f"{name!r} is a name of another voice already")

    for written, entry in contents.entries.items():
        key = name_key(written)
        if key not in voices:
            wrong(written, "there is no recording of this name")
        elif entries[key] is not entry:
            wrong(written, "this voice is there twice")
        else:
            for name in [*([entry.name] if entry.name else []), *entry.aliases]:
                call(key, name, written)
    by_path = {path.relative_to(folder).as_posix().casefold(): key for key, path in files.items()}
    for name, given in contents.files.items():
        key_of_file = by_path.get(relative_path(given))
        if key_of_file is None:
            wrong(name, f"there is no recording {given!r} in the folder")
            continue
        call(key_of_file, name, name)
        if name_key(name) != key_of_file:
            voices[key_of_file] = replace(voices[key_of_file], aliases=(*voices[key_of_file].aliases, name))
    return Snapshot(files, voices, names, tuple(dict.fromkeys(failed)), tuple(problems))


def _described(folder: Path, path: Path, entry: VoiceEntry) -> Voice:
    relative = path.relative_to(folder)
    return Voice(
        path.stem,
        entry.name or path.stem.replace("_", " ").replace("-", " ").title(),
        "library",
        entry.description or f"From {path.name}",
        entry.language,
        path=f"voices/{relative.as_posix()}",
        aliases=entry.aliases,
        controls=entry.controls.controls(),
        is_removable=relative.parts[0].casefold() != SHIPPED,
        dictionaries=tuple((one.pronunciation_dictionary_id, one.version_id) for one in entry.pronunciation_dictionary_locators),
    )


def _raise_exhausted(error: OSError) -> None:
    """Raise where the machine has no descriptors left; otherwise a folder that cannot be listed is skipped."""
    if (failure := resource_exhausted(error)) is not None:
        raise failure from error


def _holds(check: Callable[[Path], bool], path: Path) -> bool:
    """Whether `check` is true; False where access is denied or links form a circle (RuntimeError before Python 3.13)."""
    try:
        return check(path)
    except (OSError, RuntimeError):
        return False
