"""`volant cars` and `volant roads`: what can be named, and where it was found."""

from __future__ import annotations

import msgspec

from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.say import answer_json, table
from volant.core.errors import InputError
from volant.core.settings import find_data, known_names


class CarRow(msgspec.Struct, frozen=True, kw_only=True):
    """One car that can be named; `error` says why a file cannot be used."""

    name: str
    file: str
    title: str = ""
    error: str = ""


class RoadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One road that can be named; lengths are null where the file cannot be read."""

    name: str
    file: str
    lanes: int | None = None
    lanes_km: float | None = None
    error: str = ""


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One place that can be named: on which lane, how far along it, and where in the world."""

    name: str
    kind: str
    lane: str
    s_m: float
    x_m: float
    y_m: float


def cars_command(*, as_json: bool) -> Exit:
    """List the cars."""
    rows = [_car_row(name) for name in known_names("cars", data_folder())]
    if as_json:
        answer_json({"cars": rows})
    else:
        table("Cars", ("name", "car", "file"), [(r.name, r.title or r.error, r.file) for r in rows])
    return Exit.DONE


def roads_command(*, as_json: bool) -> Exit:
    """List the roads."""
    rows = [_road_row(name) for name in known_names("maps", data_folder())]
    if as_json:
        answer_json({"roads": rows})
        return Exit.DONE
    shown = [
        (
            row.name,
            "" if row.lanes is None else str(row.lanes),
            "" if row.lanes_km is None else f"{row.lanes_km:.1f}",
            row.error or row.file,
        )
        for row in rows
    ]
    table("Roads", ("name", "driving lanes", "km of lanes", "file"), shown)
    return Exit.DONE


def places_command(road: str, *, as_json: bool) -> Exit:
    """List the places of a road."""
    from volant.road import load_graph, places

    path = find_data("maps", road, data_folder())
    graph = load_graph(path)
    rows = []
    for place in places(graph):
        at = graph.position(place.lane, place.s_m)
        rows.append(
            PlaceRow(
                name=place.name,
                kind=place.kind,
                lane=str(graph.lanes[place.lane].id),
                s_m=round(place.s_m, 2),
                x_m=round(at.x_m, 2),
                y_m=round(at.y_m, 2),
            )
        )
    if as_json:
        answer_json({"road": str(path), "places": rows})
        return Exit.DONE
    shown = [
        (row.name, row.kind, f"{row.lane}@{row.s_m:.0f}", f"{row.x_m:.0f},{row.y_m:.0f}")
        for row in rows
    ]
    table("Places", ("name", "kind", "lane", "x,y"), shown)
    return Exit.DONE


def _car_row(name: str) -> CarRow:
    from volant.vehicle import load_spec

    path = find_data("cars", name, data_folder())
    try:
        return CarRow(name=name, file=str(path), title=load_spec(path).title)
    except InputError as error:
        return CarRow(name=name, file=str(path), error=str(error))


def _road_row(name: str) -> RoadRow:
    from volant.road import load_graph

    path = find_data("maps", name, data_folder())
    try:
        graph = load_graph(path)
    except InputError as error:
        return RoadRow(name=name, file=str(path), error=str(error))
    lanes = [lane for lane in graph.lanes if lane.kind == "driving"]
    length_km = sum(lane.length_m for lane in lanes) / 1000.0
    return RoadRow(name=name, file=str(path), lanes=len(lanes), lanes_km=round(length_km, 3))
