"""Lane keeping and its warning in the whole car: a driver who drifts, with the pilot off."""

import math
from dataclasses import dataclass, field

import pytest

from volant.app import components, exam_stage
from volant.app import compose as composing
from volant.app.exam_stage import Wanted
from volant.app.inbox import Inbox
from volant.app.inline import InlineExecutor
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.clock import CONTROL_TICK_NS, nanoseconds, seconds
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import (
    DriverControls,
    DriverRequest,
    Engagement,
    Function,
    Indicator,
    LaneWarning,
    RequestKind,
)
from volant.sim.exam.case import KMH
from volant.sim.exam.roads import LANE_M, Piece, carriageway
from volant.sim.scene import Scene, lane_of, on_lane

SPEED_MPS = 100.0 * KMH
DRIFT_MPS = 0.4
"""Across, of a driver who looks away (ISO 17361 tests with 0.2 to 0.8, recalled)."""
DRIFTS_S, TURNS_S, ENDS_S = 2.0, 1.0, 12.0
LINE_M = 0.5 * LANE_M["motorway"]
SETTLES_S = 0.3
"""Until the driver's own turn has left the car."""
INDICATES = DriverRequest(stamp_ns=0, kind=RequestKind.INDICATE, indicator=Indicator.LEFT)
HOLDS_NM = 4.0
"""Hands that steer: above the 3 Nm at which lane keeping lets go."""


def switch(function: Function) -> DriverRequest:
    return DriverRequest(stamp_ns=0, kind=RequestKind.SWITCH, function=function, value=0.0)


@dataclass
class Drift:
    """What came of it; `side` is +1 for the left."""

    side: float
    out_m: list[tuple[float, float]] = field(default_factory=list)
    """Time and how far the outer front wheel is beyond the line (negative: inside)."""
    across_m: list[float] = field(default_factory=list)
    """The nearer front wheel beyond the line of its side."""
    told: list[tuple[float, LaneWarning]] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    hardest_mps2: float = 0.0

    @property
    def crosses_s(self) -> float:
        """When the wheel comes onto the line."""
        return next(now for now, out in self.out_m if out > 0.0)


def hands(side: float, torque_nm: float, ratio: float, wheelbase_m: float) -> Component:
    """A foot that holds the speed, and hands that turn out of the lane once and then rest."""
    bend = side * DRIFT_MPS / (SPEED_MPS * TURNS_S * SPEED_MPS)

    def step(done: None, inputs: Inputs, stamp_ns: int) -> tuple[None, Outputs]:
        car = inputs.latest[topics.CAR_STATE.name]
        if car is None:
            return done, ()
        turns = DRIFTS_S <= seconds(stamp_ns) < DRIFTS_S + TURNS_S
        controls = DriverControls(
            accelerator=min(max(0.3 * (SPEED_MPS - car.speed_mps) + 0.05, 0.0), 0.5),
            wheel_angle_rad=ratio * math.atan(wheelbase_m * bend) if turns else 0.0,
            wheel_torque_nm=torque_nm,
        )
        return done, ((topics.DRIVER_CONTROLS, controls),)

    return Component(
        name="hands",
        period_ns=CONTROL_TICK_NS,
        inputs=(topics.CAR_STATE,),
        outputs=(topics.DRIVER_CONTROLS,),
        start=lambda: None,
        step=step,
    )


def drive(
    side: float, *requests: DriverRequest, sensors: str = "typical", torque_nm: float = 1.0
) -> Drift:
    """The whole car through a drift on a straight road, never engaged."""
    graph = carriageway(
        "motorway", lanes=3, oncoming=0, pieces=(Piece(1000.0),), limits_mps=((0.0, 36.0),)
    )
    path = on_lane(graph, lane_of(graph, "1", -2))
    scene = Scene(graph, path.corridor, 20.0, SPEED_MPS, ENDS_S, bounds=())
    wanted = Wanted("pilot", sensors, 1)
    trip = exam_stage._trip(scene, wanted, sensors)
    bus, inbox, found, spec = InlineBus(), Inbox(), Drift(side), trip.spec
    for request in requests:
        inbox.put(topics.DRIVER_REQUEST, request, nanoseconds(0.5))
    parts = (
        components.world(lambda: exam_stage._machine(scene, wanted, sensors)),
        hands(side, torque_nm, spec.steering_ratio, spec.wheelbase_m),
        components.pilot(composing.pilot_settings(trip)),
        components.vehicle(composing.guard_settings(spec), composing.aeb_settings(spec)),
    )
    told, words = bus.subscribe(topics.PILOT_STATE), bus.subscribe(topics.ALERT)
    truth, checked = bus.subscribe(topics.WORLD_EGO), bus.subscribe(topics.GUARD_DECISION)
    executor = InlineExecutor(parts, bus, inbox)
    middle_m = scene.corridor.to_world(scene.start_m, 0.0)[1]
    for _ in range(round(ENDS_S / seconds(CONTROL_TICK_NS))):
        now_s, ego = seconds(executor.tick()), truth.latest
        front_m = side * (ego.y_m - middle_m + spec.wheelbase_m * math.sin(ego.yaw_rad))
        found.out_m.append((now_s, front_m + 0.5 * spec.width_m - LINE_M))
        found.across_m.append(abs(front_m) + 0.5 * spec.width_m - LINE_M)
        for state in told.take():
            assert state.engagement in (Engagement.OFF, Engagement.READY)
            if state.departure is not LaneWarning.NONE:
                found.told.append((now_s, state.departure))
        found.alerts += [alert.alert_id for alert in words.take()]
        found.reasons |= {decision.reason for decision in checked.take()}
        if now_s > DRIFTS_S + TURNS_S + SETTLES_S:
            found.hardest_mps2 = max(found.hardest_mps2, abs(ego.lateral_accel_mps2))
    return found


SIDES = pytest.mark.parametrize("side", [1.0, -1.0], ids=["left", "right"])


@pytest.mark.parametrize("sensors", ["perfect", "typical"])
@SIDES
def test_a_driver_who_drifts_is_steered_back_softly_and_stays_in_the_lane(
    side: float, sensors: str
) -> None:
    found = drive(side, sensors=sensors)
    assert "lane_keeping" in found.reasons
    assert max(found.across_m) < -0.1
    assert found.out_m[-1][1] < -0.4
    assert found.hardest_mps2 < 1.5


@SIDES
def test_with_lane_keeping_off_the_warning_alone_comes_before_the_wheel_is_on_the_line(
    side: float,
) -> None:
    found = drive(side, switch(Function.LKA))
    assert "lane_keeping" not in found.reasons
    assert found.out_m[-1][1] > 0.5
    at_s, told = found.told[0]
    assert told is (LaneWarning.LEFT if side > 0.0 else LaneWarning.RIGHT)
    assert 0.1 < found.crosses_s - at_s < 2.0
    assert "departure" in found.alerts


def test_with_the_warning_off_too_nothing_is_told() -> None:
    found = drive(1.0, switch(Function.LKA), switch(Function.LDW))
    assert found.told == []
    assert "departure" not in found.alerts


def test_who_indicates_to_that_side_is_neither_told_nor_steered() -> None:
    found = drive(1.0, INDICATES)
    assert found.told == []
    assert "lane_keeping" not in found.reasons
    assert found.out_m[-1][1] > 0.5


def test_who_holds_the_wheel_firmly_against_it_goes_where_he_steers_and_is_told() -> None:
    found = drive(1.0, torque_nm=HOLDS_NM)
    assert "lane_keeping" not in found.reasons
    assert found.out_m[-1][1] > 0.5
    assert found.told[0][1] is LaneWarning.LEFT
