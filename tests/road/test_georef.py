"""Where on Earth a map lies."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.road.georef import GeoReference, read_georef


def test_a_place_of_utm_is_where_others_say_it_is() -> None:
    """CN Tower, Toronto: 17N 630 084 m, 4 833 438 m is 43 38 33.24 N, 79 23 13.7 W (Wikipedia, UTM)."""
    zone = read_georef("+proj=utm +zone=17 +datum=WGS84")
    assert zone is not None
    latitude, longitude = zone.degrees(630_084.0, 4_833_438.0)
    assert latitude == pytest.approx(43.0 + 38.0 / 60.0 + 33.24 / 3600.0, abs=1e-5)
    assert longitude == pytest.approx(-79.0 - 23.0 / 60.0 - 13.7 / 3600.0, abs=1e-5)


def test_the_origin_and_its_offset() -> None:
    found = read_georef("+proj=tmerc +lat_0=48.0 +lon_0=11.0 +k=1 +x_0=100 +y_0=-50 +datum=WGS84")
    assert found is not None
    assert found.degrees(100.0, -50.0) == pytest.approx((48.0, 11.0), abs=1e-8)
    south = read_georef("+proj=utm +zone=32 +south")
    assert south is not None
    assert south.degrees(500_000.0, 10_000_000.0) == pytest.approx((0.0, 9.0), abs=1e-8)


@given(st.floats(-80.0, 80.0), st.floats(-20_000.0, 20_000.0), st.floats(-20_000.0, 20_000.0))
def test_a_metre_on_the_map_is_a_metre_on_earth(origin: float, x_m: float, y_m: float) -> None:
    """By the radii of curvature at the place, which the series do not use."""
    place = GeoReference(latitude_rad=math.radians(origin))
    latitude, longitude = place.degrees(x_m, y_m)
    sin = math.sin(math.radians(latitude))
    e2 = 0.00669437999014
    across_m = 6_378_137.0 / math.sqrt(1.0 - e2 * sin**2)
    along_m = across_m * (1.0 - e2) / (1.0 - e2 * sin**2)
    north = place.degrees(x_m, y_m + 10.0)
    dy_m = along_m * math.radians(north[0] - latitude)
    dx_m = across_m * math.cos(math.radians(latitude)) * math.radians(north[1] - longitude)
    assert math.hypot(dx_m, dy_m) == pytest.approx(10.0, abs=2e-4)


@pytest.mark.parametrize(
    "text",
    [
        "", "+proj=merc", "+proj=utm", "+proj=utm +zone=61", "+proj=utm +zone=x",
        "+proj=tmerc +lat_0=abc", "+proj=tmerc +lat_0=91", "+proj=tmerc +x_0=nan", "+proj=tmerc +k=0",
        "+proj=tmerc +lat_0=nan",
    ],
)  # fmt: skip
def test_what_is_not_known_here_is_none(text: str) -> None:
    assert read_georef(text) is None
