"""The route of a trip as a profile: what the road says, and the same again through the signal tree."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.caros.energy import route
from volant.caros.energy.profile import Charger, RouteProfile, profile_of
from volant.caros.energy.route import Post, profile_on, route_of, values_of
from volant.caros.signals.values import check
from volant.core.units import kmh_from_mps
from volant.road import (
    CorridorColumn,
    build_corridor,
    find_place,
    load_graph,
    make_guide,
    traffic_rules,
)
from volant.wire.vss import read_catalogue


@cache
def town() -> tuple[Any, Any]:
    """The corridor from a car park to another, and the graph's gates."""
    graph = load_graph(REPO / "maps" / "volant-world.xodr")
    begin, end = find_place(graph, "market-car-park"), find_place(graph, "station-car-park")
    legs = make_guide(graph, (end.lane, end.s_m)).legs(begin.lane, begin.s_m)
    return build_corridor(graph, legs), traffic_rules(graph).gates


def town_profile(posts: tuple[Post, ...] = ()) -> RouteProfile:
    corridor, gates = town()
    return route_of(corridor, 0.0, corridor.length_m, gates, posts)


def test_the_road_stands_in_the_profile() -> None:
    corridor, _ = town()
    profile = town_profile()
    assert profile.length_m == pytest.approx(corridor.length_m, abs=1.0)
    for at_m in np.linspace(1.0, profile.length_m - 1.0, 200).tolist():
        here, spot = corridor.at(at_m), profile.spot(at_m)
        assert spot.height_m == pytest.approx(here.z_m, abs=0.15)
        assert spot.limit_mps <= here.limit_mps + 1e-3 or spot.limit_mps <= 1.0
    assert kmh_from_mps(float(profile.limit_mps.max())) == pytest.approx(120.0, abs=0.1)


def test_curves_are_expected_to_be_taken_slowly() -> None:
    corridor, _ = town()
    profile = town_profile()
    bends = np.abs(corridor.table[:, CorridorColumn.CURVATURE])
    tight_m = float(corridor.table[bends.argmax(), CorridorColumn.S])
    slow_mps = profile.spot(tight_m).limit_mps
    assert slow_mps <= math.sqrt(route.LATERAL_MPS2 / bends.max()) + 1e-3


def test_places_to_stop_at_are_gates_of_the_way() -> None:
    profile = town_profile()
    assert 3 <= len(profile.stops) <= 12
    assert list(profile.stops) == sorted(set(profile.stops))
    corridor, _ = town()
    assert route_of(corridor, 0.0, corridor.length_m).stops == ()


def test_a_charger_beside_the_route_is_on_it_and_no_other() -> None:
    corridor, _ = town()
    here = corridor.at(2000.0)
    aside_m = route.BESIDE_M - 5.0
    near = Post("near", here.x_m - aside_m * math.sin(here.heading_rad),
                here.y_m + aside_m * math.cos(here.heading_rad), 50_000.0)  # fmt: skip
    profile = town_profile((near, Post("far", 9e4, 9e4, 1e5)))
    assert [one.name for one in profile.chargers] == ["near"]
    assert profile.chargers[0].at_m == pytest.approx(2000.0, abs=60.0)


def test_a_route_of_no_length_is_none() -> None:
    corridor, _ = town()
    with pytest.raises(ValueError, match="no length"):
        route_of(corridor, 100.0, 100.5)


def test_values_pass_their_leaves() -> None:
    tree = read_catalogue(REPO / "cars" / "signals" / "pilot.toml")
    for path, value in values_of(town_profile((Post("a", 948.0, 847.0, 5e4),))).items():
        leaf = tree.get(path)
        assert leaf is not None
        check(leaf, value)


@st.composite
def profiles(draw: st.DrawFn) -> RouteProfile:
    count = draw(st.integers(2, 20))
    steps = draw(st.lists(st.integers(1, 5000), min_size=count - 1, max_size=count - 1))
    distance_m = np.cumsum([0, *steps]).astype(np.float64)

    def many(low: float, high: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array(draw(st.lists(st.floats(low, high), min_size=count, max_size=count)))

    heading_rad = many(-math.pi, math.pi)
    heading_rad[draw(st.integers(0, count - 1))] = math.nan
    chargers = draw(st.lists(st.tuples(st.text(max_size=5), st.floats(0.0, 9e4)), max_size=3))
    return profile_of(
        distance_m, many(-100.0, 3000.0), many(0.5, 40.0), heading_rad,
        stops=tuple(draw(st.lists(st.floats(0.0, 9e4), max_size=3))),
        chargers=tuple(Charger(name, at_m, 5e4) for name, at_m in chargers),
    )  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(profiles())
def test_a_profile_comes_back_from_the_tree(profile: RouteProfile) -> None:
    found = profile_on(values_of(profile))
    assert found is not None
    assert np.array_equal(found.distance_m, profile.distance_m)
    assert np.array_equal(found.height_m, profile.height_m)
    assert np.allclose(found.limit_mps, profile.limit_mps, atol=0.002)
    turned = np.angle(np.exp(1j * (found.heading_rad - profile.heading_rad)))
    assert np.array_equal(np.isnan(turned), np.isnan(profile.heading_rad))
    assert np.nanmax(np.abs(turned), initial=0.0) < 0.002
    assert (found.stops, found.chargers) == (profile.stops, profile.chargers)


wild = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=3),
    st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=2)), max_size=4),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(route.PATHS), wild))
def test_nonsense_on_the_tree_is_no_route(values: dict[str, Any]) -> None:
    good = values_of(profile_of(np.array([0.0, 9.0]), np.zeros(2), np.full(2, 9.0)))
    found = profile_on({**good, **values})
    assert found is None or found.length_m > 0.0


def test_no_route_takes_all_values_away() -> None:
    none = values_of(None)
    assert set(none) == set(route.PATHS) - {route.POSITION}
    assert set(none.values()) == {None}
    assert profile_on(none) is None
