"""Which car is in which wave, and when a window is open."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.cloud.campaigns.fleet import plan_of
from volant.cloud.campaigns import Candidate, Plan, Wave, Window, divide
from volant.cloud.campaigns.waves import NOWHERE, lot
from volant.cloud.campaigns.windows import open_at, wait_s


def cars(count: int, group: str = "", begin: int = 0) -> list[Candidate]:
    groups = (group,) if group else ()
    return [Candidate(f"car-{place}", groups) for place in range(begin, begin + count)]


def waves_of(plan: Plan, some: list[Candidate]) -> dict[str, int]:
    """Wave by car, of those that are in one."""
    found = zip(some, divide(plan, some).tolist(), strict=True)
    return {car.car_id: wave for car, wave in found if wave != NOWHERE}


WAVES = (
    Wave(name="canaries", count=5, errors_stop=1),
    Wave(name="staff", group="staff", errors_stop=1),
    Wave(name="tenth", share=0.1, errors_stop=1),
    Wave(name="rest", errors_stop=1),
)


def test_waves_are_as_large_as_they_say() -> None:
    all_cars = [*cars(180), *cars(20, "staff", 180)]
    found = waves_of(plan_of(waves=WAVES), all_cars)
    assert Counter(found.values()) == {0: 5, 1: 20, 2: 20, 3: 155}
    assert {found[one.car_id] for one in cars(20, "staff", 180)} == {1}


def test_the_same_cars_in_another_order_are_divided_alike_and_other_campaigns_otherwise() -> None:
    all_cars = cars(100)
    plan = plan_of(waves=WAVES)
    assert waves_of(plan, all_cars) == waves_of(plan, all_cars[::-1])
    assert lot("spring", "car-1") != lot("autumn", "car-1")


@given(st.integers(0, 40), st.integers(1, 30), st.floats(0.01, 1.0))
def test_a_count_and_a_share_never_take_more_than_there_are(
    fleet: int, count: int, share: float
) -> None:
    waves = (
        Wave(name="a", count=count, errors_stop=1),
        Wave(name="b", share=share, errors_stop=1),
        Wave(name="c", errors_stop=1),
    )
    all_cars = cars(fleet)
    found = waves_of(plan_of(waves=waves), all_cars)
    assert len(found) == fleet
    assert sum(wave == 0 for wave in found.values()) == min(count, fleet)


def test_without_a_rest_wave_some_cars_are_in_none() -> None:
    all_cars = cars(10)
    assert len(waves_of(plan_of(waves=WAVES[:1]), all_cars)) == 5


@given(
    st.builds(
        Window,
        days=st.sets(st.integers(0, 6), min_size=1).map(tuple),
        begins_min=st.integers(0, 1439),
        length_min=st.integers(1, 1440),
        ahead_min=st.integers(-840, 840),
    ),
    st.integers(0, 2_000_000_000),
)
def test_a_window_is_what_a_calendar_says(window: Window, now_s: int) -> None:
    local = datetime.fromtimestamp(now_s, UTC) + timedelta(minutes=window.ahead_min)
    midnight = local.replace(hour=0, minute=0, second=0)
    spans = [midnight + timedelta(days=-back, minutes=window.begins_min) for back in (0, 1)]
    expected = any(
        one.weekday() in window.days and one <= local < one + timedelta(minutes=window.length_min)
        for one in spans
    )
    assert window.open_at(now_s) is expected
    assert window.open_at(now_s + window.wait_s(now_s))


def test_no_window_is_always_open() -> None:
    assert open_at((), 5.0)
    assert wait_s((), 5.0) == 0.0
