"""Traffic as a whole: following, changing lanes, lane ends, junctions, births, no touches."""

import math

import msgspec
import numpy as np
import pytest

from tests.data_folder import data_folder
from tests.sim.places import NORMAL_ONLY, cars, ego_at, straight
from volant.core.chance import Chance
from volant.core.geometry import Box, boxes_overlap
from volant.core.messages import Indicator
from volant.road import LaneGraph, build_graph, follow, load_graph
from volant.road.make import build_world
from volant.sim.columns import Actor, DriverKind, Entry, EntryIndex, EntryKind, Index, Mode
from volant.sim.drivers import DriverMix
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.traffic import (
    BIRTH_FROM_M,
    ENTER_FROM_M,
    STEP_S,
    Centre,
    Traffic,
    actor_id,
    enter_ego,
    enter_walls,
    make_traffic,
    populate,
    recycle,
    step,
)


def run(traffic: Traffic, span_s: float) -> None:
    for _ in range(round(span_s / STEP_S)):
        step(traffic)


def touches(traffic: Traffic) -> list[tuple[int, int]]:
    """Pairs of living cars whose bodies overlap at the same level."""
    rows = traffic.actor_f
    alive = np.flatnonzero(traffic.actor_i[:, Index.ALIVE] == 1)
    found = []
    for place, one in enumerate(alive.tolist()):
        for other in alive[place + 1 :].tolist():
            a, b = rows[one], rows[other]
            if abs(a[Actor.X] - b[Actor.X]) > 20.0 or abs(a[Actor.Y] - b[Actor.Y]) > 20.0:
                continue
            if abs(a[Actor.Z] - b[Actor.Z]) < 3.0 and boxes_overlap(box(a), box(b)):
                found.append((one, other))
    return found


def box(row: np.ndarray) -> Box:
    columns = (Actor.X, Actor.Y, Actor.YAW, Actor.LENGTH, Actor.WIDTH)
    return Box(*(float(row[column]) for column in columns))


def test_a_follower_settles_at_the_analytic_equilibrium_gap() -> None:
    traffic = cars(straight(1, 20000.0), (0, 200.0, 15.0), (0, 100.0, 15.0), wanted_mps=30.0)
    traffic.actor_f[0, Actor.TOP_SPEED] = 15.0
    run(traffic, 240.0)
    expected = (2.0 + 15.0 * 1.5) / math.sqrt(1.0 - (15.0 / 30.0) ** 4)
    assert traffic.actor_f[1, Actor.SPEED] == pytest.approx(15.0, abs=0.02)
    assert traffic.actor_f[1, Actor.GAP] == pytest.approx(expected, rel=0.01)


def test_a_disturbance_does_not_grow_along_a_column() -> None:
    column = [(0, 2000.0 - 40.0 * k, 20.0) for k in range(20)]
    traffic = cars(straight(1, 20000.0), *column)
    traffic.actor_f[0, Actor.TOP_SPEED] = 20.0
    run(traffic, 120.0)
    traffic.actor_f[0, Actor.TOP_SPEED] = 14.0
    lowest = np.full(20, math.inf)
    for _ in range(round(20.0 / STEP_S)):
        step(traffic)
        lowest = np.minimum(lowest, traffic.actor_f[:, Actor.SPEED])
    traffic.actor_f[0, Actor.TOP_SPEED] = 20.0
    for _ in range(round(120.0 / STEP_S)):
        step(traffic)
        lowest = np.minimum(lowest, traffic.actor_f[:, Actor.SPEED])
    assert lowest[0] < 15.5
    assert lowest[19] >= lowest[0] - 0.3
    assert not touches(traffic)


def test_a_car_stops_behind_a_standing_one() -> None:
    traffic = cars(straight(1), (0, 600.0, 0.0), (0, 100.0, 30.0))
    traffic.actor_f[0, Actor.TOP_SPEED] = 0.0
    hardest = 0.0
    for _ in range(round(60.0 / STEP_S)):
        step(traffic)
        hardest = min(hardest, float(traffic.actor_f[1, Actor.ACCEL]))
    assert traffic.actor_f[1, Actor.SPEED] < 0.05
    assert 1.5 < traffic.actor_f[1, Actor.GAP] < 3.0
    assert hardest > -4.5


def test_an_attentive_follower_never_touches_a_leader_who_brakes_at_eight() -> None:
    for time_gap, speed in ((0.7, 33.0), (1.0, 25.0), (1.5, 14.0)):
        gap = 2.0 + time_gap * speed + 4.5
        traffic = cars(straight(1), (0, 500.0, speed), (0, 500.0 - gap, speed), wanted_mps=speed)
        traffic.actor_f[:, Actor.TIME_GAP] = time_gap
        run(traffic, 10.0)
        for _ in range(round(12.0 / STEP_S)):
            traffic.actor_f[0, Actor.TOP_SPEED] = 0.0
            traffic.actor_f[0, Actor.BRAKE_COMFORT] = 8.0
            step(traffic)
            assert not touches(traffic), (time_gap, speed)
        assert traffic.actor_f[1, Actor.SPEED] < 0.5


def test_a_car_behind_a_slow_one_overtakes_where_the_marks_allow() -> None:
    for mark, changes in (("broken", True), ("solid", False)):
        traffic = cars(straight(2, mark=mark), (1, 300.0, 15.0), (1, 200.0, 25.0))
        traffic.actor_f[0, Actor.TOP_SPEED] = 15.0
        run(traffic, 40.0)
        assert bool(traffic.actor_f[1, Actor.S] > traffic.actor_f[0, Actor.S]) is changes
        assert not touches(traffic)


def test_nobody_changes_where_the_new_follower_would_have_to_brake_hard() -> None:
    # A fast car comes up in the left lane, 12 m behind the one that would like to move out.
    places = ((1, 260.0, 14.0), (1, 230.0, 15.0), (0, 213.0, 25.0))
    traffic = cars(straight(2), *places)
    traffic.actor_f[0, Actor.TOP_SPEED] = 14.0
    moved_at = None
    for k in range(round(20.0 / STEP_S)):
        step(traffic)
        if moved_at is None and traffic.actor_i[1, Index.LANE] == 0:
            moved_at = k
            assert traffic.actor_f[2, Actor.S] > traffic.actor_f[1, Actor.S]
        assert traffic.actor_f[2, Actor.ACCEL] > -3.0
    assert moved_at is not None


def test_the_indicator_blinks_before_a_change_and_the_move_across_is_smooth() -> None:
    traffic = cars(straight(2), (1, 300.0, 15.0), (1, 240.0, 25.0))
    traffic.actor_f[0, Actor.TOP_SPEED] = 15.0
    blinked, ys, changing = 0, [], False
    for _ in range(round(20.0 / STEP_S)):
        step(traffic)
        if traffic.actor_i[1, Index.MODE] == Mode.SIGNAL:
            blinked += 1
            assert traffic.actor_i[1, Index.DIRECTION] == 1
        if traffic.actor_i[1, Index.MODE] == Mode.CHANGE:
            changing = True
        ys.append(float(traffic.actor_f[1, Actor.Y]))
        if changing and traffic.actor_i[1, Index.MODE] == Mode.KEEP:
            break
    across = np.diff(ys) / STEP_S
    assert blinked * STEP_S >= 1.0
    assert changing
    assert ys[-1] - ys[0] == pytest.approx(3.5, abs=0.05)
    assert across.max() < 1.7  # 1.875 * 3.5 m / 4 s is the quintic's peak
    assert np.abs(np.diff(across)).max() / STEP_S < 1.5
    duration = float((across > 0.01).sum()) * STEP_S
    assert 3.0 < duration < 5.0


def test_a_car_changing_lanes_is_seen_in_both() -> None:
    traffic = cars(straight(2), (1, 300.0, 15.0), (1, 240.0, 25.0))
    traffic.actor_f[0, Actor.TOP_SPEED] = 15.0
    while traffic.actor_i[1, Index.MODE] != Mode.CHANGE:
        step(traffic)
        assert traffic.tick < 400
    step(traffic)
    lanes = traffic.entry_i[3:5, EntryIndex.LANE].tolist()
    assert sorted(lanes) == [0, 1]


def begun(lane: int, target: int, progress: float, speed: float, cars_: Traffic) -> Traffic:
    """Car 0, at y of `lane`, has begun its change to `target` and come this far (0 to 1)."""
    row, index = cars_.actor_f[0], cars_.actor_i[0]
    row[Actor.CHANGE_FROM] = 3.5 * (target - lane)
    row[Actor.PROGRESS], row[Actor.OLD_S] = progress, row[Actor.S]
    part = progress**3 * (10.0 - 15.0 * progress + 6.0 * progress**2)
    row[Actor.D] = row[Actor.CHANGE_FROM] * (1.0 - part)
    row[Actor.Y] += -3.5 * (target - lane) * part
    row[Actor.SPEED] = row[Actor.TOP_SPEED] = speed
    index[Index.LANE], index[Index.OLD_LANE], index[Index.MODE] = target, lane, Mode.CHANGE
    index[Index.DIRECTION] = 1 if target < lane else -1
    return cars_


def across(traffic: Traffic) -> float:
    """How far car 0 reaches to the right, as y of its right side."""
    return float(traffic.actor_f[0, Actor.Y] - 0.5 * traffic.actor_f[0, Actor.WIDTH])


@pytest.mark.parametrize("ahead_m", [-3.0, 0.0, 3.0])
def test_a_change_begun_turns_back_when_the_own_car_stands_level(ahead_m: float) -> None:
    graph = straight(2)
    traffic = begun(0, 1, 0.15, 1.0, cars(graph, (0, 300.0, 1.0)))
    lowest = math.inf
    for k in range(round(90.0 / STEP_S)):
        ego = ego_at(graph, 1, 300.0 + ahead_m - 1.325 + 1.0 * k * STEP_S, 1.0)
        enter_ego(traffic, ego)
        step(traffic)
        lowest = min(lowest, across(traffic))
        own = Box(ego.x_m + 1.325, ego.y_m, ego.yaw_rad, ego.length_m, ego.width_m)
        assert not boxes_overlap(own, box(traffic.actor_f[0])), k * STEP_S
        if k * STEP_S > 1.0 and traffic.actor_i[0, Index.LANE] == 0:
            assert traffic.actor_i[0, Index.DIRECTION] == 0
    assert lowest > -3.5  # never over the line
    assert traffic.actor_i[0, Index.LANE] == 0
    assert traffic.actor_i[0, Index.MODE] == Mode.KEEP
    assert traffic.actor_f[0, Actor.Y] == pytest.approx(-1.75, abs=0.05)


def test_astride_the_line_it_stands_still_beside_the_own_car_and_goes_on_when_that_is_gone() -> (
    None
):
    graph = straight(2)
    traffic = begun(0, 1, 0.4, 2.0, cars(graph, (0, 300.0, 2.0)))
    start = across(traffic)
    assert start < -3.5  # over the line
    ego = ego_at(graph, 1, 300.5, 0.0, offset_m=-0.2)
    slowest = math.inf
    for _ in range(round(2.5 / STEP_S)):
        enter_ego(traffic, ego)
        step(traffic)
        slowest = min(slowest, float(traffic.actor_f[0, Actor.SPEED]))
        assert across(traffic) > start - 0.05
    assert slowest < 0.05
    enter_ego(traffic, ego_at(graph, 1, 600.0, 0.0))
    run(traffic, 40.0)
    assert traffic.actor_i[0, Index.LANE] == 1
    assert traffic.actor_f[0, Actor.Y] == pytest.approx(-5.25, abs=0.05)


def test_astride_the_line_it_turns_back_when_the_own_car_stays() -> None:
    graph = straight(2)
    traffic = begun(0, 1, 0.4, 2.0, cars(graph, (0, 300.0, 2.0)))
    start = across(traffic)
    for k in range(round(60.0 / STEP_S)):
        s_m = float(traffic.actor_f[0, Actor.X])  # level with it, however it moves
        enter_ego(traffic, ego_at(graph, 1, s_m - 1.3, 1.0, offset_m=-0.2))
        step(traffic)
        assert across(traffic) > start - 0.05, k * STEP_S
    assert traffic.actor_i[0, Index.LANE] == 0
    assert traffic.actor_f[0, Actor.Y] == pytest.approx(-1.75, abs=0.05)


def test_a_change_that_takes_too_long_is_given_up_and_none_moves_across_at_a_standstill() -> None:
    traffic = begun(0, 1, 0.1, 0.0, cars(straight(2), (0, 300.0, 0.0)))
    before = float(traffic.actor_f[0, Actor.Y])
    run(traffic, 15.0)
    assert traffic.actor_i[0, Index.DIRECTION] == -1
    run(traffic, 10.0)
    assert traffic.actor_i[0, Index.DIRECTION] == 0
    assert traffic.actor_i[0, Index.LANE] == 0
    assert float(traffic.actor_f[0, Actor.Y]) == pytest.approx(before, abs=1e-6)
    traffic.actor_f[0, Actor.TOP_SPEED], traffic.actor_f[0, Actor.COOLDOWN] = 10.0, 100.0
    run(traffic, 15.0)
    assert traffic.actor_f[0, Actor.Y] == pytest.approx(-1.75, abs=0.05)


def test_a_change_begun_turns_back_before_somebody_who_comes_too_fast() -> None:
    traffic = begun(0, 1, 0.15, 12.0, cars(straight(2), (0, 300.0, 12.0), (1, 276.0, 33.0)))
    lowest = math.inf
    for _ in range(round(4.0 / STEP_S)):
        # The one behind takes no notice, as a car that is driven by hand may.
        traffic.actor_f[1, Actor.SPEED], traffic.actor_f[1, Actor.ACCEL] = 33.0, 0.0
        step(traffic)
        lowest = min(lowest, across(traffic))
        assert not touches(traffic)
    assert lowest > -3.5


def start_beside(traffic: Traffic, x_m: float) -> None:
    """Whoever keeps a lane level with the own car has just begun to move over to its lane."""
    for slot in np.flatnonzero(traffic.actor_i[:, Index.ALIVE]).tolist():
        row, index = traffic.actor_f[slot], traffic.actor_i[slot]
        lane = int(index[Index.LANE])
        level = abs(row[Actor.X] - x_m) < 2.0 + 0.5 * row[Actor.LENGTH]
        if lane == 1 or index[Index.MODE] != Mode.KEEP or not level:
            continue
        row[Actor.CHANGE_FROM] = 3.5 * (1 - lane)
        row[Actor.D] += row[Actor.CHANGE_FROM]
        row[Actor.OLD_S], row[Actor.PROGRESS] = row[Actor.S], 0.0
        row[Actor.TIMER] = row[Actor.HELD] = 0.0
        index[Index.LANE], index[Index.OLD_LANE] = 1, lane
        index[Index.MODE], index[Index.DIRECTION] = Mode.CHANGE, lane - 1


def beside_in_a_jam(seed: int, span_s: float) -> int:
    """An own car that creeps in the middle lane of a jam; gives how many changes turned back.

    It keeps its lane, never closes up on anybody in its way, and brakes at 8 m/s2 at most.
    """
    graph = straight(3, 6000.0)
    traffic = make_traffic(graph, 60, DriverMix(), Chance.of(seed, "jam"))
    s_m, speed = 1500.0, 12.0
    populate(traffic, Centre(s_m, -5.25, 0.0, speed))
    back = 0
    for k in range(round(span_s / STEP_S)):
        wave = 0.0 if k % 600 < 240 else 5.0  # the head of the jam stops and creeps in turn
        walls = [(lane, s_m + 60.0 + 15.0 * lane, wave) for lane in range(3)]
        if k % 20 == 0:
            enter_walls(traffic, walls)
        ego = ego_at(graph, 1, s_m, speed)
        enter_ego(traffic, ego)
        if k % 100 == 0:
            start_beside(traffic, s_m + 1.325)
        before = traffic.actor_i[:, (Index.MODE, Index.DIRECTION)].copy()
        step(traffic)
        turned = (before[:, 1] != 0) & (traffic.actor_i[:, Index.DIRECTION] == 0)
        back += int((turned & (traffic.actor_i[:, Index.MODE] == Mode.CHANGE)).sum())
        speed, s_m = creep(traffic, s_m, speed)
        assert not touches(traffic), k * STEP_S
        ego = ego_at(graph, 1, s_m, speed)
        own = Box(ego.x_m + 1.325, ego.y_m, 0.0, ego.length_m, ego.width_m)
        for slot in np.flatnonzero(traffic.actor_i[:, Index.ALIVE]).tolist():
            assert not boxes_overlap(own, box(traffic.actor_f[slot])), (slot, k * STEP_S)
    return back


def creep(traffic: Traffic, s_m: float, speed: float) -> tuple[float, float]:
    """The own car's next speed and place: constant time gap to whoever reaches into its band."""
    rows, front = traffic.actor_f, s_m + 3.55
    gap = math.inf
    for slot in np.flatnonzero(traffic.actor_i[:, Index.ALIVE]).tolist():
        row = rows[slot]
        aside = abs(row[Actor.Y] + 5.25) - 0.5 * row[Actor.WIDTH] - 0.91
        if aside < 0.25 and row[Actor.X] > s_m + 1.325:
            gap = min(gap, float(row[Actor.X]) - 0.5 * float(row[Actor.LENGTH]) - front)
    wanted = min(12.0, max(gap - 2.0, 0.0) / 1.2)
    speed = min(max(wanted, speed - 8.0 * STEP_S), speed + 1.5 * STEP_S)
    return speed, s_m + speed * STEP_S


@pytest.mark.parametrize("seed", range(2))
def test_nobody_drives_into_an_own_car_beside_it_in_a_jam(seed: int) -> None:
    assert beside_in_a_jam(seed, 60.0) > 0


@pytest.mark.slow
def test_nobody_drives_into_an_own_car_beside_it_in_many_jams() -> None:
    assert all(beside_in_a_jam(seed, 180.0) > 0 for seed in range(10, 18))


def test_cars_leave_a_lane_that_ends_before_its_end() -> None:
    graph = load_graph(data_folder() / "roads/esmini/two_plus_one.xodr")
    ending = next(lane for lane in graph.lanes if lane.ends)
    traffic = cars(graph, (ending.predecessors[0], 20.0, 20.0), wanted_mps=20.0)
    for _ in range(round(30.0 / STEP_S)):
        step(traffic)
        if traffic.actor_i[0, Index.ALIVE] == 0:
            break
        lane = graph.lanes[int(traffic.actor_i[0, Index.LANE])]
        if lane.index == ending.index:
            assert traffic.actor_f[0, Actor.S] < ending.length_m - 2.0
    assert traffic.actor_f[0, Actor.TRAVEL] > ending.length_m


def test_traffic_slows_for_a_bend() -> None:
    radius = 60.0
    graph = straight(1, 300.0, limit_mps=30.0, curvature_per_m=1.0 / radius)
    traffic = cars(graph, (0, 5.0, 10.0))
    run(traffic, 20.0)
    assert traffic.actor_f[0, Actor.SPEED] == pytest.approx(math.sqrt(2.0 * radius), rel=0.03)


def test_the_own_car_is_followed_and_not_run_over() -> None:
    graph = straight(1)
    traffic = cars(graph, (0, 100.0, 30.0))
    for k in range(round(30.0 / STEP_S)):
        ego_s = 250.0 + 10.0 * k * STEP_S
        enter_ego(traffic, ego_at(graph, 0, ego_s, 10.0))
        step(traffic)
        assert traffic.actor_f[0, Actor.S] + 2.25 < ego_s - 0.9
    assert traffic.actor_f[0, Actor.SPEED] == pytest.approx(10.0, abs=0.3)


def test_the_own_car_is_in_every_lane_that_its_body_reaches() -> None:
    graph = straight(3)
    traffic = cars(graph, (0, 100.0, 20.0))
    begin = traffic.ego_begin
    for offset, lanes in ((0.0, {1}), (1.75, {0, 1}), (-1.75, {1, 2}), (0.6, {1})):
        enter_ego(traffic, ego_at(graph, 1, 500.0, 20.0, offset_m=offset))
        found = traffic.entry_i[begin : begin + 6, EntryIndex.LANE]
        bodies = {
            int(lane)
            for lane, d, side in zip(
                found,
                traffic.entry_f[begin : begin + 6, Entry.D],
                traffic.entry_f[begin : begin + 6, Entry.HALF_WIDTH],
                strict=True,
            )
            if lane >= 0 and abs(d) - side < 1.75
        }
        assert bodies == lanes, offset


def test_a_cutting_in_driver_moves_in_shortly_before_the_own_car_but_never_absurdly() -> None:
    graph = straight(2, 6000.0)
    cuts = 0
    for seed in range(6):
        traffic = cars(graph, (0, 395.0, 24.0), wanted_mps=33.0)
        traffic.actor_i[0, Index.KIND] = DriverKind.CUTTING_IN
        traffic.actor_f[0, Actor.CUT_GAP] = 7.0 + seed
        traffic.actor_f[0, Actor.CHANGE_TIME] = 3.2
        for k in range(round(40.0 / STEP_S)):
            ego_s = 400.0 + 24.0 * k * STEP_S
            enter_ego(traffic, ego_at(graph, 1, ego_s, 24.0))
            before = int(traffic.actor_i[0, Index.LANE])
            step(traffic)
            if before == 0 and traffic.actor_i[0, Index.LANE] == 1:
                cuts += 1
                gap = traffic.actor_f[0, Actor.S] - 2.25 - (ego_s + 3.55)
                closing = 24.0 - traffic.actor_f[0, Actor.SPEED]
                assert 6.0 < gap < 35.0
                # UN R157, 5.2.5.2: avoidable when TTC > v_rel / (2 * 6) + 0.35 s.
                assert closing < 0.1 or gap / closing > closing / 12.0 + 0.35
                break
    assert cuts >= 5


def test_a_distracted_driver_reacts_late_and_drifts_but_wakes_up() -> None:
    reacted, swayed = {}, {}
    for kind in (DriverKind.NORMAL, DriverKind.DISTRACTED):
        traffic = cars(straight(1), (0, 545.0, 25.0), (0, 500.0, 25.0), wanted_mps=25.0)
        traffic.actor_i[1, Index.KIND] = kind
        traffic.actor_f[1, Actor.ATTENTION] = 2.5
        traffic.actor_i[1, Index.INATTENTIVE] = int(kind is DriverKind.DISTRACTED)
        traffic.actor_f[0, Actor.TOP_SPEED] = 10.0
        traffic.actor_f[0, Actor.BRAKE_COMFORT] = 5.0
        for k in range(round(15.0 / STEP_S)):
            step(traffic)
            if traffic.actor_f[1, Actor.ACCEL] < -1.5:
                reacted.setdefault(kind, k * STEP_S)
            sway = abs(float(traffic.actor_f[1, Actor.D]))
            swayed[kind] = max(swayed.get(kind, 0.0), sway)
            assert not touches(traffic)
        assert traffic.actor_f[1, Actor.SPEED] < 12.0
    assert reacted[DriverKind.DISTRACTED] > reacted[DriverKind.NORMAL] + 0.5
    assert swayed[DriverKind.DISTRACTED] > swayed[DriverKind.NORMAL] + 0.1


def test_a_jam_head_stops_those_who_can_stop_and_lets_the_others_pass() -> None:
    graph = straight(1)
    traffic = cars(graph, (0, 780.0, 30.0), (0, 300.0, 30.0))
    enter_walls(traffic, [(0, 800.0, 0.0)])
    run(traffic, 60.0)
    assert traffic.actor_f[0, Actor.S] > 1000.0
    assert traffic.actor_f[1, Actor.SPEED] < 0.1
    assert 790.0 < traffic.actor_f[1, Actor.S] + 2.25 < 800.0
    enter_walls(traffic, [])
    assert EntryKind.WALL not in traffic.entry_i[:, EntryIndex.KIND]
    run(traffic, 20.0)
    assert traffic.actor_f[1, Actor.SPEED] > 15.0


def ring() -> LaneGraph:
    return build_graph(build_world())


def test_cars_are_born_out_of_sight_with_room_and_fitting_speed() -> None:
    graph = straight(3, 4000.0)
    traffic = make_traffic(graph, 30, DriverMix(), Chance.of(3, "births"))
    centre = Centre(1500.0, 0.0, 0.0, 25.0)
    populate(traffic, centre)
    assert (traffic.actor_i[:, Index.ALIVE] == 1).sum() >= 25
    ids = {actor_id(traffic, slot) for slot in range(30)}
    for k in range(600):
        before = traffic.actor_i[:, Index.LIFE].copy()
        moved = Centre(1500.0 + 25.0 * k * STEP_S, 0.0, 0.0, 25.0)
        step(traffic)
        recycle(traffic, moved)
        for slot in np.flatnonzero(traffic.actor_i[:, Index.LIFE] > before).tolist():
            row = traffic.actor_f[slot]
            away = math.hypot(row[Actor.X] - moved.x_m, row[Actor.Y] - moved.y_m)
            begins = row[Actor.S] < 1.0
            assert away > (ENTER_FROM_M if begins else BIRTH_FROM_M) - 1.0
            assert actor_id(traffic, slot) not in ids
            ids.add(actor_id(traffic, slot))
        assert not touches(traffic)
    assert len(ids) > 32


def test_one_seed_gives_one_traffic_and_another_seed_another() -> None:
    graph = straight(3)
    states = []
    for seed in (5, 5, 6):
        traffic = make_traffic(graph, 12, DriverMix(), Chance.of(seed, "same"))
        populate(traffic, Centre(1000.0, 0.0, 0.0, 20.0))
        run(traffic, 20.0)
        states.append(traffic.actor_f.copy())
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


def test_one_more_car_leaves_the_others_drivers_as_they_were() -> None:
    graph = straight(3)
    drawn = []
    for count in (10, 11):
        traffic = make_traffic(graph, count, DriverMix(), Chance.of(5, "same"))
        populate(traffic, Centre(1000.0, 0.0, 0.0, 20.0))
        drawn.append((traffic.actor_f[:10].copy(), traffic.keys[:10].copy()))
    assert np.array_equal(drawn[0][0], drawn[1][0])
    assert np.array_equal(drawn[0][1], drawn[1][1])


@pytest.mark.parametrize("seed", range(3))
def test_dense_mixed_traffic_on_the_ring_never_touches(seed: int) -> None:
    soak(ring(), 60, seed, 40.0)


@pytest.mark.parametrize("name", ["fabriksgatan", "multi_intersections", "soderleden"])
def test_traffic_on_roads_with_junctions_never_touches(name: str) -> None:
    soak(load_graph(data_folder() / f"roads/esmini/{name}.xodr"), 20, 1, 60.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
def test_traffic_on_the_ring_never_touches_in_five_minutes(seed: int) -> None:
    soak(ring(), 80, seed, 300.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "fabriksgatan",
        "multi_intersections",
        "e6mini",
        "e6mini-lht",
        "soderleden",
        "jolengatan",
        "two_plus_one",
        "curves_elevation",
    ],
)
def test_traffic_on_shared_roads_never_touches_in_five_minutes(name: str) -> None:
    graph = load_graph(data_folder() / f"roads/esmini/{name}.xodr")
    for seed in range(3):
        soak(graph, 24, seed, 300.0)


def soak(graph: LaneGraph, count: int, seed: int, span_s: float) -> None:
    traffic = make_traffic(graph, count, DriverMix(), Chance.of(seed, "soak"))
    places = traffic.places[len(traffic.places) // 2]
    centre = Centre(places[2], places[3], math.atan2(places[5], places[4]), 0.0)
    populate(traffic, centre)
    driven = 0.0
    for k in range(round(span_s / STEP_S)):
        step(traffic)
        driven += float(traffic.actor_f[:, Actor.SPEED].sum()) * STEP_S
        if k % 5 == 0:
            recycle(traffic, centre)
            found = touches(traffic)
            assert not found, f"at {k * STEP_S:.2f} s"
            assert np.isfinite(traffic.actor_f[:, : Actor.GAP]).all()
    assert driven > span_s * 20.0


def test_normal_drivers_alone_make_a_world_too() -> None:
    soak(straight(2), 10, 0, 20.0)
    assert NORMAL_ONLY.aggressive == 0.0


def test_nobody_crawls_right_ahead_of_an_own_car_that_begins_rolling() -> None:
    """Of those ahead in its lane none needs more than 1.5 m/s2 of braking, in many draws."""
    met = 0
    for seed in range(40):
        traffic = make_traffic(straight(), 40, DriverMix(), Chance.of(seed, "begin"))
        populate(traffic, Centre(1000.0, -5.25, 0.0, 25.0))
        for row in traffic.actor_f[traffic.actor_i[:, Index.ALIVE] == 1]:
            gap_m, rush_mps = float(row[Actor.X]) - 1000.0, 25.0 - float(row[Actor.SPEED])
            if abs(float(row[Actor.Y]) + 5.25) > 1.5 or not 0.0 < gap_m < 200.0 or rush_mps <= 0.0:
                continue
            met += 1
            assert rush_mps**2 / (2.0 * max(gap_m - 17.5, 0.1)) <= 1.5
    assert met > 10


@pytest.mark.parametrize("lit", [Indicator.LEFT, Indicator.RIGHT, Indicator.OFF])
def test_an_own_car_that_indicates_out_of_a_lane_that_ends_is_let_in(lit: Indicator) -> None:
    """Its wish stands in the lane beside, and only there; who follows makes room (StVO 7(4))."""
    graph = carriageway(
        "motorway", lanes=2, oncoming=0, pieces=(Piece(2500.0),), limits_mps=((0.0, 33.0),), entry=True
    )  # fmt: skip
    ends = next(lane for lane in graph.lanes if lane.ends and lane.left is not None)
    traffic = make_traffic(graph, 0, DriverMix(), Chance.of(1, "wish"))
    x_m, y_m, yaw_rad = follow(graph, ends.index, 0.0, ends.length_m).to_world(20.0, 0.0)
    ego = msgspec.structs.replace(
        ego_at(graph, ends.index, 0.0, 5.0), x_m=x_m, y_m=y_m, yaw_rad=yaw_rad, indicator=lit
    )
    assert enter_ego(traffic, ego) == ends.index
    wishes = traffic.entry_i[:, EntryIndex.KIND] == EntryKind.WISH
    if lit is Indicator.LEFT:
        (slot,) = np.flatnonzero(wishes)
        assert traffic.entry_i[slot, EntryIndex.LANE] == ends.left
        assert traffic.entry_f[slot, Entry.SPEED] == 5.0
    else:
        assert not wishes.any()
