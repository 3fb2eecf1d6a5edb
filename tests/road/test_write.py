"""What is written is read back as it was."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data_folder import data_folder, find_data_folder
from tests.road.roads import document, road, road_files
from volant.road import build_graph, load_road, parse_road, road_text, write_road
from volant.road.model import (
    Arc,
    Controller,
    Cubic,
    Geometry,
    LaneRecord,
    LaneSection,
    Line,
    ParamPoly3,
    Poly3,
    Priority,
    Road,
    RoadMark,
    RoadNetwork,
    SpeedRecord,
    Spiral,
    TypeRecord,
)

FILES = road_files(find_data_folder()) if find_data_folder() else [None]


def again(network: RoadNetwork) -> RoadNetwork:
    return parse_road(road_text(network).encode(), network.file)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem if path else "-")
def test_a_real_file_written_and_read_is_the_same_network(path):
    data_folder()
    network = load_road(path)
    back = again(network)
    # A stated length that differs from the geometry is not kept, the rest is equal to the bit.
    assert replace(back, findings=()) == replace(network, findings=())
    one, other = build_graph(network), build_graph(back)
    assert (one.table == other.table).all()
    assert [lane.successors for lane in one.lanes] == [lane.successors for lane in other.lanes]


NUMBER = st.floats(-1e3, 1e3, allow_nan=False)
SMALL = st.floats(-0.05, 0.05)
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\t", exclude_categories=("Cc", "Cs")),
    max_size=8,
)
CUBIC = st.builds(Cubic, st.just(0.0), NUMBER, SMALL, SMALL, SMALL)
MARK = st.builds(
    RoadMark,
    st.just(0.0),
    st.sampled_from(["solid", "broken", "solid broken", "none"]),
    st.sampled_from(["standard", "bold"]),
    st.sampled_from(["standard", "white", "yellow"]),
    st.none() | st.floats(0, 1),
    st.sampled_from([None, "both", "none", "increase", "decrease"]),
)
SHAPE = st.one_of(
    st.just(Line()),
    st.builds(Arc, SMALL),
    st.builds(Spiral, SMALL, SMALL),
    st.builds(Poly3, NUMBER, SMALL, SMALL, SMALL),
    st.builds(
        ParamPoly3,
        st.tuples(NUMBER, st.just(1.0), SMALL, SMALL),
        st.tuples(NUMBER, SMALL, SMALL, SMALL),
        st.booleans(),
    ),
)


@st.composite
def networks(draw):
    length = draw(st.floats(1.0, 500.0))
    speeds = st.tuples(
        st.builds(SpeedRecord, st.just(0.0), st.floats(1, 60) | st.just(float("inf")))
    )
    lanes = [
        LaneRecord(
            lane_id,
            draw(st.sampled_from(["driving", "stop", "border"])),
            widths=(draw(CUBIC),),
            marks=(draw(MARK),),
            speeds=draw(speeds),
        )
        for lane_id in (2, 1, -1)
    ]
    lanes.insert(2, LaneRecord(0, "none", marks=(draw(MARK),)))
    place = draw(st.tuples(NUMBER, NUMBER, st.floats(-3, 3)))
    one = Road(
        id=draw(TEXT.filter(bool)),
        name=draw(TEXT),
        length_m=length,
        junction=None,
        left_hand=draw(st.booleans()),
        predecessor=None,
        successor=None,
        types=(TypeRecord(0.0, "town", draw(st.none() | st.floats(1, 60))),),
        geometries=(Geometry(0.0, *place, length, draw(SHAPE)),),
        elevations=(draw(CUBIC),),
        superelevations=(),
        lane_offsets=(draw(CUBIC),),
        sections=(LaneSection(0.0, length, tuple(lanes)),),
    )
    return RoadNetwork("f", draw(TEXT), (1, 8), (one,), ())


@given(networks())
def test_any_network_written_and_read_is_the_same(network):
    # Any number may be a width here; what reading says of those below nothing is not in the file.
    assert replace(again(network), findings=()) == network


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    network = parse_road(document(road()), "f")
    path = tmp_path / "a.xodr"
    write_road(network, path)
    assert load_road(path).roads == network.roads
    assert [item.name for item in tmp_path.iterdir()] == ["a.xodr"]
    with pytest.raises(FileNotFoundError):
        write_road(network, tmp_path / "none" / "a.xodr")


def test_rules_of_a_junction_and_names_of_places_are_kept():
    body = document(road()).decode()
    marked = '<object id="7" type="none" s="5" t="2"><userData code="volant.place" value="home"/></object>'
    body = body.replace("</lanes></road>", f"</lanes><objects>{marked}</objects></road>")
    beside = (
        '<controller id="1" name="north"><control signalId="11"/><control signalId="12"/></controller>'
        '<junction id="9" name=""><priority high="1" low="2"/><controller id="1"/></junction>'
    )
    network = parse_road(body.replace("</OpenDRIVE>", beside + "</OpenDRIVE>").encode())
    assert network.roads[0].objects[0].place == "home"
    assert network.controllers == (Controller("1", "north", ("11", "12")),)
    assert network.junctions[0].priorities == (Priority(high="1", low="2"),)
    assert network.junctions[0].controllers == ("1",)
    assert replace(again(network), findings=()) == replace(network, findings=())
