"""One broken sensor is survived and said; what it leaves blind slows the car, refuses, or hands over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import CAR, TYPICAL, Actor, World, corridor, straight
from volant.core.clock import NS_PER_S
from volant.core.messages import (
    Constraint,
    DetectionFrame,
    Engagement,
    Indicator,
    LaneReturn,
    Observation,
    RequestKind,
)
from volant.pilot.perception.health import CAMERA
from volant.pilot.perception.track import TrackColumn
from volant.pilot.planning.corners import CornerTuning, corner_mps

with_ = msgspec.structs.replace
NOISY = replace(TYPICAL, ghosts=0.0)
"""Without ghosts: here one frame stands for all sensors, and a ghost seen by all is none."""
SENSORS = (
    "radar_front",
    "radar_front_left",
    "radar_front_right",
    "radar_rear_left",
    "radar_rear_right",
    "camera_front",
    "camera_left",
    "camera_right",
    "camera_rear",
    "ultrasonic",
)


@dataclass
class Cut:
    """The world's one sensor under the names of many, some of them silent from a time on."""

    lost: tuple[str, ...]
    from_s: float = 6.0
    to_s: float = math.inf
    names: tuple[str, ...] = SENSORS
    fates: list[str] = field(default_factory=list)

    def __call__(self, seen: Observation) -> Observation:
        if seen.sensors is None:
            return seen
        now_s = seen.stamp_ns / NS_PER_S
        gone = self.lost if self.from_s <= now_s < self.to_s else ()
        frames = tuple(
            DetectionFrame(sensor=name, stamp_ns=one.stamp_ns, objects=one.objects)
            for one in seen.sensors.detections
            for name in self.names
            if name not in gone
        )
        lane: LaneReturn | None = None if CAMERA in gone else seen.sensors.lane
        gnss = None if "gnss" in gone else seen.sensors.gnss
        return with_(seen, sensors=with_(seen.sensors, detections=frames, lane=lane, gnss=gnss))


def world_without(*lost: str, to_s: float = math.inf, actors: Sequence[Actor] = ()) -> World:
    return World(
        straight(), speed_mps=25.0, sensing=NOISY, tamper=Cut(lost, to_s=to_s), actors=actors
    )


@pytest.mark.parametrize("sensor", ["radar_front", "radar_rear_left", "camera_rear", "ultrasonic"])
def test_one_lost_sensor_is_said_and_driven_on_with(sensor: str) -> None:
    world = world_without(sensor, actors=[Actor(90.0, 22.0)])
    world.run(6.0)
    (before,) = world.memory.tracker.confirmed[:, TrackColumn.ID]
    log = world.run(4.0)
    assert world.state is not None
    assert world.state.degraded == (f"{sensor}_lost",)
    assert f"{sensor}_lost" in world.alerts
    assert log.engagement[-1] is Engagement.ENGAGED
    assert Engagement.TAKEOVER not in log.engagement
    assert list(world.memory.tracker.confirmed[:, TrackColumn.ID]) == [before]
    assert not world.contact


def test_a_sensor_that_comes_back_is_said_too() -> None:
    world = world_without("camera_left", to_s=8.0)
    world.run(9.0)
    assert world.state is not None
    assert world.state.degraded == ()
    assert world.alerts.index("sensors_well") > world.alerts.index("camera_left_lost")


def test_without_the_front_radar_the_car_slows_calmly() -> None:
    world = world_without("radar_front")
    world.run(6.0)
    log = world.run(14.0)
    speeds, accels = log.array("speed_mps")[600:], log.array("command_mps2")[600:]
    assert speeds[-1] < 24.5
    assert float(accels.min()) > -1.6
    assert world.plan is not None
    assert world.plan.constraint is Constraint.SIGHT


def test_without_the_front_camera_the_driver_gets_the_time_to_take_over() -> None:
    world = world_without(CAMERA)
    log = world.run(24.0)
    asked = log.engagement.index(Engagement.TAKEOVER)
    assert 650 < asked < 900
    assert log.engagement.index(Engagement.MINIMAL_RISK) - asked >= 700
    assert max(map(abs, log.offset_m)) < 0.6


def test_blind_ahead_the_driver_is_asked_and_then_the_car_stops() -> None:
    world = world_without("radar_front", CAMERA)
    log = world.run(9.4)
    assert world.state is not None
    assert world.state.degraded[0] == "front_blind"
    asked, stopping = map(log.engagement.index, (Engagement.TAKEOVER, Engagement.MINIMAL_RISK))
    assert 655 <= asked <= 680
    assert 180 <= stopping - asked <= 220
    log = world.run(24.0)
    assert log.speed_mps[-1] == 0.0
    assert min(log.accel_mps2) > -4.0


def test_a_short_loss_of_all_that_looks_ahead_is_no_end() -> None:
    world = world_without("radar_front", CAMERA, to_s=7.5)
    log = world.run(12.0)
    assert Engagement.MINIMAL_RISK not in log.engagement
    assert log.engagement[-1] is Engagement.ENGAGED


def test_without_gnss_the_car_drives_on_for_its_patience() -> None:
    world = world_without("gnss")
    log = world.run(20.0)
    assert world.state is not None
    assert world.state.degraded == ("gnss_lost",)
    assert log.engagement[-1] is Engagement.ENGAGED
    assert max(map(abs, log.offset_m)) < 0.4


@pytest.mark.parametrize(
    ("lost", "refused"), [("radar_rear_left", True), ("radar_rear_right", False)]
)
def test_no_lane_is_changed_to_a_side_whose_radar_is_gone(lost: str, refused: bool) -> None:
    two = corridor([(3000.0, 0.0, 0.0)], lanes=2, lane=2)
    world = World(two, speed_mps=25.0, sensing=NOISY, tamper=Cut((lost,), from_s=4.0))
    world.run(7.0)
    press = RequestKind.INDICATE
    codes, lit = set(), set()
    world.request(press)
    world.requests[-1] = with_(world.requests[-1], indicator=Indicator.LEFT)
    for _ in range(800):
        output = world.advance()
        lit.add(output.command.indicator)
        if output.plan is not None:
            codes |= {one.code for one in output.plan.refusals}
    assert ("side_blind" in codes) is refused
    assert (Indicator.LEFT in lit) is not refused
    assert (max(world.log.offset_m) > 2.0) is not refused


@pytest.mark.parametrize("room_m", [0.3, 0.8, 1.2, 2.0, 3.0])
def test_who_steps_out_is_passed_or_stopped_for_above_the_floor(room_m: float) -> None:
    tuning = CornerTuning()
    speed = corner_mps(room_m, 1.4, tuning)
    assert speed >= tuning.least_mps
    if speed == tuning.least_mps:
        return
    until_s = room_m / 1.4
    for away_m in np.linspace(0.0, 60.0, 200):
        passed = away_m < speed * until_s
        stop_m = speed * tuning.react_s + speed**2 / (2.0 * tuning.brake_mps2)
        assert passed or stop_m <= away_m + 1e-6


def parked(station_m: float, room_m: float) -> Actor:
    return Actor(station_m, 0.0, offset_m=-(0.5 * CAR.width_m + room_m + 0.9))


@pytest.mark.parametrize(("limit_mps", "slows"), [(14.0, True), (27.0, False)])
def test_beside_parked_cars_in_a_street_the_car_is_slower_and_never_crawls(
    limit_mps: float, slows: bool
) -> None:
    street = straight(900.0, limit_mps)
    cars = [parked(200.0 + 7.0 * k, 1.0) for k in range(8)]
    world = World(street, speed_mps=min(limit_mps, 14.0), actors=cars, sensing=NOISY)
    seen: set[Constraint] = set()
    beside = []
    for _ in range(2600):
        output = world.advance()
        if output.plan is not None:
            seen.add(output.plan.constraint)
        if 195.0 < world.station_m < 250.0:
            beside.append(world.speed_mps)
    assert (Constraint.OCCLUSION in seen) is slows
    assert min(beside) > 8.5
    assert (max(beside[100:]) < 11.5) is slows
    assert min(world.log.command_mps2) > -2.2
    assert world.log.speed_mps[-1] > min(limit_mps - 1.0, 18.0)


def test_a_lane_that_turns_out_to_be_another_is_no_jump_in_control() -> None:
    three = corridor([(3000.0, 0.0, 0.0)], lanes=3, lane=2)
    world = World(three, speed_mps=25.0, sensing=NOISY)
    world.run(6.0)
    memory = world.memory
    ego, lanes = memory.ego, memory.ego.lanes
    assert lanes is not None
    # As if the car had been believed one lane farther left all the time.
    here = three.graph.lanes[lanes.own.lane]
    assert here.left is not None
    from volant.pilot.pipeline import PilotMemory
    from volant.pilot.rolling import Carried, roll, settle

    mean = ego.mean.copy()
    mean[1] += 3.6
    guess = with_(lanes.guesses[0], lane=here.left)
    jumped = with_(ego, mean=mean, lanes=with_(lanes, guesses=(guess,), moved=lanes.moved + 1))
    held = Carried(
        *(memory.course, jumped, memory.tracker, memory.motion, memory.control),
        *(memory.halt_m, memory.moved),
    )
    held = roll(settle(held, ego), world.settings.way(0), world.settings.tuning.track)
    miss_before = memory.control.side[0] - ego.offset_m
    assert held.control.side[0] - held.ego.offset_m == pytest.approx(miss_before, abs=0.02)
    assert held.course.lane_index_at(held.ego.station_m) == here.left
    assert abs(held.ego.offset_m) < 0.6
    after: PilotMemory = with_(
        memory,
        **{name: getattr(held, name) for name in ("course", "ego", "tracker", "motion", "control")},
    )
    assert after.control.curvature_per_m == memory.control.curvature_per_m
