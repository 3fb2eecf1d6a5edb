"""The driver models against their formulas, and chance against core.chance."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.chance import Chance
from volant.sim import DriverMix
from volant.sim.columns import Actor, DriverKind
from volant.sim.driver_kernels import (
    constant_accel,
    cool_idm,
    free_accel,
    idm,
    mobil_gain,
    normal,
    smooth,
    uniform,
    wanted_gap,
)
from volant.sim.drivers import draw_driver, draw_kind

SPEEDS = st.floats(0.0, 40.0)


@given(st.integers(0, 2**32), st.integers(0, 2**40))
def test_compiled_chance_gives_the_numbers_of_core_chance(seed: int, counter: int) -> None:
    stream = Chance.of(seed, "any")
    key = np.uint64(stream.key)
    assert uniform(key, counter) == stream.uniform(counter)
    assert normal(key, counter) == pytest.approx(stream.normal(counter), rel=1e-12, abs=1e-12)


@given(st.floats(0.5, 29.0), st.floats(0.8, 2.2), st.floats(1.0, 4.0))
def test_idm_holds_its_equilibrium_gap(speed: float, time_gap: float, stand_gap: float) -> None:
    wanted = 30.0
    equilibrium = (stand_gap + speed * time_gap) / math.sqrt(1.0 - (speed / wanted) ** 4)
    for model in (
        idm(speed, wanted, equilibrium, speed, time_gap, stand_gap, 1.4, 2.0),
        cool_idm(speed, wanted, equilibrium, speed, 0.0, time_gap, stand_gap, 1.4, 2.0),
    ):
        assert model == pytest.approx(0.0, abs=1e-9)


@given(SPEEDS, SPEEDS, st.floats(1.0, 150.0))
def test_idm_never_asks_for_more_than_the_free_road_allows(
    speed: float, lead_speed: float, gap: float
) -> None:
    free = free_accel(speed, 30.0, 1.4, 2.0)
    assert idm(speed, 30.0, gap, lead_speed, 1.5, 2.0, 1.4, 2.0) <= free
    assert free <= 1.4
    assert free >= -2.0


@given(SPEEDS, SPEEDS, st.floats(1.0, 150.0), st.floats(-8.0, 2.0))
def test_calm_idm_brakes_no_harder_than_idm_and_stays_finite(
    speed: float, lead_speed: float, gap: float, lead_accel: float
) -> None:
    plain = idm(speed, 30.0, gap, lead_speed, 1.5, 2.0, 1.4, 2.0)
    calm = cool_idm(speed, 30.0, gap, lead_speed, lead_accel, 1.5, 2.0, 1.4, 2.0)
    assert math.isfinite(calm)
    assert calm >= plain - 1e-9


def test_constant_acceleration_heuristic_has_its_two_published_branches() -> None:
    # Closing on a leader of constant speed: v_rel^2 / 2s.
    assert constant_accel(20.0, 40.0, 10.0, 0.0, 1.4) == pytest.approx(-100.0 / 80.0)
    # Leader braking to a stand: v^2 a / (v_l^2 - 2 s a).
    assert constant_accel(20.0, 20.0, 20.0, -4.0, 1.4) == pytest.approx(400 * -4 / (400 + 160))
    # A standing leader at rest gives a finite answer.
    assert constant_accel(10.0, 25.0, 0.0, 0.0, 1.4) == pytest.approx(-2.0)


def test_wanted_gap_grows_when_closing_and_never_falls_below_the_stand_gap() -> None:
    assert wanted_gap(20.0, 10.0, 1.5, 2.0, 1.4, 2.0) == pytest.approx(
        2.0 + 30.0 + 20.0 * 10.0 / (2.0 * math.sqrt(2.8))
    )
    assert wanted_gap(10.0, 40.0, 1.5, 2.0, 1.4, 2.0) == 2.0


def test_mobil_weighs_others_by_politeness() -> None:
    assert mobil_gain(0.5, -1.0, 0.2, 0.25) == pytest.approx(0.5 + 0.25 * -0.8)
    assert mobil_gain(0.5, -1.0, 0.2, 0.0) == 0.5


@given(st.floats(0.0, 1.0))
def test_lane_change_profile_rests_at_both_ends_and_its_slope_is_its_derivative(
    part: float,
) -> None:
    value, slope = smooth(part)
    assert -1e-12 <= value <= 1.0 + 1e-12
    step = 1e-6
    low, high = smooth(max(part - step, 0.0))[0], smooth(min(part + step, 1.0))[0]
    wide = min(part + step, 1.0) - max(part - step, 0.0)
    assert slope == pytest.approx((high - low) / wide, abs=1e-3)
    assert smooth(0.0) == (0.0, 0.0)
    assert smooth(1.0) == (1.0, 0.0)
    assert smooth(1.5) == (1.0, 0.0)


def test_driver_kinds_come_in_their_shares() -> None:
    mix = DriverMix(aggressive=0.2, distracted=0.1, cutting_in=0.15, slow=0.05, lorry=0.1)
    drawn = [draw_kind(mix, Chance.of(1, slot)) for slot in range(4000)]
    for kind, share in (
        (DriverKind.AGGRESSIVE, 0.2),
        (DriverKind.DISTRACTED, 0.1),
        (DriverKind.CUTTING_IN, 0.15),
        (DriverKind.CYCLIST, 0.08),
        (DriverKind.NORMAL, 0.24),
    ):
        assert drawn.count(kind) / 4000 == pytest.approx(share, abs=0.025)


def test_lorries_are_long_and_slow_and_aggressive_drivers_keep_short_gaps() -> None:
    lorry, hasty, calm = np.zeros(len(Actor)), np.zeros(len(Actor)), np.zeros(len(Actor))
    draw_driver(DriverKind.LORRY, Chance.of(1, "a"), lorry)
    draw_driver(DriverKind.AGGRESSIVE, Chance.of(1, "b"), hasty)
    draw_driver(DriverKind.NORMAL, Chance.of(1, "c"), calm)
    assert 7.0 < lorry[Actor.LENGTH] <= 16.5
    assert lorry[Actor.WIDTH] <= 2.55
    assert lorry[Actor.TOP_SPEED] <= 25.0
    assert hasty[Actor.TIME_GAP] < calm[Actor.TIME_GAP]
    assert hasty[Actor.CHANGE_TIME] < calm[Actor.CHANGE_TIME]


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        DriverMix(aggressive=0.6, lorry=0.6)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"aggressive": 2.0}, DriverMix)
