"""The rules of the road: gates, who yields, lights and crossings, on real files and on small ones."""

import math
from collections import Counter

import pytest

from tests.data_folder import data_folder, find_data_folder
from tests.road.crossroads import crossroads, light, sign
from tests.road.roads import WORLD, road_files
from volant.road import Control, Meeting, build_graph, load_graph, parse_road, traffic_rules

FILES = road_files(find_data_folder()) if find_data_folder() else [None]


@pytest.fixture(params=[WORLD, *FILES], ids=lambda path: path.stem if path else "-", scope="module")
def graph(request):
    if request.param is None:
        data_folder()
    return load_graph(request.param)


def esmini(name):
    return load_graph(data_folder() / "roads" / "esmini" / f"{name}.xodr")


def built(**wishes):
    graph = build_graph(parse_road(crossroads(**wishes)))
    return graph, traffic_rules(graph)


def controls(graph, rules):
    """Control by (name of the road that comes in)."""
    return {graph.lanes[gate.approach].road_name: gate.control for gate in rules.gates.values()}


def way(graph, source, target):
    """The connecting lane from one arm to another."""
    for lane in graph.lanes:
        if lane.junction is None:
            continue
        before, after = graph.lanes[lane.predecessors[0]], graph.lanes[lane.successors[0]]
        if (before.road_name, after.road_name) == (source, target):
            return lane.index
    raise LookupError(f"no way from {source} to {target}")


def yields(rules, one, other):
    return [row.yields for row in rules.conflicts[one] if row.other == other]


def test_of_two_lanes_that_share_ground_at_most_one_yields(graph):
    rules = traffic_rules(graph)
    rows = {(row.lane, row.other): row for found in rules.conflicts for row in found}
    assert not [pair for pair, row in rows.items() if row.yields and rows[pair[::-1]].yields]
    for pair, row in rows.items():
        assert rows[pair[::-1]].own == row.theirs
        assert 0.0 <= row.own[0] <= row.own[1] <= graph.lanes[row.lane].length_m + 1e-6


def test_where_no_light_separates_them_one_of_two_crossing_lanes_yields(graph):
    rules = traffic_rules(graph)
    for found in rules.conflicts:
        for row in found:
            other = next(back for back in rules.conflicts[row.other] if back.other == row.lane)
            lit = [
                gate.control is Control.LIGHT
                for gate in (rules.gates.get(row.lane), rules.gates.get(row.other))
                if gate is not None
            ]
            if row.meeting is not Meeting.DIVERGE and not all(lit or [False]):
                assert row.yields != other.yields


def test_every_entry_into_a_junction_has_a_gate_that_stops_before_it(graph):
    rules = traffic_rules(graph)
    for lane in graph.lanes:
        outside = [
            source
            for source in lane.predecessors
            if lane.junction is not None and graph.lanes[source].junction != lane.junction
        ]
        assert bool(outside) == (lane.junction is not None and lane.index in rules.gates)
        if outside:
            gate = rules.gates[lane.index]
            assert gate.approach in outside
            assert gate.stop_s_m <= graph.lanes[gate.approach].length_m + 10.0


def test_a_crossroads_without_signs_goes_right_before_left():
    graph, rules = built()
    assert set(controls(graph, rules).values()) == {Control.RIGHT_FIRST}
    north_south, west_east = way(graph, "north", "south"), way(graph, "west", "east")
    # Heading east, the arm to the right is the south one; heading south, it is the west one.
    assert yields(rules, north_south, west_east) == [True]
    assert yields(rules, west_east, north_south) == [False]
    assert yields(rules, west_east, way(graph, "south", "north")) == [True]


def test_who_turns_left_lets_the_oncoming_way_pass():
    graph, rules = built()
    left, straight = way(graph, "west", "north"), way(graph, "east", "west")
    assert yields(rules, left, straight) == [True]
    assert yields(rules, straight, left) == [False]
    assert yields(rules, left, way(graph, "east", "north")) == [True]


@pytest.mark.parametrize(
    ("kind", "control"), [("205", Control.GIVE_WAY), ("206", Control.STOP)], ids=["205", "206"]
)
def test_a_sign_makes_its_approaches_wait_and_the_others_go_first(kind, control):
    graph, rules = built(signals={"north": sign(kind), "south": sign(kind)})
    found = controls(graph, rules)
    assert found["north"] is found["south"] is control
    assert found["west"] is found["east"] is Control.PRIORITY
    north_south, west_east = way(graph, "north", "south"), way(graph, "west", "east")
    assert yields(rules, north_south, west_east) == [True]
    assert yields(rules, west_east, way(graph, "south", "north")) == [False]
    assert yields(rules, way(graph, "west", "north"), way(graph, "east", "west")) == [True]


def test_a_sign_for_the_other_direction_does_not_count():
    graph, rules = built(signals={"north": sign("205", orientation="+")})
    assert set(controls(graph, rules).values()) == {Control.RIGHT_FIRST}


def test_a_priority_road_makes_the_unsigned_arms_wait():
    graph, rules = built(signals={"north": sign("301"), "south": sign("306")})
    found = controls(graph, rules)
    assert found["west"] is found["east"] is Control.GIVE_WAY


def test_the_files_own_priorities_count_where_no_sign_stands():
    graph, rules = built(priorities=(("west", "north"), ("east", "south")))
    found = controls(graph, rules)
    assert found["north"] is found["south"] is Control.GIVE_WAY
    assert found["west"] is found["east"] is Control.PRIORITY


def test_who_comes_out_of_premises_waits():
    graph, rules = built(types={"north": "townPrivate"})
    assert controls(graph, rules)["north"] is Control.GIVE_WAY
    assert controls(graph, rules)["west"] is Control.PRIORITY


def test_under_lights_only_streams_that_are_green_together_yield():
    arms = {name: light(number) for number, name in enumerate(("north", "south", "west", "east"))}
    graph, rules = built(signals=arms)
    assert set(controls(graph, rules).values()) == {Control.LIGHT}
    assert len(rules.groups) == 2
    assert {len(group) for group in rules.groups} == {2}
    west_east = way(graph, "west", "east")
    assert yields(rules, west_east, way(graph, "north", "south")) == [False]
    assert yields(rules, way(graph, "east", "south"), west_east) == [True]


def test_the_stop_line_is_where_the_bumper_waits():
    graph, rules = built(signals={"north": sign("206") + sign("294", s=4.0)})
    for gate in rules.gates.values():
        approach = graph.lanes[gate.approach]
        before_m = 4.0 if approach.road_name == "north" else 0.0
        assert gate.stop_s_m == pytest.approx(approach.length_m - before_m)


def test_a_light_along_a_lane_guards_a_crossing():
    walk = '<object type="crosswalk" id="5" name="zebra" s="50" t="0" length="4" width="12"/>'
    _graph, rules = built(signals={"north": light(9, s=54.0)}, objects={"north": walk})
    [crossing] = rules.crossings
    (into, _span), (_out, _other) = sorted(
        crossing.lanes, key=lambda pair: pair[0] not in rules.gates
    )
    gate = rules.gates[into]
    assert (gate.lane, gate.approach, gate.control) == (into, into, Control.LIGHT)
    assert crossing.light == gate.light == "1:9"
    assert [light.junction for light in rules.lights] == [None]


def test_in_left_hand_traffic_the_right_turn_waits():
    graph, rules = built(left_hand=True)
    right, straight = way(graph, "west", "south"), way(graph, "east", "west")
    assert yields(rules, right, straight) == [True]


def test_the_lights_of_other_peoples_junctions_have_their_phases():
    graph = esmini("multi_intersections")
    rules = traffic_rules(graph)
    assert Counter(gate.control for gate in rules.gates.values()) == {Control.LIGHT: 42}
    assert all(light.gates for light in rules.lights)
    assert rules.groups[0] == ("202:294", "202:295", "209:287", "209:288")
    assert sorted(name for group in rules.groups for name in group) == sorted(
        light.signal for light in rules.lights
    )
    for gate in rules.gates.values():
        assert graph.lanes[gate.approach].length_m - gate.stop_s_m == pytest.approx(4.0, abs=0.3)


def test_crossings_of_other_people_lie_over_both_lanes():
    rules = traffic_rules(esmini("parking_demo"))
    assert [len(crossing.lanes) for crossing in rules.crossings] == [2, 2, 2]
    for crossing in rules.crossings:
        for _lane, (low, high) in crossing.lanes:
            assert 2.5 < high - low < 5.0


def test_who_comes_from_a_ramp_lets_the_main_road_pass():
    graph = load_graph(WORLD)
    rules = traffic_rules(graph)
    merges = [row for found in rules.conflicts for row in found if row.yields]
    assert merges
    for row in merges:
        lane, other = graph.lanes[row.lane], graph.lanes[row.other]
        assert lane.ends or lane.road_type != "motorway" or other.road_type == "motorway"
        assert math.isfinite(row.own[1])
