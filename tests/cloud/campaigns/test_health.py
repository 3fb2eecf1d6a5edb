"""The statistics of a stop by health: how often it is false, and how soon it is true."""

import math

import numpy as np
import pytest

from volant.cloud.campaigns import CarHealth, HealthRule, HealthSum
from volant.cloud.campaigns.health import EVENTS_MOST_PER_CAR, evidence, in_words, is_worse
from volant.core.chance import Chance

RULE = HealthRule(signal="disengagements", usual_rate=0.02, bad_ratio=2.0, false_stop=0.05)


def test_the_ratio_is_wald_s() -> None:
    found = HealthSum(events=3, exposure=50.0)
    assert evidence(RULE, found) == pytest.approx(3 * math.log(2.0) - 1.0)
    assert not is_worse(RULE, found)
    assert is_worse(RULE, HealthSum(events=6, exposure=50.0))
    assert "usual 0.02" in in_words(RULE, found)


def test_one_car_s_events_are_capped_and_only_grow() -> None:
    car = CarHealth(hours=1.0, events={"disengagements": 1000})
    found = HealthSum().moved(RULE, CarHealth(), car)
    assert found.events == EVENTS_MOST_PER_CAR
    older = CarHealth(hours=0.5, events={"disengagements": 2, "x": 1})
    assert car.joined(older) == older.joined(car)
    assert car.joined(older).joined(older).events == {"disengagements": 1000, "x": 1}


def test_kilometres_and_hours_are_told_apart() -> None:
    rule = HealthRule(signal="s", per="km", usual_rate=1.0)
    assert HealthSum().moved(rule, CarHealth(), CarHealth(km=7.0, hours=2.0)).exposure == 7.0


def exposures_at_events(rate: float, seed: int, count: int = 200) -> np.ndarray:
    """Exposure at each event of a Poisson process."""
    chance = Chance.of(seed, "poisson")
    gaps = [-math.log(1.0 - chance.uniform(place)) / rate for place in range(count)]
    return np.cumsum(gaps)


def stops_at(rate: float, seed: int) -> int | None:
    """After how many events it stops, looked at after each of them."""
    for place, exposure in enumerate(exposures_at_events(rate, seed), 1):
        if is_worse(RULE, HealthSum(events=place, exposure=float(exposure))):
            return place
    return None


def test_a_fleet_as_good_as_before_is_rarely_stopped_however_often_one_looks() -> None:
    stopped = sum(stops_at(RULE.usual_rate, seed) is not None for seed in range(600))
    assert stopped / 600 <= RULE.false_stop


def test_a_fleet_twice_as_bad_is_stopped_soon() -> None:
    counts = [stops_at(2 * RULE.usual_rate, seed) for seed in range(200)]
    found = [one for one in counts if one is not None]
    assert len(found) == len(counts)
    assert np.median(found) <= 20
