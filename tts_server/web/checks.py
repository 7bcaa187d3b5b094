"""Decides about a request before its view runs: is it accepted, is its client within its rate, is there a slot or a place in the queue.

The server asks here before the application sees the request, so that a request that waits needs no thread.
"""

from __future__ import annotations

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
        """Accept a request by its head; raises Forbidden, Unauthorized or TooLarge."""
        return self._gate.check(environ)

    def count(self, access: Access) -> Admitted:
        """Count a request for its client if its policy says so."""
        if not self._rates.rules or not reaches_view(access.head) or not access.policy.is_rate_limited:
            return Admitted()
        client = client_name(access)
        try:
            return Admitted(allowance=self._rates.take(client))
        except RateLimited as error:
            return Admitted(allowance=self._rates.left(client), refusal=error)

    def admit(self, access: Access, name: str, is_gone: Callable[[], bool]) -> Admitted:
        """Count a request, and give it a ticket by this `name`, if its policy says so. What the queue refuses does not count."""
        counted = self.count(access)
        if counted.refusal is not None or not reaches_view(access.head) or not access.policy.is_queued:
            return counted
        ticket = self.admission.acquire(name, is_large=is_large(access.head), is_gone=is_gone)
        if ticket.refusal is None:
            return Admitted(ticket, counted.allowance)
        self.admission.release(ticket)
        if counted.allowance is not None:
            self._rates.give_back(client_name(access))
        return Admitted(refusal=ticket.refusal)


def reaches_view(head: RequestHead) -> bool:
    """Whether the view of the route answers a request; OPTIONS is answered without it."""
    return head.method != "OPTIONS"


def is_large(head: RequestHead) -> bool:
    """Whether a request is so large that it leaves a part of the slots to others."""
    return head.size > SMALL_BYTES
