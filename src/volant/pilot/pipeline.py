"""The pilot's whole tick on one page: memory and observation in, memory and output out.

Every 10 ms the belief about the own car moves on, the engagement machine looks at the driver, and
control asks for acceleration and curvature. Sensors (or somebody else's scene) are folded in when they
arrive; every 50 ms the others are forecast and a motion is planned. Nothing is raised across a tick:
what is broken counts as missing, what is missing ages, and `odd` and `engage` decide what age means.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, PILOT_TICK_NS
from volant.core.messages import (
    Alert,
    Command,
    DriverRequest,
    Engagement,
    Function,
    Indicator,
    Localization,
    Observation,
    PilotState,
    Plan,
    RequestKind,
    Scene,
    Tracks,
)
from volant.core.settings import Choices
from volant.pilot import alerts, assist, engage, functions, odd
from volant.pilot.assist import Assist
from volant.pilot.control import follow as control
from volant.pilot.course import Course, nowhere
from volant.pilot.engage import EngageInput, EngageState
from volant.pilot.perception import landmarks, localize, track
from volant.pilot.perception.belief import Ego, gnss_is_off
from volant.pilot.perception.health import Watch, keep_watch
from volant.pilot.perception.lanes import RoadMap, make_map
from volant.pilot.perception.lights import Lights, observe_lights, start_lights
from volant.pilot.perception.sightings import Landmarks, know_landmarks, observe_landmarks
from volant.pilot.perception.track import Tracker
from volant.pilot.planning import describe
from volant.pilot.planning.motion import Motion, PlanInput
from volant.pilot.planning.plan import plan
from volant.pilot.prediction.forecast import Array, crossing_circles, foresee
from volant.pilot.prediction.hidden import occlusion_points
from volant.pilot.rolling import Carried, roll, settle
from volant.pilot.settings import PilotSettings


class PilotMemory(msgspec.Struct, frozen=True):
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
    road: RoadMap
    """The lane graph as localisation asks for it; never changes."""
    lights: Lights
    """What the traffic lights show."""
    landmarks: Landmarks
    """Signs, lines and mouths of the map, and what was seen of them last."""
    crossings: Array
    """[c, 3] x, y and radius of the crossings for people; never changes."""
    watch: Watch = msgspec.field(default_factory=Watch)
    """Which sensors are broken, and what that leaves."""
    moved: int = 0
    """How often localisation has put the car into another lane."""
    stage: int = 0
    """How many of the places to pass on the way are passed."""
    indicated: int = 0
    """The driver asks for a lane change until the next plan: +1 left, -1 right."""


class PilotOutput(msgspec.Struct, frozen=True):
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
        course=nowhere(),
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
        road=make_map(settings.graph),
        lights=start_lights(() if settings.rules is None else settings.rules.lights),
        landmarks=know_landmarks(settings.graph),
        crossings=crossing_circles(() if settings.rules is None else settings.rules.crossings),
    )


def step(
    memory: PilotMemory, observation: Observation, settings: PilotSettings
) -> tuple[PilotMemory, PilotOutput]:
    """One control tick."""
    tuning, stamp_ns = settings.tuning, observation.stamp_ns
    # At each pilot tick, or at the first one after it where a live car's pilot comes late.
    planning = stamp_ns // PILOT_TICK_NS != memory.stamp_ns // PILOT_TICK_NS
    choices = _choose(memory.choices, observation.requests)
    indicated = _indicated(memory.indicated, observation.requests)
    # Perception: where am I, who else is there?
    memory = _perceive(memory, observation, settings, planning=planning)
    course, ego, tracker = memory.course, memory.ego, memory.tracker
    # May the pilot drive, and does it?
    before = memory.engage
    domain = odd.assess(
        ego,
        tracker,
        observation.car,
        course,
        memory.watch,
        tuning.domain,
        steers=memory.assist.acting.steers,
    )
    around = _around(memory, domain, settings) if planning or observation.requests else None
    helped, domain = assist.look(
        memory.assist, observation, domain, before, around, tuning.functions, tuning.attention
    )
    given_hands = _engage_input(observation, domain, tuning.engage, steers=helped.acting.steers)
    engaged = engage.step(before, given_hands, tuning.engage)
    halt_m = _halt_m(memory.halt_m, ego, engaged, tuning.stop.risk_decel_mps2)
    memory = msgspec.structs.replace(
        memory, choices=choices, engage=engaged, halt_m=halt_m, assist=helped, indicated=indicated
    )
    # Prediction and planning.
    motion = memory.motion
    if planning and ego.matched:
        motion = _plan(memory, settings, domain)
    # Control.
    asked, kept = _control(memory, motion, observation, settings)
    # What the driver is warned of and told.
    here = localize.describe(ego, course, valid=domain.valid) if planning else None
    tracks = track.describe(tracker) if planning else None
    helped = assist.finish(helped, observation, engaged, here, tracks, settings.car, tuning.warn)
    told, warnings = alerts.tell(
        memory.told, engaged, motion, helped, memory.watch.health.codes(), stamp_ns
    )
    changed = engaged.engagement is not before.engagement
    memory = msgspec.structs.replace(
        memory,
        motion=motion,
        control=kept,
        told=told,
        assist=helped,
        stamp_ns=stamp_ns,
        indicated=0 if planning else indicated,
    )
    command = control.command_of(asked, motion if engaged.driving else None, stamp_ns)
    output = PilotOutput(
        command=assist.steered(
            command, helped, engaged, observation.car, settings.car, tuning.engage
        ),
        localization=here,
        tracks=tracks,
        plan=describe.describe(motion, ego, course) if planning and motion is not None else None,
        state=_describe_state(memory, domain) if planning or changed else None,
        alerts=warnings,
    )
    return memory, output


def _plan(memory: PilotMemory, settings: PilotSettings, domain: odd.Domain) -> Motion:
    """The motion of this tick, out of everything that is known now."""
    tuning, kept, acting = settings.tuning, memory.control, memory.assist.acting
    limit_mps = 0.0 if memory.motion is None else memory.motion.limit_mps
    given = PlanInput(
        ego=memory.ego,
        forecast=foresee(
            memory.tracker,
            memory.ego,
            tuning.forecast,
            memory.course,
            memory.road,
            memory.crossings,
        ),
        tracks=memory.tracker.confirmed,
        course=memory.course,
        way=settings.way(memory.stage),
        choices=functions.planned(memory.choices, acting, limit_mps),
        car=settings.car,
        before=memory.motion,
        accel_mps2=kept.accel_mps2,
        side=kept.side,
        shift=kept.shift,
        # A stop that has begun is not made harder by what is not seen.
        sight_m=math.inf if memory.engage.at_risk else domain.sight_m,
        halt_m=memory.halt_m,
        holding=kept.hold,
        may_speed_up=domain.demand is None,
        driving=memory.engage.engagement in _PLANS_LANES and acting.steers,
        indicated=memory.indicated if acting.may(Function.LANE_CHANGE) else 0,
        lights=tuple(
            (name, memory.lights.state(name, memory.ego.stamp_ns, tuning.lights), one.seen_ns)
            for name, one in memory.lights.beliefs.items()
        ),
        hidden=occlusion_points(memory.tracker, memory.ego, tuning.hidden),
        blind=memory.watch.blind_sides,
        overtakes=acting.may(Function.NAVIGATION)
        or (settings.guide is None and Function.NAVIGATION not in acting.off),
    )
    bend_mps2 = functions.bend_mps2(tuning.plan.lateral_mps2, acting, tuning.functions)
    planning = tuning.planning
    if bend_mps2 != planning.plan.lateral_mps2:
        planning = replace(planning, plan=replace(planning.plan, lateral_mps2=bend_mps2))
    return plan(given, planning)


BERTH_M: Final = 1.0
"""Rolled on by less, the car still stands where it was parked: within what satellites tell (chosen)."""
_PLANS_LANES: Final = (Engagement.ENGAGED, Engagement.TAKEOVER)
"""The pilot drives and goes on with what it does across the road."""


def _indicated(before: int, requests: tuple[DriverRequest, ...]) -> int:
    """The lane change that the stalk asked for since the last plan."""
    sides = {Indicator.LEFT: 1, Indicator.RIGHT: -1, Indicator.OFF: 0}
    for request in requests:
        if request.kind is RequestKind.INDICATE and request.indicator in sides:
            before = sides[request.indicator]
    return before


def _perceive(
    memory: PilotMemory, observation: Observation, settings: PilotSettings, *, planning: bool
) -> PilotMemory:
    """Carry ego and tracks on to now and fold in what arrived, by either door; the course follows."""
    tuning, road = settings.tuning, memory.road
    course = memory.course if memory.course.known else None
    ego = localize.move(memory.ego, observation.car, observation.stamp_ns, course, tuning.localize)
    carried = ego
    tracker, sensors, scene = memory.tracker, observation.sensors, observation.scene
    rolled_m = abs(observation.car.odometer_m - settings.berth_odometer_m)
    at_berth = abs(ego.speed_mps) < 0.1 and rolled_m < BERTH_M
    if not ego.matched and settings.berth is not None and at_berth:
        x_m, y_m, yaw_rad = settings.berth
        parked = Scene(stamp_ns=observation.stamp_ns, x_m=x_m, y_m=y_m, yaw_rad=yaw_rad, tracks=())
        ego = localize.place(ego, parked, course, tuning.localize, road)
    if sensors is not None:
        ego = localize.fuse(ego, sensors.lane, sensors.gnss, course, tuning.localize, road)
        tracker = track.observe(tracker, ego, sensors.detections, tuning.track)
    elif scene is not None:
        ego = localize.place(ego, scene, course, tuning.localize, road)
        if course is not None:
            tracker = track.adopt(tracker, ego, scene, course)
    elif planning:
        tracker = track.observe(tracker, ego, (), tuning.track)
    held = Carried(
        *(memory.course, ego, tracker, memory.motion, memory.control, memory.halt_m, memory.moved),
        stage=memory.stage,
    )
    held = settle(held, carried)
    if planning:
        held = roll(held, settings.way(held.stage), tuning.track)
        tracker = track.place(held.tracker, held.ego, held.course, tuning.track)
        held = msgspec.structs.replace(held, tracker=tracker)
    lights, marks = memory.lights, memory.landmarks
    if planning and held.ego.matched and held.course.known:
        frame = None if sensors is None else sensors.lights
        lights = observe_lights(lights, held.ego, held.course, frame, tuning.lights)
        if lights.frame_ns != memory.lights.frame_ns:
            seen = landmarks.fuse_marks(
                held.ego, lights.sighted, lights.frame_ns, held.course, tuning.localize
            )
            held = msgspec.structs.replace(held, ego=seen)
        signs = None if sensors is None else sensors.landmarks
        if signs is not None:
            tunings = (tuning.localize, tuning.sightings)
            marks, seen = observe_landmarks(marks, held.ego, held.course, signs, tunings)
            held = msgspec.structs.replace(held, ego=seen)
    watch = memory.watch
    if planning:
        off = gnss_is_off(held.ego, tuning.localize)
        watch = keep_watch(watch, tracker, held.ego, tuning.health, gnss_off=off)
    return msgspec.structs.replace(
        memory,
        watch=watch,
        lights=lights,
        landmarks=marks,
        course=held.course,
        ego=held.ego,
        tracker=held.tracker,
        motion=held.motion,
        control=held.control,
        halt_m=held.halt_m,
        moved=held.moved,
        stage=held.stage,
    )


def _control(
    memory: PilotMemory,
    motion: Motion | None,
    observation: Observation,
    settings: PilotSettings,
) -> tuple[control.Control, control.Control]:
    """What is asked for now, and what control remembers: the car itself while the driver drives."""
    driver, tuning, engaged = observation.car.driver, settings.tuning, memory.engage
    before, ego = memory.control, memory.ego
    resting = None
    if engaged.engagement is not Engagement.ENGAGED:
        resting = control.rest(before, ego)
        if not engaged.driving:
            before = resting
        elif engaged.engagement is Engagement.OVERRIDDEN:
            if driver.accelerator > tuning.engage.pressed:
                before = msgspec.structs.replace(before, accel_mps2=resting.accel_mps2, hold=False)
            if abs(driver.wheel_torque_nm) > tuning.engage.wheel_torque_nm:
                before = msgspec.structs.replace(
                    resting, accel_mps2=before.accel_mps2, hold=before.hold
                )
    dt_s = min(max((observation.stamp_ns - memory.stamp_ns) / NS_PER_S, 0.0), 0.1)
    after = control.follow(
        before, ego, motion, memory.course, settings.car, dt_s, tuning.follow, tuning.propose
    )
    if not math.isfinite(after.accel_mps2 + after.curvature_per_m + sum(after.side)):
        after = control.Control(accel_mps2=-1.5)
    return after, resting if resting is not None and not engaged.driving else after


def _around(
    memory: PilotMemory, domain: odd.Domain, settings: PilotSettings
) -> functions.Surrounding:
    """What the rules of the functions ask about."""
    course = memory.course
    lane = course.lane_index_at(memory.ego.station_m)
    return functions.Surrounding(
        driving=memory.engage.driving,
        speed_mps=memory.ego.speed_mps,
        lane=domain.valid,
        lead=memory.motion is not None and memory.motion.lead is not None,
        route=settings.guide is not None,
        road_type=settings.graph.lanes[lane].road_type if course.known else "",
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
        blocker_words=tuple(one.words for one in domain.blockers),
        degraded=tuple(code for code, _words in memory.watch.health.codes()),
        **assist.told_of(memory.assist),
    )
