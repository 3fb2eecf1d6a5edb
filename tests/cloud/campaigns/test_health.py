"""The statistics of a stop by health: how often it is false, and how soon it is true."""

import math

import numpy as np
import pytest

from volant.cloud.campaigns import CarHealth, HealthRule, HealthSum
from volant.cloud.campaigns.health import (
    EVENTS_MOST_PER_CAR,
    evidence,
    exposure_most,
    in_words,
    is_worse,
)
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
    rule = HealthRule(signal="s", per="km", usual_rate=0.01)
    assert HealthSum().moved(rule, CarHealth(), CarHealth(km=7.0, hours=2.0)).exposure == 7.0


def test_a_car_counts_as_far_as_a_bad_one_would_come_with_the_events_that_count() -> None:
    most = exposure_most(RULE)
    assert most == pytest.approx(EVENTS_MOST_PER_CAR / 0.04)
    far = CarHealth(hours=2 * most, events={"disengagements": 2})
    found = HealthSum().moved(RULE, CarHealth(), far)
    assert (found.events, found.exposure) == pytest.approx((1.0, most))
    farther = CarHealth(hours=3 * most, events={"disengagements": 9})
    assert found.moved(RULE, far, farther) == found


@pytest.mark.parametrize("claimed", [CarHealth(hours=8000.0), CarHealth(hours=8000.0, km=1e6)])
def test_one_car_that_claims_a_lot_does_not_outweigh_the_fleet(claimed: CarHealth) -> None:
    sick = CarHealth(hours=10.0, events={"disengagements": 3})

    def cars_until_it_stops(found: HealthSum) -> int:
        for count in range(1, 1000):
            found = found.moved(RULE, CarHealth(), sick)
            if is_worse(RULE, found):
                return count
        pytest.fail("it never stops")

    assert cars_until_it_stops(HealthSum()) == 2
    assert cars_until_it_stops(HealthSum().moved(RULE, CarHealth(), claimed)) == 3


def test_a_fleet_that_drives_on_is_heard_however_far_each_car_has_come() -> None:
    found, far = HealthSum(), CarHealth(hours=10 * exposure_most(RULE))
    steps = 100
    for step in range(steps):
        before, after = (CarHealth(hours=far.hours * one / steps) for one in (step, step + 1))
        for _ in range(20):
            found = found.moved(RULE, before, after)
    assert found.exposure == pytest.approx(20 * far.hours)
    sick = CarHealth(hours=far.hours + 1.0, events={"disengagements": 2})
    assert found.moved(RULE, far, sick).events == 2


def test_cars_that_report_seldom_and_far_stop_a_good_fleet_as_rarely() -> None:
    """Reports of each car beyond where it stops to count, events of a Poisson process, one look after each report."""

    def stops(seed: int) -> bool:
        chance = np.random.default_rng(seed)
        found = HealthSum()
        kept = [CarHealth()] * 40
        for _ in range(6):
            for place, before in enumerate(kept):
                hours = chance.uniform(10.0, 60.0)
                more = int(chance.poisson(RULE.usual_rate * hours))
                after = CarHealth(
                    hours=before.hours + hours,
                    events={"disengagements": before.events.get("disengagements", 0) + more},
                )
                found = found.moved(RULE, before, after)
                kept[place] = after
                if is_worse(RULE, found):
                    return True
        return False

    assert sum(stops(seed) for seed in range(300)) / 300 <= RULE.false_stop


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
