"""Pieces of the map: packed within a centimetre, thinned within three, found by distance."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.motorway import make_view, place
from volant.caros.cockpit.roadview import FLAT_M, SPAN_M, RoadGround, RoadView, pack, thin


def unpacked(packed: bytes, origin: list[float]) -> np.ndarray:
    return np.frombuffer(packed, dtype="<i2").reshape(-1, 3) / 100.0 + np.array(origin)


@given(
    st.lists(st.tuples(*[st.floats(-300.0, 300.0, allow_nan=False)] * 3), min_size=1, max_size=20)
)
def test_packed_points_come_back_within_a_centimetre(points):
    table = np.array(points) + 5000.0
    origin = [5000.0, 5000.0, 5000.0]
    assert np.abs(unpacked(pack(table, origin), origin) - table).max() <= 0.005 + 1e-9


def test_points_too_far_for_the_packing_are_cut_and_do_not_wrap_round():
    far = unpacked(pack(np.array([[900.0, -900.0, 0.0]]), [0.0, 0.0, 0.0]), [0.0, 0.0, 0.0])
    assert far[0, 0] == 327.67
    assert far[0, 1] == -327.68


@given(st.floats(20.0, 2000.0), st.floats(20.0, 60.0))
def test_what_is_left_out_of_a_curve_is_less_than_half_a_line_off(radius_m, length_m):
    angles = np.arange(0.0, length_m, 2.0) / radius_m
    curve = np.column_stack(
        [radius_m * np.sin(angles), radius_m * (1 - np.cos(angles)), np.zeros(len(angles))]
    )
    kept = thin(curve)
    assert kept[0] == 0
    assert kept[-1] == len(curve) - 1
    for low, high in itertools.pairwise(kept):
        chord = curve[high] - curve[low]
        length = math.hypot(*chord[:2])
        assert length <= SPAN_M + 1e-9 or high == low + 1
        for row in range(low + 1, high):
            away = abs(
                chord[0] * (curve[row, 1] - curve[low, 1])
                - chord[1] * (curve[row, 0] - curve[low, 0])
            )
            assert away / length <= FLAT_M + 1e-9


def test_a_straight_is_thinned_to_its_spans():
    straight = np.column_stack([np.arange(0.0, 61.0), np.zeros(61), np.zeros(61)])
    assert thin(straight) == [0, 20, 40, 60]


def test_near_gives_what_is_within_reach_and_nothing_else():
    square = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]])
    grounds = tuple(
        RoadGround("road", square + np.array([x, 3.0, 0.0]), square + np.array([x, 0.0, 0.0]))
        for x in (0.0, 100.0, 500.0)
    )
    view = RoadView((), grounds)
    assert [g.piece for g in view.near(0.0, 0.0, 105.0)[1]] == [0, 1]
    assert [g.piece for g in view.near(0.0, 0.0, 95.0)[1]] == [0]
    assert view.near(0.0, 5000.0, 85.0) == ((), ())


def test_a_piece_is_packed_once():
    view = make_view()
    x_m, y_m, _, _ = place(600.0, 0.0)
    once, again = view.near(x_m, y_m, 50.0), view.near(x_m + 1.0, y_m, 50.0)
    assert once[0][0] is again[0][0]
    assert once[1][0] is again[1][0]


def test_the_height_of_the_ground_is_that_of_its_nearest_borders():
    line = np.array([[0.0, 0.0, 7.0], [10.0, 0.0, 7.0]])
    view = RoadView((), (RoadGround("road", line + np.array([0.0, 3.0, 0.0]), line),))
    assert math.isclose(view.height_m(5.0, 1.0), 7.0)
    assert view.height_m(5000.0, 0.0) == 0.0
