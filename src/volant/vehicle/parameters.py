"""The numbers that the plant runs on, derived once from a car's facts; SI, flat, fast to read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.core.units import AIR_DENSITY_KGPM3, GRAVITY_MPS2
from volant.vehicle.cell import charge_capacity_c
from volant.vehicle.spec import CarSpec

DRIVER_KG: Final = 75.0
"""One person, as in the mass in running order (EU 2018/858, annex I; recalled)."""
MAP_CELLS: Final = 200
"""Cells of the resampled efficiency map; its own grid has steps of 0.02 and more."""


@dataclass(frozen=True, slots=True)
class ChargeSpec:
    """What the car takes from a station; `spec.Charging` says what each is."""

    ac_w: float
    ac_efficiency: float
    dc_w: float
    charge: tuple[float, ...]
    charge_share: tuple[float, ...]
    temperature_k: tuple[float, ...]
    temperature_share: tuple[float, ...]
    heater_w: float
    warm_k: float


@dataclass(frozen=True, slots=True)
class PlantSpec:
    """One loaded car as the plant sees it. `load_kg` is already in `mass_kg`."""

    mass_kg: float
    moved_mass_kg: float
    """With the share of everything that rotates."""
    yaw_inertia_kgm2: float
    cg_to_front_m: float
    cg_to_rear_m: float
    wheelbase_m: float
    cg_height_m: float
    track_m: float
    air_n_per_mps2: float
    """Air drag by speed squared."""
    rolling_coefficient: float
    roll_rad_per_mps2: float
    pitch_rad_per_mps2: float
    friction: float
    """Across the car, dry, at static load."""
    along_by_across: float
    """Friction along the car by friction across it."""
    stiffness_front_per_rad: float
    stiffness_rear_per_rad: float
    shape: float
    curvature: float
    load_sensitivity: float
    static_front_n: float
    static_rear_n: float
    max_steer_rad: float
    steer_rate_rps: float
    steer_lag_s: float
    steer_dead_time_s: float
    understeer_rad_per_mps2: float
    """Steer above the kinematic one by lateral acceleration, in the tyres' linear range."""
    brake_dead_time_s: float
    brake_rate_nps: float
    max_brake_n: float
    max_decel_mps2: float
    abs_efficiency: float
    peak_torque_nm: float
    peak_power_w: float
    max_speed_mps: float
    torque_to_force_per_m: float
    """Gear ratio by tyre radius, without losses."""
    gear_efficiency: float
    driven_front_share: float
    torque_lag_s: float
    efficiency: tuple[float, ...]
    """At MAP_CELLS + 1 equal steps of mechanical power from 0 to peak."""
    efficiency_per_w: float
    """Cells of the map by watt."""
    power_to_mechanical: float
    """Mechanical by electrical power at the map's last point, losses included."""
    unmodelled_loss_share: float
    regen_power_w: float
    regen_full_speed_mps: float
    regen_end_speed_mps: float
    capacity_c: float
    cells_in_series: int
    resistance_ohm: float
    heat_capacity_jpk: float
    cooling_wpk: float
    discharge_w: float
    charge_w: float
    charging: ChargeSpec
    base_load_w: float
    climate_w_per_k: float
    climate_max_w: float


def plant_spec(car: CarSpec, *, load_kg: float = DRIVER_KG, calibrated: bool = True) -> PlantSpec:
    """Derive the plant's numbers for a car with a load.

    Without `calibrated` the fitted loss is left out. The understeer gradient is that of the linear
    single track: (1/K_front - 1/K_rear)/g with stiffness K by load (Mitschke, Wallentowitz).
    """
    body, tyre, motor, battery = car.body, car.tyre, car.motor, car.battery
    mass_kg = body.kerb_mass_kg.value + load_kg
    radius_m, wheelbase_m = tyre.radius_m.value, body.wheelbase_m.value
    rotating_kgm2 = (
        4.0 * tyre.wheel_inertia_kgm2.value
        + motor.rotor_inertia_kgm2.value * motor.gear_ratio.value**2
    )
    front_share = body.front_axle_share.value
    front, rear = tyre.stiffness_front_per_rad.value, tyre.stiffness_rear_per_rad.value
    max_brake_n = brake_sizing_n(car)
    loss_share = motor.unmodelled_loss_share.value if calibrated else 0.0
    return PlantSpec(
        mass_kg=mass_kg,
        moved_mass_kg=mass_kg + rotating_kgm2 / radius_m**2,
        yaw_inertia_kgm2=body.yaw_inertia_kgm2.value,
        cg_to_front_m=(1.0 - front_share) * wheelbase_m,
        cg_to_rear_m=front_share * wheelbase_m,
        wheelbase_m=wheelbase_m,
        cg_height_m=body.cg_height_m.value,
        track_m=body.track_m.value,
        air_n_per_mps2=0.5
        * AIR_DENSITY_KGPM3
        * body.drag_coefficient.value
        * body.frontal_area_m2.value,
        rolling_coefficient=tyre.rolling_coefficient.value,
        roll_rad_per_mps2=body.roll_rad_per_mps2.value,
        pitch_rad_per_mps2=body.pitch_rad_per_mps2.value,
        friction=tyre.friction_across.value,
        along_by_across=tyre.friction_along.value / tyre.friction_across.value,
        stiffness_front_per_rad=front,
        stiffness_rear_per_rad=rear,
        shape=tyre.shape.value,
        curvature=tyre.curvature.value,
        load_sensitivity=tyre.load_sensitivity.value,
        static_front_n=mass_kg * GRAVITY_MPS2 * front_share,
        static_rear_n=mass_kg * GRAVITY_MPS2 * (1.0 - front_share),
        max_steer_rad=car.steering.max_steer_rad.value,
        steer_rate_rps=car.steering.max_rate_rps.value,
        steer_lag_s=car.steering.lag_s.value,
        steer_dead_time_s=car.steering.dead_time_s.value,
        understeer_rad_per_mps2=(1.0 / front - 1.0 / rear) / GRAVITY_MPS2,
        brake_dead_time_s=car.brakes.dead_time_s.value,
        brake_rate_nps=max_brake_n / car.brakes.build_up_s.value,
        max_brake_n=max_brake_n,
        max_decel_mps2=car.brakes.max_decel_mps2.value,
        abs_efficiency=car.brakes.abs_efficiency.value,
        peak_torque_nm=motor.peak_torque_nm.value,
        peak_power_w=motor.peak_power_w.value,
        max_speed_mps=motor.max_speed_mps.value,
        torque_to_force_per_m=motor.gear_ratio.value / radius_m,
        gear_efficiency=motor.gear_efficiency.value,
        driven_front_share=motor.driven_front_share.value,
        torque_lag_s=motor.lag_s.value,
        efficiency=_resampled(motor.power_share.value, motor.efficiency.value),
        efficiency_per_w=MAP_CELLS / motor.peak_power_w.value,
        power_to_mechanical=1.0 / (1.0 / motor.efficiency.value[-1] + loss_share),
        unmodelled_loss_share=loss_share,
        regen_power_w=motor.regen_power_w.value,
        regen_full_speed_mps=motor.regen_full_speed_mps.value,
        regen_end_speed_mps=motor.regen_end_speed_mps.value,
        capacity_c=charge_capacity_c(car.usable_j, battery.cells_in_series.value),
        cells_in_series=battery.cells_in_series.value,
        resistance_ohm=battery.resistance_ohm.value,
        heat_capacity_jpk=battery.heat_capacity_jpk.value,
        cooling_wpk=battery.cooling_wpk.value,
        discharge_w=battery.discharge_w.value,
        charge_w=battery.charge_w.value,
        charging=ChargeSpec(
            **{name: getattr(car.charging, name).value for name in car.charging.__struct_fields__}
        ),
        base_load_w=car.auxiliaries.base_w.value,
        climate_w_per_k=car.auxiliaries.climate_w_per_k.value,
        climate_max_w=car.auxiliaries.climate_max_w.value,
    )


def brake_sizing_n(car: CarSpec) -> float:
    """Greatest force of the friction brakes: the stated deceleration at kerb mass and driver."""
    return (car.body.kerb_mass_kg.value + DRIVER_KG) * car.brakes.max_decel_mps2.value


def _resampled(grid: tuple[float, ...], values: tuple[float, ...]) -> tuple[float, ...]:
    """A piecewise linear map on equal steps, one cell more at the end so that a lookup may add one."""
    resampled = []
    index = 0
    for step in range(MAP_CELLS + 1):
        share = step / MAP_CELLS
        while index < len(grid) - 2 and share > grid[index + 1]:
            index += 1
        ratio = (share - grid[index]) / (grid[index + 1] - grid[index])
        resampled.append(values[index] + ratio * (values[index + 1] - values[index]))
    return (*resampled, resampled[-1])


def queue_length(dead_time_s: float, dt_s: float) -> int:
    """How many steps a value waits to pass a dead time."""
    return max(0, math.floor(dead_time_s / dt_s + 0.5))
