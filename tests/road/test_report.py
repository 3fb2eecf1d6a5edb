"""The report of a checked road."""

import json

import msgspec
import pytest

from tests.data_folder import data_folder
from tests.road.roads import BOTH, WORLD, document, road, section
from volant.core.errors import InputError
from volant.road import RoadReport, check_road, parse_road


def test_the_built_in_world_has_its_limits_from_the_road_and_no_errors():
    report = check_road(WORLD)
    assert report.errors == 0
    assert (report.roads, report.junctions) > (17, 10)
    assert set(report.limit_length_m) == {"road"}
    assert report.limit_length_m["road"] == pytest.approx(report.lane_length_m, abs=0.1)
    assert report.road_types == ("motorway", "rural", "town", "townPrivate")


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


def with_widths(*widths: str) -> str:
    records = "".join(f"<width {width}/>" for width in widths)
    return section(
        f'<center><lane id="0" type="none"/></center><right><lane id="-1" type="driving">{records}'
        "</lane></right>"
    )


def checked(tmp_path, sections: str):
    path = tmp_path / "narrow.xodr"
    path.write_bytes(document(road(sections=sections)))
    return check_road(path)


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        (('sOffset="0" a="-3" b="0" c="0" d="0"',), "its width is -3 m at 0.00 m"),
        (('sOffset="0" a="3" b="-0.04" c="0" d="0"',), "its width is -1 m at 100.00 m"),
        # Between two stations, and positive at both ends: only the cubic's own least shows it.
        (('sOffset="0" a="3" b="-8" c="4" d="0"',), "its width is -1 m at 1.00 m"),
        (
            ('sOffset="0" a="3" b="0" c="0" d="0"', 'sOffset="50" a="-2" b="0" c="0" d="0"'),
            "its width is -2 m at 50.00 m",
        ),
    ],
)
def test_a_width_below_nothing_is_an_error_with_road_and_lane(tmp_path, widths, words):
    report = checked(tmp_path, with_widths(*widths))
    (found,) = [finding for finding in report.findings if finding.code == "negative-width"]
    assert (found.road, found.lane, found.severity) == ("1", "0 m: -1", "error")
    assert words in found.words
    assert report.errors >= 1


@pytest.mark.parametrize(
    "widths",
    [
        ('sOffset="0" a="3" b="0" c="-0.0009" d="0.000006"',),  # 3 m to 0 m, level at its end
        ('sOffset="0" a="3" b="-0.03005" c="0" d="0"',),  # 5 mm below nothing: rounding
        # The first record would be below nothing, but only behind where the second begins.
        ('sOffset="0" a="3" b="-0.05" c="0" d="0"', 'sOffset="50" a="0.5" b="0" c="0" d="0"'),
    ],
)
def test_a_width_that_runs_out_to_nothing_is_no_error(tmp_path, widths):
    assert checked(tmp_path, with_widths(*widths)).errors == 0


@pytest.mark.parametrize("width", ["-3", "0"])
def test_a_lane_that_is_nowhere_wide_is_no_lane_to_drive_on(tmp_path, width):
    report = checked(tmp_path, with_widths(f'sOffset="0" a="{width}" b="0" c="0" d="0"'))
    assert report.lanes == 0
    assert report.findings[-1].code == "no-drivable-lane"


def test_a_lane_without_room_is_left_out_and_its_neighbour_kept(tmp_path):
    lanes = BOTH.replace('a="3.5"', 'a="-3.5"', 1)
    report = checked(tmp_path, section(lanes))
    assert report.lanes == 1
    assert {"negative-width", "no-room"} <= {finding.code for finding in report.findings}


def test_lights_and_priorities_that_point_nowhere_are_warnings():
    text = document(
        road(),
        '<controller id="c1" name="c"><control signalId="lost"/></controller>',
        '<junction id="9" name="j"><priority high="1" low="77"/><controller id="c2"/></junction>',
    )
    found = [(finding.code, finding.severity) for finding in parse_road(text).findings]
    assert found == [
        ("dangling-signal", "warning"),
        ("dangling-controller", "warning"),
        ("dangling-priority", "warning"),
    ]
