"""Files of subtitles, SRT and WebVTT: cue numbers, times and headers go, the lines of a cue are one text."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit

_TIME = r"(?:[0-9]{1,3}:)?[0-9]{1,2}:[0-9]{2}[,.][0-9]{1,3}"
_TIMES = re.compile(rf"{_TIME} ?--> ?{_TIME}(?: [^\n]{{0,200}})?")
_EVENT = re.compile(r"^Dialogue: ?[0-9]{1,4},[0-9:.]{7,12},[0-9:.]{7,12}(?:,[^,\n]{0,100}){6},", re.MULTILINE)
"""A line of SubStation Alpha up to its text."""

_NOTES = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|\Z)")
_ANSWER = re.compile(r"(?<=[.!?…]) [-–] ?(?=[^\W\d_]|[\"'“¿¡])")
_ANSWER_LINE = re.compile(r"^[-–] ?(?=[^\W\d_]|[\"'“¿¡])[^\n]{1,400}?[.!?…] [-–] ?[^\W\d_]", re.MULTILINE)
_DASH_LINE = re.compile(r"^-(?=[^\W\d_])", re.MULTILINE)


def find_subtitle_edits(text: str) -> list[Edit]:
    """The edits that remove the frame of each cue, and the dashes before what two people say."""
    edits = _cue_edits(text) if "-->" in text else []
    if "Dialogue:" in text and not edits:
        edits = [Edit(line.start(), line.end(), "", "subtitles") for line in _EVENT.finditer(text)]
    if "-" in text or "–" in text:
        edits += _dash_edits(text)
    return sorted(edits, key=lambda edit: edit.start)


def _cue_edits(text: str) -> list[Edit]:
    kept = _spoken_lines(text)
    if kept is None:
        return []
    edits = []
    position = last_cue = 0
    for start, end, cue in kept:
        gap = text[position:start]
        if position == 0:
            instead = ""
        elif cue == last_cue:
            instead = gap if not cue or text[start] in "-–" else " "
        else:
            instead = "\n" if gap.strip() else gap
        if instead != gap:
            edits.append(Edit(position, start, instead, "subtitles"))
        position, last_cue = end, cue
    if position < len(text):
        edits.append(Edit(position, len(text), "", "subtitles"))
    return edits


def _spoken_lines(text: str) -> list[tuple[int, int, int]] | None:
    """Start, end and cue number of each line that is spoken; 0 for a line in no cue. None where the text has no cue."""
    kept: list[tuple[int, int, int]] = []
    cue = start = 0
    is_vtt = is_skipping = text.startswith("WEBVTT")
    has_cue = False
    after_blank = True
    for line in text.split("\n"):
        end = start + len(line)
        if _TIMES.fullmatch(line):
            if kept and kept[-1][1] == start - 1 and (text[kept[-1][0] : kept[-1][1]].isdigit() or _is_alone(text, kept)):
                kept.pop()
            has_cue, is_skipping = True, False
            cue = len(kept) + 1
        elif not line.strip():
            is_skipping = False
            cue = -len(kept) - 1 if has_cue else 0
        elif is_vtt and after_blank and _NOTES.match(line):
            is_skipping = True
        elif not is_skipping:
            kept.append((start, end, cue))
        after_blank = not line.strip()
        start = end + 1
    return kept if has_cue else None


def _is_alone(text: str, kept: list[tuple[int, int, int]]) -> bool:
    """Whether the last line, which a line of times follows, has nothing right before it: it names its cue."""
    start = kept[-1][0]
    return kept[-1][2] <= 0 and (start == 0 or text.startswith("\n\n", start - 2))


def _dash_edits(text: str) -> list[Edit]:
    """`- Hi. - Hello.` and lines of `-Hi.` lose their dashes; a dash before a number is a sign and stays."""
    edits = []
    for line in _ANSWER_LINE.finditer(text):
        line_end = text.find("\n", line.start())
        line_end = len(text) if line_end < 0 else line_end
        edits += [Edit(found.start(), found.end(), " ", "subtitles") for found in _ANSWER.finditer(text, line.start(), line_end)]
    lines = list(_DASH_LINE.finditer(text))
    if len(lines) > 1 or edits:
        edits += [Edit(line.start(), line.end(), "", "subtitles") for line in lines]
    return edits
