"""Decides about a request before its view runs: may it come in, may its client ask once more, is there a slot or a place in the queue.

The server asks here before the application sees the request, so that a request that waits needs no thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tts_server.admission import Admission, Ticket
from tts_server.errors import RateLimited, TTSError
from tts_server.rates import Allowance, Rates
from tts_server.web.clients import client_name
from tts_server.web.gate import Access, Gate
from tts_server.web.head import RequestHead

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SHORT_METHODS = frozenset({"OPTIONS", "DELETE"})
READING_METHODS = frozenset({"GET", "HEAD"})
LONG_GETS = re.compile(r"/tts-stream|/v1/voices/[^/]+/(audio|preview)")
SHORT_POSTS = re.compile(r"/admin/.*|/v1/text/normalize|/v1/pronunciation-dictionaries/.*")
SMALL_BYTES = 1024
"""What is longer than this may hold more than a minute of speech, or a clip."""


@dataclass(frozen=True)
class Admitted:
    """What was decided about a request.

    `ticket` is None where it needs none; it has to be released. `allowance` is None where nothing is counted. With a `refusal` the request
    is not to be worked on.
    """

    ticket: Ticket | None = None
    allowance: Allowance | None = None
    refusal: TTSError | None = None


class RequestChecks:
    """The checks of `gate`, the counts of `rates` and the queue of `admission`, in this order. Thread-safe."""

    def __init__(self, gate: Gate, rates: Rates, admission: Admission) -> None:
        self.admission = admission
        self._gate = gate
        self._rates = rates

    def check(self, environ: WSGIEnvironment) -> Access:
        """Accept a request by its head; raises Forbidden or Unauthorized."""
        return self._gate.check(environ)

    def count(self, access: Access) -> Admitted:
        """Count what makes or takes audio for its client."""
        if not self._rates.rules or not is_long(access.head):
            return Admitted()
        client = client_name(access)
        try:
            return Admitted(allowance=self._rates.take(client))
        except RateLimited as error:
            return Admitted(allowance=self._rates.left(client), refusal=error)

    def admit(self, access: Access, name: str, is_gone: Callable[[], bool]) -> Admitted:
        """Count what makes or takes audio, and give it a ticket by this `name`. What the queue refuses does not count."""
        counted = self.count(access)
        if counted.refusal is not None or not is_long(access.head):
            return counted
        ticket = self.admission.acquire(name, is_large=is_large(access.head), is_gone=is_gone)
        if ticket.refusal is None:
            return Admitted(ticket, counted.allowance)
        self.admission.release(ticket)
        if counted.allowance is not None:
            self._rates.give_back(client_name(access))
        return Admitted(refusal=ticket.refusal)


def is_long(head: RequestHead) -> bool:
    """Whether a request makes or takes audio, and so may need its thread for as long as a text takes to be spoken."""
    if head.rule is None or head.method in SHORT_METHODS:
        return False
    if head.method in READING_METHODS:
        return LONG_GETS.fullmatch(head.path) is not None
    return SHORT_POSTS.fullmatch(head.path) is None


def is_large(head: RequestHead) -> bool:
    """Whether a request is so large that it leaves a part of the slots to others."""
    return head.size > SMALL_BYTES
