"""Forces at the two axles: loads, what the tyres carry along the car, what they hold across it."""

from __future__ import annotations

import math

import msgspec

from volant.core.units import GRAVITY_MPS2
from volant.vehicle import tyre
from volant.vehicle.parameters import PlantSpec


class Axles(msgspec.Struct, frozen=True, gc=False):
    """Loads of the axles and the friction there."""

    front_n: float
    rear_n: float
    friction_front: float
    """Across the car; along it is `PlantSpec.along_by_across` times as large."""
    friction_rear: float


class Along(msgspec.Struct, frozen=True, gc=False):
    """Forces along the car after anti-lock and traction control: drive signed, brakes as magnitudes."""

    drive_front_n: float
    drive_rear_n: float
    brake_front_n: float
    brake_rear_n: float


class Across(msgspec.Struct, frozen=True, gc=False):
    """Side forces of the axles in the wheels' axes, left positive."""

    front_n: float
    rear_n: float


NO_SIDE_FORCE = Across(0.0, 0.0)


def axles(
    accel_mps2: float, lateral_mps2: float, sin_grade: float, road: float, spec: PlantSpec
) -> Axles:
    """Loads by the accelerations of the last step; a wheel never lifts, both axles keep 5 %."""
    lean_n = (
        spec.mass_kg * (accel_mps2 + GRAVITY_MPS2 * sin_grade) * spec.cg_height_m / spec.wheelbase_m
    )
    front_n = max(spec.static_front_n - lean_n, 0.05 * spec.static_front_n)
    rear_n = max(spec.static_rear_n + lean_n, 0.05 * spec.static_rear_n)
    moved = min(0.5, abs(lateral_mps2) / GRAVITY_MPS2 * spec.cg_height_m / spec.track_m)
    dry, loss = spec.friction * road, spec.load_sensitivity
    return Axles(
        front_n,
        rear_n,
        tyre.axle_friction(dry, front_n, spec.static_front_n, moved * front_n, loss),
        tyre.axle_friction(dry, rear_n, spec.static_rear_n, moved * rear_n, loss),
    )


def along(drive_n: float, brake_n: float, way: float, axle: Axles, spec: PlantSpec) -> Along:
    """Share drive and brakes over the axles and cut them to what ideal slip control lets through.

    Drive by the drive's layout, friction brakes by load (electronic distribution). `way` is the sign of
    the motion, 0 at rest.
    """
    held = spec.abs_efficiency * spec.along_by_across
    hold_front_n = held * axle.friction_front * axle.front_n
    hold_rear_n = held * axle.friction_rear * axle.rear_n
    front_n = drive_n * spec.driven_front_share
    rear_n = drive_n - front_n
    if front_n > hold_front_n or front_n < -hold_front_n:
        front_n = math.copysign(hold_front_n, front_n)
    if rear_n > hold_rear_n or rear_n < -hold_rear_n:
        rear_n = math.copysign(hold_rear_n, rear_n)
    if brake_n == 0.0:
        return Along(front_n, rear_n, 0.0, 0.0)
    wanted_front_n = brake_n * axle.front_n / (axle.front_n + axle.rear_n)
    return Along(
        front_n,
        rear_n,
        min(wanted_front_n, max(0.0, hold_front_n + way * front_n)),
        min(brake_n - wanted_front_n, max(0.0, hold_rear_n + way * rear_n)),
    )


def across(
    speed_mps: float,
    slide_mps: float,
    yaw_rate_rps: float,
    steer_rad: float,
    used: Along,
    axle: Axles,
    spec: PlantSpec,
) -> Across:
    """Side forces by slip angle, weakened by the friction ellipse; needs a speed that is not zero."""
    pace_mps = abs(speed_mps)
    wheel_rad = steer_rad if speed_mps > 0.0 else -steer_rad
    way = 1.0 if speed_mps > 0.0 else -1.0
    slip_front_rad = (
        math.atan((slide_mps + spec.cg_to_front_m * yaw_rate_rps) / pace_mps) - wheel_rad
    )
    slip_rear_rad = math.atan((slide_mps - spec.cg_to_rear_m * yaw_rate_rps) / pace_mps)
    stretch = spec.along_by_across
    share_front = (used.drive_front_n - way * used.brake_front_n) / (
        stretch * axle.friction_front * axle.front_n
    )
    share_rear = (used.drive_rear_n - way * used.brake_rear_n) / (
        stretch * axle.friction_rear * axle.rear_n
    )
    return Across(
        math.sqrt(1.0 - share_front * share_front)
        * tyre.side_force_n(
            slip_front_rad, axle.front_n, axle.friction_front, spec.stiffness_front_per_rad, spec
        ),
        math.sqrt(1.0 - share_rear * share_rear)
        * tyre.side_force_n(
            slip_rear_rad, axle.rear_n, axle.friction_rear, spec.stiffness_rear_per_rad, spec
        ),
    )
