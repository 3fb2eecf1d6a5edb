"""The control units where the port suite does not see in: closed loop, blending, gears, holding."""

import math

import pytest

from tests.vehicle.reference_car import spec_of
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear
from volant.vehicle import ecu, plant
from volant.vehicle.ecu import EcuState
from volant.vehicle.parameters import PlantSpec, plant_spec
from volant.vehicle.plant import Demand, Ground, PlantState

G3_CAR = spec_of("g3-520")
G3 = plant_spec(G3_CAR)
DRIVE = EcuState(gear=Gear.DRIVE)
LEVEL = Ground()


def at(speed_mps: float, charge: float = 0.5) -> PlantState:
    return plant.start(G3, Pose(0.0, 0.0, 0.0), speed_mps=speed_mps, charge=charge)


def command(accel_mps2: float = 0.0, *, gear: Gear = Gear.DRIVE, hold: bool = False) -> Command:
    return Command(stamp_ns=0, accel_mps2=accel_mps2, curvature_per_m=0.0, gear=gear, hold=hold)


def demand(state: EcuState, asked: Command, car: PlantState, ground: Ground = LEVEL) -> Demand:
    return ecu.step(state, asked, car, ground, G3, 0.01).demand


def drive(
    car: PlantState,
    state: EcuState,
    asked: Command,
    seconds: float,
    *,
    machine: PlantSpec = G3,
    ground: Ground = LEVEL,
) -> tuple[PlantState, EcuState]:
    """The control units believe in G3 whatever machine they drive."""
    for _ in range(round(seconds * 100.0)):
        output = ecu.step(state, asked, car, ground, G3, 0.01)
        state = output.state
        for _ in range(2):
            car = plant.step(car, output.demand, ground, machine, 0.005)
    return car, state


def test_the_closed_loop_mends_a_load_that_nobody_told_of() -> None:
    loaded = plant_spec(G3_CAR, load_kg=375.0)
    car, state = drive(at(10.0), DRIVE, command(1.0), 6.0, machine=loaded)
    assert car.accel_mps2 == pytest.approx(1.0, abs=0.03)
    assert state.loop_mps2 == pytest.approx(0.17, abs=0.05)


def test_the_closed_loop_stays_bounded_when_it_cannot_win() -> None:
    _, state = drive(at(45.0), DRIVE, command(3.0), 10.0)
    assert state.loop_mps2 <= ecu.LOOP_MAX_MPS2


def test_rolling_against_its_gear_it_brakes_to_rest() -> None:
    car, state = drive(at(-0.8), DRIVE, command(0.0), 2.0)
    assert car.speed_mps == 0.0
    assert state.holding


def test_a_wish_to_move_beats_rolling_back() -> None:
    car, _ = drive(at(-0.5), DRIVE, command(1.0), 3.0)
    assert car.speed_mps > 1.5


def test_soft_braking_is_all_regeneration_and_hard_braking_shares() -> None:
    soft, hard = (demand(DRIVE, command(accel), at(15.0)) for accel in (-1.0, -6.0))
    assert soft.drive_n < -1000.0
    assert soft.brake_n == 0.0
    assert hard.drive_n == pytest.approx(-60e3 / 15.0)
    total_n = hard.brake_n - hard.drive_n
    road_n = G3.air_n_per_mps2 * 225.0 + 0.0085 * G3.mass_kg * 9.80665
    assert total_n == pytest.approx(6.0 * G3.moved_mass_kg - road_n)


@pytest.mark.parametrize(("speed_mps", "charge"), [(1.4, 0.5), (15.0, 1.0)])
def test_near_standstill_and_with_a_full_battery_the_friction_brakes_do_it_all(
    speed_mps: float, charge: float
) -> None:
    asked = demand(DRIVE, command(-2.0), at(speed_mps, charge))
    assert asked.drive_n > -150.0
    assert asked.brake_n > 2.9 * G3.mass_kg * 0.6


def test_a_blended_stop_keeps_the_deceleration_it_was_asked_for() -> None:
    car, state = at(12.0), DRIVE
    seen = []
    for _ in range(650):
        car, state = drive(car, state, command(-2.0), 0.01)
        if 0.3 < car.speed_mps < 10.0:
            seen.append(car.accel_mps2)
    assert len(seen) > 400
    assert min(seen) > -2.4
    assert max(seen) < -1.4


@pytest.mark.parametrize("wanted", list(Gear))
@pytest.mark.parametrize("now", list(Gear))
@pytest.mark.parametrize("speed_mps", [0.0, 0.29, 5.0, -5.0])
def test_gears_engage_near_standstill_and_neutral_always(
    now: Gear, wanted: Gear, speed_mps: float
) -> None:
    after = ecu.step(EcuState(gear=now), command(gear=wanted), at(speed_mps), LEVEL, G3, 0.01)
    gear = after.state.gear
    direction = Gear.DRIVE if speed_mps > 0.0 else Gear.REVERSE
    free = abs(speed_mps) < 0.3 or wanted is Gear.NEUTRAL
    assert gear is (wanted if free or (now is Gear.NEUTRAL and wanted is direction) else now)


def test_a_wish_to_hold_is_no_emergency_brake_at_speed() -> None:
    rolling = ecu.step(DRIVE, command(0.0, hold=True), at(10.0), LEVEL, G3, 0.01)
    crawling = ecu.step(DRIVE, command(0.0, hold=True), at(0.2), LEVEL, G3, 0.01)
    assert rolling.demand.brake_n == 0.0
    assert crawling.demand.brake_n == ecu.hold_force_n(G3)


def test_the_hold_is_strong_enough_for_a_fifth_of_a_grade_with_a_full_load() -> None:
    loaded_kg = G3_CAR.body.gross_mass_kg.value
    assert ecu.hold_force_n(G3) > loaded_kg * 9.80665 * math.sin(math.atan(0.20))


@pytest.mark.parametrize("curvature_per_m", [-0.2, -0.01, 0.0, 0.05, 5.0])
def test_steer_is_kinematic_at_rest_and_bounded(curvature_per_m: float) -> None:
    steer_rad = ecu.steer_for(curvature_per_m, 0.0, G3)
    expected = math.atan(2.625 * curvature_per_m)
    assert steer_rad == pytest.approx(max(-0.56, min(0.56, expected)))
    assert ecu.steer_for(-curvature_per_m, 0.0, G3) == -steer_rad


def test_the_understeer_gradient_is_about_a_degree_per_g() -> None:
    extra_rad = ecu.steer_for(0.01, 30.0, G3) - ecu.steer_for(0.01, 0.0, G3)
    degree_per_g = math.degrees(extra_rad) / (0.01 * 900.0 / 9.80665)
    assert degree_per_g == pytest.approx(0.85, abs=0.02)
