import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.safety.builders import Drive, arc_path
from volant.core.messages import LaneReturn, MarkKind, StopPath
from volant.safety import lane as observer
from volant.safety import stop
from volant.safety.guard import Permission
from volant.safety.lane import LaneHold, LaneTuning
from volant.safety.stop import Place, TrustedPath

TUNING = LaneTuning()
HERE = Place(1_000_000_000, 20.0, 0.0, 0.0)
PATH = msgspec.structs.replace(arc_path(0, 150.0), offset_m=(0.0,) * 151)


def seen(stamp_ns: int = HERE.stamp_ns, **changes: Any) -> LaneReturn:
    return LaneReturn(
        **{
            "stamp_ns": stamp_ns,
            "offset_m": 0.2,
            "heading_rad": 0.0,
            "curvature_per_m": 0.0,
            "width_m": 3.5,
            "left_mark": MarkKind.BROKEN,
            "right_mark": MarkKind.SOLID,
            "confidence": 0.95,
            **changes,
        }
    )


def trust(path: StopPath = PATH, index: int = 18) -> TrustedPath:
    return TrustedPath(path, Place(0, 0.0, 0.0, 0.0), index)


def fault(lane: LaneReturn, hold: LaneHold = LaneHold(), path: StopPath = PATH) -> str:  # noqa: B008
    hold, trusted = observer.take(hold, lane, trust(path), (HERE,), TUNING)
    assert trusted is not None
    assert (trusted.held is None) == bool(hold.fault)
    return hold.fault


# --- which return is believed ---------------------------------------------------------------------


def test_a_small_miss_is_believed() -> None:
    assert fault(seen()) == ""


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("lane_number", {"offset_m": math.nan}),
        ("lane_number", {"heading_rad": math.inf}),
        ("lane_unsure", {"confidence": 0.4}),
        ("lane_width", {"width_m": 2.0}),
        ("lane_width", {"width_m": 7.0}),
        ("lane_jump", {"offset_m": 0.9}),
        ("lane_jump", {"offset_m": -3.5}),
        ("lane_jump", {"heading_rad": 0.1}),
        ("lane_stamp", {"stamp_ns": HERE.stamp_ns + 1}),
        ("lane_stamp", {"stamp_ns": HERE.stamp_ns - 1}),
    ],
)
def test_what_no_small_error_explains_is_left_out(code: str, changes: dict[str, Any]) -> None:
    assert fault(seen(**changes)) == code


def test_what_hangs_comes_late_or_changes_its_width_is_left_out() -> None:
    before = LaneHold(HERE.stamp_ns - 50, 0.1, 0.001, 3.5)
    assert fault(seen(offset_m=0.1, heading_rad=0.001), before) == "lane_frozen"
    assert fault(seen(width_m=4.0), before) == "lane_width"
    later = msgspec.structs.replace(before, seen_ns=HERE.stamp_ns + 5)
    assert fault(seen(), later) == "lane_stamp"
    same = msgspec.structs.replace(before, seen_ns=HERE.stamp_ns)
    assert observer.take(same, seen(), trust(), (HERE,), TUNING) == (same, trust())
    assert observer.take(before, None, trust(), (HERE,), TUNING) == (before, trust())
    assert observer.take(before, seen(), None, (HERE,), TUNING) == (before, None)


def test_a_path_that_tells_no_offset_or_crosses_a_line_there_is_not_moved() -> None:
    assert fault(seen(), path=arc_path(0, 150.0)) == "lane_unknown"
    crossing = msgspec.structs.replace(PATH, offset_m=(1.8,) * 20 + (-1.8,) * 131)
    broken = msgspec.structs.replace(PATH, offset_m=(math.nan,) * 151)
    assert fault(seen(), path=broken) == "lane_unknown"
    then = msgspec.structs.replace(HERE, x_m=19.5)
    hold, _ = observer.take(LaneHold(), seen(), trust(crossing), (then,), TUNING)
    assert hold.fault == "lane_unknown"
    behind = msgspec.structs.replace(HERE, x_m=2.0)
    hold, _ = observer.take(LaneHold(), seen(), trust(), (behind,), TUNING)
    assert hold.fault == "lane_unknown"


# --- how far it moves the path --------------------------------------------------------------------


def drive_on(told: Any, seconds: float = 10.0, speed_mps: float = 20.0) -> tuple[float, float]:
    """Dead reckoning goes straight along the path; where the path has the car after what the lane tells."""
    hold, trusted, place = LaneHold(), trust(index=0), Place(0, 0.0, 0.0, 0.0)
    long_m = round(seconds * speed_mps) + 20
    trusted = TrustedPath(
        msgspec.structs.replace(arc_path(0, float(long_m)), offset_m=(0.0,) * (long_m + 1)),
        place,
    )
    for tick in range(round(20 * seconds)):
        place = Place(tick * 50_000_000 + 1, tick * 0.05 * speed_mps, 0.0, 0.0)
        lane = told(tick, place)
        hold, moved = observer.take(hold, lane, trusted, (place,), TUNING)
        assert moved is not None
        trusted = moved
        at = stop.beside(trusted.path, trusted.base, trusted.index, place)
        trusted = msgspec.structs.replace(trusted, index=at.index)
    return at.offset_m, at.lean_rad


def test_a_steady_miss_is_taken_over_within_seconds() -> None:
    offset_m, lean_rad = drive_on(
        lambda tick, place: seen(place.stamp_ns, offset_m=0.3, heading_rad=1e-9 * tick)
    )
    assert offset_m == pytest.approx(0.3, abs=0.02)
    assert abs(lean_rad) < 0.002


@pytest.mark.parametrize("speed_mps", [8.0, 20.0, 33.0])
@pytest.mark.parametrize("rate_mps", [0.1, -0.3, 1.0])
def test_a_lane_that_creeps_away_moves_the_path_by_less_than_takes_a_car_out(
    speed_mps: float, rate_mps: float
) -> None:
    offset_m, _ = drive_on(
        lambda tick, place: seen(
            place.stamp_ns,
            offset_m=rate_mps * 0.05 * tick,
            heading_rad=rate_mps / speed_mps,
        ),
        speed_mps=speed_mps,
    )
    assert abs(offset_m) < TUNING.most_m + 0.05


@given(
    offsets=st.lists(st.floats(-4.0, 4.0), min_size=40, max_size=40),
    headings=st.lists(st.floats(-0.2, 0.2), min_size=40, max_size=40),
)
@settings(max_examples=30, deadline=None)
def test_no_lie_moves_the_path_further_than_the_bound(
    offsets: list[float], headings: list[float]
) -> None:
    offset_m, lean_rad = drive_on(
        lambda tick, place: seen(
            place.stamp_ns, offset_m=offsets[tick], heading_rad=headings[tick]
        ),
        seconds=2.0,
    )
    assert abs(offset_m) <= TUNING.most_m + 0.05
    assert abs(lean_rad) <= TUNING.most_rad + 1e-9


# --- in the guard ---------------------------------------------------------------------------------


def stop_with_a_gyro_that_errs(told: bool) -> float:
    """How far from the middle a car at 30 m/s stands, whose gyro says 0.2 degrees a second too much."""
    drive = Drive(speed_mps=30.0)
    path = msgspec.structs.replace(arc_path(10_000_000, 190.0), offset_m=(0.0,) * 191)
    gyro = {"yaw_rate_rps": 0.0}
    drive.engage(stop_path=path)
    for tick in range(1300):
        gyro["yaw_rate_rps"] = drive.speed_mps * drive.curvature_per_m + 0.0035
        lane = None
        if told and tick % 5 == 0:
            noise = 1e-6 * tick
            lane = seen(
                drive.stamp_ns + 10_000_000,
                offset_m=drive.y_m + noise,
                heading_rad=drive.yaw_rad + noise,
            )
        drive.tick(stop_path=path, car_changes=gyro, lane=lane)
    assert drive.state.permission is Permission.DRIVER
    assert drive.speed_mps == 0.0
    return abs(drive.y_m)


def test_the_lane_holds_a_car_whose_gyro_errs() -> None:
    alone_m, held_m = stop_with_a_gyro_that_errs(told=False), stop_with_a_gyro_that_errs(told=True)
    assert alone_m > 1.0
    assert held_m < alone_m - 0.4


def test_slip_of_the_rear_axle_is_followed_as_the_car_moves() -> None:
    settings = msgspec.structs.replace(Drive().settings, rear_slip_rad_per_mps2=0.005)
    drive = Drive(settings=settings)
    drive.tick(0.0, car_changes={"yaw_rate_rps": 0.1})
    drive.tick(0.0, car_changes={"yaw_rate_rps": 0.1})
    assert drive.state.slip_rad == pytest.approx(-0.005 * 20.0 * 0.1, rel=1e-3)
    # The axle points left by half a tick of turning, and moves to the right of that by its slip.
    assert drive.state.places[-1].y_m < 0.0
