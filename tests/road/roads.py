"""Small OpenDRIVE texts for tests, so that each shows only what it is about."""

from pathlib import Path

from tests.data_folder import REPO
from volant.road import LaneGraph, RoadNetwork, build_graph, parse_road

WORLD = REPO / "maps" / "volant-world.xodr"

LINE = '<geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry>'
BOTH = """
<left><lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
<center><lane id="0" type="driving"/></center>
<right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
"""


def section(lanes: str = BOTH, s: float = 0.0) -> str:
    return f'<laneSection s="{s}">{lanes}</laneSection>'


def road(
    geometry: str = LINE,
    sections: str | None = None,
    *,
    road_id: str = "1",
    length: float = 100.0,
    rule: str = "RHT",
    extra: str = "",
    lanes: str = "",
) -> str:
    body = section() if sections is None else sections
    return (
        f'<road name="r" id="{road_id}" length="{length}" junction="-1" rule="{rule}">{extra}'
        f"<planView>{geometry}</planView><lanes>{lanes}{body}</lanes></road>"
    )


def document(*roads: str) -> bytes:
    return f'<OpenDRIVE><header revMajor="1" revMinor="7"/>{"".join(roads)}</OpenDRIVE>'.encode()


def network(*roads: str) -> RoadNetwork:
    return parse_road(document(*roads), "test.xodr")


def graph(*roads: str) -> LaneGraph:
    return build_graph(network(*roads))


def road_files(data: Path) -> list[Path]:
    return sorted(data.rglob("*.xodr"))
