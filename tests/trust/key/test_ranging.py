"""Walking up counts where many rounds agree: relays, spoofed signals and single lucky rounds never open."""

import random

import pytest

from tests.trust.key.world import World
from volant.trust.key.capsule import Request
from volant.trust.key.codes import Code
from volant.trust.key.ranging import LIGHT_MPS, RangingTuning, Round, is_near
from volant.trust.key.roles import Action

TUNING = RangingTuning()
NOW_NS = 10**9


def rounds(chance: random.Random, distance_m: float, count: int = 8) -> tuple[Round, ...]:
    return tuple(
        Round(NOW_NS - 10**7 * number, (distance_m + chance.gauss(0, 0.1)) / LIGHT_MPS * 1e9)
        for number in range(count)
    )


def test_an_honest_phone_beside_the_car_is_near() -> None:
    chance = random.Random(1)
    near = sum(
        is_near(rounds(chance, chance.uniform(0.2, 1.6)), NOW_NS, TUNING) for _ in range(1000)
    )
    assert near >= 990


def test_a_relay_of_three_metres_or_more_is_refused_a_thousand_times() -> None:
    chance = random.Random(2)
    for _ in range(1000):
        relayed = chance.uniform(0.0, 1.6) + 3.0 + chance.expovariate(0.1)
        assert not is_near(rounds(chance, relayed), NOW_NS, TUNING)


def test_fewer_lucky_rounds_than_all_are_not_enough() -> None:
    """An attacker that shortens any seven of eight rounds by what it needs."""
    chance = random.Random(3)
    for _ in range(1000):
        honest = list(rounds(chance, 12.0))
        lucky = rounds(chance, 1.0)
        for number in chance.sample(range(8), chance.randint(0, 7)):
            honest[number] = lucky[number]
        assert not is_near(tuple(honest), NOW_NS, TUNING)


@pytest.mark.parametrize("flight_ns", [float("nan"), float("inf"), -float("inf"), -3.0])
def test_impossible_times_of_flight_are_a_no(flight_ns: float) -> None:
    chance = random.Random(4)
    assert not is_near((Round(NOW_NS, flight_ns),) * 8, NOW_NS, TUNING)
    assert not is_near((Round(NOW_NS, flight_ns), *rounds(chance, 1.0)), NOW_NS, TUNING)


def test_old_rounds_and_rounds_of_the_future_do_not_count() -> None:
    found = rounds(random.Random(5), 1.0)
    assert is_near(found, NOW_NS, TUNING)
    assert not is_near(found[:7], NOW_NS, TUNING)
    assert not is_near(found, NOW_NS + 500_000_000, TUNING)
    assert not is_near(found, NOW_NS - 1, TUNING)
    assert not is_near((), NOW_NS, TUNING)


def test_without_ranging_a_signal_however_strong_opens_nothing() -> None:
    world = World()
    owner = world.owner()
    world.near = is_near((), NOW_NS, TUNING)
    assert world.local(owner, Request(Action.UNLOCK, tapped=False)) is Code.RANGING
