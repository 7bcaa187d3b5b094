"""Finds the numbers, dates, times, amounts and signs in Chinese, Japanese and Korean text; each language supplies its words.

A text is scanned once. Where a candidate character stands (a digit, a sign, an address), the rules for it are tried in order, and the first
that applies replaces what it matched. All patterns have bounded repeats, so that time is linear in the length of the text.
"""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import east_asian_patterns as patterns
from tts_server.text.normalize.east_asian_words import EastAsianWords
from tts_server.text.normalize.numerals import FRACTIONS


class EastAsianReader:
    """Finds edits in one language. Immutable, and so usable by any thread."""

    def __init__(self, words: EastAsianWords) -> None:
        self._words = words
        multipliers = "".join(words.multipliers)
        piece = rf"{patterns.NUMBER}(?:\.\d{{1,20}}(?!\d))?"
        power = f"(?:[{multipliers}](?!{words.no_multiplier})){{1,2}}"
        more = rf"(?:[ ]?\d{{1,4}}(?:,\d{{3}})?(?=[{multipliers}]){power}){{0,4}}(?:\d{{1,4}}(?![\d.,/:%]))?"
        self._amount = re.compile(rf"{piece}(?:[ ]?{power}{more})?")
        self._piece = re.compile(rf"({piece})[ ]?([{multipliers}]{{0,2}})")
        symbols = sorted(words.units, key=len, reverse=True)
        self._unit = re.compile(rf"[ ]?({'|'.join(map(re.escape, symbols))})(?![A-Za-z²³])")
        money = "|".join(map(re.escape, sorted(words.currencies, key=len, reverse=True)))
        self._money = re.compile(rf"({money})[ ]?(?=\d)")
        self._money_after = re.compile(rf"[ ]?({money})(?![A-Za-z\d])")
        self._range_end = re.compile(rf"[ ]?[{patterns.RANGE_SIGNS}][ ]?(?=\d)")

    def find_edits(self, text: str) -> list[Edit]:
        """The edits that write a text's numbers and signs as words, in order."""
        edits: list[Edit] = []
        position = 0
        while found := patterns.CANDIDATE.search(text, position):
            edit = self._edit_at(text, found.start())
            if edit is None:
                position = found.end()
            else:
                if edit.text != text[edit.start : edit.end]:
                    edits.append(edit)
                position = max(edit.end, found.start() + 1)
        return edits

    def _edit_at(self, text: str, start: int) -> Edit | None:
        char = text[start]
        if char.isascii() and char.isalnum() and (mail := patterns.MAIL.match(text, start)) is not None:
            return Edit(start, mail.end(), self._spelled(mail[1]) + self._words.at + self._domain(mail[2]), "email")
        if char.isdecimal():
            return self._read_digits(text, start)
        if char.isascii() and char.isalpha():
            return self._read_letters(text, start)
        return self._read_sign(text, start)

    # Addresses

    def _domain(self, domain: str) -> str:
        return self._words.dot.join(self._spelled(label) for label in domain.split("."))

    def _spelled(self, name: str) -> str:
        said = re.sub(r"\d+", lambda run: self._words.identifier(run[0]), name.replace(".", self._words.dot))
        return re.sub(r"[._+-]+", " ", said)

    def _read_letters(self, text: str, start: int) -> Edit | None:
        if text.startswith("No.", start):
            number = patterns.NUMBER_SIGN.match(text, start)
            return Edit(start, number.end(), self._words.number_sign, "abbreviation") if number else None
        if (link := patterns.LINK.match(text, start)) and text[start : start + 4].lower() in ("http", "www."):
            end = start + len(link[0].rstrip(".,;:!?)'\""))
            return Edit(start, end, self._domain(link[1]), "url")
        return self._read_money(text, start)

    # Signs

    def _read_sign(self, text: str, start: int) -> Edit | None:
        words = self._words
        char = text[start]
        before, after = text[max(start - 1, 0) : start], text[start + 1 : start + 2]
        if ruler := patterns.RULER.match(text, start):
            return Edit(start, ruler.end(), " ", "decoration")
        if (money := self._read_money(text, start)) is not None:
            return money
        if char in FRACTIONS:
            return Edit(start, start + 1, self._fraction(*FRACTIONS[char]), "fraction")
        if char in patterns.RANGE_SIGNS or char == "−":
            return self._read_dash(text, start)
        if char in "²³":
            return Edit(start, start + 1, words.power[char], "sign")
        if raised := patterns.RAISED_DIGITS.match(text, start):
            return Edit(start, raised.end(), words.digits(raised[0].translate(patterns.RAISED)), "digits")
        if char in "#№":
            return Edit(start, start + 1, words.number_sign if after.isdecimal() else "", "sign")
        if char == "+" and not (before.isdecimal() or before == " " or before in patterns.CLOSING or not before) and not after.isdecimal():
            return Edit(start, start + 1, words.plus_name, "sign")
        if char == "+" and (phone := patterns.PHONE.match(text, start)) and self._is_phone(phone, text):
            return self._read_phone(phone)
        if said := words.signs.get(char):
            skipped = patterns.SPACE.match(text, start + 1)
            return Edit(start, start + 1, words.gap + said + ("" if skipped and skipped[0] else words.gap), "sign")
        if decoration := patterns.DECORATION.match(text, start):
            return Edit(
                start,
                decoration.end(),
                " " if before.strip() and text[decoration.end() : decoration.end() + 1].isalnum() else "",
                "decoration",
            )
        return None

    def _read_dash(self, text: str, start: int) -> Edit | None:
        words = self._words
        char = text[start]
        before = text[max(start - 2, 0) : start].strip()[-1:]
        gap = patterns.QUANTITY_FOLLOWS.match(text, start + 1)
        if gap is None:
            following = text[start + 1 : start + 2]
            if char in "~～〜" and following.isalnum() and self._ends_quantity(text, start):
                return Edit(start, start + 1, words.to, "range")
            return Edit(start, start + 1, "", "decoration") if char in "~～" and before and not following.isalnum() else None
        is_apart = text[max(start - 1, 0) : start] == " " and not gap[0]
        if not is_apart and (before.isdecimal() or self._ends_quantity(text, start)):
            is_difference = char in "-−" and bool(patterns.EQUATION_ENDS.match(text, start + 1))
            left = start - (text[max(start - 1, 0) : start] == " ")
            if is_difference or char == "−":
                return Edit(left, gap.end(), f"{words.gap}{words.signs['-']}{words.gap}", "sign")
            joint = words.to
            if char in "-–" and self._is_score(text, start, gap.end()):
                joint = words.chain if patterns.FIGURE_BEFORE.search(text, max(start - 8, 0), start) else words.ratio
            return Edit(left, gap.end(), joint, "range")
        if char in "-−" and not gap[0] and not patterns.LETTER.match(before):
            amount = self._amount.match(text, start + 1)
            is_cold = amount is not None and bool(patterns.DEGREES.match(text, amount.end()))
            return Edit(start, start + 1, words.below_zero if is_cold else words.minus, "sign")
        if char in "~～〜":
            return Edit(start, start + 1, words.signs.get("≈", ""), "sign")
        return None

    def _is_score(self, text: str, dash: int, second: int) -> bool:
        """Whether the numbers around a dash are points, as the words around say, or because the second is below the first."""
        words = self._words
        numbers = patterns.POINTS_BEFORE.search(text, max(dash - 5, 0), dash), patterns.POINTS.match(text, second)
        if numbers[0] is None or numbers[1] is None:
            return False
        if words.score_context.search(text, max(dash - 12, 0), dash) or words.score_follows.match(text, numbers[1].end()):
            return True
        return int(numbers[0][1]) > int(numbers[1][1]) and not numbers[1][2]

    def _ends_quantity(self, text: str, end: int) -> bool:
        """Whether the text before `end` ends in a number with its counter or unit."""
        return bool(patterns.COUNTED.search(text, max(end - 7, 0), end))

    # Numbers

    def _read_digits(self, text: str, start: int) -> Edit | None:
        words = self._words
        before, head = text[max(start - 1, 0) : start], text[max(start - 12, 0) : start]
        is_named = bool(words.identifier_context.search(head))
        if date := patterns.DATE.match(text, start):
            said = words.date.format(words.year(date[1]), self._counted(date[3], words.month), self._counted(date[4], words.day))
            return Edit(start, date.end(), said, "date")
        if (
            (last := patterns.DATE_LAST.match(text, start))
            and 1 <= min(int(last[1]), int(last[3])) <= 12
            and max(int(last[1]), int(last[3])) <= 31
        ):
            month, day_digits = (last[3], last[1]) if int(last[1]) > 12 else (last[1], last[3])
            said = words.date.format(words.year(last[4]), self._counted(month, words.month), self._counted(day_digits, words.day))
            return Edit(start, last.end(), said, "date")
        if (card := patterns.CARD.match(text, start)) or (not is_named and (card := patterns.DOTTED.match(text, start))):
            if card.re is patterns.CARD:
                return Edit(start, card.end(), words.group_pause.join(map(words.identifier, re.split("[- ]", card[0]))), "digits")
            pieces = card[0].split(".")
            say = words.digits if len(pieces) == 4 else self._plain
            return Edit(start, card.end(), words.point.join(map(say, pieces)), "version")
        if (phone := patterns.PHONE.match(text, start)) and self._is_phone(phone, text):
            return self._read_phone(phone)
        if (chain := patterns.CHAIN.match(text, start)) and (chain[1] or words.address_context.search(head)):
            return Edit(start, chain.end(), words.chain.join(map(self._plain, chain[0].split("-"))), "digits")
        if time := patterns.TIME.match(text, start):
            said = words.clock(int(time[1]), int(time[2]), int(time[3]) if time[3] else None)
            if half := patterns.HALF_OF_DAY.match(text, time.end()):
                return Edit(start, half.end(), f"{words.halves[half[1].lower() == 'p']}{words.gap}{said}", "time")
            return Edit(start, time.end(), said, "time")
        if ratio := patterns.RATIO.match(text, start):
            return Edit(start, ratio.end(), words.ratio.join(map(self._plain, ratio[0].split(":"))), "score")
        if dotted := patterns.MIDDLE_DOT.match(text, start):
            return Edit(start, dotted.end(), words.digits(dotted[1]) + words.digits(dotted[2]), "date")
        if (month := patterns.MONTH.match(text, start)) and words.date_context.search(
            text[start - min(start, 8) : start] + "\n" + text[month.end() : month.end() + 3]
        ):
            return Edit(start, month.end(), words.year(month[1]) + words.date.split("{}")[1] + self._counted(month[2], words.month), "date")
        if (day := patterns.DAY.match(text, start)) and self._is_day(day, text):
            return Edit(start, day.end(), f"{self._counted(day[1], words.month)}{words.gap}{self._counted(day[2], words.day)}", "date")
        if (fraction := patterns.FRACTION.match(text, start)) and int(fraction[2]):
            return Edit(start, fraction.end(), self._fraction(int(fraction[1]), int(fraction[2])), "fraction")
        return self._read_amount(text, start, before, is_named=is_named)

    def _read_amount(self, text: str, start: int, before: str, *, is_named: bool) -> Edit | None:
        words = self._words
        amount = self._amount.match(text, start)
        if amount is None:
            return None
        end = amount.end()
        bare = amount[0]
        if bare.isdecimal() and (
            (len(bare) > 1 and bare[0] == "0")
            or len(bare) > patterns.LONGEST
            or (is_named and len(bare) > 2)
            or words.digits_before.match(bare + text[end : end + 2])
        ):
            return Edit(start, end, words.identifier(bare), "digits")
        after = text[end : end + 12]
        if end < len(text) and text[end] in FRACTIONS and bare.isdecimal():
            said = f"{self._plain(bare)}{words.mixed}{self._fraction(*FRACTIONS[text[end]])}"
            return Edit(start, end + 1, said, "fraction")
        if unit := self._unit.match(text, end):
            name = words.units[unit[1]]
            number = self._said(bare, text[max(start - 12, 0) : start], name)
            return Edit(start, unit.end(), f"{number}{words.gap}{name}", "unit")
        if money := self._money_after.match(text, end):
            return Edit(start, money.end(), self._price(bare, money[1]), "money")
        if sign := patterns.PERCENT.match(text, end):
            template = words.percent if sign[1] == "%" else words.permille
            return Edit(start, sign.end(), template.format(self._said(bare, "", "")), "unit")
        following = self._following(text, end)
        if following[:1] == "%" and words.percent[0] != "{":
            return Edit(start, end, words.percent.format(self._said(bare, "", "")), "unit")
        if bare.isdecimal() and len(bare) == 4 and patterns.YEAR_WORD.match(following):
            return Edit(start, end, words.year(bare), "year")
        if bare.isdecimal() and len(bare) == 4 and self._is_year_range(text, start, end):
            return Edit(start, end, words.year(bare), "year")
        if words.reads_codes_by_digit and patterns.LETTER.match(before) and bare.isdecimal() and len(bare) > 2:
            return Edit(start, end, words.digits(bare), "digits")
        gap = words.counter_gap(after)
        rule = "decimal" if "." in bare else "cardinal"
        return Edit(start, end, self._said(bare, text[max(start - 12, 0) : start], following) + gap, rule)

    def _following(self, text: str, end: int) -> str:
        """The text after a number; where a range follows, what is after the range's second number."""
        if gap := patterns.RANGE_WORD.match(text, end):
            second = self._amount.match(text, gap.end())
            if second is not None:
                end = second.end()
        return text[end : end + 12]

    def _is_year_range(self, text: str, start: int, end: int) -> bool:
        is_first = patterns.YEAR_FOLLOWS.match(text, end)
        is_second = patterns.YEAR_PRECEDES.search(text, max(start - 7, 0), start)
        return text[start] in "12" and bool(is_first or is_second)

    def _said(self, amount: str, before: str, after: str) -> str:
        """An amount such as `1,250`, `3.5万` or `1億2000万` in words."""
        words = self._words
        pieces = [(piece[1].replace(",", ""), piece[2]) for piece in self._piece.finditer(amount)]
        if not any("." in digits for digits, _ in pieces):
            total = sum(int(digits) * self._factor(power) for digits, power in pieces)
            if total < 10**patterns.LONGEST:
                return words.number(total, before, after)
            return words.gap.join(self._plain(digits) + power for digits, power in pieces)
        said: list[str] = []
        for digits, power in pieces:
            whole, _, decimals = digits.partition(".")
            is_long = len(whole) > patterns.LONGEST or (len(whole) > 1 and whole[0] == "0")
            number = words.digits(whole) if is_long else words.number(int(whole), "", words.point)
            said.append(number + (f"{words.point}{words.digits(decimals)}" if decimals else "") + power)
        return "".join(said)

    def _factor(self, power: str) -> int:
        factor = 1
        for char in power:
            factor *= self._words.multipliers[char]
        return factor

    def _plain(self, digits: str) -> str:
        if len(digits) > patterns.LONGEST or (len(digits) > 1 and digits[0] == "0"):
            return self._words.digits(digits)
        return self._words.number(int(digits), "", "")

    def _counted(self, digits: str, template: str) -> str:
        """A number with the counter that the template adds: the month, the day, the hour."""
        return template.format(self._words.number(int(digits), "", template.replace("{}", "")))

    def _fraction(self, numerator: int, denominator: int) -> str:
        return self._words.fraction.format(self._plain(str(denominator)), self._plain(str(numerator)))

    def _is_day(self, day: re.Match[str], text: str) -> bool:
        month, number = int(day[1]), int(day[2])
        around = text[max(day.start() - 8, 0) : day.start()] + "\n" + text[day.end() : day.end() + 3]
        return month > number or number >= 13 or day[1][0] == "0" or bool(self._words.date_context.search(around))

    def _is_phone(self, phone: re.Match[str], text: str) -> bool:
        number = phone[0]
        groups = [group for group in patterns.GROUPS.split(number) if group]
        count = sum(map(len, groups))
        if count < 6 or count > 15:
            return False
        if self._words.short_phone.match(number):
            return True
        if number[0] in "+(" or self._words.identifier_context.search(text, max(phone.start() - 12, 0), phone.start()):
            return True
        if len(groups) == 1:
            return False
        return (number[0] == "0" and count >= 9) or (len(groups) >= 3 and "-" in number and " " not in number and count >= 9)

    def _read_phone(self, phone: re.Match[str]) -> Edit:
        words = self._words
        groups = [words.identifier(group) for group in patterns.GROUPS.split(phone[0]) if group]
        plus = words.plus_name + words.gap if phone[0][0] == "+" else ""
        return Edit(phone.start(), phone.end(), plus + words.group_pause.join(groups), "phone")

    # Amounts of money

    def _read_money(self, text: str, start: int) -> Edit | None:
        money = self._money.match(text, start)
        amount = self._amount.match(text, money.end()) if money else None
        if money is None or amount is None:
            return None
        end = amount.end()
        if (gap := self._range_end.match(text, end)) and (second := self._amount.match(text, gap.end())):
            return Edit(start, second.end(), self._said(amount[0], "", "") + self._words.to + self._price(second[0], money[1]), "money")
        return Edit(start, end, self._price(amount[0], money[1]), "money")

    def _price(self, amount: str, currency: str) -> str:
        words = self._words
        name = words.currencies[currency]
        whole, _, decimals = amount.partition(".")
        if len(decimals) == 2 and decimals.isdecimal():
            if not int(decimals):
                amount = whole
            elif cent := words.cents.get(name):
                cents = f"{self._plain(decimals.lstrip('0'))}{words.gap}{cent}"
                return f"{self._said(whole, '', '')}{words.gap}{name}{words.gap}{cents}" if int(whole.replace(",", "")) else cents
            else:
                amount = f"{whole}.{decimals.rstrip('0')}"
        return self._said(amount, "", name).rstrip() + words.gap + name
