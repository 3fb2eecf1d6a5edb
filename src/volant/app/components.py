"""The components of the car and its world: thin shells around the rooms' pure steps.

A shell reads the bus, calls the step, publishes. Whatever one component knows of another came over the
bus, so that the live executor can give each a process of its own. The order in which `app.compose`
hands them to the executor is the order of one control tick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from volant.caros.cockpit import frame
from volant.core import topics
from volant.core.body import BodyRequest, BodyState
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS, SCREEN_TICK_NS
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import (
    CarState,
    Command,
    Contact,
    ContactVerdict,
    DriverControls,
    EgoTruth,
    Engagement,
    Intervention,
    JudgeFinding,
    Message,
    Observation,
    PowerState,
    SensorFrames,
    WorldTruth,
)
from volant.core.ports import Surroundings
from volant.core.topics import Topic
from volant.pilot import PilotSettings, pipeline
from volant.safety import aeb, guard
from volant.sim import JudgeInput, JudgeSettings, JudgeState
from volant.sim import judge as judging
from volant.vehicle.boot.calibration import Programs

_NOT_DRIVING = (Engagement.OFF, Engagement.READY)
_TOLD_ON: dict[type[Message], Topic] = {
    Intervention: topics.JUDGE_INTERVENTION,
    JudgeFinding: topics.JUDGE_FINDING,
    ContactVerdict: topics.JUDGE_CONTACT,
}


class PlantCar(Protocol):
    """The port of a simulated car: a `Car` whose plant can be moved on and looked into."""

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """As `Car.read`."""

    def apply(self, command: Command, stamp_ns: int) -> None:
        """As `Car.apply`."""

    def set_controls(self, controls: DriverControls) -> None:
        """Take the driver's hands and feet; they hold until the next."""

    def request(self, request: BodyRequest) -> None:
        """Ask something of the body."""

    def set_power(self, state: PowerState) -> None:
        """Take the car's power state; it holds until the next."""

    def struck(self, contact: Contact) -> None:
        """Something has touched the car."""

    def reprogram(self, programs: Programs) -> None:
        """Take what its units have booted anew."""

    def body(self, stamp_ns: int) -> BodyState | None:
        """What the body reports; None when it has nothing new."""

    def advance(self, stamp_ns: int) -> None:
        """Move the plant on to this time."""

    def truth(self, stamp_ns: int) -> EgoTruth:
        """The true motion at the last advance."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A simulated car and what surrounds it; the one state that moves by itself."""

    car: PlantCar
    surroundings: Surroundings


def world(start: Callable[[], Machine]) -> Component:
    """The plant and its surroundings; takes the last checked command, gives what sensors and ECUs say."""
    command_name, controls_name = topics.CAR_COMMAND.name, topics.DRIVER_CONTROLS.name
    body_name, power_name = topics.BODY_REQUEST.name, topics.CAR_POWER.name

    def step(machine: Machine, inputs: Inputs, stamp_ns: int) -> tuple[Machine, Outputs]:
        car, surroundings = machine.car, machine.surroundings
        for controls in inputs.new[controls_name]:
            car.set_controls(controls)
        for request in inputs.new[body_name]:
            car.request(request)
        for power in inputs.new[power_name]:
            car.set_power(power.state)
        for command in inputs.new[command_name]:
            car.apply(command, stamp_ns)
        car.advance(stamp_ns)
        ego = car.truth(stamp_ns)
        surroundings.advance(ego, stamp_ns)
        outputs: list[tuple[Topic, Message]] = [(topics.WORLD_EGO, ego)]
        if stamp_ns % PILOT_TICK_NS == 0:
            truth = WorldTruth(
                stamp_ns=stamp_ns, objects=surroundings.truth(), lights=surroundings.lights()
            )
            outputs.append((topics.WORLD_TRUTH, truth))
        for contact in surroundings.contacts():
            car.struck(contact)
            outputs.append((topics.WORLD_CONTACT, contact))
        body = car.body(stamp_ns)
        if body is not None:
            outputs.append((topics.BODY_STATE, body))
        state, frames = car.read(stamp_ns)
        outputs.append((topics.CAR_STATE, state))
        if frames is not None:
            outputs.append((topics.SENSOR_FRAMES, frames))
        return machine, tuple(outputs)

    return Component(
        name="world",
        period_ns=CONTROL_TICK_NS,
        inputs=(
            topics.DRIVER_CONTROLS,
            topics.BODY_REQUEST,
            topics.CAR_POWER,
            topics.CAR_COMMAND,
        ),
        outputs=(
            topics.WORLD_EGO,
            topics.WORLD_TRUTH,
            topics.WORLD_CONTACT,
            topics.BODY_STATE,
            topics.CAR_STATE,
            topics.SENSOR_FRAMES,
        ),
        start=start,
        step=step,
    )


def pilot(settings: PilotSettings) -> Component:
    """The pilot by its first door: sensors in."""
    car_name, sensors_name = topics.CAR_STATE.name, topics.SENSOR_FRAMES.name
    request_name = topics.DRIVER_REQUEST.name

    def step(
        memory: pipeline.PilotMemory, inputs: Inputs, stamp_ns: int
    ) -> tuple[pipeline.PilotMemory, Outputs]:
        car = inputs.latest[car_name]
        if car is None:
            return memory, ()
        frames = inputs.new[sensors_name]
        observation = Observation(
            stamp_ns=stamp_ns,
            car=car,
            sensors=frames[-1] if frames else None,
            requests=inputs.new[request_name],
        )
        memory, out = pipeline.step(memory, observation, settings)
        outputs: list[tuple[Topic, Message]] = [
            (topic, message)
            for topic, message in (
                (topics.PILOT_LOCALIZATION, out.localization),
                (topics.PILOT_TRACKS, out.tracks),
                (topics.PILOT_PLAN, out.plan),
                (topics.PILOT_STATE, out.state),
                (topics.PILOT_COMMAND, out.command),
            )
            if message is not None
        ]
        outputs.extend((topics.ALERT, alert) for alert in out.alerts)
        return memory, tuple(outputs)

    return Component(
        name="pilot",
        period_ns=CONTROL_TICK_NS,
        inputs=(topics.CAR_STATE, topics.SENSOR_FRAMES, topics.DRIVER_REQUEST),
        outputs=(
            topics.PILOT_LOCALIZATION,
            topics.PILOT_TRACKS,
            topics.PILOT_PLAN,
            topics.PILOT_STATE,
            topics.PILOT_COMMAND,
            topics.ALERT,
        ),
        start=lambda: pipeline.start(settings),
        step=step,
    )


@dataclass(frozen=True, slots=True)
class VehicleMemory:
    """What guard and emergency braking remember."""

    guard: guard.GuardState
    aeb: aeb.AebMemory


def vehicle(settings: guard.GuardSettings, braking: aeb.AebSettings) -> Component:
    """Emergency braking, then the guard: the last check of every command before the actuators."""
    car_name, command_name = topics.CAR_STATE.name, topics.PILOT_COMMAND.name
    plan_name, state_name = topics.PILOT_PLAN.name, topics.PILOT_STATE.name
    request_name, sensors_name = topics.DRIVER_REQUEST.name, topics.SENSOR_FRAMES.name

    def step(memory: VehicleMemory, inputs: Inputs, stamp_ns: int) -> tuple[VehicleMemory, Outputs]:
        latest, new = inputs.latest, inputs.new
        car = latest[car_name]
        if car is None:
            return memory, ()
        frames, requests = new[sensors_name], new[request_name]
        given = aeb.AebInput(stamp_ns, car, frames[-1] if frames else None, requests)
        seen, emergency = aeb.step(memory.aeb, given, braking)
        plan, pilot_state = latest[plan_name], latest[state_name]
        engagement = Engagement.OFF if pilot_state is None else pilot_state.engagement
        state, decision = guard.check(
            memory.guard,
            guard.GuardInput(
                stamp_ns=stamp_ns,
                car=car,
                command=latest[command_name],
                aeb=emergency.command,
                near=seen.near,
                lane=frames[-1].lane if frames else None,
                stop_path=None if plan is None else plan.stop_path,
                requests=requests,
                minimal_risk=engagement is Engagement.MINIMAL_RISK,
                pilot_off=engagement in _NOT_DRIVING,
                assist_curvature_per_m=(
                    0.0 if pilot_state is None else pilot_state.assist_curvature_per_m
                ),
                assist_ns=-1 if pilot_state is None else pilot_state.stamp_ns,
            ),
            settings,
        )
        told = () if emergency.state is None else ((topics.AEB_STATE, emergency.state),)
        return VehicleMemory(state, seen), (
            *told,
            (topics.GUARD_DECISION, decision),
            (topics.CAR_COMMAND, decision.command),
        )

    return Component(
        name="vehicle",
        period_ns=CONTROL_TICK_NS,
        inputs=(
            topics.CAR_STATE,
            topics.SENSOR_FRAMES,
            topics.PILOT_COMMAND,
            topics.PILOT_PLAN,
            topics.PILOT_STATE,
            topics.DRIVER_REQUEST,
        ),
        outputs=(topics.AEB_STATE, topics.GUARD_DECISION, topics.CAR_COMMAND),
        start=lambda: VehicleMemory(guard.start(), aeb.start()),
        step=step,
    )


def judge(settings: JudgeSettings) -> Component:
    """The judge: sees the world's truth, tells what it finds; no component listens to it."""
    ego_name, truth_name = topics.WORLD_EGO.name, topics.WORLD_TRUTH.name
    contact_name, guard_name = topics.WORLD_CONTACT.name, topics.GUARD_DECISION.name
    pilot_name, command_name = topics.PILOT_STATE.name, topics.PILOT_COMMAND.name

    def step(state: JudgeState, inputs: Inputs, stamp_ns: int) -> tuple[JudgeState, Outputs]:
        latest, new = inputs.latest, inputs.new
        ego = latest[ego_name]
        if ego is None:
            return state, ()
        truths = new[truth_name]
        seen = JudgeInput(
            stamp_ns=stamp_ns,
            ego=ego,
            objects=truths[-1].objects if truths else None,
            lights=truths[-1].lights if truths else (),
            contacts=new[contact_name],
            guard=latest[guard_name],
            pilot=latest[pilot_name],
            command=latest[command_name],
        )
        state, told = judging.step(state, seen, settings)
        return state, tuple((_TOLD_ON[type(one)], one) for one in told)

    return Component(
        name="judge",
        period_ns=CONTROL_TICK_NS,
        inputs=(
            topics.WORLD_EGO,
            topics.WORLD_TRUTH,
            topics.WORLD_CONTACT,
            topics.GUARD_DECISION,
            topics.PILOT_STATE,
            topics.PILOT_COMMAND,
        ),
        outputs=(topics.JUDGE_INTERVENTION, topics.JUDGE_FINDING, topics.JUDGE_CONTACT),
        start=judging.start,
        step=step,
    )


def cockpit(settings: frame.FrameSettings, send: Callable[[bytes], object]) -> Component:
    """The cockpit's frames, encoded once and handed to the server's process without waiting."""

    def step(
        state: frame.FrameState, inputs: Inputs, stamp_ns: int
    ) -> tuple[frame.FrameState, Outputs]:
        state, built = frame.build(state, frame.latest_of(inputs), stamp_ns, settings)
        send(frame.encode(built))
        return state, ()

    return Component(
        name="cockpit",
        period_ns=SCREEN_TICK_NS,
        inputs=frame.INPUTS,
        outputs=(),
        start=frame.start,
        step=step,
    )


def recorder(
    write: Callable[[Topic, int, Message], None], sources: Sequence[Component]
) -> Component:
    """Keeps every message of every journalled topic, in the order in which the tick published it."""
    outside = (topics.DRIVER_CONTROLS, topics.DRIVER_REQUEST, topics.BODY_REQUEST)
    ordered = dict.fromkeys(
        topic for topic in (*outside, *(t for source in sources for t in source.outputs))
    )
    kept = tuple(topic for topic in ordered if topic.journal)

    def step(state: int, inputs: Inputs, stamp_ns: int) -> tuple[int, Outputs]:
        count = state
        for topic in kept:
            for message in inputs.new[topic.name]:
                write(topic, stamp_ns, message)
                count += 1
        return count, ()

    return Component(
        name="recorder",
        period_ns=CONTROL_TICK_NS,
        inputs=kept,
        outputs=(),
        start=int,
        step=step,
    )
