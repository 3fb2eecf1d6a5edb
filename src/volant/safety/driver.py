"""What the driver does, as the guard reads it, and the command that follows from hands and feet."""

from __future__ import annotations

import math

import msgspec

from volant.core.messages import CarState, Command, DriverControls, Gear, Indicator


class DriverTuning(msgspec.Struct, frozen=True, kw_only=True):
    """When a pedal or the wheel counts as used, and what the pedals ask for."""

    pressed: float = 0.02
    """Share of pedal travel that is no longer noise."""
    wheel_torque_nm: float = 3.0
    """Hands that steer. UN R79 allows 50 N at the rim for B1 (about 9 Nm, recalled); a third of it."""
    kickdown: float = 0.9
    """Accelerator travel that says "I mean it" while emergency braking acts."""
    accel_mps2: float = 4.0
    """Of the accelerator on the floor (ISO 15622's low-speed figure; the powertrain may give less)."""
    brake_mps2: float = 9.0
    """Of the brake on the floor: about what dry asphalt gives."""
    coast_mps2: float = 0.3
    """Deceleration with both pedals free, mild regeneration."""


class Touch(msgspec.Struct, frozen=True, gc=False):
    """Which controls the driver uses now."""

    accelerator: bool
    brake: bool
    wheel: bool


STANDSTILL_MPS = 0.1
"""Below this the wheels' sensors see no motion (estimated)."""


def is_finite(controls: DriverControls) -> bool:
    """Whether every measured number of the driver's controls is one."""
    return math.isfinite(
        controls.accelerator + controls.brake + controls.wheel_torque_nm + controls.wheel_angle_rad
    )


def touch_of(controls: DriverControls, tuning: DriverTuning) -> Touch:
    """Which controls are used."""
    return Touch(
        controls.accelerator > tuning.pressed,
        controls.brake > tuning.pressed,
        abs(controls.wheel_torque_nm) > tuning.wheel_torque_nm,
    )


def pedal_accel(car: CarState, controls: DriverControls, tuning: DriverTuning) -> float:
    """Acceleration along x that the pedals ask for; the brake wins over the accelerator."""
    if controls.brake > tuning.pressed:
        return -_way(car.speed_mps) * controls.brake * tuning.brake_mps2
    if controls.accelerator > tuning.pressed:
        way = {Gear.DRIVE: 1.0, Gear.REVERSE: -1.0}.get(car.gear, 0.0)
        return way * controls.accelerator * tuning.accel_mps2
    if abs(car.speed_mps) < STANDSTILL_MPS:
        return 0.0
    return -_way(car.speed_mps) * tuning.coast_mps2


def _way(speed_mps: float) -> float:
    """Forward unless the car clearly rolls backward (zero may carry a minus sign)."""
    return -1.0 if speed_mps < -STANDSTILL_MPS else 1.0


def wheel_curvature(controls: DriverControls, steering_ratio: float, wheelbase_m: float) -> float:
    """Curvature that the steering wheel's angle asks for (kinematic single track)."""
    return math.tan(controls.wheel_angle_rad / steering_ratio) / wheelbase_m


def driver_command(
    stamp_ns: int,
    car: CarState,
    controls: DriverControls,
    tuning: DriverTuning,
    *,
    curvature_per_m: float,
    held: bool,
    indicator: Indicator,
) -> Command:
    """The car driven by hand. At standstill a brake holds the car until the accelerator is pressed."""
    touch = touch_of(controls, tuning)
    still = abs(car.speed_mps) < STANDSTILL_MPS
    return Command(
        stamp_ns=stamp_ns,
        accel_mps2=pedal_accel(car, controls, tuning),
        curvature_per_m=curvature_per_m,
        gear=car.gear,
        indicator=indicator,
        hold=still and not touch.accelerator and (touch.brake or held),
    )
