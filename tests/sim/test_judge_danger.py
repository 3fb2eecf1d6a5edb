"""What ground truth required, needless braking, and who is to blame for a contact."""

import math
from typing import Any

import msgspec
import pytest

from tests.sim.places import ego_at, straight
from volant.core.clock import CONTROL_TICK_NS
from volant.core.geometry import Box, boxes_overlap
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
from volant.road import LaneGraph, TrafficRules, traffic_rules
from volant.sim import JudgeInput, JudgeSettings, judge, judge_danger
from volant.sim.exam.roads import crossing
from volant.sim.judge_danger import Danger
from volant.sim.judge_entry import Ground
from volant.sim.scene import lane_of

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


RULES: dict[int, TrafficRules] = {}


def rules_of(graph: LaneGraph) -> TrafficRules:
    """By identity: graphs here live as long as the tests."""
    if id(graph) not in RULES:
        RULES[id(graph)] = traffic_rules(graph)
    return RULES[id(graph)]


def ground_of(seen: EgoTruth, graph: LaneGraph = GRAPH, hint: int | None = None) -> Ground:
    place = graph.locate(seen.x_m, seen.y_m, seen.yaw_rad, hint, 6.0)
    return Ground(graph, rules_of(graph), place)


def blame(contact: dict[str, Any], *looks: tuple[EgoTruth, tuple[TruthObject, ...]]) -> str:
    danger = Danger()
    for seen, objects in looks:
        judge_danger.look(danger, seen, objects, 3.0, ground_of(seen))
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


def squeezed(across_m: float, behind_m: float = 18.0) -> str:
    """We keep our lane at 4.5 m/s; who comes from behind at 9 m/s on a lane that narrows slides in beside us."""
    looks = []
    for k in range(120):
        time_s = 0.05 * k
        left_m = min(-2.5 + across_m * max(time_s - 2.0, 0.0), -1.8)
        x_m = 500.0 - behind_m + 9.0 * time_s
        looks.append((ego(500.0 + 4.5 * time_s, 4.5, 5 * k), (actor(x_m, left_m, 9.0),)))
    return blame({}, *looks)


def test_who_squeezes_into_our_side_from_behind_has_cut_in_and_who_was_there_has_not() -> None:
    assert squeezed(0.5) == "cut_in_beyond_r157"
    assert squeezed(0.5, behind_m=14.0) == "cut_in_beyond_r157"
    assert squeezed(0.0) == "at_fault"


@pytest.mark.parametrize(("own_mps", "other_mps"), [(10.0, 8.0), (15.0, 10.0), (25.0, 20.0)])
@pytest.mark.parametrize("across_mps", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("gap_m", [8.0, 20.0, 36.0])
def test_a_cut_in_that_could_be_avoided_stays_ours_though_it_ends_at_our_side(
    own_mps: float, other_mps: float, across_mps: float, gap_m: float
) -> None:
    """He comes over slowly ahead of us, and we drive on into his side or rear."""
    danger, entered = Danger(), None
    for k in range(400):
        time_s = 0.05 * k
        e = ego(500.0 + own_mps * time_s, own_mps, 5 * k)
        x_m = 500.0 + FRONT_M + gap_m + 2.25 + other_mps * time_s
        a = actor(x_m, max(3.5 - across_mps * time_s, 0.0), other_mps)
        judge_danger.look(danger, e, (a,), 3.0, ground_of(e))
        entered = entered or danger.lane_entries.get(1)
        own = Box(e.x_m + 0.5 * e.length_m - e.rear_overhang_m, e.y_m, 0.0, e.length_m, e.width_m)
        if entered is not None and boxes_overlap(own, Box(a.x_m, a.y_m, 0.0, 4.5, 1.8)):
            break
    else:
        return
    closing_mps = entered.own_mps - entered.along_mps
    avoidable = entered.gap_m / closing_mps > closing_mps / 12.0 + 0.35
    touch = Contact(
        stamp_ns=e.stamp_ns, actor_id=1, closing_mps=4.0, object_class=ObjectClass.CAR,
        struck_from_behind=False,
    )  # fmt: skip
    assert (judge_danger.verdict(danger, touch, e).code == "at_fault") is avoidable


def meet(
    way: list[tuple[float, float, float]],
    mps: float,
    begin: tuple[float, float],
    other_mps: float,
    other_yaw_rad: float = 0.0,
    graph: LaneGraph = GRAPH,
    **more: Any,
) -> str | None:
    """Drive along poses 50 ms apart until the bodies touch: who is to blame, None: they did not."""
    danger, hint, yaw_before = Danger(), None, way[0][2]
    along = math.cos(other_yaw_rad), math.sin(other_yaw_rad)
    for k, (x_m, y_m, yaw_rad) in enumerate(way):
        seen = msgspec.structs.replace(
            ego(speed_mps=mps, k=5 * k), x_m=x_m, y_m=y_m, yaw_rad=yaw_rad,
            yaw_rate_rps=(yaw_rad - yaw_before) / 0.05,
        )  # fmt: skip
        yaw_before, gone_m = yaw_rad, 0.05 * k * other_mps
        at = (begin[0] + along[0] * gone_m, begin[1] + along[1] * gone_m)
        them = actor(0.0, speed_mps=other_mps, yaw_rad=other_yaw_rad, **more)
        them = msgspec.structs.replace(them, x_m=at[0], y_m=at[1])
        ground = ground_of(seen, graph, hint)
        hint = None if ground.place is None else ground.place.lane
        judge_danger.look(danger, seen, (them,), 3.0, ground)
        middle_m = 0.5 * seen.length_m - seen.rear_overhang_m
        cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
        body = Box(x_m + middle_m * cos, y_m + middle_m * sin, yaw_rad, seen.length_m, seen.width_m)
        if boxes_overlap(body, Box(*at, other_yaw_rad, them.length_m, them.width_m)):
            dx, dy = at[0] - body.x_m, at[1] - body.y_m
            behind = cos * dx + sin * dy < -0.5 * seen.length_m
            behind = behind and abs(cos * dy - sin * dx) < 0.5 * (seen.width_m + them.width_m)
            touch = Contact(
                stamp_ns=seen.stamp_ns, actor_id=1, object_class=them.object_class,
                closing_mps=1.0, struck_from_behind=behind and other_mps * along[0] > mps,
            )  # fmt: skip
            return judge_danger.verdict(danger, touch, seen).code
    return None


def change(mps: float, across_mps: float = 1.0) -> list[tuple[float, float, float]]:
    """One second straight on, then over to the lane on the left."""
    yaw, poses = math.asin(across_mps / mps), []
    for k in range(200):
        over_m = min(max(0.05 * (k - 20) * across_mps, 0.0), 3.5)
        moves = 0.0 < over_m < 3.5
        poses.append((500.0 + 0.05 * k * mps, LANE_Y + over_m, yaw if moves else 0.0))
    return poses


@pytest.mark.parametrize(("ahead_m", "other_mps"), [(1.3, 25.0), (4.0, 25.0), (20.0, 21.0)])
def test_our_lane_change_into_a_car_beside_or_ahead_is_our_fault(
    ahead_m: float, other_mps: float
) -> None:
    assert meet(change(25.0), 25.0, (500.0 + ahead_m, LANE_Y + 3.5), other_mps) == "at_fault"


def test_whom_we_move_over_in_front_of_too_close_strikes_us_by_our_fault() -> None:
    # When our side comes into its lane it is 6 m behind and 8 m/s faster: 0.75 s, not 8 / 12 + 0.35.
    begin = 500.0 - 0.92 - 2.25 - 6.0 - 8.0 * 1.85
    assert meet(change(20.0), 20.0, (begin, LANE_Y + 3.5), 28.0) == "at_fault"
    # From 60 m behind it had the time to brake.
    begin -= 54.0
    assert meet(change(20.0), 20.0, (begin, LANE_Y + 3.5), 28.0) == "struck_from_behind"
    straight_on = [(500.0 + k, LANE_Y, 0.0) for k in range(200)]
    assert meet(straight_on, 20.0, (470.0, LANE_Y), 28.0) == "struck_from_behind"


def bend(graph: LaneGraph, lane: int) -> float:
    held = graph.lanes[lane]
    return graph.position(lane, held.length_m).heading_rad - graph.position(lane, 0.0).heading_rad


def turn_right(graph: LaneGraph, start_m: float, mps: float) -> list[tuple[float, float, float]]:
    """Along the first arm and right at the crossing, by the lanes' middles."""
    lane = lane_of(graph, "1", -1)
    s_m, poses = start_m, []
    for _ in range(400):
        held = graph.lanes[lane]
        if s_m > held.length_m:
            right = [
                onward for onward in held.successors
                if math.sin(bend(graph, onward)) < -0.5
            ]  # fmt: skip
            s_m, lane = s_m - held.length_m, (right or list(held.successors))[0]
        at = graph.position(lane, s_m)
        poses.append((at.x_m, at.y_m, at.heading_rad))
        s_m += 0.05 * mps
    return poses


def test_our_turn_into_the_flank_of_who_goes_first_is_our_fault() -> None:
    graph = crossing("give_way")
    poses = turn_right(graph, graph.lanes[lane_of(graph, "1", -1)].length_m - 20.0, 6.0)
    x_m, y_m, yaw_rad = next(pose for pose in poses[::-1] if math.hypot(*pose[:2]) < 60.0)
    told = set()
    for back_m in range(40, 110, 3):
        begin = x_m - back_m * math.cos(yaw_rad), y_m - back_m * math.sin(yaw_rad)
        told.add(meet(poses, 6.0, begin, 8.0, yaw_rad, graph))
    assert "at_fault" in told
    assert "cut_in_beyond_r157" not in told


def test_a_turn_onto_a_person_who_stands_is_our_fault() -> None:
    graph = crossing("give_way")
    poses = turn_right(graph, graph.lanes[lane_of(graph, "1", -1)].length_m - 20.0, 5.0)
    for x_m, y_m, _yaw in poses[90:200:10]:
        there = {"object_class": ObjectClass.PEDESTRIAN, "length_m": 0.5, "width_m": 0.5}
        assert meet(poses, 5.0, (x_m, y_m), 0.0, 0.0, graph, **there) == "at_fault"


def test_a_real_cut_in_on_a_bend_is_still_not_our_fault() -> None:
    graph = straight(3, 3000.0, curvature_per_m=0.002)
    danger = Danger()
    for k in range(81):
        lane_m = 500.0 + 25.0 * 0.05 * k
        here, seen = graph.position(1, lane_m), ego(speed_mps=25.0, k=5 * k)
        seen = msgspec.structs.replace(
            seen, x_m=here.x_m, y_m=here.y_m, yaw_rad=here.heading_rad, yaw_rate_rps=0.05
        )
        there = graph.position(0, 516.0 + 15.0 * 0.05 * k, -min(max(0.05 * (k - 5), 0.0), 3.5))
        them = actor(0.0, speed_mps=15.0, yaw_rad=there.heading_rad)
        them = msgspec.structs.replace(them, x_m=there.x_m, y_m=there.y_m)
        judge_danger.look(danger, seen, (them,), 3.0, ground_of(seen, graph, 1))
        if k == 30:
            break
    touch = Contact(
        stamp_ns=seen.stamp_ns, actor_id=1, object_class=ObjectClass.CAR, closing_mps=1.0,
        struck_from_behind=False,
    )  # fmt: skip
    assert judge_danger.verdict(danger, touch, seen).code == "cut_in_beyond_r157"


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
