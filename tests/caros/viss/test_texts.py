"""Values, times and periods as text."""

import contextlib
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.signals.values import check
from volant.caros.viss.errors import VissError
from volant.caros.viss.texts import duration_ns, number_of, stamp_of, text_of, value_of
from volant.wire.vss import Leaf

FLOAT = Leaf("A.B", "actuator", "float")
DOUBLE = Leaf("A.B", "actuator", "double")
INT = Leaf("A.B", "actuator", "int64")
TEXTS = Leaf("A.B", "actuator", "string[]")


def single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_the_same_after_its_text(value) -> None:
    text = text_of(FLOAT, value)
    assert isinstance(json.loads(text), int | float)
    assert check(FLOAT, value_of(FLOAT, text)) == value
    assert len(text) <= 15 or abs(value) >= 3.4e38


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_the_same_after_its_text(value) -> None:
    assert check(DOUBLE, value_of(DOUBLE, text_of(DOUBLE, value))) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_is_the_same_after_its_text(value) -> None:
    assert value_of(INT, text_of(INT, value)) == value


@given(st.lists(st.text(max_size=20), max_size=20))
def test_a_list_is_the_same_after_its_texts(value) -> None:
    assert value_of(TEXTS, text_of(TEXTS, tuple(value))) == tuple(value)


@given(st.one_of(st.text(max_size=80), st.integers(), st.none(), st.floats()))
def test_a_number_is_what_json_has(raw) -> None:
    found = number_of(raw)
    if found is not None:
        assert isinstance(raw, str)
        assert math.isinf(found) or json.loads(raw) == found


@pytest.mark.parametrize(
    "raw", ["1.", ".5", "+1", "0x1", "1_0", "NaN", "Infinity", " 1", "٣", "01"]
)
def test_what_json_does_not_have_is_no_number(raw) -> None:
    assert number_of(raw) is None
    with pytest.raises(VissError, match="Bad data"):
        value_of(FLOAT, raw)


def test_a_short_float_stays_short() -> None:
    assert text_of(FLOAT, single(0.1)) == "0.1"
    assert text_of(FLOAT, 120.0) == "120"
    assert text_of(FLOAT, single(12345.678)) == "12345.678"


def test_a_list_has_an_end() -> None:
    with pytest.raises(VissError, match="Invalid array size"):
        value_of(TEXTS, ["a"] * 5000)


def test_a_time_is_utc_with_a_z() -> None:
    assert stamp_of(1_586_957_820_000_001_999) == "2020-04-15T13:37:00.000001Z"


@pytest.mark.parametrize(
    ("text", "s"), [("P2DT12H", 216_000), ("PT1H", 3600), ("PT0S", 0), ("P1DT1H1M1S", 90_061)]
)
def test_periods(text, s) -> None:
    assert duration_ns(text) == s * 1_000_000_000


@given(st.one_of(st.text(alphabet="PTDHMSY0123456789.-", max_size=60), st.integers()))
def test_a_period_is_one_or_refused(raw) -> None:
    with contextlib.suppress(VissError):
        assert 0 <= duration_ns(raw) < 999 * 86_400 * 10**9
