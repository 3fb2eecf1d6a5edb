"""What the kernels of traffic know of the roads."""

import numpy as np
import pytest

from volant.road import LaneColumn, build_graph, traffic_rules
from volant.road.make import build_world
from volant.sim.columns import LaneFloat, LaneIndex
from volant.sim.roads import NARROW_M, lane_arrays


def test_a_lane_that_runs_out_is_left_where_it_gets_too_narrow() -> None:
    graph = build_graph(build_world())
    roads = lane_arrays(graph, traffic_rules(graph))
    tapers = roads.lane_f[:, LaneFloat.TAPER]
    ending = roads.lane_i[: len(tapers), LaneIndex.ENDS] == 1
    assert (tapers[~ending] == 0.0).all()
    tapered = np.flatnonzero(tapers > 1.0).tolist()
    assert tapered
    for at in tapered:
        samples, left_m = graph.lanes[at].samples, graph.lanes[at].length_m - tapers[at]
        narrow = samples[:, LaneColumn.S] > left_m + 1e-6
        assert samples[~narrow, LaneColumn.WIDTH][-1] >= NARROW_M
        assert (samples[narrow, LaneColumn.WIDTH] < NARROW_M).all()
        assert roads.lane_f[at, LaneFloat.END] == pytest.approx(left_m)
