"""The car's own control units: a checked command in, demands on the actuators out.

Drive: feed-forward of mass, road load and grade, with a slow closed loop on the measured acceleration;
blends regeneration with friction brakes; holds the car at rest; changes gear near standstill only.
Steer: curvature to wheel angle by wheelbase and the understeer gradient. They limit nothing but what the
machine cannot do: limits of comfort and safety are the guard's.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.messages import Command, Gear
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import battery, powertrain
from volant.vehicle.parameters import PlantSpec
from volant.vehicle.plant import Demand, Ground, PlantState

STAND_MPS: Final = 0.02
"""Slower than this the car counts as standing (below the quantum of the wheel speeds)."""
HOLD_MPS: Final = 0.3
"""A wish to hold closes the brakes below it; the parking lock and a change of gear need it too."""
START_MPS2: Final = 0.05
"""A standing car moves off for more than this and stays held for less."""
HOLD_GRADE: Final = 0.35
"""Brakes hold a standing car on grades up to this sine, above the 20 % that UN R13-H, annex 4, asks of
a parking brake (recalled)."""
LOOP_PER_S: Final = 0.6
"""Integral gain of the closed loop: slower than the actuators' 0.1 to 0.4 s by a factor of four."""
LOOP_MAX_MPS2: Final = 0.5
"""What the closed loop may add: it mends cornering drag and small errors of mass, nothing else."""
LOOP_ACTS_MPS2: Final = 4.0
"""The loop rests at harder demands, where limits of drive or tyres would wind it up."""
REFERENCE_LAG_S: Final = 0.15
"""How late the car is expected to follow, so that the loop does not fight the actuators' delay."""
LIGHT_ON_MPS2: Final = 1.0
"""Brake lights come on between 0.7 and 1.3 m/s2 of electric braking (UN R13-H, 5.2.22.4; recalled)."""
LIGHT_OFF_MPS2: Final = 0.7


class EcuState(msgspec.Struct, frozen=True, gc=False):
    """What the control units remember."""

    gear: Gear = Gear.PARK
    loop_mps2: float = 0.0
    reference_mps2: float = 0.0
    holding: bool = False
    """The brakes are closed to keep the car standing."""
    brake_lights: bool = False


class EcuOutput(msgspec.Struct, frozen=True, gc=False):
    """State to keep and demand to the actuators."""

    state: EcuState
    demand: Demand


def step(
    state: EcuState,
    command: Command,
    plant: PlantState,
    ground: Ground,
    spec: PlantSpec,
    dt_s: float,
) -> EcuOutput:
    """One control tick. The grade is taken as measured without error; so are speed and acceleration."""
    speed_mps = plant.speed_mps
    slow = -HOLD_MPS < speed_mps < HOLD_MPS
    gear = _gear(state.gear, command.gear, speed_mps)
    accel_mps2 = min(max(command.accel_mps2, -spec.max_decel_mps2), spec.max_decel_mps2)
    steer_rad = steer_for(command.curvature_per_m, speed_mps, spec)
    climate_w = powertrain.climate_w(ground.ambient_k, spec)
    way = -1.0 if gear is Gear.REVERSE else 1.0
    forward_mps2 = way * accel_mps2
    standing = -STAND_MPS < speed_mps < STAND_MPS
    wants_rest = gear is Gear.PARK or command.hold
    rolls_back = gear is not Gear.NEUTRAL and way * speed_mps <= STAND_MPS
    if (wants_rest and slow) or ((standing or rolls_back) and forward_mps2 <= START_MPS2):
        kept = EcuState(gear, holding=True, brake_lights=gear is not Gear.PARK)
        locked = gear is Gear.PARK
        return EcuOutput(kept, Demand(0.0, hold_force_n(spec), steer_rad, locked, climate_w))

    follow = dt_s / (REFERENCE_LAG_S + dt_s)
    reference_mps2 = state.reference_mps2 + follow * (accel_mps2 - state.reference_mps2)
    loop_mps2 = state.loop_mps2
    if abs(accel_mps2) < LOOP_ACTS_MPS2 and not slow:
        loop_mps2 += LOOP_PER_S * dt_s * (reference_mps2 - plant.accel_mps2)
        loop_mps2 = min(max(loop_mps2, -LOOP_MAX_MPS2), LOOP_MAX_MPS2)
    forward_n = way * _needed_n(accel_mps2 + loop_mps2, way, plant, ground, spec)
    light_mps2 = LIGHT_OFF_MPS2 if state.brake_lights else LIGHT_ON_MPS2
    kept = EcuState(gear, loop_mps2, reference_mps2, False, forward_mps2 < -light_mps2)
    force = _blended(forward_n, way, gear, plant, spec)
    return EcuOutput(kept, Demand(force.drive_n, force.brake_n, steer_rad, False, climate_w))


def hold_force_n(spec: PlantSpec) -> float:
    """Force of the brakes that keeps a car standing."""
    return HOLD_GRADE * spec.mass_kg * GRAVITY_MPS2


def steer_for(curvature_per_m: float, speed_mps: float, spec: PlantSpec) -> float:
    """Wheel angle for a path's curvature in steady state: atan(L k) + gradient x v^2 k."""
    steer_rad = math.atan(spec.wheelbase_m * curvature_per_m)
    steer_rad += spec.understeer_rad_per_mps2 * speed_mps * speed_mps * curvature_per_m
    return min(max(steer_rad, -spec.max_steer_rad), spec.max_steer_rad)


def _gear(now: Gear, wanted: Gear, speed_mps: float) -> Gear:
    """The gear that engages: any near standstill; when rolling only neutral, and back out of it."""
    if -HOLD_MPS < speed_mps < HOLD_MPS or wanted is Gear.NEUTRAL:
        return wanted
    fits = Gear.DRIVE if speed_mps > 0.0 else Gear.REVERSE
    return wanted if now is Gear.NEUTRAL and wanted is fits else now


def _needed_n(
    accel_mps2: float, way: float, plant: PlantState, ground: Ground, spec: PlantSpec
) -> float:
    """Force along x that gives an acceleration here: inertia, air, rolling and grade."""
    speed_mps = plant.speed_mps
    motion = 1.0 if speed_mps > 0.0 else -1.0 if speed_mps < 0.0 else way
    weight_n = spec.mass_kg * GRAVITY_MPS2
    return (
        spec.moved_mass_kg * accel_mps2
        + spec.air_n_per_mps2 * speed_mps * abs(speed_mps)
        + motion * spec.rolling_coefficient * weight_n
        + weight_n * math.sin(ground.grade_rad)
    )


class _Force(msgspec.Struct, frozen=True, gc=False):
    """A force shared between drive and friction brakes."""

    drive_n: float
    brake_n: float


def _blended(
    forward_n: float, way: float, gear: Gear, plant: PlantState, spec: PlantSpec
) -> _Force:
    """Drive for a force forward; against the motion as much regeneration as there is, brakes the rest."""
    if gear is Gear.NEUTRAL:
        return _Force(0.0, max(0.0, -forward_n))
    if forward_n > 0.0:
        return _Force(way * forward_n, 0.0)
    taken_w = battery.charge_limit_w(plant.battery, spec) + spec.base_load_w
    regen_n = min(-forward_n, powertrain.regen_force_n(plant.speed_mps, taken_w, spec))
    return _Force(-way * regen_n, -forward_n - regen_n)
