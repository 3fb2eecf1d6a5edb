"""Basics of people and streets: zebra crossings, parked cars, kerbs, cyclists, who comes over the line."""

from __future__ import annotations

from functools import partial
from typing import Final

from volant.road import LaneGraph
from volant.sim.cast import Act, Cue, FreePath, Role, Trigger
from volant.sim.columns import BodyClass
from volant.sim.exam.basics_follow import START_M
from volant.sim.exam.case import NO_HANDOVER, SAFE, Case, about, stream
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import Bound, Scene, lane_of, on_lane

PERSON: Final = (0.5, 0.6, 1.75)
OUR_Y_M: Final = -1.625
"""Middle of our lane; the street lies along x."""
START_MPS2: Final = 2.0
"""How soon somebody on foot or on a cycle is at his speed."""


def _street(zebra_m: float | None = None) -> LaneGraph:
    return carriageway("town", pieces=(Piece(900.0),), limits_mps=((0.0, 13.9),), zebra_m=zebra_m)


def _to_meet(
    at_m: float, from_right: bool, seconds_before: float, speed_mps: float, beyond_m: float
) -> tuple[FreePath, Act]:
    """A way across the street on which whoever starts now meets a car that drives on as it does.

    It starts when the car needs `seconds_before`, and ends `beyond_m` beyond our lane's middle.
    """
    side = -1.0 if from_right else 1.0
    run_m = speed_mps * seconds_before - 0.5 * speed_mps * speed_mps / START_MPS2
    path = FreePath(((at_m, OUR_Y_M + side * run_m), (at_m, OUR_Y_M - side * beyond_m)))
    when = Trigger(Cue.ARRIVAL, seconds_before, at_m, OUR_Y_M)
    return path, Act(when, speed_mps=speed_mps, accel_mps2=START_MPS2)


def _on_foot(path: FreePath, *acts: Act, s_m: float = 0.0, speed_mps: float = 0.0) -> Role:
    return Role(
        "person",
        path,
        s_m,
        speed_mps,
        body=BodyClass.PEDESTRIAN,
        acts=acts,
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


def zebra(from_right: bool, seconds_before: float, beyond_m: float, seed: int) -> Scene:
    """A person crosses where people go first, and walks on or stands on the other footway."""
    chance = stream(seed, "zebra", int(from_right), round(10 * seconds_before))
    at_m = 170.0
    path, go = _to_meet(
        at_m,
        from_right,
        about(chance, 0, seconds_before),
        chance.uniform(1, 1.2, 1.6),
        beyond_m,
    )
    bounds = (
        Bound("accel_hardest_mps2", least=-5.0, why="seen in time"),
        Bound("station_m", least=200.0, why="goes on afterwards"),
    )
    return _on_street(_street(at_m), (_on_foot(path, go),), bounds)


def between_parked(from_right: bool, seconds_before: float, seed: int) -> Scene:
    """A person steps out between parked cars."""
    chance = stream(seed, "parked", int(from_right), round(10 * seconds_before))
    graph = _street()
    at_m = chance.uniform(0, 150.0, 180.0)
    side = -1.0 if from_right else 1.0
    parked_y_m = side * (3.25 + 1.1)
    line = FreePath(((0.0, parked_y_m), (900.0, parked_y_m)))
    parked = tuple(
        Role(f"parked {k}", line, at_m + offset_m, 0.0)
        for k, offset_m in enumerate((-14.0, -8.5, -3.0, 3.2, 8.8))
    )
    path, go = _to_meet(
        at_m, from_right, about(chance, 1, seconds_before), chance.uniform(2, 1.1, 1.6), 15.0
    )
    bounds = (Bound("station_m", least=180.0, why="goes on afterwards"),)
    return _on_street(graph, (_on_foot(path, go), *parked), bounds, 11.0)


def harmless_person(stops: bool, seed: int) -> Scene:
    """A person walks along the footway, or comes to the kerb and stops there."""
    chance = stream(seed, "harmless", int(stops))
    graph = _street()
    if stops:
        path = FreePath(((160.0, -7.5), (160.0, -4.9)))
        when = Trigger(Cue.ARRIVAL, 5.0, 160.0, OUR_Y_M)
        person = _on_foot(path, Act(when, speed_mps=1.3, accel_mps2=START_MPS2))
    else:
        path = FreePath(((0.0, -4.9), (900.0, -4.9)))
        person = _on_foot(path, s_m=chance.uniform(0, 110.0, 140.0), speed_mps=1.3)
    bounds = (
        Bound("accel_hardest_mps2", least=-3.0, why="caution, no emergency"),
        Bound("speed_min_mps", least=5.0, why="nobody was in the way"),
        Bound("station_m", least=260.0, why="not stuck"),
    )
    return _on_street(graph, (person,), bounds)


def crossing_cyclist(from_right: bool, seed: int) -> Scene:
    """A cyclist crosses the street where nothing says so, in good time to stop."""
    chance = stream(seed, "crossing_cyclist", int(from_right))
    path, go = _to_meet(180.0, from_right, about(chance, 0, 5.0), 4.0, 40.0)
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
    bounds = (
        Bound("accel_hardest_mps2", least=-6.0, why="seen in time"),
        Bound("station_m", least=200.0, why="goes on afterwards"),
    )
    return _on_street(_street(), (rider,), bounds)


def lane_visit(seed: int) -> Scene:
    """An oncoming car comes a little over the middle line and goes back: slow down, or make room."""
    chance = stream(seed, "lane_visit")
    path = FreePath(((500.0, 1.7), (0.0, 1.7)))
    over = Act(Trigger(Cue.TIME, about(chance, 0, 4.0, 0.05)), offset_m=1.6, lateral_mps=0.8)
    back = Act(Trigger(Cue.TIME, 8.2), offset_m=0.0, lateral_mps=1.4)
    oncoming = Role("oncoming", path, 262.0, 12.0, acts=(over, back))
    bounds = (
        Bound("accel_hardest_mps2", least=-6.0, why="seen in time"),
        Bound("station_m", least=260.0, why="not stuck"),
    )
    return _on_street(_street(), (oncoming,), bounds)


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [
        Case(f"zebra-{name}", "zebra", partial(zebra, right, s, beyond_m))
        for name, right, s, beyond_m in (
            ("right-6s", True, 6.0, 25.0),
            ("left-6s", False, 6.0, 25.0),
            ("right-4.5s", True, 4.5, 25.0),
            ("left-stands-beyond", False, 5.5, 4.4),
        )
    ]
    found += [
        Case(
            f"parked-{'right' if right else 'left'}-{s:g}s",
            "parked_person",
            partial(between_parked, right, s),
        )
        for right, s in ((True, 3.2), (True, 2.2), (False, 4.6))
    ]
    found += [
        Case("person-on-footway", "harmless_person", partial(harmless_person, False)),
        Case("person-stops-at-kerb", "harmless_person", partial(harmless_person, True)),
        Case("cyclist-crosses-right", "crossing_cyclist", partial(crossing_cyclist, True)),
        Case("cyclist-crosses-left", "crossing_cyclist", partial(crossing_cyclist, False)),
        Case("oncoming-over-the-line", "oncoming", lane_visit),
    ]
    return tuple(found)
