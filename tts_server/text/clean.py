"""Text as a client sent it, made fit to be read aloud: what cannot be seen goes, every word stays."""

from __future__ import annotations

import re
import unicodedata

from tts_server.text.edits import SPACE, Edit
from tts_server.text.markup import PAUSE_TAG

MAX_MARKS = 30
"""The most combining marks on one letter, as in the Stream-Safe Text Format of UAX #15. Normalising a run of n marks takes n² steps."""

SPOKEN_SYMBOLS = frozenset("%‰&@#+=°№§©®™×÷±√∞≈≠≤≥℃℉")
"""Read aloud though they are neither letters nor digits. Currency signs are too."""

_MARKUP_LIKE_PUNCTUATION = frozenset("<>|~^`´¨¯¸")

_LINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028]")
_JOINERS = re.compile(r"([\u200c\u200d])[\u200c\u200d]*")
_LETTERLESS = re.compile(r"[\x00-\u02ff\s]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_EMOJI_STYLE = re.compile(r"[^0-9#*]\ufe0f")


def _removals() -> dict[int, str | None]:
    """What `str.translate` removes (None) or turns into a space: a control character may stand where a space was."""
    table: dict[int, str | None] = {}
    for first, last, instead in (
        (0x00, 0x08, " "), (0x0E, 0x1F, " "), (0x7F, 0x84, " "), (0x86, 0x9F, " "),  # controls
        (0xAD, 0xAD, None), (0x34F, 0x34F, None), (0x180E, 0x180E, None), (0x200B, 0x200B, None),  # zero width
        (0x61C, 0x61C, None), (0x200E, 0x200F, None), (0x202A, 0x202E, None), (0x2060, 0x206F, None),  # direction, joiners
        (0xFEFF, 0xFEFF, None), (0xFFF9, 0xFFFB, None), (0x1D173, 0x1D17A, None), (0xE0000, 0xE007F, None),
        (0x2800, 0x2800, " "), (0x3164, 0x3164, " "), (0xFFA0, 0xFFA0, " "),  # letters that look like a space
        (0xFFFC, 0xFFFD, " "), (0xFFFE, 0xFFFF, None), (0xE000, 0xF8FF, " "),  # objects, lost characters, icon fonts
    ):  # fmt: skip
        for code in range(first, last + 1):
            table[code] = instead
    return table


_REMOVALS = _removals()


def _gap_class() -> str:
    """The characters that `clean` turns into spaces or drops, as two regex classes: those that divide words, those that are dropped."""
    dividing = "".join(re.escape(chr(code)) for code, instead in _REMOVALS.items() if instead is not None)
    dropped = "".join(re.escape(chr(code)) for code, instead in _REMOVALS.items() if instead is None)
    return rf"[\s\x0b\x0c\x85\u2028\u2029{dividing}][\s\x0b\x0c\x85\u2028\u2029{dividing}{dropped}]*"


_GAP = re.compile(_gap_class())
_UNTIDY = re.compile(r"[^\n -~]|[ \n] |\A[ \n]| \n|[ \n]\Z|\n\n\n")
"""What `clean` may have something to do about; most texts have nothing of it."""


def clean(text: str) -> str:
    """The same words in Unicode NFC, with lines divided by `\\n`, paragraphs by one blank line and words by one space.

    Control characters become spaces; direction overrides, zero-width characters, lone surrogates and byte order marks go. Joiners stay
    where a script or an emoji needs them. Doing it twice changes nothing more. Time is linear in the length.
    """
    text = _LINES.sub("\n", text).replace("\u2029", "\n\n").translate(_REMOVALS)
    if not text.isascii():
        # Two surrogates that belong together become the character they stand for, a lone one goes.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore").translate(_REMOVALS)
        text = _JOINERS.sub(_needed_joiner, text)
        text = unicodedata.normalize("NFC", _with_few_marks(text))
    text = "\n".join(line.strip() for line in _SPACES.sub(" ", text).split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip()


def find_clean_edits(text: str) -> list[Edit]:
    """The edits that make `text` what `clean` returns for it, word by word, so that each word keeps its place in the original."""
    if not _UNTIDY.search(text) or clean(text) == text:
        return []
    edits: list[Edit] = []
    position = gap_start = 0
    is_first = True
    for gap in [*_GAP.finditer(text), None]:
        start, end = position, gap.start() if gap else len(text)
        position = gap.end() if gap else end
        written = text[start:end]
        word = written if written.isascii() else clean(written)
        if not word:
            continue
        space = "" if is_first else _cleaned_gap(text[gap_start:start])
        if space != text[gap_start:start]:
            edits.append(Edit(gap_start, start, space, SPACE))
        if word != written:
            edits.append(Edit(start, end, word, SPACE))
        gap_start, is_first = end, False
    if gap_start < len(text):
        edits.append(Edit(gap_start, len(text), "", SPACE))
    return edits


def _cleaned_gap(gap: str) -> str:
    return gap if gap in (" ", "\n", "\n\n") else clean(f"x{gap}x")[1:-1]


def _needed_joiner(match: re.Match[str]) -> str:
    before, after = match.string[max(match.start() - 1, 0) : match.start()], match.string[match.end() : match.end() + 1]
    return match[1] if before and after and not _LETTERLESS.match(before) and not _LETTERLESS.match(after) else ""


def _with_few_marks(text: str) -> str:
    kept = []
    marks = 0
    for char in text:
        marks = marks + 1 if char > "\u02ff" and unicodedata.combining(char) else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def has_speech(text: str) -> bool:
    """Whether something can be spoken: a letter or digit of any script, or a sign with a name such as `%`. Emoji and pauses cannot."""
    text = _EMOJI_STYLE.sub("", PAUSE_TAG.sub("", text))
    return any(char.isalnum() or char in SPOKEN_SYMBOLS or unicodedata.category(char) == "Sc" for char in text)


def is_only_punctuation(text: str) -> bool:
    """Whether the text is marks such as `.` or `?!` and spaces, and at least one mark. Some clients send that to try their key."""
    marks = text.split()
    return bool(marks) and all(unicodedata.category(c)[0] == "P" or c in _MARKUP_LIKE_PUNCTUATION for mark in marks for c in mark)
