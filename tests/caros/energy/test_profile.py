"""Routes from CSV and GPX files, and what is refused in them."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.caros.energy.profile import (
    EARTH_M,
    Charger,
    RouteProfile,
    _smoothed,
    profile_of,
    read_profile,
)
from volant.core.errors import InputError

CSV = """# a comment
distance_m,height_m,limit_kmh,heading_deg,stop,charger_kw,charger
0,10,50,90,,,
500,20,80,0,1,,
1500,0,130,,,150,Rest area
"""


def written(folder: Path, text: str | bytes, name: str = "way.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_csv_tells_height_limit_heading_stops_and_chargers(tmp_path: Path) -> None:
    way = read_profile(written(tmp_path, CSV))
    assert way.length_m == 1500.0
    assert way.stops == (500.0,)
    assert way.chargers == (Charger("Rest area", 1500.0, 150_000.0),)
    here = way.spot(250.0)
    assert here.height_m == pytest.approx(15.0)
    assert here.slope == pytest.approx(0.02)
    assert here.limit_mps == pytest.approx(50.0 / 3.6)
    assert here.heading_rad == pytest.approx(0.0)
    assert way.spot(700.0).heading_rad == pytest.approx(math.pi / 2.0)
    assert way.slope_between(0.0, 1000.0) == pytest.approx(0.0)
    assert way.stops_between(0.0, 500.0) == 1
    assert way.stops_between(500.0, 1500.0) == 0


def test_beyond_its_ends_a_route_goes_on_level(tmp_path: Path) -> None:
    way = read_profile(written(tmp_path, CSV))
    assert way.spot(9000.0).slope == 0.0
    assert way.spot(-5.0).limit_mps == pytest.approx(50.0 / 3.6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("distance_m,height_m\n0,1\n1,1\n", ":1: column limit_kmh is missing"),
        ("distance_m,height_m,limit_kmh,wind\n0,1,50,1\n1,1,50,1\n", ":1: column 'wind'"),
        ("distance_m,height_m,limit_kmh\n5,1,50\n9,1,50\n", ":2: distance_m: expected 0"),
        ("distance_m,height_m,limit_kmh\n0,1,50\n\n0,1,50\n", ":4: distance_m: 0 after 0"),
        ("distance_m,height_m,limit_kmh\n0,1,50\n9,nan,50\n", ":3: height_m: 'nan'"),
        ("distance_m,height_m,limit_kmh\n0,1,50\n9,1,0\n", ":3: limit_kmh: '0'"),
        ("distance_m,height_m,limit_kmh\n0,1,50\n9,1\n", ":3: expected a value for each column"),
        ("distance_m,height_m,limit_kmh\n0,1,50\n", "two points or more"),
        (
            "distance_m,height_m,limit_kmh\n0,120,50\n100,5000,50\n90000,121,50\n",
            ":3: height: a slope of +4880 %, at most 50 over 25 m: the steepest streets",
        ),
        (
            "distance_m,height_m,limit_kmh\n0,900,50\n200,900,50\n220,0,50\n",
            ":4: height: a slope of -",
        ),
        ("distance_m;height_m;limit_kmh\n0;120,5;50\n9;1;50\n", ":1: values are separated by ';'"),
        ("# way\ndistance_m\theight_m\n0\t1\n9\t1\n", ":2: values are separated by '\\t'"),
        ("", "two points or more"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_bad_csv_is_refused_with_its_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=r"way\.csv") as caught:
        read_profile(written(tmp_path, text))
    assert words in str(caught.value)


def gpx(points: str) -> str:
    return f'<gpx version="1.1"><trk><trkseg>{points}</trkseg></trk></gpx>'


def test_a_gpx_track_gives_distance_height_and_heading(tmp_path: Path) -> None:
    points = "".join(
        f'<trkpt lat="{0.001 * i}" lon="0"><ele>{10.0 * i}</ele></trkpt>' for i in range(11)
    )
    way = read_profile(written(tmp_path, gpx(points), "way.gpx"))
    assert way.length_m == pytest.approx(1111.9, abs=1.0)
    assert way.spot(500.0).heading_rad == pytest.approx(math.pi / 2.0)
    assert way.spot(500.0).slope == pytest.approx(100.0 / 1112.0, rel=0.01)
    assert way.height_m[0] == 0.0


def track(places: list[tuple[float, float]]) -> str:
    """Points to the north of each other, by distance and height in m."""
    return gpx(
        "".join(
            f'<trkpt lat="{math.degrees(at_m / EARTH_M)!r}" lon="0"><ele>{height_m!r}</ele></trkpt>'
            for at_m, height_m in places
        )
    )


def test_points_that_lie_far_apart_keep_their_heights(tmp_path: Path) -> None:
    places = [(0.0, 600.0), (11_000.0, 900.0), (200_000.0, 500.0)]
    way = read_profile(written(tmp_path, track(places), "way.gpx"))
    rises_m = np.diff(way.height_m)
    assert rises_m[rises_m > 0.0].sum() == pytest.approx(300.0, abs=1.0)
    assert rises_m[rises_m < 0.0].sum() == pytest.approx(-400.0, abs=1.0)


HEIGHTS = st.floats(-400.0, 8000.0)


@given(st.lists(HEIGHTS, min_size=2, max_size=30), st.floats(80.0, 3000.0))
def test_smoothing_keeps_the_extremes_of_a_coarse_grid(heights: list[float], step_m: float) -> None:
    height_m = np.array(heights)
    smooth_m = _smoothed(step_m * np.arange(len(heights)), height_m)
    assert smooth_m.max() == pytest.approx(height_m.max(), abs=1e-6)
    assert smooth_m.min() == pytest.approx(height_m.min(), abs=1e-6)


@given(st.lists(st.tuples(st.floats(5.0, 2000.0), HEIGHTS), min_size=2, max_size=60))
def test_smoothing_makes_no_height_beyond_those_that_are_there(
    points: list[tuple[float, float]],
) -> None:
    height_m = np.array([one[1] for one in points])
    steps_m = np.array([0.0, *(one[0] for one in points[1:])])
    at_m = np.cumsum(steps_m, dtype=np.float64)
    smooth_m = _smoothed(at_m, height_m)
    assert smooth_m.max() <= height_m.max() + 1e-6
    assert smooth_m.min() >= height_m.min() - 1e-6


def test_smoothing_takes_noise_away_and_leaves_a_slope() -> None:
    at_m = np.arange(0.0, 2001.0, 10.0)
    noise_m = np.where(np.arange(len(at_m)) % 2, 1.0, -1.0)
    smooth_m = _smoothed(at_m, 0.05 * at_m + noise_m)
    inside = slice(10, -10)
    assert smooth_m[inside] == pytest.approx(0.05 * at_m[inside], abs=0.1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (gpx('<trkpt lat="0" lon="0"/>'), "two points or more"),
        (gpx('<trkpt lat="95" lon="0"/>' * 2), ":1: trkpt: 95, 0: no place on the earth"),
        (gpx('<trkpt lat="1" lon="0"><ele>high</ele></trkpt>'), ":1: ele: 'high'"),
        (
            gpx(
                '<trkpt lat="0" lon="0"><ele>0</ele></trkpt>\n<trkpt lat="0.001" lon="0"/>\n'
                '<trkpt lat="0.002" lon="0"><ele>8000</ele></trkpt>'
            ),
            ":2: height: a slope of +",
        ),
        ("<kml/>", "expected <gpx>"),
        ("<gpx", "not well-formed"),
        ('<!DOCTYPE gpx [<!ENTITY a "b">]><gpx/>', "document types"),
    ],
)
def test_a_bad_gpx_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_profile(written(tmp_path, text, "way.gpx"))
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_profile(tmp_path / "none.csv")


def test_a_profile_of_no_length_is_our_own_mistake() -> None:
    one = np.array([0.0])
    with pytest.raises(ValueError, match="two points"):
        profile_of(one, one, one + 10.0)
    two = np.array([0.0, 0.0])
    with pytest.raises(ValueError, match="rise"):
        profile_of(two, two, two + 10.0)


def test_heights_that_a_track_leaves_out_lie_on_a_line_or_are_not_known(tmp_path: Path) -> None:
    holes = [(0.0, 100.0), (1000.0, None), (2000.0, None), (4000.0, 300.0)]
    points = "".join(
        f'<trkpt lat="{math.degrees(at_m / EARTH_M)!r}" lon="0">'
        + ("" if height_m is None else f"<ele>{height_m}</ele>")
        + "</trkpt>"
        for at_m, height_m in holes
    )
    way = read_profile(written(tmp_path, gpx(points), "way.gpx"))
    assert way.heights_known
    assert way.height_m == pytest.approx(np.array([100.0, 150.0, 200.0, 300.0]), abs=0.1)
    bare = gpx('<trkpt lat="0" lon="0"/><trkpt lat="0.01" lon="0"/>')
    flat = read_profile(written(tmp_path, bare, "flat.gpx"))
    assert not flat.heights_known
    assert not flat.height_m.any()


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("way.csv", "way.gpx"):
        with contextlib.suppress(InputError):
            assert isinstance(read_profile(written(folder, data, name)), RouteProfile)
