"""The built-in world: the committed file is what the code makes, and it is a road to be proud of."""

import math

import numpy as np
import pytest

from tests.road.roads import WORLD
from volant.road import LaneColumn, load_graph, road_text
from volant.road.make import build_world

EXPECTED_ENDS = {"2:0:-4", "4:0:-4", "6:0:-4", "62:0:-4", "64:0:-4", "8:0:-4", "30:0:-2", "31:1:2"}


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


def test_the_committed_map_is_what_the_code_makes():
    assert WORLD.read_text(encoding="utf-8") == road_text(build_world()), (
        "run: python -m volant.road.make maps/volant-world.xodr"
    )


def test_its_only_findings_are_the_lanes_that_merge(world):
    ends = {f"{f.road}:{f.lane}" for f in world.findings}
    assert ends == EXPECTED_ENDS
    assert {f.code for f in world.findings} == {"ends-by-width"}


def test_every_link_is_continuous(world):
    for lane in world.lanes:
        for onward in (world.lanes[index] for index in lane.successors):
            if lane.ends:
                continue
            end, begin = lane.samples[-1], onward.samples[0]
            assert math.dist(end[1:4], begin[1:4]) < 1e-3, (str(lane.id), str(onward.id))
            turn = math.remainder(end[LaneColumn.HEADING] - begin[LaneColumn.HEADING], math.tau)
            assert abs(turn) < 1e-6
            if not (lane.road_type + onward.road_type).count(
                "town"
            ):  # a circle is joined by straights
                bends = end[LaneColumn.CURVATURE], begin[LaneColumn.CURVATURE]
                assert bends[0] == pytest.approx(bends[1], abs=1e-3)
            assert end[LaneColumn.GRADE] == pytest.approx(begin[LaneColumn.GRADE], abs=1e-3)


def test_every_lane_leads_on_and_is_led_to(world):
    assert all(lane.successors for lane in world.lanes)
    # What begins at no width is entered by a lane change from its neighbour.
    begins = [lane for lane in world.lanes if not lane.predecessors]
    assert {lane.kind for lane in begins} <= {"exit", "driving"}
    assert all(
        lane.samples[0, LaneColumn.WIDTH] == 0.0 and lane.left is not None for lane in begins
    )


def test_the_ring_closes_and_has_the_promised_bends(world):
    ring = [lane for lane in world.lanes if lane.road_name == "Ring counter-clockwise"]
    fast = [lane for lane in ring if lane.id.lane == -1]
    assert 6_000.0 < sum(lane.length_m for lane in fast) < 8_100.0
    bends = np.concatenate([lane.samples[:, LaneColumn.CURVATURE] for lane in fast])
    assert 380.0 < 1.0 / np.abs(bends).max() < 420.0
    limits = {round(limit.limit_mps * 3.6) for lane in ring for limit in lane.limits}
    assert limits == {80, 100, 120}


def test_the_country_road_winds_and_climbs(world):
    lanes = [lane for lane in world.lanes if lane.road_name == "Country road"]
    assert {lane.id.road for lane in lanes} == {"30", "31"}
    bends = max(float(np.abs(lane.samples[:, LaneColumn.CURVATURE]).max()) for lane in lanes)
    grades = max(float(np.abs(lane.samples[:, LaneColumn.GRADE]).max()) for lane in lanes)
    assert 1.0 / bends == pytest.approx(80.0 - 1.75, abs=1.0)
    assert 0.05 < grades < 0.065
    limits = {round(limit.limit_mps * 3.6) for lane in lanes for limit in lane.limits}
    assert {50, 100} <= limits


def test_no_limit_asks_for_more_than_tyres_and_people_like(world):
    for lane in world.lanes:
        if lane.junction is not None or lane.road_type.startswith("town"):
            continue  # turning there is slower than what is allowed
        rows = lane.samples
        aside = np.abs(rows[:, LaneColumn.CURVATURE]) * rows[:, LaneColumn.LIMIT] ** 2
        if rows[:, LaneColumn.WIDTH].min() == 0.0:  # nobody drives a taper to its point
            aside = aside[rows[:, LaneColumn.WIDTH] == rows[:, LaneColumn.WIDTH].max()][:-1]
        assert aside.max() < 3.2, str(lane.id)


def test_ramps_cross_the_ring_high_above_it(world):
    ramps = [
        lane
        for lane in world.lanes
        if lane.road_name.endswith("counter-clockwise") and lane.kind in ("onRamp", "offRamp")
    ]
    ring = np.concatenate([x.samples for x in world.lanes if x.road_name.startswith("Ring")])
    crossings = 0
    for ramp in ramps:
        for row in ramp.samples:
            near = np.hypot(ring[:, 1] - row[1], ring[:, 2] - row[2]) < 3.0
            turned = np.abs(np.sin(ring[:, 4] - row[4])) > 0.7
            for height in ring[near & turned, 3]:
                crossings += 1
                assert row[3] - height > 6.0
    assert crossings > 8


def test_limits_are_signposted_where_they_begin(world):
    signs = [placed for placed in world.signals if placed.limit_mps is not None]
    for placed in signs:
        road = world.network.road(placed.road)
        s = placed.signal.s_m + (1e-3 if placed.signal.orientation == "+" else -1e-3)
        assert road.type_at(s).limit_mps == pytest.approx(placed.limit_mps)
    shown = {placed.road for placed in signs}
    outside = {lane.id.road for lane in world.lanes if not lane.road_type.startswith("town")}
    assert shown >= {road for road in outside if world.network.road(road).junction is None}


def test_the_median_has_a_barrier_all_round(world):
    length = sum(
        repeat.length_m
        for road in world.network.roads
        for item in road.objects
        if item.name == "Median barrier"
        for repeat in item.repeats
    )
    assert length == pytest.approx(7956.5, abs=1.0)
