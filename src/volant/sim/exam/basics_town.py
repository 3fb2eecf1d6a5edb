"""Basics of the town: lights, signs, right before left, roundabouts, opposing cars, and people."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Final

from volant.core.geometry import Pose
from volant.road import LaneGraph, RoadNetwork, build_graph
from volant.road.make_roundabout import REACH_M, roundabout
from volant.road.make_site import End, Site
from volant.road.make_street import Section, street
from volant.sim.cast import Act, Cue, FreePath, RoadPath, Role, Trigger
from volant.sim.columns import BodyClass
from volant.sim.exam.basics_follow import START_M
from volant.sim.exam.case import NO_HANDOVER, SAFE, Case, about, stream
from volant.sim.exam.roads import ARM_M, CORNER_M, Piece, arm_at, carriageway, crossing
from volant.sim.scene import Bound, Scene, lane_of, on_lane, way

APPROACH_M: Final = 120.0
"""The car begins this far before the end of its arm."""
SPEED_MPS: Final = 12.0
PERSON: Final = (0.5, 0.6, 1.75)
GETS_ON: Final = Bound("station_m", least=APPROACH_M + 2.0 * CORNER_M + 5.0, why="not stuck")


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
        bounds=(*SAFE, GETS_ON, *bounds, *NO_HANDOVER),
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


def light(to_arm: int, seed: int) -> Scene:  # noqa: ARG001 - the world takes it
    """A signalled crossing; the seed says what it shows."""
    return _through(crossing("light"), to_arm, 90.0, ())


def light_opposing_left(seed: int) -> Scene:
    """Left at green with cars coming from ahead."""
    chance = stream(seed, "opposing_light")
    graph = crossing("light")
    roles = tuple(
        _crosser(graph, 2, 0, chance.uniform(k, 0.0, 1.0) + 3.0 * k, follows=True) for k in range(3)
    )
    return _through(graph, 3, 110.0, roles)


def priority(
    control: str, to_arm: int, others: tuple[tuple[int, int, float], ...], seed: int
) -> Scene:
    """A crossing without lights, and cars (from, to, seconds late) that go first."""
    chance = stream(seed, control, to_arm, len(others))
    graph = crossing(control)
    roles = tuple(
        _crosser(graph, one, other, late_s + chance.uniform(k, -0.6, 0.6))
        for k, (one, other, late_s) in enumerate(others)
    )
    bounds = (
        (Bound("speed_min_mps", most=0.3, why="stops at the line"),) if control == "stop" else ()
    )
    return _through(graph, to_arm, 60.0, roles, *bounds)


def left_waits(seed: int) -> Scene:  # noqa: ARG001 - nothing to vary
    """Right before left: who comes from the left slows down and waits; go first."""
    graph = crossing("right")
    path = RoadPath(way(graph, (lane_of(graph, "4", -1), 0.0), (lane_of(graph, "2", 1), 180.0)))
    stop = Act(Trigger(Cue.TIME, 4.5), speed_mps=0.0, accel_mps2=2.0)
    role = Role("from the left", path, ARM_M - 2.5 - 25.0 - 45.0, 10.0, acts=(stop,))
    return _through(graph, 2, 50.0, (role,))


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


def round_about(to_arm: int, others: int, seed: int) -> Scene:
    """Into a roundabout, empty or with cars on it, and out at an arm."""
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
        roles.append(Role(f"circling {k}", path, max(at_m, 5.0), 8.0, acts=(act,)))
    bounds = (
        *SAFE,
        Bound("station_m", least=200.0, why="not stuck"),
        Bound("lateral_accel_p99_mps2", most=3.0, why="no rush"),
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


def _street(zebra_m: float | None = None) -> LaneGraph:
    return carriageway("town", pieces=(Piece(900.0),), limits_mps=((0.0, 13.9),), zebra_m=zebra_m)


def _walker(
    at_m: float,
    from_y_m: float,
    to_y_m: float,
    seconds_before: float,
    speed_mps: float = 1.4,
    stop_after_m: float | None = None,
) -> Role:
    """A person who crosses at a station of the street along x, by when the car arrives."""
    path = FreePath(((at_m, from_y_m), (at_m, to_y_m)))
    go = Act(Trigger(Cue.ARRIVAL, seconds_before, at_m, -1.6), speed_mps=speed_mps, accel_mps2=2.0)
    if stop_after_m is not None:
        path = FreePath(((at_m, from_y_m), (at_m, from_y_m + stop_after_m)))
    return Role(
        "person",
        path,
        0.0,
        body=BodyClass.PEDESTRIAN,
        acts=(go,),
        length_m=PERSON[0],
        width_m=PERSON[1],
        height_m=PERSON[2],
    )


def _on_street(
    graph: LaneGraph, roles: tuple[Role, ...], bounds: tuple[Bound, ...], speed_mps: float = 13.0
) -> Scene:
    return Scene(
        graph=graph,
        corridor=on_lane(graph, lane_of(graph, "1", -1), 900.0).corridor,
        start_m=START_M,
        speed_mps=speed_mps,
        duration_s=40.0,
        bounds=(*SAFE, *bounds, *NO_HANDOVER),
        roles=roles,
    )


def zebra(from_right: bool, seconds_before: float, seed: int) -> Scene:
    """A person crosses where people go first."""
    chance = stream(seed, "zebra", int(from_right), round(10 * seconds_before))
    at_m = 170.0
    side = -1.0 if from_right else 1.0
    person = _walker(
        at_m, side * 4.6, -side * 6.0, about(chance, 0, seconds_before), chance.uniform(1, 1.2, 1.6)
    )
    return _on_street(
        _street(at_m),
        (person,),
        (
            Bound("accel_hardest_mps2", least=-5.0, why="seen in time"),
            Bound("station_m", least=200.0, why="goes on afterwards"),
        ),
    )


def between_parked(from_right: bool, seconds_before: float, seed: int) -> Scene:
    """A person steps out between parked cars."""
    chance = stream(seed, "parked", int(from_right), round(10 * seconds_before))
    graph = _street()
    at_m = chance.uniform(0, 150.0, 180.0)
    side = -1.0 if from_right else 1.0
    parked_y_m = side * (3.25 + 1.1)
    path = FreePath(((0.0, parked_y_m), (900.0, parked_y_m)))
    parked = tuple(
        Role(f"parked {k}", path, at_m + offset_m, 0.0)
        for k, offset_m in enumerate((-14.0, -8.5, -3.0, 3.2, 8.8))
    )
    person = _walker(
        at_m, side * 6.5, -side * 6.5, about(chance, 1, seconds_before), chance.uniform(2, 1.1, 1.8)
    )
    return _on_street(graph, (person, *parked), (), 11.0)


def harmless_person(stops: bool, seed: int) -> Scene:
    """A person walks along the footway, or comes to the kerb and stops there."""
    chance = stream(seed, "harmless", int(stops))
    graph = _street()
    if stops:
        person = _walker(160.0, -7.5, 6.0, 5.0, 1.3, stop_after_m=2.6)
    else:
        path = FreePath(((0.0, -4.9), (900.0, -4.9)))
        person = Role(
            "person",
            path,
            chance.uniform(0, 110.0, 140.0),
            1.3,
            body=BodyClass.PEDESTRIAN,
            length_m=PERSON[0],
            width_m=PERSON[1],
            height_m=PERSON[2],
        )
    bounds = (
        Bound("accel_hardest_mps2", least=-3.0, why="caution, no emergency"),
        Bound("station_m", least=260.0, why="not stuck"),
    )
    return _on_street(graph, (person,), bounds)


def crossing_cyclist(from_right: bool, seed: int) -> Scene:
    """A cyclist crosses the street where nothing says so, in good time to stop."""
    chance = stream(seed, "crossing_cyclist", int(from_right))
    at_m, side = 180.0, -1.0 if from_right else 1.0
    path = FreePath(((at_m, side * 12.0), (at_m, -side * 15.0)))
    go = Act(Trigger(Cue.ARRIVAL, about(chance, 0, 5.0), at_m, -1.6), speed_mps=4.0, accel_mps2=2.0)
    rider = Role(
        "cyclist",
        path,
        0.0,
        body=BodyClass.CYCLIST,
        acts=(go,),
        length_m=1.8,
        width_m=0.6,
        height_m=1.7,
    )
    return _on_street(_street(), (rider,), ())


def lane_visit(seed: int) -> Scene:
    """An oncoming car comes over the middle line and goes back."""
    chance = stream(seed, "lane_visit")
    graph = _street()
    path = FreePath(((500.0, 1.7), (0.0, 1.7)))
    over = Act(Trigger(Cue.TIME, about(chance, 0, 5.5, 0.05)), offset_m=0.9, lateral_mps=0.8)
    back = Act(Trigger(Cue.TIME, 8.0), offset_m=0.0, lateral_mps=1.2)
    return _on_street(graph, (Role("oncoming", path, 160.0, 12.0, acts=(over, back)),), ())


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [
        Case(f"light-{name}", "red_light", partial(light, arm))
        for name, arm in (("straight", 2), ("right", 1), ("left", 3))
    ]
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
    found += [
        Case(f"zebra-{'right' if right else 'left'}-{s:g}s", "zebra", partial(zebra, right, s))
        for right, s in ((True, 6.0), (False, 6.0), (True, 4.5))
    ]
    found += [
        Case(
            f"parked-{'right' if right else 'left'}-{s:g}s",
            "parked_person",
            partial(between_parked, right, s),
        )
        for right, s in ((True, 3.2), (True, 2.2), (False, 4.0))
    ]
    found += [
        Case("person-on-footway", "harmless_person", partial(harmless_person, False)),
        Case("person-stops-at-kerb", "harmless_person", partial(harmless_person, True)),
        Case("cyclist-crosses-right", "crossing_cyclist", partial(crossing_cyclist, True)),
        Case("cyclist-crosses-left", "crossing_cyclist", partial(crossing_cyclist, False)),
        Case("oncoming-over-the-line", "oncoming", lane_visit),
    ]
    return tuple(found)
