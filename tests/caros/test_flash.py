"""The budget of flash: never above it, the low first, and counts that survive."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.flash import (
    DAYS_KEPT,
    MB,
    OWNERS_MOST,
    STATE_MOST_BYTES,
    DataClass,
    FlashSettings,
    FlashState,
    ask,
    settle,
    state_from_bytes,
    years_left,
)
from volant.core.errors import InputError

SETTINGS = FlashSettings(day_most_bytes=1000, owner_most_bytes=300, owners={"recorder": 1000})
ASKS = st.tuples(
    st.sampled_from(DataClass),
    st.sampled_from(("recorder", "app", "other", "")),
    st.integers(0, 400),
    st.integers(20_000, 20_003),
)


def after(asks: list[tuple[DataClass, str, int, int]]) -> FlashState:
    state = FlashState()
    for kind, owner, size, day in asks:
        state, _ = ask(state, kind, owner, size, day, SETTINGS)
    return state


@given(st.lists(ASKS, max_size=60))
def test_never_is_more_granted_than_the_day_and_the_owner_have(
    asks: list[tuple[DataClass, str, int, int]],
) -> None:
    state, granted = FlashState(), dict[tuple[int, str], int]()
    for kind, owner, size, day in asks:
        state, verdict = ask(state, kind, owner, size, day, SETTINGS)
        if verdict.granted:
            granted[day, owner] = granted.get((day, owner), 0) + size
        assert verdict.words
        assert state.of(day).written <= 1000
        assert state.of(day).owners.get("app", 0) <= 300
    for (day, owner), size in granted.items():
        assert state.of(day).owners[owner] == size


@given(st.lists(ASKS, max_size=60), ASKS)
def test_a_better_class_is_never_refused_while_a_lower_one_is_granted(
    asks: list[tuple[DataClass, str, int, int]], last: tuple[DataClass, str, int, int]
) -> None:
    state, (_, owner, size, day) = after(asks), last
    granted = [ask(state, kind, owner, size, day, SETTINGS)[1].granted for kind in DataClass]
    assert granted == sorted(granted, reverse=True)


@given(st.lists(ASKS, max_size=30), st.lists(ASKS, max_size=30))
def test_counts_survive_a_restart_at_any_moment(
    asks: list[tuple[DataClass, str, int, int]],
    more: list[tuple[DataClass, str, int, int]],
) -> None:
    state = after(asks)
    again = state_from_bytes(state.to_bytes())
    assert again == state
    for kind, owner, size, day in more:
        state, one = ask(state, kind, owner, size, day, SETTINGS)
        again, other = ask(again, kind, owner, size, day, SETTINGS)
        assert one == other


@given(st.lists(st.sampled_from((1, 20_000)), max_size=40))
def test_a_clock_that_jumps_away_and_back_earns_nothing(days: list[int]) -> None:
    state, granted = FlashState(), 0
    for day in days:
        state, verdict = ask(state, DataClass.EVENT, "recorder", 400, day, SETTINGS)
        granted += verdict.granted
    assert granted <= 2 * 2


def test_the_low_classes_are_refused_first_and_it_is_said() -> None:
    state, _ = ask(FlashState(), DataClass.EVENT, "recorder", 600, 1, SETTINGS)
    _, detail = ask(state, DataClass.DETAIL, "recorder", 1, 1, SETTINGS)
    assert (detail.code, detail.words) == (
        "class_over",
        "detail data get 60 % of the day's 0.001 MB",
    )
    state, summary = ask(state, DataClass.SUMMARY, "recorder", 300, 1, SETTINGS)
    assert summary.granted
    assert not ask(state, DataClass.SUMMARY, "recorder", 1, 1, SETTINGS)[1].granted
    state, event = ask(state, DataClass.EVENT, "recorder", 100, 1, SETTINGS)
    assert event.granted
    assert ask(state, DataClass.EVENT, "recorder", 1, 1, SETTINGS)[1].code == "day_over"
    assert ask(state, DataClass.DETAIL, "recorder", 600, 2, SETTINGS)[1].granted


def test_an_app_has_its_own_bound() -> None:
    state, one = ask(FlashState(), DataClass.EVENT, "app", 300, 1, SETTINGS)
    assert one.granted
    assert ask(state, DataClass.EVENT, "app", 1, 1, SETTINGS)[1].code == "owner_over"
    assert ask(state, DataClass.EVENT, "", 1, 1, SETTINGS)[1].code == "bad_name"
    assert ask(state, DataClass.EVENT, "x" * 65, 1, 1, SETTINGS)[1].code == "bad_name"


def test_what_was_not_written_is_given_back() -> None:
    state, _ = ask(FlashState(), DataClass.EVENT, "recorder", 900, 1, SETTINGS)
    state = settle(state, "recorder", 900, 100, 1)
    assert state.of(1).written == 100
    assert settle(state, "nobody", 5, 0, 1) == state
    with pytest.raises(ValueError, match="asked for"):
        settle(state, "recorder", 1, 2, 1)
    with pytest.raises(ValueError, match="below zero"):
        ask(state, DataClass.EVENT, "recorder", -1, 1, SETTINGS)


def test_the_state_stays_small_whoever_asks_on_whatever_day() -> None:
    state = FlashState()
    for day in range(2 * DAYS_KEPT):
        for number in range(OWNERS_MOST + 5):
            owner = f"{number:02}" + "\x01" * 62
            state, verdict = ask(state, DataClass.EVENT, owner, 1, day, SETTINGS)
        assert verdict.code == "too_many_owners"
    assert len(state.days) == DAYS_KEPT
    assert state_from_bytes(state.to_bytes()) == state


@given(st.binary(max_size=200))
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        state_from_bytes(b"x" + data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"days":[{"day":1,"owners":{"a":-1}}]}',
        b'{"days":[{"day":1,"owners":{}},{"day":1,"owners":{}}]}',
        b"\xff",
        b" " * (STATE_MOST_BYTES + 1),
    ],
)
def test_wrong_counts_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        state_from_bytes(data)


def test_the_years_are_those_of_the_arithmetic() -> None:
    # 8 GB x 3000 cycles / 4 over 15 years: 1.1 GB a day (shared notes, "Flash wear")
    assert years_left(1.095e9, 8e9, 3000, 4) == pytest.approx(15.0, rel=0.01)
    assert years_left(4.6e9, 8e9, 3000, 4) == pytest.approx(3.57, rel=0.01)
    assert years_left(250 * MB, 8e9, 3000, 4) == pytest.approx(65.7, rel=0.01)
    assert years_left(0, 8e9, 3000, 4) == math.inf
    for wrong in ((-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)):
        with pytest.raises(ValueError, match="above zero"):
            years_left(*wrong)
