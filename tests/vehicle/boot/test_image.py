"""Images of programs: what is read is what was made, and nothing that was changed is read."""

import hashlib
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vehicle.boot.device import NEW, image
from volant.core.errors import InputError
from volant.vehicle.boot import Image, Tables, make_image, read_image

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=24)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = (
    st.booleans()
    | st.integers(-(1 << 40), 1 << 40)
    | numbers
    | st.lists(numbers, max_size=4).map(tuple)
)


@given(names, names, names, st.integers(0, (1 << 32) - 1), st.dictionaries(names, values))
def test_what_is_read_is_what_was_made(
    unit: str, hardware: str, version: str, release: int, calibration: dict[str, object]
) -> None:
    told = Image(
        unit=unit,
        hardware=hardware,
        version=version,
        release=release,
        tables=Tables(calibration=calibration, behaviour={"holds": False}, needs={"drive": 3}),  # type: ignore[arg-type]
    )
    read = read_image(make_image(told))
    assert (read.unit, read.hardware, read.version, read.release) == (
        (unit, hardware, version, release)
    )
    assert read.tables == told.tables


@given(st.integers(0, len(NEW) - 1), st.integers(1, 255))
def test_one_changed_byte_and_it_is_no_image(at: int, bits: int) -> None:
    with pytest.raises(InputError, match="no image"):
        read_image(NEW[:at] + bytes((NEW[at] ^ bits,)) + NEW[at + 1 :])


@given(st.integers(0, len(NEW) - 1))
def test_truncated_or_longer_it_is_no_image(length: int) -> None:
    with pytest.raises(InputError, match="no image"):
        read_image(NEW[:length])
    with pytest.raises(InputError, match="no image"):
        read_image(NEW + bytes(1 + length))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(InputError):
        read_image(b"VECU\0\1" + data)


@pytest.mark.parametrize(
    "tables",
    [
        msgspec.msgpack.encode({"calibration": {"gain": math.nan}}),
        msgspec.msgpack.encode({"calibration": {"gain": [1.0, math.inf]}}),
        msgspec.msgpack.encode({"calibration": {"gain": {"deep": 1}}}),
        msgspec.msgpack.encode({"program": 1}),
        msgspec.msgpack.encode({"needs": {"drive": -1}}),
        b"\x91" * 5000,
        b"\xc1",
    ],
    ids=["nan", "inf", "deep", "unknown", "needs", "nested", "never"],
)
def test_tables_that_are_none_are_refused_though_their_hash_fits(tables: bytes) -> None:
    head = bytearray(NEW[:88])
    head[12:16] = len(tables).to_bytes(4, "big")
    body = bytes(head) + tables
    with pytest.raises(InputError):
        read_image(body + hashlib.sha256(body).digest())


@pytest.mark.parametrize("unit", ["", "ü", "a" * 25, "a\n"])
def test_a_name_must_fit(unit: str) -> None:
    with pytest.raises(InputError, match="unit"):
        image(unit=unit)


def test_a_release_must_fit() -> None:
    with pytest.raises(InputError, match="release"):
        image(1 << 32)


@given(st.binary(min_size=1, max_size=300), st.integers(0, 700), st.integers(1, 255))
def test_code_is_part_of_what_is_hashed(code: bytes, at: int, bits: int) -> None:
    told = Image(unit="brake", hardware="SIM-1", version="1", release=1, tables=Tables())
    data = make_image(told, code=code)
    found = read_image(data)
    assert found.code_bytes == len(code)
    assert code in data
    assert found.tables == Tables()
    changed = bytearray(data)
    changed[at % len(data)] ^= bits
    with pytest.raises(InputError, match="no image"):
        read_image(bytes(changed))
    for short in (data[:-1], data[:90], data + b"\0"):
        with pytest.raises(InputError, match="no image"):
            read_image(short)


def test_code_must_fit() -> None:
    told = Image(unit="brake", hardware="SIM-1", version="1", release=1, tables=Tables())
    with pytest.raises(InputError, match="of code"):
        make_image(told, code=bytes((8 << 20) + 1))
