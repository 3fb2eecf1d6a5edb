"""The car and its port as two components with CAN buses between them, for `volant up --bus`.

The world holds the plant and all control units; the vehicle holds `CanCar`, emergency braking and the
guard. What they know of each other are frames. Nothing else of a tick differs from the direct drive: both
stand on the components of `app.components`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from volant.app import components
from volant.app.components import Machine, VehicleMemory
from volant.core import topics
from volant.core.clock import CONTROL_TICK_NS, PLANT_TICK_NS
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import CanFrame, CanFrames, CarState, FreezeRecord, Message, Trouble
from volant.core.topics import Topic
from volant.safety import aeb, guard
from volant.vehicle.cancar import CanCar
from volant.vehicle.network import CarMapping, Media
from volant.vehicle.network.actuating import FIRST_NS
from volant.vehicle.network.join import Join
from volant.vehicle.silence import STANDS_MPS

_FRAMES: Final = topics.CAN_FRAMES.name
_COMMAND: Final = topics.CAR_COMMAND.name
_STATE: Final = topics.CAR_STATE.name
_BY_FRAMES: Final = (topics.CAR_STATE, topics.BODY_STATE)
"""What the guard's side learns of the car, by frames alone."""
_KEPT: Final = 64
"""Messages of one topic that wait for the guard's half of a tick, as many as a reader keeps."""


@dataclass(frozen=True, slots=True)
class JoinedMachine:
    """A simulated car whose units meet those of other processes on their buses."""

    machine: Machine
    join: Join


def world(start: Callable[[], JoinedMachine]) -> Component:
    """The plant, its control units and its surroundings; commands come and states go as frames."""
    direct = components.world(lambda: start().machine)

    def step(car: JoinedMachine, inputs: Inputs, stamp_ns: int) -> tuple[JoinedMachine, Outputs]:
        car.join.take(_frames_of(inputs))
        given = Inputs(inputs.latest, {**inputs.new, _COMMAND: ()})
        _, outputs = direct.step(car.machine, given, stamp_ns)
        seen = tuple(one for one in outputs if one[0] not in _BY_FRAMES)
        return car, (*seen, *_sent(car.join, stamp_ns))

    return Component(
        name=direct.name,
        period_ns=direct.period_ns,
        inputs=(*(t for t in direct.inputs if t is not topics.CAR_COMMAND), topics.CAN_FRAMES),
        outputs=(*(t for t in direct.outputs if t not in _BY_FRAMES), topics.CAN_FRAMES),
        start=start,
        step=step,
    )


@dataclass(slots=True)
class PortMemory:
    """The port with what it and the guard remember; like a machine it moves by itself."""

    car: CanCar
    join: Join
    inner: VehicleMemory
    troubles: list[Trouble]
    began_ns: int = -1
    """Of the first step."""
    read_ns: int = -1
    """Tick of the last reading."""
    state: CarState | None = None
    """None until everything required has been heard once: nobody commands a car that he does not know."""
    holds_back: bool = False
    """The units were stopping the car before we came: it is not commanded until it stands."""
    waiting: dict[str, tuple[Any, ...]] = field(default_factory=dict)


def vehicle(
    settings: guard.GuardSettings, braking: aeb.AebSettings, mapping: CarMapping
) -> Component:
    """The port of the car, emergency braking and the guard.

    A tick has two halves: at its beginning the car is read and its state told, so that the pilot has it at
    once; in its middle the guard judges what came of that, and its command goes out.
    """
    direct = components.vehicle(settings, braking)
    others = tuple(topic for topic in direct.inputs if topic is not topics.CAR_STATE)

    def start() -> PortMemory:
        media, troubles = Media(), list[Trouble]()

        def report(code: int, failed: bool, stamp_ns: int, snapshot: Mapping[int, bytes]) -> None:
            kept = tuple(FreezeRecord(did=did, record=record) for did, record in snapshot.items())
            troubles.append(Trouble(stamp_ns=stamp_ns, code=code, failed=failed, snapshot=kept))

        car = CanCar(mapping, media, report=report)
        return PortMemory(car, Join(media, mapping.databases), direct.start(), troubles)

    def step(memory: PortMemory, inputs: Inputs, stamp_ns: int) -> tuple[PortMemory, Outputs]:
        tick_ns = stamp_ns - stamp_ns % CONTROL_TICK_NS
        memory.join.take(_frames_of(inputs))
        for topic in others:
            kept = memory.waiting.get(topic.name, ()) + inputs.new[topic.name]
            memory.waiting[topic.name] = kept[-_KEPT:]
        outputs: list[tuple[Topic, Message]] = []
        if memory.read_ns != tick_ns:
            outputs += _read(memory, tick_ns)
        if stamp_ns != tick_ns:
            if memory.state is not None:
                latest = {**inputs.latest, _STATE: memory.state}
                given = Inputs(latest, {**memory.waiting, _STATE: ()})
                memory.inner, said = direct.step(memory.inner, given, tick_ns)
                outputs += said
                _command(memory, said, tick_ns)
            memory.waiting.clear()
        return memory, (*outputs, *_sent(memory.join, tick_ns))

    return Component(
        name=direct.name,
        period_ns=PLANT_TICK_NS,
        inputs=(*others, topics.CAN_FRAMES),
        outputs=(*direct.outputs, *_BY_FRAMES, topics.CAR_TROUBLE, topics.CAN_FRAMES),
        start=start,
        step=step,
    )


def _read(memory: PortMemory, tick_ns: int) -> Outputs:
    """What the port makes of the frames that came, once a tick."""
    if memory.began_ns < 0:
        memory.began_ns = tick_ns
        memory.holds_back = tick_ns > FIRST_NS
    memory.read_ns = tick_ns
    state, _ = memory.car.read(tick_ns)
    told: list[tuple[Topic, Message]] = [(topics.CAR_TROUBLE, one) for one in memory.troubles]
    memory.troubles.clear()
    if state.valid or memory.state is not None:
        memory.state = state
        told.append((topics.CAR_STATE, state))
    body = memory.car.body(tick_ns)
    if body is not None:
        told.append((topics.BODY_STATE, body))
    if state.valid and abs(state.speed_mps) < STANDS_MPS:
        memory.holds_back = False
    return tuple(told)


def _command(memory: PortMemory, said: Outputs, tick_ns: int) -> None:
    """Send the command that the guard has let pass."""
    for topic, message in said:
        if topic is topics.CAR_COMMAND and not memory.holds_back:
            memory.car.apply(message, tick_ns)  # type: ignore[arg-type]


def _frames_of(inputs: Inputs) -> list[CanFrame]:
    return [frame for came in inputs.new[_FRAMES] for frame in came.frames]


def _sent(join: Join, stamp_ns: int) -> Outputs:
    frames = join.give()
    return ((topics.CAN_FRAMES, CanFrames(stamp_ns=stamp_ns, frames=frames)),) if frames else ()
