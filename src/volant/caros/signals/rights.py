"""Rights in KUKSA's scope grammar: `read|actuate|provide|create[:sub][:path]`, separated by spaces.

As its broker has it (doc/authorization.md): without a path the right holds for all; a branch covers all
below it; `*` is one level, `**` any number; `actuate`, `provide` and `create` include `read`;
`provide:data` and `provide:actuation` are the two halves of `provide`. A right that ends (`exp` of a
token) says so in `expires_s`; whoever has a clock asks `expired`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Self

from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import is_pattern, pattern_of

ACTIONS: Final = ("read", "actuate", "provide", "create")
SUBACTIONS: Final = ("data", "actuation")
"""Of `provide`."""
MOST_SCOPES: Final = 1000
LONGEST_SCOPE: Final = 64 * 1024
_KEPT: Final = 20_000
"""Paths whose answer is remembered by one set of rights."""


class _Paths:
    """Which paths one action may reach; remembers its answers."""

    __slots__ = ("_all", "_known", "_patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = list(patterns)
        self._all = "" in texts
        self._patterns: tuple[re.Pattern[str], ...] = (
            () if self._all else tuple(pattern_of(text) for text in dict.fromkeys(texts))
        )
        self._known: dict[str, bool] = {}

    def covers(self, path: str) -> bool:
        if self._all:
            return True
        known = self._known.get(path)
        if known is None:
            known = any(one.fullmatch(path) for one in self._patterns)
            if len(self._known) < _KEPT:
                self._known[path] = known
        return known


class Rights:
    """What somebody may do with which signals; does not change."""

    __slots__ = ("_actuate", "_create", "_data", "_provide", "_read", "expires_s", "scope")

    def __init__(self, scope: str, expires_s: float | None = None) -> None:
        """Rights by a scope; see `parse_scope`."""
        self.scope = scope
        self.expires_s = expires_s
        """Unix time in seconds from which nothing is allowed any more; None: never."""
        by_action = _patterns_by_action(scope)
        self._actuate = _Paths(by_action["actuate"])
        self._data = _Paths(by_action["provide"] + by_action["provide:data"])
        self._provide = _Paths(by_action["provide"] + by_action["provide:actuation"])
        self._create = _Paths(by_action["create"])
        self._read = _Paths([pattern for patterns in by_action.values() for pattern in patterns])

    @classmethod
    def all(cls) -> Self:
        """Everything, for ever: the car itself, and every client where no keys are set up."""
        return cls("read actuate provide create")

    @classmethod
    def none(cls) -> Self:
        """Nothing."""
        return cls("")

    def expired(self, now_s: float) -> bool:
        """Whether the time of these rights is over; an edge asks before each call and each message."""
        return self.expires_s is not None and now_s >= self.expires_s

    def may_read(self, path: str) -> bool:
        """Value and target of a signal; its metadata may be read by all."""
        return self._read.covers(path)

    def may_actuate(self, path: str) -> bool:
        """Ask the car to move it."""
        return self._actuate.covers(path)

    def may_provide_data(self, path: str) -> bool:
        """Say what its value is."""
        return self._data.covers(path)

    def may_provide_actuation(self, path: str) -> bool:
        """Be the one who moves it."""
        return self._provide.covers(path)

    def may_create(self, path: str) -> bool:
        """Add a signal of this path, and change its metadata."""
        return self._create.covers(path)


def parse_scope(text: str, expires_s: float | None = None) -> Rights:
    """The rights that a scope gives.

    Raises:
        SignalError: INVALID_ARGUMENT; the reason names the part that is no scope.
    """
    return Rights(text, expires_s)


def _patterns_by_action(scope: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {action: [] for action in ACTIONS}
    found["provide:data"], found["provide:actuation"] = [], []
    parts = scope.split() if len(scope) <= LONGEST_SCOPE else [scope]
    if len(parts) > MOST_SCOPES or len(scope) > LONGEST_SCOPE:
        raise SignalError(Code.INVALID_ARGUMENT, "", f"more than {MOST_SCOPES} scopes")
    for part in parts:
        action, *rest = part.split(":")
        if action == "provide" and rest and rest[0] in SUBACTIONS:
            action = f"provide:{rest.pop(0)}"
        pattern = rest[0] if rest else ""
        wrong = action not in found or len(rest) > 1 or (bool(rest) and not pattern)
        if wrong or not is_pattern(pattern) or pattern == '""':
            raise SignalError(Code.INVALID_ARGUMENT, "", f"{part[:80]!r} is no scope")
        found[action].append(pattern)
    return found


__all__ = ["ACTIONS", "Rights", "parse_scope"]
