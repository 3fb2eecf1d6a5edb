"""Values, times and durations as text: VISS carries every single value as a string (Core, 4.2).

Numbers are written and read as in RFC 8259; true and false may also come as JSON has them. A number that
is not in quotes is refused, as the standard asks.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from typing import Final

from volant.caros.signals.values import MOST_ELEMENTS
from volant.caros.viss.errors import BAD_REQUEST, INVALID_DURATION, VissError
from volant.core.clock import NS_PER_S
from volant.wire.vss import FRACTIONAL, Leaf, Scalar, Value

LONGEST_NUMBER: Final = 64
"""Characters."""
MOST_DAYS: Final = 999
"""A period of history has fewer (Core, 7.2)."""
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DURATION: Final = re.compile(
    r"P(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?"
)
_SINGLE: Final = struct.Struct("<f")

Text = str | list[str]


def text_of(leaf: Leaf, value: Value) -> Text:
    """A value as VISS carries it: a string, or a list of them."""
    if isinstance(value, tuple):
        return [_scalar_text(leaf, one) for one in value]
    return _scalar_text(leaf, value)


def _scalar_text(leaf: Leaf, value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _single_text(value) if leaf.scalar == "float" else repr(value)
    return str(value)


def _single_text(value: float) -> str:
    """The shortest text that is this number of 32 bits."""
    for digits in (6, 7, 8, 9):
        text = f"{value:.{digits}g}"
        number = float(text)
        if abs(number) < 3.4e38 and _SINGLE.unpack(_SINGLE.pack(number))[0] == value:
            return text
    return repr(value)  # at the very end of the type, where rounding would leave it


def value_of(leaf: Leaf, raw: object) -> Value:
    """What a request wants to set, as the store takes it; bounds are the store's to check.

    Raises:
        VissError: bad_request, the data is not represented as the standard has it.
    """
    if not leaf.is_list:
        return _scalar_of(leaf, raw)
    if not isinstance(raw, list):
        raise VissError(BAD_REQUEST, f"Bad data: {leaf.path} takes an array of strings.")
    if len(raw) > MOST_ELEMENTS:
        raise VissError(BAD_REQUEST, f"Invalid array size: at most {MOST_ELEMENTS}.")
    return tuple(_scalar_of(leaf, one) for one in raw)


def _scalar_of(leaf: Leaf, raw: object) -> Scalar:
    if leaf.scalar == "boolean":
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in ("true", "false"):
            return raw.lower() == "true"
    elif isinstance(raw, str):
        if leaf.scalar == "string":
            return raw
        number = number_of(raw, whole=leaf.scalar not in FRACTIONAL)
        if number is not None:
            return number
    raise VissError(BAD_REQUEST, f"Bad data: {leaf.path} takes a string with a {leaf.scalar}.")


def number_of(text: object, *, whole: bool = False) -> float | int | None:
    """The number that a text says; None where it says none."""
    if not isinstance(text, str) or len(text) > LONGEST_NUMBER:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if not whole and _NUMBER.fullmatch(text) else None


def stamp_of(unix_ns: int) -> str:
    """A time in UTC as ISO 8601 with microseconds (Core, 5.3)."""
    seconds, rest_ns = divmod(unix_ns, NS_PER_S)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=rest_ns // 1000)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def duration_ns(text: object) -> int:
    """A period backwards in time, `PdddDThhHmmMssS` (ISO 8601; Core, 7.2), in nanoseconds.

    Raises:
        VissError: invalid_duration.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) <= 48 else None
    if found is None or not any(found.groups()):
        raise VissError(INVALID_DURATION, "A period is written PdddDThhHmmMssS.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    whole_s = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if whole_s >= MOST_DAYS * 86_400:
        raise VissError(INVALID_DURATION, f"A period is shorter than {MOST_DAYS} days.")
    return whole_s * NS_PER_S
