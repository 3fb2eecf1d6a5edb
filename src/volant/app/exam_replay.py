"""What a report needs to draw a case again with the cockpit's own scene: motion, lights and road.

Failed cases are drawn, and one in `ONE_IN` of the others, or all where they are few; the road is what the
cockpit would be sent, all along the way that the car drove, in one piece.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from volant.caros.cockpit.mapview import road_view
from volant.caros.cockpit.messages import CockpitRoad
from volant.caros.cockpit.signview import SignView
from volant.core.messages import EgoTruth, LightTruth, TruthObject
from volant.road import traffic_rules
from volant.sim.exam import Replay
from volant.sim.scene import Scene

if TYPE_CHECKING:
    from volant.app.exam_stage import Task

ONE_IN: Final = 8
FEW: Final = 8
"""So few cases can all be watched, and a report is still small."""
REACH_M: Final = 200.0
"""The scene's haze hides what is further (web/kit/scene/camera.ts)."""
EVERY_M: Final = 100.0


def is_drawn(name: str, *, passed: bool) -> bool:
    """Whether a case's road is kept, so that it can be watched."""
    return not passed or zlib.crc32(name.encode()) % ONE_IN == 0


def with_road(replay: Replay, scene: Scene) -> Replay:
    """A case's motion with the road that it was driven on."""
    view, signs = road_view(scene.graph), SignView(scene.graph, traffic_rules(scene.graph))
    places: list[tuple[float, float]] = []
    for row in replay.ego:
        x_m, y_m = row[0], row[1]
        if not places or (x_m - places[-1][0]) ** 2 + (y_m - places[-1][1]) ** 2 > EVERY_M**2:
            places.append((x_m, y_m))
    found = [(*view.near(x, y, REACH_M), *signs.near(x, y, REACH_M)) for x, y in places]
    road = CockpitRoad(
        lines=tuple({one.piece: one for each in found for one in each[0]}.values()),
        surfaces=tuple({one.piece: one for each in found for one in each[1]}.values()),
        left_hand=False,
        posts=tuple({one.signal: one for each in found for one in each[2]}.values()),
        bars=tuple(dict.fromkeys(one for each in found for one in each[3])),
        zebras=tuple(dict.fromkeys(one for each in found for one in each[4])),
    )
    return msgspec.structs.replace(replay, road=msgspec.msgpack.encode(road))


def kept(task: Task, scene: Scene, replay: Replay, *, passed: bool) -> Replay | None:
    """What the report gets of a case: curves always, the road where it is to be watched."""
    if not task.replay:
        return None
    drawn = task.drawn or is_drawn(task.case, passed=passed)
    return with_road(replay, scene) if drawn else replay


def ego_row(ego: EgoTruth, gap_m: float | None) -> tuple[float, ...]:
    """The own car at one time, as `Replay.ego` has it."""
    return (
        round(ego.x_m, 2),
        round(ego.y_m, 2),
        round(ego.yaw_rad, 4),
        round(ego.speed_mps, 2),
        round(ego.accel_mps2, 2),
        round(ego.lateral_accel_mps2, 2),
        round(ego.steer_rad, 4),
        -1.0 if gap_m is None else round(gap_m, 2),
        round(ego.z_m, 2),
    )


def object_row(other: TruthObject) -> tuple[float | str, ...]:
    """Somebody else at one time, as `Replay.objects` has it."""
    return (
        other.actor_id,
        other.object_class.value,
        round(other.x_m, 2),
        round(other.y_m, 2),
        round(other.yaw_rad, 4),
        round(other.speed_mps, 2),
        round(other.length_m, 2),
        round(other.width_m, 2),
        round(other.height_m, 2),
        round(other.z_m, 2),
        int(other.brake_lights),
        other.indicator.value,
    )


def light_rows(lights: tuple[LightTruth, ...]) -> tuple[tuple[str, str], ...]:
    """What the lights near the car show at one time."""
    return tuple((one.signal, one.state.value) for one in lights)
