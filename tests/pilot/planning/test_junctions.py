"""Waiting at junctions: where oncoming traffic is let pass, and how patience ends."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.pilot.world import CAR
from tests.road.roads import WORLD
from volant.pilot.course import lay
from volant.pilot.planning.junctions import (
    JunctionMemory,
    JunctionTuning,
    _before_crossed,
    _inside_m,
    _patient,
    _short_of_shared,
)
from volant.pilot.way import Way
from volant.road import load_graph, traffic_rules

TUNING = JunctionTuning()


def test_oncoming_traffic_is_waited_for_before_its_way_and_off_the_crossing():
    graph = load_graph(WORLD)
    rules, inside = traffic_rules(graph), 0
    for lane, gate in rules.gates.items():
        if gate.light is None:
            continue
        course = lay(Way(graph, rules), lane, 0.1)
        given = SimpleNamespace(course=course, car=CAR)
        for one in course.across.gates:
            wait_m = _inside_m(given, one, TUNING)
            if one.lane != lane or wait_m is None:
                continue
            inside += 1
            assert one.stop_m < wait_m < min(ground.from_m for ground in one.shared)
            for crossing in course.across.crossings:
                assert crossing.to_m <= wait_m - CAR.length_m or crossing.from_m >= wait_m
    assert inside >= 4


def test_who_has_stood_for_long_takes_smaller_gaps_but_forces_nobody():
    begun = JunctionMemory(stood_ns=0)
    first, later = (_patient(TUNING, begun, round(s * 1e9)) for s in (5.0, 60.0))
    assert first == TUNING
    assert later.merge_s == pytest.approx(TUNING.least_merge_s)
    assert later.merge_decel_mps2 < 3.0
    assert _patient(TUNING, JunctionMemory(), 10**12) == replace(TUNING)


def test_who_comes_when_we_have_begun_to_go_is_let_pass_while_no_shared_ground_is_reached():
    """Every gate without a light; the other stands at the shared ground and is about to drive."""
    graph = load_graph(WORLD)
    rules, tried = traffic_rules(graph), 0
    for lane, gate in rules.gates.items():
        course = lay(Way(graph, rules), lane, 0.1)
        for one in course.across.gates:
            if one.lane != lane or gate.light is not None or not one.shared:
                continue
            first = min(one.shared, key=lambda ground: ground.from_m)
            wait_m = first.from_m - TUNING.inside_room_m
            if wait_m < one.stop_m + 2.0 or course.across.crossings:
                continue
            tried += 1
            given = _rolling(graph, rules, course, wait_m - 2.0, first)
            wait = _short_of_shared(given, one, wait_m - 2.0, TUNING)
            assert wait is not None
            assert wait.station_m == pytest.approx(wait_m)
            assert _short_of_shared(given, one, first.from_m, TUNING) is None
            given.forecast.modes = given.forecast.modes[:0]
            assert _short_of_shared(given, one, wait_m - 2.0, TUNING) is None
    assert tried >= 4


@dataclass
class _Ego:
    station_m: float


def _rolling(graph, rules, course, front_m, ground, speed_mps=3.0, on_m=-4.0):
    """Our car at 1.5 m/s with its front there, another from so far on the shared ground of its lane on."""
    dt_s, steps = 0.25, 33
    lane = graph.lanes[ground.other].samples
    at_m = max(ground.their_from_m + on_m, 0.0) + speed_mps * np.arange(steps) * dt_s
    modes, points, worlds = np.zeros((1, 9)), np.zeros((1, steps, 7)), np.zeros((1, steps, 6))
    modes[0, 0] = 1.0
    points[0, :, 0], points[0, :, 1] = front_m, 30.0
    points[0, :, 5], points[0, :, 6] = 2.2, 0.9
    for column, of in ((0, 1), (1, 2), (2, 4)):
        worlds[0, :, column] = np.interp(at_m, lane[:, 0], lane[:, of])
    return SimpleNamespace(
        course=course,
        car=CAR,
        speed_mps=1.5,
        ego=_Ego(front_m - CAR.front_m),
        way=Way(graph, rules),
        forecast=SimpleNamespace(modes=modes, points=points, worlds=worlds, dt_s=dt_s),
    )


def test_ground_is_not_driven_onto_while_somebody_who_should_have_waited_stands_on_it():
    graph = load_graph(WORLD)
    rules, tried = traffic_rules(graph), 0
    for lane in rules.gates:
        course = lay(Way(graph, rules), lane, 0.1)
        for one in course.across.gates:
            long = [g for g in one.crossed if g.their_to_m - g.their_from_m > 6.0]
            if one.lane != lane or not long:
                continue
            first = long[0]
            stand_m, front_m = first.from_m - CAR.length_m - 1.0, first.from_m - 12.0
            if any(c.to_m > stand_m and c.from_m < first.from_m for c in course.across.crossings):
                continue
            tried += 1
            alone = replace(one, crossed=(first,))
            given = _rolling(graph, rules, course, front_m, first, speed_mps=0.0, on_m=3.0)
            given.forecast.points[0, :, 0] = first.from_m + 4.0
            wait = _before_crossed(given, alone, front_m, TUNING)
            assert wait is not None, (lane, first)
            assert wait.station_m == pytest.approx(first.from_m - TUNING.inside_room_m)
            later = replace(given.ego, station_m=first.from_m + 1.0 - CAR.front_m)
            soon = _before_crossed(_at(given, later), alone, first.from_m + 1.0, TUNING)
            assert soon is not None
            assert soon.station_m == pytest.approx(first.from_m + 1.0 + 1.5**2 / 4.0, abs=0.01)
            given.forecast.points[0, :, 0] = front_m - 6.0
            assert _before_crossed(given, alone, front_m, TUNING) is None  # behind us
            given.forecast.modes = given.forecast.modes[:0]
            assert _before_crossed(given, alone, front_m, TUNING) is None
    assert tried >= 4


def _at(given, ego):
    return SimpleNamespace(**{**vars(given), "ego": ego})
