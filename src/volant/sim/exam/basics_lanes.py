"""Basics across lanes: cut-ins, cut-outs, changes on request, overtaking, entries."""

from __future__ import annotations

from functools import partial

from volant.core.messages import DriverRequest, Indicator, RequestKind
from volant.road import LaneGraph
from volant.sim.cast import Act, Cue, Role, Trigger
from volant.sim.columns import BodyClass
from volant.sim.exam.basics_follow import LEAD_FROM_M, START_M
from volant.sim.exam.case import CALM, KMH, NO_HANDOVER, SAFE, Case, about, road_for, stream
from volant.sim.exam.roads import OPENING_M, SLOW_M, SLOW_MPS, Piece, carriageway
from volant.sim.scene import Bound, Said, Scene, lane_of, on_lane, way


def _scene(
    graph: LaneGraph,
    lane: int,
    speed_mps: float,
    duration_s: float,
    bounds: tuple[Bound, ...],
    roles: tuple[Role, ...],
    said: tuple[Said, ...] = (),
) -> Scene:
    return Scene(
        graph=graph,
        corridor=on_lane(graph, lane_of(graph, "1", lane)).corridor,
        start_m=START_M,
        speed_mps=speed_mps,
        duration_s=duration_s,
        bounds=(*bounds, *NO_HANDOVER),
        roles=roles,
        said=said,
    )


def cut_in(
    kmh: float, other_kmh: float, gap_m: float, lateral_mps: float, from_left: bool, seed: int
) -> Scene:
    """Somebody moves over in front of the car, slower, as fast or faster."""
    chance = stream(seed, "cut_in", round(kmh), round(other_kmh), round(gap_m))
    graph, speed, other_mps = road_for(kmh, lanes=2), kmh * KMH, other_kmh * KMH
    ours, theirs = (-2, -1) if from_left else (-1, -2)
    lane_m = 3.75 if kmh > 100 else 3.5 if kmh > 60 else 3.25
    aside_m = -lane_m if from_left else lane_m
    gap = about(chance, 0, gap_m, 0.1)
    at_s = about(chance, 1, 4.0, 0.1)
    ahead_m = gap + (speed - other_mps) * (at_s + 0.8)
    act = Act(
        Trigger(Cue.TIME, at_s),
        offset_m=aside_m,
        lateral_mps=about(chance, 2, lateral_mps, 0.1),
        direction=-1 if from_left else 1,
    )
    path = on_lane(graph, lane_of(graph, "1", theirs))
    cutter = Role("cutter", path, LEAD_FROM_M + max(ahead_m, 1.0), other_mps, acts=(act,))
    bounds: tuple[Bound, ...] = (
        *SAFE,
        Bound("gap_min_m", least=0.5, why="never that close"),
        Bound("station_m", least=0.75 * min(speed, other_mps) * 22.0, why="makes way"),
    )
    if other_kmh >= kmh:
        bounds = (
            *bounds,
            Bound("accel_hardest_mps2", least=-3.0, why="it was harmless"),
            Bound("speed_min_mps", least=0.8 * speed, why="it was harmless"),
        )
    if other_kmh == kmh:
        bounds = (*bounds, Bound("time_gap_end_s", least=1.0, why="drops back to a safe gap"))
    if gap_m >= 30.0:
        bounds = (*bounds, Bound("accel_hardest_mps2", least=-4.5, why="seen in time"))
    return _scene(graph, ours, speed, 22.0, bounds, (cutter,))


def pass_by(kmh: float, other_kmh: float, seed: int) -> Scene:
    """Cars in the slow lane beside that stay there, one of them near its mark: no reason to brake.

    The own car is in the fast lane: passing on the slow side is not allowed above 60 km/h.
    """
    chance = stream(seed, "pass_by", round(kmh))
    graph, speed = road_for(kmh, lanes=2), kmh * KMH
    path = on_lane(graph, lane_of(graph, "1", -2))
    roles = tuple(
        Role(
            f"beside {k}",
            path,
            LEAD_FROM_M + about(chance, k, 30.0 + 45.0 * k, 0.1),
            other_kmh * KMH,
            chance.uniform(k + 5, -0.1, 0.6),
        )
        for k in range(3)
    )
    bounds = (
        *CALM,
        Bound("speed_min_mps", least=0.85 * 0.95 * speed, why="nobody was in the way"),
    )
    return _scene(graph, -1, 0.95 * speed, 20.0, bounds, roles)


def cut_out(kmh: float, lead_kmh: float, seed: int) -> Scene:
    """The lead leaves the lane late before a standing car (Euro NCAP: at 3 s to it; recalled)."""
    chance = stream(seed, "cut_out", round(kmh))
    graph, lead_mps = road_for(kmh, lanes=2), lead_kmh * KMH
    path = on_lane(graph, lane_of(graph, "1", -2))
    lead_at_m = LEAD_FROM_M + 1.8 * lead_mps
    until_s = about(chance, 0, 8.0, 0.1)
    block_m = lead_at_m + lead_mps * (until_s + 3.0)
    lane_m = 3.75 if kmh > 100 else 3.5
    act = Act(Trigger(Cue.TIME, until_s), offset_m=lane_m, lateral_mps=1.6, direction=1)
    lead = Role("lead", path, lead_at_m, lead_mps, acts=(act,))
    block = Role("standing", path, block_m + 4.5, 0.0)
    bounds = (
        *SAFE,
        Bound("accel_hardest_mps2", least=-6.0, why="3 s before it 3 m/s2 would do"),
        Bound("station_m", least=0.6 * (block_m - LEAD_FROM_M), why="makes way"),
    )
    return _scene(graph, -2, lead_mps, 30.0, bounds, (lead, block))


def change_on_request(kmh: float, left: bool, occupied: bool, seed: int) -> Scene:
    """The driver asks for a lane change by the stalk.

    Where somebody is beside, the first press cannot be granted; he goes away, and the second can.
    """
    chance = stream(seed, "change", round(kmh), int(left), int(occupied))
    graph, speed = road_for(kmh, lanes=2), kmh * KMH
    ours, theirs = (-2, -1) if left else (-1, -2)
    lane_m = 3.75 if kmh > 100 else 3.5 if kmh > 60 else 3.25
    roles: tuple[Role, ...] = ()
    asked_s = about(chance, 1, 4.0, 0.1)
    if occupied:
        path = on_lane(graph, lane_of(graph, "1", theirs))
        beside_m = START_M + chance.uniform(0, -6.0, 2.0)
        away = Act(
            Trigger(Cue.TIME, asked_s + 5.0),
            speed_mps=(1.25 if left else 0.7) * speed,
            accel_mps2=1.5,
            direction=0,
        )
        roles = (Role("beside", path, beside_m, 0.9 * speed, acts=(away,)),)
    press = DriverRequest(
        stamp_ns=0,
        kind=RequestKind.INDICATE,
        indicator=Indicator.LEFT if left else Indicator.RIGHT,
    )
    wanted_m = lane_m if left else -lane_m
    words = "is in the other lane"
    bounds = (
        *CALM,
        Bound("shift_m", least=wanted_m - 0.5, most=wanted_m + 0.5, why=words),
        Bound("speed_min_mps", least=0.75 * speed, why="no reason to slow down"),
    )
    said = tuple(
        Said(asked_s + later_s, press) for later_s in ((0.0, 14.0) if occupied else (0.0,))
    )
    return _scene(graph, ours, 0.9 * speed, 34.0 if occupied else 20.0, bounds, roles, said)


def overtake(kmh: float, lorry_kmh: float, rear: bool, seed: int) -> Scene:
    """A slow lorry ahead and a free lane beside; or one that is only free behind a faster car."""
    chance = stream(seed, "overtake", round(kmh), int(rear))
    graph, speed = road_for(kmh, lanes=2), kmh * KMH
    own = on_lane(graph, lane_of(graph, "1", -2))
    lorry = Role(
        "lorry",
        own,
        LEAD_FROM_M + about(chance, 0, 90.0, 0.1),
        lorry_kmh * KMH,
        0.0,
        BodyClass.LORRY,
        12.0,
        2.5,
        3.6,
    )
    roles: tuple[Role, ...] = (lorry,)
    if rear:
        beside = on_lane(graph, lane_of(graph, "1", -1))
        roles = (lorry, Role("faster", beside, 1.0, 1.15 * speed, follows=True))
    bounds = (*CALM, Bound("passed", least=1, why="the lorry is overtaken"))
    return _scene(graph, -2, 0.9 * speed, 50.0, bounds, roles)


def merge(spacing_m: float, kmh: float, seed: int) -> Scene:
    """From an entry lane that ends onto a carriageway, empty or with a chain of cars."""
    chance = stream(seed, "merge", round(spacing_m))
    limit = 100.0 * KMH
    graph = carriageway(
        "motorway",
        lanes=2,
        oncoming=0,
        pieces=(Piece(2500.0),),
        limits_mps=((0.0, limit),),
        entry=True,
    )
    corridor = way(
        graph,
        (lane_of(graph, "1", -3), START_M),
        (lane_of(graph, "1", -2, 1), 1500.0),
    )
    main = on_lane(graph, lane_of(graph, "1", -2))
    roles: list[Role] = []
    at_m = chance.uniform(0, 0.0, 20.0)
    while spacing_m and at_m < 260.0:
        roles.append(Role(f"main {len(roles)}", main, at_m + 3.0, 0.8 * limit, follows=True))
        at_m += about(chance, len(roles), spacing_m, 0.2)
    bounds = (
        *SAFE,
        Bound("station_m", least=OPENING_M + 200.0, why="it merged and went on"),
        Bound("accel_hardest_mps2", least=-4.0, why="no scramble"),
        Bound("speed_end_mps", least=0.75 * limit, why="as fast as the others"),
    )
    return Scene(
        graph=graph,
        corridor=corridor,
        start_m=START_M,
        speed_mps=kmh * KMH,
        duration_s=45.0,
        bounds=(*bounds, *NO_HANDOVER),
        roles=tuple(roles),
        goal=(lane_of(graph, "1", -2, 1), 1500.0),
    )


def leave(spacing_m: float, lane: int, seed: int) -> Scene:
    """Off a motorway by a lane that opens on the right and is soon cut off by a solid line.

    Whoever takes it must be slow enough where its own limit begins.
    """
    chance = stream(seed, "leave", round(spacing_m), lane)
    limit = 120.0 * KMH
    graph = carriageway(
        "motorway",
        lanes=2,
        oncoming=0,
        pieces=(Piece(2500.0),),
        limits_mps=((0.0, limit),),
        leave=True,
    )
    goal = (lane_of(graph, "1", -3, 3), 700.0)
    corridor = way(graph, (lane_of(graph, "1", lane), START_M), goal)
    main = on_lane(graph, lane_of(graph, "1", -2))
    roles: list[Role] = []
    at_m = chance.uniform(0, 40.0, 60.0)
    while spacing_m and at_m < 420.0:
        roles.append(Role(f"main {len(roles)}", main, at_m, 0.75 * limit, follows=True))
        at_m += about(chance, len(roles), spacing_m, 0.2)
    bounds = (
        *SAFE,
        Bound("station_m", least=SLOW_M, why="it drove on"),
        Bound("speed_over_limit_mps", most=1.0, why="slows down before the sign"),
        Bound("speed_end_mps", least=0.85 * SLOW_MPS, why="makes way"),
        Bound("shift_m", least=-0.6, most=0.6, why="in the lane that leaves"),
        Bound("accel_hardest_mps2", least=-4.0, why="no scramble"),
        *NO_HANDOVER,
    )
    return Scene(
        graph=graph,
        corridor=corridor,
        start_m=START_M,
        speed_mps=0.85 * limit,
        duration_s=50.0,
        bounds=bounds,
        roles=tuple(roles),
        goal=goal,
    )


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [
        Case(
            f"cut-in-{v}-{other}-{'left' if left else 'right'}-{gap:g}m",
            "cut_in",
            partial(cut_in, v, other, gap, lateral, left),
        )
        for v, other, gap, lateral, left in (
            (50, 35, 14.0, 1.0, True),
            (50, 50, 10.0, 1.2, False),
            (80, 60, 22.0, 1.0, True),
            (100, 100, 16.0, 1.2, True),
            (100, 60, 45.0, 0.8, False),
            (130, 100, 35.0, 1.4, False),
            (130, 140, 12.0, 1.0, True),
        )
    ]
    found += [
        Case(f"pass-by-{v}-{other}", "pass_by", partial(pass_by, v, other))
        for v, other in ((50, 30), (100, 70), (130, 90))
    ]
    found += [
        Case(f"cut-out-{v}-{lead}", "cut_out", partial(cut_out, v, lead))
        for v, lead in ((70, 50), (90, 70))
    ]
    found += [
        Case(
            f"change-{'left' if left else 'right'}-{v}{'-occupied' if occupied else ''}",
            "lane_change",
            partial(change_on_request, v, left, occupied),
        )
        for v, left, occupied in (
            (100, True, False),
            (130, False, False),
            (100, True, True),
            (130, False, True),
        )
    ]
    found += [
        Case("overtake-lorry-free", "overtake", partial(overtake, 120, 80, False)),
        Case("overtake-lorry-behind-faster", "overtake", partial(overtake, 120, 80, True)),
    ]
    found += [
        Case(f"merge-{name}", "merge", partial(merge, spacing, v))
        for name, spacing, v in (("empty", 0.0, 65), ("gaps", 75.0, 70), ("dense", 48.0, 70))
    ]
    found += [
        Case(f"exit-{name}", "exit", partial(leave, spacing, lane))
        for name, spacing, lane in (
            ("right-lane", 0.0, -2),
            ("left-lane", 0.0, -1),
            ("dense", 42.0, -1),
        )
    ]
    return tuple(found)
