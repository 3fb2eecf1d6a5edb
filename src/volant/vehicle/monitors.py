"""Monitors of the simulated car: from what its parts say to each other to trouble codes of its control units.

A step without clock and bus. It judges only what it has heard: a message that never came is untested, and so
is silence when the monitor itself was held up. Times are those of the car, in ns; limits are our own choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from volant.core.clock import nanoseconds
from volant.core.messages import (
    CarPower,
    CarState,
    CommandSource,
    Engagement,
    Gear,
    GuardDecision,
    Indicator,
    PilotState,
)
from volant.vehicle.ecus import ECUS
from volant.vehicle.faults import FaultMemory

CAR_SILENT_NS: Final = nanoseconds(0.15)
"""The car's state comes at 100 Hz."""
PILOT_SILENT_NS: Final = nanoseconds(0.2)
"""The pilot's state comes at 20 Hz; a pilot that died is not back sooner."""
POWER_SILENT_NS: Final = nanoseconds(1.5)
"""The power state comes twice a second."""
HOT_K: Final = 333.15
"""A battery above 60 C is too hot; makers take its power away from about there (recalled)."""
OFF_NS: Final = nanoseconds(1.0)
"""What was asked must have been missing for so long: longer than any part takes to follow."""
BRAKES_ASKED_MPS2, BRAKES_LEAST_MPS2 = 2.0, 1.0
"""Asked to slow by so much, the car slows by less than this: wheels on ice apart, brakes are at fault."""
DRIVE_ASKED_MPS2, DRIVE_LEAST_MPS2, DRIVE_MOST_MPS = 1.0, 0.2, 25.0
"""The same of driving on; at higher speed the motor's power may be at its end."""
ANGLE_OFF_MPS2, ANGLE_FROM_MPS = 2.0, 5.0
"""Between the lateral acceleration of the asked path and that of the driven one, above so much speed."""
ROLLS_MPS: Final = 1.0
AWAY_NS: Final = nanoseconds(0.12)
"""A monitor that was not called for so long does not know who was silent meanwhile."""
GONE: Final = frozenset({"stale_command", "invalid_command"})
"""Reasons of the guard's stop that mean that the pilot gives no commands, or none of use."""
PARTNERS: Final = ("drive", "brake", "steer")
"""Units whose frames are behind the car's state."""
HEARERS: Final = (*PARTNERS, "cockpit")
"""Units that hear the pilot; the partners hear its commands only through the guard."""
RADARS: Final = tuple(spec.name for spec in ECUS if spec.name.startswith("radar_"))
BLIND: Final = {
    "camera_front": "camera_blocked",
    "camera_left": "camera_left_blocked",
    "camera_right": "camera_right_blocked",
    "camera_rear": "camera_rear_blocked",
    "ultrasonic": "parking_sensors_blocked",
}
"""Sensors that are wired to the pilot's unit, each with its code."""
_CODES: Final = {(spec.name, one.name): one.code for spec in ECUS for one in spec.faults}


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest messages; None: there was none yet."""

    car: CarState | None = None
    pilot: PilotState | None = None
    guard: GuardDecision | None = None
    power: CarPower | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The stamp of the latest message of one kind, and when it was new."""

    stamp_ns: int = -1
    at_ns: int = -1

    def fresh(self, now_ns: int, silent_ns: int) -> bool | None:
        """Whether it is not older than that; None: nothing ever came."""
        return None if self.at_ns < 0 else now_ns - self.at_ns <= silent_ns


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What the monitors remember from call to call."""

    called_ns: int = -1
    car: Heard = Heard()
    pilot: Heard = Heard()
    guard: Heard = Heard()
    drive_off_ns: int = -1
    """Since when the drive does not do what is asked; -1: it does, or is not asked."""
    brake_off_ns: int = -1
    steer_off_ns: int = -1


@dataclass(frozen=True, slots=True)
class Result:
    """One completed test."""

    unit: str
    """The control unit whose memory keeps it."""
    fault: str
    failed: bool


def step(state: MonitorState, seen: Seen, now_ns: int) -> tuple[MonitorState, tuple[Result, ...]]:
    """Judge what was heard until now; call it several times within `AWAY_NS`."""
    away = state.called_ns >= 0 and now_ns - state.called_ns > AWAY_NS
    now = MonitorState(
        now_ns,
        _hear(state.car, seen.car, now_ns, away),
        _hear(state.pilot, seen.pilot, now_ns, away),
        _hear(state.guard, seen.guard, now_ns, away),
    )
    now, parts = _of_parts(state, now, seen)
    found = (
        parts,
        _of_car(now, seen),
        _of_pilot(now, seen),
        _of_guard(now, seen),
        _of_power(now, seen),
    )
    return now, tuple(one for results in found for one in results)


def report(
    memories: Mapping[str, FaultMemory],
    results: Iterable[Result],
    stamp_ns: int,
    snapshot: Mapping[int, bytes],
) -> None:
    """Hand results to the memories of their units, which are all there by name."""
    for one in results:
        memories[one.unit].report(_CODES[one.unit, one.fault], one.failed, stamp_ns, snapshot)


def live_value(name: str, seen: Seen, state: MonitorState, now_ns: int) -> float:
    """A live value of `ecus` from what was heard; NaN: it is not measured, or the car is silent."""
    if name == "boot_time_s":
        return now_ns / 1e9
    if name == "supply_v":
        fresh = seen.power is not None and now_ns - seen.power.stamp_ns <= POWER_SILENT_NS
        return seen.power.supply_v if seen.power is not None and fresh else math.nan
    if name == "pilot_mode":
        if seen.pilot is None or not state.pilot.fresh(now_ns, PILOT_SILENT_NS):
            return math.nan
        return float(list(Engagement).index(seen.pilot.engagement))
    car = seen.car
    if car is None or not car.valid or not state.car.fresh(now_ns, CAR_SILENT_NS):
        return math.nan
    if name == "battery_a":
        volts = car.battery_voltage_v
        return car.battery_power_w / volts if volts > 0.0 else math.nan
    values: dict[str, float] = {
        "speed_mps": car.speed_mps,
        "accel_mps2": car.accel_mps2,
        "charge_pct": car.charge_pct,
        "odometer_m": car.odometer_m,
        "steer_rad": car.steer_rad,
        "battery_v": car.battery_voltage_v,
        "battery_k": car.battery_temperature_k,
        "hold": float(car.hold),
        "indicator": float(list(Indicator).index(car.indicator)),
        "doors_open": float(not car.driver.door_closed),
    }
    return values.get(name, math.nan)


def _hear(
    was: Heard, message: CarState | PilotState | GuardDecision | None, now_ns: int, away: bool
) -> Heard:
    if message is not None and message.stamp_ns != was.stamp_ns:
        return Heard(message.stamp_ns, now_ns)
    return Heard(was.stamp_ns, now_ns) if away and was.at_ns >= 0 else was


def _of_car(now: MonitorState, seen: Seen) -> Iterator[Result]:
    """The pilot's unit misses the frames of those who measure the car's motion; the battery is too hot."""
    fresh = now.car.fresh(now.called_ns, CAR_SILENT_NS)
    if seen.car is not None and fresh is not None:
        for partner in PARTNERS:
            yield Result("pilot", f"{partner}_lost", not (fresh and seen.car.valid))
        if fresh and seen.car.valid:
            yield Result("battery", "cells_hot", seen.car.battery_temperature_k > HOT_K)


def _of_pilot(now: MonitorState, seen: Seen) -> Iterator[Result]:
    """Units miss the pilot; and it tells which sensors it has lost, while it speaks."""
    fresh = now.pilot.fresh(now.called_ns, PILOT_SILENT_NS)
    if seen.pilot is None or fresh is None:
        return
    unguarded = now.guard.fresh(now.called_ns, CAR_SILENT_NS) is False
    for unit in HEARERS:
        yield Result(unit, "pilot_lost", not fresh or (unguarded and unit in PARTNERS))
    if not fresh:
        return
    told = set(seen.pilot.degraded)
    for radar in RADARS:
        yield Result("pilot", f"{radar}_lost", not told.isdisjoint(_codes(radar, "lost", "late")))
        yield Result("pilot", f"{radar}_counter", f"{radar}_frozen" in told)
        yield Result(radar, "blocked", f"{radar}_noisy" in told)
    for sensor, fault in BLIND.items():
        broken = _codes(sensor, "lost", "late", "frozen", "noisy")
        yield Result("pilot", fault, not told.isdisjoint(broken))
    for name in ("gnss_lost", "gnss_off"):
        yield Result("pilot", name, name in told)


def _of_guard(now: MonitorState, seen: Seen) -> Iterator[Result]:
    """The guard stops the car because the pilot is gone."""
    if seen.guard is not None and now.guard.fresh(now.called_ns, CAR_SILENT_NS):
        stops = seen.guard.source is CommandSource.MINIMAL_RISK
        yield Result("pilot", "pilot_lost", stops and seen.guard.reason in GONE)


def _of_parts(
    was: MonitorState, now: MonitorState, seen: Seen
) -> tuple[MonitorState, tuple[Result, ...]]:
    """What the guard asks for against what the car measures, while both are heard and the car rolls on.

    Units that stop the car by themselves are not asked, and blink.
    """
    car, guard, now_ns = seen.car, seen.guard, now.called_ns
    heard = now.car.fresh(now_ns, CAR_SILENT_NS) and now.guard.fresh(now_ns, CAR_SILENT_NS)
    if car is None or guard is None or not heard or not car.valid or now_ns == was.called_ns:
        return now, ()
    asked, speed_mps = guard.command, car.speed_mps
    if car.gear is not Gear.DRIVE or asked.gear is not Gear.DRIVE or speed_mps < ROLLS_MPS:
        return now, ()
    free = car.indicator is not Indicator.HAZARD
    sideways_mps2 = speed_mps * (asked.curvature_per_m * speed_mps - car.yaw_rate_rps)
    drive, torque = _judge(
        *("drive", "torque_off", was.drive_off_ns, now_ns),
        asked=free and asked.accel_mps2 >= DRIVE_ASKED_MPS2 and speed_mps < DRIVE_MOST_MPS,
        off=car.accel_mps2 < DRIVE_LEAST_MPS2,
    )
    brake, pressure = _judge(
        *("brake", "pressure_off", was.brake_off_ns, now_ns),
        asked=asked.accel_mps2 <= -BRAKES_ASKED_MPS2,
        off=car.accel_mps2 > -BRAKES_LEAST_MPS2,
    )
    steer, angle = _judge(
        *("steer", "angle_off", was.steer_off_ns, now_ns),
        asked=free and speed_mps > ANGLE_FROM_MPS,
        off=abs(sideways_mps2) > ANGLE_OFF_MPS2,
    )
    now = replace(now, drive_off_ns=drive, brake_off_ns=brake, steer_off_ns=steer)
    return now, (*torque, *pressure, *angle)


def _judge(
    unit: str, fault: str, since_ns: int, now_ns: int, *, asked: bool, off: bool
) -> tuple[int, tuple[Result, ...]]:
    """Since when a part does not do what is asked, and the result of its test, once there is one."""
    if not asked:
        return -1, ()
    if not off:
        return -1, (Result(unit, fault, False),)
    since_ns = now_ns if since_ns < 0 else since_ns
    return since_ns, (Result(unit, fault, True),) if now_ns - since_ns >= OFF_NS else ()


def _of_power(now: MonitorState, seen: Seen) -> Iterator[Result]:
    """All units are fed by the same 12 V side, so each finds it low."""
    power = seen.power
    if power is not None and now.called_ns - power.stamp_ns <= POWER_SILENT_NS:
        for spec in ECUS:
            yield Result(spec.name, "supply_low", power.supply_low)


def _codes(name: str, *ends: str) -> set[str]:
    return {f"{name}_{end}" for end in ends}
