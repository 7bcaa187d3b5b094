"""Removes the markup of a text: the rounds of edits, and the order they come in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tts_server.text.edits import SPACE, Edit, EditedText
from tts_server.text.language import detect_language
from tts_server.text.markup.chat import find_chat_edits
from tts_server.text.markup.latex_text import find_text_sign_edits
from tts_server.text.markup.line_marks import find_line_edits
from tts_server.text.markup.markdown_blocks import find_blocks
from tts_server.text.markup.markdown_inline import find_emphasis_edits, find_link_edits
from tts_server.text.markup.marks import find_mark_edits
from tts_server.text.markup.scan import Scanner
from tts_server.text.markup.ssml import is_ssml, read_ssml
from tts_server.text.markup.subtitles import find_subtitle_edits
from tts_server.text.markup.wiki import find_wiki_edits

_MARKUP = re.compile(
    r"[`<&$\[\\♪♫♬♩*_|~]|==|--|\n={2}|''|\{\{|:[a-z0-9_+-]{1,40}:|::$|^\.\. |^:[A-Za-z: ]"
    r"|^(?:!!!|\?\?\?\+?|bq\.|h[1-6]\.) |![\w./:-]{1,200}!|\{[a-z]"
    r"|^ ?(?:[>#=~•‣◦▪▫●○■□➤►▶✓✔⁃─━—·∗+-]|Dialogue:|(?:[0-9]{1,9}|[A-Za-z])[.)] |[0-9]{1,9}[.)](?=[^\W\d_]))",
    re.MULTILINE,
)
"""What any markup holds. Prose without it costs one search."""

_SPACES = re.compile(r"\s{2,}|\A\s|\s\Z")
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Markup:
    """The edits that leave the plain text of a text with markup.

    `edits` are in order, do not overlap, and have offsets into the text given. Their result may hold pause tags, `phoneme_span` tokens
    and, from SSML, rate and language tags (`text/inline_tags.py`). `removed_voices` are the names in tags that would switch the voice.
    `language` is the one that the `speak` element of SSML names for the whole.
    """

    edits: tuple[Edit, ...] = ()
    removed_voices: tuple[str, ...] = ()
    language: str | None = None
    is_ssml: bool = False


def read_markup(text: str, language: str | None = None, default_language: str = "en") -> Markup:
    """Find Markdown, HTML, subtitle tags, LaTeX formulas, inline tags and SSML in text that `clean` returned.

    `language` is that of the request; without one the text decides, and `default_language` where it says too little. Formulas are in
    words for English and in signs for other languages. Raises InvalidRequest for SSML that is not well formed. Time is linear.
    """
    language = re.split("[-_]", language)[0].lower() if language else None
    if is_ssml(text):
        ssml = read_ssml(text, language, default_language if language else detect_language(_TAG.sub(" ", text), default_language))
        return Markup(_finished(EditedText(text, ssml.edits)), tuple(ssml.voices), ssml.language, is_ssml=True)
    if not _MARKUP.search(text) or not any(map(str.isalnum, text)):
        return Markup()
    has_formula = "$" in text or "\\" in text  # nothing else depends on the language
    if has_formula and not language:
        language = detect_language(text, default_language)
    edited = EditedText(text, find_subtitle_edits(text))
    scanner = Scanner(edited.text, in_english=language in (None, "en"))
    scanner.run()
    edited = edited.apply(scanner.edits)
    for find_edits in (find_line_edits, find_wiki_edits, find_chat_edits, find_text_sign_edits):
        edited = edited.apply(find_edits(edited.text))
    blocks = find_blocks(edited.text)
    edited = edited.apply(blocks.edits)
    edited = edited.apply(find_link_edits(edited.text, blocks.labels))
    edited = edited.apply(find_emphasis_edits(edited.text))
    return Markup(_finished(edited), tuple(scanner.voices))


def _finished(edited: EditedText) -> tuple[Edit, ...]:
    edited = edited.apply(find_mark_edits(edited.text))
    gaps = (Edit(gap.start(), gap.end(), _gap(gap), SPACE) for gap in _SPACES.finditer(edited.text))
    edited = edited.apply(edit for edit in gaps if edit.text != edited.text[edit.start : edit.end])
    return tuple(edit for edit in edited.edits if edit.text != edited.source[edit.start : edit.end])


def _gap(gap: re.Match[str]) -> str:
    if gap.start() == 0 or gap.end() == len(gap.string):
        return ""
    return "\n" * min(gap[0].count("\n"), 2) or " "
