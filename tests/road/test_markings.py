"""Lines to draw: the right kinds at the right places, found quickly around a point."""

import math

import numpy as np
import pytest

from tests.road.roads import BOTH, WORLD, graph, road, section
from volant.road import load_graph, markings

WIDTH = '<width sOffset="0" a="3" b="0" c="0" d="0"/>'


def drawn(marks: dict[int, str], kinds: dict[int, str] | None = None, **values: str):
    kinds = kinds or {}
    lane = '<lane id="{0}" type="{2}">' + WIDTH + "{1}</lane>"
    left = lane.format(1, marks.get(1, ""), kinds.get(1, "driving"))
    right = "".join(lane.format(i, marks.get(i, ""), kinds.get(i, "driving")) for i in (-1, -2))
    centre = f'<center><lane id="0" type="none">{marks.get(0, "")}</lane></center>'
    lanes = f"<left>{left}</left>{centre}<right>{right}</right>"
    return markings(graph(road(sections=section(lanes), **values))).boundaries


def at(boundaries, y):
    return [b for b in boundaries if np.abs(b.points[:, 1] - y).max() < 1e-9]


def test_each_border_is_drawn_where_it_lies_with_its_paint():
    found = drawn(
        {
            0: '<roadMark sOffset="0" type="solid solid" color="yellow" width="0.2"/>',
            -1: '<roadMark sOffset="0" type="broken"><type name="b" width="0.1">'
            '<line length="3" space="9" tOffset="0" sOffset="0"/></type></roadMark>',
        }
    )
    centre, lane_line = at(found, 0.0)[0], at(found, -3.0)[0]
    assert (centre.kind, centre.colour, centre.width_m) == ("solid_solid", "yellow", 0.2)
    assert (lane_line.kind, lane_line.colour, lane_line.width_m) == ("broken", "white", 0.12)
    assert (lane_line.dash_m, lane_line.gap_m) == (3.0, 9.0)


def test_the_outer_edge_is_drawn_even_where_nothing_is_painted():
    found = drawn({})
    assert sorted({(b.kind, b.edge, float(b.points[0, 1])) for b in found}) == [
        ("edge", True, -6.0),
        ("edge", True, 3.0),
    ]


def test_a_pavement_is_not_road():
    found = drawn({}, {-2: "sidewalk"})
    assert {float(b.points[0, 1]) for b in found if b.edge} == {3.0, -3.0}


def test_a_mark_that_changes_is_cut_there():
    found = drawn(
        {-1: '<roadMark sOffset="0" type="broken"/><roadMark sOffset="30" type="solid"/>'}
    )
    pieces = sorted(at(found, -3.0), key=lambda b: b.points[0, 0])
    assert pieces[0].kind == "broken"
    assert {b.kind for b in pieces[1:]} == {"solid"}
    assert pieces[0].points[-1, 0] == pytest.approx(30.0, abs=2.0)


def test_dashes_go_on_across_pieces():
    found = drawn({-1: '<roadMark sOffset="0" type="broken"/>'})
    run = 0.0
    for piece in sorted(at(found, -3.0), key=lambda b: b.points[0, 0]):
        period = piece.dash_m + piece.gap_m
        assert piece.phase_m == pytest.approx(-math.fmod(run, period), abs=1e-9)
        run += float(np.hypot(*(piece.points[-1] - piece.points[0])[:2]))
    assert run == pytest.approx(100.0)


def test_double_lines_say_their_left_side_first():
    on_right = drawn({-1: '<roadMark sOffset="0" type="solid broken"/>'})
    on_left = drawn({1: '<roadMark sOffset="0" type="solid broken"/>'})
    assert at(on_right, -3.0)[0].kind == "solid_broken"
    assert at(on_left, 3.0)[0].kind == "broken_solid"


def test_a_lane_without_width_draws_no_second_line():
    lanes = BOTH.replace(
        "</right>",
        '<lane id="-2" type="driving"><width sOffset="0" a="0" b="0" c="0" d="0"/>'
        '<roadMark sOffset="0" type="solid"/></lane></right>',
    )
    assert not [
        b for b in markings(graph(road(sections=section(lanes)))).boundaries if b.kind == "solid"
    ]


def test_bends_are_drawn_true_to_a_centimetre():
    geometry = '<geometry s="0" x="0" y="0" hdg="0" length="100"><arc curvature="0.02"/></geometry>'
    for line in markings(graph(road(geometry))).boundaries:
        radii = np.hypot(line.points[:, 0], line.points[:, 1] - 50.0)
        chords = np.hypot(*np.diff(line.points[:, :2], axis=0).T)
        assert np.ptp(radii) < 1e-6
        assert (chords**2 / 8.0 / radii.min()).max() < 0.02


def test_barriers_are_lines_too():
    extra = (
        '<objects><object id="1" type="barrier" s="0" t="8" width="0.4">'
        '<repeat s="20" length="50" distance="0" tStart="8" tEnd="9"/></object></objects>'
    )
    found = [b for b in markings(graph(road(extra=extra))).boundaries if b.kind == "barrier"]
    points = np.concatenate([b.points for b in found])
    assert points[:, 0].min() == pytest.approx(20.0, abs=2.0)
    assert points[:, 0].max() == pytest.approx(70.0, abs=2.0)
    assert points[:, 1] == pytest.approx(8.0 + (points[:, 0] - 20.0) / 50.0)


def test_a_window_finds_all_that_is_near_and_little_else():
    lines = markings(load_graph(WORLD))
    here = lines.boundaries[200].points[0, :2]
    found = set(lines.window(here[0], here[1], 150.0))
    assert 200 in found
    for index, line in enumerate(lines.boundaries):
        near = (np.abs(line.points[:, :2] - here).max(axis=1) <= 150.0).any()
        assert not near or index in found
    assert len(found) < len(lines.boundaries) / 4


def test_no_piece_is_longer_than_promised():
    for line in markings(load_graph(WORLD)).boundaries:
        assert np.hypot(*np.diff(line.points[:, :2], axis=0).T).sum() <= 60.5
