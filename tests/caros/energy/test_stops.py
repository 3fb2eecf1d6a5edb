"""Charge stops: never below the reserve, consistent with themselves, and no slower than any other plan."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.caros.energy.profile import Charger
from volant.caros.energy.stops import LEAST, LOW, STOP_S, StopPlan, Use, plan_stops

CAPACITY_J = 60.0 * 3.6e6
SLACK = 1e-6


def power(station_w: float, charge: float) -> float:
    """A curve that falls towards full, as batteries have."""
    return min(station_w, 120_000.0 * (1.05 - charge))


def use_of(steps: list[tuple[float, float]], metre_s: float = 0.05) -> Use:
    """A way of (metres, share of the battery used) steps."""
    distance_m = np.cumsum([0.0, *(length for length, _ in steps)])
    charge = np.cumsum([0.0, *(used for _, used in steps)])
    return Use(distance_m, charge, distance_m * metre_s)


def left_along(use: Use, plan: StopPlan, charge: float) -> list[float]:
    """The charge at every row and around every stop, driven as the plan says."""
    found, spent, at_m = [], charge, float(use.distance_m[0])
    legs = [*((one.at_m, one) for one in plan.stops), (float(use.distance_m[-1]), None)]
    for to_m, stop in legs:
        rows = use.distance_m[(use.distance_m > at_m) & (use.distance_m < to_m)]
        base = float(np.interp(at_m, use.distance_m, use.charge))
        places = [*rows.tolist(), to_m]
        used = np.interp(places, use.distance_m, use.charge) - base
        found += (spent - used).tolist()
        spent, at_m = (found[-1] if stop is None else stop.leave), to_m
    return found


steps = st.lists(
    st.tuples(st.floats(1000.0, 60_000.0), st.floats(-0.05, 0.3)), min_size=1, max_size=8
)
stations = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.sampled_from([0.0, 11_000.0, 50_000.0, 150_000.0])),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(steps, stations, st.floats(0.05, 1.0), st.floats(0.0, 0.3))
def test_a_plan_keeps_its_word(
    parts: list[tuple[float, float]],
    posts: list[tuple[float, float]],
    charge: float,
    reserve: float,
) -> None:
    use = use_of(parts)
    length_m = float(use.distance_m[-1])
    chargers = [Charger(f"c{i}", at * length_m, watts) for i, (at, watts) in enumerate(posts)]
    plan = plan_stops(use, chargers, power, CAPACITY_J, charge=charge, reserve=reserve)
    if not plan.reaches:
        assert plan.stops == ()
        assert plan.dry_m is not None
        return
    along = left_along(use, plan, charge)
    rows_before = max(int(sum(use.distance_m < (plan.stops[0].at_m if plan.stops else 0.0))), 1)
    if charge >= reserve:
        assert min(along) >= reserve - SLACK
    else:
        assert min(along[:rows_before]) >= LOW * charge - SLACK
        assert min(along[rows_before:]) >= reserve - SLACK
    assert plan.charge_at_end == pytest.approx(along[-1], abs=1e-9)
    places = [one.at_m for one in plan.stops]
    assert places == sorted(places)
    for one in plan.stops:
        assert one.power_w > 0.0
        assert one.arrive + LEAST <= one.leave + SLACK <= 1.0 + 2.0 * SLACK
        assert math.isfinite(one.charge_s)
    stopped_s = sum(one.charge_s + STOP_S for one in plan.stops)
    assert plan.stopped_s == pytest.approx(stopped_s, abs=1e-3)
    assert (plan.dry_m is None) == (plan.stops == ())


LEVELS = 10


def quickest_s(use: Use, chargers: list[Charger], charge: float, reserve: float) -> float:
    """Total time of the best of all plans on a coarse grid, found by trying every one."""
    best = math.inf
    length_m = float(use.distance_m[-1])
    watts = [[power(one.power_w, (k + 0.5) / LEVELS) for k in range(LEVELS)] for one in chargers]

    def leg(here_m: float, there_m: float) -> tuple[float, float]:
        base = float(np.interp(here_m, use.distance_m, use.charge))
        rows = use.charge[(use.distance_m > here_m) & (use.distance_m <= there_m)]
        used = float(np.interp(there_m, use.distance_m, use.charge)) - base
        return used, max([used, 0.0, *(rows - base).tolist()])

    def go(at_m: float, spent: float, rest: list[int], total_s: float) -> None:
        nonlocal best
        used, most = leg(at_m, length_m)
        if spent - most >= reserve - 1e-9:
            best = min(best, total_s + float(use.time_s[-1]))
        for place, index in enumerate(rest):
            one = chargers[index]
            used, most = leg(at_m, one.at_m)
            begin = at_m == 0.0 and spent == charge
            floor = LOW * charge if begin and charge < reserve else reserve
            if spent - most < floor - 1e-9:
                continue
            begun = min(math.floor((spent - used) * LEVELS + 1e-9), LEVELS)
            for left in range(begun + 1, LEVELS + 1):
                taken_s = sum(CAPACITY_J / LEVELS / watts[index][k] for k in range(begun, left))
                go(one.at_m, left / LEVELS, rest[place + 1 :], total_s + taken_s + STOP_S)

    go(0.0, charge, list(range(len(chargers))), 0.0)
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(5000.0, 60_000.0), st.floats(-0.05, 0.35)), min_size=2, max_size=5),
    st.lists(
        st.tuples(st.floats(0.0, 0.95), st.sampled_from([11_000.0, 50_000.0, 150_000.0])),
        max_size=3, unique_by=lambda one: one[0],
    ),
    st.floats(0.2, 1.0),
    st.sampled_from([0.0, 0.1]),
)  # fmt: skip
def test_no_other_plan_is_quicker(
    parts: list[tuple[float, float]],
    posts: list[tuple[float, float]],
    charge: float,
    reserve: float,
) -> None:
    use = use_of(parts)
    length_m = float(use.distance_m[-1])
    chargers = sorted(
        (Charger(f"c{i}", at * length_m, watts) for i, (at, watts) in enumerate(posts)),
        key=lambda one: one.at_m,
    )
    plan = plan_stops(
        use, chargers, power, CAPACITY_J, charge=charge, reserve=reserve, levels=LEVELS
    )
    best_s = quickest_s(use, chargers, charge, reserve)
    assert plan.reaches == math.isfinite(best_s)
    if plan.reaches:
        assert plan.total_s == pytest.approx(best_s, abs=0.01)


def test_a_short_way_needs_no_stop() -> None:
    plan = plan_stops(
        use_of([(10_000.0, 0.03)]), [Charger("a", 5000.0, 50_000.0)], power, CAPACITY_J,
        charge=0.5, reserve=0.1,
    )  # fmt: skip
    assert (plan.reaches, plan.stops, plan.dry_m) == (True, (), None)
    assert plan.charge_at_end == pytest.approx(0.47)


def test_a_long_way_stops_where_it_is_quick() -> None:
    """Of a slow and a fast station, the fast one, and no longer than is needed."""
    use = use_of([(100_000.0, 0.3)] * 5)
    chargers = [Charger("slow", 190_000.0, 11_000.0), Charger("fast", 210_000.0, 100_000.0)]
    plan = plan_stops(use, chargers, power, CAPACITY_J, charge=0.9, reserve=0.1)
    assert [one.name for one in plan.stops] == ["fast"]
    (stop,) = plan.stops
    assert stop.arrive == pytest.approx(0.27, abs=0.005)
    assert plan.charge_at_end == pytest.approx(0.1, abs=0.01)
    assert plan.dry_m == 300_000.0


def test_who_begins_below_the_reserve_charges_first() -> None:
    use = use_of([(10_000.0, 0.03), (10_000.0, 0.03)])
    here, near = Charger("here", 0.0, 50_000.0), Charger("near", 5000.0, 50_000.0)
    for charge, chargers in ((0.02, [here]), (0.04, [near])):
        plan = plan_stops(use, chargers, power, CAPACITY_J, charge=charge, reserve=0.1)
        assert plan.reaches
        assert plan.charge_at_end == pytest.approx(0.1, abs=0.01)
    assert not plan_stops(use, [near], power, CAPACITY_J, charge=0.02, reserve=0.1).reaches


def test_out_of_reach_is_said() -> None:
    use = use_of([(100_000.0, 0.4)] * 3)
    plan = plan_stops(use, [], power, CAPACITY_J, charge=0.9, reserve=0.1)
    assert not plan.reaches
    assert plan.charge_at_end == pytest.approx(-0.3)
    beyond = [Charger("late", 250_000.0, 100_000.0)]
    assert not plan_stops(use, beyond, power, CAPACITY_J, charge=0.9, reserve=0.1).reaches


def test_what_is_recovered_downhill_never_overfills() -> None:
    use = use_of([(10_000.0, 0.3), (10_000.0, -0.2), (10_000.0, 0.5)])
    plan = plan_stops(
        use, [Charger("valley", 20_000.0, 50_000.0)], power, CAPACITY_J, charge=0.45, reserve=0.1
    )
    assert plan.reaches
    assert all(one.leave <= 1.0 for one in plan.stops)


@pytest.mark.parametrize("most", [0.8, 1.0])
def test_nobody_charges_beyond_the_limit(most: float) -> None:
    use = use_of([(100_000.0, 0.3)] * 8)
    chargers = [Charger(f"c{i}", i * 50_000.0 + 1.0, 150_000.0) for i in range(15)]
    plan = plan_stops(use, chargers, power, CAPACITY_J, charge=0.7, reserve=0.1, most=most)
    assert plan.reaches
    assert max(one.leave for one in plan.stops) <= most


def test_many_chargers_are_thinned_and_still_serve() -> None:
    use = use_of([(100_000.0, 0.3)] * 10)
    chargers = [Charger(f"c{i}", i * 1900.0 + 1.0, 150_000.0) for i in range(520)]
    plan = plan_stops(use, chargers, power, CAPACITY_J, charge=0.7, reserve=0.1)
    assert plan.reaches
    names = {one.name for one in chargers}
    assert all(one.name in names for one in plan.stops)
    assert len(set(itertools.pairwise(plan.stops))) == len(plan.stops) - 1
    assert not plan_stops(
        use, [replace(one, power_w=0.0) for one in chargers], power, CAPACITY_J,
        charge=0.7, reserve=0.1,
    ).reaches  # fmt: skip
