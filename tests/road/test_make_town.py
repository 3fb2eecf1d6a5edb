"""The town of the built-in world: every place is reached, every turn can be driven, signs are right."""

import math
from collections import Counter

import numpy as np
import pytest

from tests.road.roads import WORLD
from volant.road import LaneColumn, find_place, load_graph, make_guide, places
from volant.road.rules import Control, traffic_rules

NAMED = {
    "market-car-park",
    "station-car-park",
    "roundabout",
    "hospital",
    "harbour",
    "school",
    "town-hall",
    "market-square",
    "church",
    "stadium",
    "station",
    "depot",
}
# What a car with a turning circle of 11 m does without effort; left turns are wider.
RIGHT_M = 7.5
LEFT_M = 8.0
OVERLAP_M = 0.05


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


@pytest.fixture(scope="module")
def rules(world):
    return traffic_rules(world)


def test_the_named_places_are_there(world):
    assert {place.name for place in places(world)} >= NAMED


def test_from_every_place_every_other_can_be_reached(world):
    named = [place for place in places(world) if place.name in NAMED]
    for goal in named:
        guide = make_guide(world, (goal.lane, goal.s_m))
        for start in named:
            assert math.isfinite(guide.cost_s(start.lane, start.s_m)), (start.name, goal.name)


def test_from_every_lane_the_station_can_be_reached(world):
    goal = find_place(world, "station-car-park")
    guide = make_guide(world, (goal.lane, goal.s_m))
    lost = [lane for lane in world.lanes if not math.isfinite(guide.cost_s(lane.index, 0.0))]
    assert [str(lane.id) for lane in lost] == []


def test_the_default_trip_takes_town_country_road_motorway_and_town_again(world):
    start, goal = (find_place(world, f"{name}-car-park") for name in ("market", "station"))
    guide = make_guide(world, (goal.lane, goal.s_m))
    assert 5_500.0 < guide.distance_m(start.lane, start.s_m) < 7_000.0
    assert 300.0 < guide.cost_s(start.lane, start.s_m) < 480.0  # at the limits, without waiting
    lanes = [world.lanes[leg.lane] for leg in guide.legs(start.lane, start.s_m)]
    names = list(dict.fromkeys(lane.road_name for lane in lanes))
    way = ["Market square", "Town gate", "Country road", "Ring clockwise", "Ring street junction"]
    assert [name for name in names if name in way] == way
    # past the exit and the entry of the harbour
    assert {"6", "61", "62"} <= {lane.id.road for lane in lanes}


def test_turns_can_be_driven_without_effort(world):
    for lane in world.lanes:
        bends = lane.samples[:, LaneColumn.CURVATURE]
        assert bends.min() > -1.0 / RIGHT_M, str(lane.id)
        assert bends.max() < 1.0 / LEFT_M, str(lane.id)


def test_lanes_outside_junctions_never_lie_over_each_other(world):
    lanes = [lane for lane in world.lanes if lane.junction is None]
    columns = [LaneColumn.X, LaneColumn.Y, LaneColumn.Z, LaneColumn.HEADING, LaneColumn.WIDTH]
    rows = np.concatenate([lane.samples[:, columns] for lane in lanes])
    owner = np.repeat([lane.index for lane in lanes], [len(lane.samples) for lane in lanes])
    new = [
        lane
        for lane in lanes
        if lane.road_type.startswith("town") or lane.kind in ("onRamp", "offRamp")
    ]
    for lane in new:
        for x, y, z, heading, width in lane.samples[1:-1:3, columns]:
            dx, dy = rows[:, 0] - x, rows[:, 1] - y
            along = np.abs(dx * np.cos(heading) + dy * np.sin(heading))
            aside = np.abs(dy * np.cos(heading) - dx * np.sin(heading))
            near = (along < 1.0) & (np.abs(rows[:, 2] - z) < 4.0) & (owner != lane.index)
            room = aside - 0.5 * (width + rows[:, 4])
            beside = near & (room < -OVERLAP_M - 0.1 * aside)
            linked = {*lane.successors, *lane.predecessors}
            assert set(owner[beside].tolist()) <= linked, str(lane.id)


def test_gates_are_controlled_as_the_signs_say(world, rules):
    by_name = {}
    for gate in rules.gates.values():
        by_name.setdefault(world.lanes[gate.lane].road_name, Counter())[gate.control] += 1
    lights = {name for name, found in by_name.items() if set(found) == {Control.LIGHT}}
    assert lights == {"Market square", "School street junction", "Ring street junction"}
    assert set(by_name["Church street junction"]) == {
        Control.PRIORITY,
        Control.GIVE_WAY,
        Control.STOP,
    }
    assert set(by_name["Bridge street junction"]) == {Control.RIGHT_FIRST}
    assert set(by_name["Town gate"]) == {Control.PRIORITY, Control.GIVE_WAY}
    assert Control.NONE not in {gate.control for gate in rules.gates.values()}


def test_every_light_is_in_one_group_and_groups_do_not_cross(world, rules):
    grouped = [signal for group in rules.groups for signal in group]
    assert sorted(grouped) == sorted(light.signal for light in rules.lights)
    light_of = {lane: light.signal for light in rules.lights for lane in light.gates}
    for group in rules.groups:
        held = [lane for lane, signal in light_of.items() if signal in group]
        for lane in held:
            for row in rules.conflicts[lane]:
                if row.other not in held or row.meeting.name != "CROSS":
                    continue
                # Only a turn to the left meets who comes towards it, and it waits.
                pair = {one: abs(turned(world, one)) > 0.7 for one in (lane, row.other)}
                assert any(pair.values())


def turned(world, index):
    heading = world.lanes[index].samples[:, LaneColumn.HEADING]
    return float(heading[-1] - heading[0])


def test_who_waits_stands_on_no_crossing(world, rules):
    for gate in rules.gates.values():
        for crossing in rules.crossings:
            for lane, (low, high) in crossing.lanes:
                if lane == gate.approach and gate.control is not Control.PRIORITY:
                    clear = gate.stop_s_m <= low or gate.stop_s_m - 4.6 >= high
                    assert clear, (crossing.name, str(world.lanes[lane].id))


def test_who_waits_at_a_stop_line_has_the_light_in_view(world, rules):
    for light in rules.lights:
        for gate in (rules.gates[lane] for lane in light.gates):
            samples = world.lanes[gate.approach].samples
            s = np.flatnonzero(samples[:, LaneColumn.S] <= gate.stop_s_m)[-1]
            at = samples[s]
            heading = at[LaneColumn.HEADING]
            dx, dy = light.x_m - at[LaneColumn.X], light.y_m - at[LaneColumn.Y]
            beyond_m = dx * math.cos(heading) + dy * math.sin(heading)
            beyond_m -= gate.stop_s_m - at[LaneColumn.S]
            aside_m = abs(dy * math.cos(heading) - dx * math.sin(heading))
            # A camera 1.9 m behind the bumper, of a car 0.3 m over the line, that sees 50 degrees.
            assert beyond_m >= 3.0, light.signal
            assert math.degrees(math.atan2(aside_m, beyond_m - 0.3 + 1.9)) < 50.0, light.signal
