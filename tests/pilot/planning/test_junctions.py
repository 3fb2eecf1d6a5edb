"""Waiting at junctions: where oncoming traffic is let pass, and how patience ends."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.pilot.world import CAR
from tests.road.roads import WORLD
from volant.pilot.course import lay
from volant.pilot.planning.junctions import JunctionMemory, JunctionTuning, _inside_m, _patient
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
