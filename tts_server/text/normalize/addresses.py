"""E-mail addresses and links, said briefly: the host without scheme, `www.` and path."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.language_rules import LanguageRules

_TOP_LEVEL = (
    "com|org|net|info|edu|gov|int|mil|io|ai|app|dev|biz|eu|de|at|ch|fr|be|es|mx|ar|co|cl|pe|it|pt|br|nl|pl|ru|su|se|tr|cn|jp|kr|tw|hk|uk|us|ca|au|"
    "nz|ie|dk|no|fi|cz|gr|ua|il|in|ke|tz|my|sg|sa|ae|eg|me|tv|cat|рф"
)
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{1,5}}"
_EMAIL = re.compile(rf"(?<![\w.+%-])(?:mailto:)?(?P<local>[\w.+%-]{{1,64}})@(?P<host>{_HOST})", re.IGNORECASE)
_LINK = re.compile(
    rf"(?<![\w@])(?:(?:https?|ftp)://(?:www\.)?|www\.)(?P<host>{_HOST}|localhost)(?P<rest>(?::\d{{1,5}})?(?:[/?#][^\s<>\"“”«»]*)?)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?<![\w@.\-/])(?P<host>(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.){{1,4}}(?:{_TOP_LEVEL}))(?![\w@]|\.\w)(?P<rest>/[^\s<>\"“”«»]*)?"
)
_ENDS = ".,;:!?)]}'’…"
_PARTS = re.compile(r"\d+|[^\W\d_]+|[.@/_+%-]")


def find_address_edits(text: str, rules: LanguageRules) -> list[Edit]:
    """The edits of all addresses of a text, in order. None where the language has no words for them."""
    if not rules.dot_word or "." not in text:
        return []
    edits: list[Edit] = []
    position = 0
    patterns = [_EMAIL] if "@" in text else []
    patterns += [_LINK] if "://" in text or "www." in text.lower() else []
    found = sorted((match for pattern in [*patterns, _BARE] for match in pattern.finditer(text)), key=lambda match: match.start())
    for match in found:
        if match.start() < position:
            continue
        end = match.end()
        while end > match.end("host") and text[end - 1] in _ENDS:
            end -= 1
        is_email = match.re is _EMAIL
        if match.re is _BARE and match.end() - match.start() < 5:
            continue  # "z.de" is rather a missing space
        said = _say(f"{match['local']}@{match['host']}" if is_email else match["host"], rules)
        edits.append(Edit(match.start(), end, said, "email" if is_email else "url"))
        position = end
    return edits


def _say(address: str, rules: LanguageRules) -> str:
    words = {
        ".": rules.dot_word,
        "@": rules.at_word,
        "/": rules.slash_word,
        "-": rules.dash_word,
        "_": rules.underscore_word,
        "+": rules.plus_word,
    }
    said = []
    for part in _PARTS.findall(address):
        if part.isdecimal():
            said.append(rules.spell_digits(part) if part[0] == "0" or len(part) > 4 else rules.cardinal(int(part)))
        else:
            said.append(words.get(part, part))
    return " ".join(filter(None, said))
