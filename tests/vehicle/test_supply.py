"""The 12 V side: what empties it, what fills it, and its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.messages import PowerState
from volant.vehicle import supply

HOUR_S = 3600.0


def after(charge: float, state: PowerState, hours: int) -> supply.Supply:
    now = supply.start(charge)
    for _ in range(hours * 60):
        now = supply.step(now, state, 60.0)
    return now


def test_sleep_hardly_takes_anything_and_parking_empties_it_overnight() -> None:
    assert after(0.8, PowerState.SLEEP, 24 * 7).charge > 0.7
    assert after(0.8, PowerState.PARKED, 8).charge < 0.1
    assert after(0.8, PowerState.PARKED, 5).volts_v < 12.0


def test_the_converter_fills_it_while_the_car_is_ready_or_drives() -> None:
    for state in (PowerState.READY, PowerState.DRIVING):
        filled = after(0.2, state, 6)
        assert filled.charge > 0.9
        assert filled.volts_v == supply.CONVERTER_V


def test_a_load_pulls_the_voltage_down_and_it_comes_back() -> None:
    rested = supply.start(0.5)
    loaded = supply.step(rested, PowerState.WAKE, 1.0)
    assert rested.volts_v - 0.2 < loaded.volts_v < rested.volts_v
    assert supply.step(loaded, PowerState.SLEEP, 1.0).volts_v == pytest.approx(
        rested.volts_v, abs=0.01
    )


def test_a_charge_that_is_none_is_refused() -> None:
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="from 0 to 1"):
            supply.start(wrong)


@given(
    st.floats(0.0, 1.0),
    st.lists(st.tuples(st.sampled_from(PowerState), st.floats(0.0, 1e6)), max_size=20),
)
def test_charge_and_voltage_stay_in_their_bounds(
    charge: float, history: list[tuple[PowerState, float]]
) -> None:
    now = supply.start(charge)
    for state, span_s in history:
        now = supply.step(now, state, span_s)
        assert 0.0 <= now.charge <= 1.0
        assert 11.0 < now.volts_v <= supply.CONVERTER_V
