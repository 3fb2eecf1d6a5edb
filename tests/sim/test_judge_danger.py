"""What ground truth required, needless braking, and who is to blame for a contact."""

import math
from typing import Any

import msgspec
import pytest

from tests.sim.places import ego_at, straight
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    Command,
    CommandSource,
    Contact,
    EgoTruth,
    FindingKind,
    GuardDecision,
    Indicator,
    ObjectClass,
    TruthObject,
)
from volant.sim import JudgeInput, JudgeSettings, judge, judge_danger
from volant.sim.judge_danger import Danger

GRAPH = straight(3, 3000.0)
LANE_Y = -5.25
FRONT_M = 3.55


def ego(s_m: float = 500.0, speed_mps: float = 20.0, k: int = 0, **more: Any) -> EgoTruth:
    return ego_at(GRAPH, 1, s_m, speed_mps, stamp_ns=k * CONTROL_TICK_NS, **more)


def actor(x_m: float, left_m: float = 0.0, speed_mps: float = 0.0, **more: Any) -> TruthObject:
    values: dict[str, Any] = {
        "actor_id": 1, "object_class": ObjectClass.CAR, "yaw_rad": 0.0, "accel_mps2": 0.0,
        "yaw_rate_rps": 0.0, "length_m": 4.5, "width_m": 1.8, "height_m": 1.5,
        "brake_lights": False, "indicator": Indicator.OFF, **more,
    }  # fmt: skip
    return TruthObject(x_m=x_m, y_m=LANE_Y + left_m, speed_mps=speed_mps, **values)


def walker(x_m: float, left_m: float, speed_mps: float = 1.4) -> TruthObject:
    return actor(
        x_m, left_m, speed_mps, object_class=ObjectClass.PEDESTRIAN, yaw_rad=0.5 * math.pi,
        length_m=0.5, width_m=0.5,
    )  # fmt: skip


def required(*objects: TruthObject, speed_mps: float = 20.0) -> float:
    danger = Danger()
    judge_danger.look(danger, ego(speed_mps=speed_mps), objects, 3.0)
    return danger.required_mps2


def test_who_stands_in_the_way_asks_for_half_the_square_over_the_gap() -> None:
    gap_m = 40.0
    assert required(actor(500.0 + FRONT_M + gap_m + 2.25)) == pytest.approx(5.0, abs=0.05)
    assert required(actor(500.0 + FRONT_M + gap_m + 2.25, speed_mps=10.0)) == pytest.approx(
        100.0 / 80.0, abs=0.02
    )


def test_who_is_beside_or_faster_or_past_asks_for_nothing() -> None:
    assert required(actor(530.0, left_m=3.5), actor(530.0, speed_mps=25.0), actor(490.0)) == 0.0
    assert required(actor(530.0, z_m=6.0)) == 0.0


def test_a_lead_that_brakes_counts_by_where_it_will_stand() -> None:
    lead = actor(500.0 + FRONT_M + 20.0 + 2.25, speed_mps=20.0, accel_mps2=-6.0)
    assert required(lead) == pytest.approx(400.0 / (2.0 * (20.0 + 400.0 / 12.0)), abs=0.05)


def test_who_crosses_counts_only_if_we_meet() -> None:
    assert required(walker(530.0, -2.0)) > 3.0
    assert required(walker(530.0, -9.0)) == 0.0
    assert required(walker(530.0, 2.0)) == 0.0


def test_a_bend_is_followed() -> None:
    danger = Danger()
    turning = msgspec.structs.replace(ego(), yaw_rate_rps=0.2)
    ahead_m, bend = 40.0, 0.01
    x_m, left_m = math.sin(bend * ahead_m) / bend, (1.0 - math.cos(bend * ahead_m)) / bend
    there = actor(500.0 + x_m, left_m, yaw_rad=bend * ahead_m)
    judge_danger.look(danger, turning, (there, actor(500.0 + ahead_m, -2.0, actor_id=2)), 3.0)
    assert danger.lead_gap_m == pytest.approx(ahead_m - FRONT_M - 2.25, abs=0.3)


def blame(contact: dict[str, Any], *looks: tuple[EgoTruth, tuple[TruthObject, ...]]) -> str:
    danger = Danger()
    for seen, objects in looks:
        judge_danger.look(danger, seen, objects, 3.0)
    last = looks[-1][0]
    values = {"object_class": ObjectClass.CAR, "struck_from_behind": False, **contact}
    told = judge_danger.verdict(
        danger, Contact(stamp_ns=last.stamp_ns, actor_id=1, closing_mps=4.0, **values), last
    )
    assert told.at_fault == (told.code == "at_fault")
    assert told.impact_mps == 4.0
    return told.code


def test_struck_from_behind_is_not_our_fault() -> None:
    assert blame({"struck_from_behind": True}, (ego(), ())) == "struck_from_behind"


def test_running_into_a_standing_car_is_our_fault() -> None:
    assert blame({}, (ego(), (actor(540.0),)), (ego(530.0, k=150), (actor(540.0),))) == "at_fault"


def cut_in(gap_m: float, speed_mps: float) -> str:
    x_m = 500.0 + FRONT_M + gap_m + 2.25
    return blame(
        {},
        (ego(), (actor(x_m, 3.5, speed_mps),)),
        (ego(k=5), (actor(x_m, 2.0, speed_mps),)),
        (ego(k=100), (actor(x_m, 0.0, speed_mps),)),
    )


def test_a_cut_in_beyond_the_criterion_is_not_our_fault_and_a_milder_one_is() -> None:
    assert cut_in(5.0, 10.0) == "cut_in_beyond_r157"  # 0.5 s against 10 / 12 + 0.35
    assert cut_in(20.0, 10.0) == "at_fault"
    assert cut_in(-3.0, 10.0) == "cut_in_beyond_r157"


def test_a_person_inside_the_stopping_distance_is_not_our_fault() -> None:
    person = {"object_class": ObjectClass.PEDESTRIAN}
    steps = (ego(), (walker(500.0 + FRONT_M + 15.0, -3.0),))
    near = (ego(k=5), (walker(500.0 + FRONT_M + 15.0, -1.3),))
    far = (ego(k=5), (walker(500.0 + FRONT_M + 60.0, -1.3),))
    assert blame(person, steps, near) == "inside_stopping_distance"
    assert blame(person, (ego(), ()), far) == "at_fault"
    assert blame(person, (ego(), ())) == "at_fault"


def braked(
    source: CommandSource, accel_mps2: float, objects: tuple[TruthObject, ...] = ()
) -> judge.DriveSummary:
    state = judge.start()
    for k in range(60):
        command = Command(stamp_ns=0, accel_mps2=accel_mps2, curvature_per_m=0.0)
        guard = GuardDecision(
            stamp_ns=0, source=source, command=command, limited=False, limits=(), reason="test"
        )
        seen = JudgeInput(
            k * CONTROL_TICK_NS, ego(k=k, accel_mps2=accel_mps2),
            objects=objects if k % 5 == 0 else None, guard=guard,
        )  # fmt: skip
        state, _told = judge.step(state, seen, JudgeSettings(graph=GRAPH))
    kinds = {one.kind for one in state.findings}
    assert kinds <= {FindingKind.NEEDLESS_BRAKING}
    return judge.summary(state)


def test_emergency_braking_without_an_emergency_is_needless() -> None:
    assert braked(CommandSource.AEB, -4.5).needless_brakings == 1
    assert braked(CommandSource.COMFORT, -4.5).needless_brakings == 1
    assert braked(CommandSource.COMFORT, -3.5).needless_brakings == 0
    assert braked(CommandSource.DRIVER, -4.5).needless_brakings == 0


def test_in_an_emergency_braking_is_not_needless_and_bounds_do_not_count() -> None:
    told = braked(CommandSource.AEB, -9.0, (actor(540.0),))
    assert told.needless_brakings == 0
    assert told.accel_min_mps2 is None
    assert braked(CommandSource.AEB, -9.0).accel_min_mps2 == -9.0
