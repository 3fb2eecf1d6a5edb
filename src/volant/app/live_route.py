"""The route of a trip for the signal tree: as it was planned, and anew when the pilot goes another way."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from volant.app.compose import Trip
from volant.caros.energy.profile import RouteProfile
from volant.caros.energy.route import POSITION, Post, route_of, values_of
from volant.core.messages import Localization, Plan
from volant.road import RouteLeg, build_corridor, make_guide

_log = logging.getLogger(__name__)
REACH_M: Final = 50.0
OFF_M: Final = 200.0
"""A way that is so much longer or shorter than the pilot's own is another one."""


class RouteTeller:
    """Says the route once, and where on it the car is with each plan."""

    def __init__(self, trip: Trip, posts: Sequence[Post]) -> None:
        self._trip, self._posts = trip, posts
        stretch = trip.stretch
        self._profile: RouteProfile | None = route_of(
            stretch.corridor, stretch.start_m, stretch.destination_m, trip.rules.gates, posts
        )
        self._rerouted: int | None = None

    def turn(self, plan: Plan, here: Localization | None) -> dict[str, Any]:
        """Values by path: the position, and the whole route where it is new."""
        left_m = plan.distance_left_m
        values: dict[str, Any] = {}
        if plan.rerouted != self._rerouted:
            if plan.rerouted:
                if here is None or left_m is None:
                    return {POSITION: None}
                self._profile = self._anew(here, left_m)
            self._rerouted = plan.rerouted
            values = values_of(self._profile)
        if self._profile is None or left_m is None:
            return values | {POSITION: None}
        at_m = self._profile.length_m - left_m
        return values | {POSITION: min(max(at_m, 0.0), self._profile.length_m)}

    def _anew(self, here: Localization, left_m: float) -> RouteProfile | None:
        """The way from here that is as long as the pilot says; None: there is none like it.

        Which places of `via` are passed only the pilot knows, so the lengths are compared.
        """
        graph = self._trip.graph
        point = graph.locate(here.x_m, here.y_m, here.yaw_rad, reach_m=REACH_M)
        if point is None:
            return None
        ways = [list(legs) for legs in self._ways((point.lane, point.s_m)) if legs]
        if not ways:
            return None
        best = min(ways, key=lambda legs: abs(_length_m(legs) - left_m))
        if abs(_length_m(best) - left_m) > OFF_M:
            _log.warning("route_unknown left_m=%.0f", left_m)
            return None
        try:
            corridor = build_corridor(graph, best)
            return route_of(corridor, 0.0, corridor.length_m, self._trip.rules.gates, self._posts)
        except ValueError:
            return None

    def _ways(self, begin: tuple[int, float]) -> Iterator[tuple[RouteLeg, ...]]:
        """Through all places still to be passed, all but the first, and so on to none."""
        trip = self._trip
        between = () if trip.ends is None else trip.ends.via
        stops = [*((one.lane, one.s_m) for one in between), trip.destination]
        for first in range(len(stops)):
            legs: list[RouteLeg] = []
            for one, other in pairwise([begin, *stops[first:]]):
                part = make_guide(trip.graph, other).legs(*one)
                if not part:
                    legs = []
                    break
                legs.extend(part)
            yield tuple(legs)


def _length_m(legs: Sequence[RouteLeg]) -> float:
    return sum(leg.s_to_m - leg.s_from_m for leg in legs)


__all__ = ["RouteTeller"]
