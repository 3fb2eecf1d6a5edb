"""A driver that follows a speed trace with the whole plant, to compare coarser steps against."""

from dataclasses import dataclass

from volant.core.geometry import Pose
from volant.core.messages import Command, Gear
from volant.vehicle import CarSpec, Cycle, ecu, plant
from volant.vehicle.cycles import added_load_kg
from volant.vehicle.parameters import plant_spec
from volant.vehicle.range import CELL_K

AHEAD_S = 0.1
"""Looks ahead by about the delay of drive and brakes."""


@dataclass(frozen=True)
class PlantRun:
    """What one cycle in the plant took."""

    wh_per_km: float
    """Out of the cells."""
    distance_m: float
    greatest_error_mps: float


def drive_in_plant(spec: CarSpec, cycle: Cycle, charge: float) -> PlantRun:
    machine = plant_spec(spec, load_kg=added_load_kg(spec, cycle.name))
    ground = plant.Ground(ambient_k=CELL_K)
    state = plant.start(machine, Pose(0.0, 0.0, 0.0), charge=charge, temperature_k=CELL_K)
    control = ecu.EcuState(gear=Gear.DRIVE)
    used_j, error_mps = 0.0, 0.0
    for tick in range(round(cycle.duration_s * 100.0)):
        now_s = 0.01 * tick
        wanted_mps = speed_at(cycle, now_s)
        slope_mps2 = (
            speed_at(cycle, now_s + AHEAD_S + 0.05) - speed_at(cycle, now_s + AHEAD_S - 0.05)
        ) / 0.1
        accel_mps2 = slope_mps2 + wanted_mps - state.speed_mps
        if wanted_mps == speed_at(cycle, now_s + 0.3) == 0.0:
            accel_mps2 = min(accel_mps2, 0.0)
        command = Command(stamp_ns=0, accel_mps2=accel_mps2, curvature_per_m=0.0)
        output = ecu.step(control, command, state, ground, machine, 0.01)
        control = output.state
        for _ in range(2):
            state = plant.step(state, output.demand, ground, machine, 0.005)
            used_j += (state.battery.power_w + state.battery.loss_w) * 0.005
        error_mps = max(error_mps, abs(speed_at(cycle, now_s + 0.01) - state.speed_mps))
    return PlantRun(used_j / 3.6 / state.odometer_m, state.odometer_m, error_mps)


def speed_at(cycle: Cycle, time_s: float) -> float:
    index = min(int(time_s), len(cycle.speed_mps) - 2)
    low, high = cycle.speed_mps[index : index + 2]
    return low + (high - low) * min(1.0, time_s - index)
