"""The suites: their cases, their figures and what breaks a bound."""

import pytest

from volant.core.errors import InputError
from volant.core.messages import LightState
from volant.road import make_guide, traffic_rules
from volant.sim import World, WorldSettings
from volant.sim.exam import Figures, basics, broken_bounds, case_named
from volant.sim.exam.roads import Piece, carriageway, crossing
from volant.sim.scene import Bound, lane_of
from volant.sim.signals import Shows, light_at


def test_basics_has_at_least_eighty_cases_with_names_of_their_own() -> None:
    names = [case.name for case in basics()]
    assert len(names) >= 80
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("seed", [1, 7])
def test_every_case_of_basics_can_be_made(seed: int) -> None:
    for case in basics():
        scene = case.make(seed)
        assert scene.bounds, case.name
        assert 0.0 <= scene.start_m < scene.corridor.length_m, case.name
        assert all(hasattr(Figures, bound.figure) for bound in scene.bounds), case.name


def test_a_seed_varies_a_case_and_is_the_same_again() -> None:
    case = case_named(basics(), "follow-100-85pct")
    gaps = {case.make(seed).roles[0].s_m for seed in (1, 2, 3, 1)}
    assert len(gaps) == 3


def test_an_unknown_case_is_named_with_its_neighbours() -> None:
    with pytest.raises(InputError, match="follow-100-85pct"):
        case_named(basics(), "folow-100-85pct")


def test_a_crossing_leads_from_every_arm_to_every_other() -> None:
    graph = crossing("right")
    for one in range(1, 5):
        for other in range(1, 5):
            start, goal = (
                (lane_of(graph, str(one), -1), 10.0),
                (lane_of(graph, str(other), 1), 90.0),
            )
            assert bool(make_guide(graph, goal).legs(*start)) == (one != other)


def test_a_signalled_crossing_has_a_light_for_every_arm() -> None:
    rules = traffic_rules(crossing("light"))
    assert sorted(light.signal for light in rules.lights) == ["1:l0", "2:l1", "3:l2", "4:l3"]


def test_a_made_road_bends_as_told_and_has_no_findings() -> None:
    graph = carriageway("rural", pieces=(Piece(100.0), Piece(157.08, 0.01), Piece(100.0)))
    assert graph.findings == ()
    ours = lane_of(graph, "1", -1)
    turned = graph.position(ours, 1e9).heading_rad - graph.position(ours, 0.0).heading_rad
    assert abs(turned - 1.5708) < 1e-3


def _figures(**changed: float | None) -> Figures:
    plain: dict[str, float | None] = dict.fromkeys(Figures.__struct_fields__, 0)
    return Figures(**{**plain, **changed})  # type: ignore[arg-type]


def test_a_bound_is_broken_by_too_little_too_much_and_nothing() -> None:
    bounds = (Bound("gap_min_m", least=2.0, most=5.0, why="a gap"),)
    assert broken_bounds(_figures(gap_min_m=3.0), bounds) == ()
    assert broken_bounds(_figures(gap_min_m=1.0), bounds) == ("gap_min_m 1.00, at least 2 (a gap)",)
    assert broken_bounds(_figures(gap_min_m=9.0), bounds) == ("gap_min_m 9.00, at most 5 (a gap)",)
    assert broken_bounds(_figures(gap_min_m=None), bounds) == (
        "gap_min_m could not be measured (a gap)",
    )


def test_a_light_of_a_scene_is_red_until_the_green_that_was_wished() -> None:
    scene = case_named(basics(), "light-straight").make(1)
    (wish,) = scene.shows
    world = World(scene.graph, WorldSettings(cars=0), 5, shows=scene.shows)
    row = [light.signal for light in world.traffic.rules.lights].index(wish.signal)
    own = world.traffic.programmes[row]
    assert light_at(own, wish.from_s + 0.01) is LightState.GREEN
    assert light_at(own, wish.from_s - 0.5) is LightState.RED_AMBER
    assert light_at(own, wish.from_s - 6.0) is LightState.RED


def test_a_wish_for_an_unknown_light_is_refused() -> None:
    graph = crossing("light")
    with pytest.raises(ValueError, match="cannot be made to show"):
        World(graph, WorldSettings(cars=0), shows=(Shows("1:none", LightState.GREEN, 3.0),))
