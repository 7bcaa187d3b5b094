"""The table of docs/API.md that says what each route requires is that of the declarations."""

from __future__ import annotations

import re
from pathlib import Path

from tts_server.web.policy import Authorization, CrossSite, RoutePolicy
from tts_server.web.route_map import RouteMap

API = (Path(__file__).resolve().parents[2] / "docs" / "API.md").read_text(encoding="utf-8")
HEADING = "### What each route requires"
COLUMNS = ["route", "key", "queue and rate", "other sites", "without keys, from outside"]

KEYS = {
    Authorization.NONE: "none",
    Authorization.LISTING: "any, or none with `LISTINGS_OPEN`",
    Authorization.ANY_ROLE: "any",
    Authorization.SPEECH: "`speech`",
    Authorization.VOICES: "`voices`",
    Authorization.ADMIN: "`admin`",
}
SITES = {
    CrossSite.ANYTHING: "link, embed",
    CrossSite.LINK: "link",
    CrossSite.NOTHING: "nothing",
    CrossSite.OWN_PAGES: "nothing",
}


def cells(policy: RoutePolicy) -> list[str]:
    """The row of a policy, without its route."""
    return [
        KEYS[policy.authorization],
        "yes" if policy.is_queued else "no",
        SITES[policy.cross_site],
        "refused" if policy.is_administrative else "answered",
    ]


def declared(routes: RouteMap) -> dict[str, list[str]]:
    """The row of each route by its name, such as `GET /v1/voices/{voice_id}`."""
    found = {}
    for rule in routes.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            found[f"`{method} {path}`"] = cells(rule.policy)
    return found


def written() -> list[list[str]]:
    """The rows of the table, its head first."""
    section = API.partition(f"\n{HEADING}\n")[2].partition("\n#")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return [row for row in rows if not set("".join(row)) <= set("-")]


def test_the_table_says_what_the_routes_declare(server):
    head, *rows = written()
    assert head == COLUMNS
    assert {route: cells for route, *cells in rows} == declared(server.app.url_map)
    assert len(rows) == len(declared(server.app.url_map)), "a route stands there twice"


def test_what_is_queued_is_what_the_rate_counts(server):
    """The table has one column for both."""
    assert [rule.rule for rule in server.app.url_map.iter_rules() if rule.policy.is_queued != rule.policy.is_rate_limited] == []
