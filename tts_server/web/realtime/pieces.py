"""Text that arrives in pieces, given out again in whole sentences while more of it arrives."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator

from tts_server.cancellation import Cancellation
from tts_server.errors import InvalidRequest
from tts_server.text.sentences import sentence_end, skip_gap

LONGEST_WAIT_CHARACTERS = 400
"""So much text without the end of a sentence is spoken up to a space."""

CLOSING = "\"')]}»”’"
_NEXT_WORD_IS_WHOLE = re.compile(r"\s*(?:\S+\s|\S{20})")


MAX_TEXTS = 16
"""So many times the longest text that may wait is the longest text of one feed."""


def never_charge() -> None:
    """The `charge` of a text that is not counted."""


class TextFeed:
    """One text on its way. `max_waiting` characters may be there and not yet taken, and MAX_TEXTS times as many in all.

    `charge` is called each time that `max_waiting` more characters than before are taken, but not for the first ones; it may raise.
    """

    def __init__(self, max_waiting: int, charge: Callable[[], object] = never_charge) -> None:
        self.is_waiting = False
        """Whether somebody waits for more text."""
        self._max_waiting = max_waiting
        self._charge = charge
        self._text = ""
        self._received = io.StringIO()
        self._num_received = 0
        self._num_charged = max_waiting
        self._is_complete = False
        self._changed = threading.Condition()

    @property
    def received(self) -> str:
        """Everything that has arrived."""
        return self._received.getvalue()

    def append(self, text: str) -> None:
        """Raises InvalidRequest where too much waits or has come already, or what `charge` raises; then nothing of `text` is taken."""
        with self._changed:
            longest = MAX_TEXTS * self._max_waiting
            if self._num_received + len(text) > longest:
                message = f"delta: one response takes {longest} characters. Send 'input_text_buffer.commit', then begin another"
                raise InvalidRequest(f"{message}.", param="delta", code="string_too_long")
            if len(self._text) + len(text) > self._max_waiting:
                message = f"delta: {len(self._text)} characters wait to be spoken; this server keeps {self._max_waiting} at once"
                raise InvalidRequest(f"{message}. Wait for some audio.", param="delta", code="string_too_long")
            if self._num_received + len(text) > self._num_charged:
                self._charge()
                self._num_charged += self._max_waiting
            self._text += text
            self._received.write(text)
            self._num_received += len(text)
            self._changed.notify()

    def complete(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._is_complete = True
            self._changed.notify()

    def pieces(self, cancellation: Cancellation) -> Iterator[str]:
        """Whole sentences, as many as there are; at the end the rest. Raises Cancelled if cancelled while it waits for text."""
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
        """How much of the text can be spoken whatever comes next: what lies behind it shows that the sentence has ended."""
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
