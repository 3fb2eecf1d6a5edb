"""Vehicle 2 (BMW 320i) of commonroad-vehicle-models in our own spec, and that package's own models."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec

from tests.data_folder import REPO
from tests.peers import peer
from volant.core.geometry import Pose
from volant.vehicle import CarSpec, load_spec, plant
from volant.vehicle.parameters import PlantSpec, plant_spec

REFERENCE_STEP_S = 0.0005
OUR_STEP_S = 0.005


def spec_of(name: str) -> CarSpec:
    return load_spec(REPO / "cars" / f"{name}.toml")


def with_figures(spec: CarSpec, **figures: Any) -> CarSpec:
    """A spec with figures replaced, named `section__figure`."""
    for name, value in figures.items():
        section, figure = name.split("__")
        old = getattr(spec, section)
        new = msgspec.structs.replace(getattr(old, figure), value=value)
        changed = msgspec.structs.replace(old, **{figure: new})
        spec = msgspec.structs.replace(spec, **{section: changed})
    return spec


def reference_parameters() -> Any:
    module: ModuleType = peer("vehiclemodels.parameters_vehicle2")
    return module.parameters_vehicle2()


def our_reference_car() -> PlantSpec:
    """Their parameter set in our spec, with steering followed at once and nothing that slows it down."""
    p = reference_parameters()
    wheelbase_m = p.a + p.b
    spec = with_figures(
        spec_of("g3-520"),
        body__kerb_mass_kg=p.m,
        body__length_m=p.l,
        body__width_m=p.w,
        body__wheelbase_m=wheelbase_m,
        body__front_axle_share=p.b / wheelbase_m,
        body__cg_height_m=p.h_cg,
        body__track_m=0.5 * (p.T_f + p.T_r),
        body__yaw_inertia_kgm2=p.I_z,
        body__drag_coefficient=0.0,
        tyre__radius_m=p.R_w,
        tyre__wheel_inertia_kgm2=p.I_y_w,
        tyre__rolling_coefficient=0.0,
        tyre__friction_across=p.tire.p_dy1,
        tyre__friction_along=p.tire.p_dx1,
        tyre__stiffness_front_per_rad=-p.tire.p_ky1,
        tyre__stiffness_rear_per_rad=-p.tire.p_ky1,
        tyre__shape=p.tire.p_cy1,
        tyre__curvature=p.tire.p_ey1,
        tyre__load_sensitivity=0.0,
        steering__max_steer_rad=p.steering.max,
        steering__max_rate_rps=10.0,
        steering__lag_s=0.0,
        steering__dead_time_s=0.0,
    )
    return plant_spec(spec, load_kg=0.0)


def reference_offsets_m(
    speed_mps: float, rate_rps: Callable[[float], float], times_s: tuple[float, ...]
) -> list[float]:
    """Lateral position of their multi-body model's centre of gravity at some times, by Euler."""
    p = reference_parameters()
    derivative = peer("vehiclemodels.vehicle_dynamics_mb").vehicle_dynamics_mb
    state = peer("vehiclemodels.init_mb").init_mb([0.0, 0.0, 0.0, speed_mps, 0.0, 0.0, 0.0], p)
    offsets = []
    steps = [round(time_s / REFERENCE_STEP_S) for time_s in times_s]
    for step in range(steps[-1]):
        change = derivative(state, [rate_rps(step * REFERENCE_STEP_S), 0.0], p)
        state = [old + REFERENCE_STEP_S * new for old, new in zip(state, change, strict=True)]
        if step + 1 in steps:
            offsets.append(state[1])
    return offsets


def our_offsets_m(
    spec: PlantSpec,
    speed_mps: float,
    steer_rad: Callable[[float], float],
    times_s: tuple[float, ...],
) -> list[float]:
    """The same of our plant."""
    start_m = -spec.cg_to_rear_m
    state = plant.start(spec, Pose(start_m, 0.0, 0.0), speed_mps=speed_mps)
    offsets = []
    steps = [round(time_s / OUR_STEP_S) for time_s in times_s]
    for step in range(steps[-1]):
        demand = plant.Demand(steer_rad=steer_rad((step + 1) * OUR_STEP_S))
        state = plant.step(state, demand, plant.Ground(), spec, OUR_STEP_S)
        if step + 1 in steps:
            offsets.append(state.y_m + spec.cg_to_rear_m * math.sin(state.yaw_rad))
    return offsets


def ramp(end_rad: float, seconds: float) -> Callable[[float], float]:
    return lambda time_s: end_rad * min(1.0, time_s / seconds)


def ramp_rate(end_rad: float, seconds: float) -> Callable[[float], float]:
    return lambda time_s: end_rad / seconds if time_s < seconds - 1e-9 else 0.0
