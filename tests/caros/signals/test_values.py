"""Values of signals: what may stand at a leaf."""

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.signals.values import Code, SignalError, check
from volant.wire.vss import DATATYPES, Leaf


def leaf(datatype: str, **more: Any) -> Leaf:
    return Leaf("Vehicle.X", "actuator", datatype, **more)


@pytest.mark.parametrize(
    ("one", "value", "code"),
    [
        (leaf("boolean"), 1, Code.INVALID_TYPE),
        (leaf("uint8"), True, Code.INVALID_TYPE),
        (leaf("uint8"), 1.0, Code.INVALID_TYPE),
        (leaf("uint8"), "1", Code.INVALID_TYPE),
        (leaf("uint8"), 256, Code.OUT_OF_BOUNDS),
        (leaf("uint8"), -1, Code.OUT_OF_BOUNDS),
        (leaf("uint8", maximum=100), 101, Code.OUT_OF_BOUNDS),
        (leaf("int16", minimum=-5), -6, Code.OUT_OF_BOUNDS),
        (leaf("float"), "1", Code.INVALID_TYPE),
        (leaf("float"), math.nan, Code.OUT_OF_BOUNDS),
        (leaf("float"), math.inf, Code.OUT_OF_BOUNDS),
        (leaf("float"), 1e39, Code.OUT_OF_BOUNDS),
        (leaf("double"), 10**400, Code.OUT_OF_BOUNDS),
        (leaf("string", allowed=("A", "B")), "C", Code.NOT_ALLOWED),
        (leaf("string"), b"A", Code.INVALID_TYPE),
        (leaf("string"), "x" * 70_000, Code.OUT_OF_BOUNDS),
        (leaf("uint8[]"), 3, Code.INVALID_TYPE),
        (leaf("uint8[]"), [3, 300], Code.OUT_OF_BOUNDS),
        (leaf("string[]", allowed=("A",)), ["A", "B"], Code.NOT_ALLOWED),
        (leaf("uint8[]"), [0] * 5000, Code.OUT_OF_BOUNDS),
        (leaf("float"), None, Code.INVALID_TYPE),
    ],
)
def test_a_wrong_value_is_refused_with_its_code(one: Leaf, value: object, code: Code) -> None:
    with pytest.raises(SignalError) as told:
        check(one, value)
    assert told.value.code is code
    assert told.value.path == "Vehicle.X"
    assert len(told.value.reason) < 400


@pytest.mark.parametrize(
    ("one", "value", "kept"),
    [
        (leaf("boolean"), False, False),
        (leaf("float"), 3, 3.0),
        (leaf("double"), 0.1, 0.1),
        (leaf("uint64"), 2**64 - 1, 2**64 - 1),
        (leaf("string[]"), ["A"], ("A",)),
        (leaf("string[]"), [], ()),
    ],
)
def test_a_right_value_is_kept(one: Leaf, value: object, kept: object) -> None:
    found = check(one, value)
    assert found == kept
    assert type(found) is type(kept)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.lists(st.integers() | st.floats() | st.text(), max_size=3),
)  # fmt: skip


@given(st.sampled_from(DATATYPES), ANY)
def test_any_value_is_kept_or_refused_and_what_is_kept_is_kept_again(
    datatype: str, value: object
) -> None:
    one = leaf(datatype)
    with contextlib.suppress(SignalError):
        found = check(one, value)
        assert check(one, found) == found


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_of_32_bits_stays_itself(value: float) -> None:
    assert check(leaf("float"), value) == value
