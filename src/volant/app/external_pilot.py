"""Our pilot as a driver of somebody else's world: roads out of its strips, a guide, a first press.

Only the pilot drives there: emergency braking and the guard stand behind sensors and actuators that such
a world does not have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, PILOT_TICK_NS
from volant.core.messages import (
    Command,
    DriverRequest,
    Engagement,
    LaneStrip,
    Observation,
    RequestKind,
)
from volant.pilot import CarGeometry, PilotMemory, PilotSettings
from volant.pilot import start as start_pilot
from volant.pilot import step as step_pilot
from volant.road import (
    Guide,
    LaneGraph,
    LaneId,
    TrafficRules,
    graph_from_strips,
    make_guide,
    traffic_rules,
)
from volant.sim.external import ExternalBody, ExternalView


@dataclass(frozen=True, slots=True)
class External:
    """The pilot's memory and how it fared."""

    memory: PilotMemory
    begun: bool = False
    handed_back: bool = False
    """It asked for a driver who is not there."""
    words: str = ""


class ExternalPilot:
    """`core.ports.Driver`: the pilot, switched on at once."""

    def __init__(self, settings: PilotSettings) -> None:
        self._settings = settings

    def start(self) -> External:
        """Not yet switched on."""
        return External(start_pilot(self._settings))

    def step(
        self, state: External, observation: Observation, stamp_ns: int
    ) -> tuple[External, Command]:
        """One step of the world, driven in control ticks: their mean command is given.

        The button is pressed until the pilot drives.
        """
        commands: list[Command] = []
        for tick in range(PILOT_TICK_NS // CONTROL_TICK_NS):
            seen = observation
            if tick:
                seen = _carried(observation, commands[-1], tick * CONTROL_TICK_NS)
            elif not state.begun:
                press = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE)
                seen = msgspec.structs.replace(observation, requests=(press,))
            memory, output = step_pilot(state.memory, seen, self._settings)
            commands.append(output.command)
            engaged = memory.engage
            lost = state.begun and engaged.engagement is not Engagement.ENGAGED
            state = replace(
                state,
                memory=memory,
                begun=state.begun or engaged.engagement is Engagement.ENGAGED,
                handed_back=state.handed_back or lost,
                words=engaged.words if lost and not state.words else state.words,
            )
        mean = msgspec.structs.replace(
            commands[0],
            accel_mps2=sum(one.accel_mps2 for one in commands) / len(commands),
            curvature_per_m=sum(one.curvature_per_m for one in commands) / len(commands),
        )
        return state, mean


def _carried(observation: Observation, command: Command, ahead_ns: int) -> Observation:
    """What the car reports between two steps of the world, as it does what it was told."""
    car, stamp_ns = observation.car, observation.stamp_ns + ahead_ns
    speed_mps = max(car.speed_mps + command.accel_mps2 * ahead_ns / NS_PER_S, 0.0)
    yaw_rate_rps = speed_mps * command.curvature_per_m
    moved = msgspec.structs.replace(
        car,
        stamp_ns=stamp_ns,
        speed_mps=speed_mps,
        accel_mps2=command.accel_mps2,
        yaw_rate_rps=yaw_rate_rps,
        lateral_accel_mps2=speed_mps * yaw_rate_rps,
    )
    return Observation(stamp_ns=stamp_ns, car=moved)


def make_pilot(body: ExternalBody, view: ExternalView, wheelbase_m: float) -> ExternalPilot:
    """The pilot for a car and the way of a view."""
    graph, rules, guide = _roads(view.lanes, view.goal)
    car = CarGeometry(
        length_m=body.length_m,
        width_m=body.width_m,
        rear_overhang_m=body.rear_overhang_m,
        wheelbase_m=wheelbase_m,
        max_curvature_per_m=body.max_curvature_per_m,
    )
    return ExternalPilot(PilotSettings(graph=graph, rules=rules, guide=guide, car=car))


@lru_cache(maxsize=8)
def _roads(
    lanes: tuple[LaneStrip, ...], goal: str | None
) -> tuple[LaneGraph, TrafficRules, Guide | None]:
    graph = graph_from_strips(lanes)
    if goal is None:
        return graph, traffic_rules(graph), None
    last = graph.ids[LaneId(goal, 0, -1)]
    guide = make_guide(graph, (last, graph.lanes[last].length_m))
    return graph, traffic_rules(graph), guide
