"""The first round over a text: what hides its content from the other rounds, found from left to right.

Code, formulas, comments, tags, entities and escapes: whatever begins first wins, as a browser or a Markdown renderer would have it.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from tts_server.text.edits import Edit
from tts_server.text.markup import chat
from tts_server.text.markup.bbcode import BBCode
from tts_server.text.markup.html_tags import DROPPED, ENTITY, SUBTITLE_TAG, TAG, decoded_entity, is_subtitle_tag, replaced_tag
from tts_server.text.markup.inline import INLINE_PHONEMES, INLINE_VOICE, inline_phonemes
from tts_server.text.markup.latex import attached_sign, is_formula, read_formula
from tts_server.text.markup.latex_text import TextCommand, matching_braces, read_command, read_font
from tts_server.text.markup.marks import BLOCK_END, CELL_END, literal, literal_edits

_MARK = re.compile(r"`+|\\.|\\\n|<|&|\$|\[|\{\\|\}|[♪♫♬♩]|(?:https?://|www\.)(?=\w)", re.DOTALL)
_FENCE = re.compile(r"^(`{3,}|~{3,})(?!.*`)[^\n]*$", re.MULTILINE)
_ASS = re.compile(r"\{\\[a-zA-Z0-9][^{}\n]{0,500}\}")
_ADDRESS = re.compile(r"[^\s<>\[\]\"|`]{1,2000}")
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto|tel):[^\s<>]{1,2000})>", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(?:(?:[.,]|\{,\})[0-9]{1,30}){0,10}")
_ENVIRONMENT = re.compile(r"\\begin\{((?:equation|align|gather|multline|eqnarray|displaymath|math)\*?)\}")
_PATH = re.compile(r"\W?(?:[A-Za-z]:|\\\\)")
_ALWAYS_ESCAPED = frozenset("*_`~#<>[]|$%&")
_WEB_LINK = re.compile(r"\[https?://[^\s\[\]<>]{1,2000} ([^\[\]\n]{1,300})\](?!\()")
_ROLE = re.compile(r":[a-zA-Z][\w:+.-]{0,40}:\Z")
_ROLE_TARGET = re.compile(r" ?<[^<>`\n]{1,500}>\Z")
_LATEX_QUOTE = re.compile(r"``(?=[^\s`'])([^`\n]{1,400}?)''(?!')")
_PROMPT = re.compile(r"(?:\$|>>>|\.\.\.|PS>|In \[[0-9]{1,4}\]:) (?=\S)")
"""What shells and interpreters write before a command."""

_BAR_LINK = re.compile(r"\[([^\[\]|\n]{1,200})\|(?:https?://|mailto:)[^\s\[\]|]{1,2000}\]")
_LYRICS_TIME = re.compile(r"\[[0-9]{1,3}:[0-9]{2}\.[0-9]{2,3}\] ?")
_UNDERLINED = 4
_COMMANDS_IN_H = ("\\hline", "\\href", "\\hspace", "\\hl{", "\\hfill", "\\hyperref", "\\hbox", "\\huge")
"""Subtitles have `\\h` for a space."""

_ESCAPED_OUTSIDE_OF_PATHS = frozenset("(){}.+-!")


class Scanner:
    """Finds the edits of the first round. Each search for an end that failed is remembered, so that the time is linear."""

    def __init__(self, text: str, *, in_english: bool) -> None:
        self.edits: list[Edit] = []
        self.voices: list[str] = []
        self._text = text
        self._in_english = in_english
        self._missing: set[str] = set()  # ends that no text from here on holds
        self._lower: str | None = None
        self._ticks: dict[int, list[int]] | None = None
        self._line_start = self._line_searched = 0
        self._bbcode: BBCode | None = None
        self._is_in_tabular = False
        self._pairs: dict[int, int] | None = None
        self._braces: dict[int, str] = {}  # braces that end the argument of a command, and what they become

    def run(self) -> None:
        text = self._text
        position = 0
        fences = (fence for fence in _FENCE.finditer(text) if not self._is_underline(fence))
        fence = next(fences, None)
        while found := _MARK.search(text, position):
            while fence and fence.start() < position:
                fence = next(fences, None)
            if fence and fence.start() <= found.start():
                position = self._fence(fence)
                continue
            position = self._mark(found) or found.end()
        while fence:
            if fence.start() >= position:
                position = self._fence(fence)
            fence = next(fences, None)

    def _replace(self, start: int, end: int, text: str, rule: str) -> int:
        self.edits.append(Edit(start, end, text, rule))
        return end

    def _find(self, end: str, start: int) -> int:
        """Where `end` is found from `start` on, or -1."""
        if end in self._missing:
            return -1
        found = self._text.find(end, start)
        if found < 0:
            self._missing.add(end)
        return found

    def _mark(self, found: re.Match[str]) -> int | None:
        first = found[0][0]
        if first == "`":
            return self._code(found)
        if first == "\\":
            return self._backslash(found)
        if first == "<":
            return self._angle(found.start())
        if first == "&":
            return self._entity(found.start())
        if first == "$":
            return self._dollar(found.start())
        if first == "[":
            return self._bracket(found.start())
        if first in "hw":
            return self._address(found.start())
        if first == "}":
            instead = self._braces.pop(found.start(), None)
            return None if instead is None else self._replace(found.start(), found.end(), instead, "latex")
        if first == "{":
            if font := read_font(self._text, found.start(), self._brace_pairs()):
                return self._command(font)
            tag = _ASS.match(self._text, found.start())
            return self._replace(tag.start(), tag.end(), "", "subtitles") if tag else None
        return self._replace(found.start(), found.end(), " " if self._is_between_words(found.start()) else "", "subtitles")

    def _address(self, at: int) -> int | None:
        """An address in the text: its marks are no Markdown. One that is the target of a link stays, for the link to be found."""
        before = self._text[max(at - 3, 0) : at]
        if before.endswith(("](", "](<", "]:", "]: ", ": <")):
            return None
        address = _ADDRESS.match(self._text, at)
        if address is None:
            return None
        end = at + len(address[0].rstrip("*_~.,;:!?)'"))
        self.edits += literal_edits(self._text, at, end, "markdown")
        return end

    def _is_underline(self, fence: re.Match[str]) -> bool:
        """Whether tildes are the underline of a heading of reStructuredText, about as long as the line above."""
        above = self._text[max(0, fence.start() - 200) : max(0, fence.start() - 1)].rpartition("\n")[2]
        is_plain = fence[0] == fence[1] and fence[1][0] == "~" and len(fence[1]) >= _UNDERLINED
        return is_plain and bool(above) and abs(len(fence[1]) - len(above)) <= 2

    def _brace_pairs(self) -> dict[int, int]:
        if self._pairs is None:
            self._pairs = matching_braces(self._text)
        return self._pairs

    def _command(self, command: TextCommand) -> int:
        start = command.edits[0].start
        if self._text.startswith(("\\begin{tab", "\\end{tab", "\\begin{longtab", "\\end{longtab"), start):
            self._is_in_tabular = self._text.startswith("\\begin", start) and not self._text.startswith("\\begin{table", start)
        self._braces |= command.braces
        return self._extend(command.edits, command.end)

    def _extend(self, edits: list[Edit], end: int) -> int:
        """Add edits, the first of which may begin in what is replaced already."""
        first, done = edits[0], self.edits[-1].end if self.edits else 0
        start = self._before_spaces(first.start) if first.text.startswith(BLOCK_END) else max(first.start, done)
        self.edits += Edit(start, first.end, first.text, first.rule), *edits[1:]
        return end

    def _is_between_words(self, at: int) -> bool:
        around = self._text[max(at - 1, 0) : at], self._text[at + 1 : at + 2]
        return all(side.isalnum() for side in around)

    def _fence(self, opened: re.Match[str]) -> int:
        """A block of code: the fences are removed, its lines are read. One that is not closed continues to the end."""
        text, fence = self._text, opened[1]
        start = min(opened.end() + 1, len(text))
        self._replace(opened.start(), start, BLOCK_END if opened.start() == 0 else "", "markdown")
        position = start
        while position < len(text):
            line_end = text.find("\n", position)
            line_end = len(text) if line_end < 0 else line_end
            line = text[position:line_end]
            if line.startswith(fence) and not line.strip(fence[0]):
                # The line feed before goes too, so that the block's last line ends with the mark.
                return self._replace(max(position - 1, start), line_end, BLOCK_END, "markdown")
            if prompt := _PROMPT.match(line):
                position = self._replace(position, position + prompt.end(), "", "markdown")
            self.edits += literal_edits(text, position, line_end, "markdown")
            position = line_end + 1
        return len(text)

    def _code(self, found: re.Match[str]) -> int | None:
        if len(found[0]) == 1 and self._is_between_words(found.start()):
            return self._replace(found.start(), found.end(), "'", "markdown")  # don`t
        if self._ticks is None:
            self._ticks = {}
            for run in re.finditer("`+", self._text):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
        same = self._ticks.get(len(found[0]), [])
        if len(found[0]) == 2 and (quote := _LATEX_QUOTE.match(self._text, found.start())):
            self._replace(found.start(), found.end(), "“", "latex")
            return self._replace(quote.end(1), quote.end(), "”", "latex")
        index = bisect_right(same, found.start())
        if index == len(same):
            return None
        end = same[index]
        if self._blank_before(found.end(), end):
            return None
        return self._literal(found.start(), found.end(), end, end + len(found[0]))

    def _literal(self, start: int, content: int, content_end: int, end: int) -> int:
        """Code, or the text of a role or a link of reStructuredText, as in :ref:`text <target>` and `text <address>`_."""
        text = self._text
        done = self.edits[-1].end if self.edits else 0
        role = _ROLE.search(text, max(done, start - 44), start) if text[start - 1 : start] == ":" else None
        is_link = text[end : end + 1] == "_" and not text[end + 1 : end + 2].isalnum()
        if role and (role.start() == 0 or not text[role.start() - 1].isalnum()):
            start = role.start()
            if text[content] == "~":
                content = max(text.rfind(".", content, content_end), content) + 1
        if (role or is_link) and (target := _ROLE_TARGET.search(text, max(content, content_end - 502), content_end)):
            content_end = target.start() if target.start() > content else content_end
        if is_link:
            end += 2 if text.startswith("__", end) else 1
        self._replace(start, content, "", "markdown")
        inner = literal_edits(text, content, content_end, "markdown")
        if self._is_in_table_row(start):  # where a bar needs a backslash
            inner = [Edit(edit.start, edit.end, "", "markdown") if text.startswith("\\|", edit.start) else edit for edit in inner]
        self.edits += inner
        return self._replace(content_end, end, "", "markdown")

    def _blank_before(self, start: int, end: int) -> bool:
        blank = self._text.find("\n\n", start, end)
        return blank >= 0

    def _backslash(self, found: re.Match[str]) -> int | None:
        text, at, char = self._text, found.start(), found[0][1]
        if char in "([" and (end := self._formula(at, 2, "\\)" if char == "(" else "\\]")):
            return end
        if char == "b" and (environment := _ENVIRONMENT.match(text, at)):
            return self._formula(at, environment.end() - at, f"\\end{{{environment[1]}}}")
        before = text[max(at - 1, 0) : at]
        can_be_command = (char.isalpha() or char in "'`^\"~") and (char not in "Nh" or text.startswith(_COMMANDS_IN_H, at))
        if can_be_command and (command := read_command(text, at, self._brace_pairs(), in_english=self._in_english)):
            return self._command(command)
        if char == "\n":
            return self._replace(at, at + 1, "", "markdown")
        word = re.split(r"[\s}]", text[max(0, at - 200) : at])[-1]
        is_path = _PATH.match(word) is not None
        if char in "Nh":
            return None if is_path or "\\" in word else self._replace(at, at + 2, "\n" if char == "N" else " ", "subtitles")
        outside = char in _ESCAPED_OUTSIDE_OF_PATHS and not before.isalpha() and before not in ("\\", ":")
        if (char in _ALWAYS_ESCAPED or outside) and not is_path:
            return self._replace(at, at + 2, literal(char), "markdown")
        if char == "\\" and self._is_in_tabular:
            return self._replace(at, at + 2, BLOCK_END, "latex")
        return at + 1 if char == "\\" else None

    def _formula(self, at: int, opened: int, closer: str) -> int | None:
        end = self._find(closer, at + opened)
        if end < 0 or not is_formula(source := self._text[at + opened : min(end, at + opened + 2001)], is_certain=True):
            return None
        return self._read_formula(at, end + len(closer), source)

    def _read_formula(self, at: int, end: int, source: str) -> int:
        if (sign := attached_sign(source, self._text[max(at - 1, 0) : at], self._text[end : end + 1])) is not None:
            return self._replace(at, end, literal(sign), "latex")
        words = literal(read_formula(source, in_english=self._in_english))
        before, after = self._text[max(at - 1, 0) : at], self._text[end : end + 1]
        return self._replace(at, end, f"{' ' * before.isalnum()}{words}{' ' * after.isalnum()}", "latex")

    def _dollar(self, at: int) -> int | None:
        text = self._text
        if text.startswith("$ ", at) and text[at + 2 : at + 3].isalpha() and (at == 0 or text[at - 1] == "\n"):
            return self._replace(at, at + 2, "", "markdown")
        if text.startswith("$$", at):
            end = self._find("$$", at + 2)
            if end > 0 and is_formula(source := text[at + 2 : min(end, at + 2003)]):
                return self._read_formula(at, end + 2, source)
            return at + 2
        end = self._find("$", at + 1)
        if end < 0 or text[at + 1].isspace() or text[end - 1].isspace() or text[end + 1 : end + 2].isdigit():
            return None
        source = text[at + 1 : min(end, at + 2002)]
        is_alone = not text[max(at - 1, 0) : at].isalnum() and not text[end + 1 : end + 2].isalnum()
        if is_alone and _NUMBER.fullmatch(source):
            return self._read_formula(at, end + 1, source)
        return self._read_formula(at, end + 1, source) if is_formula(source) and text[end - 1] != "\\" else None

    def _bracket(self, at: int) -> int | None:
        if link := _WEB_LINK.match(self._text, at) or _BAR_LINK.match(self._text, at):
            self._replace(at, link.start(1), "", "wiki")
            return self._replace(link.end(1), link.end(), "", "wiki")
        if time := _LYRICS_TIME.match(self._text, at):
            return self._replace(at, time.end(), "", "subtitles")
        if self._bbcode is None:
            self._bbcode = BBCode(self._text)
        if tag := self._bbcode.read(at):
            return self._extend(*tag)
        if phonemes := INLINE_PHONEMES.match(self._text, at):
            token = inline_phonemes(phonemes)
            return self._replace(at, phonemes.end(), token, "phoneme") if token else None
        if voice := INLINE_VOICE.match(self._text, at):
            if voice[1]:
                self.voices.append(voice[1].strip())
            return self._replace(at, voice.end(), "", "voice")
        return None

    def _entity(self, at: int) -> int | None:
        if self._is_in_tabular:
            return self._replace(at, at + 1, CELL_END, "latex")
        entity = ENTITY.match(self._text, at)
        if entity is None or (decoded := decoded_entity(entity[0])) == entity[0]:
            return None
        return self._replace(at, entity.end(), decoded, "html")

    def _angle(self, at: int) -> int | None:
        if reference := chat.read_angle(self._text, at):
            return self._extend(*reference)
        text = self._text
        for opened, closer in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!DOCTYPE", ">"), ("<!doctype", ">"), ("<?xml", "?>")):
            if text.startswith(opened, at):
                end = self._find(closer, at + len(opened))
                if end < 0:
                    return None
                if opened != "<![CDATA[":
                    return self._replace(at, end + len(closer), "", "html")
                self._replace(at, at + len(opened), "", "html")
                self.edits += literal_edits(text, at + len(opened), end, "html")
                return self._replace(end, end + len(closer), "", "html")
        if not text.endswith(("](", "]: "), 0, at) and (link := _AUTOLINK.match(text, at)):
            self._replace(at, at + 1, "", "markdown")
            self.edits += literal_edits(text, at + 1, link.end() - 1, "markdown")
            return self._replace(link.end() - 1, link.end(), "", "markdown")
        tag = TAG.match(text, at)
        if tag and (replaced := replaced_tag(text, tag, in_table_row=self._is_in_table_row(at))):
            end, instead = replaced
            if tag["name"].lower() in DROPPED and not tag["slash"] and not tag[0].endswith("/>"):
                end = self._after_element(tag["name"].lower(), end)
            if instead[:1] in (BLOCK_END, CELL_END):
                at = self._before_spaces(at)
            return self._replace(at, end, instead, "html")
        subtitle = SUBTITLE_TAG.match(text, at)
        return self._replace(at, subtitle.end(), "", "subtitles") if subtitle and is_subtitle_tag(subtitle) else None

    def _before_spaces(self, at: int) -> int:
        """Back over spaces and line feeds, no further than the last edit."""
        first = self.edits[-1].end if self.edits else 0
        while at > first and self._text[at - 1].isspace():
            at -= 1
        return at

    def _after_element(self, name: str, start: int) -> int:
        """Past the end tag of an element whose content is dropped, or `start` where it has none."""
        closer = f"</{name}"
        if closer in self._missing:
            return start
        if self._lower is None:
            self._lower = self._text.lower() if len(self._text.lower()) == len(self._text) else self._text
        found = self._lower.find(closer, start)
        end = self._text.find(">", found) if found >= 0 else -1
        if end < 0:
            self._missing.add(closer)
            return start
        return end + 1

    def _is_in_table_row(self, at: int) -> bool:
        self._line_start = max(self._line_start, self._text.rfind("\n", self._line_searched, at) + 1)
        self._line_searched = at
        return self._text.startswith("|", self._line_start)
