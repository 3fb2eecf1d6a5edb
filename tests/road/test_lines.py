"""Reference lines and lane borders against independent evaluations, record kind by record kind."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.road.roads import BOTH, graph, road, section
from volant.road import LaneColumn
from volant.road.curve_kernels import evaluate_reference, zeros
from volant.road.model import Arc, Geometry, Line, ParamPoly3, Poly3, Spiral
from volant.road.sampling import piece_rows


def evaluate(shape, length, stations, start=(0.0, 0.0, 0.0)):
    piece = Geometry(0.0, *start, length, shape)
    out = zeros(len(stations), 7)
    evaluate_reference(piece_rows((piece,)), np.asarray(stations, dtype=float), out)
    return out


def integrate(curvature, length, pieces=4000):
    """x, y by Simpson over a heading that is itself integrated: independent of the kernel."""
    s = np.linspace(0.0, length, 2 * pieces + 1)
    k = np.array([curvature(value) for value in s])
    step = s[1] - s[0]
    heading = np.concatenate([[0.0], np.cumsum(0.5 * (k[1:] + k[:-1]) * step)])
    weights = np.full(len(s), 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    x = float((weights * np.cos(heading)).sum() * step / 3.0)
    y = float((weights * np.sin(heading)).sum() * step / 3.0)
    return x, y, float(heading[-1])


def test_a_line_runs_straight_from_its_pose():
    row = evaluate(Line(), 10.0, [10.0], (1.0, 2.0, math.pi / 2))[0]
    assert row[:3] == pytest.approx([1.0, 12.0, math.pi / 2], abs=1e-12)
    assert row[3:].tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("curvature", [0.01, -0.2, 1e-12])
def test_an_arc_lies_on_its_circle(curvature):
    row = evaluate(Arc(curvature), 30.0, [30.0])[0]
    angle = 30.0 * curvature
    expected = (
        [math.sin(angle) / curvature, (1.0 - math.cos(angle)) / curvature, angle]
        if abs(curvature) > 1e-9
        else [30.0, 0.0, 0.0]
    )
    assert row[:3] == pytest.approx(expected, abs=1e-8)
    assert row[4] == curvature


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.01), (0.02, -0.03), (-0.1, -0.2), (0.0, 0.5)])
def test_a_spiral_agrees_with_plain_integration(start, end):
    length = 60.0
    row = evaluate(Spiral(start, end), length, [length])[0]
    x, y, heading = integrate(lambda s: start + (end - start) * s / length, length)
    assert row[:3] == pytest.approx([x, y, heading], abs=1e-5)
    assert row[4] == pytest.approx(end)
    assert row[6] == pytest.approx((end - start) / length)


def test_a_poly3_is_measured_by_arc_length():
    a, b, c, d = 1.0, 0.1, 0.004, -3e-5
    length = 50.0
    row = evaluate(Poly3(a, b, c, d), length, [length])[0]
    u = np.linspace(0.0, row[0], 200_001)
    slope = b + 2 * c * u + 3 * d * u * u
    run = float(np.trapezoid(np.sqrt(1.0 + slope**2), u))
    assert run == pytest.approx(length, abs=1e-6)
    assert row[1] == pytest.approx(a + row[0] * (b + row[0] * (c + row[0] * d)), abs=1e-9)
    assert row[2] == pytest.approx(math.atan(slope[-1]), abs=1e-9)
    bend = (2 * c + 6 * d * row[0]) / (1.0 + slope[-1] ** 2) ** 1.5
    assert row[4] == pytest.approx(bend, abs=1e-9)


def test_a_normalized_param_poly3_is_the_same_curve_as_by_arc_length():
    length = 20.0
    u, v = (0.0, 1.0, 0.002, -1e-4), (0.5, 0.01, 0.003, 1e-4)
    scaled_u = tuple(value * length**power for power, value in enumerate(u))
    scaled_v = tuple(value * length**power for power, value in enumerate(v))
    stations = np.linspace(0.0, length, 9)
    plain = evaluate(ParamPoly3(u, v, False), length, stations, (3.0, 4.0, 0.7))
    normal = evaluate(ParamPoly3(scaled_u, scaled_v, True), length, stations, (3.0, 4.0, 0.7))
    assert normal == pytest.approx(plain, abs=1e-12)
    assert plain[0, :2].tolist() != [3.0, 4.0]


SHAPES = st.one_of(
    st.builds(Arc, st.floats(-0.2, 0.2)),
    st.builds(Spiral, st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    st.builds(
        Poly3, st.floats(-1, 1), st.floats(-0.2, 0.2), st.floats(-0.005, 0.005), st.just(1e-5)
    ),
    st.builds(
        lambda c, d, e, f: ParamPoly3((0.0, 1.0, c, d), (0.0, 0.0, e, f), False),
        *(st.floats(-1e-3, 1e-3), st.floats(-1e-5, 1e-5)) * 2,
    ),
)


@given(SHAPES, st.floats(1.0, 29.0))
def test_derivatives_agree_with_differences(shape, s):
    h = 1e-4
    low, here, high = evaluate(shape, 30.0, [s - h, s, s + h])
    moved = math.hypot(high[0] - low[0], high[1] - low[1]) / (2 * h)
    assert moved == pytest.approx(here[3], abs=1e-5)
    assert (high[2] - low[2]) / (2 * h) == pytest.approx(here[4], abs=1e-6)
    assert (high[3] - low[3]) / (2 * h) == pytest.approx(here[5], abs=1e-6)
    assert (high[4] - low[4]) / (2 * h) == pytest.approx(here[6], abs=1e-5)


def test_lane_borders_give_the_lanes_that_their_widths_would():
    borders = BOTH
    for lane_id, sign in (("1", 1), ("-1", -1)):
        old = f'<lane id="{lane_id}" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
        new = (
            f'<lane id="{lane_id}" type="driving">'
            f'<border sOffset="0" a="{sign * 3.5}" b="{sign * 0.01}" c="0" d="0"/>'
        )
        borders = borders.replace(old, new)
    widths = BOTH.replace('b="0"', 'b="0.01"')
    by_border, by_width = (
        graph(road(sections=section(borders))),
        graph(road(sections=section(widths))),
    )
    assert by_border.table == pytest.approx(by_width.table, abs=1e-12)
    assert by_border.lanes[0].samples[0, LaneColumn.WIDTH] == pytest.approx(4.5)


def test_a_second_lanes_border_is_measured_from_the_centre():
    lanes = """<center><lane id="0" type="none"/></center><right>
    <lane id="-1" type="driving"><border sOffset="0" a="-3" b="0" c="0" d="0"/></lane>
    <lane id="-2" type="driving"><border sOffset="0" a="-7" b="0" c="0" d="0"/></lane></right>"""
    built = graph(road(sections=section(lanes)))
    assert [lane.samples[0, LaneColumn.WIDTH] for lane in built.lanes] == [3.0, 4.0]
    assert [lane.samples[0, LaneColumn.Y] for lane in built.lanes] == [-1.5, -5.0]


def test_a_tilted_road_is_narrower_from_above_and_higher_outside():
    tilt = '<lateralProfile><superelevation s="0" a="0.5" b="0" c="0" d="0"/></lateralProfile>'
    built = graph(road(extra=tilt))
    left = built.lanes[0].samples[0]
    assert left[LaneColumn.Y] == pytest.approx(1.75 * math.cos(0.5))
    assert left[LaneColumn.Z] == pytest.approx(1.75 * math.sin(0.5))


def test_a_lane_outside_a_bend_is_longer_and_bends_less():
    geometry = '<geometry s="0" x="0" y="0" hdg="0" length="100"><arc curvature="0.02"/></geometry>'
    left, right = graph(road(geometry)).lanes
    assert right.length_m == pytest.approx(100.0 * (1.0 + 1.75 * 0.02), rel=1e-9)
    assert left.length_m == pytest.approx(100.0 * (1.0 - 1.75 * 0.02), rel=1e-9)
    assert right.samples[:, LaneColumn.CURVATURE] == pytest.approx(1.0 / (50.0 + 1.75))
    assert left.samples[:, LaneColumn.CURVATURE] == pytest.approx(-1.0 / (50.0 - 1.75))


@given(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03), st.floats(-0.05, 0.05), st.floats(0, 1e-3))
def test_lane_headings_and_curvatures_are_those_of_the_sampled_path(start, end, slope, bend):
    geometry = (
        '<geometry s="0" x="0" y="0" hdg="0.3" length="60">'
        f'<spiral curvStart="{start}" curvEnd="{end}"/></geometry>'
    )
    lanes = BOTH.replace('b="0" c="0"', f'b="{slope}" c="{bend}"')
    for lane in graph(road(geometry, section(lanes), length=60)).lanes:
        rows = lane.samples
        chord = np.diff(rows[:, LaneColumn.X : LaneColumn.Z], axis=0)
        run = np.diff(rows[:, LaneColumn.S])
        mean = 0.5 * (rows[1:, LaneColumn.HEADING] + rows[:-1, LaneColumn.HEADING])
        aside = -chord[:, 0] * np.sin(mean) + chord[:, 1] * np.cos(mean)
        assert np.abs(aside).max() < 2e-3
        assert np.abs(np.hypot(chord[:, 0], chord[:, 1]) - run).max() < 3e-3
        turned = np.diff(rows[:, LaneColumn.HEADING])
        bends = rows[:, LaneColumn.CURVATURE]
        assert turned == pytest.approx(0.5 * (bends[1:] + bends[:-1]) * run, abs=5e-4)
