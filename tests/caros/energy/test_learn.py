"""The learner finds what is true of a car, keeps its bounds whatever comes, and remembers."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.energy.flat_drive import NS, driven, the_facts
from volant.caros.energy import learn
from volant.caros.energy.balance import COUNT, EAST, MASS, NORTH
from volant.caros.energy.learn import BOUNDS, Learned
from volant.caros.energy.sample import Sample
from volant.core.errors import InputError

FACTS = the_facts()


def after(*, parts: int = 1, **truth: float) -> Learned:
    learned = learn.start(FACTS)
    for sample in driven(FACTS, seconds=1500 * parts, **truth):  # type: ignore[arg-type]
        learned = learn.step(learned, sample, FACTS)
    return learned


@pytest.mark.parametrize("mass", [0.9, 1.0, 1.12])
def test_mass_is_found(mass: float) -> None:
    assert after(mass=mass).factors[MASS] == pytest.approx(mass, abs=0.02)


@pytest.mark.parametrize("capacity", [0.9, 0.97])
def test_capacity_is_found(capacity: float) -> None:
    learned = after(capacity=capacity)
    assert learned.capacity == pytest.approx(capacity, abs=0.01)
    assert learned.capacity_sigma < 0.02


@pytest.mark.parametrize("wind_mps", [-4.0, 4.0])
def test_wind_is_found_along_the_headings_that_were_driven(wind_mps: float) -> None:
    learned = after(wind_east_mps=wind_mps)
    assert learned.factors[EAST] == pytest.approx(wind_mps, abs=1.2)
    assert abs(learned.factors[NORTH]) < 1.2
    assert learned.sigma(EAST) < 0.6 * learn.SIGMAS[EAST]


def test_a_driver_who_is_slower_than_expected_is_known_as_that() -> None:
    learned = learn.start(FACTS)
    for second in range(900):
        sample = Sample(
            stamp_ns=second * NS, speed_mps=27.0, power_w=15e3, current_a=42.0, charge=0.8,
            slope=0.0, limit_mps=30.0,
        )  # fmt: skip
        learned = learn.step(learned, sample, FACTS)
    assert learned.style.pace == pytest.approx(0.9, abs=0.02)


def test_stops_count_where_it_stands_but_not_before_the_trip() -> None:
    learned = learn.start(FACTS)
    at_s = 0
    for turn in range(20):
        for speed_mps, stops in ((0.0, 0), (0.0, 0), (5.0, 0), (9.0, 1), (9.0, 1), (4.0, 0)):
            at_s += 1
            sample = Sample(
                stamp_ns=at_s * NS, speed_mps=speed_mps, power_w=2e3, current_a=6.0, charge=0.8,
                slope=0.0, limit_mps=14.0, stops_passed=stops,
            )  # fmt: skip
            learned = learn.step(learned, sample, FACTS)
        assert learned.style.stood == 4.0 + turn
    assert learned.style.stop_share == pytest.approx(0.5, abs=0.05)


def test_one_mad_sample_moves_nothing_far() -> None:
    calm = after()
    samples = list(driven(FACTS, seconds=1600))
    mad = learn.start(FACTS)
    for count, sample in enumerate(samples[:1500]):
        power_w = 1.5e6 if count == 700 else sample.power_w
        mad = learn.step(mad, replace(sample, power_w=power_w), FACTS)
    assert mad.factors[MASS] == pytest.approx(calm.factors[MASS], abs=0.03)
    assert mad.factors[EAST] == pytest.approx(calm.factors[EAST], abs=1.5)


def test_hanging_on_a_cable_teaches_nothing() -> None:
    learned = learn.start(FACTS)
    for second in range(300):
        sample = Sample(
            stamp_ns=second * NS, speed_mps=0.0, power_w=-11e3, current_a=-30.0,
            charge=0.5 + second * 1e-4,
        )  # fmt: skip
        learned = learn.step(learned, sample, FACTS)
    assert learned.factors == learn.start(FACTS).factors
    assert learned.capacity == learn.CAPACITY


def test_samples_out_of_time_are_not_taken() -> None:
    samples = list(driven(FACTS, seconds=40))
    learned = learn.start(FACTS)
    for sample in samples:
        learned = learn.step(learned, sample, FACTS)
    assert learn.step(learned, samples[-1], FACTS) == learned
    late = learn.step(learned, replace(samples[-1], stamp_ns=10_000 * NS), FACTS)
    assert late.factors == learned.factors
    assert late.window.time_s == 0.0


def test_after_a_trip_the_wind_is_forgotten_and_the_car_is_not() -> None:
    learned = after(mass=1.1, wind_east_mps=4.0)
    parked = learn.parked(learned)
    assert parked.factors[EAST] == parked.factors[NORTH] == 0.0
    assert parked.sigma(EAST) == pytest.approx(learn.SIGMAS[EAST])
    assert parked.factors[MASS] == learned.factors[MASS]
    assert parked.sigma(MASS) > learned.sigma(MASS)
    np.linalg.cholesky(np.array(parked.covariance))


def test_what_was_learned_is_read_again() -> None:
    learned = learn.parked(after(mass=1.1, capacity=0.92))
    assert learn.read_stored(learn.stored(learned), FACTS) == learned


def changed(**fields: object) -> bytes:
    table = msgspec.json.decode(learn.stored(learn.start(FACTS)))
    return msgspec.json.encode({**table, **fields})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"\xff", b"[1]", changed(car="p7"), changed(factors=[1.0]),
        changed(factors=[9.0, 1.0, 1.0, 0.0, 0.0, 250.0, 1.0]),
        changed(covariance=[[1.0]]),
        changed(covariance=[[-1.0 if i == j else 0.0 for j in range(COUNT)] for i in range(COUNT)]),
        changed(capacity=0.1), changed(more=1), changed(capacity_sigma=0.0),
    ],
)  # fmt: skip
def test_a_memory_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        learn.read_stored(data, FACTS)


FIGURES = st.floats(allow_nan=True, allow_infinity=True)
SAMPLES = st.builds(
    Sample,
    stamp_ns=st.integers(0, 200).map(lambda one: one * NS // 4),
    speed_mps=st.one_of(st.floats(-10.0, 95.0), FIGURES),
    power_w=st.one_of(st.floats(-3e5, 3e5), FIGURES),
    current_a=st.one_of(st.floats(-900.0, 900.0), FIGURES),
    charge=st.one_of(st.floats(0.0, 1.0), FIGURES),
    battery_k=st.floats(150.0, 420.0),
    cabin_k=st.floats(200.0, 400.0),
    heading_rad=st.one_of(st.just(math.nan), st.floats(-7.0, 7.0)),
    slope=st.one_of(st.just(math.nan), st.floats(-0.3, 0.3)),
    limit_mps=st.one_of(st.just(math.nan), st.floats(1.0, 60.0)),
    stops_passed=st.integers(0, 3),
)


@given(st.lists(SAMPLES, max_size=60))
@settings(deadline=None)
def test_whatever_comes_it_stays_in_bounds_and_can_be_stored(samples: list[Sample]) -> None:
    learned = learn.start(FACTS)
    for sample in sorted(samples, key=lambda one: one.stamp_ns):
        learned = learn.step(learned, sample, FACTS)
    for one, (low, high) in zip(learned.factors, BOUNDS, strict=True):
        assert low <= one <= high
    assert all(math.isfinite(one) for row in learned.covariance for one in row)
    assert 0.6 <= learned.capacity <= 1.05
    again = learn.read_stored(learn.stored(learned), FACTS)
    assert again.factors == learned.factors
