"""The plant against physics: published performance, standstill, energy, bounds for any command."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vehicle.reference_car import spec_of, with_figures
from volant.core.geometry import Pose
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import forces, plant
from volant.vehicle.cell import energy_j
from volant.vehicle.parameters import PlantSpec, plant_spec
from volant.vehicle.plant import Demand, Ground, PlantState

DT_S = 0.005
ORIGIN = Pose(0.0, 0.0, 0.0)
LEVEL = Ground()
G3 = plant_spec(spec_of("g3-520"))
P7 = plant_spec(spec_of("p7"))
FULL = Demand(drive_n=1e6)


def run(
    state: PlantState,
    demand: Demand,
    seconds: float,
    ground: Ground = LEVEL,
    spec: PlantSpec = G3,
) -> PlantState:
    for _ in range(round(seconds / DT_S)):
        state = plant.step(state, demand, ground, spec, DT_S)
    return state


def seconds_until(
    state: PlantState, demand: Demand, spec: PlantSpec, done: Callable[[PlantState], bool]
) -> tuple[float, PlantState]:
    elapsed_s = 0.0
    while not done(state):
        state = plant.step(state, demand, LEVEL, spec, DT_S)
        elapsed_s += DT_S
        assert elapsed_s < 60.0
    return elapsed_s, state


@pytest.mark.parametrize(("spec", "published_s"), [(G3, 7.9), (P7, 6.7)], ids=["g3", "p7"])
def test_full_accelerator_reaches_100_kmh_in_the_published_time(
    spec: PlantSpec, published_s: float
) -> None:
    start = plant.start(spec, ORIGIN, charge=0.9)
    elapsed_s, _ = seconds_until(start, FULL, spec, lambda s: s.speed_mps >= 100.0 / 3.6)
    assert elapsed_s == pytest.approx(published_s, rel=0.05)


@pytest.mark.parametrize("spec", [G3, P7], ids=["g3", "p7"])
def test_full_brakes_stop_from_100_kmh_in_36_to_40_m_once_they_bite(spec: PlantSpec) -> None:
    # As press tests measure it: braking begins faster, the distance counts from 100 km/h.
    brakes = Demand(brake_n=1e6)
    fast = plant.start(spec, ORIGIN, speed_mps=33.0)
    _, at_100 = seconds_until(fast, brakes, spec, lambda s: s.speed_mps <= 100.0 / 3.6)
    _, stopped = seconds_until(at_100, brakes, spec, lambda s: s.speed_mps == 0.0)
    assert 36.0 < stopped.x_m - at_100.x_m < 40.0


def test_from_the_command_dead_time_and_build_up_cost_what_they_should() -> None:
    brakes = Demand(brake_n=1e6)
    start = plant.start(G3, ORIGIN, speed_mps=100.0 / 3.6)
    _, stopped = seconds_until(start, brakes, G3, lambda s: s.speed_mps == 0.0)
    # 0.10 s dead time and half of 0.3 s build-up at 27.8 m/s on top of the 37.8 m.
    assert stopped.x_m == pytest.approx(37.8 + 27.8 * (0.10 + 0.15), abs=1.2)


def test_brakes_do_nothing_during_their_dead_time_and_then_build_up_linearly() -> None:
    state = plant.start(G3, ORIGIN, speed_mps=20.0)
    forces_n = []
    for _ in range(100):
        state = plant.step(state, Demand(brake_n=1e6), LEVEL, G3, DT_S)
        forces_n.append(state.brake_n)
    assert forces_n[:20] == [0.0] * 20
    assert forces_n[20] > 0.0
    assert forces_n[50] == pytest.approx(31 * DT_S * G3.max_brake_n / 0.3)
    assert forces_n[-1] == G3.max_brake_n


def test_brakes_release_at_the_rate_they_build_up() -> None:
    state = plant.start(G3, ORIGIN, speed_mps=30.0, brake_n=10000.0)
    forces_n = []
    for _ in range(60):
        state = plant.step(state, Demand(), LEVEL, G3, DT_S)
        forces_n.append(state.brake_n)
    assert forces_n[19] == 10000.0
    assert forces_n[29] == pytest.approx(10000.0 - 10 * DT_S * G3.max_brake_n / 0.3)
    assert forces_n[-1] == 0.0


def test_steering_waits_then_follows_with_its_lag_and_rate() -> None:
    state = plant.start(G3, ORIGIN, speed_mps=10.0)
    angles_rad = []
    for _ in range(400):
        state = plant.step(state, Demand(steer_rad=0.02), LEVEL, G3, DT_S)
        angles_rad.append(state.steer_rad)
    assert angles_rad[:8] == [0.0] * 8
    at_lag = angles_rad[8 + 15]
    assert at_lag == pytest.approx(0.02 * (1.0 - math.exp(-1.0)), rel=0.05)
    assert angles_rad[-1] == pytest.approx(0.02, rel=1e-3)
    hard = run(plant.start(G3, ORIGIN, speed_mps=10.0), Demand(steer_rad=9.9), 0.5)
    assert hard.steer_rad == pytest.approx(0.42 * (0.5 - 0.04))
    assert run(hard, Demand(steer_rad=9.9), 5.0).steer_rad == pytest.approx(0.56, rel=1e-3)


@pytest.mark.parametrize("grade", [-0.10, 0.10, 0.20])
@pytest.mark.parametrize("demand", [Demand(brake_n=9000.0), Demand(locked=True)])
def test_it_stands_on_a_grade_without_creeping(grade: float, demand: Demand) -> None:
    ground = Ground(grade_rad=math.atan(grade))
    held = run(plant.start(G3, ORIGIN), Demand(brake_n=9000.0, locked=True), 1.0, ground)
    later = run(held, demand, 20.0, ground)
    assert (later.x_m, later.y_m) == (held.x_m, held.y_m)
    assert later.speed_mps == later.yaw_rate_rps == later.slide_mps == 0.0


def test_without_brakes_it_rolls_back_on_a_grade() -> None:
    rolled = run(plant.start(G3, ORIGIN), Demand(), 2.0, Ground(grade_rad=math.atan(0.1)))
    slope = GRAVITY_MPS2 * (math.sin(math.atan(0.1)) - 0.0085)
    assert rolled.speed_mps == pytest.approx(-2.0 * slope * G3.mass_kg / G3.moved_mass_kg, rel=0.01)


def test_a_stop_ends_at_exactly_nothing_and_stays_there() -> None:
    state = plant.start(G3, ORIGIN, speed_mps=5.0)
    speeds = []
    for _ in range(800):
        state = plant.step(state, Demand(brake_n=4000.0), LEVEL, G3, DT_S)
        speeds.append(state.speed_mps)
    assert min(speeds) == 0.0
    assert set(speeds[speeds.index(0.0) :]) == {0.0}


@pytest.mark.parametrize("speed_mps", [2.0, 10.0, 20.0, 33.0])
def test_a_steady_curve_follows_the_understeer_gradient(speed_mps: float) -> None:
    lateral_mps2 = 2.0 if speed_mps > 4.0 else 0.5
    curvature = lateral_mps2 / speed_mps**2
    steer_rad = math.atan(G3.wheelbase_m * curvature) + G3.understeer_rad_per_mps2 * lateral_mps2
    state = plant.start(G3, ORIGIN, speed_mps=speed_mps)
    for _ in range(1200):
        pull_n = 2000.0 * (speed_mps - state.speed_mps) + G3.air_n_per_mps2 * speed_mps**2
        state = plant.step(state, Demand(drive_n=pull_n, steer_rad=steer_rad), LEVEL, G3, DT_S)
    expected = curvature if speed_mps > 4.0 else math.tan(steer_rad) / G3.wheelbase_m
    assert state.yaw_rate_rps / state.speed_mps == pytest.approx(expected, rel=0.04)


def test_left_and_right_are_mirror_images() -> None:
    for drive_n, steer_rad, speed in ((3000.0, 0.05, 15.0), (-4000.0, 0.2, 25.0), (0.0, 0.4, 3.0)):
        ends = [
            run(
                plant.start(G3, ORIGIN, speed_mps=speed),
                Demand(drive_n=drive_n, steer_rad=sign * steer_rad),
                3.0,
            )
            for sign in (1.0, -1.0)
        ]
        assert ends[0].x_m == ends[1].x_m
        assert ends[0].y_m == -ends[1].y_m != 0.0


def test_reverse_traces_the_forward_circle_backwards() -> None:
    machine = plant_spec(with_figures(spec_of("g3-520"), steering__lag_s=0.0))
    state = plant.start(machine, ORIGIN, speed_mps=-1.2)
    state = run(state, Demand(steer_rad=0.3), 1.0, spec=machine)
    ways = []
    for _ in range(200):
        state = plant.step(state, Demand(drive_n=-200.0, steer_rad=0.3), LEVEL, machine, DT_S)
        ways.append(state.yaw_rate_rps / state.speed_mps)
    assert ways == pytest.approx([math.tan(0.3) / machine.wheelbase_m] * 200)


@pytest.mark.parametrize("speed_mps", [-6.0, 3.9, 4.1])
def test_around_walking_pace_the_blend_neither_jumps_nor_shakes(speed_mps: float) -> None:
    state = plant.start(G3, ORIGIN, speed_mps=speed_mps)
    rates = []
    for _ in range(1000):
        demand = Demand(drive_n=-1500.0 * math.copysign(1.0, speed_mps), steer_rad=0.3)
        state = plant.step(
            state, demand if abs(state.speed_mps) > 0.5 else Demand(), LEVEL, G3, DT_S
        )
        rates.append(state.yaw_rate_rps)
    changes = [later - earlier for earlier, later in pairwise(rates)]
    assert max(abs(change) for change in changes) < 0.02
    turns = sum(a * b < 0.0 and abs(a - b) > 1e-4 for a, b in pairwise(changes))
    assert turns <= 2


def test_the_friction_circle_widens_a_curve_under_full_braking() -> None:
    curve = run(plant.start(G3, ORIGIN, speed_mps=25.0), Demand(steer_rad=0.05), 1.0)
    free = run(curve, Demand(steer_rad=0.05), 0.5)
    braked = run(curve, Demand(steer_rad=0.05, brake_n=1e6), 0.5)
    assert braked.lateral_accel_mps2 < 0.8 * free.lateral_accel_mps2
    assert math.hypot(braked.accel_mps2, braked.lateral_accel_mps2) < 1.2 * GRAVITY_MPS2


@pytest.mark.parametrize("friction", [1.0, 0.6, 0.15])
def test_braking_and_cornering_stay_below_the_road_s_friction(friction: float) -> None:
    road = Ground(friction=friction)
    braked = run(plant.start(G3, ORIGIN, speed_mps=30.0), Demand(brake_n=1e6), 0.8, road)
    assert -1.17 * friction * GRAVITY_MPS2 - 0.4 < braked.accel_mps2
    assert braked.accel_mps2 < -0.8 * friction * GRAVITY_MPS2
    turned = run(plant.start(G3, ORIGIN, speed_mps=30.0), Demand(steer_rad=0.3), 1.0, road)
    assert abs(turned.lateral_accel_mps2) < 1.1 * friction * GRAVITY_MPS2


def test_a_banked_road_pulls_to_its_lower_side() -> None:
    ground = Ground(bank_rad=0.05)
    state = run(plant.start(G3, ORIGIN, speed_mps=20.0), Demand(drive_n=300.0), 2.0, ground)
    assert state.y_m < -0.1


def test_regeneration_charges_and_driving_drains() -> None:
    coasting = run(
        plant.start(G3, ORIGIN, speed_mps=25.0, charge=0.5), Demand(drive_n=-3000.0), 2.0
    )
    assert coasting.battery.power_w < -20000.0
    assert coasting.battery.charge > 0.5
    pulling = run(plant.start(G3, ORIGIN, speed_mps=25.0, charge=0.5), Demand(drive_n=3000.0), 2.0)
    assert pulling.battery.charge < 0.5


def test_a_full_battery_takes_no_regeneration() -> None:
    state = run(plant.start(G3, ORIGIN, speed_mps=25.0, charge=1.0), Demand(drive_n=-5000.0), 1.0)
    assert state.battery.charge <= 1.0
    assert abs(state.drive_n) < 100.0


def test_an_empty_battery_drives_no_further() -> None:
    state = run(plant.start(G3, ORIGIN, speed_mps=10.0, charge=0.0), FULL, 60.0)
    assert state.speed_mps < 6.0
    assert state.battery.charge == 0.0


@settings(max_examples=40)
@given(
    speed_mps=st.floats(0.5, 40.0),
    drive_n=st.floats(-6000.0, 6000.0),
    brake_n=st.floats(0.0, 12000.0),
    grade_rad=st.floats(-0.1, 0.1),
    steer_rad=st.floats(-0.02, 0.02),
)
def test_what_the_wheels_give_is_what_the_car_gains_and_loses(
    speed_mps: float, drive_n: float, brake_n: float, grade_rad: float, steer_rad: float
) -> None:
    state = plant.start(G3, ORIGIN, speed_mps=speed_mps, charge=0.6)
    ground = Ground(grade_rad=grade_rad)
    demand = Demand(drive_n=drive_n, brake_n=brake_n, steer_rad=steer_rad)
    given_j = lost_j = climbed_j = 0.0
    weight_n = G3.mass_kg * GRAVITY_MPS2
    before_j = kinetic_j(state)
    for _ in range(400):
        after = plant.step(state, demand, ground, G3, DT_S)
        mean_mps = 0.5 * (state.speed_mps + after.speed_mps)
        given_j += after.wheel_w * DT_S
        rolling_w = G3.rolling_coefficient * weight_n * abs(mean_mps)
        air_w = G3.air_n_per_mps2 * abs(state.speed_mps) * state.speed_mps * mean_mps
        heat_w = slip_w(state, after, ground)
        assert heat_w >= 0.0
        lost_j += (after.friction_w + rolling_w + air_w + heat_w) * DT_S
        climbed_j += weight_n * math.sin(grade_rad) * mean_mps * DT_S
        state = after
    change_j = kinetic_j(state) - before_j
    moved_j = abs(given_j) + lost_j + abs(climbed_j) + before_j
    assert change_j == pytest.approx(given_j - lost_j - climbed_j, abs=0.005 * moved_j + 50.0)


def slip_w(before: PlantState, after: PlantState, ground: Ground) -> float:
    """Power that the side slip of the tyres turns into heat."""
    if before.speed_mps <= plant.KINEMATIC_MPS:
        return 0.0
    steer_rad, rate_rps = after.steer_rad, before.yaw_rate_rps
    axle = forces.axles(
        before.accel_mps2, before.lateral_accel_mps2, math.sin(ground.grade_rad), 1.0, G3
    )
    used = forces.along(after.drive_n, after.brake_n, 1.0, axle, G3)
    side = forces.across(before.speed_mps, before.slide_mps, rate_rps, steer_rad, used, axle, G3)
    front_mps = before.slide_mps + G3.cg_to_front_m * rate_rps
    front_mps = front_mps * math.cos(steer_rad) - before.speed_mps * math.sin(steer_rad)
    rear_mps = before.slide_mps - G3.cg_to_rear_m * rate_rps
    return -(side.front_n * front_mps + side.rear_n * rear_mps)


def kinetic_j(state: PlantState) -> float:
    return 0.5 * (
        G3.moved_mass_kg * state.speed_mps**2
        + G3.mass_kg * state.slide_mps**2
        + G3.yaw_inertia_kgm2 * state.yaw_rate_rps**2
    )


def test_energy_out_of_the_cells_is_wheels_losses_and_auxiliaries() -> None:
    state = plant.start(G3, ORIGIN, speed_mps=10.0, charge=0.7)
    cells_j = terminals_j = wheels_j = heat_j = 0.0
    for index in range(4000):
        demand = Demand(drive_n=4000.0 if index % 800 < 400 else -3500.0)
        state = plant.step(state, demand, LEVEL, G3, DT_S)
        terminals_j += state.battery.power_w * DT_S
        heat_j += state.battery.loss_w * DT_S
        wheels_j += state.wheel_w * DT_S
    before_j, after_j = (
        energy_j(charge, G3.capacity_c, G3.cells_in_series)
        for charge in (0.7, state.battery.charge)
    )
    cells_j = before_j - after_j
    assert cells_j == pytest.approx(terminals_j + heat_j, rel=1e-3)
    auxiliaries_j = G3.base_load_w * 4000 * DT_S
    assert terminals_j - auxiliaries_j > wheels_j


numbers = st.floats(-1e9, 1e9)


@settings(max_examples=60)
@given(
    demands=st.lists(
        st.builds(
            Demand,
            drive_n=numbers,
            brake_n=st.floats(0.0, 1e9),
            steer_rad=numbers,
            locked=st.booleans(),
            climate_w=st.floats(0.0, 5000.0),
        ),
        min_size=1,
        max_size=12,
    ),
    ground=st.builds(
        Ground,
        grade_rad=st.floats(-0.3, 0.3),
        bank_rad=st.floats(-0.2, 0.2),
        friction=st.floats(0.05, 1.2),
        ambient_k=st.floats(240.0, 320.0),
    ),
    speed_mps=st.floats(-12.0, 60.0),
    charge=st.floats(0.0, 1.0),
)
def test_no_command_makes_it_run_away(
    demands: list[Demand], ground: Ground, speed_mps: float, charge: float
) -> None:
    state = plant.start(G3, ORIGIN, speed_mps=speed_mps, charge=charge)
    for demand in demands:
        for _ in range(40):
            state = plant.step(state, demand, ground, G3, DT_S)
            assert all(
                math.isfinite(value)
                for value in (
                    state.x_m, state.y_m, state.yaw_rad, state.speed_mps, state.slide_mps,
                    state.yaw_rate_rps, state.accel_mps2, state.lateral_accel_mps2,
                    state.battery.voltage_v, state.battery.power_w, state.battery.temperature_k,
                )
            )  # fmt: skip
            assert abs(state.speed_mps) < 90.0
            assert abs(state.slide_mps) < 90.0
            assert abs(state.yaw_rate_rps) < 12.0
            assert abs(state.steer_rad) <= G3.max_steer_rad
            assert 0.0 <= state.brake_n <= G3.max_brake_n
            assert 0.0 <= state.battery.charge <= 1.0


def test_the_same_commands_give_the_same_bits() -> None:
    ends = [
        run(plant.start(G3, ORIGIN, speed_mps=13.0), Demand(drive_n=900.0, steer_rad=0.07), 5.0)
        for _ in range(2)
    ]
    assert ends[0] == ends[1]


def test_half_the_step_gives_nearly_the_same_path() -> None:
    ends = []
    for dt_s in (0.005, 0.0025):
        state = plant.start(G3, ORIGIN, speed_mps=22.0, dt_s=dt_s)
        for index in range(round(4.0 / dt_s)):
            demand = Demand(drive_n=1000.0, steer_rad=0.03 if index * dt_s < 2.0 else -0.03)
            state = plant.step(state, demand, LEVEL, G3, dt_s)
        ends.append(state)
    assert math.hypot(ends[0].x_m - ends[1].x_m, ends[0].y_m - ends[1].y_m) < 0.15
