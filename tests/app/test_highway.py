"""highway-env as one more world: its roads as ours, and the pilot in its car."""

import math
import sys
from dataclasses import replace

import msgspec
import pytest

from tests.marks import soaked
from volant.app import exam_highway
from volant.app.exam_highway import FREE_S, Watched, run, table, way_is_free
from volant.app.exam_stage import Task, Wanted
from volant.app.external_pilot import make_pilot
from volant.app.highway_world import LENGTH_M, WORLDS, HighwayWorld
from volant.core.errors import InputError
from volant.road import Control, LaneId, graph_from_strips, make_guide, traffic_rules
from volant.sim.exam import CaseResult
from volant.sim.external import observation_of

pytest.importorskip("highway_env", reason="pip install 'volant[highway]'")


@pytest.mark.parametrize("name", [name for name, goal in WORLDS.items() if goal])
def test_a_way_leads_from_the_car_to_the_goal(name: str) -> None:
    view = HighwayWorld(name, 1).observe()
    graph = graph_from_strips(view.lanes)
    assert view.goal is not None
    last = graph.ids[LaneId(view.goal, 0, -1)]
    guide = make_guide(graph, (last, graph.lanes[last].length_m))
    ego = (view.ego.x_m, view.ego.y_m)
    nearest = min(graph.lanes, key=lambda lane: abs(graph.project(lane.index, *ego).offset_m))
    assert guide.cost_s(nearest.index, 0.0) < 600.0


def test_the_ring_of_the_roundabout_goes_first() -> None:
    graph = graph_from_strips(HighwayWorld("roundabout-v1", 1).observe().lanes)
    rules = traffic_rules(graph)
    for entry in ("ses>se#0", "ees>ee#0", "nes>ne#0", "wes>we#0"):
        assert rules.gates[graph.ids[LaneId(entry, 0, -1)]].control is Control.GIVE_WAY


def test_the_lane_of_those_who_come_is_not_changed_to() -> None:
    lanes = {lane.lane: lane for lane in HighwayWorld("two-way-v0", 1).observe().lanes}
    assert not lanes["a>b#1"].may_change_left
    merge = {lane.lane: lane for lane in HighwayWorld("merge-v1", 1).observe().lanes}
    assert merge["a>b#1"].may_change_left
    assert merge["b>c#1"].may_change_right


def test_the_world_moves_as_it_is_told() -> None:
    world = HighwayWorld("two-way-v0", 1)
    before = world.observe().ego
    for _ in range(20):
        world.act(-2.0, 0.02)
    after = world.observe().ego
    assert after.speed_mps == pytest.approx(before.speed_mps - 2.0, abs=0.05)
    assert after.yaw_rad > before.yaw_rad
    assert after.yaw_rate_rps > 0.0


def test_the_pilot_has_taken_over_by_the_second_step() -> None:
    world = HighwayWorld("merge-v1", 1)
    view = world.observe()
    driver = make_pilot(world.body, view, LENGTH_M)
    state, _ = driver.step(driver.start(), observation_of(view, LENGTH_M), 0)
    world.act(0.0, 0.0)
    view = world.observe()
    state, _ = driver.step(state, observation_of(view, LENGTH_M), view.stamp_ns)
    assert state.begun
    assert not state.handed_back


def test_a_run_does_not_change_the_cars_of_the_next() -> None:
    def places() -> list[tuple[float, float]]:
        world = HighwayWorld("u-turn-v1", 1)
        for _ in range(20):
            world.act(0.0, 0.0)
        return [(one.x_m, one.y_m) for one in world.observe().objects]

    first = places()
    HighwayWorld("intersection-v2", 1)
    assert places() == first


def test_over_caution_is_told_beside_crashes() -> None:
    rows = [
        CaseResult(
            name=f"intersection-v2#{seed}",
            kind="intersection-v2",
            passed=True,
            reasons=(),
            figures=None,
            wall_s=1.0,
            facts={"mean_speed_mps": 2.0, "stood_s": stood_s, "arrived": arrived},
        )
        for seed, stood_s, arrived in ((1, 5.0, 0.0), (2, 0.0, 1.0))
    ]
    told = table(rows)
    assert told["intersection-v2 crashes_pct"] == 0.0
    assert told["intersection-v2 stands_at_end_pct"] == 50.0
    assert told["intersection-v2 arrived_pct"] == 50.0
    assert told["intersection-v2 mean_speed_mps"] == 2.0


def test_standing_fails_only_while_nobody_holds_the_car() -> None:
    world = Watched(HighwayWorld("two-way-v0", 1))
    held = world.observe()
    for _ in range(120):
        world.act(-6.0, 0.0)
        held = world.observe()
    assert held.ego.speed_mps < 0.1
    alone = msgspec.structs.replace(held.objects[0], speed_mps=0.0)
    cos, sin = math.cos(held.ego.yaw_rad), math.sin(held.ego.yaw_rad)

    def at(ahead_m: float, left_m: float, mps: float = 0.0, yaw_rad: float = 0.0) -> bool:
        other = msgspec.structs.replace(
            alone,
            x_m=held.ego.x_m + cos * ahead_m - sin * left_m,
            y_m=held.ego.y_m + sin * ahead_m + cos * left_m,
            speed_mps=mps,
            yaw_rad=held.ego.yaw_rad + yaw_rad,
        )
        return way_is_free(replace(held, objects=(other,)))

    assert way_is_free(replace(held, objects=()))
    assert not at(20.0, 0.0)  # stands ahead
    assert at(20.0, 4.0)  # stands on the lane beside
    assert at(-20.0, 0.0)  # behind
    assert not at(20.0, 50.0, 10.0, -0.5 * math.pi)  # crosses in 5 s
    assert at(20.0, 50.0, 10.0, 0.5 * math.pi)  # goes away


def test_a_driver_that_stands_with_a_free_way_is_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam_highway, "way_is_free", lambda _view: True)
    world = Watched(HighwayWorld("two-way-v0", 1))
    for _ in range(160):
        world.act(-6.0, 0.0)
        world.observe()
    assert world.free_s > FREE_S
    result = run(Task("highway", "intersection-v2#7000", Wanted("pilot", "perfect", 1)))
    assert result.reasons == ("stands at the end",)
    assert result.facts["at_fault"] == 0.0


def test_without_the_extra_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highway_env.vehicle.behavior", None)
    with pytest.raises(InputError, match=r"pip install -e .*highway"):
        HighwayWorld("merge-v1", 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", soaked([name for name in WORLDS if name != "highway-v0"]))
def test_the_pilot_drives_there_without_a_crash(name: str) -> None:
    for seed in (1, 2):
        result = run(Task("highway", f"{name}#{seed}", Wanted("pilot", "perfect", 1)))
        assert result.passed, result.reasons
        assert (result.facts["mean_speed_mps"] or 0.0) > 0.5
