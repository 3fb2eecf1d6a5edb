"""Emergency braking's judgement piece by piece: what is seen, when it is certain, which stage it asks for."""

import math
from typing import Any

import msgspec
import pytest

from tests.safety.test_aeb_tracks import track
from volant.core.messages import BrakeStage, ObjectClass
from volant.safety import aeb_threat
from volant.safety.aeb_paths import Body, Meeting, Other, Own
from volant.safety.aeb_threat import AebTuning
from volant.safety.aeb_tracks import EXACT, Track, Tracker, TrackTuning
from volant.safety.stop import Place

TUNING, TRACKS = AebTuning(), TrackTuning()
OWN = Own(15.0, 0.0, 0.0, Body(4.4, 1.8, 0.9))
HERE = Place(0, 30.0, -20.0, 0.7)
PERSON, CAR = track(person=2.0, object_class=ObjectClass.PEDESTRIAN), track(person=-2.0)
WALL = Other(40.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 1.8)


def other(**changes: Any) -> Other:
    return msgspec.structs.replace(WALL, **changes)


def own(**changes: Any) -> Own:
    return msgspec.structs.replace(OWN, **changes)


def placed(ahead_m: float, left_m: float, vx_mps: float, vy_mps: float, **changes: Any) -> Track:
    """A track by what the car at HERE should see of it."""
    cos, sin = math.cos(HERE.yaw_rad), math.sin(HERE.yaw_rad)
    values: dict[str, Any] = {
        "x_m": HERE.x_m + cos * ahead_m - sin * left_m, "y_m": HERE.y_m + sin * ahead_m + cos * left_m,
        "vx_mps": cos * vx_mps - sin * vy_mps, "vy_mps": sin * vx_mps + cos * vy_mps,
        "yaw_rad": HERE.yaw_rad, "sensors": EXACT, "frames": 9, "evidence": 16.0, "person": -2.0,
        "seen_ns": 0, **changes,
    }  # fmt: skip
    return track(**values)


def view(one: Track) -> Other:
    return aeb_threat._seen_from(one, HERE, math.cos(HERE.yaw_rad), math.sin(HERE.yaw_rad))


# --- what is seen ---------------------------------------------------------------------------------


def test_a_track_is_seen_in_the_frame_of_the_car() -> None:
    seen = view(placed(25.0, -3.0, 0.5, 2.0, yaw_rad=HERE.yaw_rad + 1.2))
    assert (seen.x_m, seen.y_m) == pytest.approx((25.0, -3.0))
    assert (seen.vx_mps, seen.vy_mps) == pytest.approx((0.5, 2.0))
    assert seen.yaw_rad == pytest.approx(1.2)
    assert (seen.length_m, seen.width_m) == (4.0, 1.8)
    again = view(placed(25.0, -3.0, 0.5, 2.0, yaw_rad=HERE.yaw_rad + 1.2 - 2.0 * math.pi))
    assert again.yaw_rad == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("vx_mps", "vy_mps", "yaw_rad", "person", "then_mps"),
    [
        (10.0, 2.0, 0.1, -1.0, 10.0 * math.tan(0.1) + 0.2),
        (10.0, 0.9, 0.1, -1.0, 0.9),
        (10.0, -2.0, 0.1, -1.0, -0.2),
        (10.0, -2.0, -0.1, -1.0, -10.0 * math.tan(0.1) - 0.2),
        (10.0, 2.0, -0.1, -1.0, 0.2),
        (10.0, 2.0, 0.1, 0.0, 10.0 * math.tan(0.1) + 0.2),
        (10.0, 2.0, 0.1, 1.0, 2.0),
        (2.9, 2.0, 0.1, -1.0, 2.0),
        (10.0, 2.0, 1.1, -1.0, 2.0),
    ],
)
def test_a_vehicle_moves_across_only_as_it_points(
    vx_mps: float, vy_mps: float, yaw_rad: float, person: float, then_mps: float
) -> None:
    one = placed(25.0, -3.0, vx_mps, vy_mps, yaw_rad=HERE.yaw_rad + yaw_rad, person=person)
    assert view(one).vy_mps == pytest.approx(then_mps)


@pytest.mark.parametrize(
    ("vx_mps", "vy_mps", "accel_mps2", "then_mps2"),
    [
        (10.0, 0.0, -3.0, -2.3), (10.0, 0.0, -0.5, 0.0), (10.0, 0.0, 2.0, 0.0),
        (0.9, 0.0, -3.0, 0.0), (2.0, 0.5, -3.0, -2.3), (2.0, 0.7, -3.0, 0.0),
        (2.0, -0.7, -3.0, 0.0), (0.9, 0.2, -3.0, 0.0),
    ],
)  # fmt: skip
def test_only_braking_of_who_goes_our_way_counts(
    vx_mps: float, vy_mps: float, accel_mps2: float, then_mps2: float
) -> None:
    one = placed(25.0, 0.0, vx_mps, vy_mps, accel_mps2=accel_mps2, person=1.0)
    assert view(one).accel_mps2 == pytest.approx(then_mps2)


@pytest.mark.parametrize(
    ("person", "vx_mps", "vy_mps", "accel_mps2", "code"),
    [
        (1.0, 0.0, 1.4, 0.0, "person_crossing"), (1.0, 0.0, -1.4, 0.0, "person_crossing"),
        (1.0, 1.5, 1.4, 0.0, "person_ahead"), (1.0, 0.0, 0.5, 0.0, "person_ahead"),
        (0.0, 0.0, 5.0, 0.0, "crossing"), (0.0, -4.0, 5.0, 0.0, "crossing"),
        (0.0, -5.0, 4.0, 0.0, "oncoming"), (-1.0, -1.1, 0.0, 0.0, "oncoming"),
        (-1.0, -0.9, 0.0, 0.0, "lead_standing"), (-1.0, 0.9, 0.0, -1.0, "lead_standing"),
        (-1.0, 1.1, 0.0, 0.0, "lead_slower"), (-1.0, 5.0, 0.0, -0.1, "lead_braking"),
    ],
)  # fmt: skip
def test_every_threat_is_named(
    person: float, vx_mps: float, vy_mps: float, accel_mps2: float, code: str
) -> None:
    there = other(vx_mps=vx_mps, vy_mps=vy_mps, accel_mps2=accel_mps2)
    assert aeb_threat._code(track(person=person), there, TUNING) == code


# --- when it is certain ---------------------------------------------------------------------------


def meeting(time_s: float = 1.0, overlap_m: float = 1.8) -> Meeting:
    return Meeting(time_s, overlap_m, False, 15.0)


@pytest.mark.parametrize(
    ("one", "time_s", "overlap_m", "certain"),
    [
        # 5 m/s3 take 5 t^3 / 6 away: 0.107 m in 0.5 s; and 0.6 m (people 0.45 m) at most.
        (CAR, 0.5, 0.11, True), (CAR, 0.5, 0.10, False), (CAR, 2.0, 0.61, True),
        (CAR, 2.0, 0.59, False), (PERSON, 2.0, 0.46, True), (PERSON, 2.0, 0.44, False),
        (PERSON, 0.5, 0.11, True),
    ],
)  # fmt: skip
def test_a_touch_is_certain_where_steering_does_not_take_it_away(
    one: Track, time_s: float, overlap_m: float, certain: bool
) -> None:
    held = aeb_threat._certain(one, WALL, OWN, meeting(time_s, overlap_m), TUNING)
    assert held is certain


@pytest.mark.parametrize(
    ("y_m", "vy_mps", "overlap_m", "certain"),
    [
        (-2.0, 1.4, 0.05, True), (2.0, -1.4, 0.05, True), (2.0, 1.4, 0.24, False),
        (-2.0, -1.4, 0.24, False), (2.0, 1.4, 0.26, True), (-2.0, -1.4, 0.26, True),
        (2.0, 0.5, 0.3, False), (0.5, 1.0, 0.2, False), (-0.5, -1.0, 0.2, False),
    ],
)  # fmt: skip
def test_who_leaves_our_way_is_let_go_and_who_comes_into_it_is_not(
    y_m: float, vy_mps: float, overlap_m: float, certain: bool
) -> None:
    there = other(y_m=y_m, vy_mps=vy_mps)
    assert aeb_threat._certain(PERSON, there, OWN, meeting(2.0, overlap_m), TUNING) is certain


def test_what_stands_beside_a_bend_crosses_the_arc_that_we_drive() -> None:
    bent = own(curvature_per_m=0.005)  # 15 m/s and 40 m: 3 m/s to our right
    assert aeb_threat._certain(PERSON, other(y_m=2.0), bent, meeting(2.0, 0.1), TUNING)
    assert not aeb_threat._certain(PERSON, other(y_m=-2.0), bent, meeting(2.0, 0.1), TUNING)


def test_oncoming_traffic_counts_only_while_we_turn() -> None:
    comes = other(vx_mps=-8.0)
    for bend, certain in (
        (0.0, False),
        (0.044, False),
        (-0.044, False),
        (0.046, True),
        (-0.046, True),
    ):
        held = aeb_threat._certain(
            CAR, comes, own(speed_mps=5.0, curvature_per_m=bend), meeting(), TUNING
        )
        assert held is certain
    assert aeb_threat._certain(CAR, other(vx_mps=-0.9), OWN, meeting(), TUNING)


@pytest.mark.parametrize(
    ("there", "car", "overlap_m", "plain"),
    [
        (WALL, OWN, 1.0, True), (WALL, OWN, 0.89, False), (other(width_m=0.6), OWN, 0.31, True),
        (other(width_m=2.5), OWN, 0.91, True), (other(vy_mps=0.7), OWN, 1.0, False),
        (other(vy_mps=-0.7), OWN, 1.0, False), (other(vy_mps=0.5), OWN, 1.0, True),
        (other(yaw_rad=0.07), OWN, 1.0, False), (other(yaw_rad=-0.07), OWN, 1.0, False),
        (other(yaw_rad=math.pi), OWN, 1.0, True),
        (WALL, own(curvature_per_m=0.005), 1.0, False), (WALL, own(curvature_per_m=-0.005), 1.0, False),
        (other(x_m=5.0), own(curvature_per_m=0.004), 1.0, True),
        (other(x_m=20.0), own(curvature_per_m=0.004), 1.0, False),
        (other(x_m=2.0), own(curvature_per_m=0.005), 1.0, False),
        (other(x_m=2.0), own(curvature_per_m=-0.005), 1.0, False),
    ],
)  # fmt: skip
def test_calm_braking_is_for_what_is_plainly_in_the_way(
    there: Other, car: Own, overlap_m: float, plain: bool
) -> None:
    assert aeb_threat._plain(there, car, meeting(1.0, overlap_m), TUNING) is plain


# --- which stage ----------------------------------------------------------------------------------

STOP_S = TUNING.delay_s + 15.0 / TUNING.full_mps2 + TUNING.early_s
ACROSS = other(y_m=-3.0, vy_mps=4.0, yaw_rad=0.5 * math.pi)


def stage(
    one: Track, there: Other, needed: float, time_s: float = STOP_S - 0.05, overlap_m: float = 1.8
) -> BrakeStage:
    return aeb_threat._wanted(one, there, OWN, meeting(time_s, overlap_m), needed, TUNING)


@pytest.mark.parametrize(
    ("one", "there", "needed", "wanted"),
    [
        (CAR, WALL, 6.5, BrakeStage.FULL), (CAR, WALL, 6.4, BrakeStage.PARTIAL),
        (CAR, WALL, 5.0, BrakeStage.PARTIAL), (CAR, WALL, 4.9, BrakeStage.WARNING),
        (CAR, other(yaw_rad=0.3), 6.4, BrakeStage.WARNING),
        # Driving across: 7.5, and 3.0 of its own; 4 m/s need 16 / (2 * 0.1) m/s2 to stop short.
        (CAR, ACROSS, 7.5, BrakeStage.FULL), (CAR, ACROSS, 7.4, BrakeStage.READY),
        (CAR, other(y_m=-6.0, vy_mps=3.0, yaw_rad=0.5 * math.pi), 9.0, BrakeStage.WARNING),
        (CAR, other(y_m=-6.0, vy_mps=-0.1, vx_mps=9.0), 9.0, BrakeStage.FULL),
    ],
)  # fmt: skip
def test_the_stage_follows_from_what_a_stop_needs(
    one: Track, there: Other, needed: float, wanted: BrakeStage
) -> None:
    calm = msgspec.structs.replace(one, across_vv=0.0)
    assert stage(calm, there, needed) is wanted


def walks(vy_mps: float, beside_m: float) -> Other:
    """Towards us from the right, so far beside our way."""
    return Other(20.0, -(0.9 + beside_m + 0.25), 0.0, vy_mps, 0.0, 0.5 * math.pi, 0.5, 0.5)


@pytest.mark.parametrize(
    ("vy_mps", "beside_m", "needed", "wanted"),
    [
        # v2 / 2s: 0.74, 0.76, 1.99 and 2.01 m/s2.
        (1.4, 1.324, 9.0, BrakeStage.WARNING), (1.4, 1.289, 9.0, BrakeStage.PARTIAL),
        (1.4, 0.492, 9.0, BrakeStage.PARTIAL), (1.4, 0.487, 9.0, BrakeStage.FULL),
        (1.4, 0.487, 7.4, BrakeStage.WARNING), (1.4, 1.289, 7.4, BrakeStage.WARNING),
        (0.5, 0.05, 6.6, BrakeStage.FULL),
    ],
)  # fmt: skip
def test_a_walker_is_braked_for_by_what_a_stop_takes_him(
    vy_mps: float, beside_m: float, needed: float, wanted: BrakeStage
) -> None:
    calm = msgspec.structs.replace(PERSON, across_vv=0.0)
    assert stage(calm, walks(vy_mps, beside_m), needed) is wanted
    barely = msgspec.structs.replace(calm, person=1.0)
    assert stage(barely, walks(vy_mps, beside_m), needed) is wanted
    left = msgspec.structs.replace(walks(-vy_mps, beside_m), y_m=0.9 + beside_m + 0.25)
    assert stage(calm, left, needed) is wanted


def test_who_is_not_known_to_be_a_person_is_taken_for_a_driver() -> None:
    unknown = track(person=0.0, across_vv=0.0)
    assert stage(unknown, walks(1.4, 0.37), 9.0) is BrakeStage.WARNING
    assert stage(unknown, walks(1.4, 0.32), 9.0) is BrakeStage.FULL


def test_a_speed_across_that_is_noise_is_not_held_against_a_walker() -> None:
    unsure = msgspec.structs.replace(PERSON, across_vv=0.09)
    assert stage(unsure, walks(1.4, 0.649), 9.0) is BrakeStage.PARTIAL


def test_in_a_turn_of_ours_and_of_who_drives_along_no_halt_is_expected() -> None:
    turning = own(speed_mps=5.0, curvature_per_m=-0.05)
    assert aeb_threat._halt_mps2(PERSON, walks(1.4, 2.0), turning) == math.inf
    assert aeb_threat._halt_mps2(PERSON, walks(1.4, 2.0), OWN) < 1.0
    assert aeb_threat._halt_mps2(CAR, other(y_m=-6.0, vx_mps=3.0, vy_mps=-2.9), OWN) == math.inf
    unknown = track(person=0.0)
    assert aeb_threat._halt_mps2(unknown, other(y_m=-6.0, vx_mps=3.0, vy_mps=2.9), OWN) == math.inf
    assert aeb_threat._halt_mps2(CAR, other(y_m=6.0, vx_mps=-2.9, vy_mps=-3.0), OWN) < 10.0


def test_braking_and_warning_have_their_times() -> None:
    assert stage(CAR, WALL, 9.0, STOP_S + 0.01) is BrakeStage.WARNING
    # 1.2 s at 15 m/s, then 5 m/s2: 18 + 22.5 m and 0.4 m of margin.
    due, not_yet = other(x_m=3.5 + 2.0 + 40.4), other(x_m=3.5 + 2.0 + 41.4)
    assert stage(CAR, due, 4.0, STOP_S + 0.85) is BrakeStage.WARNING
    assert stage(CAR, due, 4.0, STOP_S + 0.95) is BrakeStage.READY
    assert stage(CAR, not_yet, 4.0, STOP_S + 0.85) is BrakeStage.READY


def test_a_warning_looks_beyond_the_horizon_of_braking() -> None:
    """From 22 m/s behind one that brakes to a stand the touch comes later than without our braking."""
    fast = own(speed_mps=33.0)
    # 1.2 s at 33 m/s, then 5 m/s2: 39.6 + 108.9 m, over 7.8 s; within 4.6 s we have come 120 m.
    for gap_m, due in ((115.0, True), (125.0, False)):
        there = other(x_m=3.5 + 2.0 + TUNING.margin_m + gap_m)
        assert aeb_threat._soon_due(there, fast, TUNING) is due


# --- which threat ---------------------------------------------------------------------------------


def worst(*tracks: Track, car: Own = OWN, brakes: bool = False) -> aeb_threat.Threat | None:
    tracker = Tracker(stamp_ns=0, tracks=tracks)
    return aeb_threat.worst(tracker, HERE, car, car, TUNING, TRACKS, brakes=brakes)


@pytest.mark.parametrize("first", [0, 1])
def test_the_threat_that_needs_most_decides(first: int) -> None:
    both = (placed(30.0, 0.0, 0.0, 0.0, track_id=1), placed(25.0, 0.0, 0.0, 0.0, track_id=2))
    found = worst(*(both if first else both[::-1]))
    assert found is not None
    assert found.track_id == 2
    assert (found.x_m, found.y_m) == pytest.approx((25.0, 0.0))
    assert found.time_s == pytest.approx((25.0 - 3.5 - 2.0) / 15.0, abs=0.03)


def test_who_stands_beside_our_front_corner_counts_only_once_we_brake() -> None:
    beside = placed(2.9, 0.0, 0.0, 0.0)
    assert worst(beside) is None
    assert worst(beside, brakes=True) is not None
    assert worst(placed(3.1, 0.0, 0.0, 0.0)) is not None


def test_a_car_that_stands_is_threatened_by_nothing() -> None:
    near = placed(8.0, 0.0, 0.0, 0.0)
    assert worst(near, car=own(speed_mps=0.09)) is None
    assert worst(near, car=own(speed_mps=3.0)) is not None


def test_braking_goes_on_until_the_other_is_out_by_a_margin() -> None:
    edge = placed(25.0, 1.8 + 0.2, 0.0, 0.0, person=2.0)
    assert worst(edge) is None
    grown = aeb_threat._swollen(WALL, TUNING)
    assert (grown.length_m, grown.width_m) == pytest.approx((4.6, 2.4))


def test_every_arc_that_we_may_be_on_must_come_to_it() -> None:
    tracker = Tracker(stamp_ns=0, tracks=(placed(30.0, 0.0, 0.0, 0.0),))
    for bend in (0.03, -0.03):
        away = own(curvature_per_m=bend)
        args = (TUNING, TRACKS)
        assert aeb_threat.worst(tracker, HERE, OWN, away, *args, brakes=False) is None
        assert aeb_threat.worst(tracker, HERE, away, OWN, *args, brakes=False) is None
    turned = placed(30.0, 0.0, 0.0, 0.0, yaw_rad=HERE.yaw_rad + 0.3)
    assert worst(turned) is None
    person = msgspec.structs.replace(turned, person=1.0)
    assert worst(person) is not None
    unknown = msgspec.structs.replace(turned, person=0.0)
    assert worst(unknown) is None


@pytest.mark.parametrize(("gap_m", "met"), [(15.0 * 3.55, True), (15.0 * 3.6 + 0.5, False)])
def test_a_touch_is_looked_for_as_far_as_we_come_without_braking(gap_m: float, met: bool) -> None:
    there = placed(3.5 + 2.0 + gap_m, 0.0, 0.0, 0.0)
    assert (worst(there) is not None) is met
    assert aeb_threat._still_meets(CAR, view(there), OWN, TUNING) is met


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_in_a_turn_of_ours_nobody_tells_where_the_road_leads(side: float) -> None:
    """A car that stands on the arc of a turn is met, however it is turned; on a bend it may be the road."""
    for bend, met in ((0.05, True), (0.04, False)):
        car, turned = own(speed_mps=6.0, curvature_per_m=side * bend), 12.0 * bend
        there = placed(
            math.sin(turned) / bend, side * (1.0 - math.cos(turned)) / bend, 0.0, 0.0,
            yaw_rad=HERE.yaw_rad - side * 0.3,
        )  # fmt: skip
        assert (worst(there, car=car) is not None) is met


def test_somebody_is_near_by_what_is_believed_of_him() -> None:
    def near(one: Track) -> bool:
        return aeb_threat.is_near(Tracker(stamp_ns=0, tracks=(one,)), HERE, OWN, TUNING, TRACKS)

    assert near(placed(35.0, 0.0, 0.0, 0.0))
    assert not near(placed(35.0, 8.0, 0.0, 0.0))
    assert not near(placed(35.0, 0.0, 0.0, 0.0, evidence=1.0))
