"""The car over buses keeps the port's promises, drives as the direct one does, and sends what it says."""

from collections import Counter

import pytest

from tests.vehicle.car_suite import CarSuite
from tests.vehicle.network.bus_car import MAPPING, TICK_NS, BusBench
from tests.vehicle.reference_car import spec_of
from tests.vehicle.test_simcar import sim_car
from volant.core.messages import Command, Gear, Indicator
from volant.vehicle import with_perfect_sensors
from volant.vehicle.network import Frame


class TestBusCar(CarSuite):
    holds_s = 0.08

    def bench(self, *, speed_mps: float = 0.0) -> BusBench:
        return BusBench(speed_mps=speed_mps)


class TestBusCarP7Perfect(CarSuite):
    holds_s = 0.08

    def bench(self, *, speed_mps: float = 0.0) -> BusBench:
        return BusBench(with_perfect_sensors(spec_of("p7")), speed_mps=speed_mps)


def test_it_drives_as_the_direct_car_does() -> None:
    bench, direct = BusBench(speed_mps=15.0), sim_car(speed_mps=15.0)
    for tick in range(1, 2001):
        stamp_ns = tick * TICK_NS
        command = Command(
            stamp_ns=stamp_ns,
            accel_mps2=1.0 if tick < 600 else -0.8,
            curvature_per_m=0.004 * ((tick // 200) % 3 - 1),
            gear=Gear.DRIVE,
        )
        for car in (bench.car, direct):
            car.apply(command, stamp_ns)
            car.advance(stamp_ns)
            car.read(stamp_ns)
    ours, theirs = bench.car.truth(0), direct.truth(0)
    assert abs(ours.x_m - theirs.x_m) < 0.02
    assert abs(ours.y_m - theirs.y_m) < 0.02
    assert abs(ours.speed_mps - theirs.speed_mps) < 0.001


@pytest.mark.parametrize("bus", list(MAPPING.databases))
def test_every_message_is_sent_at_its_cycle(bus: str) -> None:
    bench = BusBench(speed_mps=10.0)
    seen: Counter[int] = Counter()

    def count(frame: Frame) -> list[Frame]:
        seen[frame.can_id] += 1
        return [frame]

    bench.media.buses[bus].tamper = count
    bench.run(200)
    for message in MAPPING.databases[bus].messages.values():
        if message.cyclic:
            wanted = 200 * TICK_NS / message.cycle_ns
            assert seen[message.can_id] == pytest.approx(wanted, abs=3), message.name


def test_the_same_drive_sends_the_same_frames() -> None:
    def frames() -> list[Frame]:
        bench, found = BusBench(speed_mps=10.0), []
        for medium in bench.media.buses.values():
            medium.tamper = lambda frame: found.append(frame) or [frame]  # type: ignore[func-returns-value]
        bench.run(100, 1.0, 0.01)
        return found

    first = frames()
    assert len(first) > 2000
    assert first == frames()


def test_a_car_that_nobody_commands_makes_itself_safe() -> None:
    """The port alone, read and never given a command again, does not keep the last one alive."""
    bench = BusBench(speed_mps=10.0)
    bench.run(100, accel_mps2=2.0)
    fast_mps = bench.state.speed_mps
    last_ns = bench.stamp_ns
    port = bench.media("chassis", "LISTENER", frozenset({MAPPING.sent["PIL_Long"].can_id}))
    states = bench.run(600, silent=True)
    samples = MAPPING.sent["PIL_Long"].reader(["PIL_Long_Sample"])
    assert len({samples.read(frame.data) for frame in port.receive()}) == 1, (
        "one command, one sample"
    )
    assert abs(states[-1].speed_mps) < 0.1
    assert max(state.speed_mps for state in states) < fast_mps + 0.5
    hazard_ns = next(s.stamp_ns for s in states if s.indicator is Indicator.HAZARD)
    assert hazard_ns - last_ns <= 200_000_000
