"""Values of signals: whether one may stand at a leaf, and the one error of the signal tree.

Like KUKSA's broker (kuksa.val.v2): a wrong type, a value out of min/max and one that is not among the
allowed are told apart here, and are all INVALID_ARGUMENT on its wire. Two things differ: a whole number is
taken where a fraction may stand, and what is not finite is refused, since no signal of a car is NaN.
"""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Callable
from typing import Final

from volant.core.errors import VolantError
from volant.wire.vss import FRACTIONAL, WHOLE, Leaf, Scalar, Value

LONGEST_TEXT: Final = 64 * 1024
"""Characters of a text value."""
MOST_ELEMENTS: Final = 4096
"""Of a list value."""


class Code(enum.Enum):
    """Why something about a signal was refused; an edge maps it to its own status."""

    NOT_FOUND = "not_found"
    """No such signal or branch."""
    INVALID_TYPE = "invalid_type"
    """The value is not of the signal's type."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """Below min, above max, more than the type holds, or not finite."""
    NOT_ALLOWED = "not_allowed"
    """None of the allowed values."""
    INVALID_ARGUMENT = "invalid_argument"
    """The request itself is wrong: a pattern, a buffer size, no actuator."""
    ACCESS_DENIED = "access_denied"
    UNAUTHENTICATED = "unauthenticated"
    """No token, a wrong one, or an expired one."""
    UNAVAILABLE = "unavailable"
    """Nobody provides the actuation."""
    ALREADY_EXISTS = "already_exists"
    """Another has claimed it."""
    NOT_CLAIMED = "not_claimed"
    """Published on a provider's stream without having been claimed on it (KUKSA: ABORTED)."""
    TOO_MANY = "too_many"
    """No room: subscriptions, signals, or too often."""
    REFUSED = "refused"
    """An interlock of the car says no; `reason` says why in words."""


class SignalError(VolantError):
    """Something about one signal was refused; `reason` is for people."""

    def __init__(self, code: Code, path: str, reason: str) -> None:
        self.code, self.path, self.reason = code, path, reason
        super().__init__(f"{path}: {reason}" if path else reason)


def check(leaf: Leaf, value: object) -> Value:
    """A value as the store keeps it: lists become tuples, whole numbers fractions where those stand.

    A `float` is rounded to 32 bits, so that all edges tell the same number.

    Raises:
        SignalError: INVALID_TYPE, OUT_OF_BOUNDS or NOT_ALLOWED.
    """
    return checker(leaf)(value)


def checker(leaf: Leaf) -> Callable[[object], Value]:
    """`check` of one leaf, made once."""
    one = _scalar_checker(leaf)
    if not leaf.is_list:
        return one

    def check_list(value: object) -> Value:
        if not isinstance(value, list | tuple):
            raise _wrong_type(leaf, value)
        if len(value) > MOST_ELEMENTS:
            raise SignalError(
                Code.OUT_OF_BOUNDS, leaf.path, f"{len(value)} elements, at most {MOST_ELEMENTS}"
            )
        return tuple(one(element) for element in value)

    return check_list


def _scalar_checker(leaf: Leaf) -> Callable[[object], Scalar]:
    scalar, allowed = leaf.scalar, frozenset(leaf.allowed)
    bounded: Callable[[object], Scalar]
    if scalar == "boolean":
        bounded = _flag_checker(leaf)
    elif scalar == "string":
        bounded = _text_checker(leaf)
    elif scalar in FRACTIONAL:
        bounded = _fraction_checker(leaf)
    else:
        bounded = _whole_checker(leaf)
    if not allowed:
        return bounded

    def check_allowed(value: object) -> Scalar:
        found = bounded(value)
        if found not in allowed:
            words = ", ".join(str(one) for one in leaf.allowed[:12])
            more = ", ..." if len(leaf.allowed) > 12 else ""
            raise SignalError(
                Code.NOT_ALLOWED, leaf.path, f"{_shown(value)} is none of {words}{more}"
            )
        return found

    return check_allowed


def _flag_checker(leaf: Leaf) -> Callable[[object], Scalar]:
    def check_flag(value: object) -> Scalar:
        if value is True or value is False:
            return value
        raise _wrong_type(leaf, value)

    return check_flag


def _text_checker(leaf: Leaf) -> Callable[[object], Scalar]:
    def check_text(value: object) -> Scalar:
        if not isinstance(value, str):
            raise _wrong_type(leaf, value)
        if len(value) > LONGEST_TEXT:
            raise SignalError(
                Code.OUT_OF_BOUNDS, leaf.path, f"{len(value)} characters, at most {LONGEST_TEXT}"
            )
        return value

    return check_text


def _whole_checker(leaf: Leaf) -> Callable[[object], Scalar]:
    low, high = WHOLE[leaf.scalar]
    low = low if leaf.minimum is None else max(low, math.ceil(leaf.minimum))
    high = high if leaf.maximum is None else min(high, math.floor(leaf.maximum))

    def check_whole(value: object) -> Scalar:
        if type(value) is not int:
            raise _wrong_type(leaf, value)
        if not low <= value <= high:
            raise _out_of_bounds(leaf, value, low, high)
        return value

    return check_whole


_SINGLE: Final = struct.Struct("<f")
_LARGEST_SINGLE: Final = 3.4028234663852886e38


def _fraction_checker(leaf: Leaf) -> Callable[[object], Scalar]:
    most = _LARGEST_SINGLE if leaf.scalar == "float" else 1.7976931348623157e308
    low = -most if leaf.minimum is None else float(leaf.minimum)
    high = most if leaf.maximum is None else float(leaf.maximum)
    single = leaf.scalar == "float"

    def check_fraction(value: object) -> Scalar:
        if type(value) is int:
            if not -most <= value <= most:
                raise _out_of_bounds(leaf, value, low, high)
            value = float(value)
        elif type(value) is not float:
            raise _wrong_type(leaf, value)
        if not low <= value <= high:
            raise _out_of_bounds(leaf, value, low, high)
        return _single(value) if single else value

    return check_fraction


def _single(value: float) -> float:
    """The nearest number of 32 bits; the same object where it is one already, as off the wire."""
    found: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return value if found == value else found


def _wrong_type(leaf: Leaf, value: object) -> SignalError:
    return SignalError(Code.INVALID_TYPE, leaf.path, f"{_shown(value)} is no {leaf.datatype}")


def _out_of_bounds(leaf: Leaf, value: object, low: float, high: float) -> SignalError:
    return SignalError(
        Code.OUT_OF_BOUNDS, leaf.path, f"{_shown(value)} is not between {low:g} and {high:g}"
    )


def _shown(value: Scalar | object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


__all__ = ["Code", "Scalar", "SignalError", "Value", "check", "checker"]
