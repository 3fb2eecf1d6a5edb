"""Basics along one lane: cruising, following, stop and go, braking leads, standing cars, bends, limits."""

from __future__ import annotations

from functools import partial

from volant.road import LaneGraph
from volant.sim.cast import Act, Cue, Role, Trigger
from volant.sim.columns import BodyClass
from volant.sim.exam.case import (
    CALM,
    FRONT_M,
    HALF_M,
    KMH,
    NO_HANDOVER,
    SAFE,
    Case,
    about,
    road_for,
    stream,
)
from volant.sim.exam.figures import STEADY_MPS
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import Bound, Scene, lane_of, on_lane

START_M = 20.0
LEAD_FROM_M = START_M + FRONT_M + HALF_M
"""Station of a lead's middle at a gap of nothing."""


def _ours(graph: LaneGraph, lane: int = -1) -> int:
    return lane_of(graph, "1", lane)


def _scene(
    graph: LaneGraph,
    speed_mps: float,
    duration_s: float,
    bounds: tuple[Bound, ...],
    roles: tuple[Role, ...] = (),
    *,
    lane: int = -1,
    lead: int | None = None,
    seed: int = 0,
) -> Scene:
    corridor = on_lane(graph, _ours(graph, lane)).corridor
    return Scene(
        graph=graph,
        corridor=corridor,
        start_m=START_M,
        speed_mps=speed_mps,
        duration_s=duration_s,
        bounds=(*bounds, *NO_HANDOVER),
        roles=roles,
        lead=lead,
        seed=seed,
    )


def cruise(kmh: float, seed: int) -> Scene:
    """An empty road: reach the limit and keep it."""
    limit = kmh * KMH
    bounds = (
        *CALM,
        Bound("speed_end_mps", least=0.93 * limit - 0.5, why="makes way"),
        Bound("speed_over_limit_mps", most=0.8, why="the limit holds"),
        Bound("offset_max_m", most=0.3, why="lane centring"),
    )
    return _scene(road_for(kmh), 0.8 * limit, 25.0, bounds, seed=seed)


def follow(kmh: float, share: float, seed: int) -> Scene:
    """A lead drives evenly, slower than the limit."""
    chance = stream(seed, "follow", round(kmh), round(100 * share))
    graph, speed = road_for(kmh), kmh * KMH
    lead_mps = about(chance, 0, share * speed)
    gap_m = about(chance, 1, 1.9 * speed, 0.15)
    lead = Role("lead", on_lane(graph, _ours(graph)), LEAD_FROM_M + gap_m, lead_mps)
    bounds: tuple[Bound, ...] = (
        *CALM,
        Bound("time_gap_end_s", least=1.0, most=2.8, why="a safe gap that nobody else takes"),
        Bound("speed_end_mps", least=lead_mps - 0.7, most=lead_mps + 0.7, why="steady"),
        Bound("ttc_min_s", least=2.5, why="no late braking"),
    )
    if share > 0.95:
        bounds = bounds[:-1]
    if lead_mps > STEADY_MPS + 1.0:
        bounds = (*bounds, Bound("gap_error_pct", most=5.0, why="the gap that was set"))
    return _scene(graph, speed if share > 0.7 else lead_mps + 5.0, 40.0, bounds, (lead,), seed=seed)


def approach(kmh: float, lead_kmh: float, seed: int) -> Scene:
    """From far behind onto a much slower car."""
    chance = stream(seed, "approach", round(kmh), round(lead_kmh))
    graph, speed = road_for(kmh), kmh * KMH
    lead_mps = about(chance, 0, lead_kmh * KMH)
    gap_m = about(chance, 1, 60.0 + 1.1 * (speed - lead_mps) ** 2 / 2.0, 0.1)
    lead = Role("lead", on_lane(graph, _ours(graph)), LEAD_FROM_M + gap_m, lead_mps)
    bounds = (
        *CALM,
        Bound("gap_min_m", least=0.7 * lead_mps + 1.5, why="ends at a safe gap"),
        Bound("ttc_min_s", least=2.0, why="no late braking"),
    )
    return _scene(graph, 0.97 * speed, 40.0, bounds, (lead,), seed=seed)


def stop_and_go(kmh: float, stops: int, seed: int) -> Scene:
    """A lead that stops and drives on, again and again."""
    chance = stream(seed, "stop_and_go", round(kmh), stops)
    graph, speed = road_for(50.0), kmh * KMH
    acts = []
    for k in range(stops):
        at_s = 5.0 + 24.0 * k
        brake = chance.uniform(2 * k, 1.0, 2.2)
        acts.append(Act(Trigger(Cue.TIME, at_s), speed_mps=0.0, accel_mps2=brake))
        acts.append(Act(Trigger(Cue.TIME, at_s + 14.0), speed_mps=speed, accel_mps2=1.2))
    acts.append(Act(Trigger(Cue.TIME, 5.0 + 24.0 * stops), speed_mps=0.0, accel_mps2=1.5))
    path = on_lane(graph, _ours(graph))
    lead = Role("lead", path, LEAD_FROM_M + 1.6 * speed + 3.0, speed, acts=tuple(acts))
    bounds = (
        *CALM,
        Bound("stop_gap_m", least=1.0, most=7.0, why="stands close, not too close"),
        Bound("stood_s", least=4.0 * stops, why="stops with the lead"),
        Bound("speed_end_mps", most=0.1, why="stands with it at the end"),
    )
    return _scene(graph, speed, 5.0 + 24.0 * stops + 18.0, bounds, (lead,), seed=seed)


def lead_brakes(kmh: float, brake_mps2: float, to_share: float, seed: int) -> Scene:
    """The lead brakes hard, to a stop or to a part of its speed."""
    chance = stream(seed, "lead_brakes", round(kmh), round(10 * brake_mps2))
    graph, speed = road_for(kmh), kmh * KMH
    gap_m = about(chance, 0, 2.0 * speed, 0.04)
    act = Act(
        Trigger(Cue.TIME, about(chance, 1, 7.0, 0.1)),
        speed_mps=to_share * speed,
        accel_mps2=brake_mps2,
    )
    lead = Role("lead", on_lane(graph, _ours(graph)), LEAD_FROM_M + gap_m, speed, acts=(act,))
    bounds: tuple[Bound, ...] = (
        *SAFE,
        Bound("reaction_s", most=0.6, most_perfect=0.3, why="from the lead's braking on"),
        Bound("gap_min_m", least=0.5, why="never that close"),
    )
    if brake_mps2 <= 3.0:
        bounds = (*bounds, Bound("accel_hardest_mps2", least=-4.5, why="calm beats hard"))
    return _scene(graph, speed, 28.0, bounds, (lead,), lead=0, seed=seed)


def standing(kmh: float, body: BodyClass, seed: int) -> Scene:
    """Something stands in the lane."""
    chance = stream(seed, "standing", round(kmh), body.name)
    graph, speed = road_for(kmh), kmh * KMH
    size = {
        BodyClass.LORRY: (9.0, 2.5, 3.5),
        BodyClass.OBSTACLE: (1.0, 1.2, 1.0),
        BodyClass.MOTORCYCLE: (2.1, 0.8, 1.4),
    }.get(body, (4.5, 1.8, 1.5))
    reach_m = about(chance, 0, 70.0 + speed * speed / 3.2, 0.1)
    path = on_lane(graph, _ours(graph))
    block = Role(
        "standing",
        path,
        START_M + FRONT_M + reach_m + 0.5 * size[0],
        0.0,
        chance.uniform(1, -0.3, 0.3),
        body,
        *size,
    )
    bounds = (
        *SAFE,
        Bound("accel_hardest_mps2", least=-4.5, why="seen in time"),
        Bound("stop_gap_m", least=0.8, most=9.0, why="stands before it"),
        Bound("speed_end_mps", most=0.1, why="waits"),
    )
    return _scene(graph, speed, 14.0 + reach_m / speed * 2.0, bounds, (block,), seed=seed)


def queue_end(kmh: float, bend_per_m: float, seed: int) -> Scene:
    """The end of a standing queue, behind a bend or on a straight road."""
    chance = stream(seed, "queue_end", round(kmh), str(bend_per_m))
    graph, speed = road_for(kmh, bend_per_m=bend_per_m), kmh * KMH
    path = on_lane(graph, _ours(graph))
    end_m = about(chance, 0, 430.0, 0.05)
    roles, at_m = [], end_m
    for k in range(4):
        long_m = 9.0 if k == 1 else 4.5
        roles.append(
            Role(
                f"queue {k}",
                path,
                at_m + 0.5 * long_m,
                0.0,
                0.0,
                BodyClass.LORRY if k == 1 else BodyClass.CAR,
                long_m,
                2.4 if k == 1 else 1.8,
            )
        )
        at_m += long_m + chance.uniform(k + 1, 1.8, 4.0)
    bounds = (
        *SAFE,
        Bound("accel_hardest_mps2", least=-4.5, why="seen in time"),
        Bound("stop_gap_m", least=0.8, most=9.0, why="stands before it"),
    )
    return _scene(graph, min(speed, 25.0), 45.0, bounds, tuple(roles), seed=seed)


def bend(radius_m: float, kmh: float, left: bool, seed: int) -> Scene:
    """A bend, as sharp as it comes; the limit may be too fast for it."""
    graph = road_for(kmh, bend_per_m=(1.0 if left else -1.0) / radius_m)
    speed = min(kmh * KMH, (1.9 * radius_m) ** 0.5 + 4.0)
    bounds = (
        *CALM,
        Bound("lateral_accel_p99_mps2", most=2.0, why="comfort in bends"),
        Bound("offset_max_m", most=0.3 if radius_m >= 125.0 else 0.5, why="lane centring"),
        Bound("station_m", least=350.0, why="makes way"),
    )
    return _scene(graph, speed, 45.0, bounds, seed=seed)


def limit_drop(from_kmh: float, to_kmh: float, seed: int) -> Scene:
    """A lower limit ahead, or a higher one."""
    limits = ((0.0, from_kmh * KMH), (450.0, to_kmh * KMH))
    kind = "motorway" if max(from_kmh, to_kmh) > 100 else "rural"
    graph = carriageway(
        kind, oncoming=0 if kind == "motorway" else 1, pieces=(Piece(3000.0),), limits_mps=limits
    )
    bounds = (
        *CALM,
        Bound("speed_over_limit_mps", most=1.0, why="slows down before the sign"),
        Bound("speed_end_mps", least=0.88 * to_kmh * KMH, why="makes way"),
    )
    return _scene(graph, 0.95 * from_kmh * KMH, 45.0, bounds, seed=seed)


def rider_ahead(body: BodyClass, offset_m: float, rider_mps: float, kmh: float, seed: int) -> Scene:
    """A cyclist or a motorcycle ahead in the lane."""
    chance = stream(seed, "rider", body.name, round(kmh))
    graph, speed = road_for(kmh), kmh * KMH
    reach_m = about(chance, 0, 45.0 + 0.5 * (speed - rider_mps) ** 2, 0.1)
    size = (1.9, 0.7, 1.8) if body is BodyClass.CYCLIST else (2.2, 0.8, 1.6)
    path = on_lane(graph, _ours(graph))
    rider = Role("rider", path, LEAD_FROM_M + reach_m, rider_mps, offset_m, body, *size)
    bounds = (
        *SAFE,
        Bound("accel_hardest_mps2", least=-4.5, why="seen in time"),
        Bound("station_m", least=0.8 * rider_mps * 35.0, why="makes way"),
    )
    return _scene(graph, 0.95 * speed, 35.0, bounds, (rider,), seed=seed)


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [Case(f"cruise-{v}", "cruise", partial(cruise, v)) for v in (30, 50, 100, 130)]
    found += [
        Case(f"follow-{v}-{round(100 * share)}pct", "follow", partial(follow, v, share))
        for v in (50, 100, 130)
        for share in (0.5, 0.85)
    ]
    found += [
        Case(f"approach-{v}-{lead}", "approach", partial(approach, v, lead))
        for v, lead in ((50, 15), (100, 40), (130, 80))
    ]
    found += [
        Case(f"stop-and-go-{v}", "stop_and_go", partial(stop_and_go, v, stops))
        for v, stops in ((15, 2), (30, 2), (45, 1))
    ]
    found += [
        Case(f"lead-brakes-{v}-{b:g}", "lead_brakes", partial(lead_brakes, v, b, share))
        for v, b, share in (
            (50, 2.0, 0.0),
            (50, 6.0, 0.0),
            (80, 4.0, 0.0),
            (100, 2.0, 0.5),
            (100, 6.0, 0.0),
            (130, 2.0, 0.6),
            (130, 4.0, 0.3),
        )
    ]
    found += [
        Case(f"standing-{body.name.lower()}-{v}", "standing", partial(standing, v, body))
        for v, body in (
            (30, BodyClass.CAR),
            (50, BodyClass.CAR),
            (80, BodyClass.CAR),
            (100, BodyClass.LORRY),
            (50, BodyClass.OBSTACLE),
            (60, BodyClass.MOTORCYCLE),
        )
    ]
    found += [
        Case(f"queue-end-{name}", "queue_end", partial(queue_end, v, bend_per_m))
        for name, v, bend_per_m in (
            ("straight", 100, 0.0),
            ("left-bend", 80, 1 / 180),
            ("right-bend", 50, -1 / 80),
        )
    ]
    found += [
        Case(f"bend-{r}-{'left' if left else 'right'}", "curve", partial(bend, float(r), v, left))
        for r, v, left in (
            (50, 50, True),
            (90, 80, False),
            (150, 100, True),
            (400, 100, False),
            (800, 130, True),
        )
    ]
    found += [
        Case(f"limit-{a}-{b}", "limit", partial(limit_drop, a, b))
        for a, b in ((100, 70), (130, 80), (70, 50), (50, 100))
    ]
    found += [
        Case(name, kind, partial(rider_ahead, body, offset, speed, v))
        for name, kind, body, offset, speed, v in (
            ("cyclist-right-edge", "cyclist", BodyClass.CYCLIST, -1.1, 5.0, 50),
            ("cyclist-middle", "cyclist", BodyClass.CYCLIST, 0.0, 4.0, 50),
            ("cyclist-country", "cyclist", BodyClass.CYCLIST, -0.9, 6.0, 100),
            ("motorcycle-slow", "motorcycle", BodyClass.MOTORCYCLE, 0.3, 10.0, 80),
            ("motorcycle-edge", "motorcycle", BodyClass.MOTORCYCLE, -0.9, 12.0, 100),
        )
    ]
    return tuple(found)
