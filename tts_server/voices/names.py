"""Names of voices: comparison of spellings, and checks that a name is a valid file name on every system."""

from __future__ import annotations

import re
import unicodedata

from tts_server.errors import InvalidRequest

MAX_CHARACTERS = 80
MAX_BYTES = 200
"""Of the name in UTF-8; file systems take 255 with the suffix."""

MAX_COMPARED = 500
"""The longest name that is compared with others. Normalising a letter with n accents takes n² steps."""

AUDIO_SUFFIXES = frozenset(
    ".3gp .aac .aif .aifc .aiff .amr .au .caf .flac .m4a .m4b .mka .mkv .mov .mp2 .mp3 .mp4 .oga .ogg .opus .w64 .wav .wave .weba"
    " .webm .wma".split()
)
"""Endings of audio files in lower case, which clients append to the name of a voice."""

_FORBIDDEN = frozenset('<>:"/\\|?*%')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE | re.DOTALL)


def name_key(name: str) -> str:
    """A key that is equal for all spellings of a name: case, width of letters, composed accents and spaces at the ends do not count.

    A text that is too long for a name is returned unchanged: no voice has such a name.
    """
    if len(name) > MAX_COMPARED:
        return name
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def possible_names(name: str) -> tuple[str, ...]:
    """The names that a client may mean by `name`, the likeliest first: the whole of it, then without the ending of an audio file."""
    name = name.strip()
    stem, dot, suffix = name.rpartition(".")
    return (name, stem.rstrip()) if stem.strip() and (dot + suffix).lower() in AUDIO_SUFFIXES else (name,)


def is_printable(text: str) -> bool:
    """Whether a name of a file has no control characters, line ends or bytes that are invalid in the system's encoding."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def checked_name(name: str, param: str = "name") -> str:
    """`name` in its composed form, with single spaces; raises InvalidRequest with the reason if it is no valid file name everywhere."""
    if len(name) > MAX_COMPARED:
        raise _refused(param, f"the name has {len(name)} characters; at most {MAX_CHARACTERS} are possible")
    given = " ".join(part for part in unicodedata.normalize("NFC", name).split(" ") if part)
    # A character that looks like a slash or a dot counts as one: some file systems and programs treat it so.
    plain = unicodedata.normalize("NFKC", given)
    if not given:
        raise _refused(param, "a name is required")
    if len(given) > MAX_CHARACTERS or len(given.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refused(param, f"the name has {len(given)} characters; at most {MAX_CHARACTERS}, or {MAX_BYTES} bytes, are possible")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for letter in given):
        raise _refused(param, "the name holds invisible characters")
    if found := sorted(_FORBIDDEN.intersection(plain)):
        raise _refused(param, f"the name may not hold {' '.join(found)}")
    if plain.startswith(".") or plain.endswith("."):
        raise _refused(param, "the name may not start or end with a dot")
    if _DEVICE.fullmatch(plain):
        raise _refused(param, f"{given!r} is the name of a device on Windows")
    if not any(letter.isalnum() for letter in plain):
        raise _refused(param, "the name needs a letter or a digit")
    return given


def _refused(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: {why}.", param=param, code="invalid_name")
