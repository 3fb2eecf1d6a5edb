"""Loads, shares and side forces at the axles."""

import math

import pytest

from tests.vehicle.reference_car import spec_of, with_figures
from volant.core.geometry import Pose
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import forces, plant
from volant.vehicle.forces import Along
from volant.vehicle.parameters import plant_spec
from volant.vehicle.plant import Demand, Ground

G3 = plant_spec(spec_of("g3-520"))
P7 = plant_spec(spec_of("p7"))
REST = forces.axles(0.0, 0.0, 0.0, 1.0, G3)


def test_at_rest_the_axles_carry_the_weight_by_their_share() -> None:
    assert REST.front_n + REST.rear_n == pytest.approx(G3.mass_kg * GRAVITY_MPS2)
    assert REST.front_n == pytest.approx(0.54 * G3.mass_kg * GRAVITY_MPS2)
    assert REST.friction_front == REST.friction_rear == 1.05


@pytest.mark.parametrize("accel_mps2", [-8.0, 3.0])
def test_acceleration_moves_load_by_height_over_wheelbase(accel_mps2: float) -> None:
    axle = forces.axles(accel_mps2, 0.0, 0.0, 1.0, G3)
    assert axle.rear_n - REST.rear_n == pytest.approx(G3.mass_kg * accel_mps2 * 0.56 / 2.625)
    assert axle.front_n + axle.rear_n == pytest.approx(REST.front_n + REST.rear_n)


def test_a_grade_moves_load_as_the_acceleration_that_holds_it() -> None:
    sine = 0.1
    assert forces.axles(0.0, 0.0, sine, 1.0, G3) == forces.axles(
        GRAVITY_MPS2 * sine, 0.0, 0.0, 1.0, G3
    )


def test_cornering_costs_friction_on_both_axles_alike_to_both_sides() -> None:
    left, right = (forces.axles(0.0, side * 6.0, 0.0, 1.0, G3) for side in (1.0, -1.0))
    assert left == right
    moved = 6.0 / GRAVITY_MPS2 * 0.56 / 1.56
    assert left.friction_front == pytest.approx(1.05 * (1.0 - 0.1 * 4.0 * moved**2))


def test_drive_goes_to_the_driven_axle_and_no_further_than_its_grip() -> None:
    front = forces.along(1e6, 0.0, 1.0, REST, G3)
    assert front.drive_front_n == pytest.approx(0.93 * 1.17 * REST.front_n)
    assert front.drive_rear_n == 0.0
    assert forces.along(1e6, 0.0, 1.0, REST, P7).drive_front_n == 0.0


def test_brakes_leave_room_for_regeneration_on_the_same_axle() -> None:
    grip_n = 0.93 * 1.17 * REST.front_n
    used = forces.along(-3000.0, 1e6, 1.0, REST, G3)
    assert used.brake_front_n == pytest.approx(grip_n - 3000.0)
    assert used.brake_rear_n == pytest.approx(0.93 * 1.17 * REST.rear_n)


def test_a_small_brake_is_shared_by_load() -> None:
    used = forces.along(0.0, 1000.0, 1.0, REST, G3)
    assert (used.brake_front_n, used.brake_rear_n) == pytest.approx((540.0, 460.0))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_force_along_an_axle_weakens_its_side_force_by_the_ellipse(share: float) -> None:
    along_n = share * 1.17 * REST.rear_n
    plain = forces.across(20.0, 0.3, 0.1, 0.05, Along(0.0, 0.0, 0.0, 0.0), REST, G3)
    driven = forces.across(20.0, 0.3, 0.1, 0.05, Along(0.0, along_n, 0.0, 0.0), REST, G3)
    braked = forces.across(20.0, 0.3, 0.1, 0.05, Along(0.0, 0.0, 0.0, along_n), REST, G3)
    assert driven.rear_n == braked.rear_n == pytest.approx(plain.rear_n * math.sqrt(1 - share**2))
    assert driven.front_n == plain.front_n


@pytest.mark.parametrize(("demand", "sign"), [(Demand(drive_n=4000.0), 1.0), (Demand(), 0.0)])
def test_front_wheel_drive_pulls_the_car_where_its_wheels_point(
    demand: Demand, sign: float
) -> None:
    sharp = with_figures(
        spec_of("g3-520"),
        steering__lag_s=0.0,
        steering__dead_time_s=0.0,
        steering__max_rate_rps=100.0,
        motor__lag_s=0.0,
    )
    spec = plant_spec(sharp)
    start = plant.start(spec, Pose(0.0, 0.0, 0.0), speed_mps=10.0, charge=0.5)
    turned = Demand(drive_n=demand.drive_n, steer_rad=0.2)
    after = plant.step(start, turned, Ground(), spec, 0.005)
    axle = forces.axles(0.0, 0.0, 0.0, 1.0, spec)
    used = forces.along(demand.drive_n, 0.0, 1.0, axle, spec)
    side_n = forces.across(10.0, 0.0, 0.0, 0.2, used, axle, spec).front_n
    turning_nm = (side_n * math.cos(0.2) + sign * 4000.0 * math.sin(0.2)) * spec.cg_to_front_m
    assert after.yaw_rate_rps == pytest.approx(0.005 * turning_nm / spec.yaw_inertia_kgm2)


def test_front_brakes_in_a_turn_pull_back_along_the_wheels() -> None:
    state = plant.start(G3, Pose(0.0, 0.0, 0.0), speed_mps=10.0, brake_n=6000.0)
    for _ in range(60):
        state = plant.step(state, Demand(brake_n=6000.0, steer_rad=0.3), Ground(), G3, 0.005)
    before, demand = state, Demand(brake_n=6000.0, steer_rad=0.3)
    after = plant.step(before, demand, Ground(), G3, 0.005)
    axle = forces.axles(before.accel_mps2, before.lateral_accel_mps2, 0.0, 1.0, G3)
    used = forces.along(0.0, after.brake_n, 1.0, axle, G3)
    motion = (before.speed_mps, before.slide_mps, before.yaw_rate_rps, after.steer_rad)
    side = forces.across(*motion, used, axle, G3)
    cos, sin = math.cos(after.steer_rad), math.sin(after.steer_rad)
    front_n = side.front_n * cos - used.brake_front_n * sin
    turning_nm = front_n * G3.cg_to_front_m - side.rear_n * G3.cg_to_rear_m
    gained_rps = after.yaw_rate_rps - before.yaw_rate_rps
    assert gained_rps == pytest.approx(0.005 * turning_nm / G3.yaw_inertia_kgm2)
