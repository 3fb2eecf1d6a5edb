"""`volant road check`: what a road holds and what is wrong with it."""

from __future__ import annotations

from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.say import answer_json, table
from volant.core.settings import find_data
from volant.road import RoadReport, check_road

SHOWN = 60


def check_command(name: str, *, as_json: bool) -> Exit:
    """Run `volant road check`; the exit status tells whether a finding is an error."""
    report = check_road(find_data("maps", name, data_folder()))
    if as_json:
        answer_json(report)
    else:
        _show(report)
    return Exit.DIFFERS if report.errors else Exit.DONE


def _show(report: RoadReport) -> None:
    limits = ", ".join(f"{km / 1000:.2f} km by {who}" for who, km in report.limit_length_m.items())
    rows = [
        ("file", f"{report.file}, OpenDRIVE {report.version}"),
        ("roads", f"{report.roads}, {report.road_length_m / 1000:.2f} km"),
        ("junctions", str(report.junctions)),
        ("drivable lanes", f"{report.lanes}, {report.lane_length_m / 1000:.2f} km"),
        ("traffic keeps", "left" if report.left_hand else "right"),
        ("road types", ", ".join(report.road_types) or "none"),
        ("speed limits", limits or "none"),
        (
            "signals, objects, parking",
            f"{report.signals}, {report.objects}, {report.parking_spaces}",
        ),
    ]
    table("Road", ("", ""), rows)
    if not report.findings:
        table("Findings", ("", ""), [("none", "")])
        return
    found = [
        (one.severity, one.road, one.lane, one.code, one.words) for one in report.findings[:SHOWN]
    ]
    table("Findings", ("severity", "road", "lane", "code", "what"), found)
    more = len(report.findings) - SHOWN
    if more > 0:
        table("", ("",), [(f"and {more} more; --json has all",)])
