"""End-to-end protection: vectors of the standard (recalled), and what a receiver may never accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.wire.e2e import (
    GOOD,
    CheckState,
    Profile,
    Protection,
    Status,
    check,
    count_of,
    crc8_h2f,
    crc8_j1850,
    next_counter,
    protect,
)

ONE = Protection(profile=Profile.PROFILE_1, data_id=0x123)
TWO = Protection(profile=Profile.PROFILE_2, data_ids=bytes(range(1, 17)))
LAST = Protection(profile=Profile.PROFILE_1, data_id=0x321, crc_byte=7, counter_bit=52)
ALL = (ONE, TWO, LAST)

# AUTOSAR SWS CRC, tables of results for CRC8 and CRC8H2F (recalled).
CRC_VECTORS = [
    ("00000000", 0x59, 0x12),
    ("f20183", 0x37, 0xC2),
    ("0faa0055", 0x79, 0xC6),
    ("00ff5511", 0xB8, 0x77),
    ("332255aabbccddeeff", 0xCB, 0x11),
    ("926b55", 0x8C, 0x33),
    ("ffffffff", 0x74, 0x6C),
    (b"123456789".hex(), 0x4B, 0xDF),
]


@pytest.mark.parametrize(("text", "j1850", "h2f"), CRC_VECTORS)
def test_both_checksums_give_the_vectors_of_the_standard(text: str, j1850: int, h2f: int) -> None:
    data = bytes.fromhex(text)
    assert (crc8_j1850(data), crc8_h2f(data)) == (j1850, h2f)


@pytest.mark.parametrize(
    ("protection", "counter", "expected"),
    # AUTOSAR PRS E2E, examples of profile 1 variant A and of profile 2 (recalled).
    [(ONE, 0, "cc00"), (ONE, 1, "9101"), (TWO, 1, "1b01"), (TWO, 2, "9802"), (TWO, 3, "3103")],
)
def test_the_examples_of_the_profiles(protection: Protection, counter: int, expected: str) -> None:
    assert protect(protection, bytes(8), counter) == bytes.fromhex(expected) + bytes(6)


def sent(protection: Protection, data: bytes, counters: list[int]) -> list[Status]:
    state, found = CheckState(), []
    for counter in counters:
        state, status = check(protection, state, protect(protection, data, counter))
        found.append(status)
    return found


@pytest.mark.parametrize("protection", ALL)
@given(data=st.binary(min_size=8, max_size=8))
def test_a_running_counter_is_good(protection: Protection, data: bytes) -> None:
    counters = [number % count_of(protection) for number in range(40)]
    found = sent(protection, data, counters)
    assert found[0] is Status.INITIAL
    assert set(found[1:]) == {Status.OK}


@pytest.mark.parametrize("protection", ALL)
def test_repeated_lost_and_wrong_sequences_are_told(protection: Protection) -> None:
    data = bytes(range(8))
    assert sent(protection, data, [0, 0])[1] is Status.REPEATED
    assert sent(protection, data, [0, 1, 3])[2] is Status.SOME_LOST
    assert sent(protection, data, [0, 1, 9])[2] is Status.WRONG_SEQUENCE
    # After a wrong sequence it takes some good frames to be trusted again.
    assert sent(protection, data, [0, 1, 9, 10, 11, 12])[3:] == [
        Status.SYNC,
        Status.SYNC,
        Status.OK,
    ]


@pytest.mark.parametrize("protection", ALL)
def test_silence_is_not_available_and_costs_trust(protection: Protection) -> None:
    state, _ = check(protection, CheckState(), protect(protection, bytes(8), 0))
    for _ in range(protection.most_silent + 1):
        state, status = check(protection, state, None)
        assert status is Status.NOT_AVAILABLE
    state, status = check(protection, state, protect(protection, bytes(8), 1))
    assert status is Status.SYNC


@pytest.mark.parametrize("protection", ALL)
@given(
    data=st.binary(min_size=8, max_size=8),
    flips=st.sets(st.integers(0, 63), min_size=1, max_size=2),
)
def test_one_or_two_flipped_bits_are_never_good(
    protection: Protection, data: bytes, flips: set[int]
) -> None:
    """Both polynomials find two wrong bits at this length (Koopman; SWS CRC, recalled)."""
    state, _ = check(protection, CheckState(), protect(protection, data, 0))
    word = int.from_bytes(protect(protection, data, 1), "little")
    for bit in flips:
        word ^= 1 << bit
    _, status = check(protection, state, word.to_bytes(8, "little"))
    if protection.profile is Profile.PROFILE_1 or len(flips) == 1:
        assert status not in GOOD
    elif not any(8 <= bit < 12 for bit in flips):
        # A flipped counter picks another data id, so only flips elsewhere are covered by the CRC.
        assert status not in GOOD


@pytest.mark.parametrize("protection", ALL)
@given(data=st.one_of(st.none(), st.binary(max_size=70)), counter=st.integers(0, 14))
def test_any_bytes_give_a_status(protection: Protection, data: bytes | None, counter: int) -> None:
    state, status = check(protection, CheckState(counter=counter), data)
    assert status in Status
    if data is None:
        assert status is Status.NOT_AVAILABLE
    elif len(data) != 8:
        assert status is Status.WRONG_LENGTH
    assert check(protection, state, None)[1] is Status.NOT_AVAILABLE


def test_counters_of_profile_one_never_reach_fifteen() -> None:
    counter, seen = 0, set()
    for _ in range(40):
        seen.add(counter)
        counter = next_counter(ONE, counter)
    assert seen == set(range(15))
    frame = bytearray(protect(ONE, bytes(8), 0))
    frame[1] |= 0x0F
    assert check(ONE, CheckState(), bytes(frame))[1] is Status.WRONG_CRC


@pytest.mark.parametrize(
    "layout",
    [
        {"length": 1},
        {"length": 65},
        {"crc_byte": 8},
        {"counter_bit": 3},
        {"counter_bit": 4},
        {"counter_bit": 64},
        {"data_ids": b"\x00"},
        {"data_id": 0x1_0000},
        {"profile": Profile.PROFILE_2, "crc_byte": 3},
    ],
)
def test_a_layout_that_cannot_be_is_refused(layout: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Protection(**{"profile": Profile.PROFILE_1, **layout})  # type: ignore[arg-type]


@pytest.mark.parametrize(("data", "counter"), [(bytes(7), 0), (bytes(8), 15), (bytes(8), -1)])
def test_what_cannot_be_protected_is_refused(data: bytes, counter: int) -> None:
    with pytest.raises(ValueError):
        protect(ONE, data, counter)
