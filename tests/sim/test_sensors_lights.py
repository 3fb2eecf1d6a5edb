"""Traffic lights as the camera sees them, and sensors that break on order."""

import math
from collections import Counter

import numpy as np
import pytest

from tests.sim.places import cars, ego_at, straight
from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import LightState, LightTruth, MarkKind
from volant.road import PlacedSignal, Signal
from volant.sim.columns import Actor
from volant.sim.place_sensors import make_place_sensors, sense_place
from volant.sim.sensors import deliver, make_object_sensors, measure
from volant.sim.sensors_faults import FaultKind, SensorFault, fault_of
from volant.sim.sensors_lights import LightSensor, make_light_sensor, sense_lights


def sensor(level: str = "typical", heading_rad: float = 0.0, **more: object) -> LightSensor:
    """The camera before one light at 560 m, 3 m to the right of lane 1 and 3 m high."""
    state = make_light_sensor(level, straight(), Chance.of(5, "l"), **more)  # type: ignore[arg-type]
    at = straight().position(1, 560.0, -3.0)
    signal = Signal("9", "light", 560.0, 0.0, "1000001", dynamic=True, z_offset_m=3.0)
    state.lights["1:9"] = PlacedSignal("1", signal, at.x_m, at.y_m, 0.0, heading_rad, None)
    return state


def seen(
    state: LightSensor,
    ego_s: float = 500.0,
    lamp: LightState = LightState.RED,
    count: int = 400,
    lorry: float | None = None,
) -> list[LightState | None]:
    """What is told in `count` ticks; None where the light is missing in a frame."""
    traffic = cars(straight(), *([(1, lorry, 0.0)] if lorry else []))
    if lorry:
        traffic.actor_f[0, Actor.LENGTH], traffic.actor_f[0, Actor.WIDTH] = 12.0, 2.55
        traffic.actor_f[0, Actor.HEIGHT] = 3.8
    ego = ego_at(straight(), 1, ego_s, 10.0)
    told: list[LightState | None] = []
    for tick in range(count):
        frame = sense_lights(
            *(state, (LightTruth(signal="1:9", state=lamp),), (traffic.actor_f, traffic.actor_i)),
            *(ego, tick * PILOT_TICK_NS),
        )
        if frame is not None:
            told.append(frame.lights[0].state if frame.lights else None)
    return told


def test_a_light_ahead_is_told_with_rare_misses_and_rarer_mistakes() -> None:
    counts = Counter(seen(sensor(), count=6000))
    assert counts[LightState.RED] > 0.9 * 5998
    assert 0.01 < counts[None] / 5998 < 0.1
    assert 0.0005 < counts[LightState.AMBER] / 5998 < 0.015
    assert set(seen(sensor("perfect"), lamp=LightState.GREEN)) == {LightState.GREEN}


def test_a_light_is_seen_from_its_front_within_80_m() -> None:
    assert LightState.RED not in seen(sensor(), ego_s=470.0)
    assert LightState.RED not in seen(sensor(heading_rad=math.pi))
    assert LightState.RED not in seen(sensor(), ego_s=565.0)


def test_a_lorry_hides_a_light_that_a_car_does_not() -> None:
    at = straight().position(1, 560.0, -3.0)
    state = sensor()
    placed = state.lights["1:9"]
    state.lights["1:9"] = PlacedSignal("1", placed.signal, at.x_m, at.y_m + 3.0, 0.0, 0.0, None)
    assert LightState.RED not in seen(state, lorry=520.0)
    assert LightState.RED in seen(sensor(), lorry=None)


def test_the_place_is_told_in_the_cars_frame_with_the_stamp_of_the_picture() -> None:
    state, ego = sensor("typical"), ego_at(straight(), 1, 520.0, 10.0, turn_rad=0.1)
    none = cars(straight())
    rows, stamps = [], []
    for tick in range(200):
        frame = sense_lights(
            *(state, (LightTruth(signal="1:9", state=LightState.RED),)),
            *((none.actor_f, none.actor_i), ego, tick * PILOT_TICK_NS),
        )
        if frame is not None and frame.lights:
            rows.append((frame.lights[0].x_m, frame.lights[0].y_m, frame.lights[0].z_m))
            stamps.append(tick * PILOT_TICK_NS - frame.stamp_ns)
    x, y, z = np.mean(rows, axis=0)
    assert set(stamps) == {2 * PILOT_TICK_NS}
    assert x == pytest.approx(40.0 * math.cos(0.1) - 3.0 * math.sin(0.1), abs=0.5)
    assert y == pytest.approx(-40.0 * math.sin(0.1) - 3.0 * math.cos(0.1), abs=0.1)
    assert z == pytest.approx(3.0, abs=0.1)


def test_a_fault_holds_for_its_time_and_the_front_camera_takes_lane_and_lights_along() -> None:
    faults = (SensorFault(sensor="camera_front", from_s=2.0, to_s=3.0),)
    assert fault_of(faults, "camera_front", 1.9) is None
    for name in ("camera_front", "lane", "lights"):
        assert fault_of(faults, name, 2.0) is FaultKind.LOST
        assert fault_of(faults, name, 3.0) is None
    assert fault_of(faults, "gnss", 2.5) is None
    told = seen(sensor(faults=(SensorFault(sensor="lights", from_s=5.0),)), count=200)
    assert len(told) == pytest.approx(100, abs=3)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_broken_radar_is_broken_in_its_own_way(kind: FaultKind) -> None:
    traffic, ego = cars(straight(), (1, 560.0, 15.0)), ego_at(straight(), 1, 500.0, 20.0)
    faults = (SensorFault(sensor="radar_front", kind=kind, from_s=1.0),)
    state = make_object_sensors("typical", Chance.of(2, "s"), 1, faults)
    sound, broken = [], []
    for tick in range(80):
        now_ns = tick * PILOT_TICK_NS
        measure(state, traffic.actor_f, traffic.actor_i, ego, now_ns)
        for frame in deliver(state, now_ns):
            if frame.sensor == "radar_front":
                late = (now_ns - frame.stamp_ns) // PILOT_TICK_NS
                (broken if frame.stamp_ns >= 10**9 else sound).append((late, frame.objects))
    assert len(sound) == 20
    if kind is FaultKind.LOST:
        assert not broken
    elif kind is FaultKind.FROZEN:
        assert len({objects for _, objects in broken}) == 1
    elif kind is FaultKind.DELAYED:
        assert {late for late, _ in broken} == {9}
    elif kind is FaultKind.NOISY:
        assert np.std([objects[0].x_m for _, objects in broken if objects]) > 1.0
    else:
        assert np.mean([len(objects) for _, objects in broken]) > 2.5


@pytest.mark.parametrize("kind", list(FaultKind))
def test_broken_lane_sensors_and_receivers_tell_what_their_fault_says(kind: FaultKind) -> None:
    graph, ego = straight(), ego_at(straight(), 1, 500.0, 20.0, offset_m=0.2)
    at = graph.project(1, ego.x_m, ego.y_m)
    faults = tuple(SensorFault(sensor=name, kind=kind, from_s=1.0) for name in ("lane", "gnss"))
    state = make_place_sensors("typical", graph, Chance.of(1, "p"), faults)
    lanes, fixes = [], []
    for tick in range(100):
        lane, gnss = sense_place(state, ego, at, tick * PILOT_TICK_NS)
        if tick > 30 and lane is not None:
            lanes.append(lane)
        if tick > 30 and gnss is not None:
            fixes.append(gnss)
    if kind is FaultKind.LOST:
        assert not lanes
        assert not fixes
        return
    offsets = np.array([lane.offset_m for lane in lanes])
    places = np.array([fix.x_m for fix in fixes])
    if kind is FaultKind.FROZEN:
        assert len(set(offsets)) == len(set(places)) == 1
        assert len({fix.stamp_ns for fix in fixes}) == len(fixes)
    elif kind is FaultKind.NOISY:
        assert offsets.std() > 0.3
        assert places.std() > 2.0
    elif kind is FaultKind.GHOSTS:
        assert offsets.mean() == pytest.approx(1.1, abs=0.1)
        assert places.mean() - ego.x_m == pytest.approx(15.0, abs=3.0)


def test_the_lane_sensor_counts_the_lanes_beside_and_reads_the_paint() -> None:
    graph = straight()
    for lane, expected in ((0, (0, 2)), (1, (1, 1)), (2, (2, 0))):
        state = make_place_sensors("typical", graph, Chance.of(lane, "p"))
        ego = ego_at(graph, lane, 500.0, 20.0)
        at = graph.project(lane, ego.x_m, ego.y_m)
        told = [sense_place(state, ego, at, k * PILOT_TICK_NS)[0] for k in range(4000)]
        counts = Counter((one.lanes_left, one.lanes_right) for one in told if one is not None)
        assert counts.most_common(1)[0][0] == expected
        assert 0.4 < counts[expected] / sum(counts.values()) < 0.9
        rights = Counter(one.right_mark for one in told if one is not None)
        true = MarkKind.BROKEN if lane < 2 else MarkKind.SOLID
        assert 0.9 < rights[true] / sum(rights.values()) < 1.0
