"""Every route and method, asked by every kind of caller: the answers follow the declared policies, and none differs from the record."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from route_walk import (
    CALLERS,
    EMBEDDED,
    FRIEND,
    LINKED,
    METHODS,
    PREFLIGHT,
    SERVERS,
    STRANGER,
    UPGRADE,
    Answer,
    Caller,
    RouteWalk,
    route_walk,
)

from tts_server.web.policy import Authorization, CrossSite, RoutePolicy

RECORD = Path(__file__).with_name("route_answers.csv")
"""Answers from before routes declared policies: a row for a path and its methods, a column for each of CALLERS."""

SAFE = ("GET", "HEAD", "OPTIONS")
STATUSES = {"forbidden_host": 403, "forbidden_origin": 403, "invalid_api_key": 401, "wrong_role": 403, "admin_off": 403}
RESONANCE = {
    "The host name": "forbidden_host",
    "Pages of other": "forbidden_origin",
    "Invalid API key": "invalid_api_key",
    "This requires a": "wrong_role",
}
"""The first words of refusals in Resonance's dialect, which has no codes and answers 403 to all of them."""

Asked = tuple[str, str, str]
"""Path, method, name of the caller."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouteWalk]:
    with route_walk(tmp_path_factory.mktemp("walk")) as walk:
        yield walk


@pytest.fixture(scope="module")
def answers(walk: RouteWalk) -> dict[Asked, Answer]:
    return {
        (path, method, name): walk.ask(caller, method, path)
        for path in walk.paths()
        for method in METHODS
        for name, caller in CALLERS.items()
    }


def policy_of(walk: RouteWalk, method: str, path: str, caller: Caller) -> RoutePolicy:
    return walk.servers[caller.server].app.url_map.find_policy(method, path, is_websocket=caller.headers == UPGRADE)


def expected_refusal(policy: RoutePolicy, method: str, caller: Caller) -> str:
    """The code of the error by which a policy refuses a request; empty where it accepts it."""
    settings = SERVERS[caller.server]
    if "Host" in caller.headers:
        return "forbidden_host"
    if method == "OPTIONS" and caller.headers == {"Origin": FRIEND, **PREFLIGHT}:
        return ""
    if policy.authorization is Authorization.NONE:
        return ""
    if is_foreign(policy, method, caller):
        return "forbidden_origin"
    if "api_keys" in settings:
        return refusal_of_key(policy, caller.key, listings_open="listings_open" in settings)
    is_exposed = "host" in settings or "X-Forwarded-For" in caller.headers
    return "admin_off" if policy.is_administrative and is_exposed else ""


def is_foreign(policy: RoutePolicy, method: str, caller: Caller) -> bool:
    """Whether a policy refuses a request for the site that it comes from."""
    needs_own_pages = method not in SAFE or policy.cross_site is CrossSite.OWN_PAGES
    if caller.headers in (EMBEDDED, LINKED):
        if needs_own_pages:
            return True
        if "cors_origins" in SERVERS[caller.server]:  # the page of an allowed origin sends no Origin with these either
            return False
        return policy.cross_site is CrossSite.NOTHING or caller.headers == EMBEDDED
    if caller.headers.get("Origin") == STRANGER:
        return needs_own_pages or policy.cross_site is CrossSite.NOTHING
    return "Referer" in caller.headers and method in SAFE and policy.cross_site is CrossSite.NOTHING


def refusal_of_key(policy: RoutePolicy, key: str, *, listings_open: bool) -> str:
    if not key and listings_open and policy.authorization is Authorization.LISTING:
        return ""
    if key in ("", "wrong"):
        return "invalid_api_key"
    role = policy.authorization.role
    return "" if role is None or key in (role.value, "admin", "plain") else "wrong_role"


def test_the_record_covers_every_kind_of_caller():
    with RECORD.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["path", "methods", *CALLERS]


def test_no_answer_differs_from_the_record(walk: RouteWalk, answers: dict[Asked, Answer]):
    differences = {}
    with RECORD.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 240
    for row in rows:
        for method in row["methods"].split():
            for name in CALLERS:
                answer = str(answers[row["path"], method, name])
                if answer != row[name]:
                    differences[row["path"], method, name] = (row[name], answer)
    assert differences == {}


def test_every_answer_follows_the_policy_of_its_route(walk: RouteWalk, answers: dict[Asked, Answer]):
    wrong = {}
    for (path, method, name), answer in answers.items():
        caller = CALLERS[name]
        policy = policy_of(walk, method, path, caller)
        refusal = expected_refusal(policy, method, caller)
        is_worked_on = not refusal and method != "OPTIONS"
        is_friend = caller.headers.get("Origin") == FRIEND
        problems = {
            "refusal": refusal != refusal_in(answer, method, refusal),
            "queue": answer.is_queued != (is_worked_on and policy.is_queued),
            "rate": answer.is_counted != (is_worked_on and policy.is_rate_limited),
            "cors": answer.is_readable != (is_friend and policy.allows_cors),
        }
        if any(problems.values()):
            wrong[path, method, name] = (str(answer), refusal, [what for what, is_wrong in problems.items() if is_wrong])
    assert wrong == {}


def refusal_in(answer: Answer, method: str, expected: str) -> str:
    """The code of the refusal that was answered; empty where there was none. HEAD has no body, so only its status is compared."""
    if method == "HEAD":
        return expected if answer.status == STATUSES.get(expected) else "" if answer.status not in (401, 403) else str(answer)
    if answer.error in RESONANCE and answer.status == 403:
        return RESONANCE[answer.error]
    return answer.error if answer.status == STATUSES.get(answer.error) else ""


def test_every_method_of_a_route_has_the_policy_that_is_declared_with_it(walk: RouteWalk):
    """HEAD has that of GET, and so has OPTIONS, which is answered without the view."""
    url_map = walk.servers["locked"].app.url_map
    paths = {rule: path for path, rule in walk.paths().items()}
    checked = 0
    for rule in url_map.iter_rules():
        for method in rule.methods - {"OPTIONS"}:
            assert url_map.find_policy(method, paths[rule.rule], is_websocket=rule.websocket) == rule.policy, (method, rule.rule)
            checked += 1
        if "GET" in rule.methods:
            assert url_map.find_policy("OPTIONS", paths[rule.rule], is_websocket=rule.websocket) == rule.policy, rule.rule
    assert checked > 60
