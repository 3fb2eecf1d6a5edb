"""Filters of VISS version 2 (Core, 7): read from a request, and the triggers of subscriptions.

Drafts name the same things differently. Both are taken: `value` and `parameter`, `logic-op` and
`boundary-op`. A change is signed: `gt` 10 is a rise of more than 10 since the last capture, `lt` -10 a
fall; of a flag `gt` 0 is its rise. The first value heard is the first capture.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from volant.caros.viss.curve import LEAST_BUFFER, MOST_BUFFER, CurveLog
from volant.caros.viss.errors import FILTER_INVALID, INVALID_DURATION, VissError
from volant.caros.viss.texts import duration_ns, number_of
from volant.wire.vss import Leaf, Scalar, Value

MOST_PATHS: Final = 20
"""Relative paths in one filter."""
MOST_KEYS: Final = 20
LEAST_PERIOD_MS: Final = 10
MOST_PERIOD_MS: Final = 86_400_000
"""A day."""
LONGEST_BOUND: Final = 200
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt,
    "lte": operator.le,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timebased:
    """Tell the values again and again."""

    period_ns: int


@dataclass(frozen=True, slots=True)
class Change:
    """Tell when the value differs from the last told by so much."""

    compare: str
    diff: str


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    compare: str
    boundary: str


@dataclass(frozen=True, slots=True)
class Range:
    """Tell when the value comes into a range or leaves it."""

    bounds: tuple[Bound, ...]
    either: bool
    """One bound is enough; else all must hold."""


@dataclass(frozen=True, slots=True)
class Past:
    """Read what was recorded."""

    period_ns: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """Read what is known of signals instead of their values."""

    kind: Literal["static", "dynamic"]
    keys: tuple[str, ...]
    """Only these; empty: all."""


Operation = Timebased | Change | Range | CurveLog | Past | Metadata


@dataclass(frozen=True, slots=True)
class Filter:
    """What a request's filter asks for."""

    paths: tuple[str, ...] = ()
    """Relative to the request's path; empty: that path itself."""
    operation: Operation | None = None


def read_filter(raw: object) -> Filter:
    """The filter of a request: an object, an array of two, or a text that holds them; None for none.

    Raises:
        VissError: filter_invalid, bad_request or invalid_duration.
    """
    if raw is None:
        return Filter()
    if isinstance(raw, str):
        try:
            raw = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _invalid("the filter is no JSON") from error
    parts = _objects(raw, "a filter is one object, or an array of two")
    paths: tuple[str, ...] = ()
    operation: Operation | None = None
    for part in parts:
        kind = part.get("type", part.get("variant"))
        value = part.get("parameter", part.get("value"))
        if kind == "paths" and not paths:
            paths = _paths(value)
        elif isinstance(kind, str) and kind in _READERS and operation is None:
            operation = _READERS[kind](value)
        else:
            raise _invalid(f"{str(kind)[:40]!r} is no filter here, or stands twice")
    return Filter(paths, operation)


def _invalid(words: str) -> VissError:
    return VissError(FILTER_INVALID, f"{words[:1].upper()}{words[1:]}.")


def _objects(value: object, words: str) -> list[dict[str, Any]]:
    """One object or an array of two, as a list.

    Raises:
        VissError: filter_invalid with these words.
    """
    found = value if isinstance(value, list) else [value]
    objects = [one for one in found if isinstance(one, dict)]
    if not 1 <= len(found) <= 2 or len(objects) != len(found):
        raise _invalid(words)
    return objects


def _words(value: object, most: int, name: str) -> tuple[str, ...]:
    found = value if isinstance(value, list) else [value]
    if not 1 <= len(found) <= most or not all(isinstance(one, str) and one for one in found):
        raise _invalid(f"{name} are 1 to {most} strings")
    return tuple(found)


def _paths(value: object) -> tuple[str, ...]:
    return tuple(path.replace("/", ".") for path in _words(value, MOST_PATHS, "paths"))


def _timebased(value: object) -> Timebased:
    period = number_of(value.get("period"), whole=True) if isinstance(value, dict) else None
    if not isinstance(period, int) or not LEAST_PERIOD_MS <= period <= MOST_PERIOD_MS:
        raise VissError(
            INVALID_DURATION,
            f"A period is a string of {LEAST_PERIOD_MS} to {MOST_PERIOD_MS} milliseconds.",
        )
    return Timebased(period * 1_000_000)


def _compare(part: dict[str, Any]) -> str:
    name = part.get("logic-op", part.get("boundary-op"))
    if not isinstance(name, str) or name not in _COMPARED:
        raise _invalid(f"logic-op is one of {', '.join(_COMPARED)}")
    return name


def _bound(part: dict[str, Any], key: str) -> str:
    found = part.get(key)
    if not isinstance(found, str) or len(found) > LONGEST_BOUND:
        raise _invalid(f"{key} is a string")
    return found


def _change(value: object) -> Change:
    if not isinstance(value, dict):
        raise _invalid("a change has logic-op and diff")
    return Change(_compare(value), _bound(value, "diff"))


def _range(value: object) -> Range:
    parts = _objects(value, "a range has one or two of logic-op and boundary")
    joined = parts[0].get("combination-op", "AND")
    if joined not in ("AND", "OR"):
        raise _invalid("combination-op is AND or OR")
    bounds = tuple(Bound(_compare(part), _bound(part, "boundary")) for part in parts)
    return Range(bounds, joined == "OR")


def _curvelog(value: object) -> CurveLog:
    parts = value if isinstance(value, dict) else {}
    error, size = number_of(parts.get("maxerr")), number_of(parts.get("bufsize"), whole=True)
    if error is None or not 0.0 <= error < math.inf:
        raise _invalid("maxerr is a string with a number that is not negative")
    if not isinstance(size, int) or not LEAST_BUFFER <= size <= MOST_BUFFER:
        raise _invalid(f"bufsize is a string with {LEAST_BUFFER} to {MOST_BUFFER}")
    return CurveLog(float(error), size)


def _metadata(kind: Literal["static", "dynamic"]) -> Callable[[object], Metadata]:
    def read(value: object) -> Metadata:
        keys = () if value in (None, "", [], [""]) else _words(value, MOST_KEYS, "keys")
        return Metadata(kind, keys)

    return read


_READERS: Final[dict[str, Callable[[object], Operation]]] = {
    "timebased": _timebased,
    "change": _change,
    "range": _range,
    "curvelog": _curvelog,
    "history": lambda value: Past(duration_ns(value)),
    "static-metadata": _metadata("static"),
    "dynamic-metadata": _metadata("dynamic"),
}


# --- triggers -------------------------------------------------------------------------------------


class ChangeTrigger:
    """Fires when a value differs from the last that fired as the filter says."""

    def __init__(self, change: Change, leaf: Leaf) -> None:
        """Raises VissError filter_invalid where the signal cannot change so."""
        self._compare = _COMPARED[change.compare]
        self._flag = leaf.datatype == "boolean"
        self._numeric = self._flag or is_number(leaf)
        diff = number_of(change.diff)
        if self._numeric:
            if diff is None:
                raise _invalid("diff is no number")
        elif change.compare not in ("eq", "ne") or leaf.is_list:
            raise VissError(FILTER_INVALID)
        self._diff: float = diff or 0
        self._last: Value | None = None
        """What was told last; of a flag what was heard last, so that each rise of it is one."""

    def fires(self, value: Value) -> bool:
        """Whether this value is told; the first always is."""
        last = self._last
        if last is None:
            fired = True
        elif isinstance(value, tuple) or isinstance(last, tuple):
            fired = False
        elif self._numeric:
            fired = self._compare(float(value) - float(last), self._diff)
        else:
            fired = self._compare(value, last)
        if fired or self._flag:
            self._last = value
        return fired


class RangeTrigger:
    """Fires when a value comes into the range, and when it leaves it."""

    def __init__(self, asked: Range, leaf: Leaf) -> None:
        """Raises VissError filter_invalid where the signal has no such range."""
        if leaf.is_list:
            raise VissError(FILTER_INVALID)
        self._bounds = tuple(
            (_COMPARED[bound.compare], _boundary(bound, leaf)) for bound in asked.bounds
        )
        self._joined = any if asked.either else all
        self._inside = False

    def fires(self, value: Value) -> bool:
        """Whether this value is told; the first is when it is in the range."""
        inside = self._joined(compare(value, bound) for compare, bound in self._bounds)
        fired = inside != self._inside
        self._inside = inside
        return fired


Trigger = ChangeTrigger | RangeTrigger


def is_number(leaf: Leaf) -> bool:
    """Whether a signal's values are single numbers."""
    return not leaf.is_list and leaf.scalar not in ("boolean", "string")


def _boundary(bound: Bound, leaf: Leaf) -> Scalar:
    if is_number(leaf):
        number = number_of(bound.boundary)
        if number is None:
            raise _invalid("boundary is no number")
        return number
    if bound.compare not in ("eq", "ne"):
        raise VissError(FILTER_INVALID)
    if leaf.scalar == "string":
        return bound.boundary
    if bound.boundary not in ("true", "false"):
        raise _invalid("boundary is neither true nor false")
    return bound.boundary == "true"


__all__ = [
    "Bound", "Change", "ChangeTrigger", "Filter", "Metadata", "Operation", "Past", "Range",
    "RangeTrigger", "Timebased", "Trigger", "is_number", "read_filter",
]  # fmt: skip
