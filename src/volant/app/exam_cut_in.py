"""The suite `cut_in`: the grid of sim.cut_in for reference models, and for the car's whole chain.

For the pilot each pass is a scene: pilot, emergency braking and guard as in a drive, true or typical
sensors, and a car that obeys acceleration under the grid's own conditions (0.2 s, jerk limits, 0.774 g).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Final

from volant.app.exam_stage import Task, run_scene
from volant.core.clock import CONTROL_TICK_NS, seconds
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    EgoTruth,
    Gear,
    SensorFrames,
)
from volant.core.ports import Surroundings
from volant.sim.cast import Act, Cue, Role, Trigger
from volant.sim.cut_in import (
    ACTUATION_S,
    BESIDE_M,
    HARD_MPS2,
    JERK_DOWN_MPS3,
    JERK_UP_MPS3,
    LENGTH_M,
    MOST_ACCEL_MPS2,
    MOST_BRAKE_MPS2,
    CutIn,
    Pass,
    drive,
    grid,
    is_harmless,
)
from volant.sim.cut_in_models import MODELS
from volant.sim.exam import CaseResult, Figures
from volant.sim.exam.case import FRONT_M
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import Scene, lane_of, on_lane
from volant.vehicle import CarSpec, CarStart

DRIVERS: Final = (*MODELS, "pilot")
RUN_IN_S: Final = 2.5
"""The pilot is engaged within this time, before the other moves."""
LANE_M: Final = 3.5
START_M: Final = 20.0


@cache
def _cases() -> dict[str, CutIn]:
    return {case.name: case for case in grid()}


def names(count: int) -> tuple[str, ...]:
    """All 1 320, or an even sample."""
    found = tuple(_cases())
    if not 0 < count < len(found):
        return found
    return tuple(found[k * len(found) // count] for k in range(count))


@cache
def careful(name: str) -> Pass:
    """How the careful human fares."""
    return drive(_cases()[name], MODELS["cc"](), MODELS["cc"].delay_s)


def run(task: Task) -> CaseResult:
    """One pass."""
    case, began_s = _cases()[task.case], time.monotonic()
    figures: Figures | None = None
    if task.wanted.driver == "pilot":
        figures, _replay = run_scene(_scene(case), task.wanted)
        crashed = figures.contacts > 0
        held = Pass(crashed, figures.impact_mps or 0.0, figures.accel_hardest_mps2 or 0.0)
    else:
        model = MODELS[task.wanted.driver]
        held = drive(case, model(), model.delay_s)
    avoidable = not careful(task.case).crashed
    harmless = is_harmless(case)
    reasons = []
    if held.crashed and avoidable:
        reasons.append(f"crashed at {held.impact_mps:.1f} m/s where the careful human does not")
    if harmless and held.hardest_mps2 < -HARD_MPS2:
        reasons.append(f"braked at {held.hardest_mps2:.1f} m/s2 for nothing")
    return CaseResult(
        name=task.case,
        kind="low" if round(3.6 * case.ego_mps) <= 60 else "high",
        passed=not reasons,
        reasons=tuple(reasons),
        figures=figures,
        wall_s=time.monotonic() - began_s,
        facts={
            "crashed": float(held.crashed),
            "at_fault": float(held.crashed and avoidable),
            "needless": float(harmless and held.hardest_mps2 < -HARD_MPS2),
            "harmless": float(harmless),
            "cc_crashed": float(not avoidable),
        },
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """Crashes, crashes where CC avoids, needless hard brakings; and CC's own on the same cases."""

    def count(fact: str) -> float:
        return float(sum(result.facts.get(fact) or 0.0 for result in results))

    own = [_cases()[result.name] for result in results if result.facts.get("harmless")]
    needless_cc = sum(careful(case.name).hardest_mps2 < -HARD_MPS2 for case in own)
    return {
        "crashes": count("crashed"),
        "crashes_where_cc_avoids": count("at_fault"),
        "needless_brakings_below_4": count("needless"),
        "cc_crashes": count("cc_crashed"),
        "cc_needless_brakings_below_4": float(needless_cc),
        "harmless_passes": count("harmless"),
    }


def _scene(case: CutIn) -> Scene:
    """A pass of the grid for the car: two lanes, the limit is the ego's speed."""
    road_graph = carriageway(
        "rural", lanes=2, oncoming=0, pieces=(Piece(3000.0),), limits_mps=((0.0, case.ego_mps),)
    )
    ours, theirs = (on_lane(road_graph, lane_of(road_graph, "1", lane)) for lane in (-2, -1))
    apart_m = case.gap_m + (case.ego_mps - case.other_mps) * RUN_IN_S
    over = Act(
        Trigger(Cue.TIME, RUN_IN_S), offset_m=-LANE_M, lateral_mps=case.lateral_mps, direction=-1
    )
    other = Role(
        "cutter",
        theirs,
        START_M + FRONT_M + apart_m + 0.5 * LENGTH_M,
        case.other_mps,
        length_m=LENGTH_M,
        width_m=2.0 * (LANE_M - BESIDE_M) - 1.82,
        acts=(over,),
    )
    return Scene(
        graph=road_graph,
        corridor=ours.corridor,
        start_m=START_M,
        speed_mps=case.ego_mps,
        duration_s=RUN_IN_S + LANE_M / case.lateral_mps + 8.0,
        bounds=(),
        roles=(other,),
        point_car=True,
    )


class PointCar:
    """A car that is a point with a delay: for worlds that lay down what actuators do."""

    def __init__(self, spec: CarSpec, surroundings: Surroundings, start: CarStart) -> None:
        self._spec, self._surroundings = spec, surroundings
        self._x_m, self._y_m, self._yaw_rad = start.pose.x_m, start.pose.y_m, start.pose.yaw_rad
        self._z_m, self._speed_mps, self._accel_mps2 = start.z_m, start.speed_mps, 0.0
        self._curvature_per_m = 0.0
        self._waiting: deque[float] = deque([0.0] * round(ACTUATION_S / seconds(CONTROL_TICK_NS)))
        self._command = Command(stamp_ns=0, accel_mps2=0.0, curvature_per_m=0.0)
        self._controls, self._driven_m = DriverControls(), 0.0

    def set_controls(self, controls: DriverControls) -> None:
        """As `SimCar.set_controls`."""
        self._controls = controls

    def apply(self, command: Command, stamp_ns: int) -> None:  # noqa: ARG002 - the port names it
        """Take a command; it holds until the next one."""
        self._command = command

    def advance(self, stamp_ns: int) -> None:  # noqa: ARG002 - one tick each call
        """Move on by one control tick."""
        dt_s = seconds(CONTROL_TICK_NS)
        wish = max(-MOST_BRAKE_MPS2, min(MOST_ACCEL_MPS2, self._command.accel_mps2))
        self._waiting.append(wish)
        change = self._waiting.popleft() - self._accel_mps2
        self._accel_mps2 += max(-JERK_DOWN_MPS3 * dt_s, min(JERK_UP_MPS3 * dt_s, change))
        before = self._speed_mps
        self._speed_mps = max(0.0, before + self._accel_mps2 * dt_s)
        if self._speed_mps == 0.0:
            self._accel_mps2 = max(self._accel_mps2, 0.0)
        run_m = 0.5 * (before + self._speed_mps) * dt_s
        self._curvature_per_m = self._command.curvature_per_m
        self._yaw_rad += self._curvature_per_m * run_m
        self._x_m += run_m * math.cos(self._yaw_rad)
        self._y_m += run_m * math.sin(self._yaw_rad)
        self._driven_m += run_m

    def truth(self, stamp_ns: int) -> EgoTruth:
        """The true motion."""
        spec = self._spec
        return EgoTruth(
            stamp_ns=stamp_ns,
            x_m=self._x_m,
            y_m=self._y_m,
            z_m=self._z_m,
            yaw_rad=math.remainder(self._yaw_rad, 2.0 * math.pi),
            pitch_rad=0.0,
            roll_rad=0.0,
            speed_mps=self._speed_mps,
            lateral_speed_mps=0.0,
            accel_mps2=self._accel_mps2,
            lateral_accel_mps2=self._curvature_per_m * self._speed_mps**2,
            yaw_rate_rps=self._curvature_per_m * self._speed_mps,
            steer_rad=math.atan(self._curvature_per_m * spec.wheelbase_m),
            length_m=spec.length_m,
            width_m=spec.width_m,
            rear_overhang_m=spec.rear_overhang_m,
        )

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """Its state, without error, and what the sensors delivered."""
        ego = self.truth(stamp_ns)
        state = CarState(
            stamp_ns=stamp_ns,
            speed_mps=ego.speed_mps,
            accel_mps2=ego.accel_mps2,
            lateral_accel_mps2=ego.lateral_accel_mps2,
            yaw_rate_rps=ego.yaw_rate_rps,
            steer_rad=ego.steer_rad,
            gear=Gear.DRIVE,
            indicator=self._command.indicator,
            hold=self._command.hold and ego.speed_mps == 0.0,
            brake_lights=ego.accel_mps2 < -0.7,
            charge_pct=80.0,
            range_m=300_000.0,
            battery_power_w=0.0,
            battery_voltage_v=400.0,
            battery_temperature_k=293.15,
            odometer_m=self._driven_m,
            driver=self._controls,
        )
        return state, self._surroundings.sense(ego, stamp_ns)
