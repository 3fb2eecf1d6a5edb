"""Puts a driver into a scene: the whole car, its world and its judge, or a reference driver's car.

The pilot gets the car as it is driven: sensors in, its command through emergency braking and guard. A
reference driver is told the truth, and its command goes to the actuators as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from volant.app import components
from volant.app import compose as composing
from volant.app.components import Machine
from volant.app.exam_replay import ego_row, light_rows, object_row
from volant.app.folders import data_folder
from volant.app.inbox import Inbox
from volant.app.inline import InlineExecutor
from volant.app.start import Starter
from volant.app.trip import Stretch, TripWish
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, nanoseconds
from volant.core.component import Component, Inputs, Outputs
from volant.core.errors import InputError
from volant.core.geometry import Pose, wrap_angle_rad
from volant.core.messages import (
    Contact,
    DriverControls,
    DriverRequest,
    EgoTruth,
    Engagement,
    Observation,
    Track,
    TruthObject,
    WorldTruth,
)
from volant.core.messages import Scene as Seen
from volant.core.settings import find_data, nearest
from volant.sim import World, WorldSettings
from volant.sim.cast import Cast
from volant.sim.exam.figures import Figures, Replay, Verdicts, Watch
from volant.sim.judge import summary
from volant.sim.reference import MANNERS, Manner, ReferenceDriver, ReferenceSettings
from volant.sim.scene import Scene
from volant.vehicle import CarSpec, CarStart, SimCar, load_spec, with_perfect_sensors

DRIVERS: Final = ("pilot", *MANNERS)
CAR: Final = "g3-520"
AFTER_CONTACT_NS: Final = NS_PER_S
LETS_GO_MPS2: Final = -1.5
"""The robot's foot leaves the accelerator when the car brakes more than this."""
REPLAY_NS: Final = NS_PER_S // 5
_OFF: Final = (Engagement.OFF, Engagement.READY, Engagement.MINIMAL_RISK)


def check_driver(name: str) -> None:
    """Refuse a driver that there is not.

    Raises:
        InputError: with the nearest names.
    """
    if name not in DRIVERS:
        close = ", ".join(nearest(name, DRIVERS) or DRIVERS)
        raise InputError(f"no driver named {name!r}; nearest: {close}")


@cache
def _spec() -> CarSpec:
    return load_spec(find_data("cars", CAR, data_folder()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who drives a scene, and what the car sees."""

    driver: str
    sensors: str
    seed: int


@dataclass(frozen=True, slots=True)
class Task:
    """One case of a suite, for one driver, as plain words."""

    suite: str
    case: str
    wanted: Wanted
    replay: bool = False
    drawn: bool = False
    """Can be watched in the report even if it passes (app.exam_replay)."""


def run_scene(scene: Scene, wanted: Wanted) -> tuple[Figures, Replay]:
    """Drive a scene to its end; gives its figures, and what is needed to draw it again."""
    stage = _Stage(scene, wanted)
    return stage.run()


@dataclass(slots=True)
class _Film:
    """What happened, a few times a second."""

    stamps_s: list[float] = field(default_factory=list)
    ego: list[tuple[float, ...]] = field(default_factory=list)
    objects: list[tuple[tuple[float | str, ...], ...]] = field(default_factory=list)
    lights: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def take(self, ego: EgoTruth, gap_m: float | None, truth: WorldTruth, words: str) -> None:
        """One picture."""
        self.stamps_s.append(ego.stamp_ns / NS_PER_S)
        self.ego.append(ego_row(ego, gap_m))
        self.objects.append(tuple(object_row(one) for one in truth.objects))
        self.lights.append(light_rows(truth.lights))
        self.words.append(words)

    def replay(self, contacts: Sequence[Contact]) -> Replay:
        """All of it."""
        return Replay(
            stamps_s=tuple(self.stamps_s),
            ego=tuple(self.ego),
            objects=tuple(self.objects),
            lights=tuple(self.lights),
            words=tuple(self.words),
            contacts_s=tuple(one.stamp_ns / NS_PER_S for one in contacts),
        )


class _Stage:
    """One case under way."""

    def __init__(self, scene: Scene, wanted: Wanted) -> None:
        self._scene, self._wanted = scene, wanted
        self._bus, self._inbox = InlineBus(), Inbox()
        level = scene.sensors or wanted.sensors
        self._trip = _trip(scene, wanted, level)
        self._starter = Starter(self._bus, self._inbox) if wanted.driver == "pilot" else None
        bus = self._bus
        self._ego = bus.subscribe(topics.WORLD_EGO)
        self._truth = bus.subscribe(topics.WORLD_TRUTH)
        self._contact = bus.subscribe(topics.WORLD_CONTACT)
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._plan = bus.subscribe(topics.PILOT_PLAN)
        command = topics.PILOT_COMMAND if wanted.driver == "pilot" else topics.CAR_COMMAND
        self._command = bus.subscribe(command)
        for said in scene.said:
            topic = (
                topics.DRIVER_REQUEST
                if isinstance(said.message, DriverRequest)
                else topics.DRIVER_CONTROLS
            )
            self._inbox.put(topic, said.message, nanoseconds(said.at_s))
        parts = (
            components.world(lambda: _machine(scene, wanted, level)),
            *_driving(scene, wanted, self._trip),
            components.judge(composing.judge_settings(self._trip)),
        )
        self._executor = InlineExecutor(parts, self._bus, self._inbox)
        self._contacts: list[Contact] = []
        self._engaged_once = False

    def run(self) -> tuple[Figures, Replay]:
        watch, film = Watch(self._scene), _Film()
        ended_ns: int | None = None
        while ended_ns is None:
            stamp_ns = self._executor.tick()
            if self._starter is not None:
                self._starter.look(stamp_ns)
            ego = self._ego.latest
            truths = self._truth.take()
            objects = truths[-1].objects if truths else None
            judged = self._executor.state_of("judge")
            watch.look(stamp_ns, ego, objects, self._command.latest, judged)
            self._contacts.extend(self._contact.take())
            if stamp_ns % REPLAY_NS == 0 and self._truth.latest is not None:
                plan = self._plan.latest
                film.take(
                    ego, judged.lead_gap_m, self._truth.latest, "" if plan is None else plan.reason
                )
            ended_ns = self._ended(stamp_ns, ego, judged.arrived)
        figures = watch.figures(summary(judged), self._verdicts())
        return figures, film.replay(self._contacts)

    def _ended(self, stamp_ns: int, ego: EgoTruth, arrived: bool) -> int | None:
        state = self._pilot.latest
        if state is not None and state.engagement not in _OFF:
            self._engaged_once = True
        over = stamp_ns >= nanoseconds(self._scene.duration_s)
        there = self._scene.destination_m is not None and arrived and abs(ego.speed_mps) < 0.05
        hit = bool(self._contacts) and stamp_ns - self._contacts[0].stamp_ns >= AFTER_CONTACT_NS
        return stamp_ns if over or there or hit else None

    def _verdicts(self) -> Verdicts:
        state = self._pilot.latest
        off = self._engaged_once and state is not None and state.engagement in _OFF
        judged = summary(self._executor.state_of("judge"))
        first = judged.contact_list[0] if judged.contact_list else None
        return Verdicts(
            at_fault=judged.contacts_at_fault,
            impact_mps=None if first is None else first.impact_mps,
            rule_breaks=len(judged.rule_breaks),
            needless_brakings=judged.needless_brakings,
            handed_back=int(off),
        )


def _trip(scene: Scene, wanted: Wanted, level: str) -> composing.Trip:
    """The scene as the rest of the house knows a drive."""
    wish = TripWish(
        car=CAR, road="scene", seed=wanted.seed, sensors=level, cars=scene.cars, distance_m=50.0
    )
    end_m = scene.corridor.length_m if scene.destination_m is None else scene.destination_m
    car_file = find_data("cars", CAR, data_folder())
    stretch = Stretch(scene.corridor, scene.start_m, end_m, whole=True)
    return composing.Trip(wish, car_file, car_file, _spec(), scene.graph, stretch)


def _machine(scene: Scene, wanted: Wanted, level: str) -> Machine:
    x_m, y_m, yaw_rad = scene.corridor.to_world(scene.start_m, scene.offset_m)
    settings = WorldSettings(cars=scene.cars, sensors=level, faults=scene.faults)
    surroundings = World(
        scene.graph,
        settings,
        wanted.seed,
        scene.corridor,
        cast=Cast(scene.roles),
        shows=scene.shows,
    )
    start = CarStart(
        pose=Pose(x_m, y_m, wrap_angle_rad(yaw_rad)),
        z_m=scene.corridor.at(scene.start_m).z_m,
        speed_mps=scene.speed_mps,
        charge_pct=composing.START_CHARGE_PCT,
    )
    spec = with_perfect_sensors(_spec()) if level == "perfect" else _spec()
    return Machine(SimCar(spec, surroundings, start, Chance.of(wanted.seed, "car")), surroundings)


def _driving(scene: Scene, wanted: Wanted, trip: composing.Trip) -> tuple[Component, ...]:
    if wanted.driver == "pilot":
        return (
            components.pilot(composing.pilot_settings(trip)),
            components.vehicle(
                composing.guard_settings(trip.spec), composing.aeb_settings(trip.spec)
            ),
        )
    spec = trip.spec
    if wanted.driver == "none":
        braking = components.vehicle(composing.guard_settings(spec), composing.aeb_settings(spec))
        return (robot(scene.speed_mps), braking)
    driver = ReferenceDriver(
        ReferenceSettings(
            manner=Manner(wanted.driver),
            corridor=scene.corridor,
            length_m=spec.length_m,
            width_m=spec.width_m,
            rear_overhang_m=spec.rear_overhang_m,
            max_curvature_per_m=spec.max_curvature_per_m,
            destination_m=scene.destination_m,
            set_speed_mps=scene.set_speed_mps,
        )
    )
    return (told_the_truth(driver),)


def robot(speed_mps: float) -> Component:
    """A foot on the accelerator that holds a speed, and leaves it once the car brakes."""

    def step(done: bool, inputs: Inputs, stamp_ns: int) -> tuple[bool, Outputs]:  # noqa: ARG001
        car = inputs.latest[topics.CAR_STATE.name]
        if car is None:
            return done, ()
        done = done or car.accel_mps2 < LETS_GO_MPS2
        share = 0.0 if done else max(0.0, min(0.5, 0.3 * (speed_mps + 0.05 - car.speed_mps)))
        return done, ((topics.DRIVER_CONTROLS, DriverControls(accelerator=share)),)

    return Component(
        name="robot",
        period_ns=CONTROL_TICK_NS,
        inputs=(topics.CAR_STATE,),
        outputs=(topics.DRIVER_CONTROLS,),
        start=bool,
        step=step,
    )


def told_the_truth(driver: ReferenceDriver) -> Component:
    """A driver that sees the true scene; its command goes straight to the car."""

    def step(state: Any, inputs: Inputs, stamp_ns: int) -> tuple[Any, Outputs]:
        car, ego = inputs.latest[topics.CAR_STATE.name], inputs.latest[topics.WORLD_EGO.name]
        truths = inputs.new[topics.WORLD_TRUTH.name]
        if car is None or ego is None:
            return state, ()
        scene = _seen(ego, truths[-1]) if truths else None
        observation = Observation(stamp_ns=stamp_ns, car=car, scene=scene)
        state, command = driver.step(state, observation, stamp_ns)
        return state, ((topics.CAR_COMMAND, command),)

    return Component(
        name="driver",
        period_ns=CONTROL_TICK_NS,
        inputs=(topics.CAR_STATE, topics.WORLD_EGO, topics.WORLD_TRUTH),
        outputs=(topics.CAR_COMMAND,),
        start=driver.start,
        step=step,
    )


def _seen(ego: EgoTruth, truth: WorldTruth) -> Seen:
    return Seen(
        stamp_ns=truth.stamp_ns,
        x_m=ego.x_m,
        y_m=ego.y_m,
        yaw_rad=ego.yaw_rad,
        tracks=tuple(_track(other) for other in truth.objects),
    )


def _track(other: TruthObject) -> Track:
    return Track(
        track_id=other.actor_id,
        object_class=other.object_class,
        x_m=other.x_m,
        y_m=other.y_m,
        yaw_rad=other.yaw_rad,
        speed_mps=other.speed_mps,
        accel_mps2=other.accel_mps2,
        yaw_rate_rps=other.yaw_rate_rps,
        length_m=other.length_m,
        width_m=other.width_m,
        height_m=other.height_m,
        existence=1.0,
        age_s=10.0,
        unseen_s=0.0,
        brake_lights=other.brake_lights,
        indicator=other.indicator,
    )
