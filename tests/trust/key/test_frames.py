"""Frames of capsules on Bluetooth, and the hint by which a phone finds its car."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.trust.key.beacon import advertisement, shows
from volant.trust.key.codes import CAPSULE_MOST_BYTES
from volant.trust.key.frames import MTU, Partial, cut, take

CAR, OTHER = bytes(range(16)), bytes(range(1, 17))


@given(st.binary(min_size=1, max_size=CAPSULE_MOST_BYTES), st.integers(23, 517))
def test_a_capsule_that_is_cut_comes_together_again(capsule: bytes, mtu: int) -> None:
    partial, found = Partial(), None
    pieces = cut(capsule, mtu)
    assert max(map(len, pieces)) <= mtu - 3
    for piece in pieces:
        assert found is None
        partial, found = take(partial, piece)
    assert found == capsule
    assert not partial.open


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_junk_is_refused_or_kept_within_bounds(pieces: list[bytes]) -> None:
    partial = Partial()
    for piece in pieces:
        try:
            partial, found = take(partial, piece)
        except InputError:
            partial = Partial()
            continue
        assert len(partial.data) <= CAPSULE_MOST_BYTES + 2
        assert found is None or 0 < len(found) <= CAPSULE_MOST_BYTES


def test_a_frame_of_a_whole_write_holds_244_bytes() -> None:
    assert len(cut(bytes(242))) == 1
    assert len(cut(bytes(243))) == 2
    assert MTU - 3 == 244


@pytest.mark.parametrize("size", [0, CAPSULE_MOST_BYTES + 1])
def test_what_is_no_capsule_is_not_cut(size: int) -> None:
    with pytest.raises(ValueError, match="a capsule of"):
        cut(bytes(size))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([b"\x20\x01"], "8193 bytes"),
        ([b"\x00\x00"], "0 bytes"),
        ([b"\x00"], "begins with 2 bytes"),
        ([b""], "begins with 2 bytes"),
        ([b"\x00\x01ab"], "1 bytes behind the end"),
        ([b"\x00\x05ab", b""], "empty piece"),
        ([b"\x00\x05ab", b"\x00\x05ab"], "1 bytes behind the end"),
    ],
)
def test_a_bad_frame_says_what_was_found(pieces: list[bytes], words: str) -> None:
    partial = Partial()
    for piece in pieces[:-1]:
        partial, _ = take(partial, piece)
    with pytest.raises(InputError, match=words):
        take(partial, pieces[-1])


def test_a_phone_knows_its_car_by_the_hint_and_no_other() -> None:
    shown = advertisement(CAR, b"\x01\x02\x03\x04")
    assert len(shown) == 31
    assert shows(shown, CAR)
    assert not shows(shown, OTHER)
    assert CAR[:6] not in shown


def test_two_hints_of_a_car_have_nothing_in_common_that_says_so() -> None:
    one, other = advertisement(CAR, b"aaaa"), advertisement(CAR, b"bbbb")
    alien = advertisement(OTHER, b"bbbb")
    assert one[:21] == other[:21] == alien[:21]
    assert one[25:] != other[25:]
    assert other[25:] != alien[25:]


def test_every_changed_bit_of_a_hint_makes_it_another_car_s() -> None:
    shown = advertisement(CAR, b"\x01\x02\x03\x04")
    for bit in range(21 * 8, 31 * 8):
        wrong = bytearray(shown)
        wrong[bit // 8] ^= 1 << bit % 8
        assert not shows(bytes(wrong), CAR)


@given(st.binary(max_size=40))
def test_junk_on_the_air_is_nobody_s_car(data: bytes) -> None:
    assert not shows(data, CAR)


def test_ids_and_chance_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 16 and 4"):
        advertisement(CAR, b"123")
    with pytest.raises(ValueError, match="expected 16 and 4"):
        advertisement(b"", b"1234")
