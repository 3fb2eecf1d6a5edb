"""Chance by key and counter: pinned values, independence, shapes of the distributions."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.chance import Chance

COUNTERS = st.integers(min_value=0, max_value=2**63)
SEEDS = st.integers(min_value=0, max_value=2**64 - 1)


def test_the_mixer_is_splitmix64() -> None:
    """First outputs of SplitMix64 from state 0 (the reference prng.di.unimi.it/splitmix64.c)."""
    from volant.core.chance import _mix

    golden = 0x9E3779B97F4A7C15
    drawn = [_mix(step * golden & (2**64 - 1)) for step in range(3)]
    assert drawn == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_a_draw_depends_on_seed_name_and_counter_only() -> None:
    one = Chance.of(7, "traffic", 12)
    assert one.bits(3) == Chance.of(7).child("traffic").child(12).bits(3)
    others = {
        Chance.of(8, "traffic", 12).bits(3),
        Chance.of(7, "sensors", 12).bits(3),
        Chance.of(7, "traffic", 13).bits(3),
        one.bits(4),
    }
    assert one.bits(3) not in others
    assert len(others) == 4


def test_order_of_drawing_does_not_matter() -> None:
    stream = Chance.of(1, "a")
    forward = [stream.bits(counter) for counter in range(50)]
    backward = [stream.bits(counter) for counter in reversed(range(50))]
    assert forward == backward[::-1]


def test_the_hash_of_strings_of_this_run_plays_no_part() -> None:
    code = "from volant.core.chance import Chance; print(Chance.of(5, 'traffic', 3).bits(9))"
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert drawn == {f"{Chance.of(5, 'traffic', 3).bits(9)}\n"}


@given(SEEDS, COUNTERS)
def test_uniform_stays_in_its_half_open_range(seed: int, counter: int) -> None:
    assert 0.0 <= Chance.of(seed).uniform(counter) < 1.0
    assert -3.0 <= Chance.of(seed).uniform(counter, -3.0, 5.0) <= 5.0


@given(SEEDS, COUNTERS, st.integers(-1000, 1000), st.integers(1, 1000))
def test_integer_stays_in_its_half_open_range(seed: int, counter: int, low: int, span: int) -> None:
    assert low <= Chance.of(seed).integer(counter, low, low + span) < low + span


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="empty range"):
        Chance.of(1).integer(0, 3, 3)


@given(SEEDS, COUNTERS)
def test_a_normal_draw_is_finite_and_bounded(seed: int, counter: int) -> None:
    assert abs(Chance.of(seed).normal(counter)) < 8.3


@given(SEEDS, st.integers(min_value=0, max_value=2**60), st.integers(0, 40))
def test_many_at_once_are_the_same_as_one_by_one(seed: int, counter: int, count: int) -> None:
    stream = Chance.of(seed)
    many = stream.uniforms(counter, count)
    assert many.shape == (count,)
    assert many.tolist() == [stream.uniform(counter + step) for step in range(count)]


def test_uniform_draws_fill_the_range_evenly() -> None:
    drawn = Chance.of(3, "even").uniforms(0, 100_000)
    counts, _ = np.histogram(drawn, bins=100, range=(0.0, 1.0))
    chi_square = float(((counts - 1000.0) ** 2 / 1000.0).sum())
    assert chi_square < 149.0  # 99 degrees of freedom, exceeded by chance once in 1000


def test_normal_draws_have_the_asked_mean_and_sigma() -> None:
    stream = Chance.of(4, "bell")
    drawn = [stream.normal(counter, 2.0, 3.0) for counter in range(20_000)]
    mean = sum(drawn) / len(drawn)
    sigma = math.sqrt(sum((value - mean) ** 2 for value in drawn) / len(drawn))
    assert mean == pytest.approx(2.0, abs=4 * 3.0 / math.sqrt(len(drawn)))
    assert sigma == pytest.approx(3.0, rel=0.03)


def test_neighbouring_streams_are_not_correlated() -> None:
    one, other = (Chance.of(1, "actor", actor).uniforms(0, 20_000) for actor in (0, 1))
    product = ((one - 0.5) * (other - 0.5)).mean() * 12.0
    assert abs(product) < 4.0 / math.sqrt(20_000)
