"""Hostile containers: each ends in a reason or in the right image, within bounds."""

import contextlib
import hashlib
import struct
import zlib
from dataclasses import replace

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.delta.images import made
from volant.core.errors import InputError, RefusedError, TrustError, VolantError
from volant.trust.delta import Codec, Header, Range, Segment, apply_delta, read_header
from volant.trust.delta.codecs import Packing, encode_zstd, pack
from volant.trust.delta.container import HEADER_MOST_BYTES, MAGIC, header_lengths, write_number

OLD, NEW, DELTA = made(size=20_000)
HASH = bytes(32)


def preamble(packed: int, plain: int) -> bytes:
    return struct.pack("<8sII", MAGIC, packed, plain)


def container(text: bytes, plain: int | None = None) -> bytes:
    packed = zlib.compress(text)
    return preamble(len(packed), len(text) if plain is None else plain) + packed


def numbers(*values: int) -> bytes:
    out = bytearray()
    for value in values:
        write_number(out, value)
    return bytes(out)


def table(target: int, rows: bytes, *, source: int = 1000, segment_bytes: int = 4096) -> bytes:
    return container(
        numbers(source) + HASH + numbers(target) + HASH + numbers(segment_bytes) + rows
    )


@given(st.integers(0, len(DELTA) - 1), st.integers(0, 7))
def test_one_flipped_bit_is_found(at: int, bit: int) -> None:
    bad = bytearray(DELTA)
    bad[at] ^= 1 << bit
    with contextlib.suppress(VolantError):
        assert apply_delta(OLD, bytes(bad)) == NEW  # zlib has a bit or two that mean nothing


@given(st.integers(0, len(DELTA) - 1))
def test_a_container_cut_off_anywhere_is_found(at: int) -> None:
    with pytest.raises(InputError):
        apply_delta(OLD, DELTA[:at])


@given(st.binary(max_size=400))
def test_noise_is_no_container(noise: bytes) -> None:
    with pytest.raises(InputError):
        apply_delta(OLD, noise)
    with pytest.raises(InputError):
        apply_delta(OLD, DELTA[:16] + noise)


@given(st.binary(max_size=300))
def test_a_noisy_table_is_no_header(noise: bytes) -> None:
    for data in (container(noise), table(9000, noise)):
        with contextlib.suppress(InputError):
            read_header(data)


def forged(segment: Segment, payload: bytes) -> bytes:
    """What someone makes who may write the header: all hashes fit."""
    row = replace(
        segment, stored_bytes=len(payload), stored_sha256=hashlib.sha256(payload).digest()
    )
    return Header(len(OLD), HASH, row.target_bytes, HASH, 4096, (row,)).packed + payload


def diff_segment(length: int = 100) -> Segment:
    ranges = (Range(0, 50), Range(60, 50))
    source = hashlib.sha256(OLD[:50] + OLD[60:110]).digest()
    return Segment(Codec.DIFF, length, 0, ranges, source, HASH, HASH)


@given(st.binary(max_size=200))
def test_noise_with_the_right_hash_is_no_payload(noise: bytes) -> None:
    for codec in (Codec.DIFF, Codec.ZSTD):
        with pytest.raises(InputError, match="segment 0"):
            apply_delta(OLD, forged(replace(diff_segment(), codec=codec), noise))


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_payload_with_the_right_hash_is_found(at: int, byte: int) -> None:
    header = read_header(DELTA[: 16 + header_lengths(DELTA[:16])[0]])
    index = next(n for n, one in enumerate(header.segments) if one.codec is Codec.DIFF)
    begin, end = header.payload_offsets[index : index + 2]
    payload = bytearray(DELTA[begin:end])
    payload[at % len(payload)] = byte
    row = replace(header.segments[index], stored_sha256=hashlib.sha256(payload).digest())
    rows = (*header.segments[:index], row, *header.segments[index + 1 :])
    packed = replace(header, segments=rows).packed
    bad = packed + DELTA[len(header.packed) : begin] + bytes(payload) + DELTA[end:]
    if bad == DELTA:
        return
    with pytest.raises((InputError, RefusedError)):
        apply_delta(OLD, bad)


def diff_payload(count: int, control: bytes, parts: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    (tag1, one), (tag2, two) = parts or ((255, b""), (255, b""))
    head = struct.pack(
        "<IBIBIBII", count, 255, len(control), tag1, len(one), tag2, len(two), len(control)
    )
    return head + control + one + two


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"short", "expected at least"),
        (diff_payload(1 << 30, b""), "are too many"),
        (diff_payload(1, bytes(99)), "are too many"),
        (diff_payload(1, numbers(0, 200, 0)), "outside its source"),
        (diff_payload(1, numbers(99, 2, 0)), "outside its source"),
        (diff_payload(1, numbers(0, 10, 2 * 95)), "outside its source"),
        (diff_payload(1, numbers(0, 10, 1)), "outside its source"),
        (diff_payload(1, numbers(0, 10)), "control numbers, expected 3"),
        (diff_payload(1, numbers(0, 10) + b"\x80"), "control numbers, expected 3"),
        (diff_payload(1, b"\xff" * 12), "without an end"),
        (diff_payload(0, b"", ((255, b"x"), (255, b""))), "differences of 1 bytes, expected 0"),
        (diff_payload(0, b"", ((255, b""), (255, b"x"))), "new bytes of 1 bytes, expected 100"),
        (diff_payload(0, b"", ((255, b""), (254, b"x"))), "unknown way"),
        (diff_payload(0, b"", ((255, b""), (50, b"xyz" * 9))), "do not unpack"),
        (diff_payload(0, b"", ((255, b""), pack(bytes(1 << 20), Packing(3, 2)))), "to 100 bytes"),
        (diff_payload(0, b"", ((255, b""), pack(bytes(99), Packing(3, 2)))), "to 100 bytes"),
        (diff_payload(0, b"") + b"x", "its parts make"),
    ],
)  # fmt: skip
def test_a_lying_diff_is_refused_with_its_reason(payload: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        apply_delta(OLD, forged(diff_segment(), payload))


def test_a_frame_that_grows_is_refused() -> None:
    bomb = encode_zstd(bytes(1 << 24), b"", 3)
    segment = replace(diff_segment(4000), codec=Codec.ZSTD)
    with pytest.raises(InputError, match="frame of 16777216 bytes, expected 4000"):
        apply_delta(OLD, forged(segment, bomb))
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 20))
    with pytest.raises(InputError, match="frame"):
        apply_delta(OLD, forged(segment, silent))
    with pytest.raises(InputError, match="another hash"):
        apply_delta(OLD, forged(segment, encode_zstd(bytes(4000), b"", 3)))


def test_a_prefix_that_is_too_long_is_refused() -> None:
    old = bytes(9 << 20)
    whole = (Range(0, len(old)),)
    digest = hashlib.sha256(old).digest()
    stored = hashlib.sha256(b"frame").digest()
    row = Segment(Codec.ZSTD, 1 << 20, 5, whole, digest, stored, HASH)
    header = Header(len(old), HASH, 1 << 20, HASH, 1 << 20, (row,))
    with pytest.raises(InputError, match="prefix of 9437184 bytes"):
        apply_delta(old, header.packed + b"frame")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + bytes(12), "no delta container"),
        (preamble(HEADER_MOST_BYTES + 1, 10), "are read"),
        (preamble(10, HEADER_MOST_BYTES + 1), "are read"),
        (preamble(0, 0), "are read"),
        (container(bytes(HEADER_MOST_BYTES), 10), "does not unpack to the 10 bytes"),
        (container(b"abc", 4), "does not unpack to the 4 bytes"),
        (container(b""), "are read"),
        (container(b"\xff" * 20), "without an end"),
        (container(numbers(1 << 60)), "expected at most"),
        (table(5000, b"\0"), "ends too early"),
        (table(1000, b"\0\0"), "goes on after its last"),
        (table(1000, b"\x09"), "codec 9 is unknown"),
        (table(1000, b"\0", segment_bytes=100), "expected at least 4096"),
        (table(1000, b"\0", segment_bytes=1 << 30), "expected at most"),
        (table(1 << 36, b"\0"), "expected at most 65536"),
        (table(1000, b"\1" + numbers(1, 0, 500) + HASH), "copies 500 bytes, expected 1000"),
        (table(1000, b"\1" + numbers(1, 900, 500) + HASH), "ends after 1000"),
        (table(1000, b"\1" + numbers(2, 0, 0, 0, 1000) + HASH), "is empty"),
        (table(100, b"\2" + numbers(2000) + bytes(99)), "expected at most 1024"),
        (table(100, b"\2" + numbers(1, 0, 100_000) + bytes(99)), "expected at most"),
        (table(4000, b"\2" + numbers(3, 0, 60_000, 0, 60_000, 0, 60_000), source=1 << 20), "more than"),
        (table(100, b"\2" + numbers(0, 100 + 1025) + bytes(99)), "expected at most"),
        (table(65 * 4096, (b"\3" + numbers(1024, *[0, 1] * 1024, 0) + 3 * HASH) * 65, source=1 << 20),
            "more than 65536 source ranges"),
    ],
)  # fmt: skip
def test_a_lying_header_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        apply_delta(OLD, data)


def test_a_header_comes_whole() -> None:
    with pytest.raises(InputError, match="expected"):
        read_header(DELTA[:40])


def test_a_payload_that_was_exchanged_is_not_decoded() -> None:
    header = read_header(DELTA[: 16 + header_lengths(DELTA[:16])[0]])
    bad = bytearray(DELTA)
    bad[len(header.packed) + 3] ^= 1
    with pytest.raises(TrustError, match="segment 0 of the delta: its payload"):
        apply_delta(OLD, bytes(bad))


def test_the_image_made_is_checked_as_a_whole() -> None:
    header = Header(0, HASH, 5000, HASH, 8192, (Segment(Codec.ZERO, 5000),))
    with pytest.raises(InputError, match="the image made has another hash"):
        apply_delta(b"", header.packed)
