"""The body's state as a flat table of values and back, for buses: `doors_front_left_open_pct` and so on.

The names follow from `BodyState` itself, so a value that is added there can be mapped at once. What a car
does not tell keeps the value of a car at rest (`RESTING`).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from volant.core.body import BodyState
from volant.core.words import WordEnum

_FOUR: Final = ("front_left", "front_right", "rear_left", "rear_right")
_SIDES: Final = ("left", "right")
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "doors": _FOUR,
    "tyres": _FOUR,
    "seats": (*_FOUR, "rear_middle"),
    "mirrors": _SIDES,
    "ambient": _SIDES,
    "ambient_pct": _SIDES,
    "reading": _SIDES,
    "reading_pct": _SIDES,
    "screen_heat": ("front", "rear"),
}
"""What stands several times in the body, in the order of its tuples."""
NOT_CARRIED: Final = ("stamp_ns", "refusal", "why")
"""The reader's own time; and words, for which a signal has no room."""
RESTING: Final[Mapping[str, float]] = {
    "climate_cabin_k": 293.15,
    "climate_ambient_k": 293.15,
    **{f"tyres_{one}_pressure_pa": 250_000.0 for one in _FOUR},
    **{f"tyres_{one}_temperature_k": 293.15 for one in _FOUR},
}
"""What has no value of its own at rest, of a car that does not tell it."""


@dataclass(frozen=True, slots=True)
class BodyField:
    """One value of the body."""

    name: str
    get: Callable[[BodyState], Any]
    kind: type
    """float, int, bool or an enumeration of words."""
    low: float
    high: float
    optional: bool

    @property
    def words(self) -> tuple[str, ...]:
        """Words of an enumeration."""
        return tuple(one.value for one in self.kind) if issubclass(self.kind, WordEnum) else ()

    def fitted(self, value: float | str) -> Any:
        """The value as the field can hold it; words of none are left to the caller's check."""
        if issubclass(self.kind, WordEnum):
            return self.kind(value)
        if self.kind is bool:
            return value != 0.0
        bounded = min(max(float(value), self.low), self.high)
        return round(bounded) if self.kind is int else bounded


Getter = Callable[[Any], Any]


def _walked(kind: Any, name: str, get: Getter) -> Iterator[BodyField]:
    """All values below one place."""
    low, high, optional = -1e30, 1e30, False
    while True:
        origin, inside = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            kind = inside[0]
            for one in inside[1:]:
                low = low if one.ge is None else one.ge
                high = high if one.le is None else one.le
        elif origin in (types.UnionType, typing.Union):
            kind, optional = next(one for one in inside if one is not type(None)), True
        else:
            break
    if origin is tuple:
        places = PLACES[name.rsplit(".", 1)[-1]]
        for number, (place, one) in enumerate(zip(places, inside, strict=True)):
            yield from _walked(one, f"{name}.{place}", _item(get, number))
    elif issubclass(kind, msgspec.Struct):
        for part, one in typing.get_type_hints(kind, include_extras=True).items():
            if part not in NOT_CARRIED and part in kind.__struct_fields__:
                yield from _walked(one, f"{name}.{part}" if name else part, _attribute(get, part))
    else:
        yield BodyField(name.replace(".", "_"), get, kind, low, high, optional)


def _item(get: Getter, number: int) -> Getter:
    return lambda body: get(body)[number]


def _attribute(get: Getter, part: str) -> Getter:
    return lambda body: getattr(get(body), part)


BODY_FIELDS: Final[Mapping[str, BodyField]] = {
    one.name: one for one in _walked(BodyState, "", lambda body: body)
}
"""Every value of the body that a bus can carry, by name."""


Maker = Callable[[Mapping[str, Any]], Any]
_NONE_GIVEN: Final = object()


def _maker(kind: Any, name: str, first: Any) -> Maker:
    """Makes one place of the body from values by name; `first` stands where none is given."""
    if typing.get_origin(kind) is tuple:
        places = PLACES[name.rsplit(".", 1)[-1]]
        firsts = [first] * len(places) if first is _NONE_GIVEN else first
        kinds = typing.get_args(kind)
        makers = [
            _maker(one, f"{name}.{place}", each)
            for one, place, each in zip(kinds, places, firsts, strict=True)
        ]
        return lambda values: tuple(make(values) for make in makers)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        parts = _parts(kind, name, first)
        return lambda values: kind(**{part: make(values) for part, make in parts})
    flat = name.replace(".", "_")
    field = BODY_FIELDS[flat]
    if first is _NONE_GIVEN:
        plain = field.fitted(field.words[0]) if field.words else field.fitted(0.0)
        first = RESTING.get(flat, plain)
    return lambda values: values.get(flat, first)


def _parts(kind: type[msgspec.Struct], name: str, first: Any) -> list[tuple[str, Maker]]:
    hints, found = typing.get_type_hints(kind, include_extras=True), []
    for one in msgspec.structs.fields(kind):
        if one.name in NOT_CARRIED:
            continue
        own = _NONE_GIVEN if one.default is msgspec.NODEFAULT else one.default
        each = own if first is _NONE_GIVEN else getattr(first, one.name)
        where = f"{name}.{one.name}" if name else one.name
        found.append((one.name, _maker(hints[one.name], where, each)))
    return found


_PARTS: Final = _parts(BodyState, "", _NONE_GIVEN)


def body_of(values: Mapping[str, Any], stamp_ns: int) -> BodyState:
    """The body with these values, each fitted already, and the others at rest."""
    return BodyState(stamp_ns=stamp_ns, **{part: make(values) for part, make in _PARTS})


__all__ = ["BODY_FIELDS", "RESTING", "BodyField", "body_of"]
