"""Places by name, by lane, by point; what does not exist names what is near."""

import pytest

from tests.data_folder import data_folder
from tests.road.crossroads import crossroads
from tests.road.roads import WORLD
from volant.core.errors import InputError
from volant.road import build_graph, find_place, load_graph, parse_road, places

HOME = (
    '<object type="none" id="1" name="" s="40" t="-2"><userData code="volant.place" value="home"/></object>'
    '<object type="parkingSpace" id="2" name="bay 7" s="90" t="2" length="5" width="2.5"/>'
    '<object type="parkingSpace" id="3" name="parkingSpace" s="95" t="2"/>'
)


@pytest.fixture(scope="module")
def town():
    return build_graph(parse_road(crossroads(objects={"north": HOME}), "town.xodr"))


def test_places_and_parking_spaces_and_streets_have_names(town):
    found = {place.name: place for place in places(town)}
    assert list(found) == ["home", "bay 7", "north", "west", "south", "east"]
    assert [place.kind for place in found.values()][:3] == ["place", "parking", "street"]


def test_a_place_stands_on_the_lane_it_lies_on(town):
    home, bay = find_place(town, "home"), find_place(town, "bay 7")
    assert str(town.lanes[home.lane].id) == "1:0:-1"
    assert home.s_m == pytest.approx(40.0)
    # The bay lies to the left, where traffic runs towards the junction.
    assert str(town.lanes[bay.lane].id) == "1:0:1"
    assert bay.s_m == pytest.approx(120.0 - 90.0)


def test_names_are_found_whatever_their_case(town):
    assert find_place(town, " Home ") == find_place(town, "home")


def test_a_lane_and_a_distance_are_a_place(town):
    place = find_place(town, "1:0:-1@12.5")
    assert (str(town.lanes[place.lane].id), place.s_m) == ("1:0:-1", 12.5)
    assert find_place(town, "1:0:-1").s_m == pytest.approx(60.0)


def test_a_point_is_the_nearest_place_of_the_nearest_lane(town):
    place = find_place(town, "50.0, -2")
    assert str(town.lanes[place.lane].id) == "4:0:-1"
    assert place.s_m == pytest.approx(38.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hame", "no place named 'hame'; nearest: home"),
        ("1:0:-2@5", "no lane 1:0:-2; nearest: 1:0:"),
        ("1:0:-1@500", "no place @500 on lane 1:0:-1: expected @0 to @120.0"),
        ("900,900", "no lane within 50 m of 900,900; nearest: "),
        ("1..2,3", "is no number"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_is_near(town, text, words):
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        find_place(town, text)


def test_a_road_without_names_says_how_to_name_a_place():
    graph = load_graph(data_folder() / "roads" / "esmini" / "multi_intersections.xodr")
    with pytest.raises(InputError, match="road:section:lane@s or x,y"):
        find_place(graph, "home")


def test_the_streets_of_the_world_are_places():
    world = load_graph(WORLD)
    assert find_place(world, "Country road").kind == "street"
