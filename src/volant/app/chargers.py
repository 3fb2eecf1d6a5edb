"""The chargers of a road: a TOML file beside it, `NAME.chargers.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.caros.energy.route import Post
from volant.core.errors import InputError
from volant.core.settings import line_of_key, load_toml
from volant.road import LaneGraph, find_place

MOST_POSTS: Final = 10_000


class ChargerRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One charger."""

    place: str
    """As `volant.road.find_place` takes it."""
    power_kw: Annotated[float, Meta(ge=1.0, le=1000.0)]
    name: str = ""
    """For people; empty: the place."""


class ChargerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of chargers."""

    charger: Annotated[tuple[ChargerRow, ...], Meta(max_length=MOST_POSTS)] = ()


def load_posts(road_file: Path, graph: LaneGraph) -> tuple[Post, ...]:
    """The chargers of a road; none where no file lies beside it.

    Raises:
        InputError: the file is wrong, or names a place that is not on the road (file, line).
    """
    file = road_file.with_name(f"{road_file.stem}.chargers.toml")
    if not file.is_file():
        return ()
    rows = load_toml(file, ChargerFile).charger
    return tuple(_post(graph, file, number, row) for number, row in enumerate(rows))


def _post(graph: LaneGraph, file: Path, number: int, row: ChargerRow) -> Post:
    try:
        place = find_place(graph, row.place)
    except InputError as error:
        line = line_of_key(file, f"charger.{number}.place")
        raise InputError(error.message, file=str(file), line=line) from error
    here = graph.position(place.lane, place.s_m)
    return Post(row.name or row.place, here.x_m, here.y_m, 1000.0 * row.power_kw)


__all__ = ["load_posts"]
