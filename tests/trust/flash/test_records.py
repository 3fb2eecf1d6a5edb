"""A value on flash is the old or the new one after every cut; the device keeps its rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.flash.kinds import MANAGED, RAW, KeepsTheRules
from volant.trust.flash import (
    Area,
    CrashState,
    Geometry,
    MemoryFlash,
    RecordingFlash,
    Records,
    check_states,
)

AREA = Area(1024, 2048)


@given(st.sampled_from([RAW, MANAGED]), st.lists(st.binary(max_size=300), min_size=1, max_size=12))
def test_after_any_cut_a_value_is_the_last_or_the_one_before(
    geometry: Geometry, values: list[bytes]
) -> None:
    flash = MemoryFlash(geometry)
    before: bytes | None = None
    for value in values:
        recorded = RecordingFlash(geometry, flash.content)
        Records(recorded, AREA).put(value)
        for state in recorded.crash_states():
            cut = Records(MemoryFlash(geometry, state.content), AREA)
            assert cut.value in {before, value}, state.words
            cut.put(b"and on")
            assert cut.value == b"and on"
        flash, before = MemoryFlash(geometry, recorded.content), value
        assert Records(flash, AREA).value == value
    assert Records(flash, AREA).sequence == len(values)


@given(st.binary(min_size=2048, max_size=2048))
def test_noise_holds_no_value(noise: bytes) -> None:
    flash = MemoryFlash(RAW, bytes(1024) + noise + bytes(1024))
    records = Records(flash, AREA)
    assert records.value is None
    records.put(b"first")
    assert Records(flash, AREA).value == b"first"


def test_a_value_that_is_too_long_and_an_area_that_is_none_are_told() -> None:
    flash = MemoryFlash(RAW)
    with pytest.raises(ValueError, match="too long"):
        Records(flash, AREA).put(bytes(1020))
    with pytest.raises(ValueError, match="too long"):
        Records(flash, AREA).put(bytes(1 << 20))
    with pytest.raises(ValueError, match="two halves"):
        Records(flash, Area(0, 1024))


class TestMemoryFlash(KeepsTheRules):
    def device(self, geometry: Geometry) -> MemoryFlash:
        return MemoryFlash(geometry)


class TestRecordingFlash(KeepsTheRules):
    def device(self, geometry: Geometry) -> RecordingFlash:
        return RecordingFlash(geometry)


def test_a_geometry_must_fit() -> None:
    with pytest.raises(ValueError, match="pages must fill"):
        Geometry(1000, 512, 100)
    with pytest.raises(ValueError, match="on a device of"):
        MemoryFlash(RAW, b"short")


def test_states_after_a_cut_are_those_of_the_model() -> None:
    """Two overlapping writes after a flush, counted by hand."""
    flash = RecordingFlash(Geometry(2048, 1024, 512, overwrites=True))
    flash.write(0, b"a" * 512)
    flash.flush()
    flash.write(0, b"b" * 512)
    flash.write(0, b"c" * 512)
    found = {state.content[:1] for state in flash.crash_states()}
    assert found > {b"\xff", b"a", b"b", b"c"}
    words = [state.words for state in flash.crash_states()]
    assert words[-1] == "flush 1 + 2: done"


def test_writes_apart_may_each_be_lost_but_their_order_is_nothing_to_see() -> None:
    flash = RecordingFlash(Geometry(2048, 1024, 512, overwrites=True))
    flash.write(0, b"a" * 512)
    flash.write(1024, b"b" * 512)
    seen: list[tuple[bytes, str]] = []

    def check(cut: MemoryFlash, state: CrashState) -> None:
        assert cut.content == state.content
        seen.append((cut.read(0, 1) + cut.read(1024, 1), state.words))

    count = check_states(flash, check)
    assert count == len(seen)
    assert {content for content, words in seen if "undefined" not in words} == {
        b"\xff\xff",
        b"a\xff",
        b"\xffb",
        b"ab",
    }
    assert not [words for _, words in seen if "before operation" in words]


def test_torn_pages_of_raw_flash_may_hold_anything_between() -> None:
    flash = RecordingFlash(Geometry(2048, 1024, 256))
    flash.write(0, bytes(512))
    states = [state.content[:512] for state in flash.crash_states()]
    assert bytes(256) + b"\xff" * 256 in states
    assert any(set(state[:256]) - {0, 255} for state in states)
