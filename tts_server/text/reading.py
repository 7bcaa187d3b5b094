"""How a text will be read: from what a client sent to the words that an engine speaks, with their places in the original.

The rounds of edits, each over the result of the one before: characters that cannot be seen, compatibility characters, markup, sounds that
the model cannot make, the pronunciation dictionaries, written forms as words of the language, respellings for engines that read no IPA.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tts_server.text.clean import find_clean_edits
from tts_server.text.edits import SPACE, Edit, EditedText
from tts_server.text.fold import find_fold_edits
from tts_server.text.inline_tags import LANGUAGE_TAG, RATE_TAG
from tts_server.text.language import detect_language
from tts_server.text.markup import PAUSE_TAG, SOUNDS
from tts_server.text.markup.reader import read_markup
from tts_server.text.normalize import find_edits
from tts_server.text.phonemes import PHONEME_SPAN, span_ipa, span_word, without_phonemes
from tts_server.text.pronunciation.respelling import respell
from tts_server.text.sounds import find_sound_edits

FindEdits = Callable[[str], Sequence[Edit]]

_SOUND = "|".join(re.escape(sound) for sound in sorted(SOUNDS))
_PROTECTED = re.compile(f"{PHONEME_SPAN.pattern}|{RATE_TAG.pattern}|{LANGUAGE_TAG.pattern}|{PAUSE_TAG.pattern}|{_SOUND}", re.IGNORECASE)
_MASK = "\ufffc"
_SPACES = re.compile(r"\s{2,}|\A\s|\s\Z")
_TAGS = re.compile(f"{RATE_TAG.pattern}|{LANGUAGE_TAG.pattern}")


@dataclass(frozen=True)
class ReadingOptions:
    """How a text is to be read.

    `language` is the language of the text, None where the text decides; `default_language` holds where too little of it is known.
    Unless it `is_normalized`, the text goes to the model as written. Edits whose rule is among the `skipped_rules` are left out.
    `sounds` are those that the model makes, such as `[laugh]`; `reads_ipa` says whether it takes `phoneme_span` tokens.
    `pronunciation` finds the edits of the pronunciation dictionaries.
    """

    language: str | None = None
    default_language: str = "en"
    is_normalized: bool = True
    skipped_rules: frozenset[str] = frozenset()
    sounds: tuple[str, ...] = ()
    reads_ipa: bool = False
    pronunciation: FindEdits | None = None


@dataclass(frozen=True)
class Reading:
    """A text as it will be read: `edited.text` is for the engine, `language` is what it is read in.

    `written` is the text as it was sent, without invisible characters. `removed_voices` are the names in tags that would switch
    the voice, in their order.
    """

    edited: EditedText
    written: str
    language: str
    removed_voices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What an engine gets: words, pause tags, sounds, `phoneme_span` tokens and rate tags."""
        return self.edited.text

    @property
    def words(self) -> str:
        """The same as a person would write it, with words in place of tokens."""
        return without_phonemes(_TAGS.sub("", self.text))

    def changes(self) -> Iterator[Edit]:
        """What was changed except for spaces, with offsets into the text as it was sent; each `text` as a person would write it."""
        for edit in self.edited.edits:
            text = PHONEME_SPAN.sub(lambda span: f"[{span_word(span)}](/{span_ipa(span)}/)", _TAGS.sub("", edit.text))
            if " ".join(text.split()) != " ".join(self.edited.source[edit.start : edit.end].split()):
                yield Edit(edit.start, edit.end, text, edit.rule)


def read_text(text: str, options: ReadingOptions | None = None) -> Reading:
    """Read a text; raises InvalidRequest for SSML that is not well formed. Time is linear in the length."""
    options = options or ReadingOptions()
    edited = EditedText(text, find_clean_edits(text))
    written = edited.text
    removed_voices: tuple[str, ...] = ()
    language = options.language
    if options.is_normalized:
        edited = edited.apply(find_fold_edits(edited.text))
        markup = read_markup(edited.text, options.language, options.default_language)
        removed_voices = markup.removed_voices
        language = language or markup.language
        edited = edited.apply(markup.edits)
    edited = _tidied(edited.apply(find_sound_edits(edited.text, options.sounds)))
    language = language or detect_language(_TAGS.sub("", edited.text), options.default_language)
    if options.is_normalized:
        if options.pronunciation is not None:
            edited = edited.apply(options.pronunciation(_masked(edited.text)))
        edited = edited.apply(_normalizing_edits(edited.text, language, options.skipped_rules))
        if not options.reads_ipa:
            edited = edited.apply(_respelling_edits(edited.text))
        edited = edited.apply(Edit(tag.start(), tag.end(), "", SPACE) for tag in LANGUAGE_TAG.finditer(edited.text))
        edited = _tidied(edited)
    return Reading(edited, written, language, removed_voices)


def _masked(text: str) -> str:
    """The text with what no later round may change replaced by as many placeholder characters."""
    return _PROTECTED.sub(lambda found: _MASK * len(found[0]), text)


def _normalizing_edits(text: str, language: str, skipped_rules: frozenset[str]) -> Iterator[Edit]:
    """Edits of each part of the text in the language that its tags give it."""
    masked = _masked(text)
    start, current = 0, language
    parts = [(tag.start(), tag.end(), tag[1]) for tag in LANGUAGE_TAG.finditer(text)]
    for end, following, code in [*parts, (len(text), len(text), "")]:
        for edit in find_edits(masked[start:end], current):
            if edit.rule not in skipped_rules:
                yield Edit(edit.start + start, edit.end + start, edit.text, edit.rule)
        start, current = following, code or language


def _respelling_edits(text: str) -> Iterator[Edit]:
    for span in PHONEME_SPAN.finditer(text):
        yield Edit(span.start(), span.end(), respell(span_ipa(span), span_word(span)), "phoneme")


def _tidied(edited: EditedText) -> EditedText:
    """With single spaces, no more than one blank line, and none around the text."""
    edits = (Edit(gap.start(), gap.end(), _tidy_gap(gap), SPACE) for gap in _SPACES.finditer(edited.text))
    return edited.apply(edit for edit in edits if edit.text != edited.text[edit.start : edit.end])


def _tidy_gap(gap: re.Match[str]) -> str:
    if gap.start() == 0 or gap.end() == len(gap.string):
        return ""
    return "\n" * min(gap[0].count("\n"), 2) or " "
