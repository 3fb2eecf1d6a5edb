"""Reading: every record lands where it belongs, and what is malformed is named and refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.road.roads import BOTH, LINE, document, network, road, section
from volant.core.errors import InputError
from volant.road import build_graph, load_road, parse_road

WIDTH = '<width sOffset="0" a="3.5" b="0" c="0" d="0"/>'


def one_lane(body: str, lane_id: int = -1) -> str:
    return f'<right><lane id="{lane_id}" type="driving">{WIDTH}{body}</lane></right>'


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load_road(tmp_path / "none.xodr")


def test_another_root_element_is_refused():
    with pytest.raises(InputError, match="found <OpenSCENARIO>, expected <OpenDRIVE>"):
        parse_road(b"<OpenSCENARIO/>", "f")


def test_a_file_without_roads_is_refused():
    with pytest.raises(InputError, match="holds no road"):
        parse_road(b"<OpenDRIVE/>", "f")


@pytest.mark.parametrize(
    "bad", ["nan", "inf", "-inf", "1e400", "", "x", "1,5", "0x10", "1_0", "2e9"]
)
def test_a_number_that_is_none_is_refused_with_file_line_road_and_element(bad):
    text = road(f'<geometry s="0" x="0" y="0"\n hdg="{bad}" length="100"><line/></geometry>')
    with pytest.raises(InputError) as caught:
        network(text)
    words = str(caught.value)
    assert words.startswith("test.xodr:1: road 1, geometry: ")
    assert "hdg" in words


@pytest.mark.parametrize("big", ["1e308", "-2e9", "12345678901234567890"])
def test_a_number_beyond_the_bound_says_the_bound(big):
    geometry = f'<geometry s="0" x="0" y="{big}" hdg="0" length="100"><line/></geometry>'
    with pytest.raises(InputError, match=r"expected a number from -1e\+09 to 1e\+09"):
        network(road(geometry))
    lanes = one_lane("").replace('id="-1"', f'id="{big}"')
    with pytest.raises(InputError, match=r"lane: id=.*expected a number from -1e\+09 to 1e\+09"):
        network(road(sections=section(lanes)))


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ("", "holds no geometry"),
        ('<geometry s="0" x="0" y="0" hdg="0" length="9"/>', "found nothing, expected one of line"),
        ('<geometry s="0" x="0" y="0" hdg="0" length="-1"><line/></geometry>', "zero or more"),
        ('<geometry s="5" x="0" y="0" hdg="0" length="9"><line/></geometry>', "expected 0"),
        (
            LINE + '<geometry s="50" x="0" y="0" hdg="0" length="9"><line/></geometry>',
            "expected 100",
        ),
        (
            '<geometry s="0" x="0" y="0" hdg="0" length="9"><arc curvature="9"/></geometry>',
            "curvature 9 1/m, at most 5",
        ),
        (
            '<geometry s="0" x="0" y="0" hdg="0" length="900"><arc curvature="1"/></geometry>',
            "it turns 900 rad",
        ),
        (
            (
                '<geometry s="0" x="0" y="0" hdg="0" length="9"><paramPoly3 aU="0" bU="0" cU="0" dU="0"'
                ' aV="0" bV="0" cV="0" dV="0"/></geometry>'
            ),
            "no direction",
        ),
        (
            (
                '<geometry s="0" x="0" y="0" hdg="0" length="9"><paramPoly3 pRange="x" aU="0" bU="1"'
                ' cU="0" dU="0" aV="0" bV="0" cV="0" dV="0"/></geometry>'
            ),
            "expected arcLength or normalized",
        ),
        (
            '<geometry s="0" x="0" y="0" hdg="0" length="9"><spiral curvStart="0"/></geometry>',
            "curvEnd",
        ),
    ],
)
def test_a_malformed_geometry_is_refused(geometry, words):
    with pytest.raises(InputError, match=words):
        network(road(geometry))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ("", "holds no laneSection"),
        (section(s=5), "expected the first to start at 0"),
        (section() + section(), "expected more than 0"),
        (section(BOTH.replace('id="1"', 'id="-1"')), "cannot stand on the left side"),
        (section(one_lane("") + one_lane("")), None),
        (section(one_lane("", -1).replace("</right>", one_lane("", -1)[7:])), "used twice"),
        (section(one_lane("").replace('id="-1"', 'id="-1.5"')), "expected a whole number"),
    ],
)
def test_malformed_lanes_are_refused(sections, words):
    if words is None:  # a second <right> group is not read
        assert len(network(road(sections=sections)).roads[0].sections[0].lanes) == 1
        return
    with pytest.raises(InputError, match=words):
        network(road(sections=sections))


@pytest.mark.parametrize("start", [4e-47, 1e-9, 1e-5, 99.99999])
def test_a_lane_section_of_next_to_no_length_does_no_harm(start):
    lanes = BOTH.replace("</lane></right>", '<link><successor id="-1"/></link></lane></right>')
    built = build_graph(network(road(sections=section(lanes) + section(lanes, start))))
    lane = built.by_id(("1", 0, -1))
    assert [built.lanes[i].id.section for i in lane.successors] == [1]
    assert built.project(built.lanes[1].index, 50.0, 0.0).x_m == pytest.approx(50.0, abs=50.0)
    assert built.locate(50.0, -1.75).s_m == pytest.approx(50.0, abs=1e-3)


def test_two_roads_with_one_id_are_refused():
    with pytest.raises(InputError, match='id="1" is used twice'):
        network(road(), road())


def test_a_road_that_would_take_for_ever_is_refused():
    geometry = '<geometry s="0" x="0" y="0" hdg="0" length="9e8"><line/></geometry>'
    with pytest.raises(InputError, match="m of lanes, at most"):
        network(road(geometry, length=9e8))


def test_a_stated_length_that_differs_is_a_finding():
    found = network(road(length=101)).findings
    assert [(f.code, f.road) for f in found] == [("length", "1")]


@pytest.mark.parametrize(
    ("attributes", "mps"),
    [
        ('max="36" unit="km/h"', 10.0),
        ('max="10" unit="mph"', 4.4704),
        ('max="12.5" unit="m/s"', 12.5),
        ('max="12.5"', 12.5),
        ('max="no limit"', math.inf),
        ('max="undefined"', None),
    ],
)
def test_speed_limits_come_in_every_unit_of_the_standard(attributes, mps):
    kind = f'<type s="0" type="rural"><speed {attributes}/></type>'
    limit = network(road(extra=kind)).roads[0].types[0].limit_mps
    assert limit == (pytest.approx(mps) if mps is not None else None)


@pytest.mark.parametrize("attributes", ['max="fast"', 'max="50" unit="kmh"', 'max="-5"', ""])
def test_a_speed_that_is_none_is_refused(attributes):
    with pytest.raises(InputError, match="road 1, speed"):
        network(road(extra=f'<type s="0" type="rural"><speed {attributes}/></type>'))


def test_dangling_links_are_findings_and_loading_goes_on():
    link = '<link><successor elementType="road" elementId="9" contactPoint="start"/></link>'
    lanes = BOTH.replace("</lane></right>", '<link><successor id="-7"/></link></lane></right>')
    loaded = network(
        road(extra=link),
        road(sections=section(lanes) + section(s=50), road_id="2"),
    )
    assert [(f.code, f.road, f.lane) for f in loaded.findings] == [
        ("dangling-road", "1", ""),
        ("dangling-lane", "2", "0:-1"),
    ]
    assert len(build_graph(loaded).lanes) == 6


def test_a_lateral_shape_is_read_as_flat_and_said():
    extra = '<lateralProfile><shape s="0" t="0" a="0.1" b="0" c="0" d="0"/></lateralProfile>'
    assert [f.code for f in network(road(extra=extra)).findings] == ["lateral-shape"]


def test_objects_signals_and_structures_are_read():
    extra = """<objects><object id="7" type="parkingSpace" s="10" t="4">
    <repeat s="10" length="20" distance="5" tStart="4" tEnd="5"/>
    <outlines><outline id="0"><cornerLocal u="1" v="2" z="0" height="3"/></outline></outlines>
    <parkingSpace access="electric"/></object>
    <tunnel id="t" name="T" s="5" length="50" type="standard" lighting="0" daylight="0"/></objects>
    <signals><signal id="3" s="20" t="-5" type="274" country="DE" value="70" unit="km/h"
    orientation="-" dynamic="no"><validity fromLane="1" toLane="2"/></signal></signals>"""
    loaded = network(road(extra=extra)).roads[0]
    thing, sign, tunnel = loaded.objects[0], loaded.signals[0], loaded.structures[0]
    assert (thing.repeats[0].distance_m, thing.outlines[0].corners[0].across_m) == (5.0, 2.0)
    assert (thing.outlines[0].local, thing.parking_access) == (True, "electric")
    assert (sign.value, sign.orientation, sign.lanes) == (70.0, "-", ((1, 2),))
    assert (tunnel.kind, tunnel.s_m, tunnel.length_m) == ("tunnel", 5.0, 50.0)


def test_the_georeference_is_kept():
    text = document(road()).replace(
        b'revMinor="7"/>',
        b'revMinor="7"><geoReference><![CDATA[+proj=utm]]></geoReference></header>',
    )
    assert parse_road(text, "f").geo_reference == "+proj=utm"


WHOLE = document(
    road(
        '<geometry s="0" x="0" y="0" hdg="0" length="40"><spiral curvStart="0" curvEnd="0.02"/>'
        '</geometry><geometry s="40" x="39.7" y="5.3" hdg="0.4" length="60"><arc curvature="0.02"/>'
        "</geometry>",
        section(BOTH) + section(BOTH, 50),
        extra='<type s="0" type="town"><speed max="50" unit="km/h"/></type><elevationProfile>'
        '<elevation s="0" a="1" b="0.02" c="0" d="0"/></elevationProfile>',
        lanes='<laneOffset s="0" a="0.5" b="0" c="0" d="0"/>',
    )
).decode()
POLYNOMIALS = document(
    road(
        '<geometry s="0" x="0" y="0" hdg="0" length="40"><poly3 a="0" b="0.1" c="0.01" d="-0.0001"/>'
        '</geometry><geometry s="40" x="39.7" y="5.3" hdg="0.4" length="60"><paramPoly3'
        ' pRange="arcLength" aU="0" bU="1" cU="0.001" dU="-0.00001" aV="0" bV="0" cV="0.001"'
        ' dV="0.00001"/></geometry>',
        section(BOTH.replace('c="0"', 'c="0.001"')),
        extra='<lateralProfile><superelevation s="0" a="0" b="0.001" c="0" d="0"/></lateralProfile>',
    )
).decode()
VALUES = [part.split('"')[0] for part in WHOLE.split('="')[1:]]


@given(
    st.integers(0, len(VALUES) - 1),
    st.one_of(
        st.sampled_from(["", "nan", "-1", "0", "1e9", "1e-300", "999999999", "-0.0", "inf", "x"]),
        st.floats().map(str),
        st.integers(-(10**12), 10**12).map(str),
    ),
)
def test_any_changed_value_gives_a_graph_or_an_input_error(place, value):
    changed(WHOLE, place, value)


@given(
    st.integers(0, POLYNOMIALS.count('="') - 1),
    st.one_of(
        st.sampled_from(["0", "1", "-1", "1e9", "-1e9", "1e-300", "50", "1e4"]),
        st.floats(-1e9, 1e9).map(str),
        st.floats(-1, 1).map(str),
    ),
)
def test_any_changed_polynomial_gives_a_graph_or_an_input_error(place, value):
    changed(POLYNOMIALS, place, value)


def changed(text, place, value):
    parts = text.split('="')
    old = parts[place + 1]
    parts[place + 1] = value + old[old.index('"') :]
    try:
        loaded = parse_road('="'.join(parts).encode(), "f")
        built = build_graph(loaded)
    except InputError as error:
        named = error.file
    else:
        named = "f"
        assert math.isfinite(float(built.table[:, :8].sum()))
    assert named == "f"


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 40), st.text(max_size=6))
def test_any_mangled_text_gives_a_graph_or_an_input_error(place, cut, text):
    mangled = WHOLE[:place] + text + WHOLE[place + cut :]
    try:
        build_graph(parse_road(mangled.encode("utf-8", "surrogatepass"), "f"))
    except InputError as error:
        named = error.file
    else:
        named = "f"
    assert named == "f"
