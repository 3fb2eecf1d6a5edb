"""Forecasts against the plant's own longitudinal model, their band, and the range by them."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.energy.flat_drive import flat, the_facts
from volant.caros.energy import learn
from volant.caros.energy.balance import EAST, MASS
from volant.caros.energy.learn import Learned
from volant.caros.energy.predict import Conditions, at_charge, forecast, range_m
from volant.caros.energy.profile import RouteProfile, profile_of
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import battery, longitudinal
from volant.vehicle.longitudinal import Around

FACTS = the_facts()
NOW = Conditions(charge=0.9, cabin_k=293.15)


def believed(**changes: object) -> Learned:
    return msgspec.structs.replace(learn.start(FACTS), capacity=1.0, **changes)


def sure(**changes: object) -> Learned:
    """Somebody who is certain of what is believed."""
    return believed(covariance=tuple((0.0,) * 7 for _ in range(7)), **changes)


def steady_used(way: RouteProfile, speed_mps: float, headwind_mps: float = 0.0) -> float:
    """Charge that the plant uses at one speed over a profile, braked to a stop at its end."""
    state = battery.start(0.9, 293.15, FACTS.plant)
    at_m, now_mps = 0.0, speed_mps
    while at_m < way.length_m - 1.0:
        around = Around(way.spot(at_m).slope, headwind_mps, 0.0, 0.0)
        next_mps = max(0.5, min(speed_mps, math.sqrt(3.0 * (way.length_m - at_m))))
        stretch = longitudinal.cover(state, now_mps, next_mps, 293.15, FACTS.plant, 0.5, around)
        state, at_m, now_mps = stretch.battery, at_m + stretch.distance_m, stretch.speed_mps
    return 0.9 - state.charge


@pytest.mark.parametrize("speed_mps", [12.0, 25.0, 36.0])
def test_a_steady_drive_uses_what_the_plant_uses(speed_mps: float) -> None:
    way = flat(limit_mps=speed_mps)
    told = forecast(way, 0.0, FACTS, sure(), replace(NOW, speed_mps=speed_mps))
    assert told.charge_used == pytest.approx(steady_used(way, speed_mps), rel=0.01)


def test_hills_cost_what_the_plant_says() -> None:
    at_m = np.arange(0.0, 40_001.0, 100.0)
    way = profile_of(at_m, 60.0 * np.sin(at_m / 900.0), np.full(len(at_m), 22.0), 0.0 * at_m)
    told = forecast(way, 0.0, FACTS, sure(), replace(NOW, speed_mps=22.0))
    assert told.charge_used == pytest.approx(steady_used(way, 22.0), rel=0.015)


@pytest.mark.parametrize("wind_mps", [-5.0, 5.0])
def test_wind_that_is_believed_counts_by_the_heading(wind_mps: float) -> None:
    factors = list(learn.start(FACTS).factors)
    factors[EAST] = wind_mps
    windy = sure(factors=tuple(factors))
    east, north = flat(limit_mps=30.0), flat(limit_mps=30.0, heading_rad=0.5 * math.pi)
    now = replace(NOW, speed_mps=30.0)
    along = forecast(east, 0.0, FACTS, windy, now).charge_used
    assert along == pytest.approx(steady_used(east, 30.0, -wind_mps), rel=0.01)
    calm = forecast(north, 0.0, FACTS, sure(), now).charge_used
    across = forecast(north, 0.0, FACTS, windy, now).charge_used
    assert across == pytest.approx(calm, rel=0.02)


def test_cold_stops_a_fast_driver_and_a_worn_battery_cost_more() -> None:
    at_m = np.arange(0.0, 20_001.0, 500.0)
    way = profile_of(at_m, 0.0 * at_m, np.full(len(at_m), 14.0), stops=tuple(at_m[1:-1].tolist()))
    usual = forecast(way, 0.0, FACTS, sure(), NOW)
    cold = forecast(way, 0.0, FACTS, sure(), Conditions(charge=0.9, ambient_k=263.15))
    assert cold.charge_used > 1.5 * usual.charge_used
    style = msgspec.structs.replace(learn.start(FACTS).style, stood=0.0)
    free = forecast(way, 0.0, FACTS, sure(style=style), NOW)
    assert free.charge_used < usual.charge_used
    assert free.time_s < usual.time_s
    fast = msgspec.structs.replace(style, pace=1.1)
    assert forecast(way, 0.0, FACTS, sure(style=fast), NOW).charge_used > free.charge_used
    worn = msgspec.structs.replace(sure(), capacity=0.9)
    told = forecast(way, 0.0, FACTS, worn, NOW)
    assert told.charge_used == pytest.approx(usual.charge_used / 0.9, rel=0.01)


def test_points_lead_from_here_to_the_end_within_their_band() -> None:
    way = flat()
    told = forecast(way, 5_000.0, FACTS, believed(), NOW)
    assert told.distance_m == 35_000.0
    assert told.points[0].at_m == 5_000.0
    assert told.points[-1].at_m == way.length_m
    assert told.points[0].charge == 0.9
    places = [one.at_m for one in told.points]
    assert places == sorted(set(places))
    for one in told.points:
        assert one.charge_low <= one.charge <= one.charge_high
    assert told.charge_at_end == pytest.approx(0.9 - told.charge_used)
    widths = [one.charge_high - one.charge_low for one in told.points]
    assert widths[0] == 0.0
    assert widths[-1] > 5.0 * widths[1]


def test_who_has_learned_is_surer() -> None:
    at_first = forecast(flat(), 0.0, FACTS, believed(), NOW)
    later = forecast(flat(), 0.0, FACTS, sure(capacity_sigma=0.005), NOW)
    width = at_first.charge_high - at_first.charge_low
    assert later.charge_high - later.charge_low < 0.7 * width


def test_the_band_at_the_start_holds_a_full_load_and_an_old_battery() -> None:
    """One of these at a time, without a wind; both are outside the cars of the scored trips."""
    at_m = np.arange(0.0, 40_001.0, 500.0)
    stops = tuple(at_m[1:-1:4].tolist())
    way = profile_of(at_m, 30.0 * np.sin(at_m / 900.0), np.full(len(at_m), 14.0), stops=stops)
    told = forecast(way, 0.0, FACTS, learn.start(FACTS), NOW)
    factors = list(learn.start(FACTS).factors)
    factors[MASS] = 1.25
    loaded = msgspec.structs.replace(sure(factors=tuple(factors)), capacity=learn.CAPACITY)
    old = msgspec.structs.replace(sure(), capacity=0.82)
    for true in (loaded, old):
        at_end = forecast(way, 0.0, FACTS, true, NOW).charge_at_end
        assert told.charge_low < at_end < told.charge_high


def test_at_the_end_nothing_is_used() -> None:
    told = forecast(flat(), 40_000.0, FACTS, believed(), NOW)
    assert told.charge_used == told.energy_j == told.time_s == 0.0
    assert told.charge_at_end == 0.9


def test_a_charge_that_does_not_last_goes_below_zero_and_the_range_tells_where() -> None:
    way = flat(limit_mps=36.0)
    little = at_charge(NOW, 0.05)
    told = forecast(way, 0.0, FACTS, believed(), little)
    assert told.charge_at_end < 0.0
    reach_m = range_m(FACTS, believed(), little, profile=way)
    before = [one for one in told.points if one.at_m <= reach_m]
    assert before[-1].charge >= 0.0
    assert told.points[len(before)].charge <= 0.0


def test_beyond_the_route_the_range_goes_on_as_of_late() -> None:
    alone_m = range_m(FACTS, believed(), Conditions(charge=1.0))
    assert alone_m == pytest.approx(520_000.0, rel=0.01)
    way = flat(limit_mps=36.0)
    used = forecast(way, 0.0, FACTS, believed(), NOW).charge_used
    rest_m = range_m(FACTS, believed(), Conditions(charge=0.9 - used))
    both_m = range_m(FACTS, believed(), NOW, profile=way)
    assert both_m == pytest.approx(40_000.0 + rest_m, rel=0.001)
    assert range_m(FACTS, believed(), Conditions(charge=0.0)) == 0.0


@st.composite
def ways(draw: st.DrawFn) -> RouteProfile:
    steps = draw(st.lists(st.floats(1.0, 3000.0), min_size=1, max_size=30))
    at_m = np.concatenate(([0.0], np.cumsum(steps)))
    count = len(at_m)
    floats = st.lists(st.floats(-300.0, 300.0), min_size=count, max_size=count)
    limits = st.lists(st.floats(1.5, 60.0), min_size=count, max_size=count)
    stops = draw(st.lists(st.floats(0.0, float(at_m[-1])), max_size=8))
    return profile_of(
        at_m, np.array(draw(floats)), np.array(draw(limits)), stops=tuple(sorted(stops))
    )


@given(ways(), st.floats(0.0, 1.0), st.floats(0.0, 60.0), st.floats(0.0, 1.0))
@settings(deadline=None, max_examples=60)
def test_whatever_the_way_a_forecast_is_finite_and_ends_at_its_end(
    way: RouteProfile, part: float, speed_mps: float, charge: float
) -> None:
    now = Conditions(charge=charge, speed_mps=speed_mps)
    told = forecast(way, part * way.length_m, FACTS, believed(), now)
    figures = (told.energy_j, told.charge_used, told.charge_low, told.charge_high, told.time_s)
    assert all(math.isfinite(one) for one in figures)
    assert told.points[-1].at_m == pytest.approx(way.length_m, abs=1.0)
    assert told.time_s >= 0.0
    assert told.charge_low <= told.charge_at_end <= told.charge_high


PIECES = st.lists(
    st.tuples(
        st.floats(2.0, 3000.0), st.floats(-1.0, 1.0), st.sampled_from((8.0, 14.0, 36.0)), st.booleans()
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@given(PIECES)
@settings(deadline=None)
def test_no_way_costs_less_than_lifting_the_car(
    pieces: list[tuple[float, float, float, bool]],
) -> None:
    """Weight by height, whatever the slopes: a hill makes no energy out of nothing."""
    at_m = np.cumsum([0.0, *(one[0] for one in pieces)])
    height_m = np.cumsum([0.0, *(one[0] * one[1] for one in pieces)])
    limits = np.array([*(one[2] for one in pieces), 8.0])
    stops = tuple(float(at_m[i]) for i, one in enumerate(pieces) if one[3] and i > 0)
    way = profile_of(at_m, height_m, limits, 0.0 * at_m, stops=stops)
    style = msgspec.structs.replace(learn.start(FACTS).style, stood=8.0)
    told = forecast(way, 0.0, FACTS, sure(style=style), NOW)
    lifted_j = FACTS.plant.mass_kg * GRAVITY_MPS2 * float(height_m[-1])
    assert told.energy_j >= lifted_j
