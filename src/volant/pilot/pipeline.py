"""The pilot's whole tick on one page: memory and observation in, memory and output out.

Every 10 ms the belief about the own car moves on, the engagement machine looks at the driver, and
control asks for acceleration and curvature. Sensors (or somebody else's scene) are folded in when they
arrive; every 50 ms the others are forecast and a motion is planned. Nothing is raised across a tick:
what is broken counts as missing, what is missing ages, and `odd` and `engage` decide what age means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, PILOT_TICK_NS
from volant.core.messages import (
    Alert,
    Command,
    DriverRequest,
    Engagement,
    Localization,
    Observation,
    PilotState,
    Plan,
    RequestKind,
    Tracks,
)
from volant.core.settings import Choices
from volant.pilot import alerts, assist, engage, functions, odd
from volant.pilot.assist import Assist
from volant.pilot.control import follow as control
from volant.pilot.course import Course, prepare
from volant.pilot.engage import EngageInput, EngageState
from volant.pilot.perception import localize, track
from volant.pilot.perception.localize import Ego
from volant.pilot.perception.track import Tracker
from volant.pilot.planning import describe
from volant.pilot.planning.plan import Motion, PlanInput, plan
from volant.pilot.prediction.forecast import foresee
from volant.pilot.settings import PilotSettings
from volant.road import CorridorColumn


@dataclass(frozen=True, slots=True)
class PilotMemory:
    """All that lives from one tick to the next."""

    course: Course
    choices: Choices
    ego: Ego
    tracker: Tracker
    motion: Motion | None
    control: control.Control
    engage: EngageState
    halt_m: float
    """Station where a minimal-risk stop shall end, inf while there is none."""
    told: alerts.Told
    assist: Assist
    stamp_ns: int


@dataclass(frozen=True, slots=True)
class PilotOutput:
    """What one tick gives; the 20 Hz messages are None between pilot ticks."""

    command: Command
    localization: Localization | None
    tracks: Tracks | None
    plan: Plan | None
    state: PilotState | None
    """At pilot ticks and at each change of engagement."""
    alerts: tuple[Alert, ...]


def start(settings: PilotSettings) -> PilotMemory:
    """The pilot at boot: it knows the road, and not yet where it is."""
    return PilotMemory(
        course=prepare(settings.corridor, settings.graph, loops=settings.loops),
        choices=settings.choices,
        ego=localize.start(),
        tracker=track.start(),
        motion=None,
        control=control.Control(),
        engage=EngageState(),
        halt_m=math.inf,
        told=alerts.Told(),
        assist=assist.start(),
        stamp_ns=-CONTROL_TICK_NS,
    )


def step(
    memory: PilotMemory, observation: Observation, settings: PilotSettings
) -> tuple[PilotMemory, PilotOutput]:
    """One control tick."""
    course, tuning, stamp_ns = memory.course, settings.tuning, observation.stamp_ns
    planning = stamp_ns % PILOT_TICK_NS == 0
    choices = _choose(memory.choices, observation.requests)
    # Perception: where am I, who else is there?
    ego, tracker = _perceive(memory, observation, settings, planning=planning)
    # May the pilot drive, and does it?
    before, motion = memory.engage, memory.motion
    domain = odd.assess(
        *(ego, tracker, observation.car, course, settings.destination_m, tuning.domain),
        steers=memory.assist.acting.steers,
    )
    around = None
    if planning or observation.requests:
        around = _around(memory, ego, domain, settings)
    helped, domain = assist.look(
        *(memory.assist, observation, domain, before, around, tuning.functions, tuning.attention)
    )
    given_hands = _engage_input(observation, domain, tuning.engage, steers=helped.acting.steers)
    engaged = engage.step(before, given_hands, tuning.engage)
    halt_m = _halt_m(memory.halt_m, ego, engaged, tuning.plan.risk_decel_mps2)
    # Prediction and planning.
    if planning and ego.matched:
        forecast = foresee(tracker, ego, tuning.forecast)
        given = PlanInput(
            accel_mps2=memory.control.accel_mps2,
            side=np.array(memory.control.side),
            # A stop that has begun is not made harder by what is not seen.
            sight_m=math.inf if engaged.at_risk else domain.sight_m,
            halt_m=halt_m,
            holding=memory.control.hold,
            may_speed_up=domain.demand is None,
        )
        planned = functions.planned(
            choices, helped.acting, 0.0 if motion is None else motion.limit_mps
        )
        bend_mps2 = functions.bend_mps2(tuning.plan.lateral_mps2, helped.acting, tuning.functions)
        motion = plan(
            *(ego, forecast, given, motion, course, planned, settings.car, settings.destination_m),
            *(replace(tuning.plan, lateral_mps2=bend_mps2), tuning.propose, tuning.score),
        )
    # Control.
    asked, kept = _control(memory, ego, motion, engaged, observation, settings)
    # What the driver is warned of and told.
    here = localize.describe(ego, course, valid=domain.valid) if planning else None
    tracks = track.describe(tracker) if planning else None
    helped = assist.finish(helped, observation, engaged, here, tracks, settings.car, tuning.warn)
    told, warnings = alerts.tell(memory.told, engaged, motion, helped, stamp_ns)
    changed = engaged.engagement is not before.engagement
    memory = PilotMemory(
        course, choices, ego, tracker, motion, kept, engaged, halt_m, told, helped, stamp_ns
    )
    output = PilotOutput(
        command=assist.steered(
            control.command_of(asked, stamp_ns),
            *(helped, engaged, observation.car, settings.car, tuning.engage),
        ),
        localization=here,
        tracks=tracks,
        plan=describe.describe(motion, ego, course) if planning and motion is not None else None,
        state=_describe_state(memory, domain) if planning or changed else None,
        alerts=warnings,
    )
    return memory, output


def _perceive(
    memory: PilotMemory, observation: Observation, settings: PilotSettings, *, planning: bool
) -> tuple[Ego, Tracker]:
    """Carry ego and tracks on to now and fold in what arrived, by either door."""
    course, tuning = memory.course, settings.tuning
    ego = localize.move(memory.ego, observation.car, observation.stamp_ns, course, tuning.localize)
    tracker, sensors, scene = memory.tracker, observation.sensors, observation.scene
    if sensors is not None:
        ego = localize.fuse(ego, sensors.lane, sensors.gnss, course, tuning.localize)
        tracker = track.observe(tracker, ego, sensors.detections, tuning.track)
    elif scene is not None:
        ego = localize.place(ego, scene, course, tuning.localize)
        tracker = track.adopt(tracker, ego, scene, course)
    elif planning:
        tracker = track.observe(tracker, ego, (), tuning.track)
    if planning:
        tracker = track.place(tracker, ego, course, tuning.track)
    return ego, tracker


def _control(
    memory: PilotMemory,
    ego: Ego,
    motion: Motion | None,
    engaged: EngageState,
    observation: Observation,
    settings: PilotSettings,
) -> tuple[control.Control, control.Control]:
    """What is asked for now, and what control remembers: the car itself while the driver drives."""
    driver, tuning, before = observation.car.driver, settings.tuning, memory.control
    resting = None
    if engaged.engagement is not Engagement.ENGAGED:
        resting = control.rest(before, ego)
        if not engaged.driving:
            before = resting
        elif engaged.engagement is Engagement.OVERRIDDEN:
            if driver.accelerator > tuning.engage.pressed:
                before = replace(before, accel_mps2=resting.accel_mps2, hold=False)
            if abs(driver.wheel_torque_nm) > tuning.engage.wheel_torque_nm:
                before = replace(resting, accel_mps2=before.accel_mps2, hold=before.hold)
    dt_s = min(max((observation.stamp_ns - memory.stamp_ns) / NS_PER_S, 0.0), 0.1)
    after = control.follow(before, ego, motion, memory.course, settings.car, dt_s, tuning.follow)
    if not math.isfinite(after.accel_mps2 + after.curvature_per_m + sum(after.side)):
        after = control.Control(accel_mps2=-1.5)
    return after, resting if resting is not None and not engaged.driving else after


def _around(
    memory: PilotMemory, ego: Ego, domain: odd.Domain, settings: PilotSettings
) -> functions.Surrounding:
    """What the rules of the functions ask about."""
    course, graph = memory.course, settings.graph
    lane = int(course.table[course.row(ego.station_m), CorridorColumn.LANE])
    return functions.Surrounding(
        driving=memory.engage.driving,
        speed_mps=ego.speed_mps,
        lane=domain.valid,
        lead=memory.motion is not None and memory.motion.lead is not None,
        route=settings.destination_m is not None,
        road_type="" if graph is None else graph.lanes[lane].road_type,
    )


def _engage_input(
    observation: Observation, domain: odd.Domain, tuning: engage.EngageTuning, *, steers: bool
) -> EngageInput:
    driver = observation.car.driver
    kinds = [request.kind for request in observation.requests]
    return EngageInput(
        stamp_ns=observation.stamp_ns,
        engage=RequestKind.ENGAGE in kinds,
        cancel=RequestKind.CANCEL in kinds,
        brake=driver.brake > tuning.pressed,
        accelerator=driver.accelerator > tuning.pressed,
        # Where the driver steers anyway, steering takes nothing over.
        wheel=steers and abs(driver.wheel_torque_nm) > tuning.wheel_torque_nm,
        blocker=domain.blockers[0] if domain.blockers else None,
        demand=domain.demand,
    )


def _halt_m(halt_m: float, ego: Ego, engaged: EngageState, decel_mps2: float) -> float:
    """Where a minimal-risk stop ends: fixed when it begins, inf while there is none."""
    if not engaged.at_risk:
        return math.inf
    if math.isfinite(halt_m):
        return halt_m
    speed_mps = max(ego.speed_mps, 0.0)
    return ego.station_m + speed_mps + 0.5 * speed_mps**2 / decel_mps2


def _choose(choices: Choices, requests: tuple[DriverRequest, ...]) -> Choices:
    """The driver's choices after the buttons pressed since the last tick; wild values are ignored."""
    for request in requests:
        value = request.value
        if value is not None and not math.isfinite(value):
            continue
        if request.kind is RequestKind.SET_SPEED and (value is None or 0.0 <= value <= 40.3):
            choices = msgspec.structs.replace(choices, set_speed_mps=value)
        elif request.kind is RequestKind.SET_TIME_GAP and value is not None and 0.8 <= value <= 3.0:
            choices = msgspec.structs.replace(choices, time_gap_s=value)
    return choices


def _describe_state(memory: PilotMemory, domain: odd.Domain) -> PilotState:
    state, motion, choices = memory.engage, memory.motion, memory.choices
    set_speed_mps = choices.set_speed_mps
    if set_speed_mps is None:
        set_speed_mps = 0.0 if motion is None else motion.limit_mps + choices.limit_offset_mps
    return PilotState(
        stamp_ns=memory.ego.stamp_ns,
        engagement=state.engagement,
        code=state.code,
        words=state.words,
        set_speed_mps=max(set_speed_mps, 0.0),
        time_gap_setting_s=choices.time_gap_s,
        functions=memory.assist.acting.names,
        ready=not domain.blockers,
        blockers=tuple(one.code for one in domain.blockers),
        **assist.told_of(memory.assist),
    )
