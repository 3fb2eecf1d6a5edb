"""One second of driving as the signals tell it: all that the learner ever sees of the car."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from volant.caros.energy.profile import RouteProfile
from volant.core.units import ZERO_CELSIUS_K, mps_from_kmh

_T: Final = "Vehicle.Powertrain.TractionBattery."
_H: Final = "Vehicle.Cabin.HVAC."
SPEED: Final = "Vehicle.Speed"
POWER: Final = _T + "CurrentPower"
CURRENT: Final = _T + "CurrentCurrent"
CHARGE: Final = _T + "StateOfCharge.Current"
BATTERY: Final = _T + "Temperature.Average"
AMBIENT: Final = "Vehicle.Exterior.AirTemperature"
CABIN: Final = _H + "AmbientAirTemperature"
WISHED: Final = (
    _H + "Station.Row1.Driver.Temperature",
    _H + "Station.Row1.Passenger.Temperature",
)
FAN: Final = (
    _H + "Station.Row1.Driver.FanSpeed",
    _H + "Station.Row1.Passenger.FanSpeed",
)
CLIMATE: Final = _H + "IsAirConditioningActive"
HEADING: Final = "Vehicle.CurrentLocation.Heading"
TRAVELLED: Final = "Vehicle.Powertrain.Transmission.TravelledDistance"
PATHS: Final = (
    SPEED, POWER, CURRENT, CHARGE, BATTERY, AMBIENT, CABIN, *WISHED, *FAN, CLIMATE, HEADING, TRAVELLED,
)  # fmt: skip
"""Every signal that is read. Slope and limit are the route's, not the car's."""
NEEDED: Final = (SPEED, POWER, CURRENT, CHARGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was measured at one moment; about one a second."""

    stamp_ns: int
    speed_mps: float
    power_w: float
    """Out of the battery positive."""
    current_a: float
    """Out of the battery positive."""
    charge: float
    """0 to 1, of the usable part."""
    battery_k: float = 293.15
    ambient_k: float = 293.15
    cabin_k: float = 293.15
    wished_k: float = 293.15
    fan: float = 0.4
    """0 to 1."""
    climate_on: bool = True
    """Heating and cooling may run."""
    heading_rad: float = math.nan
    """East is 0, north pi/2. NaN: not known."""
    travelled_m: float = 0.0
    """By the odometer."""
    slope: float = math.nan
    """Mean rise by distance since the last sample. NaN: not known."""
    limit_mps: float = math.nan
    """Speed that a driver would expect here. NaN: not known."""
    stops_passed: int = 0
    """Places to stop at that lie between the last sample and this one."""


def sample_of(
    values: Mapping[str, Any],
    stamp_ns: int,
    profile: RouteProfile | None = None,
    before_m: float = math.nan,
    at_m: float = math.nan,
) -> Sample | None:
    """A sample from values of signals by path; None while one lacks that is needed.

    Args:
        values: the latest value of each path in `PATHS` that has one.
        stamp_ns: when they held.
        profile: the route that is driven; None: none is known.
        before_m: place on the route at the last sample.
        at_m: place on the route now.
    """
    if any(_number(values, path) is None for path in NEEDED):
        return None

    def kelvin(path: str, default_k: float) -> float:
        value = _number(values, path)
        return default_k if value is None else value + ZERO_CELSIUS_K

    ambient_k = kelvin(AMBIENT, 293.15)
    degrees = _number(values, HEADING)
    on_route = profile is not None and math.isfinite(before_m) and math.isfinite(at_m)
    on_route = on_route and 0.0 <= before_m <= at_m
    slope, limit_mps, stops = math.nan, math.nan, 0
    if profile is not None and on_route and at_m <= profile.length_m:
        slope = profile.slope_between(before_m, at_m)
        limit_mps = profile.spot(at_m).limit_mps
        stops = profile.stops_between(before_m, at_m)
    return Sample(
        stamp_ns=stamp_ns,
        speed_mps=mps_from_kmh(float(values[SPEED])),
        power_w=-float(values[POWER]),
        current_a=-float(values[CURRENT]),
        charge=min(1.0, max(0.0, float(values[CHARGE]) / 100.0)),
        battery_k=kelvin(BATTERY, ambient_k),
        ambient_k=ambient_k,
        cabin_k=kelvin(CABIN, ambient_k),
        wished_k=0.5 * (kelvin(WISHED[0], 293.15) + kelvin(WISHED[1], 293.15)),
        fan=_fan(values),
        climate_on=bool(values.get(CLIMATE, True)),
        heading_rad=math.nan if degrees is None else math.radians(90.0 - degrees),
        travelled_m=1000.0 * (_number(values, TRAVELLED) or 0.0),
        slope=slope,
        limit_mps=limit_mps,
        stops_passed=stops,
    )


def _fan(values: Mapping[str, Any]) -> float:
    both = [one for one in (_number(values, path) for path in FAN) if one is not None]
    return min(1.0, max(0.0, sum(both) / len(both) / 100.0)) if both else 0.4


def _number(values: Mapping[str, Any], path: str) -> float | None:
    value = values.get(path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


__all__ = ["PATHS", "Sample", "sample_of"]
