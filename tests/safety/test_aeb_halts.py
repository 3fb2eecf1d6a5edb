"""Who is beside our way and may yet stop short of it: not braked for in full, and harmless worlds."""

import math

import msgspec
import pytest

from tests.safety.aeb_scenes import play
from tests.safety.aeb_worlds import (
    kerb_stop,
    parallel_people,
    standing_people,
    waits_at_junction,
    walks_away,
    world,
)
from tests.safety.test_aeb_rules import FRONT_M, Run, seen
from volant.core.messages import BrakeStage, ObjectClass
from volant.safety.aeb_paths import Body, Other, Own, halt_mps2

OWN = Own(15.0, 0.0, 0.0, Body(4.4, 1.8, 0.9))
WALKER = Other(20.0, -2.15, 0.0, 1.4, 0.0, 0.5 * math.pi, 0.5, 0.5)
"""A metre beside our way."""


def changed(**values: float) -> Other:
    return msgspec.structs.replace(WALKER, **values)


def test_to_stop_short_takes_speed_squared_over_twice_the_room() -> None:
    assert halt_mps2(OWN, WALKER, 0.0) == pytest.approx(1.4 * 1.4 / 2.0)
    assert halt_mps2(OWN, changed(y_m=2.15, vy_mps=-1.4), 0.0) == pytest.approx(0.98)
    assert halt_mps2(OWN, WALKER, 0.4) == pytest.approx(0.5)


def test_who_leaves_or_is_not_known_to_move_needs_nothing_and_who_is_in_it_cannot() -> None:
    assert halt_mps2(OWN, changed(vy_mps=-1.4), 0.0) == 0.0
    assert halt_mps2(OWN, changed(vy_mps=0.2), 0.3) == 0.0
    assert halt_mps2(OWN, changed(y_m=-1.0), 0.0) == math.inf


def test_room_is_measured_across_to_the_nearest_edge_of_a_long_thing() -> None:
    car = changed(y_m=-3.9, length_m=4.0, width_m=1.8, vy_mps=3.0)
    assert halt_mps2(OWN, car, 0.0) == pytest.approx(4.5)
    assert halt_mps2(OWN, changed(y_m=-2.8, length_m=4.0, width_m=1.8, yaw_rad=0.0), 0.0) == (
        pytest.approx(0.98)
    )


def test_on_a_bend_room_and_speed_are_those_across_the_bend() -> None:
    bent = msgspec.structs.replace(OWN, curvature_per_m=0.01)
    along = changed(y_m=2.0 - 2.15, vx_mps=5.0, vy_mps=1.0, yaw_rad=0.2)
    assert halt_mps2(bent, along, 0.0) == 0.0
    across = changed(y_m=2.0 - 2.15, yaw_rad=0.5 * math.pi + 0.2)
    assert halt_mps2(bent, across, 0.0) == pytest.approx(0.98)


@pytest.mark.parametrize(
    ("speed_mps", "beside_m", "worst"),
    [
        (0.7, 0.5, BrakeStage.WARNING),
        (1.2, 0.75, BrakeStage.PARTIAL),
        (3.0, 1.0, BrakeStage.FULL),
    ],
)
def test_a_walker_is_braked_for_by_what_it_would_take_him_to_stop(
    speed_mps: float, beside_m: float, worst: BrakeStage
) -> None:
    walker = seen(
        FRONT_M + 0.25 + 15.0 * 1.2, -(0.9 + beside_m + 0.25 + 0.4 * speed_mps),
        velocity_y_mps=speed_mps, yaw_rad=0.5 * math.pi, length_m=0.5, width_m=0.5,
        object_class=ObjectClass.PEDESTRIAN,
    )  # fmt: skip
    assert Run().towards(walker, ("ideal",), seconds=0.4) is worst


def test_a_car_that_slows_down_for_its_line_is_not_braked_for() -> None:
    out = play(world(waits_at_junction, 6), "typical", 6)
    assert out.braked_s is None, out


@pytest.mark.slow
@pytest.mark.parametrize("sensors", ["perfect", "typical"])
@pytest.mark.parametrize(
    "kind", [parallel_people, standing_people, waits_at_junction, walks_away, kerb_stop]
)
def test_nobody_who_stays_beside_our_way_is_an_emergency(kind: object, sensors: str) -> None:
    braked = []
    for seed in range(301, 307):
        out = play(world(kind, seed), sensors, seed)  # type: ignore[arg-type]
        assert out.touched_s is None, out
        braked += [out] if out.full_s is not None else []
    assert len(braked) <= (1 if kind is kerb_stop else 0), braked
