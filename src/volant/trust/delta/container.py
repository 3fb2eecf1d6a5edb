"""The delta container: its header, written and read. What comes from outside is bounded before it is believed.

    VOLDELT1 | u32 packed header bytes | u32 plain header bytes | zlib of the header | payload of segment 0 | ...

Numbers are little-endian; inside the header they are LEB128. A header holds length and SHA-256 of the old and
the new image, the segment length, and per segment its codec, its source ranges and its hashes. Source places
count from the start of the old image; from its end on they mean the new image itself, as far as earlier
segments reach. With the header's own hash known beforehand (`Header.sha256`), every payload is checked before
any of it is decoded.
"""

from __future__ import annotations

import enum
import hashlib
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from volant.core.errors import InputError

MAGIC: Final = b"VOLDELT1"
_LENGTHS: Final = struct.Struct("<8sII")
PREAMBLE_BYTES: Final = _LENGTHS.size
HASH_BYTES: Final = 32
HEADER_MOST_BYTES: Final = 4 << 20
"""Packed, and unpacked."""
SEGMENT_LEAST_BYTES: Final = 4096
SEGMENT_MOST_BYTES: Final = 4 << 20
IMAGE_MOST_BYTES: Final = 64 << 30
SEGMENTS_MOST: Final = 1 << 16
RANGES_MOST: Final = 1024
RANGES_IN_ALL_MOST: Final = 1 << 16
SLACK_BYTES: Final = 1024
"""A payload is at most so much longer than what it stands for."""


class Codec(enum.IntEnum):
    """How a segment is made."""

    ZERO = 0
    """All zero."""
    COPY = 1
    """The source ranges as they are."""
    DIFF = 2
    """Stretches of the source with byte differences, and new bytes between them."""
    ZSTD = 3
    """A zstd frame with the source ranges as its prefix."""
    RAW = 4
    """The bytes themselves."""


def source_most_bytes(target_bytes: int) -> int:
    """Of all source ranges of one segment: what has to be read and hashed for it stays linear."""
    return 16 * target_bytes + (1 << 16)


def stretches_most(target_bytes: int) -> int:
    """Of one segment: each takes memory when it is applied."""
    return target_bytes // 64 + 64


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of the source."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of the new image; hashes are SHA-256, empty where the codec needs none."""

    codec: Codec
    target_bytes: int
    stored_bytes: int = 0
    ranges: tuple[Range, ...] = ()
    source_sha256: bytes = b""
    """Of the source ranges, one after the other."""
    stored_sha256: bytes = b""
    target_sha256: bytes = b""


@dataclass(frozen=True)
class Header:
    """All that is known before the first payload."""

    source_bytes: int
    source_sha256: bytes
    target_bytes: int
    target_sha256: bytes
    segment_bytes: int
    segments: tuple[Segment, ...]

    @cached_property
    def packed(self) -> bytes:
        """The header as it opens the container."""
        plain = _write(self)
        packed = zlib.compress(plain, 9)
        return _LENGTHS.pack(MAGIC, len(packed), len(plain)) + packed

    @property
    def sha256(self) -> bytes:
        """Of `packed`: whoever signs it has signed every payload."""
        return hashlib.sha256(self.packed).digest()

    @cached_property
    def payload_offsets(self) -> tuple[int, ...]:
        """Where each payload begins in the container; the last entry is the container's length."""
        sizes = (segment.stored_bytes for segment in self.segments)
        return tuple(accumulate(sizes, initial=len(self.packed)))

    def target_offset(self, index: int) -> int:
        """Where a segment begins in the new image."""
        return index * self.segment_bytes


def header_lengths(preamble: bytes) -> tuple[int, int]:
    """Packed and plain length of the header that follows the first `PREAMBLE_BYTES`.

    Raises:
        InputError: it is no container, or the header is longer than any that is read.
    """
    magic, packed, plain = _LENGTHS.unpack(preamble)
    if magic != MAGIC:
        raise _bad(f"begins with {magic!r}, expected {MAGIC!r}: no delta container")
    if not (0 < packed <= HEADER_MOST_BYTES and 0 < plain <= HEADER_MOST_BYTES):
        raise _bad(f"of {packed} bytes, unpacked {plain}: at most {HEADER_MOST_BYTES} are read")
    return packed, plain


def read_header(data: bytes) -> Header:
    """The header from the container's first bytes, exactly as many as it has.

    Raises:
        InputError: it breaks a rule; the message says which.
    """
    packed, plain = header_lengths(data[:PREAMBLE_BYTES])
    if len(data) != PREAMBLE_BYTES + packed:
        raise _bad(f"of {len(data)} bytes, expected {PREAMBLE_BYTES + packed}")
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data[PREAMBLE_BYTES:], plain)
        whole = len(text) == plain and (
            unpacker.eof or not unpacker.decompress(unpacker.unconsumed_tail, 1)
        )
    except zlib.error as error:
        raise _bad(f"does not unpack: {error}") from error
    if not whole or not unpacker.eof or unpacker.unused_data:
        raise _bad(f"does not unpack to the {plain} bytes that it says")
    header = _read(_Reader(text))
    # The bytes as they came are what was signed: another packing of the same table is another header.
    header.__dict__["packed"] = bytes(data)
    return header


def _bad(words: str, segment: int | None = None) -> InputError:
    where = "header" if segment is None else f"header, segment {segment}"
    return InputError(words, where=where)


def write_number(out: bytearray, value: int) -> None:
    """Append an LEB128 number, not below zero."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


class _Reader:
    def __init__(self, text: bytes) -> None:
        self._text, self._at = text, 0

    def take(self, count: int) -> bytes:
        taken = self._text[self._at : self._at + count]
        self._at += count
        if len(taken) != count:
            raise _bad("ends too early")
        return taken

    def number(self, most: int) -> int:
        value = 0
        for shift in range(0, 63, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > most:
                    raise _bad(f"number {value}, expected at most {most}")
                return value
        raise _bad("a number without an end")

    def over(self) -> bool:
        return self._at == len(self._text)


def _write(header: Header) -> bytes:
    out = bytearray()
    write_number(out, header.source_bytes)
    out += header.source_sha256
    write_number(out, header.target_bytes)
    out += header.target_sha256
    write_number(out, header.segment_bytes)
    for segment in header.segments:
        out.append(segment.codec)
        if segment.codec in {Codec.COPY, Codec.DIFF, Codec.ZSTD}:
            write_number(out, len(segment.ranges))
            end = 0
            for span in segment.ranges:
                write_number(out, span.offset - end)
                write_number(out, span.length)
                end = span.offset + span.length
        if segment.codec in {Codec.DIFF, Codec.ZSTD}:
            write_number(out, segment.stored_bytes)
            out += segment.source_sha256 + segment.stored_sha256
        if segment.codec is not Codec.ZERO:
            out += segment.target_sha256
    return bytes(out)


def _read(reader: _Reader) -> Header:
    source_bytes = reader.number(IMAGE_MOST_BYTES)
    source_sha256 = reader.take(HASH_BYTES)
    target_bytes = reader.number(IMAGE_MOST_BYTES)
    target_sha256 = reader.take(HASH_BYTES)
    segment_bytes = reader.number(SEGMENT_MOST_BYTES)
    if segment_bytes < SEGMENT_LEAST_BYTES:
        raise _bad(f"segments of {segment_bytes} bytes, expected at least {SEGMENT_LEAST_BYTES}")
    count = -(-target_bytes // segment_bytes)
    if count > SEGMENTS_MOST:
        raise _bad(f"{count} segments, expected at most {SEGMENTS_MOST}")
    segments, ranges = [], 0
    for index in range(count):
        begin = index * segment_bytes
        length = min(segment_bytes, target_bytes - begin)
        segments.append(_read_segment(reader, index, length, source_bytes + begin))
        ranges += len(segments[-1].ranges)
        if ranges > RANGES_IN_ALL_MOST:
            raise _bad(f"more than {RANGES_IN_ALL_MOST} source ranges")
    if not reader.over():
        raise _bad("goes on after its last segment")
    return Header(
        source_bytes, source_sha256, target_bytes, target_sha256, segment_bytes, tuple(segments)
    )


def _read_segment(reader: _Reader, index: int, length: int, reach: int) -> Segment:
    """One row of the table; its source ends at `reach`."""
    number = reader.take(1)[0]
    try:
        codec = Codec(number)
    except ValueError as error:
        raise _bad(f"codec {number} is unknown", index) from error
    if codec is Codec.ZERO:
        return Segment(codec, length)
    if codec is Codec.RAW:
        own = reader.take(HASH_BYTES)
        return Segment(codec, length, length, stored_sha256=own, target_sha256=own)
    ranges = _read_ranges(reader, index, reach, source_most_bytes(length))
    total = sum(span.length for span in ranges)
    if codec is Codec.COPY:
        if total != length:
            raise _bad(f"copies {total} bytes, expected {length}", index)
        own = reader.take(HASH_BYTES)
        return Segment(codec, length, 0, ranges, source_sha256=own, target_sha256=own)
    stored_bytes = reader.number(length + SLACK_BYTES)
    source, stored, own = (reader.take(HASH_BYTES) for _ in range(3))
    return Segment(codec, length, stored_bytes, ranges, source, stored, own)


def _read_ranges(reader: _Reader, index: int, reach: int, most: int) -> tuple[Range, ...]:
    """Ranges in rising order, apart from each other, none empty."""
    ranges, end, total = [], 0, 0
    for _ in range(reader.number(RANGES_MOST)):
        offset = end + reader.number(reach)
        length = reader.number(most)
        end = offset + length
        total += length
        if not length or end > reach:
            raise _bad(f"source range {offset}+{length} is empty or ends after {reach}", index)
        if total > most:
            raise _bad(f"source ranges of more than {most} bytes", index)
        ranges.append(Range(offset, length))
    return tuple(ranges)
