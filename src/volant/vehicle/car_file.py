"""Reads a car file and refuses figures that are each within bounds but do not fit each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from volant.core.errors import InputError
from volant.core.settings import line_of_key, load_toml
from volant.core.units import GRAVITY_MPS2
from volant.vehicle.cell import open_circuit_v
from volant.vehicle.spec import Body, CarSpec, Charging

GYRATION_SHARES: Final = (0.12, 0.5)
"""Radius of gyration by length: a uniform rod has 0.29, all mass at both ends 0.5, cars 0.25 to 0.32."""
START_GRADE: Final = 0.05
"""The least hill to start on, fully laden; EU rules ask cars for 0.12 with a trailer (recalled)."""
LEAST_QUANTUM: Final = 1e-6
"""Finer steps are below what a double of a speed or an angle tells apart after rounding."""


def load_spec(path: Path) -> CarSpec:
    """Read one car file.

    Raises:
        InputError: unreadable, not TOML, unknown or missing key, value out of bounds, or figures that
            do not fit each other (file and line).
    """
    spec = load_toml(path, CarSpec)
    problem = next(_contradictions(spec), None)
    if problem is not None:
        where, words = problem
        raise InputError(words, file=str(path), line=line_of_key(path, where), where=where)
    return spec


def _contradictions(spec: CarSpec) -> Iterator[tuple[str, str]]:
    """Places where figures that are each in bounds do not fit each other, with what was expected."""
    yield from _misfits_of_body(spec.body)
    yield from _misfits_of_drive(spec)
    yield from _misfits_of_battery(spec)
    yield from _misfits_of_charging(spec.charging)
    for name in ("speed_quantum_mps", "steer_quantum_rad"):
        quantum = getattr(spec.measured, name).value
        if 0.0 < quantum < LEAST_QUANTUM:
            yield f"measured.{name}", f"{quantum:g}, expected 0 or at least {LEAST_QUANTUM:g}"


def _misfits_of_body(body: Body) -> Iterator[tuple[str, str]]:
    length_m, kerb_mass_kg = body.length_m.value, body.kerb_mass_kg.value
    if body.wheelbase_m.value + body.rear_overhang_m.value >= length_m:
        yield "body.wheelbase_m", "wheelbase and rear overhang do not fit into the length"
    if body.gross_mass_kg.value < kerb_mass_kg:
        yield "body.gross_mass_kg", "expected at least the kerb mass"
    if body.track_m.value >= body.width_m.value:
        yield "body.track_m", "expected less than the width"
    if body.cg_height_m.value >= body.height_m.value:
        yield "body.cg_height_m", "expected less than the height"
    low, high = (kerb_mass_kg * (share * length_m) ** 2 for share in GYRATION_SHARES)
    if not low <= body.yaw_inertia_kgm2.value <= high:
        words = f"expected {low:.0f} to {high:.0f} for this mass and length"
        yield "body.yaw_inertia_kgm2", words


def _misfits_of_drive(spec: CarSpec) -> Iterator[tuple[str, str]]:
    body, tyre, motor = spec.body, spec.tyre, spec.motor
    grid = motor.power_share.value
    if len(grid) != len(motor.efficiency.value):
        yield "motor.efficiency", f"{len(motor.efficiency.value)} values, expected {len(grid)}"
    rising = all(low < high for low, high in itertools.pairwise(grid))
    if not rising or grid[0] != 0.0 or grid[-1] != 1.0:
        yield "motor.power_share", "expected a grid that rises from 0 to 1"
    if motor.regen_end_speed_mps.value >= motor.regen_full_speed_mps.value:
        yield "motor.regen_end_speed_mps", "expected below regen_full_speed_mps"
    radius_m, ratio = tyre.radius_m.value, motor.gear_ratio.value
    turning_kg = (
        4.0 * tyre.wheel_inertia_kgm2.value + motor.rotor_inertia_kgm2.value * ratio * ratio
    ) / (radius_m * radius_m)
    if turning_kg > body.kerb_mass_kg.value:
        words = f"wheels and rotor weigh as much as {turning_kg:.0f} kg, more than the car"
        yield "motor.rotor_inertia_kgm2", words
    push_n = motor.peak_torque_nm.value * ratio / radius_m * motor.gear_efficiency.value
    hill = tyre.rolling_coefficient.value + START_GRADE
    needed_n = hill * body.gross_mass_kg.value * GRAVITY_MPS2
    if push_n < needed_n:
        words = (
            f"pushes with {push_n:.0f} N, expected {needed_n:.0f} N to start the laden car uphill"
        )
        yield "motor.peak_torque_nm", words


def _misfits_of_battery(spec: CarSpec) -> Iterator[tuple[str, str]]:
    battery, auxiliaries = spec.battery, spec.auxiliaries
    discharge_w = battery.discharge_w.value
    voltage_v = open_circuit_v(0.5, battery.cells_in_series.value)
    most_w = voltage_v * voltage_v / (4.0 * battery.resistance_ohm.value)
    if discharge_w > most_w:
        words = f"{discharge_w:.0f} W, but cells and resistance give at most {most_w:.0f} W"
        yield "battery.discharge_w", words
    if auxiliaries.base_w.value + auxiliaries.climate_max_w.value >= 0.5 * discharge_w:
        words = "with the climate it takes half of what the battery gives: nothing is left to drive"
        yield "auxiliaries.base_w", words


def _misfits_of_charging(charging: Charging) -> Iterator[tuple[str, str]]:
    for grid, shares in (("charge", "charge_share"), ("temperature_k", "temperature_share")):
        values, count = getattr(charging, grid).value, len(getattr(charging, shares).value)
        if count != len(values):
            yield f"charging.{shares}", f"{count} values, expected {len(values)}"
        if not all(low < high for low, high in itertools.pairwise(values)):
            yield f"charging.{grid}", "expected a grid that rises"
    if (charging.charge.value[0], charging.charge.value[-1]) != (0.0, 1.0):
        yield "charging.charge", "expected a grid from 0 to 1"
    if min(charging.charge_share.value) <= 0.0:
        yield "charging.charge_share", "expected above 0: the battery would never be full"
