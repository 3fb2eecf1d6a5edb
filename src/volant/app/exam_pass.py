"""One pass of the cut-in grid with the car's whole chain: pilot, emergency braking and guard.

The loop is short, for there are 1 320 of them: no bus, no judge, no traffic. The car is a point under the
grid's own conditions (0.2 s, jerk limits, 0.774 g); nobody steers. It holds its speed until the pilot
drives and the other begins to move, so each pass begins as the grid lays down. What counts as a crash is
what `sim.cut_in` says: sides together, the ego's front behind the other's front.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Final

from volant.app import compose as composing
from volant.app.exam_stage import CAR, Wanted
from volant.app.folders import data_folder
from volant.app.trip import Stretch, TripWish
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS, nanoseconds, seconds
from volant.core.errors import InputError
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    DriverRequest,
    EgoTruth,
    Engagement,
    Gear,
    Indicator,
    Observation,
    PilotState,
    Plan,
    RequestKind,
    SensorFrames,
)
from volant.core.settings import find_data
from volant.pilot import PilotSettings, pipeline
from volant.road import LaneGraph
from volant.safety import aeb, guard
from volant.sim import World, WorldSettings
from volant.sim.cast import Act, Cast, Cue, Role, Trigger
from volant.sim.cut_in import (
    ACTUATION_S,
    BESIDE_M,
    JERK_DOWN_MPS3,
    JERK_UP_MPS3,
    LENGTH_M,
    LONGEST_S,
    MOST_ACCEL_MPS2,
    MOST_BRAKE_MPS2,
    CutIn,
    Pass,
)
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import lane_of, on_lane
from volant.vehicle import CarSpec, load_spec

RUN_IN_S: Final = 1.5
"""The pilot sees the other and is engaged within this time, before the other moves."""
LANE_M: Final = 3.5
START_M: Final = 20.0
CALM_S: Final = 1.0
"""Watched on after the other is in the lane and not slower than the ego."""
_AT_NS: Final = nanoseconds(RUN_IN_S)
_HANDS: Final = DriverControls()
_TICK_S: Final = seconds(CONTROL_TICK_NS)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What all passes with one speed of the ego share."""

    graph: LaneGraph
    spec: CarSpec
    pilot: PilotSettings
    ours: int
    theirs: int


@cache
def _ground(ego_mps: float) -> _Ground:
    """Two lanes one way, the limit is the ego's speed."""
    graph = carriageway(
        "rural", lanes=2, oncoming=0, pieces=(Piece(3000.0),), limits_mps=((0.0, ego_mps),)
    )
    file = find_data("cars", CAR, data_folder())
    spec = load_spec(file)
    ours = lane_of(graph, "1", -2)
    stretch = Stretch(on_lane(graph, ours).corridor, START_M, 2990.0, whole=True)
    wish = TripWish(car=CAR, road="scene", seed=1, sensors="perfect", cars=0, distance_m=50.0)
    trip = composing.Trip(wish, file, file, spec, graph, stretch)
    pilot = composing.pilot_settings(trip)
    return _Ground(graph, spec, pilot, ours, lane_of(graph, "1", -1))


class PointCar:
    """A car that is a point with a delay and does not steer; it obeys from `obeys_ns` on."""

    def __init__(self, spec: CarSpec, x_m: float, y_m: float, z_m: float, speed_mps: float) -> None:
        self._spec, self.x_m, self._y_m, self._z_m = spec, x_m, y_m, z_m
        self.speed_mps, self.accel_mps2 = speed_mps, 0.0
        self._waiting: deque[float] = deque([0.0] * round(ACTUATION_S / _TICK_S))
        self._driven_m = 0.0
        self.command: Command | None = None
        self.hardest_mps2 = 0.0

    def advance(self, *, obeys: bool) -> None:
        """Move on by one control tick."""
        asked = self.command.accel_mps2 if obeys and self.command is not None else 0.0
        self._waiting.append(max(-MOST_BRAKE_MPS2, min(MOST_ACCEL_MPS2, asked)))
        change = self._waiting.popleft() - self.accel_mps2
        self.accel_mps2 += max(-JERK_DOWN_MPS3 * _TICK_S, min(JERK_UP_MPS3 * _TICK_S, change))
        self.hardest_mps2 = min(self.hardest_mps2, self.accel_mps2)
        before = self.speed_mps
        self.speed_mps = max(0.0, before + self.accel_mps2 * _TICK_S)
        if self.speed_mps == 0.0:
            self.accel_mps2 = max(self.accel_mps2, 0.0)
        run_m = 0.5 * (before + self.speed_mps) * _TICK_S
        self.x_m += run_m
        self._driven_m += run_m

    def truth(self, stamp_ns: int) -> EgoTruth:
        """The true motion."""
        spec = self._spec
        return EgoTruth(
            stamp_ns=stamp_ns,
            x_m=self.x_m,
            y_m=self._y_m,
            z_m=self._z_m,
            yaw_rad=0.0,
            pitch_rad=0.0,
            roll_rad=0.0,
            speed_mps=self.speed_mps,
            lateral_speed_mps=0.0,
            accel_mps2=self.accel_mps2,
            lateral_accel_mps2=0.0,
            yaw_rate_rps=0.0,
            steer_rad=0.0,
            length_m=spec.length_m,
            width_m=spec.width_m,
            rear_overhang_m=spec.rear_overhang_m,
        )

    def state(self, stamp_ns: int) -> CarState:
        """What the car says of itself, without error."""
        command = self.command
        return CarState(
            stamp_ns=stamp_ns,
            speed_mps=self.speed_mps,
            accel_mps2=self.accel_mps2,
            lateral_accel_mps2=0.0,
            yaw_rate_rps=0.0,
            steer_rad=0.0,
            gear=Gear.DRIVE,
            indicator=Indicator.OFF,
            hold=command is not None and command.hold and self.speed_mps == 0.0,
            brake_lights=self.accel_mps2 < -0.7,
            charge_pct=80.0,
            range_m=300_000.0,
            battery_power_w=0.0,
            battery_voltage_v=400.0,
            battery_temperature_k=293.15,
            odometer_m=self._driven_m,
            driver=_HANDS,
        )


class _Chain:
    """Sensors in, checked command out, as `app.components` joins them."""

    def __init__(self, ground: _Ground) -> None:
        self._pilot, self._spec = ground.pilot, ground.spec
        self._memory = pipeline.start(ground.pilot)
        self._guard, self._aeb = guard.start(), aeb.start()
        self._guarding = composing.guard_settings(ground.spec)
        self._braking = composing.aeb_settings(ground.spec)
        self._plan: Plan | None = None
        self._state: PilotState | None = None
        self.driving = False

    def step(self, car: CarState, frames: SensorFrames | None, stamp_ns: int) -> Command:
        """One control tick."""
        presses: tuple[DriverRequest, ...] = ()
        state = self._state
        if state is not None and state.ready and not self.driving:
            presses = (DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE),)
        seen = Observation(stamp_ns=stamp_ns, car=car, sensors=frames, requests=presses)
        self._memory, out = pipeline.step(self._memory, seen, self._pilot)
        self._plan, self._state = out.plan or self._plan, out.state or self._state
        given = aeb.AebInput(stamp_ns, car, frames, presses)
        self._aeb, emergency = aeb.step(self._aeb, given, self._braking)
        engagement = Engagement.OFF if self._state is None else self._state.engagement
        off = engagement in (Engagement.OFF, Engagement.READY)
        self.driving = self.driving or not off
        self._guard, decision = guard.check(
            self._guard,
            guard.GuardInput(
                stamp_ns=stamp_ns,
                car=car,
                command=out.command,
                aeb=emergency.command,
                near=self._aeb.near,
                stop_path=None if self._plan is None else self._plan.stop_path,
                requests=presses,
                minimal_risk=engagement is Engagement.MINIMAL_RISK,
                pilot_off=off,
            ),
            self._guarding,
        )
        return decision.command


def drive_chain(case: CutIn, wanted: Wanted) -> Pass:
    """One pass of the car's chain.

    Raises:
        InputError: the pilot did not engage before the other moves.
    """
    ground = _ground(case.ego_mps)
    spec, corridor = ground.spec, on_lane(ground.graph, ground.ours).corridor
    x_m, y_m, _yaw = corridor.to_world(START_M, 0.0)
    ahead_m = spec.length_m - spec.rear_overhang_m
    other = _cutter(case, ground, START_M + ahead_m)
    world = World(
        ground.graph,
        WorldSettings(cars=0, sensors=wanted.sensors),
        wanted.seed,
        corridor,
        cast=Cast((other,)),
    )
    car = PointCar(spec, x_m, y_m, corridor.at(START_M).z_m, case.ego_mps)
    chain, calm_s, stamp_ns = _Chain(ground), 0.0, 0
    while seconds(stamp_ns) < RUN_IN_S + LONGEST_S and calm_s < CALM_S:
        stamp_ns += CONTROL_TICK_NS
        car.advance(obeys=stamp_ns > _AT_NS)
        frames = None
        if stamp_ns % PILOT_TICK_NS == 0:
            if stamp_ns >= _AT_NS and not chain.driving:
                raise InputError(f"{case.name}: the pilot did not engage within {RUN_IN_S} s")
            ego = car.truth(stamp_ns)
            world.advance(ego, stamp_ns)
            frames = world.sense(ego, stamp_ns)
            them = world.truth()[0]
            gap_m = them.x_m - 0.5 * LENGTH_M - (car.x_m + ahead_m)
            beside_m = abs(them.y_m - y_m) - 0.5 * (them.width_m + spec.width_m)
            if beside_m < 0.0 and -LENGTH_M < gap_m < 0.0:
                closing_mps = max(car.speed_mps - case.other_mps, 0.0)
                return Pass(True, closing_mps, car.hardest_mps2)
            if gap_m < -2.0 * LENGTH_M:
                break
            settled = abs(them.y_m - y_m) < 0.05 and car.speed_mps <= case.other_mps + 0.05
            calm_s = calm_s + seconds(PILOT_TICK_NS) if settled else 0.0
        car.command = chain.step(car.state(stamp_ns), frames, stamp_ns)
    return Pass(False, 0.0, car.hardest_mps2)


def _cutter(case: CutIn, ground: _Ground, front_m: float) -> Role:
    """The other car: as far ahead as it takes to have the case's gap when it begins to move."""
    apart_m = case.gap_m + (case.ego_mps - case.other_mps) * RUN_IN_S
    over = Act(Trigger(Cue.TIME, RUN_IN_S), offset_m=-LANE_M, lateral_mps=case.lateral_mps)
    return Role(
        "cutter",
        on_lane(ground.graph, ground.theirs),
        front_m + apart_m + 0.5 * LENGTH_M,
        case.other_mps,
        length_m=LENGTH_M,
        width_m=2.0 * (LANE_M - BESIDE_M) - ground.spec.width_m,
        acts=(over,),
    )
