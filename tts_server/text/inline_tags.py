"""Marks inside a text on its way to an engine: from here on another rate, another language.

They are made of characters of the private use area, which `clean` removes from every text that a client sends.
"""

from __future__ import annotations

import re

MIN_RATE, MAX_RATE = 0.25, 4.0
"""How slow and how fast a rate tag can be, as a factor."""

RATE_TAG = re.compile("\ue004([0-9]\\.[0-9]{2})\ue005")
"""Everything up to the next rate tag is spoken at this factor of the request's speed. No segment holds one."""

LANGUAGE_TAG = re.compile("\ue006([a-z]{0,3})\ue007")
"""Numbers, dates and so on up to the next language tag are read in this language; an empty code ends it."""


def rate_tag(factor: float) -> str:
    """The tag for a factor, brought into the range of `MIN_RATE` to `MAX_RATE`."""
    return f"\ue004{min(max(factor, MIN_RATE), MAX_RATE):.2f}\ue005"


def language_tag(code: str) -> str:
    """The tag for a two- or three-letter language code, or for the end of such a part where `code` is empty."""
    return f"\ue006{code}\ue007"
