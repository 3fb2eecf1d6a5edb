"""The fleet's time: a clock that jumps or servers that were away lose no car and open no wave."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cloud.shop import Shop
from tests.cloud.test_service import check
from volant.app.fleet_clock import tick
from volant.cloud.campaigns import CarState, Wave
from volant.cloud.steady import ALONE, GAP_S, JUMP_S, Beat, Beats, Steady

CARS = [f"car-{place}" for place in range(4)]
HOUR_S, DAY_S = 3600.0, 86_400.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as found:
        found.describe(*CARS, model="ev1")
        waves = (
            Wave(name="one", count=2, rest_s=7200.0, errors_stop=9),
            Wave(name="rest", errors_stop=9),
        )
        found.begin(concurrency=4, watch_s=HOUR_S, patience_s=2 * HOUR_S, waves=waves)
        yield found


def states(shop: Shop) -> dict[CarState, int]:
    found = {state: shop.campaign().count(state) for state in CarState}
    return {state: count for state, count in found.items() if count}


@pytest.mark.parametrize("jump_s", [-10 * DAY_S, -HOUR_S, HOUR_S, DAY_S, 400 * DAY_S])
def test_a_clock_that_was_moved_loses_nobody_and_proves_nobody_well(
    shop: Shop, jump_s: float
) -> None:
    beats = Beats(1)
    tick(shop.fleet, beats, shop.now_s)
    told = [car for car in CARS if "deploymentBase" in shop.poll(car)]
    shop.report(told[0], "closed", "success")
    before = states(shop)
    shop.now_s += jump_s
    gap_s, ours, moved = tick(shop.fleet, beats, shop.now_s)
    assert (gap_s, ours, moved) == (pytest.approx(jump_s, abs=1.0), Beat.OURS, 2)
    assert states(shop) == before
    assert shop.campaign().wave == 0
    with shop.fleet.store.work() as work:
        assert json.loads(work.lines_page(most=1)[0])["act"] == "clock"
    for _ in range(62):
        shop.now_s += 60.0
        tick(shop.fleet, beats, shop.now_s)
    assert states(shop)[CarState.WELL] == 1
    assert CarState.LOST not in states(shop)
    for _ in range(60):
        shop.now_s += 60.0
        tick(shop.fleet, beats, shop.now_s)
    assert states(shop)[CarState.LOST] == 1
    check(shop)


def test_a_car_that_waits_is_not_let_go_of_by_a_jump(shop: Shop) -> None:
    beats = Beats(1)
    tick(shop.fleet, beats, shop.now_s)
    (car, *_) = [car for car in CARS if "deploymentBase" in shop.poll(car)]
    with shop.fleet.store.work() as work:
        (task,) = work.tasks_of(car)
        work.put_task(replace(task, waits_until_s=shop.now_s + HOUR_S))
    shop.now_s += DAY_S
    tick(shop.fleet, beats, shop.now_s)
    with shop.fleet.store.read() as work:
        (task,) = work.tasks_of(car)
    assert task.waits_until_s == pytest.approx(shop.now_s + HOUR_S, abs=1.0)


def test_the_rest_of_a_wave_is_not_shortened_by_a_server_that_was_away(shop: Shop) -> None:
    beats = Beats(1)
    tick(shop.fleet, beats, shop.now_s)
    for car in [car for car in CARS if "deploymentBase" in shop.poll(car)]:
        shop.report(car, "closed", "success")
    for _ in range(31):
        shop.now_s += 119.0
        tick(shop.fleet, beats, shop.now_s)
    assert states(shop)[CarState.WELL] == 2
    shop.now_s += DAY_S
    beats = Beats(2)
    assert [tick(shop.fleet, beats, shop.now_s)[1] for _ in range(ALONE + 1)] == [
        *(Beat.UNSURE,) * ALONE, Beat.OURS,
    ]  # fmt: skip
    assert shop.campaign().wave == 0
    for _ in range(61):
        shop.now_s += 119.0
        tick(shop.fleet, beats, shop.now_s)
    assert shop.campaign().wave == 1


def test_a_server_whose_clock_is_wrong_leaves_time_to_another_that_ticks(shop: Shop) -> None:
    right, wrong = Beats(1), Beats(2)
    tick(shop.fleet, right, shop.now_s)
    tick(shop.fleet, wrong, shop.now_s)
    shop.now_s += 5.0
    tick(shop.fleet, right, shop.now_s)
    assert tick(shop.fleet, wrong, shop.now_s + DAY_S)[1] is Beat.THEIRS
    shop.now_s += 5.0
    assert tick(shop.fleet, right, shop.now_s) == (0.0, Beat.OURS, 0)
    assert tick(shop.fleet, wrong, shop.now_s + DAY_S)[1] is Beat.THEIRS
    for _ in range(ALONE - 1):
        assert tick(shop.fleet, wrong, shop.now_s + DAY_S)[1] is Beat.UNSURE
    assert tick(shop.fleet, wrong, shop.now_s + DAY_S)[1] is Beat.OURS


@pytest.mark.parametrize("jump_s", [-40 * 365 * DAY_S, -HOUR_S, HOUR_S, 3650 * DAY_S])
def test_a_server_that_starts_with_a_wrong_clock_takes_time_out_of_nobody_s_hands(
    shop: Shop, jump_s: float
) -> None:
    right, wrong = Beats(1), Beats(2)
    tick(shop.fleet, right, shop.now_s)
    told = [car for car in CARS if "deploymentBase" in shop.poll(car)]
    shop.report(told[0], "closed", "success")
    with shop.fleet.store.read() as work:
        before = list(work.tasks_in("spring"))
    found = [tick(shop.fleet, wrong, shop.now_s + jump_s)[1]]
    for _ in range(5):
        shop.now_s += 5.0
        assert tick(shop.fleet, right, shop.now_s) == (0.0, Beat.OURS, 0)
        found.append(tick(shop.fleet, wrong, shop.now_s + jump_s)[1])
    assert found == [Beat.UNSURE, *[Beat.THEIRS] * 5]
    with shop.fleet.store.read() as work:
        assert list(work.tasks_in("spring")) == before
    check(shop)


def test_two_servers_whose_machines_stood_still_together_go_on_as_after_any_gap(shop: Shop) -> None:
    one, other = Beats(1), Beats(2)
    for _ in range(4):
        shop.now_s += 5.0
        tick(shop.fleet, one, shop.now_s)
        tick(shop.fleet, other, shop.now_s)
    shop.now_s += HOUR_S
    found = []
    for _ in range(ALONE + 1):
        shop.now_s += 5.0
        found += [tick(shop.fleet, beats, shop.now_s)[:2] for beats in (one, other)]
    gaps = [gap_s for gap_s, whose in found if whose is Beat.OURS and gap_s]
    assert gaps == [pytest.approx(HOUR_S, abs=30.0)]
    assert found[-1] == found[-2] == (0.0, Beat.OURS)


def test_a_server_goes_by_the_time_that_it_follows_until_it_believes_its_own() -> None:
    run_s, wrong_s = 0.0, 3650 * DAY_S
    clock = Steady(lambda: 1e9 + run_s + wrong_s, lambda: run_s)
    assert clock.now_s() == 1e9 + wrong_s
    clock.follow(1e9)
    assert clock.now_s() == pytest.approx(1e9)
    run_s = 50.0
    clock.follow(1e9 + 47.0)  # the last beat is some seconds old: that is no reason to go back
    assert clock.now_s() == pytest.approx(1e9 + 50.0)
    wrong_s = 0.0
    assert clock.now_s() == pytest.approx(1e9 + 50.0)
    clock.believe()
    assert clock.jump_s() == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0.1, 20.0), st.sampled_from([0.0, 0.0, -HOUR_S, DAY_S])), max_size=20
    )
)
def test_time_never_jumps(steps: list[tuple[float, float]]) -> None:
    run_s, moved_s = 0.0, 0.0
    clock = Steady(lambda: 1e9 + run_s + moved_s, lambda: run_s)
    before_s = clock.now_s()
    for step_s, jump_s in steps:
        run_s += step_s
        moved_s += jump_s
        after_s = clock.now_s()
        assert abs(after_s - before_s - step_s) <= JUMP_S
        before_s = after_s
    if clock.jump_s():
        clock.believe()
    assert clock.jump_s() == 0.0
    assert abs(clock.now_s() - (1e9 + run_s + moved_s)) < 1.0
    assert GAP_S > JUMP_S
