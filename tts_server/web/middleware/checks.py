"""Decides about a request before its view runs: is it accepted, is its client within its rate, is there a slot or a place in the queue.

The server asks here before the application sees the request, so that a request that waits needs no thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tts_server.admission import Admission
from tts_server.cancellation import Cancellation
from tts_server.errors import RateLimited, TTSError
from tts_server.keys import Role
from tts_server.rates import Allowance, Rates
from tts_server.web.head import REQUEST_ID, RequestHead, choose_request_id
from tts_server.web.middleware.head_checks import ACCESS, Access, HeadChecks
from tts_server.web.middleware.rate_headers import ALLOWANCE
from tts_server.wsgi import Admitted

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SMALL_BYTES = 1024
"""What is longer than this may hold more than a minute of speech, or a clip."""


@dataclass(frozen=True)
class Counted:
    """What the rate limit says of a request. `allowance` is None where nothing is counted; with a `refusal` it is over the limit."""

    allowance: Allowance | None = None
    refusal: TTSError | None = None


class PolicyChecks:
    """The checks of `head_checks`, the counts of `rates` and the queue of `admission`, in this order. Thread-safe."""

    def __init__(self, head_checks: HeadChecks, rates: Rates, admission: Admission) -> None:
        self._admission = admission
        self._head_checks = head_checks
        self._rates = rates

    @property
    def admission(self) -> Admission:
        """The queue."""
        return self._admission

    def check(self, environ: WSGIEnvironment) -> Access:
        """Accept a request by its head; raises Forbidden, Unauthorized or TooLarge."""
        return self._head_checks.check(environ)

    def count(self, access: Access) -> Counted:
        """Count a request for its client if its policy requires that."""
        if not self._rates.rules or not reaches_view(access.head) or not access.policy.is_rate_limited:
            return Counted()
        try:
            return Counted(self._rates.take(access.client))
        except RateLimited as error:
            return Counted(self._rates.left(access.client), error)

    def admit(self, environ: WSGIEnvironment, cancellation: Cancellation) -> Admitted:
        """Accept a request, count it, and give it a ticket, as its policy says. What the queue refuses does not count."""
        try:
            access = self.check(environ)
        except TTSError as error:
            return Admitted(refusal=error)
        request_id = choose_request_id(access.head)
        counted = self.count(access)
        decided = {ACCESS: access, REQUEST_ID: request_id, ALLOWANCE: counted.allowance}
        if counted.refusal is not None or not reaches_view(access.head) or not access.policy.is_queued:
            return Admitted(refusal=counted.refusal, environ=decided)
        ticket = self._admission.acquire(
            request_id,
            size=access.head.size,
            is_large=is_large(access.head),
            is_admin=has_admin_key(access),
            cancellation=cancellation,
        )
        if ticket.refusal is None:
            return Admitted(ticket, environ=decided)
        self._admission.release(ticket)
        if counted.allowance is not None:
            self._rates.give_back(access.client)
        return Admitted(refusal=ticket.refusal, environ={**decided, ALLOWANCE: None})


def has_admin_key(access: Access) -> bool:
    """Whether a request came with a key of the role `admin`, for which it goes before others in the queue."""
    return access.key is not None and access.key.has_role(Role.ADMIN)


def reaches_view(head: RequestHead) -> bool:
    """Whether the view of the route answers a request; OPTIONS is answered without it."""
    return head.method != "OPTIONS"


def is_large(head: RequestHead) -> bool:
    """Whether a request is so large that it leaves a part of the slots to others."""
    return head.size > SMALL_BYTES
