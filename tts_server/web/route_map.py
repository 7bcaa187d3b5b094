"""Routes with policies, and the lookup of a policy by method and path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule, RuleFactory
from werkzeug.routing.exceptions import RoutingException, WebsocketMismatch

from tts_server.web.policy import UNMATCHED, Authorization, CrossSite, RoutePolicy
from tts_server.wsgi import SAFE_METHODS


class PolicyError(Exception):
    """A route is registered without a policy, or with one that does not fit its methods."""


class PolicyRule(Rule):
    """A route with its `policy`. Raises PolicyError, so that the server does not start with a route without a valid policy."""

    def __init__(self, string: str, *arguments: Any, policy: RoutePolicy | None = None, **options: Any) -> None:
        super().__init__(string, *arguments, **options)
        if policy is None:
            raise PolicyError(f"The route {string} declares no policy. Register it with policy=RoutePolicy(…).")
        unsafe = sorted((self.methods or set()) - SAFE_METHODS)
        if unsafe and policy.authorization is Authorization.NONE:
            raise PolicyError(f"The route {string} has the method {unsafe[0]}, so its policy needs an authorization.")
        if unsafe and policy.cross_site is not CrossSite.OWN_PAGES:
            raise PolicyError(f"The route {string} has the method {unsafe[0]}, so its policy needs CrossSite.OWN_PAGES.")
        self.policy = policy

    def get_empty_kwargs(self) -> Mapping[str, Any]:
        return {**super().get_empty_kwargs(), "policy": self.policy}


@dataclass(frozen=True)
class _Subtree:
    prefix: str
    unsafe: RoutePolicy
    safe: RoutePolicy


class RouteMap(Map):
    """The routes of the application. Lookups are thread-safe once all routes are registered."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._options_policies: dict[str, RoutePolicy] = {}
        self._subtrees: list[_Subtree] = []
        super().__init__(*arguments, **options)

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a route, which must be a PolicyRule."""
        super().add(rulefactory)
        for rule in rulefactory.get_rules(self):
            if not isinstance(rule, PolicyRule):
                raise PolicyError(f"The route {rule.rule} declares no policy.")
            methods = rule.methods or set()
            if "OPTIONS" in methods and not getattr(rule, "provide_automatic_options", False):
                self._options_policies[rule.rule] = rule.policy
            elif "GET" in methods:
                self._options_policies.setdefault(rule.rule, rule.policy)

    def protect(self, prefix: str, *, unsafe: RoutePolicy, safe: RoutePolicy = UNMATCHED) -> None:
        """Set the policies of requests that match no route and whose path starts with `prefix`: for safe and for unsafe methods."""
        self._subtrees.append(_Subtree(prefix, unsafe, safe))
        self._subtrees.sort(key=lambda subtree: len(subtree.prefix), reverse=True)

    def find_policy(self, method: str, path: str, *, is_websocket: bool = False) -> RoutePolicy:
        """Return the policy for a request, also if it matches no route. `path` is decoded and normalized."""
        try:
            found = self._declared(method, path, is_websocket=is_websocket)
        except WebsocketMismatch:
            found = self._declared(method, path, is_websocket=not is_websocket)
            if found is not None and found.authorization is not Authorization.NONE:
                found = None  # the route does not answer this request
        return self._unmatched(method, path) if found is None else found

    def _declared(self, method: str, path: str, *, is_websocket: bool) -> RoutePolicy | None:
        """Return the policy of the matching route, None if there is none. OPTIONS has that of GET. Raises WebsocketMismatch."""
        try:
            rule, _ = self.bind("localhost").match(path, method, return_rule=True, websocket=is_websocket)
        except WebsocketMismatch:
            raise
        except (HTTPException, RoutingException):
            return None
        if method == "OPTIONS":
            return self._options_policies.get(rule.rule)
        return rule.policy if isinstance(rule, PolicyRule) else None

    def _unmatched(self, method: str, path: str) -> RoutePolicy:
        for subtree in self._subtrees:
            if path.startswith(subtree.prefix):
                return subtree.safe if method in SAFE_METHODS else subtree.unsafe
        return UNMATCHED


def protect(routes: Blueprint, prefix: str, *, unsafe: RoutePolicy, safe: RoutePolicy = UNMATCHED) -> None:
    """Call `RouteMap.protect` once the blueprint is registered."""

    def register(state: BlueprintSetupState) -> None:
        if isinstance(state.app.url_map, RouteMap):
            state.app.url_map.protect(prefix, unsafe=unsafe, safe=safe)

    routes.record(register)
