"""What the cockpit shows around the car: where it is, who else is there, the plan and the lights, on the map."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.messages import (
    CockpitEgo,
    CockpitLight,
    CockpitPlan,
    CockpitSurface,
    CockpitTrack,
)
from volant.caros.cockpit.roadview import pack_surface
from volant.caros.cockpit.settings import FrameSettings
from volant.caros.cockpit.signview import SignView
from volant.core.clock import nanoseconds, seconds
from volant.core.messages import LightFrame, Localization, Plan, Track, Tracks
from volant.road import Corridor, CorridorColumn

LANE_AHEAD_M: Final = 140.0
LANE_STEP: Final = 4
"""Rows of the corridor (1 m each) between two points of the own lane that is sent."""
LIGHT_AGE_S: Final = 0.6
"""A light not seen for longer is shown as unknown: the shortest phase (red and amber) lasts 1 s."""
NO_LIMIT_MPS: Final = 100.0
"""A limit above this stands for none (Plan.limit_mps is bounded at 120)."""
GHOST_AGE_S: Final = 0.3
GHOST_UNSEEN_S: Final = 0.3
GHOST_EXISTENCE: Final = 0.5
"""Tracks younger, longer unseen or less sure than these are drawn as ghosts (hmi notes 9.6)."""


def ego_view(here: Localization, settings: FrameSettings) -> CockpitEgo:
    """The own car on the map, with the height and slope of its road."""
    height_m, grade = 0.0, 0.0
    if settings.corridor is not None:
        point = settings.corridor.at(_station_m(here, settings.corridor))
        height_m, grade = point.z_m, point.grade
    else:
        height_m = settings.view.height_m(here.x_m, here.y_m)
    return CockpitEgo(
        stamp_ns=here.stamp_ns,
        x_m=here.x_m,
        y_m=here.y_m,
        z_m=height_m,
        yaw_rad=here.yaw_rad,
        grade=grade,
        yaw_rate_rps=here.yaw_rate_rps,
        speed_mps=here.speed_mps,
        length_m=settings.shape.length_m,
        width_m=settings.shape.width_m,
        rear_overhang_m=settings.shape.rear_overhang_m,
        valid=here.valid,
    )


def _heights_m(
    x_m: tuple[float, ...],
    y_m: tuple[float, ...],
    here: Localization | None,
    settings: FrameSettings,
) -> list[float]:
    """Height of the road at world places: along the corridor, else by the nearest ground."""
    if not x_m:
        return []
    corridor = settings.corridor
    if corridor is None:
        return [settings.view.height_m(x, y) for x, y in zip(x_m, y_m, strict=True)]
    places: NDArray[np.float64] = np.column_stack([x_m, y_m])
    hints: NDArray[np.float64] | None = None
    if here is not None and here.valid:
        # Search near where a straight road would have them, which is cheap and never far off.
        ahead = np.array([math.cos(here.yaw_rad), math.sin(here.yaw_rad)])
        hints = _station_m(here, corridor) + (places - np.array([here.x_m, here.y_m])) @ ahead
    stations = corridor.project_many(places, hints)[:, 0]
    rows = corridor.table
    found: list[float] = np.interp(
        stations, rows[:, CorridorColumn.S], rows[:, CorridorColumn.Z]
    ).tolist()
    return found


def tracks_view(
    tracks: Tracks, here: Localization | None, settings: FrameSettings
) -> tuple[CockpitTrack, ...]:
    """Road users at the height of the road they are on."""
    found = tracks.tracks
    places = (tuple(t.x_m for t in found), tuple(t.y_m for t in found))
    heights = _heights_m(*places, here, settings)
    return tuple(_track(track, z_m) for track, z_m in zip(found, heights, strict=True))


def _track(track: Track, z_m: float) -> CockpitTrack:
    return CockpitTrack(
        track_id=track.track_id,
        object_class=track.object_class,
        x_m=track.x_m,
        y_m=track.y_m,
        z_m=z_m,
        yaw_rad=track.yaw_rad,
        speed_mps=track.speed_mps,
        accel_mps2=track.accel_mps2,
        yaw_rate_rps=track.yaw_rate_rps,
        length_m=track.length_m,
        width_m=track.width_m,
        height_m=track.height_m,
        confidence=track.existence,
        brake_lights=track.brake_lights,
        indicator=track.indicator,
        ghost=track.existence < GHOST_EXISTENCE
        or track.age_s < GHOST_AGE_S
        or track.unseen_s > GHOST_UNSEEN_S,
    )


def plan_view(plan: Plan, here: Localization | None, settings: FrameSettings) -> CockpitPlan:
    """The chosen motion, laid on the road."""
    return CockpitPlan(
        stamp_ns=plan.stamp_ns,
        x_m=plan.x_m,
        y_m=plan.y_m,
        z_m=tuple(_heights_m(plan.x_m, plan.y_m, here, settings)),
        accel_mps2=plan.accel_mps2,
        lane=None if here is None else _own_lane(here, settings),
        target_speed_mps=plan.target_speed_mps,
        limit_mps=plan.limit_mps if plan.limit_mps < NO_LIMIT_MPS else None,
        limit_is_default=plan.limit_is_default,
        constraint=plan.constraint,
        reason=plan.reason,
        manoeuvre=plan.manoeuvre,
        lead_id=plan.lead_id,
        gap_m=plan.gap_m,
        time_gap_s=plan.time_gap_s,
        confidence=plan.confidence,
        distance_left_m=plan.distance_left_m,
        arrived=plan.arrived,
        guidance=plan.guidance,
        rerouted=plan.rerouted,
    )


def _station_m(here: Localization, corridor: Corridor) -> float:
    """Along the trip's corridor; the pilot's own stations are those of the course it lays."""
    return corridor.project(here.x_m, here.y_m)[0]


def _own_lane(here: Localization, settings: FrameSettings) -> CockpitSurface | None:
    corridor = settings.corridor
    if settings.own_lane is not None and here.valid:
        return settings.own_lane.ahead(here.lane, here.x_m, here.y_m, LANE_AHEAD_M)
    if corridor is None or not here.valid:
        return None
    station_m = _station_m(here, corridor)
    rows = corridor.window(station_m - 12.0, station_m + LANE_AHEAD_M)[::LANE_STEP]
    if len(rows) < 2:
        return None
    left, right = np.empty((len(rows), 3)), np.empty((len(rows), 3))
    for i, row in enumerate(rows.tolist()):
        x_m, y_m, z_m = row[CorridorColumn.X], row[CorridorColumn.Y], row[CorridorColumn.Z]
        cos, sin = math.cos(row[CorridorColumn.HEADING]), math.sin(row[CorridorColumn.HEADING])
        left_m, right_m = row[CorridorColumn.LEFT], row[CorridorColumn.RIGHT]
        left[i] = (x_m - left_m * sin, y_m + left_m * cos, z_m)
        right[i] = (x_m + right_m * sin, y_m - right_m * cos, z_m)
    return pack_surface(0, "lane", left, right)


def young(lights: LightFrame | None, stamp_ns: int) -> LightFrame | None:
    """Lights that were seen a moment ago; older ones may have changed."""
    old = lights is None or stamp_ns - lights.stamp_ns > nanoseconds(LIGHT_AGE_S)
    return None if old else lights


def lights_view(
    seen: LightFrame | None, here: Localization | None, signs: SignView | None
) -> tuple[CockpitLight, ...]:
    """What the camera sees, in the world; on the post of the map that is near it, if there is one."""
    if seen is None or here is None or not here.valid:
        return ()
    back_s = seconds(here.stamp_ns - seen.stamp_ns)
    yaw_rad = here.yaw_rad - back_s * here.yaw_rate_rps
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    from_x_m = here.x_m - back_s * here.speed_mps * cos
    from_y_m = here.y_m - back_s * here.speed_mps * sin
    found = []
    for light in seen.lights:
        if not math.isfinite(light.x_m + light.y_m + light.z_m):
            continue
        place = (
            from_x_m + cos * light.x_m - sin * light.y_m,
            from_y_m + sin * light.x_m + cos * light.y_m,
            light.z_m,
        )
        x_m, y_m, z_m = place if signs is None else signs.post_near(*place)
        found.append(CockpitLight(x_m=x_m, y_m=y_m, z_m=z_m, state=light.state))
    return tuple(found)
