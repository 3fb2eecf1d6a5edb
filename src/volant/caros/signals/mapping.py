"""The car's messages as values of signals: `sources` says from where, this makes them fit and keeps count.

A value that its leaf could not hold is brought to the nearest that it can; what is not a number becomes
no value. So whatever the car says, the store takes it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from volant.caros.energy import route
from volant.caros.signals.sources import BY_MESSAGE, MOVING_MPS, OUTLOOK
from volant.core.body import BodyItem, BodyState
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import (
    CarState,
    DriverControls,
    EnergyState,
    Gear,
    Indicator,
    Localization,
    Message,
    Plan,
    Tracks,
)
from volant.core.units import JOULE_PER_KWH, kmh_from_mps
from volant.core.updates import UpdateState
from volant.road.georef import GeoReference
from volant.vehicle.cell import open_circuit_v
from volant.vehicle.parameters import DRIVER_KG
from volant.vehicle.spec import CarSpec
from volant.wire.vss import FRACTIONAL, WHOLE, Catalogue, Leaf, Value

_P: Final = "Vehicle.ADAS.Pilot."
_L: Final = "Vehicle.CurrentLocation."
_T: Final = "Vehicle.Powertrain.TractionBattery."
_U: Final = "Vehicle.SoftwareUpdate."
_LARGEST_SINGLE: Final = 3.4028234663852886e38
TIMES: Final = {
    BodyItem.CHARGE_TIME: _T + "Charging.Timer.Time",
    BodyItem.CONDITIONING_TIME: _T + "BatteryConditioning.TargetTime",
    BodyItem.CABIN_TIME: "Vehicle.Cabin.HVAC.Preconditioning.TargetTime",
}
"""Signals whose value is a time; the body has it in seconds of the car's clock."""
LATEST_S: Final = 1e9
"""As vehicle/body/items.py has it, some 30 years."""
SOON_S: Final = 1e-3
"""A time in the past: 0 means that there is none."""
_LAST_UNIX_NS: Final = 253_402_300_799_999_000_000
"""The end of the year 9999, the last that ISO 8601 writes."""
_EQUATOR: Final = GeoReference()
"""Where a map is taken to lie that does not say it."""
SEATS: Final = (2, 3)
"""By row."""
SUPPLY_V: Final = 12
OUTLOOK_NS: Final = 8 * NS_PER_S
"""What is expected of the charge is older only when its process has died."""
_RANGES: Final = ("Vehicle.Powertrain.Range", _T + "Range")


@dataclass(frozen=True, slots=True)
class CarShape:
    """What of a car's file the values of each moment need."""

    wheelbase_m: float
    track_m: float
    radius_m: float
    usable_j: float


@dataclass(frozen=True, slots=True)
class Counted:
    """What the mapping remembers of a trip."""

    boot_unix_ns: int
    """When the car's clock began, in Unix time."""
    from_m: float | None = None
    """Odometer at the first message."""
    from_ns: int = 0
    mean_mps: float = 0.0
    map: GeoReference = _EQUATOR
    """Where the map lies."""


def shape_of(spec: CarSpec) -> CarShape:
    """The shape of a car."""
    return CarShape(
        spec.wheelbase_m, spec.body.track_m.value, spec.tyre.radius_m.value, spec.usable_j
    )


def values_of(
    counted: Counted, new: Mapping[type[Message], Any], held: Mapping[type[Message], Any],
    shape: CarShape,
) -> tuple[Counted, dict[str, Any]]:  # fmt: skip
    """All values that new messages tell.

    Args:
        counted: what was counted so far.
        new: the messages that came since, the latest of each kind.
        held: the latest message of every kind, the new ones among them.
        shape: of the car.
    """
    found: dict[str, Any] = {}
    for kind, message in new.items():
        for path, take in BY_MESSAGE.get(kind, {}).items():
            found[path] = take(message)
    car: CarState | None = new.get(CarState)
    if car is not None:
        counted = _count(counted, car)
        found |= _outlook(car, held) | _wheels(car, shape) | _energy(car, held, shape)
        found |= _trip(counted, car, found[_RANGES[0]])
    body: BodyState | None = new.get(BodyState)
    if body is not None:
        found |= _times(counted, body)
    if UpdateState in new:
        found |= _update_times(new[UpdateState])
    if Localization in new:
        found |= _place(counted, new[Localization])
    if Tracks in new or Plan in new:
        found |= _others(held.get(Tracks), held.get(Plan))
    return counted, found


def _times(counted: Counted, body: BodyState) -> dict[str, Any]:
    """Times that the body has in seconds of the car's clock; empty where there is none."""
    charge, conditioning = body.charge, body.conditioning
    return {
        path: time_of(at_s, counted.boot_unix_ns)
        for path, at_s in (
            (TIMES[BodyItem.CHARGE_TIME], charge.time_s),
            (TIMES[BodyItem.CONDITIONING_TIME], conditioning.battery_s),
            (TIMES[BodyItem.CABIN_TIME], conditioning.cabin_s),
            (_T + "Charging.Timer.StartTime", charge.start_s),
        )
    }


def _update_times(update: UpdateState | None) -> dict[str, Any]:
    """Times of updates, which are in Unix time; empty where there is none."""
    last = None if update is None else update.last
    return {
        _U + "StartTime": time_of(None if update is None else update.starts_s, 0),
        _U + "Last.Time": time_of(None if last is None else last.at_s, 0),
    }


def time_of(at_s: float | None, boot_unix_ns: int) -> str:
    """Seconds of the car's clock as a time of VSS; empty where there is none."""
    if not at_s or not math.isfinite(at_s):
        return ""
    return iso8601(boot_unix_ns + nanoseconds(min(at_s, _LAST_UNIX_NS / NS_PER_S)))


def car_seconds(text: str, boot_unix_ns: int) -> float:
    """A time in ISO 8601 as seconds of the car's clock, not before its begin; empty: 0.

    Raises:
        ValueError: it is no time, has no zone, or lies more than 30 years ahead.
    """
    if not text:
        return 0.0
    at = dt.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no time zone, as the Z of 2026-11-30T07:00:00Z")
    found_s = at.timestamp() - boot_unix_ns / NS_PER_S
    if found_s > LATEST_S:
        raise ValueError("too far ahead")
    return max(SOON_S, found_s)


def _place(counted: Counted, place: Localization) -> dict[str, Any]:
    latitude, longitude = counted.map.degrees(place.x_m, place.y_m)
    return {
        _L + "Latitude": latitude,
        _L + "Longitude": longitude,
        _L + "Timestamp": iso8601(counted.boot_unix_ns + place.stamp_ns),
    }


def _count(counted: Counted, car: CarState) -> Counted:
    if counted.from_m is None:
        return replace(counted, from_m=car.odometer_m, from_ns=car.stamp_ns)
    duration_s = (car.stamp_ns - counted.from_ns) / NS_PER_S
    mean_mps = (car.odometer_m - counted.from_m) / duration_s if duration_s > 0.0 else 0.0
    return replace(counted, mean_mps=mean_mps)


def _outlook(car: CarState, held: Mapping[type[Message], Any]) -> dict[str, Any]:
    """What is expected of the charge; without who expects it, the car's own range and nothing else."""
    energy: EnergyState | None = held.get(EnergyState)
    if energy is None or abs(car.stamp_ns - energy.stamp_ns) > OUTLOOK_NS:
        return dict.fromkeys(OUTLOOK) | dict.fromkeys(_RANGES, car.range_m)
    return {path: take(energy) for path, take in OUTLOOK.items()}


def _trip(counted: Counted, car: CarState, range_m: float) -> dict[str, Any]:
    left_s = range_m / counted.mean_mps if counted.mean_mps > MOVING_MPS else None
    return {
        "Vehicle.StartTime": iso8601(counted.boot_unix_ns + counted.from_ns),
        "Vehicle.TripDuration": (car.stamp_ns - counted.from_ns) / NS_PER_S,
        "Vehicle.TraveledDistanceSinceStart": car.odometer_m - (counted.from_m or 0.0),
        "Vehicle.AverageSpeed": kmh_from_mps(counted.mean_mps),
        "Vehicle.Powertrain.TimeRemaining": left_s,
        _T + "TimeRemaining": left_s,
    }


def _wheels(car: CarState, shape: CarShape) -> dict[str, Any]:
    """Speed of each wheel of a rigid car that turns about the middle of its rear axle."""
    found: dict[str, Any] = {}
    way = -1.0 if car.speed_mps < 0.0 else 1.0
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        rear_mps = car.speed_mps + sign * car.yaw_rate_rps * shape.track_m / 2.0
        front_mps = way * math.hypot(rear_mps, car.yaw_rate_rps * shape.wheelbase_m)
        for row, speed_mps in (("Row1", front_mps), ("Row2", rear_mps)):
            path = f"Vehicle.Chassis.Axle.{row}.Wheel.{side}."
            found[path + "Speed"] = kmh_from_mps(speed_mps)
            found[path + "AngularSpeed"] = math.degrees(speed_mps / shape.radius_m)
    return found


def _energy(car: CarState, held: Mapping[type[Message], Any], shape: CarShape) -> dict[str, Any]:
    left_j = car.charge_pct / 100.0 * shape.usable_j
    body: BodyState | None = held.get(BodyState)
    charging_w = 0.0 if body is None else body.charge.power_w
    gained_mps = charging_w * car.range_m / left_j if left_j > 0.0 else 0.0
    return {
        _T + "StateOfCharge.CurrentEnergy": left_j / JOULE_PER_KWH,
        _T + "Charging.ChargeRate": kmh_from_mps(gained_mps),
    }


def _others(tracks: Tracks | None, plan: Plan | None) -> dict[str, Any]:
    lead = None
    if tracks is not None and plan is not None:
        lead = next((one for one in tracks.tracks if one.track_id == plan.lead_id), None)
    return {
        _P + "Objects.Count": None if tracks is None else len(tracks.tracks),
        _P + "Lead.Speed": None if lead is None else kmh_from_mps(lead.speed_mps),
        _P + "Lead.Class": "none" if lead is None else lead.object_class.value,
    }


def facts_of(spec: CarSpec, vin: str) -> dict[str, Any]:
    """Values that do not change while the car is up: of its file, and of what it has not."""
    brand, _, model = spec.title.partition(" ")
    cells = spec.battery.cells_in_series.value
    front = spec.motor.driven_front_share.value
    driven = "FORWARD_WHEEL_DRIVE" if front == 1.0 else "REAR_WHEEL_DRIVE"
    motor = "Vehicle.Powertrain.ElectricMotor."
    turning_m = 2.0 * (
        math.hypot(1.0 / spec.max_curvature_per_m + spec.body.track_m.value / 2, spec.wheelbase_m)
    )
    axles = {
        f"Vehicle.Chassis.Axle.{row}.{name}": value
        for row in ("Row1", "Row2")
        for name, value in (("TrackWidth", 1000.0 * spec.body.track_m.value), ("WheelCount", 2))
    }
    return axles | {
        "Vehicle.LowVoltageBattery.NominalVoltage": SUPPLY_V,
        "Vehicle.Length": 1000.0 * spec.length_m,
        "Vehicle.Height": 1000.0 * spec.height_m,
        "Vehicle.WidthExcludingMirrors": 1000.0 * spec.width_m,
        "Vehicle.CurbWeight": spec.body.kerb_mass_kg.value,
        "Vehicle.GrossWeight": spec.body.gross_mass_kg.value,
        "Vehicle.CurrentOverallWeight": spec.body.kerb_mass_kg.value + DRIVER_KG,
        "Vehicle.TurningDiameter": 1000.0 * turning_m,
        "Vehicle.VehicleIdentification.VIN": vin,
        "Vehicle.VehicleIdentification.Brand": brand,
        "Vehicle.VehicleIdentification.Model": model,
        "Vehicle.VehicleIdentification.VehicleSeatingCapacity": sum(SEATS),
        "Vehicle.VehicleIdentification.VehicleConfiguration": spec.name,
        "Vehicle.VersionVSS.Major": 6,
        "Vehicle.VersionVSS.Minor": 0,
        "Vehicle.VersionVSS.Patch": 0,
        "Vehicle.VersionVSS.Label": "",
        "Vehicle.Chassis.Wheelbase": 1000.0 * spec.wheelbase_m,
        "Vehicle.Chassis.AxleCount": 2,
        "Vehicle.Powertrain.Type": "ELECTRIC",
        motor + "MaxPower": spec.motor.peak_power_w.value / 1000.0,
        motor + "MaxTorque": spec.motor.peak_torque_nm.value,
        motor + "MaxRegenPower": spec.motor.regen_power_w.value / 1000.0,
        _T + "GrossCapacity": spec.battery.gross_kwh.value,
        _T + "NetCapacity": spec.usable_j / JOULE_PER_KWH,
        _T + "NominalVoltage": open_circuit_v(0.5, cells),
        _T + "MaxVoltage": open_circuit_v(1.0, cells),
        _T + "IsPowerConnected": True,
        _T + "Charging.IsDischarging": False,
        _T + "Charging.ChargingPort.AnyPosition.SupportedInletTypes": ("IEC_TYPE_2_AC", "OTHER"),
        "Vehicle.Powertrain.Transmission.DriveType": (
            driven if front in (0.0, 1.0) else "ALL_WHEEL_DRIVE"
        ),
        "Vehicle.Powertrain.Transmission.GearCount": 1,
        "Vehicle.Body.Raindetection.Intensity": 0,
        "Vehicle.Cabin.DoorCount": 4,
        "Vehicle.Cabin.DriverPosition": "LEFT",
        "Vehicle.Cabin.SeatRowCount": len(SEATS),
        "Vehicle.Cabin.SeatPosCount": SEATS,
        "Vehicle.ADAS.SupportedAutonomyLevel": "SAE_2",
    }


def map_facts(name: str, place: GeoReference | None) -> dict[str, Any]:
    """Values of the map that the pilot drives by; without a place it is taken to lie at 0 N, 0 E."""
    latitude, longitude = (place or _EQUATOR).degrees(0.0, 0.0)
    return {
        _P + "Map.Name": name,
        _P + "Map.IsPlaced": place is not None,
        _P + "Map.Origin.Latitude": latitude,
        _P + "Map.Origin.Longitude": longitude,
    }


def iso8601(unix_ns: int) -> str:
    """A time as VSS writes it, in UTC, to the millisecond; what no calendar names, the nearest that it does."""
    unix_ns = min(max(unix_ns, 0), _LAST_UNIX_NS)
    at = dt.datetime.fromtimestamp(unix_ns // NS_PER_S, tz=dt.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{unix_ns % NS_PER_S // 1_000_000:03d}Z"


def fit(leaf: Leaf, value: Any) -> Value | None:
    """The value as its leaf can hold it; None where it is none."""
    if value is None:
        return None
    if leaf.is_list:
        ones = tuple(_fit_scalar(leaf, one) for one in value)
        return tuple(one for one in ones if one is not None)
    return _fit_scalar(leaf, value)


def _fit_scalar(leaf: Leaf, value: Any) -> bool | int | float | str | None:
    scalar = leaf.scalar
    if scalar == "boolean":
        return bool(value)
    if scalar == "string":
        text = str(value)
        return text if not leaf.allowed or text in leaf.allowed else None
    if not math.isfinite(value):
        return None
    low, high = WHOLE.get(scalar, (-_LARGEST_SINGLE, _LARGEST_SINGLE))
    low = low if leaf.minimum is None else max(low, leaf.minimum)
    high = high if leaf.maximum is None else min(high, leaf.maximum)
    if scalar in FRACTIONAL:
        return float(min(max(value, low), high))
    whole: int = min(max(round(value), math.ceil(low)), math.floor(high))
    return whole


def told_paths(spec: CarSpec) -> frozenset[str]:
    """Every path that the car tells a value of."""
    rows = {path for table in BY_MESSAGE.values() for path in table}
    moment = set(TIMES.values()) | {_T + "Charging.Timer.StartTime"}
    moment |= set(_others(None, None)) | set(_update_times(None))
    moment |= {_L + one for one in ("Latitude", "Longitude", "Timestamp")}
    shape = shape_of(spec)
    moment |= set(_trip(Counted(0), _STILL, 0.0)) | set(_wheels(_STILL, shape))
    moment |= set(_energy(_STILL, {}, shape)) | set(OUTLOOK) | set(route.PATHS)
    return frozenset(rows | moment | set(facts_of(spec, "")) | set(map_facts("", None)))


def fitted(catalogue: Catalogue, found: Mapping[str, Any]) -> dict[int, Value | None]:
    """Values by the number of their leaf, each as its leaf can hold it; unknown paths are left out."""
    values: dict[int, Value | None] = {}
    for path, value in found.items():
        leaf = catalogue.get(path)
        if leaf is not None:
            values[leaf.id] = fit(leaf, value)
    return values


_STILL: Final = CarState(
    stamp_ns=0, speed_mps=0.0, accel_mps2=0.0, lateral_accel_mps2=0.0, yaw_rate_rps=0.0, steer_rad=0.0,
    gear=Gear.PARK, indicator=Indicator.OFF, hold=True, brake_lights=False, charge_pct=0.0, range_m=0.0,
    battery_power_w=0.0, battery_voltage_v=0.0, battery_temperature_k=0.0, odometer_m=0.0,
    driver=DriverControls(),
)  # fmt: skip
"""A car of which only the names of what it tells are asked."""

__all__ = [
    "TIMES", "CarShape", "Counted", "car_seconds", "facts_of", "fit", "fitted", "iso8601", "map_facts",
    "shape_of", "told_paths", "values_of",
]  # fmt: skip
