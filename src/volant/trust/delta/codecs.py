"""What a segment's payload says: new bytes out of source bytes. Hostile payloads end in an InputError.

A DIFF payload is three parts, each packed by LZMA or stored: control (LEB128: for each stretch of source the
new bytes before it, its length, and the jump to it), differences (new minus old, bytewise), new bytes.

    u32 stretches | 3 x (u8 packing, u32 stored bytes) | u32 control bytes | control | differences | new bytes

How much memory a part takes follows from the segment's length, not from what the payload says.
"""

from __future__ import annotations

import lzma
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import zstandard

from volant.core.errors import InputError
from volant.trust.delta.container import Range, Segment, stretches_most, write_number

Read = Callable[[int, int], bytes]
"""Bytes of the source by place and length."""

_HEAD: Final = struct.Struct("<IBIBIBII")
_STORED: Final = 255
_LC, _PB = 16, 4
STRETCH_CONTROL_MOST_BYTES: Final = 27
"""Three numbers of nine bytes."""
CHUNK_BYTES: Final = 1 << 16
PREFIX_MOST_BYTES: Final = 8 << 20
"""Of a ZSTD segment; held in memory while it is decoded."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Source bytes that go into the new image with differences."""

    skip: int
    """New bytes before it."""
    length: int
    at: int
    """Place in the source ranges, one after the other."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How a part is packed: LZMA's literal context and position bits, and its preset."""

    lc: int = 3
    pb: int = 0
    preset: int = 6


def pack(data: bytes, packing: Packing) -> tuple[int, bytes]:
    """Tag and bytes of a part, as they are where packing gains nothing."""
    if data:
        coder = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[_filter(packing, len(data))])
        packed = coder.compress(data) + coder.flush()
        if len(packed) < len(data):
            return packing.lc * _LC + packing.pb, packed
    return _STORED, data


def _filter(packing: Packing, length: int) -> dict[str, Any]:
    size = 1 << max(12, (length - 1).bit_length())
    return {
        "id": lzma.FILTER_LZMA1,
        "preset": packing.preset,
        "lc": packing.lc,
        "lp": 0,
        "pb": packing.pb,
        "dict_size": size,
    }


def _unpack(tag: int, data: memoryview, length: int, name: str) -> bytes:
    if tag == _STORED:
        if len(data) != length:
            raise InputError(f"{name} of {len(data)} bytes, expected {length}")
        return bytes(data)
    lc, pb = divmod(tag, _LC)
    if lc > 4 or pb > _PB:
        raise InputError(f"{name} packed in the unknown way {tag}")
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_filter(Packing(lc, pb), length)])
    try:
        plain = decoder.decompress(data, length)
        rest = b"" if decoder.eof else decoder.decompress(b"", 1)
    except (lzma.LZMAError, EOFError) as error:
        raise InputError(f"{name} do not unpack: {error}") from error
    if len(plain) != length or rest or not decoder.eof or decoder.unused_data:
        raise InputError(f"{name} do not unpack to {length} bytes")
    return plain


def encode_diff(
    stretches: list[Stretch], differences: bytes, new: bytes, preset: int, *, dense: bool
) -> bytes:
    """The payload; `dense` where the new bytes gain nothing from packing."""
    control, last = bytearray(), 0
    for stretch in stretches:
        write_number(control, stretch.skip)
    for stretch in stretches:
        write_number(control, stretch.length)
    for stretch in stretches:
        jump = stretch.at - last
        write_number(control, 2 * jump if jump >= 0 else -2 * jump - 1)
        last = stretch.at + stretch.length
    parts = (
        pack(bytes(control), Packing(0, 0, preset)),
        pack(differences, Packing(3, 0, preset)),
        (_STORED, new) if dense else pack(new, Packing(3, 2, preset)),
    )
    lengths = [number for tag, data in parts for number in (tag, len(data))]
    head = _HEAD.pack(len(stretches), *lengths, len(control))
    return head + b"".join(data for _, data in parts)


def decode_diff(payload: bytes, segment: Segment, read: Read) -> bytearray:
    """The segment's bytes.

    Raises:
        InputError: the payload breaks a rule.
    """
    if len(payload) < _HEAD.size:
        raise InputError(f"payload of {len(payload)} bytes, expected at least {_HEAD.size}")
    count, *lengths, control_bytes = _HEAD.unpack_from(payload)
    tags, sizes = lengths[::2], lengths[1::2]
    if _HEAD.size + sum(sizes) != len(payload):
        raise InputError(
            f"payload of {len(payload)} bytes, its parts make {_HEAD.size + sum(sizes)}"
        )
    if (
        count > stretches_most(segment.target_bytes)
        or control_bytes > count * STRETCH_CONTROL_MOST_BYTES
    ):
        raise InputError(f"{count} stretches in {control_bytes} bytes are too many")
    view, parts, at = memoryview(payload), [], _HEAD.size
    for size in sizes:
        parts.append(view[at : at + size])
        at += size
    control = _unpack(tags[0], parts[0], control_bytes, "control bytes")
    stretches = _stretches(control, count, segment)
    covered = sum(stretch.length for stretch in stretches)
    differences = _unpack(tags[1], parts[1], covered, "differences")
    new = _unpack(tags[2], parts[2], segment.target_bytes - covered, "new bytes")
    return _put_together(stretches, differences, new, segment, read)


def _stretches(control: bytes, count: int, segment: Segment) -> list[Stretch]:
    numbers = _numbers(control, 3 * count)
    skips, lengths, jumps = numbers[:count], numbers[count : 2 * count], numbers[2 * count :]
    source = sum(span.length for span in segment.ranges)
    found, at, filled = [], 0, 0
    for skip, length, jump in zip(skips, lengths, jumps, strict=True):
        at += jump // 2 if jump % 2 == 0 else -(jump + 1) // 2
        filled += skip + length
        if at < 0 or at + length > source or filled > segment.target_bytes:
            raise InputError(f"a stretch at {at}+{length} lies outside its source or its segment")
        found.append(Stretch(skip, length, at))
        at += length
    return found


def _numbers(data: bytes, count: int) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
        elif shift > 56:
            raise InputError("a control number without an end")
    if shift or len(found) != count:
        raise InputError(f"{len(found)} control numbers, expected {count}")
    return found


def _put_together(
    stretches: list[Stretch], differences: bytes, new: bytes, segment: Segment, read: Read
) -> bytearray:
    out, used, spent = bytearray(), 0, 0
    locate = Located(segment.ranges)
    for stretch in stretches:
        out += new[spent : spent + stretch.skip]
        spent += stretch.skip
        for offset, length in locate.pieces(stretch.at, stretch.length):
            out += add_bytes(read(offset, length), differences[used : used + length])
            used += length
    out += new[spent:]
    return out


def add_bytes(old: bytes, difference: bytes) -> bytes:
    """Bytewise sum modulo 256 of two strings of one length, by long integers: no carry leaves its byte."""
    if not difference.strip(b"\0"):
        return old
    length = len(old)
    low = int.from_bytes(b"\x7f" * length, "little")
    one, two = int.from_bytes(old, "little"), int.from_bytes(difference, "little")
    total = ((one & low) + (two & low)) ^ ((one ^ two) & ~low)
    return total.to_bytes(length, "little")


class Located:
    """Source ranges laid one after the other: from places there to places in the source."""

    def __init__(self, ranges: tuple[Range, ...]) -> None:
        self._ranges = ranges
        self._starts = [0]
        for span in ranges:
            self._starts.append(self._starts[-1] + span.length)

    def pieces(self, at: int, length: int) -> Iterator[tuple[int, int]]:
        """Place and length in the source of each piece, none longer than `CHUNK_BYTES`."""
        place = bisect_right(self._starts, at) - 1
        while length:
            span, inside = self._ranges[place], at - self._starts[place]
            take = min(length, span.length - inside, CHUNK_BYTES)
            yield span.offset + inside, take
            at, length = at + take, length - take
            place += inside + take == span.length


def encode_zstd(data: bytes, prefix: bytes, level: int) -> bytes:
    """A frame with the prefix as its dictionary."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=23, write_content_size=True, write_checksum=False
    )
    words = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdCompressor(
        dict_data=words if prefix else None, compression_params=parameters
    ).compress(data)


def decode_zstd(payload: bytes, segment: Segment, read: Read) -> bytes:
    """The segment's bytes.

    Raises:
        InputError: the frame is broken, or says another length than the segment's.
    """
    total = sum(span.length for span in segment.ranges)
    if total > PREFIX_MOST_BYTES:
        raise InputError(f"prefix of {total} bytes, expected at most {PREFIX_MOST_BYTES}")
    try:
        said = zstandard.frame_content_size(payload)
        if said != segment.target_bytes:
            raise InputError(f"frame of {said} bytes, expected {segment.target_bytes}")
        prefix = b"".join(read(*piece) for piece in Located(segment.ranges).pieces(0, total))
        words = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        decoder = zstandard.ZstdDecompressor(
            dict_data=words if prefix else None, max_window_size=1 << 23
        )
        return decoder.decompress(payload, max_output_size=segment.target_bytes)
    except zstandard.ZstdError as error:
        raise InputError(f"frame does not unpack: {error}") from error
