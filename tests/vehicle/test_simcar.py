"""The simulated car: the port suite, and what only a simulated car has."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vehicle.car_suite import CarDriver, CarSuite
from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.reference_car import spec_of
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    Gear,
    GnssReturn,
    Indicator,
    SensorFrames,
)
from volant.core.ports import Car
from volant.vehicle import CarSpec, CarStart, SimCar, with_perfect_sensors
from volant.vehicle.cell import energy_j
from volant.vehicle.consumption import WINDOW_M
from volant.vehicle.parameters import plant_spec

TICK_NS = 10_000_000


@dataclass
class SimBench:
    """A simulated car on a plane."""

    car: SimCar

    def advance(self, stamp_ns: int) -> None:
        self.car.advance(stamp_ns)


def sim_car(
    spec: CarSpec | None = None,
    *,
    speed_mps: float = 0.0,
    world: FlatWorld | None = None,
    seed: int = 1,
    charge_pct: float = 60.0,
    friction: float = 1.0,
) -> SimCar:
    start = CarStart(
        Pose(0.0, 0.0, 0.0), speed_mps=speed_mps, charge_pct=charge_pct, friction=friction
    )
    return SimCar(spec or spec_of("g3-520"), world or FlatWorld(), start, Chance.of(seed, "car"))


class TestSimCarG3(CarSuite):
    def bench(self, *, speed_mps: float = 0.0) -> SimBench:
        return SimBench(sim_car(speed_mps=speed_mps))


class TestSimCarP7Perfect(CarSuite):
    def bench(self, *, speed_mps: float = 0.0) -> SimBench:
        return SimBench(sim_car(with_perfect_sensors(spec_of("p7")), speed_mps=speed_mps))


def test_it_is_a_car_by_the_port() -> None:
    car: Car = sim_car()
    assert isinstance(car.read(0)[0], CarState)


@pytest.mark.parametrize("grade", [-0.1, 0.1, 0.2])
@pytest.mark.parametrize("gear", [Gear.DRIVE, Gear.REVERSE, Gear.PARK])
def test_it_stands_on_a_grade_for_a_minute(grade: float, gear: Gear) -> None:
    car = sim_car(world=FlatWorld(math.atan(grade)))
    driver = CarDriver(SimBench(car))
    driver.drive(60.0, 0.0, gear=gear)
    truth = car.truth(driver.stamp_ns)
    assert (truth.x_m, truth.speed_mps) == (0.0, 0.0)


@pytest.mark.parametrize("grade", [-0.1, 0.1])
def test_it_moves_off_on_a_grade_without_rolling_the_other_way(grade: float) -> None:
    car = sim_car(world=FlatWorld(math.atan(grade)))
    driver = CarDriver(SimBench(car))
    driver.drive(2.0, 0.0, hold=True)
    speeds = []
    for _ in range(300):
        driver.drive(0.01, 0.8)
        speeds.append(car.truth(driver.stamp_ns).speed_mps)
    assert min(speeds) == 0.0
    assert speeds[-1] == pytest.approx(0.8 * 2.8, abs=0.2)


@pytest.mark.parametrize("grade", [-0.08, 0.08])
def test_the_grade_is_compensated(grade: float) -> None:
    driver = CarDriver(SimBench(sim_car(world=FlatWorld(math.atan(grade)), speed_mps=15.0)))
    driver.drive(5.0)
    assert driver.state.speed_mps == pytest.approx(15.0, abs=0.3)


def test_measured_is_near_the_truth_and_not_it() -> None:
    car = sim_car(speed_mps=20.0)
    driver = CarDriver(SimBench(car))
    errors = [
        state.speed_mps - car.truth(state.stamp_ns).speed_mps
        for _ in range(400)
        for state in driver.drive(0.01, 0.2, 0.002)
    ]
    assert 0.002 < math.sqrt(sum(error * error for error in errors) / len(errors)) < 0.02
    assert abs(sum(errors) / len(errors)) < 0.003


def test_perfect_sensors_measure_the_truth() -> None:
    car = sim_car(with_perfect_sensors(spec_of("g3-520")), speed_mps=20.0)
    driver = CarDriver(SimBench(car))
    driver.drive(1.0, 1.0, 0.004)
    truth = car.truth(driver.stamp_ns)
    assert driver.state.speed_mps == truth.speed_mps
    assert driver.state.accel_mps2 == truth.accel_mps2
    assert driver.state.yaw_rate_rps == truth.yaw_rate_rps
    assert driver.state.steer_rad == truth.steer_rad


def test_one_seed_gives_the_same_bits_and_another_differs_in_noise_only() -> None:
    cars = [sim_car(speed_mps=10.0, seed=seed) for seed in (1, 1, 2)]
    drivers = [CarDriver(SimBench(car)) for car in cars]
    for driver in drivers:
        driver.drive(2.0, 0.7, 0.01)
    assert drivers[0].state == drivers[1].state != drivers[2].state
    truths = [car.truth(driver.stamp_ns) for car, driver in zip(cars, drivers, strict=True)]
    assert truths[0] == truths[2]


def test_what_is_read_between_does_not_change_what_comes() -> None:
    often, seldom = sim_car(speed_mps=10.0), sim_car(speed_mps=10.0)
    for tick in range(1, 101):
        often.advance(tick * TICK_NS)
        often.read(tick * TICK_NS)
    seldom.advance(100 * TICK_NS)
    assert often.read(100 * TICK_NS) == seldom.read(100 * TICK_NS)


def test_sensor_frames_pass_from_the_surroundings() -> None:
    gnss = GnssReturn(stamp_ns=0, x_m=1.0, y_m=2.0, z_m=0.0, yaw_rad=0.0, sigma_m=1.0)
    world = FlatWorld(frames=SensorFrames(stamp_ns=0, gnss=gnss))
    car = sim_car(world=world, speed_mps=10.0)
    car.advance(TICK_NS)
    assert car.read(TICK_NS)[1] is world.frames
    assert world.sensed[-1] == car.truth(TICK_NS)


def test_truth_is_the_rear_axle_in_the_world() -> None:
    car = sim_car(speed_mps=10.0)
    driver = CarDriver(SimBench(car))
    driver.drive(3.0, 0.0, 0.02)
    first = car.truth(driver.stamp_ns)
    driver.drive(0.01, 0.0, 0.02)
    then = car.truth(driver.stamp_ns)
    cos, sin = math.cos(first.yaw_rad), math.sin(first.yaw_rad)
    step_x_m = 0.01 * (first.speed_mps * cos - first.lateral_speed_mps * sin)
    step_y_m = 0.01 * (first.speed_mps * sin + first.lateral_speed_mps * cos)
    assert then.x_m - first.x_m == pytest.approx(step_x_m, abs=3e-4)
    assert then.y_m - first.y_m == pytest.approx(step_y_m, abs=3e-4)
    assert first.lateral_accel_mps2 == pytest.approx(first.speed_mps * first.yaw_rate_rps, rel=0.03)
    assert first.roll_rad > 0.0 > -first.length_m


def test_uphill_the_nose_points_up_and_the_height_follows() -> None:
    car = sim_car(world=FlatWorld(0.1), speed_mps=10.0)
    driver = CarDriver(SimBench(car))
    driver.drive(2.0)
    truth = car.truth(driver.stamp_ns)
    # ISO 8855: a positive pitch is nose down.
    assert truth.pitch_rad == pytest.approx(-0.1, abs=0.005)
    assert truth.z_m == pytest.approx(truth.x_m * math.tan(0.1), abs=0.03)


def test_the_driver_s_hands_and_feet_are_reported_as_set() -> None:
    car = sim_car()
    controls = DriverControls(accelerator=0.3, wheel_torque_nm=1.5)
    car.set_controls(controls)
    assert car.read(0)[0].driver == controls


def test_refused_commands_are_counted() -> None:
    car = sim_car(speed_mps=10.0)
    car.apply(Command(stamp_ns=0, accel_mps2=math.nan, curvature_per_m=0.0), 0)
    assert car.refused == 1


def test_a_clock_that_jumps_costs_a_second_at_most_and_one_that_goes_back_nothing() -> None:
    car = sim_car(speed_mps=10.0)
    car.advance(3_600_000_000_000)
    assert car.truth(0).x_m == pytest.approx(10.0, abs=0.2)
    stood = car.truth(0)
    car.advance(10_000_000)
    assert car.truth(0) == stood


def test_the_range_shown_begins_at_the_published_consumption_and_learns() -> None:
    car = sim_car(with_perfect_sensors(spec_of("g3-520")), speed_mps=30.0, charge_pct=50.0)
    driver = CarDriver(SimBench(car))
    # 50 % of the charge is a little less than half the energy: the voltage falls with it.
    assert driver.state.range_m == pytest.approx(0.5 * 520e3, rel=0.06)
    driver.drive(300.0)
    spent_m = 0.5 * 520e3 - driver.state.range_m
    assert spent_m > 1.5 * driver.state.odometer_m


def test_recent_consumption_is_what_left_the_cells_losses_included() -> None:
    car = sim_car(with_perfect_sensors(spec_of("g3-520")), speed_mps=33.0, charge_pct=80.0)
    driver = CarDriver(SimBench(car))
    charge = 0.01 * driver.state.charge_pct
    driver.drive(400.0)
    after = 0.01 * driver.state.charge_pct
    machine = plant_spec(car.spec)
    left_j = energy_j(after, machine.capacity_c, machine.cells_in_series)
    used_j = energy_j(charge, machine.capacity_c, machine.cells_in_series) - left_j
    distance_m = driver.state.odometer_m
    forgotten = math.exp(-distance_m / WINDOW_M)
    usual_j_per_m = car.spec.usable_j / 520e3
    recent = usual_j_per_m * forgotten + used_j / distance_m * (1.0 - forgotten)
    assert left_j / driver.state.range_m == pytest.approx(recent, rel=0.004)


def test_ice_makes_stops_longer() -> None:
    stops = []
    for friction in (1.0, 0.15):
        car = sim_car(speed_mps=10.0, friction=friction)
        CarDriver(SimBench(car)).drive(9.0, -8.0)
        assert car.truth(0).speed_mps == 0.0
        stops.append(car.truth(0).x_m)
    assert stops[1] > 3.5 * stops[0]


commands = st.builds(
    Command,
    stamp_ns=st.just(0),
    accel_mps2=st.floats(),
    curvature_per_m=st.floats(),
    gear=st.sampled_from(Gear),
    indicator=st.sampled_from(Indicator),
    hold=st.booleans(),
)


@settings(max_examples=60)
@given(
    sequence=st.lists(st.tuples(commands, st.integers(1, 40)), max_size=10),
    speed_mps=st.floats(-10.0, 45.0),
    grade_rad=st.floats(-0.2, 0.2),
)
def test_no_sequence_of_commands_raises_or_gives_anything_but_numbers(
    sequence: list[tuple[Command, int]], speed_mps: float, grade_rad: float
) -> None:
    car = sim_car(speed_mps=speed_mps, world=FlatWorld(grade_rad))
    stamp_ns = 0
    for command, ticks in sequence:
        car.apply(command, stamp_ns)
        stamp_ns += ticks * TICK_NS
        car.advance(stamp_ns)
        state, _ = car.read(stamp_ns)
        truth = car.truth(stamp_ns)
        for message in (state, truth):
            for name in message.__struct_fields__:
                value = getattr(message, name)
                assert not isinstance(value, float) or math.isfinite(value), name
        assert 0.0 <= state.charge_pct <= 100.0
        assert state.range_m >= 0.0
