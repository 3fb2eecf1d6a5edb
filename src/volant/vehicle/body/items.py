"""What of the body can be asked for: range, travel, and when the body itself says no. A table.

Travel times are estimated from everyday cars; a speed above which something does not move is chosen, and
stands here so that it holds whoever asks and by whatever way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from volant.core.body import (
    AirWay,
    BodyItem,
    BodyPlace,
    ChargeTimer,
    Conditioning,
    LightSwitch,
    StationKind,
    WiperMode,
)
from volant.core.messages import Gear

Key = tuple[BodyItem, BodyPlace | None]

STANDING_MPS: Final = 0.5
"""Faster than this the car counts as moving: above the noise of the wheel speeds (estimated)."""
SELECTOR_MPS: Final = 0.3
"""The gear engages below it (vehicle/ecu.py, HOLD_MPS)."""
FOLDING_MPS: Final = 14.0
"""Mirrors fold below 50 km/h (chosen)."""
HORN_S: Final = 10.0
"""A horn that nobody ends ends itself (chosen)."""

_P = BodyPlace
DOORS: Final = (_P.FRONT_LEFT, _P.FRONT_RIGHT, _P.REAR_LEFT, _P.REAR_RIGHT)
SEATS: Final = (*DOORS, _P.REAR_MIDDLE)
FRONT_SEATS: Final = (_P.FRONT_LEFT, _P.FRONT_RIGHT)
SIDES: Final = (_P.LEFT, _P.RIGHT)
SCREENS: Final = (_P.FRONT, _P.REAR)


@dataclass(frozen=True, slots=True)
class Row:
    """One item; units as `BodyItem` says."""

    low: float = 0.0
    high: float = 1.0
    start: float = 0.0
    per_s: float = math.inf
    """How fast it moves; infinite: at once."""
    places: tuple[BodyPlace, ...] = ()
    words: tuple[str, ...] = ()
    """Its value is the place of a word."""
    fastest_mps: float = math.inf
    """Above it the body does not move it;"""
    only_up: bool = False
    """or does not move it up: a door may be closed at any speed."""

    @property
    def whole(self) -> bool:
        """Only whole numbers: a switch or a word."""
        return bool(self.words) or (self.low, self.high, self.per_s) == (0.0, 1.0, math.inf)


def _travel(seconds: float, **more: object) -> Row:
    return Row(high=100.0, per_s=100.0 / seconds, **more)  # type: ignore[arg-type]


_B = BodyItem
ROWS: Final[dict[BodyItem, Row]] = {
    _B.DOOR: _travel(1.5, places=DOORS, fastest_mps=STANDING_MPS, only_up=True),
    _B.DOOR_LOCK: Row(places=DOORS),
    _B.CHILD_LOCK: Row(places=DOORS),
    _B.WINDOW: _travel(4.0, places=DOORS),
    _B.WINDOW_LOCK: Row(),
    _B.HOOD: _travel(2.0, fastest_mps=STANDING_MPS, only_up=True),
    _B.BOOT: _travel(4.0, fastest_mps=STANDING_MPS, only_up=True),
    _B.BOOT_LOCK: Row(),
    _B.LIGHT_SWITCH: Row(words=tuple(one.value for one in LightSwitch), start=3.0),
    _B.PARKING_LIGHT: Row(),
    _B.RUNNING_LIGHT: Row(start=1.0),
    _B.LOW_BEAM: Row(),
    _B.HIGH_BEAM: Row(),
    _B.FOG_FRONT: Row(),
    _B.FOG_REAR: Row(),
    _B.HORN: Row(),
    _B.WIPER: Row(words=tuple(one.value for one in WiperMode)),
    _B.WIPER_INTENSITY: Row(high=5.0, start=2.0),
    _B.MIRROR_FOLD: Row(places=SIDES, fastest_mps=FOLDING_MPS),
    _B.MIRROR_HEAT: Row(places=SIDES),
    _B.MIRROR_YAW: Row(-100.0, 100.0, per_s=25.0, places=SIDES),
    _B.MIRROR_TILT: Row(-100.0, 100.0, per_s=25.0, places=SIDES),
    _B.SCREEN_HEAT: Row(places=SCREENS),
    _B.AIR_TEMPERATURE: Row(289.15, 301.15, 294.15, places=FRONT_SEATS),
    _B.AIR_FAN: Row(high=100.0, start=30.0, places=FRONT_SEATS),
    _B.AIR_WAY: Row(words=tuple(one.value for one in AirWay), start=1.0, places=FRONT_SEATS),
    _B.AIR_CONDITIONING: Row(start=1.0),
    _B.RECIRCULATION: Row(),
    _B.DEFROST: Row(),
    _B.SEAT_HEAT: Row(-100.0, 100.0, places=DOORS),
    _B.SEAT_POSITION: Row(0.0, 0.24, 0.12, 0.02, places=FRONT_SEATS, fastest_mps=STANDING_MPS),
    _B.SEAT_HEIGHT: Row(0.0, 0.06, 0.03, 0.01, places=FRONT_SEATS, fastest_mps=STANDING_MPS),
    _B.SEAT_RECLINE: Row(-0.1, 0.9, 0.4, 0.08, places=FRONT_SEATS, fastest_mps=STANDING_MPS),
    _B.SEAT_TILT: Row(-0.05, 0.15, 0.05, 0.03, places=FRONT_SEATS, fastest_mps=STANDING_MPS),
    _B.SEAT_OCCUPIED: Row(places=SEATS),
    _B.SEAT_BELT: Row(places=SEATS),
    _B.WHEEL_HEAT: Row(0.0, 100.0),
    _B.WHEEL_EXTENSION: Row(high=100.0, start=50.0, per_s=20.0, fastest_mps=STANDING_MPS),
    _B.WHEEL_TILT: Row(high=100.0, start=50.0, per_s=20.0, fastest_mps=STANDING_MPS),
    _B.DOME_LIGHT: Row(),
    _B.GLOVE_LIGHT: Row(),
    _B.AMBIENT_LIGHT: Row(places=SIDES),
    _B.AMBIENT_INTENSITY: Row(1.0, 100.0, 50.0, places=SIDES),
    _B.READING_LIGHT: Row(places=SIDES),
    _B.READING_INTENSITY: Row(1.0, 100.0, 100.0, places=SIDES),
    _B.CHARGE_FLAP: Row(fastest_mps=STANDING_MPS, only_up=True),
    _B.CHARGE_CABLE: Row(
        words=tuple(one.value for one in StationKind), fastest_mps=STANDING_MPS, only_up=True
    ),
    _B.STATION_POWER: Row(high=1e6, start=11_000.0),
    _B.CABLE_LOCK: Row(),
    _B.CHARGE_LIMIT: Row(20.0, 100.0, 80.0),
    _B.CHARGE: Row(start=1.0),
    _B.CHARGE_TIMER: Row(words=tuple(one.value for one in ChargeTimer)),
    _B.CHARGE_TIME: Row(high=1e9),
    _B.CONDITIONING: Row(words=tuple(one.value for one in Conditioning)),
    _B.CONDITIONING_TIME: Row(high=1e9),
    _B.CABIN_TIME: Row(high=1e9),
    _B.TRIP: Row(high=1e9),
    _B.GEAR: Row(words=tuple(one.value for one in Gear), fastest_mps=SELECTOR_MPS),
}
"""Every item of the body."""
FIRST: Final[dict[Key, float]] = {
    (_B.SEAT_OCCUPIED, _P.FRONT_LEFT): 1.0,
    (_B.SEAT_BELT, _P.FRONT_LEFT): 1.0,
}
"""What differs from its row at boot: somebody sits at the wheel, belted."""


def keys() -> Iterator[tuple[Key, Row]]:
    """Every item at every place it has."""
    for item, row in ROWS.items():
        for place in row.places or (None,):
            yield (item, place), row


def wanted(
    item: BodyItem, place: BodyPlace | None, value: float | None, word: str | None
) -> float | str:
    """The number that a request means; words say why it means none."""
    row = ROWS[item]
    if (place is None) != (not row.places) or (place is not None and place not in row.places):
        return "there is no such place"
    if row.words:
        if word not in row.words:
            return f"none of {', '.join(row.words)}"
        return float(row.words.index(word))
    if value is None or not math.isfinite(value):
        return "no number"
    if not row.low <= value <= row.high:
        return f"not between {row.low:g} and {row.high:g}"
    return float(round(value)) if row.whole else value


__all__ = [
    "DOORS", "FIRST", "FRONT_SEATS", "HORN_S", "ROWS", "SCREENS", "SEATS", "SIDES", "STANDING_MPS",
    "Key", "Row", "keys", "wanted",
]  # fmt: skip
