"""What VISS asks of the signal store, whichever way the request came: rights, paths, reading, setting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.tokens import TokenExpiredError, name_of
from volant.caros.signals.values import SignalError
from volant.caros.viss.errors import (
    BAD_REQUEST,
    FILTER_INVALID,
    INVALID_PATH,
    READ_ONLY,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_MISSING,
    UNAVAILABLE_DATA,
    VissError,
    error_of,
)
from volant.caros.viss.filters import Filter, Metadata, Past
from volant.caros.viss.history import History
from volant.caros.viss.metadata import CAPABILITIES, DYNAMIC, static_of, tree
from volant.caros.viss.texts import stamp_of, text_of, value_of
from volant.wire.vss import LONGEST_PATH, Leaf, Value, is_path, is_pattern

BEARER: Final = "Bearer "

Data = dict[str, Any] | list[dict[str, Any]]


class Checker(Protocol):
    """Gives the rights of a token."""

    def rights(self, token: str, now_s: float) -> Rights:
        """Of its bearer; raises SignalError where it is not believed."""


STRANGER: Final = "viss:"
"""Before the address of a client that is no app."""


class Service:
    """One store, as VISS sees it."""

    def __init__(
        self,
        store: SignalStore,
        checker: Checker | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        history: History | None = None,
    ) -> None:
        """Args:
        checker: None serves everybody with all rights.
        now_ns: Unix time.
        history: that is kept already; None: a new one.
        """
        self.store, self.now_ns = store, now_ns
        self.history = history or History(store)
        self._checker = checker
        self._everything = Rights.all()

    def rights(self, token: object) -> Rights:
        """What the bearer of a token may do.

        Raises:
            VissError: token_missing, token_invalid or token_expired.
        """
        if self._checker is None:
            return self._everything
        if token is None or token == "":
            raise VissError(TOKEN_MISSING)
        if not isinstance(token, str):
            raise VissError(TOKEN_INVALID)
        try:
            text = token.removeprefix(BEARER).strip()
            return self._checker.rights(text, self.now_ns() / 1e9)
        except TokenExpiredError as error:
            raise VissError(TOKEN_EXPIRED) from error
        except SignalError as error:
            raise VissError(TOKEN_INVALID) from error

    def leaves(self, path: object, paths: tuple[str, ...] = ()) -> tuple[Leaf, ...]:
        """The signals that a request addresses, each once; a branch stands for all below it.

        Args:
            path: with dots or slashes, without wildcards (Core, 4.1.2).
            paths: relative to it; `*` is one level (Core, 7.1), `**` any number, which is ours.

        Raises:
            VissError: bad_request, it is no path; invalid_path, one of them addresses nothing.
        """
        root = path_of(path)
        if not paths:
            return self._expand(root)
        found: dict[int, Leaf] = {}
        for relative in paths:
            whole = f"{root}.{relative}"
            if len(whole) > LONGEST_PATH or not is_pattern(whole):
                raise VissError(BAD_REQUEST, f"{relative[:80]!r} is no relative path.")
            for leaf in self._expand(whole):
                found[leaf.id] = leaf
        return tuple(found.values())

    def _expand(self, pattern: str) -> tuple[Leaf, ...]:
        catalogue = self.store.catalogue
        found = catalogue.expand(pattern)
        if "*" in pattern and not pattern.endswith("*"):
            # A path that ends at a branch addresses all below; one that ends in wildcards does not.
            known = {leaf.id for leaf in found}
            below = catalogue.expand(f"{pattern}.**") if is_pattern(f"{pattern}.**") else ()
            found = (*found, *(leaf for leaf in below if leaf.id not in known))
        if not found:
            raise VissError(INVALID_PATH)
        return found

    def read(self, path: object, asked: Filter, token: object) -> dict[str, Any]:
        """What a read request is answered: `data`, or `metadata` where that was asked for.

        Raises:
            VissError: why it is not.
        """
        operation = asked.operation
        if isinstance(operation, Metadata):
            if operation.kind == "dynamic" and len(operation.keys) == 1:
                return self._dynamic(path, asked.paths, operation.keys[0], token)
            return {"metadata": self._metadata(path, asked.paths, operation, token)}
        if operation is not None and not isinstance(operation, Past):
            raise VissError(FILTER_INVALID, "It is for subscriptions.")
        rights = self.rights(token)
        leaves = self.leaves(path, asked.paths)
        several = bool(asked.paths) or len(leaves) > 1
        points = self.current(leaves, rights)
        if operation is None:
            found = data_of(((leaf, points[leaf.id]) for leaf in leaves), several)
        else:
            found = self._past(leaves, points, self.now_ns() - operation.period_ns, several)
        if not found:
            raise VissError(UNAVAILABLE_DATA)
        return {"data": found}

    def current(self, leaves: Iterable[Leaf], rights: Rights) -> dict[int, Datapoint | None]:
        """Current values; all or nothing.

        Raises:
            VissError: insufficient_priviledges for one of them.
        """
        try:
            return {leaf.id: self.store.get(leaf.id, rights) for leaf in leaves}
        except SignalError as error:
            raise error_of(error) from error

    def _past(
        self,
        leaves: Iterable[Leaf],
        points: Mapping[int, Datapoint | None],
        from_ns: int,
        several: bool,
    ) -> Data:
        found: list[dict[str, Any]] = []
        for leaf in leaves:
            found += series_of(leaf, self.history.since(leaf.id, from_ns, points[leaf.id]))
        return found if several or not found else found[0]

    def _metadata(
        self, path: object, paths: tuple[str, ...], asked: Metadata, token: object
    ) -> dict[str, Any]:
        store, keys = self.store, asked.keys
        root, leaves = path_of(path), self.leaves(path, paths)
        if asked.kind == "static":
            return tree(root, leaves, store.catalogue, static_of, keys, branches=True)
        for key in keys:
            _check_alone(key)
        words_of = self._dynamic_words(leaves, keys, token)
        return tree(
            root, leaves, store.catalogue, lambda leaf: words_of[leaf.id], keys, branches=False
        )

    def _dynamic(
        self, path: object, paths: tuple[str, ...], key: str, token: object
    ) -> dict[str, Any]:
        """One key is answered as values are (Core, dynamic metadata); what the server can, in its own way."""
        if key in CAPABILITIES:
            if path_of(path) != "Vehicle" or paths:
                raise VissError(FILTER_INVALID, f"{key} is asked of Vehicle, without paths.")
            return {"metadata": dict(CAPABILITIES[key])}
        leaves = self.leaves(path, paths)
        words = self._dynamic_words(leaves, (key,), token)
        stamp = stamp_of(self.now_ns())
        found: list[dict[str, Any]] = [
            {"path": leaf.path, "dp": {"value": words[leaf.id][key], "ts": stamp}}
            for leaf in leaves
            if key in words[leaf.id]
        ]
        if not found:
            raise VissError(UNAVAILABLE_DATA)
        return {"data": found if paths or len(leaves) > 1 else found[0]}

    def _dynamic_words(
        self, leaves: Iterable[Leaf], keys: tuple[str, ...], token: object
    ) -> dict[int, dict[str, str]]:
        unknown = set(keys) - DYNAMIC
        if unknown:
            raise VissError(FILTER_INVALID, f"There is no {min(unknown)[:40]!r} here.")
        rights = Rights.all() if keys == ("validate",) else self.rights(token)
        points = self.current(leaves, rights)
        guarded = self._checker is not None
        found: dict[int, dict[str, str]] = {}
        for leaf in leaves:
            point = points[leaf.id]
            there = point is not None and point.value is not None
            words = found[leaf.id] = {"availability": "available" if there else "unavailable"}
            interval_ms = self.store.interval_ms(leaf.id)
            if interval_ms:
                words["samplerate"] = f"{1000 / interval_ms:g}"
            if guarded:
                words["validate"] = "read-write"
        return found

    def set(self, path: object, raw: object, token: object, who: str) -> None:
        """Ask for an actuator to be moved; done, it has been handed to who moves it.

        Args:
            path: of the actuator.
            raw: the value as VISS has it.
            token: who asks with one is known by it, whatever connection it comes by.
            who: asks, as the arbiter is told: an address of `STRANGER`, or an app.

        Raises:
            VissError: why it was not.
        """
        rights = self.rights(token)
        if self._checker is not None and isinstance(token, str) and who.startswith(STRANGER):
            who = name_of(token)
        leaf = self.store.catalogue.get(path_of(path))
        if leaf is None:
            if self.store.catalogue.is_branch(path_of(path)):
                raise VissError(BAD_REQUEST, "A set request names one signal.")
            raise VissError(INVALID_PATH)
        if leaf.kind != "actuator":
            raise VissError(READ_ONLY)
        try:
            self.store.actuate(rights, who, {leaf.id: value_of(leaf, raw)}).raise_first()
        except SignalError as error:
            raise error_of(error) from error


def _check_alone(key: str) -> None:
    if key in CAPABILITIES:
        raise VissError(FILTER_INVALID, f"{key} is asked for alone.")


def path_of(path: object) -> str:
    """A request's path with dots.

    Raises:
        VissError: bad_request, it is none.
    """
    if not isinstance(path, str):
        raise VissError(BAD_REQUEST, "A path is a string.")
    found = path.replace("/", ".")
    if "*" in found:
        raise VissError(BAD_REQUEST, "Wildcards belong in a filter of type paths.")
    if not is_path(found):
        raise VissError(BAD_REQUEST if len(path) > LONGEST_PATH or not path else INVALID_PATH)
    return found


def _point(leaf: Leaf, value: Value, stamp_ns: int) -> dict[str, Any]:
    return {"value": text_of(leaf, value), "ts": stamp_of(stamp_ns)}


def series_of(leaf: Leaf, points: Iterable[Datapoint]) -> list[dict[str, Any]]:
    """One signal's values as one element of `data`; none where there are none."""
    dp = [_point(leaf, one.value, one.stamp_ns) for one in points if one.value is not None]
    return [{"path": leaf.path, "dp": dp[0] if len(dp) == 1 else dp}] if dp else []


def data_of(points: Iterable[tuple[Leaf, Datapoint | None]], several: bool) -> Data:
    """`data` of a response (Core, 7.11.2): an object, or an array where several signals are addressed.

    A signal without a value is left out; empty where none has one.
    """
    found = [
        {"path": leaf.path, "dp": _point(leaf, point.value, point.stamp_ns)}
        for leaf, point in points
        if point is not None and point.value is not None
    ]
    return found if several or not found else found[0]


__all__ = ["STRANGER", "Data", "Service", "data_of", "path_of", "series_of"]
