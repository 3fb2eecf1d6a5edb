"""Hours of the night, in any place."""

from hypothesis import given
from hypothesis import strategies as st

from volant.core.updates import UpdateWish
from volant.ota.consent import DAY_S, HOUR_S, NIGHT_FROM_S, NIGHT_TO_S, consent_to, next_night_s

OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 900.0)
TIMES = st.integers(0, 1 << 32).map(float)


@given(TIMES, OFFSETS)
def test_the_next_night_begins_within_a_day_and_between_two_and_five(
    unix_s: float, offset_s: float
) -> None:
    starts_s = next_night_s(unix_s, offset_s)
    assert unix_s <= starts_s < unix_s + DAY_S
    assert NIGHT_FROM_S <= (starts_s + offset_s) % DAY_S < NIGHT_TO_S


@given(TIMES, OFFSETS)
def test_consent_for_the_night_ends_with_it(unix_s: float, offset_s: float) -> None:
    found = consent_to("x", UpdateWish.TONIGHT, unix_s, offset_s)
    assert found.starts_s < found.until_s <= found.starts_s + 3 * HOUR_S
    assert (found.until_s + offset_s) % DAY_S == NIGHT_TO_S


def test_now_waits_for_no_hour_even_where_the_clock_is_set_back() -> None:
    found = consent_to("x", UpdateWish.NOW, -5.0, 0.0)
    assert (found.at_s, found.starts_s) == (0.0, 0.0)
