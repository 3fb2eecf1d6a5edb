"""The parts of planning: speed profile, car-following law, roll-outs, scores, paths."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pilot.world import CAR, Actor, World, corridor, curvy, straight
from volant.core.messages import Constraint
from volant.core.settings import Choices
from volant.pilot.planning.causes import CURVE, DESTINATION, LIMIT
from volant.pilot.planning.law_kernels import (
    follow_accel,
    hardest,
    rss_gap,
    stop_accel,
    wanted_gap,
)
from volant.pilot.planning.path_kernels import stop_path
from volant.pilot.planning.plan import PlanTuning, law_of
from volant.pilot.planning.profile_kernels import speed_profile
from volant.pilot.planning.propose import (
    URGENT_MPS2,
    Across,
    ProposalColumn,
    ProposeTuning,
    propose,
)
from volant.pilot.planning.rollout_kernels import roll_out
from volant.pilot.planning.score import ALL_DRIVEN, TERMS, ScoreTuning, score_row, weigh
from volant.pilot.planning.stops import Stop

TUNING = PlanTuning()
ACROSS = Across(np.zeros(3), 0.0, speed_mps=20.0)
LAW = law_of(Choices(), True, Stop(math.inf, 0, 1.0), TUNING)


def profile(road, station_m=0.0, count=400, cruise=math.inf, end=math.inf, sight=99.0):
    limits = road.table[:, 9].copy()
    numbers = np.array((TUNING.lateral_mps2, TUNING.slow_decel_mps2, TUNING.early_s, 1.0))
    return speed_profile(
        road.table,
        1.0,
        limits,
        station_m,
        count,
        cruise,
        0.0,
        sight,
        np.zeros((0, 4)),
        end,
        DESTINATION,
        numbers,
    )


STRAIGHT = np.zeros(1)


def test_the_profile_keeps_every_bound_and_brakes_gently_for_each() -> None:
    speeds, causes = profile(curvy(), station_m=400.0)
    table = curvy().table[400:800]
    assert np.all(speeds**2 * np.abs(table[:, 5]) <= TUNING.lateral_mps2 + 1e-9)
    assert np.all(speeds <= table[:, 9] + 1e-9)
    falls = (speeds[:-1] ** 2 - speeds[1:] ** 2) / 2.0
    assert falls.max() <= TUNING.slow_decel_mps2 + 1e-9
    assert {LIMIT, CURVE} <= set(causes.tolist())


def test_the_profile_ends_at_the_destination() -> None:
    speeds, causes = profile(straight(), end=200.0)
    assert speeds[200:].max() == 0.0
    assert causes[150] == DESTINATION
    assert speeds[100] == pytest.approx(math.sqrt(2 * TUNING.slow_decel_mps2 * 100), rel=0.06)


def test_a_lower_limit_holds_a_second_before_its_sign() -> None:
    road = corridor([(600.0, 0.0, 0.0)], [(0.0, 30.0), (300.0, 15.0)])
    speeds, _ = profile(road)
    assert speeds[300 - 15] == pytest.approx(15.0)
    assert speeds[200] > 15.0


@given(
    speed=st.floats(0.0, 40.0),
    gap=st.floats(0.5, 250.0),
    lead=st.floats(0.0, 40.0),
    accel=st.floats(-9.0, 3.0),
)
def test_the_law_is_finite_bounded_above_and_monotonous_in_the_gap(
    speed: float, gap: float, lead: float, accel: float
) -> None:
    near = follow_accel(speed, 0.0, gap, lead, accel, 1.0, 1.8, LAW)
    far = follow_accel(speed, 0.0, gap + 20.0, lead, accel, 1.0, 1.8, LAW)
    assert math.isfinite(near)
    assert near <= 1.0 + 1e-9
    assert far >= near - 1e-6


def test_the_law_rests_at_the_wanted_gap() -> None:
    for speed in (3.0, 10.0, 20.0, 35.0):
        gap = wanted_gap(speed, 1.6, LAW)
        assert follow_accel(speed, 0.0, gap, speed, 0.0, 1.0, 1.8, LAW) == pytest.approx(
            0.0, abs=0.02
        )
        assert gap >= 1.6 * speed


def test_a_braking_lead_is_answered_at_once() -> None:
    gap = wanted_gap(20.0, 1.6, LAW)
    assert follow_accel(20.0, 0.0, gap, 20.0, -2.0, 1.0, 1.8, LAW) < -0.3


def test_the_safe_gap_follows_its_formula() -> None:
    own = 20.0 * TUNING.react_s + 20.0**2 / (2 * TUNING.rss_own_mps2)
    other = 15.0**2 / (2 * TUNING.rss_other_mps2)
    assert rss_gap(20.0, 15.0, LAW) == pytest.approx(own - other)
    assert rss_gap(5.0, 30.0, LAW) == 0.0


def test_comfort_braking_stays_in_the_guards_row() -> None:
    assert [hardest(v) for v in (0.0, 5.0, 12.5, 20.0, 40.0)] == [5.0, 5.0, 4.25, 3.5, 3.5]


def test_proposals_of_one_offset_stand_together_and_the_plain_one_comes_first() -> None:
    rows, laterals = propose(ProposeTuning(), ACROSS, 0.25, 32)
    assert laterals.shape == (3, 33, 3)
    plain = rows[0]
    assert plain[ProposalColumn.PACE] == 1.0
    assert plain[ProposalColumn.ASIDE] == plain[ProposalColumn.YIELDS] == plain[4] == 0.0
    assert len({tuple(row) for row in rows.tolist()}) == len(rows)
    assert np.abs(rows[:, ProposalColumn.ASIDE]).max() <= 0.30


def test_contact_outweighs_everything_and_ties_go_to_the_one_before() -> None:
    rows = propose(ProposeTuning(), ACROSS, 0.25, 32)[0][:3]
    costs = np.zeros((3, 8))
    costs[0, TERMS.index("collision")], costs[1, TERMS.index("progress")] = 0.25, 8.0
    assert int(np.argmin(weigh(costs, rows, -1, ScoreTuning()))) == 2
    assert int(np.argmin(weigh(np.zeros((3, 8)), rows, 1, ScoreTuning()))) == 1


@given(
    station=st.floats(0.0, 900.0),
    offset=st.floats(-0.9, 0.9),
    heading=st.floats(-0.04, 0.04),
    speed=st.floats(0.0, 35.0),
)
def test_a_stop_path_is_long_enough_even_and_true_to_its_curvature(
    station: float, offset: float, heading: float, speed: float
) -> None:
    road, step_m = curvy(), 2.0
    mean = np.array((station, offset, heading, 0.0, 0.0))
    count = math.ceil((speed**2 / 6 + 34) / step_m) + 1
    path = stop_path(road.table, 1.0, mean, speed, count, step_m, 0.0)
    assert (count - 1) * step_m >= speed**2 / 6 + 30
    assert path[0, :2] == pytest.approx((0.0, 0.0), abs=1e-9)
    runs = np.hypot(np.diff(path[:, 0]), np.diff(path[:, 1]))
    assert np.abs(runs - step_m).max() < 0.06
    by_points = np.unwrap(np.arctan2(np.diff(path[:, 1]), np.diff(path[:, 0])))
    by_curvature = np.cumsum(0.5 * (path[1:, 2] + path[:-1, 2]) * step_m)
    turned = by_points - by_points[0] - (by_curvature - by_curvature[0])
    assert np.abs(turned).max() < 0.06


def test_every_plan_names_its_bound_in_at_most_four_words() -> None:
    world = World(curvy(), speed_mps=15.0, actors=[Actor(400.0, 8.0)], destination_m=900.0)
    seen = set()
    for _ in range(9000):
        plan = world.advance().plan
        if plan is not None:
            seen.add(plan.constraint)
            assert 1 <= len(plan.reason.split()) <= 4
            assert len(plan.time_s) == len(plan.x_m) == len(plan.accel_mps2) == 33
            assert 0.0 <= plan.confidence <= 1.0
    assert {Constraint.LEAD, Constraint.DESTINATION} <= seen


def test_the_planned_path_begins_at_the_car_and_follows_the_road() -> None:
    world = World(curvy(), speed_mps=15.0, station_m=250.0, offset_m=0.4)
    world.run(0.5)
    plan = world.plan
    assert plan is not None
    assert math.hypot(plan.x_m[0] - world.x_m, plan.y_m[0] - world.y_m) < 0.7
    station, offset = world.road.project(plan.x_m[-1], plan.y_m[-1])
    assert station > world.station_m + 100.0
    assert abs(offset) < 0.1
    assert CAR.front_m > 0.0


def test_who_comes_in_behind_us_is_not_run_into_ahead_of_us() -> None:
    """At constant speed the forecast drives him through us: then he would be charged as a lead."""
    steps, dt_s = 32, 0.25
    rows, laterals = propose(ProposeTuning(), ACROSS, dt_s, steps)
    times = np.arange(steps + 1) * dt_s
    modes = np.zeros((1, 9))
    modes[0, :5] = 1.0, 0.0, 2.2, 0.9, 7.0
    points = np.zeros((1, steps + 1, 7))
    points[0, :, 0], points[0, :, 2] = 80.0 + 20.0 * times, 20.0
    points[0, :, 1] = np.where(times < 0.5, -3.6, 0.0)
    points[0, :, 5], points[0, :, 6] = 2.2, 0.9
    ego = np.array((110.0, 14.0, 0.0, 3.6, 1.0, 0.91))
    jerks = np.array((1.2, 2.4, math.inf, 12.0, 8.0))
    costs, _paths, starts = roll_out(
        *(rows, laterals, modes, points, ego, np.full(400, 14.0), STRAIGHT),
        *(1.0, math.inf, dt_s, jerks, LAW, ALL_DRIVEN),
    )
    assert costs[0, TERMS.index("collision")] == 0.0
    assert starts[0, 0] > -0.2
    points[0, :, 0] += 50.0  # ahead of us and slower he counts
    points[0, :, 0] -= 14.0 * times
    points[0, :, 2] = 6.0
    _costs, paths, _starts = roll_out(
        *(rows, laterals, modes, points, ego, np.full(400, 14.0), STRAIGHT),
        *(1.0, math.inf, dt_s, jerks, LAW, ALL_DRIVEN),
    )
    assert paths[0, -1, 1] < 9.0


def test_what_is_given_up_would_not_have_been_chosen() -> None:
    tuning = ScoreTuning()
    for gap_m, speed_mps in ((60.0, 20.0), (25.0, 15.0), (35.0, 8.0), (300.0, 25.0)):
        whole, _paths, _starts, rows = cut_in(gap_m, speed_mps, 1.2)
        short, _paths, _starts, _rows = cut_in(gap_m, speed_mps, 1.2, score_row(tuning))
        assert (np.isinf(short) & ~np.isinf(whole)).sum() > 0
        calm = rows[:, ProposalColumn.BRAKE] >= URGENT_MPS2
        assert np.isfinite(short[~calm]).all()
        assert np.isfinite(short[calm & (rows[:, ProposalColumn.LATERAL] == 0.0)]).any()


@pytest.mark.parametrize("shift_m", [None, 3.6])
@pytest.mark.parametrize("rate_mps", [0.3, 1.2, 2.0])
@pytest.mark.parametrize(
    ("gap_m", "speed_mps"),
    [(60.0, 20.0), (25.0, 15.0), (35.0, 8.0), (300.0, 25.0), (10.0, 24.0), (80.0, 0.0)],
)
def test_the_choice_is_the_same_whether_or_not_proposals_are_given_up(
    gap_m: float, speed_mps: float, rate_mps: float, shift_m: float | None
) -> None:
    """The cheapest calm proposal that keeps or moves, at the same cost, whatever was taken before."""
    tuning = ScoreTuning()
    whole, _paths, _starts, rows = costs_of_cut_in(gap_m, speed_mps, rate_mps, ALL_DRIVEN, shift_m)
    short, _paths, _starts, _rows = costs_of_cut_in(
        gap_m, speed_mps, rate_mps, score_row(tuning), shift_m
    )
    calm = rows[:, ProposalColumn.BRAKE] >= URGENT_MPS2
    lateral, keeps = rows[:, ProposalColumn.LATERAL], len(ProposeTuning().asides_m)
    for before in range(-1, len(rows)):
        all_driven = np.where(calm, weigh(whole, rows, before, tuning), math.inf)
        given_up = np.where(calm, weigh(short, rows, before, tuning), math.inf)
        assert given_up.argmin() == all_driven.argmin()
        assert given_up.min() == all_driven.min() < math.inf
        for group in (lateral < keeps, lateral >= keeps):  # keep and move are weighed by their best
            one, other = given_up[group], all_driven[group]
            assert one.min(initial=math.inf) == other.min(initial=math.inf)
            assert len(one) == 0 or one.argmin() == other.argmin()
    assert (short[~calm] == whole[~calm]).all()


def cut_in(gap_m: float, speed_mps: float, rate_mps: float, score=ALL_DRIVEN):
    """The costs of contact with a surely cutting car, and the rest of `costs_of_cut_in`."""
    costs, paths, starts, rows = costs_of_cut_in(gap_m, speed_mps, rate_mps, score)
    return costs[:, TERMS.index("collision")], paths, starts, rows


def costs_of_cut_in(gap_m: float, speed_mps: float, rate_mps: float, score, shift_m=None):
    """A surely cutting car, 5 m long: costs, paths, starts and proposals of an ego at 25 m/s."""
    steps, dt_s = 32, 0.25
    rows, laterals = propose(ProposeTuning(), replace(ACROSS, shift_m=shift_m), dt_s, steps)
    times = np.arange(steps + 1) * dt_s
    modes = np.zeros((1, 9))
    modes[0, :5] = 1.0, 1.0, 2.5, 0.95, 7.0
    points = np.zeros((1, steps + 1, 7))
    points[0, :, 0] = 100.0 + 3.6 + gap_m + 2.5 + speed_mps * times
    points[0, :, 1] = np.maximum(3.2 - rate_mps * times, 0.0)
    points[0, :, 2], points[0, :, 5], points[0, :, 6] = speed_mps, 2.5, 0.95
    ego = np.array((100.0, 25.0, 0.0, 3.6, 1.0, 0.95))
    jerks = np.array((1.2, 2.4, math.inf, 12.0, 8.0))
    costs, paths, starts = roll_out(
        *(rows, laterals, modes, points, ego, np.full(400, 25.0), STRAIGHT),
        *(1.0, math.inf, dt_s, jerks, LAW, score),
    )
    return costs, paths, starts, rows


def test_only_urgent_braking_leaves_comfort_and_it_avoids_what_comfort_cannot() -> None:
    contact, paths, starts, rows = cut_in(35.0, 8.0, 1.2)
    urgent = rows[:, ProposalColumn.BRAKE] < URGENT_MPS2
    assert contact[~urgent].min() > 0.1
    assert starts[~urgent, 6].max() < 3.5
    assert contact[urgent].min() == 0.0
    assert starts[-1, 6] == math.inf
    assert paths[~urgent, :, 2].min() >= -5.0
    assert paths[-1, :, 2].min() == pytest.approx(-9.0)


def test_who_comes_into_our_side_is_told_from_who_is_run_into() -> None:
    _contact, _paths, starts, _rows = cut_in(35.0, 8.0, 1.2)
    assert starts[0, 7] == 0.0
    _contact, _paths, starts, _rows = cut_in(5.0, 20.0, 0.7)
    assert math.isfinite(starts[0, 6])
    assert starts[0, 7] == 1.0


def crosser(
    offset_m: float,
    across_mps: float,
    gap_m: float,
    speed_mps: float,
    half_width_m: float = 0.9,
    swing: np.ndarray = STRAIGHT,
):
    """A cyclist who rides straight across, his bicycle 1.8 m long; costs and starts of every proposal."""
    steps, dt_s = 32, 0.25
    rows, laterals = propose(ProposeTuning(), ACROSS, dt_s, steps)
    times = np.arange(steps + 1) * dt_s
    modes = np.zeros((1, 9))
    modes[0, :6] = 1.0, 0.0, 0.3, 0.9, 7.0, 4.0
    points = np.zeros((1, steps + 1, 7))
    points[0, :, 0] = 100.0 + 3.6 + gap_m + 0.3
    points[0, :, 1] = offset_m + across_mps * times
    points[0, :, 4], points[0, :, 5], points[0, :, 6] = across_mps, 0.3, half_width_m
    ego = np.array((100.0, speed_mps, 0.0, 3.6, 1.0, 0.95))
    jerks = np.array((1.2, 2.4, math.inf, 12.0, 8.0))
    costs, _paths, starts = roll_out(
        *(rows, laterals, modes, points, ego, np.full(400, speed_mps), swing),
        *(1.0, math.inf, dt_s, jerks, LAW, ALL_DRIVEN),
    )
    return costs[:, TERMS.index("collision")], starts, rows


@pytest.mark.parametrize(("offset_m", "counts"), [(-1.6, True), (1.6, False)])
def test_the_front_sweeps_over_who_stands_at_the_outside_of_a_bend(
    offset_m: float, counts: bool
) -> None:
    """To the left at R 9 m the front's right corner is 0.7 m farther out; nobody stands in the plain band."""
    contact, starts, _rows = crosser(offset_m, 0.0, 8.0, 4.0, half_width_m=0.3)
    assert contact[0] == 0.0
    assert starts[0, 0] > -0.5
    swing = np.full(60, -0.5 * 3.6**2 / 9.0)
    _contact, starts, _rows = crosser(offset_m, 0.0, 8.0, 4.0, half_width_m=0.3, swing=swing)
    assert (starts[0, 0] < -0.7) == counts


def test_who_will_have_left_our_way_is_let_pass_calmly_and_who_stays_is_stopped_for() -> None:
    _contact, passing, _rows = crosser(-0.5, 4.0, 12.0, 9.0)
    _contact, staying, _rows = crosser(-0.5, 0.0, 12.0, 9.0)
    assert -3.05 <= passing[0, 0] < -1.0
    assert staying[0, 0] < -3.5


def test_to_pass_just_behind_or_ahead_of_who_crosses_counts_as_contact() -> None:
    """At 10 m/s the front is there after 3 s; he has left the way by then, or comes, by a quarter second."""
    for offset_m in (-4.0 * 3.0 + 2.0 + 0.6, -4.0 * 3.0 - 2.0 - 0.6):
        contact, _starts, rows = crosser(offset_m, 4.0, 30.0, 10.0)
        plain = np.flatnonzero((rows[:, ProposalColumn.PACE] == 1.0) & (rows[:, 4] == 0.0))[0]
        assert contact[plain] > 0.0
        assert contact.min() == 0.0
    for offset_m in (-4.0 * 3.0 + 8.0, -4.0 * 3.0 - 8.0):
        contact, _starts, _rows = crosser(offset_m, 4.0, 30.0, 10.0)
        assert contact[0] == 0.0


@pytest.mark.parametrize("speed_mps", [3.0, 8.0, 14.0])
@pytest.mark.parametrize("need_mps2", [1.5, 2.8])
def test_a_stop_is_braked_for_evenly_though_the_brakes_answer_late(
    speed_mps: float, need_mps2: float
) -> None:
    left_m = 0.5 * speed_mps**2 / need_mps2 + 0.15 * speed_mps
    accel_mps2, late, hardest_mps2 = 0.0, [0.0] * 15, 0.0
    while speed_mps > 0.02:
        late.append(max(stop_accel(left_m, speed_mps, 1.0), -9.0))
        accel_mps2 = late.pop(0) if late[0] < 9.0 else 0.0
        left_m -= 0.01 * speed_mps
        speed_mps += 0.01 * accel_mps2
        hardest_mps2 = min(hardest_mps2, accel_mps2)
    assert hardest_mps2 > -1.15 * need_mps2 - 0.3
    assert -0.4 < left_m < 0.4


def test_a_firm_stop_is_not_spread_out_backwards_like_a_limit() -> None:
    row = np.array((1.7, 0.9, 1.0, 2.5))
    road = straight()
    speeds, _causes = speed_profile(
        *(road.table, 1.0, np.full(len(road.table), 30.0), 0.0, 200, math.inf, 0.0, 99.0),
        *(np.zeros((0, 4)), 100.0, DESTINATION, row),
    )
    assert speeds[50] == pytest.approx(math.sqrt(2.0 * 2.5 * 50.0), rel=0.02)


def test_the_end_of_a_stop_behind_a_car_comes_rather_nearer_than_harder() -> None:
    """Rolling at 0.9 m/s, 2.4 m behind one who has just stopped: 3 m is the gap, 1.2 m are kept in any case."""
    assert -2.6 < follow_accel(0.9, -1.0, 2.4, 0.2, 0.0, 1.2, 1.2, LAW) < -0.5
    assert follow_accel(1.7, -1.0, 1.8, 0.2, 0.0, 1.2, 1.2, LAW) < -3.4
    assert follow_accel(20.0, 0.0, 50.0, 0.0, -4.0, 1.2, 1.2, LAW) < -4.0
