"""What a route requires of its requests, declared where the route is registered: `@routes.get(path, policy=LISTING)`.

The guard, the queue, the CSRF and CORS checks, the access log and `/openapi.json` read it; no other module knows paths of routes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from tts_server.keys import Role


class Authorization(enum.Enum):
    """What a request has to bring on a server that has keys."""

    NONE = "none"
    """No key. Only for methods that change nothing."""

    LISTING = "any role; none with `LISTINGS_OPEN`"
    ANY_ROLE = "any role"
    SPEECH = "speech"
    VOICES = "voices"
    ADMIN = "admin"

    @property
    def role(self) -> Role | None:
        """The role that the key needs; None where every key will do, or none is needed."""
        return {Authorization.SPEECH: Role.SPEECH, Authorization.VOICES: Role.VOICES, Authorization.ADMIN: Role.ADMIN}.get(self)


class CrossSite(enum.Enum):
    """What a page of another site, whose origin is not in CORS_ORIGINS, can make a user's browser do.

    Every method that is not safe has OWN_PAGES. Programs that are no browsers send neither Origin nor Sec-Fetch-Site, and are not refused.
    """

    ANYTHING = "link, embed"
    LINK = "link"
    """Follow a link: the page with the link learns nothing of the reply."""

    NOTHING = "nothing"
    """Neither link nor embed. A request passes whose browser does not say which site it comes from."""

    OWN_PAGES = "nothing but from an origin that is allowed"
    """As NOTHING, but a browser has to name an origin that is allowed."""


@dataclass(frozen=True, kw_only=True)
class RoutePolicy:
    """The requirements of a route. Every default is the strictest value.

    `is_queued`: its requests make or take audio, and wait for a slot. `is_rate_limited`: RATE_LIMIT counts them.
    `is_administrative`: refused (403 `admin_off`) on a server without keys that others can reach. `allows_cors`: pages of the origins in
    CORS_ORIGINS may use it. `max_body_bytes` is None for the limit of the whole server. `is_health_probe`: answered to load balancers
    that send no Host, and logged at the level DEBUG while all is well. `undocumented` says why `/openapi.json` leaves the route out.
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
"""A GET that everybody may send: health, the page, the documentation."""

READING = replace(PUBLIC, authorization=Authorization.SPEECH, cross_site=CrossSite.LINK)
"""A GET that is answered at once."""

LISTING = replace(READING, authorization=Authorization.LISTING)
"""A GET that names voices or models."""

SPEAKING = replace(READING, is_queued=True, is_rate_limited=True, cross_site=CrossSite.OWN_PAGES)
"""A POST that makes audio, or takes it."""

SPEAKING_BY_GET = replace(SPEAKING, cross_site=CrossSite.NOTHING)
"""A GET that makes audio. Media elements send neither Origin nor, in old browsers, the site that they belong to."""

VOICE_CHANGE = RoutePolicy(authorization=Authorization.VOICES, is_queued=False, is_rate_limited=False, allows_cors=True)
"""A change of voices or pronunciation dictionaries that is answered at once."""

ADMINISTRATION = replace(VOICE_CHANGE, authorization=Authorization.ADMIN)
"""A change of the server's models."""

ADMIN_READING = replace(READING, authorization=Authorization.ADMIN, is_administrative=True)
"""A GET that shows what only administrators may know."""

UNMATCHED = READING
"""For a request that matches no route. It needs a key with the role `speech`, so that a client without one cannot find out which routes
exist."""
