"""The memory of trouble codes: status bits through drives, freeze frames, storage."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.vehicle.faults import FIRST_RECORD, LATEST_RECORD, FaultMemory, FaultSpec
from volant.wire.uds import DtcStatus as S

CODE, SLOW, OTHER = 0xC10087, 0xC10083, 0x403562
SPECS = (
    FaultSpec(CODE, "lost", "frames are missing", (0x0100, 0x0101), aging_cycles=3, warns=True),
    FaultSpec(SLOW, "crc", "frames fail", confirm_cycles=2),
    FaultSpec(OTHER, "wheel", "a wheel does not fit"),
)


def status(memory: FaultMemory, code: int = CODE) -> S:
    fault = memory.fault(code)
    assert fault is not None
    return fault.status


def test_a_fresh_code_was_not_tested() -> None:
    assert status(FaultMemory(SPECS)) == 0x50


def test_a_test_that_passes_is_completed() -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, False, 1)
    assert status(memory) == 0


def test_a_failure_is_confirmed_pending_and_warned_of() -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, True, 1)
    assert status(memory) == 0xAF
    memory.report(CODE, False, 2)
    assert status(memory) == 0xAE


def test_a_code_with_two_trips_is_confirmed_by_the_second() -> None:
    memory = FaultMemory(SPECS)
    memory.report(SLOW, True, 1)
    assert not status(memory, SLOW) & S.CONFIRMED
    memory.next_cycle()
    memory.report(SLOW, True, 2)
    assert status(memory, SLOW) & S.CONFIRMED


def test_a_good_drive_between_two_bad_ones_is_counted() -> None:
    memory = FaultMemory(SPECS)
    for failed in (True, False, True):
        memory.report(SLOW, failed, 1)
        memory.next_cycle()
    assert not status(memory, SLOW) & S.CONFIRMED


def test_a_pending_code_heals_after_a_drive_that_tested_it() -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, True, 1)
    memory.next_cycle()
    assert status(memory) & S.PENDING
    memory.next_cycle()
    assert status(memory) & S.PENDING  # it was not tested
    memory.report(CODE, False, 2)
    memory.next_cycle()
    assert not status(memory) & S.PENDING
    assert status(memory) & S.CONFIRMED


def test_a_healed_code_ages_and_is_forgotten() -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, True, 1)
    memory.next_cycle()
    for _ in range(3):
        memory.report(CODE, False, 2)
        memory.next_cycle()
    fault = memory.fault(CODE)
    assert fault is not None
    assert fault.status == S.FAILED_SINCE_CLEAR | S.NOT_COMPLETED_THIS_CYCLE
    assert fault.frames == {}


def test_frames_keep_the_first_and_the_latest_failure() -> None:
    memory = FaultMemory(SPECS)
    for stamp in (10, 20, 30):
        memory.report(CODE, True, stamp, {0x0101: b"\x01", 0x0100: bytes((stamp,)), 0x9999: b"x"})
        memory.report(CODE, True, stamp + 1, {0x0100: b"later"})
        memory.report(CODE, False, stamp + 2)
    fault = memory.fault(CODE)
    assert fault is not None
    assert fault.occurrences == 3
    assert fault.frames[FIRST_RECORD].stamp_ns == 10
    assert fault.frames[LATEST_RECORD].stamp_ns == 30
    assert fault.frames[LATEST_RECORD].values == ((0x0100, b"\x1e"), (0x0101, b"\x01"))


def test_clearing_forgets_one_or_all() -> None:
    memory = FaultMemory(SPECS)
    for code in (CODE, OTHER):
        memory.report(code, True, 1)
    assert memory.clear(CODE)
    assert status(memory) == 0x50
    assert status(memory, OTHER) & S.TEST_FAILED
    assert not memory.clear(0x123456)
    assert memory.clear()
    assert memory.faults(S.TEST_FAILED) == ()


def test_nothing_is_recorded_while_codes_are_off() -> None:
    memory = FaultMemory(SPECS)
    memory.recording = False
    memory.report(CODE, True, 1)
    assert status(memory) == 0x50


def test_a_frame_says_in_which_cycle_it_was_taken() -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, True, 1)
    memory.report(CODE, False, 2)
    memory.next_cycle()
    memory.report(CODE, True, 1)
    fault = memory.fault(CODE)
    assert fault is not None
    assert {number: frame.cycle for number, frame in fault.frames.items()} == {
        FIRST_RECORD: 0,
        LATEST_RECORD: 1,
    }
    other = FaultMemory(SPECS)
    other.restore(memory.to_bytes())
    assert other.cycle == 1


def test_storage_of_something_else_is_refused() -> None:
    body = b"\x81\xa1x\x01"
    with pytest.raises(InputError, match="stored trouble codes"):
        FaultMemory(SPECS).restore(zlib.crc32(body).to_bytes(4, "big") + body)


def test_an_unknown_code_is_our_own_misuse() -> None:
    with pytest.raises(ValueError, match="not one of this memory's"):
        FaultMemory(SPECS).report(0x111111, True, 1)
    with pytest.raises(ValueError):
        FaultMemory((SPECS[0], SPECS[0]))


ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([CODE, SLOW, OTHER]), st.booleans()),
        st.sampled_from(["cycle", "clear"]),
    ),
    max_size=60,
)


@given(ACTS)
def test_status_bits_never_contradict_each_other_and_storage_keeps_them(acts: list[object]) -> None:
    memory = FaultMemory(SPECS)
    for stamp, act in enumerate(acts):
        if act == "cycle":
            memory.next_cycle()
        elif act == "clear":
            memory.clear()
        elif isinstance(act, tuple):
            memory.report(act[0], act[1], stamp, {0x0100: b"\x01"})
        for fault in memory.faults():
            now = fault.status
            if now & S.FAILED_THIS_CYCLE:
                assert now & S.PENDING
                assert now & S.FAILED_SINCE_CLEAR
                assert not now & S.NOT_COMPLETED_THIS_CYCLE
            if now & S.NOT_COMPLETED_SINCE_CLEAR:
                assert now == 0x50
    other = FaultMemory(SPECS)
    other.restore(memory.to_bytes())
    assert other.faults() == memory.faults()
    fewer = FaultMemory(SPECS[:1])
    fewer.restore(memory.to_bytes())
    assert fewer.fault(CODE) == memory.fault(CODE)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_changed_storage_is_refused_and_changes_nothing(place: int, change: int) -> None:
    memory = FaultMemory(SPECS)
    memory.report(CODE, True, 1, {0x0100: b"\x01"})
    stored = bytearray(memory.to_bytes())
    stored[place % len(stored)] ^= change
    before = memory.faults()
    for wrong in (bytes(stored), bytes(stored[: place % len(stored)]), b""):
        with pytest.raises(InputError):
            memory.restore(wrong)
    assert memory.faults() == before
