"""How many of the English cases each text normaliser reads right: `python -m benchmarks.text_candidates [--kinds] [--wrong NAME]`.

The cases are those of `tests/text/english/cases.py`. Words are compared without case, punctuation and hyphens, and letters with or without
spaces between them. A package that is not installed is left out: `pip install kitten-text-processing normt2s wetext num2words` brings the
rivals, and hibari comes with the server. `num2words` knows numbers alone, so each run of digits is given to it and the rest stays.
The last column is the time for 100 characters, all cases read once after the first pass.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module

from tests.text.english.cases import CASES, is_right
from tts_server.text.edits import EditedText
from tts_server.text.normalize.english import find_edits

Normalize = Callable[[str], str]


def ours(text: str) -> str:
    return EditedText(text, find_edits(text)).text


def num2words_alone() -> Normalize:
    num2words = import_module("num2words").num2words
    number = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")

    def run(text: str) -> str:
        return number.sub(lambda found: str(num2words(found[0].replace(",", ""))), text)

    return run


def wetext() -> Normalize:
    normalize: Normalize = import_module("wetext").Normalizer(lang="en", operator="tn").normalize
    return normalize


def function_of(module: str, name: str) -> Callable[[], Normalize]:
    def load() -> Normalize:
        function: Normalize = getattr(import_module(module), name)
        return function

    return load


def candidates() -> Iterator[tuple[str, Normalize]]:
    """The normalisers that are installed here."""
    yield "this server", ours
    loaders: list[tuple[str, Callable[[], Normalize]]] = [
        ("kitten-text-processing", function_of("kitten_text_processing", "normalize_text")),
        ("normt2s", function_of("normt2s", "normalize")),
        ("wetext", wetext),
        ("hibari", function_of("hibari.g2p.normalize", "normalize")),
        ("num2words", num2words_alone),
        ("nothing", lambda: str),
    ]
    for name, load in loaders:
        try:
            yield name, load()
        except ImportError:
            print(f"{name} is not installed")


def say(normalize: Normalize, text: str) -> str:
    try:
        return normalize(text)
    except Exception as error:  # a rival may fail in any way; that is a wrong answer
        return f"failed: {error!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", action="store_true", help="show the share for each kind of text")
    parser.add_argument("--wrong", metavar="NAME", help="show what this candidate reads wrong")
    options = parser.parse_args()
    length = sum(len(written) for _, written, _ in CASES)
    print(f"{len(CASES)} cases")
    for name, normalize in candidates():
        right: Counter[str] = Counter()
        for kind, written, said in CASES:
            got = say(normalize, written)
            right[kind] += is_right(got, said)
            if options.wrong == name and not is_right(got, said):
                print(f"  {written!r} -> {got!r}")
        start = time.process_time()
        for _, written, _ in CASES:
            say(normalize, written)
        cost = (time.process_time() - start) / length * 1e5
        print(f"{name:24} {right.total() / len(CASES):6.1%} {cost:8.3f} ms / 100 characters")
        if options.kinds:
            totals = Counter(kind for kind, _, _ in CASES)
            print("  " + ", ".join(f"{kind} {right[kind] / total:.0%}" for kind, total in totals.items()))


if __name__ == "__main__":
    main()
