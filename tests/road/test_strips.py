"""Other people's worlds as polylines become the same lane graph as our own files."""

import math

import pytest

from tests.road.crossroads import crossroads
from tests.road.roads import WORLD
from volant.core.errors import InputError
from volant.core.messages import LaneStrip
from volant.road import (
    Control,
    LaneColumn,
    build_graph,
    graph_from_strips,
    load_graph,
    make_guide,
    parse_road,
    traffic_rules,
)


def strips_of(graph):
    """Every lane of a graph as somebody else would hand it over."""

    def name(index):
        return None if index is None else str(graph.lanes[index].id).replace(":", "/")

    return [
        LaneStrip(
            lane=name(lane.index),
            x_m=tuple(lane.samples[:, LaneColumn.X].tolist()),
            y_m=tuple(lane.samples[:, LaneColumn.Y].tolist()),
            width_m=float(lane.samples[:, LaneColumn.WIDTH].max()),
            limit_mps=min(lane.limits[0].limit_mps, 60.0),
            successors=tuple(name(onward) for onward in lane.successors),
            left=name(lane.left),
            right=name(lane.right),
            may_change_left=bool(lane.left_changes),
            may_change_right=bool(lane.right_changes),
        )
        for lane in graph.lanes
    ]


def straight(name, x=(0.0, 100.0), y=(0.0, 0.0), **more):
    return LaneStrip(lane=name, x_m=x, y_m=y, width_m=3.5, limit_mps=10.0, **more)


@pytest.mark.slow
def test_lanes_handed_over_as_strips_keep_their_shape_and_their_links():
    world = load_graph(WORLD)
    graph = graph_from_strips(strips_of(world))
    for own, other in zip(world.lanes, graph.lanes, strict=True):
        assert other.length_m == pytest.approx(own.length_m, rel=2e-3)
        assert other.successors == own.successors
        assert sorted(other.predecessors) == sorted(own.predecessors)
        middle, there = (
            one.position(own.index, 0.5 * one.lanes[own.index].length_m) for one in (world, graph)
        )
        assert math.hypot(middle.x_m - there.x_m, middle.y_m - there.y_m) < 1.0
        assert abs(math.remainder(middle.heading_rad - there.heading_rad, 2 * math.pi)) < 0.02


def test_the_bend_of_a_strip_is_that_of_its_circle():
    angles = [0.01 * step for step in range(200)]
    [lane] = graph_from_strips(
        [
            straight(
                "ring",
                tuple(50.0 * math.cos(angle) for angle in angles),
                tuple(50.0 * math.sin(angle) for angle in angles),
            )
        ]
    ).lanes
    assert lane.length_m == pytest.approx(50.0 * angles[-1], rel=1e-4)
    assert lane.samples[:, LaneColumn.CURVATURE] == pytest.approx(0.02, rel=0.02)
    assert lane.samples[0, LaneColumn.HEADING] == pytest.approx(0.5 * math.pi, abs=1e-3)


def test_strips_that_cross_form_a_junction_with_the_same_gates():
    own = build_graph(parse_road(crossroads()))
    graph = graph_from_strips(strips_of(own))
    rules, wanted = traffic_rules(graph), traffic_rules(own)
    assert {gate.control for gate in rules.gates.values()} == {Control.RIGHT_FIRST}
    assert set(rules.gates) <= set(wanted.gates)
    first = {(row.lane, row.other) for rows in rules.conflicts for row in rows if row.yields}
    assert first <= {
        (row.lane, row.other) for rows in wanted.conflicts for row in rows if row.yields
    }
    crossed = {lane for lane, rows in enumerate(rules.conflicts) for row in rows if row.yields}
    assert crossed


def test_the_higher_rank_goes_first_where_two_strips_meet():
    main = straight("main", successors=("out",), rank=1)
    ramp = straight("ramp", (0.0, 50.0, 80.0, 100.0), (-10.0, -3.0, -0.2, 0.0), successors=("out",))
    before = straight("before", (-100.0, 0.0), (-24.0, -10.0), successors=("ramp",))
    out = straight("out", (100.0, 200.0))
    rules = traffic_rules(graph_from_strips([main, ramp, before, out]))
    [row] = rules.conflicts[1]
    assert (row.other, row.yields) == (0, True)
    assert rules.gates[1].control is Control.GIVE_WAY


def test_a_guide_leads_over_strips():
    left = straight("left", right="right", may_change_right=True)
    right = straight("right", y=(-3.5, -3.5), left="left", successors=("goal",))
    goal = straight("goal", (100.0, 150.0), (-3.5, -3.5))
    guide = make_guide(graph_from_strips([left, right, goal]), (2, 20.0))
    assert guide.must_change(0, 10.0)[:2] == (-1, 1)
    assert guide.distance_m(0, 10.0) == pytest.approx(110.0, abs=0.1)


@pytest.mark.parametrize(
    ("strips", "words"),
    [
        ([], "no strips"),
        ([straight("a"), straight("a")], "used twice"),
        ([straight("a", successors=("b",))], "links to 'b'"),
        ([straight("a", (1.0, 1.0))], "two points apart"),
        ([straight("a", (1.0, 2.0, 3.0))], "differ in number"),
    ],
)
def test_strips_that_are_none_are_refused(strips, words):
    with pytest.raises(InputError, match=words):
        graph_from_strips(strips)
