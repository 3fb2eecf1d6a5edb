"""Roads: reading a file, finding the place on a lane, the corridor, and the lines to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.rows import Row, at_most, best_cpu_s, skipped
from tests.data_folder import find_data_folder
from volant.road import LaneId, check_road, follow, load_graph, load_road, markings

WORLD = Path(__file__).resolve().parent.parent / "maps" / "volant-world.xodr"
CALLS = 20_000
POINTS = 1_000


def each_us(work, calls: int = CALLS) -> float:
    def many() -> None:
        for _ in range(calls):
            work()

    return best_cpu_s(many) / calls * 1e6


def reading() -> list[Row]:
    folder = find_data_folder()
    if folder is None:
        return [skipped("road/load multi_intersections", "the shared data is not here")]
    path = folder / "roads" / "esmini" / "multi_intersections.xodr"
    return [
        Row("road/read multi_intersections", best_cpu_s(lambda: load_road(path)), "s CPU"),
        at_most(
            "road/load multi_intersections",
            best_cpu_s(lambda: load_graph(path)),
            0.5,
            "s CPU",
            "63 roads, read, sampled, linked and indexed",
        ),
    ]


def beside_pyxodr() -> Row:
    folder = find_data_folder()
    try:
        from pyxodr.road_objects.network import RoadNetwork
    except ImportError:
        return skipped("road/load e6mini beside pyxodr", "pyxodr is not installed: make peers")
    if folder is None:
        return skipped("road/load e6mini beside pyxodr", "the shared data is not here")
    path = folder / "roads" / "esmini" / "e6mini.xodr"

    def theirs() -> None:
        for road in RoadNetwork(str(path), resolution=2.0).get_roads():
            for section in road.lane_sections:
                for lane in section.lanes:
                    _ = lane.centre_line

    ours_s, theirs_s = best_cpu_s(lambda: load_graph(path)), best_cpu_s(theirs)
    return Row(
        "road/load e6mini",
        ours_s * 1e3,
        "ms CPU",
        peer="pyxodr, a point each 2 m",
        peer_value=theirs_s * 1e3,
        ratio=theirs_s / ours_s,
    )


def rows() -> list[Row]:
    graph = load_graph(WORLD)
    corridor = follow(graph, graph.by_id(LaneId("2", 1, -2)).index, 0.0, 4000.0)
    x_m, y_m, heading_rad = corridor.to_world(1000.0, 1.0)
    points = np.tile([[x_m, y_m]], (POINTS, 1))
    hints = np.full(POINTS, 1002.0)
    lines = markings(graph)
    return [
        *reading(),
        beside_pyxodr(),
        Row("road/load the built-in world", best_cpu_s(lambda: load_graph(WORLD)), "s CPU"),
        Row("road/check the built-in world", best_cpu_s(lambda: check_road(WORLD)), "s CPU"),
        Row(
            "road/corridor of 4 km",
            best_cpu_s(lambda: follow(graph, corridor.lanes[0], 0.0, 4000.0)) * 1e3,
            "ms CPU",
        ),
        at_most(
            "road/project with a hint",
            each_us(lambda: corridor.project(x_m, y_m, 1002.0)),
            5.0,
            "us",
        ),
        Row(
            "road/project, batch, each point",
            each_us(lambda: corridor.project_many(points, hints), 200) / POINTS,
            "us",
        ),
        Row(
            "road/locate a lane",
            each_us(lambda: graph.locate(x_m, y_m, heading_rad), 5_000),
            "us",
        ),
        Row("road/lines within 200 m", each_us(lambda: lines.window(x_m, y_m, 200.0), 2_000), "us"),
    ]
