"""Small roads and a car to put on them, for the tests of the world."""

import math
from functools import cache

from volant.core.chance import Chance
from volant.core.messages import EgoTruth
from volant.road import LaneGraph, build_graph, parse_road
from volant.sim.columns import Actor, Index
from volant.sim.drivers import DriverMix
from volant.sim.traffic import Traffic, make_traffic, reindex

NORMAL_ONLY = DriverMix(**dict.fromkeys(DriverMix.__struct_fields__, 0.0))


@cache
def straight(
    lanes: int = 3,
    length_m: float = 3000.0,
    limit_mps: float = 30.0,
    curvature_per_m: float = 0.0,
    mark: str = "broken",
) -> LaneGraph:
    """A one-way road along x; lane index 0 is the leftmost, 3.5 m wide each."""
    shape = f'<arc curvature="{curvature_per_m}"/>' if curvature_per_m else "<line/>"
    rows = "".join(
        f'<lane id="{-k}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
        f'<roadMark sOffset="0" type="{mark if k < lanes else "solid"}" color="white" width="0.12"/>'
        f'<speed sOffset="0" max="{limit_mps}" unit="m/s"/></lane>'
        for k in range(1, lanes + 1)
    )
    text = (
        '<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="6"/>'
        f'<road name="test" length="{length_m}" id="1" junction="-1">'
        '<type s="0" type="motorway"/>'
        f'<planView><geometry s="0" x="0" y="0" hdg="0" length="{length_m}">{shape}</geometry>'
        '</planView><lanes><laneSection s="0"><center><lane id="0" type="none"/></center>'
        f"<right>{rows}</right></laneSection></lanes></road></OpenDRIVE>"
    )
    return build_graph(parse_road(text.encode(), "test.xodr"))


def cars(graph: LaneGraph, *places: tuple[int, float, float], wanted_mps: float = 30.0) -> Traffic:
    """Traffic of equal, steady normal drivers at (lane, s, speed)."""
    traffic = make_traffic(graph, len(places), NORMAL_ONLY, Chance.of(0, "test"))
    for slot, (lane, s, speed) in enumerate(places):
        row = traffic.actor_f[slot]
        row[Actor.S], row[Actor.SPEED], row[Actor.WANTED] = s, speed, speed
        row[Actor.LENGTH], row[Actor.WIDTH], row[Actor.HEIGHT] = 4.5, 1.8, 1.5
        row[Actor.FACTOR], row[Actor.TOP_SPEED] = 1.0, wanted_mps
        row[Actor.TIME_GAP], row[Actor.STAND_GAP] = 1.5, 2.0
        row[Actor.ACCEL_MAX], row[Actor.BRAKE_COMFORT] = 1.4, 2.0
        row[Actor.POLITENESS], row[Actor.THRESHOLD], row[Actor.BRAKE_SAFE] = 0.2, 0.1, 3.0
        row[Actor.CHANGE_TIME], row[Actor.SIGNAL_TIME] = 4.0, 1.0
        row[Actor.WAVE], row[Actor.CUT_GAP], row[Actor.GAP] = 200.0, 50.0, math.inf
        row[Actor.ATTENTION] = 5.0
        index = traffic.actor_i[slot]
        index[Index.LANE], index[Index.OLD_LANE], index[Index.LEADER] = lane, -1, -1
        index[Index.GRANT] = index[Index.NEXT] = index[Index.REQUEST] = -1
        index[Index.ALIVE], index[Index.LIFE] = 1, 1
        at = graph.position(lane, s)
        row[Actor.X], row[Actor.Y], row[Actor.Z], row[Actor.YAW] = (
            at.x_m,
            at.y_m,
            at.z_m,
            at.heading_rad,
        )
        row[Actor.BEFORE_X], row[Actor.BEFORE_Y] = at.x_m, at.y_m
        row[Actor.BEFORE_YAW] = at.heading_rad
        traffic.keys[slot] = 1000 + slot
    reindex(traffic)
    return traffic


def ego_at(
    graph: LaneGraph,
    lane: int,
    s_m: float,
    speed_mps: float,
    *,
    stamp_ns: int = 0,
    offset_m: float = 0.0,
    accel_mps2: float = 0.0,
    lateral_accel_mps2: float = 0.0,
    turn_rad: float = 0.0,
) -> EgoTruth:
    """The own car (4.45 by 1.82 m) with its rear axle at a place of a lane."""
    at = graph.position(lane, s_m, offset_m)
    return EgoTruth(
        stamp_ns=stamp_ns,
        x_m=at.x_m,
        y_m=at.y_m,
        z_m=at.z_m,
        yaw_rad=at.heading_rad + turn_rad,
        pitch_rad=0.0,
        roll_rad=0.0,
        speed_mps=speed_mps,
        lateral_speed_mps=0.0,
        accel_mps2=accel_mps2,
        lateral_accel_mps2=lateral_accel_mps2,
        yaw_rate_rps=0.0,
        steer_rad=0.0,
        length_m=4.45,
        width_m=1.82,
        rear_overhang_m=0.9,
    )
