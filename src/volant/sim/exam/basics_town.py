"""Basics of the town: lights, signs, right before left, roundabouts and opposing cars."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache, partial
from typing import Final

from volant.core.geometry import Pose
from volant.core.messages import LightState
from volant.road import LaneGraph, RoadNetwork, build_graph
from volant.road.make_roundabout import REACH_M, roundabout
from volant.road.make_site import End, Site
from volant.road.make_street import Section, street
from volant.sim.cast import Act, Cue, RoadPath, Role, Trigger
from volant.sim.exam.basics_follow import START_M
from volant.sim.exam.case import NO_HANDOVER, SAFE, Case, about, stream
from volant.sim.exam.roads import ARM_M, CORNER_M, arm_at, crossing
from volant.sim.scene import Bound, Scene, lane_of, way
from volant.sim.signals import Shows

APPROACH_M: Final = 120.0
"""The car begins this far before the end of its arm."""
SPEED_MPS: Final = 12.0
APART_S: Final = 1.25
"""Between cars of a stream: whoever crosses it at 12 m/s without waiting hits one (4.5 m at 10 m/s)."""
GETS_ON: Final = Bound("station_m", least=APPROACH_M + 2.0 * CORNER_M + 5.0, why="not stuck")
NO_RUSH: Final = Bound("lateral_accel_p99_mps2", most=3.0, why="no rush")
FREE_MPS: Final = 4.0
"""Who goes first, or sees that nobody is there, is not slower than this (chosen: a quick walk)."""


def _through(
    graph: LaneGraph, to_arm: int, duration_s: float, roles: tuple[Role, ...], *bounds: Bound
) -> Scene:
    """From arm 0 across a crossing onto another arm."""
    goal = (lane_of(graph, str(to_arm + 1), 1), 120.0)
    corridor = way(graph, (lane_of(graph, "1", -1), ARM_M - APPROACH_M), goal)
    return Scene(
        graph=graph,
        corridor=corridor,
        start_m=START_M - 15.0,
        speed_mps=SPEED_MPS,
        duration_s=duration_s,
        bounds=(*SAFE, GETS_ON, NO_RUSH, *bounds, *NO_HANDOVER),
        roles=roles,
        goal=goal,
    )


def _crosser(
    graph: LaneGraph,
    arm: int,
    to_arm: int,
    late_s: float,
    speed_mps: float = 10.0,
    *,
    follows: bool = False,
) -> Role:
    """A car from an arm that would meet a steady own car in the middle, give or take."""
    path = RoadPath(
        way(
            graph,
            (lane_of(graph, str(arm + 1), -1), 0.0),
            (lane_of(graph, str(to_arm + 1), 1), 180.0),
        )
    )
    arrive_s = (APPROACH_M - 5.0 + CORNER_M) / SPEED_MPS + late_s
    at_m = max(ARM_M + CORNER_M - speed_mps * arrive_s, 5.0)
    return Role(f"from {arm} to {to_arm}", path, at_m, speed_mps, follows=follows)


def light(to_arm: int, state: LightState, from_s: float, seed: int) -> Scene:
    """A signalled crossing: red until a green that comes, or green until an amber that comes."""
    from_s = about(stream(seed, "light", to_arm), 0, from_s, 0.1)
    scene = _through(crossing("light"), to_arm, 70.0, ())
    return replace(scene, shows=(Shows("1:l0", state, from_s),))


def green(seed: int) -> Scene:
    """The light has just become green, and stays it until the car is over: drive on."""
    from_s = stream(seed, "green").uniform(0, -2.0, 2.0)
    bound = Bound("speed_min_mps", least=FREE_MPS, why="it was green")
    scene = _through(crossing("light"), 2, 24.0, (), bound)
    return replace(scene, shows=(Shows("1:l0", LightState.GREEN, from_s),))


def light_opposing_left(seed: int) -> Scene:
    """Left at green with cars coming from ahead."""
    chance = stream(seed, "opposing_light")
    graph = crossing("light")
    roles = tuple(
        _crosser(graph, 2, 0, chance.uniform(k, -0.3, 0.3) + 1.8 * k, follows=True)
        for k in range(4)
    )
    scene = _through(graph, 3, 110.0, roles)
    return replace(scene, shows=(Shows("1:l0", LightState.GREEN, 4.0),))


def priority(
    control: str, to_arm: int, others: tuple[tuple[int, int, float], ...], seed: int
) -> Scene:
    """A crossing without lights, and cars that go first: streams of three (from, to, seconds late)."""
    chance = stream(seed, control, to_arm, len(others))
    graph = crossing(control)
    roles = tuple(
        _crosser(graph, one, other, late_s + APART_S * number + chance.uniform(k, -0.2, 0.2))
        for k, (one, other, late_s) in enumerate(others)
        for number in (-1, 0, 1)
    )
    if control == "stop":
        bound = Bound("speed_min_mps", most=0.3, why="stops at the line")
        return _through(graph, to_arm, 60.0, roles, bound)
    if not others:
        bound = Bound("speed_min_mps", least=FREE_MPS, why="nobody is there")
        return _through(graph, to_arm, 26.0, roles, bound)
    return _through(graph, to_arm, 60.0, roles)


def left_waits(seed: int) -> Scene:  # noqa: ARG001 - nothing to vary
    """Right before left: who comes from the left slows down and waits; go first."""
    graph = crossing("right")
    path = RoadPath(way(graph, (lane_of(graph, "4", -1), 0.0), (lane_of(graph, "2", 1), 180.0)))
    stop = Act(Trigger(Cue.TIME, 4.5), speed_mps=0.0, accel_mps2=2.0)
    role = Role("from the left", path, ARM_M - 2.5 - 25.0 - 45.0, 10.0, acts=(stop,))
    bound = Bound("speed_min_mps", least=2.0, why="the other waits")
    return _through(graph, 2, 26.0, (role,), bound)


@cache
def circle() -> LaneGraph:
    """A roundabout with four arms at (0, 0)."""
    site = Site()
    centre, ends = Pose(0.0, 0.0, 0.0), []
    for arm in range(4):
        angle = 0.5 * math.pi * arm
        far, near = REACH_M + 150.0, REACH_M
        begin = Pose(*arm_at(arm, far), math.remainder(angle + math.pi, 2.0 * math.pi))
        goal = Pose(*arm_at(arm, near), begin.yaw_rad)
        site.add(street(str(arm + 1), f"arm {arm}", begin, goal, Section(kmh=50.0), 0.0))
        ends.append((End(str(arm + 1), at_end=True), False))
    roundabout(site, 300, "circle", centre, 0.0, ends)
    return build_graph(
        RoadNetwork("scene", "circle", (1, 8), tuple(site.roads.values()), tuple(site.junctions))
    )


def round_about(to_arm: int, others: int, seed: int, *, brakes: bool = True) -> Scene:
    """Into a roundabout, empty or with cars on it, and out at an arm.

    The others brake for who is in front of them, as people do; or they insist on going first.
    """
    chance = stream(seed, "roundabout", to_arm, others)
    graph = circle()
    length_m = graph.lanes[lane_of(graph, "1", -1)].length_m
    goal = (lane_of(graph, str(to_arm + 1), 1), 100.0)
    corridor = way(graph, (lane_of(graph, "1", -1), length_m - 110.0), goal)
    roles = []
    for k in range(others):
        path = RoadPath(way(graph, (lane_of(graph, "4", -1), 0.0), (lane_of(graph, "2", 1), 120.0)))
        at_m = length_m - 20.0 - 35.0 * k - chance.uniform(k, 30.0, 50.0)
        act = Act(Trigger(Cue.TIME, 0.0), speed_mps=6.5, accel_mps2=1.0)
        at_m = max(at_m, 5.0)
        roles.append(Role(f"circling {k}", path, at_m, 8.0, acts=(act,), follows=brakes))
    bounds = (
        *SAFE,
        Bound("station_m", least=200.0, why="not stuck"),
        NO_RUSH,
    )
    return Scene(
        graph=graph,
        corridor=corridor,
        start_m=5.0,
        speed_mps=11.0,
        duration_s=70.0,
        bounds=(*bounds, *NO_HANDOVER),
        roles=tuple(roles),
        goal=goal,
    )


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [
        Case(f"light-{name}", "red_light", partial(light, arm, state, from_s))
        for name, arm, state, from_s in (
            ("straight", 2, LightState.GREEN, 17.0),
            ("right", 1, LightState.GREEN, 15.0),
            ("left", 3, LightState.GREEN, 20.0),
            ("turns-red", 2, LightState.AMBER, 5.0),
        )
    ]
    found.append(Case("light-green", "green_light", green))
    found.append(Case("light-opposing-left", "opposing_left", light_opposing_left))
    found += [
        Case(
            f"{control.replace('_', '-')}-{name}", control, partial(priority, control, arm, others)
        )
        for control, name, arm, others in (
            ("give_way", "empty", 2, ()),
            ("give_way", "from-right", 2, ((1, 3, 0.0),)),
            ("give_way", "from-both", 2, ((1, 3, -0.5), (3, 1, 2.0))),
            ("give_way", "right-turn", 1, ((3, 1, 0.5),)),
            ("stop", "empty", 2, ()),
            ("stop", "from-left", 2, ((3, 1, 1.0),)),
            ("right", "from-right", 2, ((1, 3, 0.0),)),
            ("right", "empty", 3, ()),
            ("priority", "others-wait", 2, ()),
            ("priority", "opposing-left", 3, ((2, 0, 0.5),)),
            ("priority", "opposing-left-two", 3, ((2, 0, -0.5), (2, 0, 3.0))),
        )
    ]
    found.append(Case("right-left-waits", "right", left_waits))
    found += [
        Case(f"roundabout-{name}", "roundabout", partial(round_about, arm, others))
        for name, arm, others in (
            ("second-exit-empty", 2, 0),
            ("third-exit-busy", 3, 2),
            ("first-exit-busy", 1, 2),
        )
    ]
    insist = partial(round_about, 3, 2, brakes=False)
    found.append(Case("roundabout-third-exit-nobody-yields", "roundabout", insist))
    return tuple(found)
