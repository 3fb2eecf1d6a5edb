"""The report of a checked road."""

import json

import msgspec
import pytest

from tests.data_folder import data_folder
from tests.road.roads import BOTH, WORLD, document, road, section
from volant.core.errors import InputError
from volant.road import RoadReport, check_road


def test_the_built_in_world_has_its_limits_from_the_road_and_no_errors():
    report = check_road(WORLD)
    assert (report.roads, report.junctions, report.errors) == (17, 10, 0)
    assert set(report.limit_length_m) == {"road"}
    assert report.limit_length_m["road"] == pytest.approx(report.lane_length_m, abs=0.1)
    assert report.road_types == ("motorway", "rural")


def test_a_report_is_json_and_reads_back():
    data = msgspec.json.encode(check_road(WORLD))
    assert json.loads(data)["findings"][0]["code"] == "ends-by-width"
    assert msgspec.json.decode(data, type=RoadReport) == check_road(WORLD)


def test_dangling_links_are_errors_with_road_and_lane():
    report = check_road(
        data_folder() / "scenarios/euro-ncap-2023/OpenDRIVE/NCAP/X-Intersection_NCAP.xodr"
    )
    assert report.errors == 4
    assert [(f.road, f.lane) for f in report.findings] == [
        ("4", "-2"),
        ("6", "-2"),
        ("6", "-2"),
        ("7", "-2"),
    ]


def test_parking_spaces_are_counted_with_their_repeats():
    report = check_road(data_folder() / "roads/esmini/parking_demo.xodr")
    assert report.parking_spaces > 40
    assert report.limit_length_m["default"] > 0.0


def test_a_road_without_a_lane_is_reported_not_raised(tmp_path):
    path = tmp_path / "walk.xodr"
    path.write_bytes(document(road(sections=section(BOTH.replace("driving", "sidewalk")))))
    report = check_road(path)
    assert (report.lanes, report.box_m) == (0, None)
    assert report.findings[-1].code == "no-drivable-lane"


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    path = tmp_path / "bad.xodr"
    path.write_text("<OpenDRIVE>")
    with pytest.raises(InputError, match=r"bad\.xodr:1"):
        check_road(path)
