"""The car: speed of the plant in CPU time, fidelity and range beside published figures and peers."""

from __future__ import annotations

import itertools
from dataclasses import replace

from bench.rows import Row, at_least, at_most, beside, best_cpu_s, skipped
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import Command
from volant.core.settings import find_data
from volant.vehicle import CarSpec, CarStart, SimCar, drive_to_empty, load_cycle, load_spec, plant
from volant.vehicle.parameters import plant_spec

STEPS = 40_000
DT_S = 0.005


class Plane:
    """Surroundings with nothing in them."""

    def advance(self, ego: object, stamp_ns: int) -> None: ...

    def sense(self, ego: object, stamp_ns: int) -> None: ...

    def contacts(self) -> tuple[()]:
        return ()

    def truth(self) -> tuple[()]:
        return ()

    def lights(self) -> tuple[()]:
        return ()

    def height(self, *_: float) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0


def spec_of(name: str) -> CarSpec:
    return load_spec(find_data("cars", name))


def plant_steps_per_s() -> float:
    """Steps of the whole plant in a curve under power, the branch that costs most."""
    spec = plant_spec(spec_of("g3-520"))
    start = plant.start(spec, Pose(0.0, 0.0, 0.0), speed_mps=20.0)
    demand, ground = plant.Demand(drive_n=500.0, steer_rad=0.02), plant.Ground(grade_rad=0.01)

    def work() -> None:
        state = start
        for _ in range(STEPS):
            state = plant.step(state, demand, ground, spec, DT_S)

    return STEPS / best_cpu_s(work)


def car_real_time_factor() -> float:
    """Virtual by CPU seconds of the car port: command, control units, plant, read."""
    ticks = STEPS // 4

    def work() -> None:
        start = CarStart(Pose(0.0, 0.0, 0.0), speed_mps=20.0)
        car = SimCar(spec_of("g3-520"), Plane(), start, Chance.of(1))  # type: ignore[arg-type]
        for tick in range(1, ticks + 1):
            stamp_ns = tick * 10_000_000
            car.apply(Command(stamp_ns=stamp_ns, accel_mps2=0.1, curvature_per_m=0.004), stamp_ns)
            car.advance(stamp_ns)
            car.read(stamp_ns)

    return ticks * 0.01 / best_cpu_s(work)


def single_track_peer() -> Row:
    """Beside the plain single track of commonroad-vehicle-models, which has less in it."""
    name = "vehicle/plant steps beside a plain single track"
    try:
        from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
        from vehiclemodels.vehicle_dynamics_std import vehicle_dynamics_std
    except ImportError:
        return skipped(name, "commonroad-vehicle-models is not installed: make peers")
    parameters = parameters_vehicle2()

    def work() -> None:
        state = [0.0, 0.0, 0.02, 20.0, 0.0, 0.0, 0.0, 20.0 / 0.344, 20.0 / 0.344]
        for _ in range(STEPS // 8):
            change = vehicle_dynamics_std(state, [0.0, 0.3], parameters)
            state = [old + 0.001 * new for old, new in zip(state, change, strict=True)]

    peer = STEPS // 8 / best_cpu_s(work)
    who = "commonroad-vehicle-models 3.0.2 STD (tyres, no actuators, no battery)"
    return beside(name, plant_steps_per_s(), who, peer, 1.0, "steps/s")


def range_rows() -> list[Row]:
    rows = []
    for name, cycle, bound_pct in (
        ("g3-520", "nedc", 1.0),
        ("g3-400", "nedc", 1.0),
        ("g3-520", "wltc", 2.0),
        ("p7", "nedc", 8.0),
    ):
        result = drive_to_empty(spec_of(name), cycle)
        deviation_pct = result.deviation_pct or 0.0
        rows.append(
            at_most(
                f"vehicle/range {name} {cycle} off the published",
                abs(deviation_pct),
                bound_pct,
                "%",
                f"{result.range_km:.1f} km, published {result.published_km:.0f} km, "
                f"{'calibrated on the G3 400' if result.calibrated else 'not calibrated'}",
            )
        )
    return rows


def fastsim_rows() -> list[Row]:
    try:
        import fastsim  # noqa: F401

        from tests.vehicle.fastsim_car import drive_in_fastsim
        from volant.vehicle import battery
        from volant.vehicle.cycles import added_load_kg
        from volant.vehicle.range import CELL_K, Totals, drive_cycle
    except ImportError:
        return [
            skipped("vehicle/consumption beside fastsim", "fastsim is not installed: make peers")
        ]
    rows = []
    for cycle in ("udds", "hwfet"):
        spec = spec_of("g3-520")
        car = plant_spec(spec, load_kg=added_load_kg(spec, cycle), calibrated=False)
        theirs = drive_in_fastsim(spec, car, cycle)
        driven = load_cycle(cycle)
        cubes = sum((0.5 * (a + b)) ** 3 for a, b in itertools.pairwise(driven.speed_mps))
        total = Totals()
        same_air = replace(car, air_n_per_mps2=theirs.air_j / cubes)
        drive_cycle(same_air, driven, battery.start(0.8, CELL_K, car), total)
        ours = (total.cells_j - total.battery_j) / 3.6 / total.distance_m
        rows.append(
            at_most(
                f"vehicle/consumption {cycle} off fastsim 3.1",
                100.0 * abs(ours / theirs.wh_per_km - 1.0),
                3.0,
                "%",
                f"{ours:.1f} against {theirs.wh_per_km:.1f} Wh/km, nothing calibrated",
            )
        )
    return rows


def rows() -> list[Row]:
    seconds = best_cpu_s(lambda: drive_to_empty(spec_of("g3-520"), "nedc"), repeats=2)
    steps_per_s = plant_steps_per_s()
    return [
        at_least("vehicle/plant steps a CPU second", steps_per_s, 100_000.0, "steps/s"),
        at_least("vehicle/plant real time factor", steps_per_s * DT_S, 500.0, "x"),
        Row("vehicle/car port real time factor", car_real_time_factor(), "x"),
        single_track_peer(),
        at_most("vehicle/range run nedc", seconds, 10.0, "s CPU"),
        *range_rows(),
        *fastsim_rows(),
    ]
