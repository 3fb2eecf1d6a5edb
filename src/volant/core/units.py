"""Unit conversions at the edges, and the physical constants; inside Volant everything is SI."""

from __future__ import annotations

from typing import Final

GRAVITY_MPS2: Final = 9.80665
"""Standard gravity (ISO 80000-3)."""
AIR_DENSITY_KGPM3: Final = 1.2041
"""Dry air at 20 degrees Celsius and 101 325 Pa (ideal gas law)."""
ZERO_CELSIUS_K: Final = 273.15
JOULE_PER_KWH: Final = 3.6e6
JOULE_PER_WH: Final = 3600.0

UNIT_SUFFIXES: Final[tuple[str, ...]] = (
    "_m",
    "_mps",
    "_mps2",
    "_mps3",
    "_rad",
    "_rps",
    "_rps2",
    "_per_m",
    "_per_m2",
    "_s",
    "_ns",
    "_hz",
    "_nm",
    "_n",
    "_w",
    "_j",
    "_v",
    "_a",
    "_ohm",
    "_k",
    "_kg",
    "_kgm2",
    "_pct",
    "_pa",
    "_m2",
)
"""Every suffix that a numeric message field may end in; the house test reads this table."""


def mps_from_kmh(speed_kmh: float) -> float:
    """Metres per second of a speed in kilometres per hour."""
    return speed_kmh / 3.6


def kmh_from_mps(speed_mps: float) -> float:
    """Kilometres per hour of a speed in metres per second."""
    return speed_mps * 3.6
