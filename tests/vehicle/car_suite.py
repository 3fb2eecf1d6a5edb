"""The port test of `core.ports.Car`: every car, simulated or real, inherits it.

A subclass says how to make a bench (the car standing in PARK on level dry ground, or rolling) and how
time passes there. The suite talks to the car through the port alone: command in, state out.
"""

import abc
import math
from typing import Protocol

import pytest

from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import CarState, Command, Gear, Indicator
from volant.core.ports import Car

NAN, INF = math.nan, math.inf


class Bench(Protocol):
    """A car and its time."""

    car: Car

    def advance(self, stamp_ns: int) -> None:
        """Let the car's time pass up to a stamp."""


class CarDriver:
    """Runs control ticks on a bench: command, time, read."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.stamp_ns = 0
        self.state = bench.car.read(0)[0]

    def drive(
        self,
        seconds: float,
        accel_mps2: float = 0.0,
        curvature_per_m: float = 0.0,
        *,
        gear: Gear = Gear.DRIVE,
        indicator: Indicator = Indicator.OFF,
        hold: bool = False,
    ) -> list[CarState]:
        """The same command for a while; the state after each control tick."""
        states = []
        for _ in range(round(seconds * 100.0)):
            command = Command(
                stamp_ns=self.stamp_ns,
                accel_mps2=accel_mps2,
                curvature_per_m=curvature_per_m,
                gear=gear,
                indicator=indicator,
                hold=hold,
            )
            self.bench.car.apply(command, self.stamp_ns)
            states.append(self.wait())
        return states

    def wait(self, seconds: float = 0.01) -> CarState:
        """Time without a new command."""
        for _ in range(round(seconds * 100.0)):
            self.stamp_ns += CONTROL_TICK_NS
            self.bench.advance(self.stamp_ns)
            self.state = self.bench.car.read(self.stamp_ns)[0]
        return self.state


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


class CarSuite(abc.ABC):
    """What every car must do."""

    holds_s = 2.0
    """How long a command holds at least."""

    @abc.abstractmethod
    def bench(self, *, speed_mps: float = 0.0) -> Bench:
        """A new car: at rest in PARK, or rolling straight in DRIVE (backwards in REVERSE)."""

    @pytest.fixture
    def parked(self) -> CarDriver:
        return CarDriver(self.bench())

    def rolling(self, speed_mps: float) -> CarDriver:
        return CarDriver(self.bench(speed_mps=speed_mps))

    def test_each_read_carries_the_stamp_it_was_asked_for(self, parked: CarDriver) -> None:
        stamps = [state.stamp_ns for state in parked.drive(0.2, gear=Gear.PARK)]
        assert stamps == [tick * CONTROL_TICK_NS for tick in range(1, 21)]
        assert parked.state.valid

    def test_reading_twice_gives_the_same_and_changes_nothing(self, parked: CarDriver) -> None:
        parked.drive(1.0, 1.0)
        read = parked.bench.car.read
        assert read(parked.stamp_ns)[0] == read(parked.stamp_ns)[0] == parked.state

    def test_in_park_it_stays_whatever_is_asked(self, parked: CarDriver) -> None:
        states = parked.drive(2.0, 3.0, 0.1, gear=Gear.PARK)
        assert {state.speed_mps for state in states} == {0.0}
        assert states[-1].odometer_m == states[0].odometer_m
        assert states[-1].gear is Gear.PARK
        assert states[-1].hold

    def test_in_drive_it_does_not_creep_without_a_wish_to_move(self, parked: CarDriver) -> None:
        states = parked.drive(3.0, 0.0)
        assert states[-1].odometer_m == states[0].odometer_m
        assert states[-1].gear is Gear.DRIVE

    def test_a_wish_to_hold_keeps_it_standing_against_its_drive(self, parked: CarDriver) -> None:
        states = parked.drive(2.0, 2.0, hold=True)
        assert states[-1].odometer_m == states[0].odometer_m
        assert states[-1].hold
        parked.drive(2.0, 2.0)
        assert parked.state.speed_mps > 2.0
        assert not parked.state.hold

    @pytest.mark.parametrize("accel_mps2", [0.5, 1.0, 2.0])
    def test_it_accelerates_as_asked(self, parked: CarDriver, accel_mps2: float) -> None:
        parked.drive(1.5, accel_mps2)
        states = parked.drive(2.0, accel_mps2)
        assert mean([state.accel_mps2 for state in states]) == pytest.approx(accel_mps2, abs=0.1)
        gained_mps = states[-1].speed_mps - states[0].speed_mps
        assert gained_mps == pytest.approx(1.99 * accel_mps2, abs=0.15)

    @pytest.mark.parametrize("accel_mps2", [-1.0, -3.0, -6.0])
    def test_it_brakes_as_asked(self, accel_mps2: float) -> None:
        car = self.rolling(25.0)
        car.drive(0.8, accel_mps2)
        states = car.drive(1.0, accel_mps2)
        assert mean([state.accel_mps2 for state in states]) == pytest.approx(accel_mps2, rel=0.08)

    @pytest.mark.parametrize("speed_mps", [3.0, 15.0, 33.0])
    def test_it_keeps_its_speed_when_nothing_is_asked(self, speed_mps: float) -> None:
        car = self.rolling(speed_mps)
        car.drive(6.0)
        assert car.state.speed_mps == pytest.approx(speed_mps, abs=0.3)

    def test_it_begins_to_obey_within_a_fifth_of_a_second(self) -> None:
        for accel_mps2 in (2.0, -4.0):
            car = self.rolling(20.0)
            states = car.drive(0.35, accel_mps2)
            assert states[-1].accel_mps2 / accel_mps2 > 0.3
            assert abs(states[3].accel_mps2) < abs(accel_mps2)

    @pytest.mark.parametrize("side", [1.0, -1.0])
    @pytest.mark.parametrize(
        ("speed_mps", "curvature_per_m"), [(3.0, 0.10), (10.0, 0.02), (20.0, 0.006), (33.0, 0.002)]
    )
    def test_it_turns_as_asked_in_steady_state(
        self, speed_mps: float, curvature_per_m: float, side: float
    ) -> None:
        car = self.rolling(speed_mps)
        car.drive(2.0, 0.0, side * curvature_per_m)
        states = car.drive(1.0, 0.0, side * curvature_per_m)
        turned = mean([state.yaw_rate_rps for state in states])
        driven = mean([state.speed_mps for state in states])
        assert turned / driven == pytest.approx(side * curvature_per_m, rel=0.05)

    def test_after_a_stop_it_stands_still_and_says_so(self) -> None:
        car = self.rolling(6.0)
        car.drive(5.0, -2.0)
        stood_m = car.state.odometer_m
        car.drive(2.0, -2.0)
        assert car.state.speed_mps == 0.0
        assert car.state.odometer_m == stood_m
        assert car.state.hold

    def test_reverse_goes_backwards_and_brakes_to_rest(self, parked: CarDriver) -> None:
        parked.drive(3.0, -0.5, gear=Gear.REVERSE)
        assert parked.state.speed_mps == pytest.approx(-1.4, abs=0.2)
        parked.drive(4.0, 0.8, gear=Gear.REVERSE)
        assert parked.state.speed_mps == 0.0
        assert parked.state.gear is Gear.REVERSE

    @pytest.mark.parametrize("gear", [Gear.PARK, Gear.REVERSE])
    def test_at_speed_it_refuses_park_and_reverse(self, gear: Gear) -> None:
        car = self.rolling(15.0)
        car.drive(1.0, 0.0, gear=gear)
        assert car.state.gear is Gear.DRIVE
        assert car.state.speed_mps == pytest.approx(15.0, abs=0.3)

    def test_in_neutral_it_coasts_and_still_brakes(self) -> None:
        car = self.rolling(20.0)
        car.drive(3.0, 1.0, gear=Gear.NEUTRAL)
        assert 18.0 < car.state.speed_mps < 20.0
        coasted_mps = car.state.speed_mps
        car.drive(2.0, -3.0, gear=Gear.NEUTRAL)
        assert car.state.speed_mps < coasted_mps - 4.0

    def test_brake_lights_tell_braking_and_nothing_else(self) -> None:
        car = self.rolling(25.0)
        assert not car.drive(0.5, 0.0)[-1].brake_lights
        # UN R13-H: not at 0.7 m/s2 and less, always above 1.3 m/s2.
        assert not car.drive(0.5, -0.5)[-1].brake_lights
        assert car.drive(0.5, -2.0)[-1].brake_lights
        assert not car.drive(0.5, 1.0)[-1].brake_lights

    @pytest.mark.parametrize("indicator", list(Indicator))
    def test_indicators_follow_the_command(self, parked: CarDriver, indicator: Indicator) -> None:
        parked.drive(0.05, indicator=indicator)
        assert parked.state.indicator is indicator

    def test_a_command_holds_until_the_next_one(self) -> None:
        car = self.rolling(10.0)
        car.drive(0.5, 1.0)
        begun_mps = car.state.speed_mps
        car.wait(self.holds_s)
        near_mps = max(0.125 * self.holds_s, 0.04)
        assert car.state.speed_mps == pytest.approx(begun_mps + self.holds_s, abs=near_mps)

    @pytest.mark.parametrize("bad", [NAN, INF, -INF])
    @pytest.mark.parametrize("field", ["accel_mps2", "curvature_per_m"])
    def test_a_command_that_is_no_number_is_refused_and_the_last_one_stays(
        self, bad: float, field: str
    ) -> None:
        car = self.rolling(10.0)
        car.drive(0.5, -1.0)
        begun_mps = car.state.speed_mps
        values = {"accel_mps2": 0.0, "curvature_per_m": 0.0, field: bad}
        car.bench.car.apply(Command(stamp_ns=car.stamp_ns, **values), car.stamp_ns)
        wait_s = min(self.holds_s, 1.0)
        state = car.wait(wait_s)
        near_mps = max(0.25 * wait_s, 0.04)
        assert state.speed_mps == pytest.approx(begun_mps - wait_s, abs=near_mps)
        assert all(math.isfinite(v) for v in (state.steer_rad, state.yaw_rate_rps, state.range_m))

    @pytest.mark.parametrize(
        ("accel_mps2", "curvature_per_m"), [(1e300, 0.0), (-1e300, 1e300), (0.0, -1e9)]
    )
    def test_absurd_commands_end_at_the_machine_s_limits(
        self, accel_mps2: float, curvature_per_m: float
    ) -> None:
        car = self.rolling(15.0)
        for state in car.drive(3.0, accel_mps2, curvature_per_m):
            assert abs(state.accel_mps2) < 15.0
            assert abs(state.lateral_accel_mps2) < 15.0
            assert abs(state.steer_rad) < 1.3

    def test_driving_costs_charge_and_range_and_standing_hardly_any(
        self, parked: CarDriver
    ) -> None:
        parked.drive(5.0, gear=Gear.PARK)
        before = parked.state
        parked.drive(10.0, 2.0)
        assert parked.state.battery_power_w > 20000.0
        assert parked.state.charge_pct < before.charge_pct
        assert parked.state.range_m < before.range_m
        parked.drive(3.0, -2.5)
        assert parked.state.battery_power_w < -5000.0

    def test_the_odometer_counts_what_the_speed_says(self) -> None:
        car = self.rolling(12.0)
        before_m = car.state.odometer_m
        speeds = [state.speed_mps for state in car.drive(5.0)]
        assert car.state.odometer_m - before_m == pytest.approx(5.0 * mean(speeds), rel=0.01)
