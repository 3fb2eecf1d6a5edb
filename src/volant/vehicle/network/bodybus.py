"""The body over buses: what its messages tell as one state, and a state as signals of its messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from volant.core.body import BodyState
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.words import WordEnum
from volant.vehicle.network.bodyfields import BODY_FIELDS, BodyField, body_of
from volant.vehicle.network.mapping import CarMapping, Field
from volant.wire.dbc import Reader

EVERY_NS: Final = NS_PER_S
"""The body is told at least so often, as it tells itself."""
GATHER_NS: Final = nanoseconds(2.0)
"""Messages that have not come by then do not hold up the others."""


class BodyEar:
    """What the messages of the body have told so far."""

    def __init__(self, mapping: CarMapping, readers: Mapping[str, Reader]) -> None:
        self._values: dict[str, Any] = {
            one.name: BODY_FIELDS[one.name].fitted(one.constant)
            for one in mapping.body
            if not one.message
        }
        self._fields: dict[str, list[tuple[BodyField, Field, int]]] = {}
        for field in mapping.body:
            if field.message:
                names = [one.name for one in readers[field.message].signals]
                row = BODY_FIELDS[field.name], field, names.index(field.signal)
                self._fields.setdefault(field.message, []).append(row)
        self._waiting = set(self._fields)
        self._began_ns = self._told_ns = -1
        self._changed = False

    def take(self, message: str, told: tuple[float, ...]) -> None:
        """A good frame of a message."""
        rows = self._fields.get(message)
        if rows is None:
            return
        self._waiting.discard(message)
        values = self._values
        for body_field, field, index in rows:
            value = _heard(body_field, field, told[index], values.get(field.name))
            if field.name not in values or values[field.name] != value:
                values[field.name] = value
                self._changed = True

    def body(self, stamp_ns: int) -> BodyState | None:
        """The body, when something has changed or a second is over; None between and before all is known."""
        if self._began_ns < 0:
            self._began_ns = stamp_ns
        gathering = self._waiting and stamp_ns - self._began_ns < GATHER_NS
        if not self._fields or gathering:
            return None
        if not self._changed and 0 <= stamp_ns - self._told_ns < EVERY_NS and self._told_ns >= 0:
            return None
        self._told_ns, self._changed = stamp_ns, False
        return body_of(self._values, stamp_ns)


def _heard(body_field: BodyField, field: Field, told: float, before: Any) -> Any:
    if field.absent is not None and told == field.absent:
        return None
    if field.words:
        word = next((word for word, raw in field.words.items() if raw == told), None)
        return before if word is None else body_field.fitted(word)
    return body_field.fitted(told * field.factor + field.offset)


def signals_of(mapping: CarMapping, body: BodyState) -> dict[str, dict[str, float]]:
    """Physical values of the signals that carry this body, by message."""
    found: dict[str, dict[str, float]] = {}
    for field in mapping.body:
        if not field.message:
            continue
        value = BODY_FIELDS[field.name].get(body)
        if value is None:
            if field.absent is None:
                continue
            told = field.absent
        elif field.words:
            told = field.words[value.value if isinstance(value, WordEnum) else str(value)]
        else:
            told = (float(value) - field.offset) / field.factor
        found.setdefault(field.message, {})[field.signal] = told
    return found


__all__ = ["BodyEar", "signals_of"]
