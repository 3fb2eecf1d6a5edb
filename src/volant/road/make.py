"""The built-in world, made in code: a motorway ring, two interchanges, a country road between them.

The ring (about 7 km, three lanes each way) encloses the country road; both meet in two trumpet
interchanges, so every way can be driven without crossing traffic on one level. Cross sections and
ramp lengths follow the German guidelines RAA and RAL in kind, figures from memory (recalled). The
file `maps/volant-world.xodr` is written from here: `python -m volant.road.make maps/NAME.xodr`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from volant.road.make_country import country_road
from volant.road.make_interchange import trumpet
from volant.road.make_quarters import HALVES, build_harbour, build_station
from volant.road.make_ring import carriageways, interchange_places, ring_place
from volant.road.make_roundabout import REACH_M
from volant.road.make_site import Site
from volant.road.make_town import build_town
from volant.road.model import RoadNetwork
from volant.road.write import write_road

NAMES = ("South", "North")


def build_world() -> RoadNetwork:
    """The whole network; the same on every call."""
    interchanges = tuple(
        trumpet(name, place, number)
        for number, (name, place) in enumerate(zip(NAMES, interchange_places(), strict=True))
    )
    south, north = interchanges
    country = country_road(south, north, REACH_M)
    site = Site()
    site.add(*carriageways(interchanges, HALVES), *(r for i in interchanges for r in i.ramps))
    site.add(country.south, country.north)
    build_town(site, country)
    build_harbour(site, ring_place)
    build_station(site, ring_place)
    return RoadNetwork(
        file="volant-world",
        name="Volant world",
        version=(1, 8),
        roads=tuple(site.roads.values()),
        junctions=(*(j for i in interchanges for j in i.junctions), *site.junctions),
        geo_reference="+proj=tmerc +lat_0=48.0 +lon_0=11.0 +k=1 +x_0=0 +y_0=0 +datum=WGS84",
        controllers=tuple(site.controllers),
    )


if __name__ == "__main__":
    write_road(build_world(), Path(sys.argv[1]))
