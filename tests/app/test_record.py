"""What the app adds to a journal: the road beside the way, for viewers."""

import math

from volant.app.compose import plan_trip
from volant.app.record import VIEW_REACH_M, lane_lines
from volant.app.trip import TripWish
from volant.core.messages import MarkKind


def test_viewers_see_the_borders_of_the_own_lanes_and_nothing_far_away() -> None:
    trip = plan_trip(
        TripWish(
            car="g3-520",
            road="volant-world",
            seed=1,
            sensors="perfect",
            cars=0,
            distance_m=600.0,
        )
    )
    lines = list(lane_lines(trip))
    corridor = trip.stretch.corridor
    here = corridor.at(300.0)
    nearest_m = min(
        math.hypot(x - here.x_m, y - here.y_m)
        for line in lines
        for x, y in zip(line.x_m, line.y_m, strict=True)
    )
    assert nearest_m < 8.0
    assert {MarkKind.SOLID, MarkKind.BROKEN} <= {line.mark for line in lines}
    for line in lines:
        s_m, offset_m = corridor.project(line.x_m[0], line.y_m[0])
        assert abs(offset_m) < 2.0 * VIEW_REACH_M, (s_m, line)
