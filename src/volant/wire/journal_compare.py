"""Where two journals part for the first time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from volant.core.clock import seconds
from volant.wire.journal_reader import Record, read_journal


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two journals part for the first time."""

    index: int
    """Which message, counted from 0."""
    topic: str
    stamp_ns: int
    field: str
    """Path inside the message; `topic`, `stamp_ns` or `end` where the messages do not pair."""
    left: Any
    right: Any

    def __str__(self) -> str:
        at = f"{self.topic} at {seconds(self.stamp_ns):.2f} s, message {self.index}"
        return f"{at}: {self.field} is {self.left!r} and {self.right!r}"


def compare(
    left: Path | str | Iterable[Record], right: Path | str | Iterable[Record]
) -> Difference | None:
    """The first message in which two journals differ; None where all messages are the same.

    NaN equals NaN.

    Raises:
        InputError: as `read_journal`, for a path.
    """
    one, other = (
        read_journal(side) if isinstance(side, str | Path) else side for side in (left, right)
    )
    for index, (a, b) in enumerate(itertools.zip_longest(one, other)):
        found = _first_difference(index, a, b)
        if found is not None:
            return found
    return None


def _first_difference(index: int, a: Record | None, b: Record | None) -> Difference | None:
    place = a or b
    assert place is not None
    field: str
    left: Any
    right: Any
    if a is None or b is None:
        ends = tuple("end" if one is None else one.topic for one in (a, b))
        field, left, right = "end", ends[0], ends[1]
    elif a.topic != b.topic:
        field, left, right = "topic", a.topic, b.topic
    elif a.stamp_ns != b.stamp_ns:
        field, left, right = "stamp_ns", a.stamp_ns, b.stamp_ns
    else:
        found = _differing(a.message, b.message, "")
        if found is None:
            return None
        field, left, right = found
    return Difference(
        index=index,
        topic=place.topic,
        stamp_ns=place.stamp_ns,
        field=field,
        left=left,
        right=right,
    )


def _differing(a: Any, b: Any, where: str) -> tuple[str, Any, Any] | None:
    """Path and values of the first leaf that differs."""
    if isinstance(a, msgspec.Struct) and type(a) is type(b):
        pairs = ((name, getattr(a, name), getattr(b, name)) for name in a.__struct_fields__)
        found = (
            _differing(one, other, f"{where}.{name}" if where else name)
            for name, one, other in pairs
        )
        return next((one for one in found if one is not None), None)
    if isinstance(a, tuple) and isinstance(b, tuple):
        for number, (one, other) in enumerate(zip(a, b, strict=False)):
            found_inside = _differing(one, other, f"{where}[{number}]")
            if found_inside is not None:
                return found_inside
        if len(a) != len(b):
            return f"{where}.length", len(a), len(b)
        return None
    same = a == b or (a != a and b != b)  # NaN
    return None if same else (where, a, b)
