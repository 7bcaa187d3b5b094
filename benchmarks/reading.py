"""What reading costs before anything is spoken: `python benchmarks/reading.py [--rounds 5] [--quick]`.

The whole text front end (`read_text`: cleaning, markup, pronunciation, written forms as words) in milliseconds of processor time for 100
characters, best of the rounds; then patterns made to be slow at 1, 4 and 16 times the same length, with the exponent of the length in
their time (1 is linear, 2 quadratic). Ends with 1 where a claim is not met.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tables import table
from texts import Writer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from tts_server.engines.embedded.reader import Reader
from tts_server.text.reading import ReadingOptions, read_text

MAX_MILLISECONDS = 0.3
"""For 100 characters of prose in any of the languages."""

MAX_DENSE_MILLISECONDS = 0.6
"""For 100 characters of a text in which nearly every word is a number, a sign or markup."""

MAX_EXPONENT = 1.2
"""Of the length, in the time for a hostile pattern; the measure itself varies by 0.1 on a busy machine."""

LENGTH, HOSTILE_LENGTH = 4000, 2500
GROWTH = (1, 4, 16)

NUMBERS = (
    "On 4 May 2021 at 9:30 am, 35 people paid $1,249.50 for 12.5 kg at 72°F. Call (212) 555-0147 by 6/30 and save 15%. "
    "Chapter IV, pp. 10-12: it grew from 3.2bn to £4.5bn in the 1990s, i.e. by ~41%. Dr. Lee ran 100 m in 9.58 s on the 3rd of Sept. 2019. "
    "Add 2½ cups, ⅓ l and 1/4 tsp. Flight BA0042 leaves gate B12 at 23:40. The score was 21-14. Version 3.10.1 costs €12,50. "
)
MARKUP = (
    "# A heading\n\nSome **bold** text with a [link](https://www.example.com/a/b?c=1) and `code`.\n\n- one *item*\n- a second ~~one~~\n"
    "1. first\n2. second\n\n> A quote with <b>HTML</b> &amp; an <a href='x'>anchor</a>.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    "```python\nprint('x')\n```\n\nThe formula $x^2 + 1$ holds.\n\n---\n\n"
)
LANGUAGES = {
    "de": "Am 3. Oktober 2024 kamen 1.250 Leute um 9:30 Uhr und zahlten 12,50 € für 5 kg Äpfel, das sind 20 % mehr als im Vorjahr. ",
    "fr": "Le 14 juillet 2023, 1 250 personnes ont payé 12,50 € à 9 h 30, soit 20 % de plus que l'année précédente, pour 5 kg de pommes. ",
    "es": "El 12 de octubre de 2024 vinieron 1.250 personas a las 9:30 y pagaron 12,50 € por 5 kg de manzanas, un 20 % más que antes. ",
    "it": "Il 25 aprile 2024 sono venute 1.250 persone alle 9:30 e hanno pagato 12,50 € per 5 kg di mele, il 20 % in più di prima. ",
    "pt": "Em 7 de setembro de 2024 vieram 1.250 pessoas às 9h30 e pagaram 12,50 € por 5 kg de maçãs, mais 20 % do que antes. ",
    "nl": "Op 27 april 2024 kwamen 1.250 mensen om 9.30 uur en betaalden € 12,50 voor 5 kg appels, dat is 20 % meer dan vorig jaar. ",
    "pl": "Dnia 3 maja 2024 r. o godz. 9:30 przyszło 1250 osób i zapłaciło 12,50 zł za 5 kg jabłek, to jest 20 % więcej niż rok temu. ",
    "ru": "9 мая 2024 г. в 9:30 пришло 1250 человек, и они заплатили 12,50 € за 5 кг яблок, это на 20 % больше, чем год назад. ",
    "sv": "Den 6 juni 2024 kom 1 250 personer klockan 9.30 och betalade 12,50 kr för 5 kg äpplen, det är 20 % mer än förra året. ",
    "tr": "29 Ekim 2024 tarihinde saat 9.30'da 1.250 kişi geldi ve 5 kg elma için 12,50 € ödedi, bu geçen yıldan %20 daha fazla. ",
    "zh": "2024年10月1日上午9:30来了1250人，每人花12.50元买了5kg苹果，比去年多20%。大家都说明年还要再来，因为这里的天气很好。",
    "ja": "2024年10月1日の午前9:30に1250人が来て、5kgのりんごに1,250円を払いました。去年より20%多いです。来年もまた来ると言っていました。",
    "ko": "2024년 10월 1일 오전 9:30에 1250명이 와서 사과 5kg에 12,500원을 냈습니다. 작년보다 20% 많습니다. 모두 다시 옵니다. ",
}
HOSTILE = (
    "1", "1,", "1.", "1 ", "1-", "1/", "1:", "$", "$1", "1$", "a", "a ", "a.", "a-", "a@", "A", "A.", "I", "I ",
    "no. ", "-", "=", ".", "(", "[", "](", "[a](", "<", "<a ", "&", "&amp;", "*", "**a", "_a_", "`", "#", "# ", ">",
    "|", "~", "\\", "'", '"', "http://", "\n", "\n\n", "é", "½", "²", "€1,", "😀", "你", "1年", "one hundred ", "Jan. ",
    "3rd ", "{", "$$", "<!--", "[pause:", "www.", "0", "%", "° ", "1e", "x^", "MM", "￼",
)  # fmt: skip


def milliseconds(text: str, options: ReadingOptions, rounds: int) -> float:
    """Processor time of reading `text`, best of the rounds."""
    best = math.inf
    for _ in range(rounds):
        start = time.process_time()
        read_text(text, options)
        best = min(best, time.process_time() - start)
    return best * 1000


def phonemes_milliseconds(text: str, reader: Reader, rounds: int) -> float:
    """The same for the embedded voice's phonemes of a text that has been read."""
    best = math.inf
    for _ in range(rounds):
        start = time.process_time()
        reader.phonemes(text)
        best = min(best, time.process_time() - start)
    return best * 1000


def filled(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def texts(length: int) -> dict[str, tuple[str, str]]:
    """The name of each text, its language and the text."""
    found = {
        "English prose": ("en", Writer(1).characters(length)),
        "English, dense with numbers": ("en", filled(NUMBERS, length)),
        "English, dense with markup": ("en", filled(MARKUP, length)),
    }
    return found | {f"{code}, prose with numbers": (code, filled(text, length)) for code, text in LANGUAGES.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="short texts, to try the benchmark itself")
    chosen = parser.parse_args(arguments)
    shorter = 10 if chosen.quick else 1
    prose, dense = _read_texts(LENGTH // shorter, 5 * chosen.rounds)  # each takes milliseconds, which a busy machine disturbs
    steepest = _read_hostile(HOSTILE_LENGTH // shorter, chosen.rounds)
    claims = [
        ("reading 100 characters of prose", prose, MAX_MILLISECONDS, " ms"),
        ("reading 100 characters of dense text", dense, MAX_DENSE_MILLISECONDS, " ms"),
        ("exponent of the length in the time", steepest, MAX_EXPONENT, ""),
    ]
    rows = [
        [words, f"{worst:.3f}{unit}", f"<= {limit:g}{unit}", "PASS" if worst <= limit else "FAIL"] for words, worst, limit, unit in claims
    ]
    print("\n## Claims\n")
    print("\n".join(table(["claim", "at worst", "limit", "verdict"], rows)))
    return 0 if all(worst <= limit for _, worst, limit, _ in claims) else 1


def _read_texts(length: int, rounds: int) -> tuple[float, float]:
    """Print the table of texts; returns the longest times for 100 characters of prose and of dense text, in milliseconds."""
    reader = Reader()
    rows = []
    slowest = {False: 0.0, True: 0.0}
    for name, (language, text) in texts(length).items():
        read_text(text, ReadingOptions(language=language))  # tables are made at the first use
        known = milliseconds(text, ReadingOptions(language=language), rounds) * 100 / len(text)
        detected = milliseconds(text, ReadingOptions(), rounds) * 100 / len(text)
        spoken = ""
        if language == "en":
            words = read_text(text, ReadingOptions(language=language)).text
            spoken = f"{phonemes_milliseconds(words, reader, rounds) * 100 / len(text):.3f}"
        rows.append([name, f"{known:.3f}", f"{detected:.3f}", spoken])
        is_dense = "dense" in name
        slowest[is_dense] = max(slowest[is_dense], known, detected)
    print(f"## Reading a text of {length:,} characters, milliseconds of processor time for 100 characters, best of {rounds} rounds\n")
    print("\n".join(table(["text", "language known", "language detected", "embedded voice's phonemes of it"], rows)))
    return slowest[False], slowest[True]


def _read_hostile(length: int, rounds: int) -> float:
    """Print the table of hostile patterns; returns the largest exponent."""
    rows = []
    steepest = 0.0
    options = ReadingOptions(language="en", reads_ipa=True)
    for pattern in HOSTILE:
        times = [milliseconds(filled(pattern, length * factor), options, rounds) for factor in GROWTH]
        exponent = math.log(times[-1] / times[0], GROWTH[-1] / GROWTH[0])
        shown = ascii(pattern)[1:-1].replace("|", "\\|")
        rows.append([f"`` {shown} ``" if "`" in shown else f"`{shown}`", *(f"{value:.1f}" for value in times), f"{exponent:.2f}"])
        steepest = max(steepest, exponent)
    heads = [f"{length * factor:,} characters, ms" for factor in GROWTH]
    print("\n## Repeated patterns that are made to be slow\n")
    print("\n".join(table(["pattern", *heads, "exponent of the length"], rows)))
    return steepest


if __name__ == "__main__":
    sys.exit(main())
