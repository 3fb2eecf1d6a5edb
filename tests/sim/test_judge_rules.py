"""Rules of the road on a crossroads made for it: each break is told, and its harmless twin is not."""

import math
from typing import Any

import pytest

from tests.road.crossroads import ARMS, crossroads, light, sign
from tests.sim.places import ego_at, straight
from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import (
    EgoTruth,
    FindingKind,
    Indicator,
    LightState,
    LightTruth,
    ObjectClass,
    TruthObject,
)
from volant.road import LaneGraph, build_graph, parse_road, traffic_rules
from volant.sim import judge_rules
from volant.sim.judge_rules import RuleWatch


def graph_of(**how: Any) -> LaneGraph:
    return build_graph(parse_road(crossroads(**how), "crossroads.xodr"))


def ego(x_m: float, y_m: float, yaw_rad: float, speed_mps: float, k: int, **more: Any) -> EgoTruth:
    plain = ego_at(straight(), 1, 100.0, speed_mps, stamp_ns=k * PILOT_TICK_NS)
    values = {name: getattr(plain, name) for name in plain.__struct_fields__}
    return EgoTruth(**{**values, "x_m": x_m, "y_m": y_m, "yaw_rad": yaw_rad, **more})


def through(
    graph: LaneGraph,
    state: LightState | None = None,
    others: tuple[TruthObject, ...] = (),
    stand_s: float = 0.0,
    speed_mps: float = 8.0,
) -> list[FindingKind]:
    """From the south straight on to the north; may stand before the line for a while."""
    ways = judge_rules.approaches(traffic_rules(graph))
    watch, found = RuleWatch(), []
    lights = () if state is None else (LightTruth(signal="3:7", state=state),)
    y_m, k, stood_s = -70.0, 0, 0.0
    while y_m < 40.0:
        front_m = y_m + 3.55
        wait = -16.0 < front_m < -12.5 and stood_s < stand_s and front_m > -14.0
        speed = 0.0 if wait else speed_mps
        stood_s += 0.05 if wait else 0.0
        seen = ego(1.625, y_m, 0.5 * math.pi, speed, k)
        found += judge_rules.look(watch, seen, others, lights, graph, ways)
        y_m += speed * 0.05
        k += 1
    return [one.kind for one in found]


def test_a_red_light_is_run_only_while_it_is_red() -> None:
    graph = graph_of(signals={"south": light(7)})
    assert traffic_rules(graph).lights[0].signal == "3:7"
    assert through(graph, LightState.RED) == [FindingKind.RED_LIGHT]
    for state in (LightState.GREEN, LightState.AMBER, LightState.OFF, None):
        assert through(graph, state) == []


def test_a_stop_sign_asks_for_a_standstill() -> None:
    graph = graph_of(signals={"south": sign("206")})
    assert through(graph) == [FindingKind.STOP_SIGN]
    assert through(graph, stand_s=0.5) == []
    assert through(graph_of(signals={"south": sign("205")})) == []


def test_who_goes_first_must_not_have_to_brake() -> None:
    graph = graph_of(signals={"south": sign("205"), "east": sign("306"), "west": sign("306")})
    for accel, expected in ((-4.0, [FindingKind.RIGHT_OF_WAY]), (-1.0, [])):
        comes = TruthObject(
            actor_id=4, object_class=ObjectClass.CAR, x_m=16.0, y_m=1.625, yaw_rad=math.pi,
            speed_mps=9.0, accel_mps2=accel, yaw_rate_rps=0.0, length_m=4.5, width_m=1.8,
            height_m=1.5, brake_lights=True, indicator=Indicator.OFF,
        )  # fmt: skip
        assert through(graph, others=(comes,)) == expected


def test_a_red_light_holds_a_standing_car() -> None:
    graph = graph_of(signals={"south": light(7)})
    ways = judge_rules.approaches(traffic_rules(graph))
    watch = RuleWatch()
    seen = ego(1.625, -20.0, 0.5 * math.pi, 0.0, 0)
    red = (LightTruth(signal="3:7", state=LightState.RED),)
    judge_rules.look(watch, seen, (), red, graph, ways)
    assert watch.waits
    green = (LightTruth(signal="3:7", state=LightState.GREEN),)
    judge_rules.look(watch, seen, (), green, graph, ways)
    assert not watch.waits


def along(graph: LaneGraph, seconds: float, **how: Any) -> list[FindingKind]:
    """Along the straight road: speed, or a glide from one lane to the next."""
    ways = judge_rules.approaches(traffic_rules(graph))
    watch, found = RuleWatch(), []
    speed, accel = how.get("speed_mps", 20.0), how.get("accel_mps2", 0.0)
    for k in range(round(seconds / 0.05)):
        aside = min(k * 0.05 * how.get("glide_mps", 0.0), 3.5)
        yaw = how.get("yaw_rad", 0.0)
        seen = ego(
            300.0 + speed * 0.05 * k * math.cos(yaw), -5.25 + aside, yaw, speed, k,
            accel_mps2=accel,
        )  # fmt: skip
        found += judge_rules.look(watch, seen, (), (), graph, ways)
    return [one.kind for one in found]


@pytest.mark.parametrize("mark", ["broken", "solid"])
def test_a_solid_line_is_not_crossed(mark: str) -> None:
    expected = [FindingKind.SOLID_LINE] if mark == "solid" else []
    assert along(straight(mark=mark), 5.0, glide_mps=1.0) == expected


def test_speeding_is_beyond_a_tenth_and_two_kmh_for_two_seconds() -> None:
    road = straight(limit_mps=20.0)
    assert along(road, 5.0, speed_mps=23.0) == [FindingKind.SPEEDING]
    assert along(road, 1.8, speed_mps=23.0) == []
    assert along(road, 5.0, speed_mps=22.5) == []
    assert along(road, 5.0, speed_mps=23.0, accel_mps2=-1.0) == []


def test_the_wrong_way_is_told_once() -> None:
    assert along(straight(), 5.0, yaw_rad=math.pi) == [FindingKind.WRONG_WAY]
    assert set(ARMS) == {"north", "west", "south", "east"}
