"""What the rules of the road put beside and across it: traffic lights, lines to stop at, crossings."""

from __future__ import annotations

import math
from typing import Final

from volant.caros.cockpit.messages import CockpitBar, CockpitPost, CockpitZebra
from volant.road import Control, Gate, LaneGraph, TrafficRules

NEAR_M: Final = 4.0
"""A light that the camera places this near a post of the map is that post's (camera: about 1 m)."""
_DRAWN: Final = {Control.LIGHT: True, Control.STOP: True, Control.GIVE_WAY: False}
"""Ways of control that have a line across the lane, and whether it is unbroken (StVO 294, 341)."""


class SignView:
    """Signs of a map; `near` gives those around a place, ready to send."""

    def __init__(self, graph: LaneGraph, rules: TrafficRules) -> None:
        self._posts = tuple(
            CockpitPost(
                signal=light.signal,
                x_m=light.x_m,
                y_m=light.y_m,
                z_m=light.z_m,
                heading_rad=light.heading_rad,
            )
            for light in rules.lights
        )
        bars = {
            (gate.approach, gate.stop_s_m): _bar(graph, gate)
            for gate in rules.gates.values()
            if gate.control in _DRAWN
        }
        self._bars = tuple(bars[key] for key in sorted(bars))
        self._zebras = tuple(
            CockpitZebra(
                x_m=tuple(x for x, _ in crossing.corners),
                y_m=tuple(y for _, y in crossing.corners),
                z_m=_height_m(graph, crossing.lanes[0][0], crossing.lanes[0][1]),
                signalled=crossing.light is not None,
            )
            for crossing in rules.crossings
            if crossing.lanes
        )

    def near(
        self, x_m: float, y_m: float, reach_m: float
    ) -> tuple[tuple[CockpitPost, ...], tuple[CockpitBar, ...], tuple[CockpitZebra, ...]]:
        """What stands within reach of a place."""

        def within(at_x_m: float, at_y_m: float) -> bool:
            return math.hypot(at_x_m - x_m, at_y_m - y_m) <= reach_m

        return (
            tuple(one for one in self._posts if within(one.x_m, one.y_m)),
            tuple(one for one in self._bars if within(one.from_x_m, one.from_y_m)),
            tuple(one for one in self._zebras if within(one.x_m[0], one.y_m[0])),
        )

    def post_near(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float, float]:
        """The place of the post next to a place, or the place itself where none is near."""
        best, least_m = (x_m, y_m, z_m), NEAR_M
        for post in self._posts:
            away_m = math.hypot(post.x_m - x_m, post.y_m - y_m)
            if away_m < least_m:
                best, least_m = (post.x_m, post.y_m, post.z_m), away_m
        return best


def _bar(graph: LaneGraph, gate: Gate) -> CockpitBar:
    lane = graph.lanes[gate.approach]
    point = graph.position(gate.approach, min(max(gate.stop_s_m, 0.0), lane.length_m))
    cos, sin = math.cos(point.heading_rad), math.sin(point.heading_rad)
    half_m = 0.5 * point.width_m
    return CockpitBar(
        from_x_m=point.x_m - half_m * sin,
        from_y_m=point.y_m + half_m * cos,
        to_x_m=point.x_m + half_m * sin,
        to_y_m=point.y_m - half_m * cos,
        z_m=point.z_m,
        solid=_DRAWN[gate.control],
    )


def _height_m(graph: LaneGraph, lane: int, span: tuple[float, float]) -> float:
    return graph.position(lane, 0.5 * (span[0] + span[1])).z_m
