"""What the receiving units do with commands off the bus: obey the last good one, or make safe.

Pure steps. A unit believes a command for its timeout only. After that the drive unit takes its torque
to 0 and asks for a ramp of the brakes, the brake unit ramps by itself where the drive unit is silent
too, the steering holds its angle and the body unit lights the hazard lights. A stop that has begun goes
on until the car stands: a commander that comes back in between does not know where it is. The steering
alone obeys again at once, since a moving car is safer steered than held.
"""

from __future__ import annotations

from typing import Final

import msgspec

from volant.core.messages import Command, Gear, Indicator
from volant.vehicle import ecu, silence
from volant.vehicle.ecu import EcuState
from volant.vehicle.parameters import PlantSpec
from volant.vehicle.plant import Ground, PlantState

SAFE_MPS2: Final = silence.BRAKE_MPS2
SAFE_RATE_MPS3: Final = silence.RAMP_MPS3
"""The same stop, whether the car is joined directly or by buses."""
COMMAND_NS: Final = 85_000_000
"""A command is believed this long: eight of its cycles, so that the tick at which silence is answered
begins within 100 ms of the last thing that its sender can have done (issue 4)."""


FIRST_NS: Final = 500_000_000
"""The first command, that of the car as it was put down, is believed this long: processes start together,
but none of them exactly at the beginning."""


class LongCommand(msgspec.Struct, frozen=True, gc=False):
    """What came over the bus for the drive unit."""

    accel_mps2: float
    gear: Gear
    hold: bool


class DriveState(msgspec.Struct, frozen=True, gc=False):
    """What the drive unit remembers."""

    control: EcuState
    ramp_mps2: float = 0.0
    """Of the safe stop; 0 while commands are believed."""


class DriveOutput(msgspec.Struct, frozen=True, gc=False):
    """What the drive unit does itself and asks of the brakes."""

    state: DriveState
    drive_n: float
    brake_n: float
    locked: bool
    climate_w: float


def drive_step(
    state: DriveState,
    command: LongCommand | None,
    plant: PlantState,
    ground: Ground,
    spec: PlantSpec,
    dt_s: float,
) -> DriveOutput:
    """One control tick of the drive unit; None: no command is believed."""
    stopping = state.ramp_mps2 > 0.0 and abs(plant.speed_mps) >= silence.STANDS_MPS
    if command is not None and not stopping:
        wanted = Command(
            stamp_ns=0,
            accel_mps2=command.accel_mps2,
            curvature_per_m=0.0,
            gear=command.gear,
            hold=command.hold,
        )
        output = ecu.step(state.control, wanted, plant, ground, spec, dt_s)
        demand = output.demand
        return DriveOutput(
            DriveState(output.state),
            demand.drive_n,
            demand.brake_n,
            demand.locked,
            demand.climate_w,
        )
    ramp_mps2 = min(state.ramp_mps2 + SAFE_RATE_MPS3 * dt_s, SAFE_MPS2)
    against = -1.0 if plant.speed_mps >= 0.0 else 1.0
    gear = state.control.gear
    wanted = Command(
        stamp_ns=0, accel_mps2=against * ramp_mps2, curvature_per_m=0.0, gear=gear, hold=True
    )
    output = ecu.step(state.control, wanted, plant, ground, spec, dt_s)
    demand = output.demand
    # Torque is off, so the friction brakes also do what the motor would have regenerated.
    regen_n = max(0.0, against * demand.drive_n)
    return DriveOutput(
        DriveState(output.state, ramp_mps2),
        0.0,
        demand.brake_n + regen_n,
        demand.locked,
        demand.climate_w,
    )


class BrakeState(msgspec.Struct, frozen=True, gc=False):
    """What the brake unit remembers."""

    force_n: float = 0.0
    alone: bool = False
    """Braking by itself: requests stay away."""


def brake_step(
    state: BrakeState, request_n: float | None, plant: PlantState, spec: PlantSpec, dt_s: float
) -> BrakeState:
    """One control tick of the brake unit; None: no request is believed."""
    if request_n is not None:
        return BrakeState(request_n)
    if -ecu.STAND_MPS < plant.speed_mps < ecu.STAND_MPS:
        return BrakeState(ecu.hold_force_n(spec), alone=True)
    step_n = spec.moved_mass_kg * SAFE_RATE_MPS3 * dt_s
    most_n = spec.moved_mass_kg * SAFE_MPS2
    return BrakeState(max(state.force_n, min(state.force_n + step_n, most_n)), alone=True)


class SteerState(msgspec.Struct, frozen=True, gc=False):
    """What the steering remembers."""

    angle_rad: float
    held: bool = False
    """Holding by itself: commands stay away."""


def steer_step(
    state: SteerState, curvature_per_m: float | None, speed_mps: float, spec: PlantSpec
) -> SteerState:
    """One control tick of the steering; None: no command is believed, so the angle is held."""
    if curvature_per_m is None:
        return SteerState(state.angle_rad, held=True)
    return SteerState(ecu.steer_for(curvature_per_m, speed_mps, spec))


def body_step(indicator: Indicator | None, *, stopping: bool = False) -> Indicator:
    """What the body unit lights; None: no command is believed, so everybody is warned.

    So they are while the drive unit says that it stops the car by itself.
    """
    return Indicator.HAZARD if indicator is None or stopping else indicator
