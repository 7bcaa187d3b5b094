"""Collects text that arrives in pieces, and yields it in whole sentences while more arrives."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator

from tts_server.cancellation import Cancellation
from tts_server.errors import InvalidRequest
from tts_server.text.sentences import sentence_end, skip_gap

LONGEST_WAIT_CHARACTERS = 400
"""Longer text without the end of a sentence is cut at a space."""

CLOSING = "\"')]}»”’"
_NEXT_WORD_IS_WHOLE = re.compile(r"\s*(?:\S+\s|\S{20})")


MAX_TEXTS = 16
"""The maximum length of the text of one feed, as a multiple of `max_waiting`."""


def never_charge() -> None:
    """Do nothing: the default `charge`."""


class TextFeed:
    """A text that arrives in pieces. One thread appends, another iterates over `pieces`.

    At most `max_waiting` characters may wait to be taken, and MAX_TEXTS times as many may arrive in all. `charge` is called for every
    `max_waiting` characters after the first ones; if it raises, the text is not accepted.
    """

    def __init__(self, max_waiting: int, charge: Callable[[], object] = never_charge) -> None:
        self._max_waiting = max_waiting
        self._charge = charge
        self._changed = threading.Condition()
        # Guarded by the condition; `is_waiting` (`pieces` waits for text) and `received` are also read without it.
        self.is_waiting = False
        self._text = ""
        self._received = io.StringIO()
        self._num_received = 0
        self._num_charged = max_waiting
        self._is_complete = False

    @property
    def received(self) -> str:
        """All text received so far."""
        return self._received.getvalue()

    def append(self, text: str) -> None:
        """Add text. Raises InvalidRequest at a limit, or what `charge` raises; then no part of `text` is added."""
        with self._changed:
            limit = MAX_TEXTS * self._max_waiting
            if self._num_received + len(text) > limit:
                message = f"delta: one response takes {limit} characters. Send 'input_text_buffer.commit', then start another response"
                raise InvalidRequest(f"{message}.", param="delta", code="string_too_long")
            if len(self._text) + len(text) > self._max_waiting:
                message = f"delta: {len(self._text)} characters wait to be spoken; at most {self._max_waiting} may wait"
                raise InvalidRequest(f"{message}. Wait for audio before you send more.", param="delta", code="string_too_long")
            if self._num_received + len(text) > self._num_charged:
                self._charge()
                self._num_charged += self._max_waiting
            self._text += text
            self._received.write(text)
            self._num_received += len(text)
            self._changed.notify()

    def complete(self) -> None:
        """Mark the text as complete."""
        with self._changed:
            self._is_complete = True
            self._changed.notify()

    def pieces(self, cancellation: Cancellation) -> Iterator[str]:
        """Yield the text in whole sentences as it arrives, and the rest at the end. Raises Cancelled."""
        while True:
            with cancellation.calling(self._notify), self._changed:
                while not (end := self._speakable()) and not self._is_complete:
                    cancellation.check()
                    self.is_waiting = True
                    self._changed.wait()
                self.is_waiting = False
                end = len(self._text) if self._is_complete else end
                piece, self._text = self._text[:end], self._text[end:]
            if piece.strip():
                yield piece
            elif not end:
                return

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify()

    def _speakable(self) -> int:
        """Return how many characters can be spoken whatever follows, since the text after them shows that a sentence has ended."""
        text, taken = self._text, 0
        while found := sentence_end(text, skip_gap(text, taken)[0], len(text)):
            rest = text[found[0] :]
            is_full_stop = text[taken : found[0]].rstrip(CLOSING).endswith((".", "…"))
            if not rest.strip() or (is_full_stop and not _NEXT_WORD_IS_WHOLE.match(rest)):
                break
            taken = found[0]
        if not taken and len(text) > LONGEST_WAIT_CHARACTERS:
            return text.rfind(" ", 0, LONGEST_WAIT_CHARACTERS) + 1
        return taken
