"""Policies: what a route requires of its requests, declared where it is registered (`@routes.get(path, policy=LISTING)`).

The request checks, the queue, the access log and `/openapi.json` read the policy. No other module contains paths of routes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from tts_server.keys import Role


class Authorization(enum.Enum):
    """The key that a request needs on a server that has keys."""

    NONE = "none"
    """No key. Only for safe methods."""

    LISTING = "any role; none with `LISTINGS_OPEN`"
    ANY_ROLE = "any role"
    SPEECH = "speech"
    VOICES = "voices"
    ADMIN = "admin"

    @property
    def role(self) -> Role | None:
        """The role that the key needs; None if any key suffices or none is needed."""
        return {Authorization.SPEECH: Role.SPEECH, Authorization.VOICES: Role.VOICES, Authorization.ADMIN: Role.ADMIN}.get(self)


class CrossSite(enum.Enum):
    """The requests that a page of another site, whose origin is not in CORS_ORIGINS, can make a user's browser send.

    Every method that is not safe needs OWN_PAGES. Other programs send neither Origin nor Sec-Fetch-Site, and are not refused.
    """

    ANYTHING = "link, embed"
    LINK = "link"
    """Links only: the page with the link cannot read the reply."""

    NOTHING = "nothing"
    """Neither links nor embedding. Requests of browsers that do not send their site are accepted."""

    OWN_PAGES = "nothing but from an origin that is allowed"
    """As NOTHING, but a browser must send an allowed origin."""


@dataclass(frozen=True, kw_only=True)
class RoutePolicy:
    """The requirements of a route. Every default is the strictest value.

    - `is_queued`: the requests make or read audio, and wait for a slot.
    - `is_rate_limited`: RATE_LIMIT counts the requests.
    - `is_administrative`: refused (403 `admin_off`) on a server without keys that other machines can reach.
    - `allows_cors`: pages of the origins in CORS_ORIGINS may use the route.
    - `max_body_bytes`: None for the limit of the whole server.
    - `is_health_probe`: accepted without a Host, as load balancers send it, and logged at DEBUG while the status is 200.
    - `undocumented`: the reason why `/openapi.json` omits the route.
    """

    authorization: Authorization = Authorization.ADMIN
    is_queued: bool = True
    is_rate_limited: bool = True
    cross_site: CrossSite = CrossSite.OWN_PAGES
    is_administrative: bool = True
    allows_cors: bool = False
    max_body_bytes: int | None = None
    is_health_probe: bool = False
    undocumented: str = ""


PUBLIC = RoutePolicy(
    authorization=Authorization.NONE,
    is_queued=False,
    is_rate_limited=False,
    cross_site=CrossSite.ANYTHING,
    is_administrative=False,
    allows_cors=True,
)
"""A GET without any key: health, the page, the documentation."""

READING = replace(PUBLIC, authorization=Authorization.SPEECH, cross_site=CrossSite.LINK)
"""A GET that is answered at once."""

LISTING = replace(READING, authorization=Authorization.LISTING)
"""A GET that lists voices or models."""

SPEAKING = replace(READING, is_queued=True, is_rate_limited=True, cross_site=CrossSite.OWN_PAGES)
"""A POST that makes or reads audio."""

SPEAKING_BY_GET = replace(SPEAKING, cross_site=CrossSite.NOTHING)
"""A GET that makes audio. Media elements send no Origin, and in old browsers no Sec-Fetch-Site."""

VOICE_CHANGE = RoutePolicy(authorization=Authorization.VOICES, is_queued=False, is_rate_limited=False, allows_cors=True)
"""A change of voices or pronunciation dictionaries that is answered at once."""

ADMINISTRATION = replace(VOICE_CHANGE, authorization=Authorization.ADMIN)
"""A change of the server's models."""

ADMIN_READING = replace(READING, authorization=Authorization.ADMIN, is_administrative=True)
"""A GET that shows data for administrators."""

UNMATCHED = READING
"""For requests that match no route. They need a key with the role `speech`, so that a client without one cannot discover routes."""
