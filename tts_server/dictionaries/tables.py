"""Rules as a table (CSV): `string_to_replace,type,alias_or_phoneme,alphabet,case_sensitive,word_boundaries`.

The first line may name the columns, in any order. Commas, semicolons or tabs separate them. Without a header, two columns are a string
and its alias; more are in the order above, where the type may be omitted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from tts_server.dictionaries.pls import invalid_file
from tts_server.text.pronunciation.alphabets import alphabet_name
from tts_server.text.pronunciation.rules import MAX_RULES, Rule

COLUMNS = ("string_to_replace", "type", "said", "alphabet", "case_sensitive", "word_boundaries")
_HEADER = ("string_to_replace", "type", "alias_or_phoneme", "alphabet", "case_sensitive", "word_boundaries")
_OTHER_NAMES = {
    **{name: name for name in COLUMNS},
    **dict.fromkeys(("alias_or_phoneme", "alias/phoneme", "replacement", "replace_with", "value", "pronunciation"), "said"),
    **dict.fromkeys(("string", "word", "grapheme", "text", "term", "from"), "string_to_replace"),
    **dict.fromkeys(("alias", "to"), "alias"),
    **dict.fromkeys(("phoneme", "ipa"), "phoneme"),
}
_TRUE, _FALSE = frozenset({"true", "yes", "1", "y"}), frozenset({"false", "no", "0", "n"})
_ENCODINGS = ("utf-8-sig", "cp1252")


def read_table(data: bytes) -> list[Rule]:
    """The rules of a CSV file. Raises InvalidRequest, naming the line, for one that cannot be used."""
    text = _decoded(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    names: list[str] | None = None
    rules: list[Rule] = []
    is_first = True
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if is_first:
                is_first = False
                if (names := _column_names(cells)) is not None:
                    continue
            if len(rules) >= MAX_RULES:
                raise invalid_file(f"there are more than {MAX_RULES} rules", reader.line_num)
            try:
                rules.append(_rule(cells, names))
            except ValueError as error:
                raise invalid_file(str(error), reader.line_num) from error
    except csv.Error as error:
        raise invalid_file(f"this is not CSV: {error}", reader.line_num) from error
    return rules


def write_table(rules: Iterable[Rule]) -> bytes:
    """A CSV file in UTF-8 with a line of names."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEADER)
    for rule in rules:
        kind, said, alphabet = ("alias", rule.alias, "") if rule.alias is not None else ("phoneme", rule.phoneme, rule.alphabet)
        writer.writerow((rule.string_to_replace, kind, said, alphabet, _written(rule.case_sensitive), _written(rule.word_boundaries)))
    return text.getvalue().encode("utf-8", "replace")


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise invalid_file("it is neither UTF-8 nor UTF-16") from error
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise invalid_file("it is neither a PLS document nor a table in UTF-8")


def _column_names(cells: Sequence[str]) -> list[str] | None:
    """The columns that a line names; None where it is a rule."""
    names = [_OTHER_NAMES.get(cell.lower().replace(" ", "_").lstrip("\ufeff"), "") for cell in cells]
    return names if "string_to_replace" in names and {"said", "alias", "phoneme"} & set(names) else None


def _rule(cells: Sequence[str], names: Sequence[str] | None) -> Rule:
    if names is None:
        names = COLUMNS if len(cells) > 2 and cells[1].lower() in ("alias", "phoneme") else [COLUMNS[0], *COLUMNS[2:]]
    # Of columns that have the same name, or none, the first counts.
    row = {name: cell for name, cell in reversed(list(zip(names, cells, strict=False))) if name}
    alias, phoneme = row.get("alias", ""), row.get("phoneme", "")
    kind = row.get("type", "").lower()
    if said := row.get("said", ""):
        if kind not in ("", "alias", "phoneme"):
            raise ValueError(f"the type {kind[:40]!r} is neither alias nor phoneme")
        is_phoneme = kind == "phoneme" or (not kind and bool(row.get("alphabet")))
        alias, phoneme = ("", said) if is_phoneme else (said, "")
    elif kind in ("alias", "phoneme"):
        alias, phoneme = (alias, "") if kind == "alias" else ("", phoneme)
    if not row.get("string_to_replace"):
        raise ValueError("there is no string to replace")
    if not alias and not phoneme:
        raise ValueError("there is neither an alias nor a phoneme")
    return Rule(
        row["string_to_replace"],
        alias=None if phoneme else alias,
        phoneme=phoneme or None,
        alphabet=alphabet_name(row.get("alphabet") or "ipa") if phoneme else "ipa",
        case_sensitive=_is_true(row.get("case_sensitive", ""), "case_sensitive"),
        word_boundaries=_is_true(row.get("word_boundaries", ""), "word_boundaries"),
    )


def _is_true(cell: str, name: str) -> bool:
    if cell and cell.lower() not in _TRUE | _FALSE:
        raise ValueError(f"{name} is {cell[:40]!r}; it can be true or false")
    return cell.lower() not in _FALSE


def _written(value: bool) -> str:  # noqa: FBT001 - a value, not a switch
    return "true" if value else "false"
