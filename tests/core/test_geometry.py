"""Plane geometry: wrapping, chains of transforms, overlapping boxes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.geometry import Box, Pose, boxes_overlap, nearest_in_band_m, wrap_angle_rad

METRES = st.floats(-1e4, 1e4)
ANGLES = st.floats(-math.pi, math.pi, exclude_min=True)
POSES = st.builds(Pose, METRES, METRES, ANGLES)
SIZES = st.floats(0.5, 20.0)
BOXES = st.builds(Box, st.floats(-15, 15), st.floats(-15, 15), ANGLES, SIZES, SIZES)


@given(st.floats(-1e6, 1e6))
def test_a_wrapped_angle_lies_in_its_range_and_points_the_same_way(angle_rad: float) -> None:
    wrapped = wrap_angle_rad(angle_rad)
    assert -math.pi < wrapped <= math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle_rad), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle_rad), abs=1e-9)


@pytest.mark.parametrize(
    ("angle_rad", "wrapped"),
    [
        (math.pi, math.pi),
        (-math.pi, math.pi),
        (3 * math.pi, math.pi),
        (-3 * math.pi, math.pi),
        (0, 0),
    ],
)
def test_half_a_turn_wraps_to_plus_pi(angle_rad: float, wrapped: float) -> None:
    assert wrap_angle_rad(angle_rad) == pytest.approx(wrapped, abs=1e-12)


def test_an_angle_in_range_is_not_touched() -> None:
    assert wrap_angle_rad(0.1) == 0.1
    assert wrap_angle_rad(-3.1) == -3.1


@given(POSES, POSES, POSES)
def test_chains_of_transforms_associate(a: Pose, b: Pose, c: Pose) -> None:
    one, other = (a @ b) @ c, a @ (b @ c)
    assert one.x_m == pytest.approx(other.x_m, abs=1e-6)
    assert one.y_m == pytest.approx(other.y_m, abs=1e-6)
    assert math.cos(one.yaw_rad - other.yaw_rad) == pytest.approx(1.0)


@given(POSES)
def test_a_transform_and_its_inverse_cancel(pose: Pose) -> None:
    nothing = pose @ pose.inverse()
    assert (nothing.x_m, nothing.y_m) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert math.cos(nothing.yaw_rad) == pytest.approx(1.0)


def test_left_of_a_car_that_heads_north_is_west() -> None:
    world_from_ego = Pose(10.0, 20.0, math.pi / 2)
    assert world_from_ego.apply(0.0, 3.0) == pytest.approx((7.0, 20.0))
    assert world_from_ego.apply(2.0, 0.0) == pytest.approx((10.0, 22.0))


def corners(box: Box) -> list[tuple[float, float]]:
    frame = Pose(box.x_m, box.y_m, box.yaw_rad)
    half_l, half_w = box.length_m / 2, box.width_m / 2
    return [frame.apply(x, y) for x in (-half_l, half_l) for y in (-half_w, half_w)]


def inside(box: Box, x_m: float, y_m: float, slack_m: float) -> bool:
    along, across = Pose(box.x_m, box.y_m, box.yaw_rad).inverse().apply(x_m, y_m)
    return abs(along) <= box.length_m / 2 - slack_m and abs(across) <= box.width_m / 2 - slack_m


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_agrees_with_points_inside(one: Box, other: Box) -> None:
    overlap = boxes_overlap(one, other)
    assert overlap == boxes_overlap(other, one)
    grid = [(u / 6 - 1, v / 6 - 1) for u in range(13) for v in range(13)]
    frame = Pose(one.x_m, one.y_m, one.yaw_rad)
    points = [frame.apply(u * one.length_m / 2, v * one.width_m / 2) for u, v in grid]
    if any(inside(other, x_m, y_m, 1e-9) for x_m, y_m in points):
        assert overlap


@given(BOXES, ANGLES, st.floats(0.01, 5.0))
def test_boxes_apart_do_not_overlap(box: Box, bearing_rad: float, gap_m: float) -> None:
    """Beyond the two circles around them no two boxes can touch."""
    radius_m = math.hypot(box.length_m, box.width_m)
    away = Box(
        box.x_m + (radius_m + gap_m) * math.cos(bearing_rad),
        box.y_m + (radius_m + gap_m) * math.sin(bearing_rad),
        -box.yaw_rad,
        box.length_m,
        box.width_m,
    )
    assert not boxes_overlap(box, away)


def test_a_box_across_the_corner_gap_of_another_does_not_overlap() -> None:
    """Their circles and their axis-aligned bounds cross, the rectangles do not."""
    diagonal = Box(0.0, 0.0, math.pi / 4, 10.0, 0.2)
    corner = Box(2.5, -2.5, 0.0, 4.0, 4.0)
    assert not boxes_overlap(diagonal, corner)
    assert boxes_overlap(diagonal, Box(2.5, 2.5, 0.0, 1.0, 1.0))


def test_boxes_bumper_to_bumper_touch_at_zero_gap_only() -> None:
    car = Box(0.0, 0.0, 0.0, 4.0, 2.0)
    assert boxes_overlap(car, Box(4.0, 0.0, 0.0, 4.0, 2.0))
    assert not boxes_overlap(car, Box(4.001, 0.0, 0.0, 4.0, 2.0))
    assert not boxes_overlap(car, Box(0.0, 2.001, 0.0, 4.0, 2.0))


def test_only_the_part_of_a_body_inside_the_band_counts():
    straight = Box(10.0, 0.0, 0.0, 4.0, 2.0)
    assert nearest_in_band_m(straight, 0.9) == pytest.approx(8.0)
    assert nearest_in_band_m(Box(10.0, 3.0, 0.0, 4.0, 2.0), 0.9) is None
    # It comes in from the left, nose first: its tail is still beside the band.
    turning = Box(10.0, 2.0, -0.5, 4.0, 1.8)
    nearest = nearest_in_band_m(turning, 0.9)
    assert nearest is not None
    assert 9.0 < nearest < 12.0
    assert nearest_in_band_m(Box(10.0, 0.0, 1.5707963267948966, 4.0, 2.0), 0.5) == pytest.approx(
        9.0
    )
