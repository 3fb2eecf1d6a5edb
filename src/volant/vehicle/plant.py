"""The machine in 5 ms steps: pure functions of state, demand and ground, in plain scalar Python.

A dynamic single track (yaw, side slip) with load transfer, saturating tyres and friction circle,
blended into the kinematic one at walking pace, so it stands, creeps and reverses without jitter.
Anti-lock and traction control are ideal: an axle is never asked for more than `abs_efficiency` of its
friction, and there is no wheel slip along the car. Pitch and roll are quasi-static with one lag.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.geometry import Pose
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import actuators, battery, forces, powertrain
from volant.vehicle.battery import BatteryState
from volant.vehicle.forces import Across, Along, Axles
from volant.vehicle.parameters import PlantSpec, queue_length

KINEMATIC_MPS: Final = 1.5
"""Below it the car moves kinematically: a slip angle has no meaning near standstill."""
DYNAMIC_MPS: Final = 4.0
"""Above it the tyres rule alone; linear blend between, and the explicit step stays stable from
(C_front + C_rear)/m x dt/2, about 0.5 m/s for a car."""
BODY_LAG_S: Final = 0.12
"""Pitch and roll of the body follow the acceleration (1 to 1.5 Hz, well damped; recalled)."""
LOCK_MPS: Final = 0.3
"""The parking lock engages below it."""


class Ground(msgspec.Struct, frozen=True, gc=False):
    """What the car stands on and in."""

    grade_rad: float = 0.0
    """Uphill along the car's heading is positive."""
    bank_rad: float = 0.0
    """Falling to the right is positive (ISO 8855 roll; the same as OpenDRIVE superelevation)."""
    friction: float = 1.0
    """Of the dry road's: about 0.65 wet, 0.15 ice."""
    ambient_k: float = 293.15


class Demand(msgspec.Struct, frozen=True, gc=False):
    """What the control units ask of the actuators."""

    drive_n: float = 0.0
    """Force at the driven wheels along x; against the motion it regenerates."""
    brake_n: float = 0.0
    """Force of the friction brakes, not negative, against whatever motion there is."""
    steer_rad: float = 0.0
    locked: bool = False
    """Parking lock; acts near standstill only."""
    climate_w: float = 0.0
    battery_heat_w: float = 0.0
    """Into the battery's cells; its heater's power is part of `climate_w`."""


class PlantState(msgspec.Struct, frozen=True, gc=False):
    """Everything that lives to the next step. Position: middle of the rear axle."""

    x_m: float
    y_m: float
    yaw_rad: float
    """Unwrapped."""
    speed_mps: float
    """Of the centre of gravity along x."""
    slide_mps: float
    """Of the centre of gravity along y."""
    yaw_rate_rps: float
    steer_rad: float
    drive_n: float
    brake_n: float
    accel_mps2: float
    """Of the centre of gravity along x, without gravity."""
    lateral_accel_mps2: float
    pitch_rad: float
    roll_rad: float
    odometer_m: float
    wheel_w: float
    """Mean power of the drive at the wheels in the last step."""
    friction_w: float
    """Mean power that the friction brakes took in the last step."""
    battery: BatteryState
    steer_queue: tuple[float, ...]
    brake_queue: tuple[float, ...]


def start(
    spec: PlantSpec,
    pose: Pose,
    *,
    speed_mps: float = 0.0,
    curvature_per_m: float = 0.0,
    brake_n: float = 0.0,
    charge: float = 1.0,
    temperature_k: float = 293.15,
    dt_s: float = 0.005,
) -> PlantState:
    """A car at a pose, rolling along a bend or braked; `dt_s` is the step that it will be run with."""
    steer_rad = math.atan(curvature_per_m * spec.wheelbase_m)
    return PlantState(
        pose.x_m,
        pose.y_m,
        pose.yaw_rad,
        speed_mps,
        0.0,
        speed_mps * curvature_per_m,
        steer_rad,
        0.0,
        brake_n,
        *(0.0,) * 7,
        battery.start(charge, temperature_k, spec),
        (steer_rad,) * queue_length(spec.steer_dead_time_s, dt_s),
        (brake_n,) * queue_length(spec.brake_dead_time_s, dt_s),
    )


def step(
    state: PlantState, demand: Demand, ground: Ground, spec: PlantSpec, dt_s: float
) -> PlantState:
    """One step of the car; finite for finite input, whatever is demanded.

    `dt_s` is the one that `start` was given: the dead times are queues of steps.
    """
    steer_rad, steer_queue = state.steer_rad, state.steer_queue
    steer_target_rad, brake_target_n = demand.steer_rad, demand.brake_n
    if steer_queue:
        steer_target_rad = steer_queue[0]
        steer_queue = (*steer_queue[1:], demand.steer_rad)
    brake_queue = state.brake_queue
    if brake_queue:
        brake_target_n = brake_queue[0]
        brake_queue = (*brake_queue[1:], demand.brake_n)
    steer_rad = actuators.steer_rad(steer_rad, steer_target_rad, spec, dt_s)
    brake_n = actuators.brake_n(state.brake_n, brake_target_n, spec, dt_s)
    load_w = spec.base_load_w + demand.climate_w
    drive_n = _drive_n(state, demand.drive_n, load_w, spec, dt_s)

    speed_mps = state.speed_mps
    way = 1.0 if speed_mps > 0.0 else -1.0 if speed_mps < 0.0 else 0.0
    sin_grade = math.sin(ground.grade_rad) if ground.grade_rad else 0.0
    axle = forces.axles(
        state.accel_mps2, state.lateral_accel_mps2, sin_grade, ground.friction, spec
    )
    used = forces.along(drive_n, brake_n, way, axle, spec)
    side = forces.NO_SIDE_FORCE
    if speed_mps > KINEMATIC_MPS or speed_mps < -KINEMATIC_MPS:
        side = forces.across(
            speed_mps, state.slide_mps, state.yaw_rate_rps, steer_rad, used, axle, spec
        )
    moved = _moved(state, demand, ground, steer_rad, sin_grade, way, axle, used, side, spec, dt_s)

    mean_mps = 0.5 * (speed_mps + moved.speed_mps)
    mean_rps = 0.5 * (state.yaw_rate_rps + moved.yaw_rate_rps)
    mean_slide_mps = 0.5 * (state.slide_mps + moved.slide_mps)
    rear_slide_mps = mean_slide_mps - spec.cg_to_rear_m * mean_rps
    yaw_rad = state.yaw_rad + 0.5 * dt_s * mean_rps
    cos_yaw, sin_yaw = math.cos(yaw_rad), math.sin(yaw_rad)
    accel_mps2 = (moved.speed_mps - speed_mps) / dt_s - mean_rps * mean_slide_mps
    lateral_mps2 = (moved.slide_mps - state.slide_mps) / dt_s + mean_rps * mean_mps
    wheel_w = (used.drive_front_n + used.drive_rear_n) * mean_mps
    battery_w = load_w + (powertrain.electric_w(wheel_w, spec) if wheel_w else 0.0)
    follow = dt_s / (BODY_LAG_S + dt_s)
    return PlantState(
        state.x_m + dt_s * (mean_mps * cos_yaw - rear_slide_mps * sin_yaw),
        state.y_m + dt_s * (mean_mps * sin_yaw + rear_slide_mps * cos_yaw),
        state.yaw_rad + dt_s * mean_rps,
        moved.speed_mps,
        moved.slide_mps,
        moved.yaw_rate_rps,
        steer_rad,
        drive_n,
        brake_n,
        accel_mps2,
        lateral_mps2,
        state.pitch_rad + follow * (-spec.pitch_rad_per_mps2 * accel_mps2 - state.pitch_rad),
        state.roll_rad + follow * (spec.roll_rad_per_mps2 * lateral_mps2 - state.roll_rad),
        state.odometer_m + dt_s * abs(mean_mps),
        wheel_w,
        (used.brake_front_n + used.brake_rear_n) * abs(mean_mps),
        battery.step(state.battery, battery_w, ground.ambient_k, spec, dt_s, demand.battery_heat_w),
        steer_queue,
        brake_queue,
    )


class _Moved(msgspec.Struct, frozen=True, gc=False):
    """Speeds of the centre of gravity at the end of a step."""

    speed_mps: float
    slide_mps: float
    yaw_rate_rps: float


def _moved(
    state: PlantState,
    demand: Demand,
    ground: Ground,
    steer_rad: float,
    sin_grade: float,
    way: float,
    axle: Axles,
    used: Along,
    side: Across,
    spec: PlantSpec,
    dt_s: float,
) -> _Moved:
    """Newton along, across and about the vertical; brakes and rolling stop a motion, never reverse it."""
    speed_mps, slide_mps, yaw_rate_rps = state.speed_mps, state.slide_mps, state.yaw_rate_rps
    pace_mps = abs(speed_mps)
    sin_steer, cos_steer = math.sin(steer_rad), math.cos(steer_rad)
    weight_n = spec.mass_kg * GRAVITY_MPS2
    active_n = (
        used.drive_front_n * cos_steer
        + used.drive_rear_n
        - side.front_n * sin_steer
        - spec.air_n_per_mps2 * speed_mps * pace_mps
        - weight_n * sin_grade
    )
    resist_n = used.brake_front_n + used.brake_rear_n + spec.rolling_coefficient * weight_n
    if demand.locked and pace_mps < LOCK_MPS:
        resist_n += spec.abs_efficiency * (
            axle.friction_front * axle.front_n + axle.friction_rear * axle.rear_n
        )
    free_mps = speed_mps + dt_s * (active_n / spec.moved_mass_kg + yaw_rate_rps * slide_mps)
    most_mps = dt_s * resist_n / spec.moved_mass_kg
    if free_mps > most_mps:
        speed_next = free_mps - most_mps
    elif free_mps < -most_mps:
        speed_next = free_mps + most_mps
    else:
        speed_next = 0.0

    slow_mps = min(pace_mps, abs(speed_next))
    if ground.bank_rad:
        slide_mps -= dt_s * GRAVITY_MPS2 * math.sin(ground.bank_rad)
    slide_mps -= dt_s * yaw_rate_rps * speed_mps
    across_n = (
        side.front_n * cos_steer + (used.drive_front_n - way * used.brake_front_n) * sin_steer
    )
    turning_nm = across_n * spec.cg_to_front_m - side.rear_n * spec.cg_to_rear_m
    slide_next = slide_mps + dt_s * (across_n + side.rear_n) / spec.mass_kg
    yaw_rate_next = yaw_rate_rps + dt_s * turning_nm / spec.yaw_inertia_kgm2
    if slow_mps >= DYNAMIC_MPS:
        return _Moved(speed_next, slide_next, yaw_rate_next)

    # Slow: towards where the wheels point, as fast as the tyres could take the car there.
    share = max(0.0, slow_mps - KINEMATIC_MPS) / (DYNAMIC_MPS - KINEMATIC_MPS)
    rolled_rps = speed_next * sin_steer / (cos_steer * spec.wheelbase_m)
    rolled_mps = spec.cg_to_rear_m * rolled_rps
    most_front_n = axle.friction_front * axle.front_n
    most_rear_n = axle.friction_rear * axle.rear_n
    most_mps = dt_s * (most_front_n + most_rear_n) / spec.mass_kg
    most_nm = most_front_n * spec.cg_to_front_m + most_rear_n * spec.cg_to_rear_m
    most_rps = dt_s * most_nm / spec.yaw_inertia_kgm2
    slide_next = rolled_mps + share * (slide_next - rolled_mps)
    yaw_rate_next = rolled_rps + share * (yaw_rate_next - rolled_rps)
    return _Moved(
        speed_next,
        min(max(slide_next, slide_mps - most_mps), slide_mps + most_mps),
        min(max(yaw_rate_next, yaw_rate_rps - most_rps), yaw_rate_rps + most_rps),
    )


def _drive_n(
    state: PlantState, wanted_n: float, load_w: float, spec: PlantSpec, dt_s: float
) -> float:
    """Force of the motor at the wheels one step on: what it, the battery and its lag allow."""
    speed_mps = state.speed_mps
    if wanted_n * speed_mps >= 0.0:
        most_n = powertrain.force_limit_n(speed_mps, spec)
        given_w = battery.discharge_limit_w(state.battery, spec) - load_w
        most_n = min(most_n, powertrain.force_from_w(given_w, speed_mps, spec))
    else:
        taken_w = battery.charge_limit_w(state.battery, spec) + load_w
        most_n = powertrain.absorbed_n(speed_mps, taken_w, spec)
    if wanted_n > most_n:
        wanted_n = most_n
    elif wanted_n < -most_n:
        wanted_n = -most_n
    return state.drive_n + (wanted_n - state.drive_n) * dt_s / (spec.torque_lag_s + dt_s)
