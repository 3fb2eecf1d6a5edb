"""The trip computer's reckoning, without a car."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.house.source_tree import REPO


def load(app: str, name: str) -> ModuleType:
    """A module of an app that ships; apps are no packages of ours."""
    path = REPO / "apps" / app / f"{name}.py"
    module = ModuleType(f"app_{name}")
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)  # no bytecode beside it
    return module


trip = load("trip-computer", "trip")
S = 1_000_000_000


def driven(speed_kmh: float, power_w: float, span_s: int, accel: float = 0.0) -> "trip.Trip":
    now = trip.Trip()
    for second in range(span_s + 1):
        values = {
            "Speed": speed_kmh,
            "CurrentPower": -power_w,
            "Longitudinal": accel,
            "TraveledDistance": 5000.0 + speed_kmh / 3.6 * second,
        }
        now.take(second * S, values)
    return now


def test_an_hour_at_a_hundred_with_eighteen_kilowatts() -> None:
    now = driven(100.0, 18_000.0, 3600)
    assert now.distance_m == pytest.approx(100_000.0)
    assert now.net_kwh == pytest.approx(18.0)
    assert now.per_100_km == pytest.approx(18.0)
    assert now.advice() == ""
    assert now.record() == "100.0 km, 60 min, 18.00 kWh, 18.0 kWh/100 km, top 100 km/h"


def test_the_card_has_separators_and_lines_that_fit() -> None:
    assert driven(100.0, 18_000.0, 3600).card(312_000.0) == (
        "Trip 100.0 km",
        "18.00 kWh, 18.0 kWh/100 km",
        "Range 312 km",
    )
    assert trip.Trip().card(None) == ("Trip 0.0 km", "0.00 kWh", "")


def test_what_comes_back_is_taken_off() -> None:
    now = driven(50.0, -10_000.0, 360)
    assert now.net_kwh == pytest.approx(-1.0)


def test_fast_driving_is_named_with_what_it_cost() -> None:
    now = driven(150.0, 35_000.0, 600)
    # 0.5 * 1.2 * 0.26 * 2.6 * (41.67^2 - 30.56^2) N * 25 km / 0.9
    assert now.advice() == "Above 110 km/h the air took 2.51 kWh more"


def test_hard_braking_is_named() -> None:
    assert "softer braking" in driven(80.0, 5_000.0, 60, accel=-5.0).advice()


def test_braking_that_the_battery_takes_in_full_costs_nothing() -> None:
    back_w = 2200.0 * 3.0 * 50.0 / 3.6
    assert driven(50.0, -back_w, 60, accel=-3.0).hard_j == 0.0


def test_a_long_wait_is_named() -> None:
    assert driven(0.0, 3_000.0, 600).advice() == "Standing took 0.50 kWh"


def test_standing_is_not_driving() -> None:
    now = driven(0.0, 500.0, 100)
    assert now.standing_s == pytest.approx(100.0)
    assert now.per_100_km is None


@given(
    steps=st.lists(
        st.tuples(
            st.integers(-5, 100),
            st.dictionaries(
                st.sampled_from(["Speed", "CurrentPower", "Longitudinal", "TraveledDistance"]),
                st.floats(-1e6, 1e6),
            ),
        ),
        max_size=40,
    )
)
def test_whatever_comes_in_whatever_order_sums_stay_sound(steps: list) -> None:
    now, at_s = trip.Trip(), 0
    for span_s, values in steps:
        at_s += span_s
        now.take(at_s * S, values)
    assert now.time_s >= 0.0
    assert now.distance_m >= 0.0
    assert now.used_j >= 0.0
    assert now.back_j >= 0.0
    assert len(now.record()) < 400
