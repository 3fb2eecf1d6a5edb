"""Traffic lights: programmes from the seed, the order of states, nobody green against anybody."""

from itertools import pairwise

import pytest

from volant.core.chance import Chance
from volant.core.messages import LightState
from volant.sim.signals import (
    ALL_RED_S,
    RED_AMBER_S,
    WALK_LEAST_S,
    Post,
    amber_s,
    holds_s,
    light_at,
    make_programmes,
    red_left_s,
)

POSTS = [Post("1:a", "7"), Post("1:b", "7"), Post("2:a", "7"), Post("3:a", "7"), Post("9:x", None)]
GROUPS = [("1:a", "1:b"), ("2:a",), ("3:a",)]
FREE = (LightState.GREEN, LightState.AMBER)
ORDER = {
    LightState.RED: LightState.RED_AMBER,
    LightState.RED_AMBER: LightState.GREEN,
    LightState.GREEN: LightState.AMBER,
    LightState.AMBER: LightState.RED,
}


@pytest.mark.parametrize("seed", range(20))
def test_two_groups_of_a_junction_are_never_open_at_once_nor_within_the_clearance(
    seed: int,
) -> None:
    programmes = make_programmes(POSTS, GROUPS, Chance.of(seed, "lights"))
    closed_s = dict.fromkeys(range(3), 0.0)
    for k in range(3000):
        shown = [light_at(programmes[group[0]], 0.1 * k) for group in GROUPS]
        opened = [number for number, state in enumerate(shown) if state in FREE]
        assert len(opened) <= 1
        for number in range(3):
            if number in opened:
                closed_s[number] = 0.0
                others = [closed_s[other] for other in range(3) if other != number]
                assert k < 600 or min(others) >= ALL_RED_S + RED_AMBER_S - 0.15
            closed_s[number] += 0.1


def test_a_light_goes_through_its_states_in_order_and_holds_each_for_its_time() -> None:
    for name, programme in make_programmes(POSTS, GROUPS, Chance.of(3, "lights")).items():
        shown = [light_at(programme, 0.01 * k) for k in range(round(200 * programme.cycle_s))]
        for one, other in pairwise(shown):
            assert other in (one, ORDER[one]), name
        part = {state: shown.count(state) * 0.01 / 2.0 for state in LightState}
        assert part[LightState.AMBER] == pytest.approx(3.0, abs=0.02)
        assert part[LightState.RED_AMBER] == pytest.approx(1.0, abs=0.02)
        assert 12.0 - 0.02 <= part[LightState.GREEN] <= 25.02


def test_lights_of_one_group_show_the_same_and_seeds_differ() -> None:
    one, other = (make_programmes(POSTS, GROUPS, Chance.of(seed, "lights")) for seed in (1, 2))
    assert one["1:a"] == one["1:b"]
    assert one == make_programmes(POSTS, GROUPS, Chance.of(1, "lights"))
    assert one["2:a"] != other["2:a"]


def test_a_light_at_a_crossing_alone_leaves_the_people_their_time() -> None:
    programme = make_programmes(POSTS, GROUPS, Chance.of(5, "lights"))["9:x"]
    longest = max(red_left_s(programme, 0.1 * k) for k in range(1000))
    assert longest >= WALK_LEAST_S
    at = programme.start_s + 1.0
    assert light_at(programme, at) is LightState.GREEN
    assert red_left_s(programme, at) == 0.0


def test_a_light_holds_what_it_shows_for_as_long_as_it_says() -> None:
    for programme in make_programmes(POSTS, GROUPS, Chance.of(4, "lights")).values():
        for k in range(2000):
            now = light_at(programme, 0.07 * k)
            left = holds_s(programme, 0.07 * k)
            assert left > 0.0
            assert light_at(programme, 0.07 * k + 0.99 * left) is now
            assert light_at(programme, 0.07 * k + left + 1e-6) is ORDER[now]


def test_amber_lasts_longer_where_traffic_is_faster() -> None:
    assert [amber_s(kmh / 3.6) for kmh in (30, 50, 60, 70, 100)] == [3.0, 3.0, 4.0, 5.0, 5.0]
