"""Broken, missing, frozen, late and contradictory input: degrade or hand over, never raise."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.pilot.world import PERFECT, TYPICAL, Actor, World, curvy, straight
from volant.core.clock import NS_PER_S
from volant.core.messages import Engagement, Observation, RequestKind
from volant.pilot.pipeline import PilotOutput

replace = msgspec.structs.replace


def states(world: World) -> list[Engagement]:
    return [
        one
        for one, last in zip(world.log.engagement, [None, *world.log.engagement], strict=False)
        if one is not last
    ]


def test_without_objects_the_car_slows_hands_over_and_stops_in_its_lane() -> None:
    world = World(curvy(), speed_mps=20.0, sensing=TYPICAL)
    world.run(6.0)
    world.blind = True
    log = world.run(30.0)
    assert states(world)[-2:] == [Engagement.TAKEOVER, Engagement.MINIMAL_RISK]
    assert log.speed_mps[-1] == 0.0
    assert max(map(abs, log.offset_m)) < 0.4
    assert min(log.accel_mps2) >= -4.0
    assert {"takeover", "minimal_risk"} <= set(world.alerts)


def test_without_a_lane_the_driver_has_ten_seconds() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(6.0)
    world.lane_blind = True
    log = world.run(30.0)
    asked = log.engagement.index(Engagement.TAKEOVER)
    stopping = log.engagement.index(Engagement.MINIMAL_RISK)
    assert asked > 600
    assert stopping - asked == pytest.approx(400, abs=110) or stopping - asked >= 1000
    assert max(map(abs, log.offset_m)) < 0.5


def test_a_short_loss_of_everything_is_bridged() -> None:
    world = World(curvy(), speed_mps=20.0, actors=[Actor(60.0, 18.0)], sensing=TYPICAL)
    world.run(6.0)
    world.blind = world.lane_blind = True
    world.run(0.4)
    world.blind = world.lane_blind = False
    log = world.run(5.0)
    assert Engagement.TAKEOVER not in log.engagement
    assert max(map(abs, log.offset_m)) < 0.3


def test_the_drivers_brake_ends_it_in_the_same_tick() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    assert world.memory.engage.engagement is Engagement.ENGAGED
    world.controls = replace(world.controls, brake=0.3)
    output = world.advance()
    assert world.memory.engage.engagement is Engagement.READY
    assert output.state is not None
    assert output.state.code == "driver_brake"


def test_the_wheel_overrides_only_while_it_is_held() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    world.controls = replace(world.controls, wheel_torque_nm=5.0)
    world.advance()
    assert world.memory.engage.engagement is Engagement.OVERRIDDEN
    world.controls = replace(world.controls, wheel_torque_nm=0.0)
    world.advance()
    assert world.memory.engage.engagement is Engagement.ENGAGED


def frozen_lane(world: World):
    """The camera hangs: the same return with new stamps."""
    held: list = []

    def tamper(observation: Observation) -> Observation:
        sensors = observation.sensors
        if sensors is None or sensors.lane is None or observation.stamp_ns < 4 * NS_PER_S:
            return observation
        held.append(sensors.lane)
        lane = replace(held[0], stamp_ns=sensors.lane.stamp_ns)
        return replace(observation, sensors=replace(sensors, lane=lane))

    return tamper


def test_a_hung_camera_counts_as_a_missing_one() -> None:
    world = World(curvy(), speed_mps=20.0, sensing=TYPICAL)
    world.tamper = frozen_lane(world)
    world.run(8.0)
    assert world.state is not None
    assert world.state.code == "lost_lane"


def test_a_lane_that_contradicts_the_map_is_not_followed() -> None:
    def tamper(observation: Observation) -> Observation:
        sensors = observation.sensors
        if sensors is None or sensors.lane is None or observation.stamp_ns < 4 * NS_PER_S:
            return observation
        lane = replace(sensors.lane, offset_m=sensors.lane.offset_m + 1.7)
        return replace(observation, sensors=replace(sensors, lane=lane))

    world = World(straight(), speed_mps=20.0, sensing=TYPICAL, tamper=tamper)
    log = world.run(9.0)
    assert max(map(abs, log.offset_m)) < 0.8  # by wheels and gyro alone, still in its lane
    assert Engagement.TAKEOVER in log.engagement


NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, -1e300, -1.0, 3.0])
KINDS = st.sampled_from(
    ["car", "lane", "gnss", "object", "none", "late", "future", "repeat", "request", "teleport"]
)


class Breaker:
    """Breaks observations as a list of (kind, number) says, one after another."""

    def __init__(self, faults: list[tuple[str, float]]) -> None:
        self.faults, self.index = faults, 0
        self.before: Observation | None = None

    def __call__(self, observation: Observation) -> Observation:
        if observation.stamp_ns < NS_PER_S or observation.sensors is None:
            return observation
        kind, number = self.faults[self.index % len(self.faults)]
        self.index += 1
        broken = self.break_one(observation, kind, number)
        self.before = observation
        return broken

    def break_one(self, seen: Observation, kind: str, number: float) -> Observation:
        sensors = seen.sensors
        assert sensors is not None
        if kind == "car":
            car = replace(seen.car, speed_mps=number, yaw_rate_rps=number, accel_mps2=number)
            return replace(seen, car=car)
        if kind == "lane" and sensors.lane is not None:
            lane = replace(sensors.lane, offset_m=number, heading_rad=number)
            return replace(seen, sensors=replace(sensors, lane=lane))
        if kind == "gnss" and sensors.gnss is not None:
            gnss = replace(sensors.gnss, x_m=number, yaw_rad=number, sigma_m=number)
            return replace(seen, sensors=replace(sensors, gnss=gnss))
        if kind in ("object", "teleport"):
            frames = tuple(
                replace(
                    frame,
                    objects=tuple(
                        replace(one, x_m=number)
                        if kind == "teleport"
                        else replace(one, y_m=number, velocity_x_mps=number, length_m=number)
                        for one in frame.objects
                    ),
                )
                for frame in sensors.detections
            )
            return replace(seen, sensors=replace(sensors, detections=frames))
        if kind == "none":
            return replace(seen, sensors=None)
        if kind in ("late", "future"):
            shift_ns = round(2e9) * (1 if kind == "future" else -1)
            frames = tuple(
                replace(frame, stamp_ns=max(frame.stamp_ns + shift_ns, 0))
                for frame in sensors.detections
            )
            return replace(seen, sensors=replace(sensors, detections=frames))
        if kind == "repeat" and self.before is not None:
            return replace(seen, sensors=self.before.sensors)
        if kind == "request":
            from volant.core.messages import DriverRequest

            wild = DriverRequest(stamp_ns=seen.stamp_ns, kind=RequestKind.SET_SPEED, value=number)
            return replace(seen, requests=(wild,))
        return seen


def is_finite(output: PilotOutput) -> bool:
    """Every number of every message of a tick, command included."""

    def numbers(value: object) -> bool:
        if isinstance(value, float):
            return math.isfinite(value)
        if isinstance(value, (tuple, list)):
            return all(map(numbers, value))
        if isinstance(value, dict):
            return all(map(numbers, value.values()))
        return True

    messages = (output.command, output.localization, output.tracks, output.plan, output.state)
    return all(numbers(msgspec.to_builtins(one)) for one in messages if one is not None)


@pytest.mark.slow
@profile(max_examples=25)
@given(st.lists(st.tuples(KINDS, NUMBERS), min_size=1, max_size=12))
def test_no_broken_frame_raises_or_gets_into_an_output(faults: list[tuple[str, float]]) -> None:
    world = World(
        curvy(),
        speed_mps=20.0,
        station_m=180.0,
        actors=[Actor(230.0, 18.0), Actor(200.0, 22.0, offset_m=3.5)],
        sensing=PERFECT,
        tamper=Breaker(faults),
    )
    for _ in range(250):
        output = world.advance()
        assert is_finite(output)
        for message in (output.localization, output.tracks, output.plan, output.state):
            if message is not None:  # bounds hold as on a real seam
                msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message))


def test_a_clock_that_jumps_does_not_raise() -> None:
    world = World(straight(), speed_mps=20.0, actors=[Actor(80.0, 18.0)])
    world.run(3.0)
    for tick in (500, 501, 480, 481, 482, 5000, 5001):
        world.tick = tick
        output = world.advance()
        assert is_finite(output)
