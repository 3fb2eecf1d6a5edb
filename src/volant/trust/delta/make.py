"""Makes a delta between two images, segment by segment: each the smallest of what the codecs give.

Pure: the same images and settings give the same bytes. Time is linear in the images; how hard packing tries
falls with the amount that has to be packed, so that no input takes hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from volant.core.errors import InputError
from volant.trust.delta import match_kernels as kernels
from volant.trust.delta.codecs import (
    PREFIX_MOST_BYTES,
    Stretch,
    encode_diff,
    encode_zstd,
)
from volant.trust.delta.container import (
    SEGMENT_LEAST_BYTES,
    SEGMENT_MOST_BYTES,
    Codec,
    Header,
    Range,
    Segment,
    read_header,
    source_most_bytes,
    stretches_most,
)

MIB: Final = 1 << 20
PADDING_BYTES: Final = 16
BIG_BYTES: Final = 1 << 31
"""Both images together: places in the index are 32 bits wide."""
RANGES_WANTED: Final = 64
RANGES_AT_WORST: Final = 256
"""Where even the widest gap gives more than wanted: those that explain most."""
GAPS: Final = (1 << 14, 1 << 16, 1 << 18)
"""Source ranges that lie closer than this become one; the first that gives few ranges."""
DENSE_SHARE: Final = 0.98
"""New bytes that zstd packs to more than this are stored."""
PROBE_LEVEL: Final = 3
DENSE_LEAST_BYTES: Final = 1 << 16
EFFORTS: Final = ((96 * MIB, 9 | 1 << 31), (384 * MIB, 6), (1 << 62, 1))
"""LZMA's preset by the length of all segments that changed; the first with liblzma's flag `extreme`.

On the differences of a real pair, 86 MB, extreme took 9.5 s and made 8 % less than preset 6 in 4.0 s. Noise
(each 37th byte) takes 0.6 s and 0.2 s a MiB, random letters 1.1 s with both."""


@dataclass(frozen=True, slots=True)
class DeltaSettings:
    """How a delta is made."""

    segment_bytes: int = 2 * MIB
    """What is held in memory, and downloaded again after a cut, when it is applied."""
    depth: int = 32
    """Places looked at for each seed."""
    cover_least_bytes: int = 16
    """Shorter stretches of source cost more than they save."""
    zstd_level: int = 12
    """Of segments that differences do not fit; above it packs hardly more and takes many times longer."""

    def __post_init__(self) -> None:
        if not SEGMENT_LEAST_BYTES <= self.segment_bytes <= SEGMENT_MOST_BYTES:
            raise ValueError(f"segment_bytes must be {SEGMENT_LEAST_BYTES} to {SEGMENT_MOST_BYTES}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A segment with its covers: rows of (place in `data`, place in the source, length)."""

    begin: int
    end: int
    rows: Any


def make_delta(
    old: bytes | memoryview,
    new: bytes | memoryview,
    settings: DeltaSettings | None = None,
    tell: Callable[[int, int], object] | None = None,
) -> bytes:
    """The container that makes `new` out of `old`.

    Args:
        old: image that there is.
        new: image that it is to become.
        settings: how it is made.
        tell: hears after each segment how many are made, and of how many.

    Raises:
        ValueError: both images together are longer than 2 GiB, or so many segments need a header longer
            than any that is read.
    """
    settings = settings or DeltaSettings()
    if len(old) + len(new) + PADDING_BYTES > BIG_BYTES:
        raise ValueError(f"images of more than {BIG_BYTES} bytes together")
    data = b"".join((old, new, bytes(PADDING_BYTES)))
    plans = list(_plans(data, len(old), len(old) + len(new), settings))
    preset = _preset(data, plans)
    made = []
    for plan in plans:
        made.append(_segment(data, plan, preset, settings))
        if tell is not None:
            tell(len(made), len(plans))
    header = Header(
        source_bytes=len(old),
        source_sha256=hashlib.sha256(old).digest(),
        target_bytes=len(new),
        target_sha256=hashlib.sha256(new).digest(),
        segment_bytes=settings.segment_bytes,
        segments=tuple(segment for segment, _ in made),
    )
    try:
        read_header(header.packed)
    except InputError as error:
        raise ValueError(f"choose longer segments: {error}") from error
    return b"".join((header.packed, *(payload for _, payload in made)))


def _plans(data: bytes, old_bytes: int, end: int, settings: DeltaSettings) -> Iterator[_Plan]:
    index = _index(data, end, settings.depth)
    kernels.enter(index, 0, old_bytes)
    found = np.zeros((settings.segment_bytes // kernels.SEED_BYTES + 1, 3), np.int64)
    for begin in range(old_bytes, end, settings.segment_bytes):
        last = min(begin + settings.segment_bytes, end)
        count = kernels.cover(index, begin, last, begin, -old_bytes, found)
        rows = _worth(found[:count], settings.cover_least_bytes, stretches_most(last - begin))
        # Only what is new is worth finding again: the rest is found in the old image.
        at = begin
        for place, _, length in (*rows.tolist(), (last, 0, 0)):
            if place - at >= kernels.SEED_BYTES:
                kernels.enter(index, at, place)
            at = place + length
        yield _Plan(begin, last, rows)


def _worth(rows: Any, least_bytes: int, most: int) -> Any:
    """The rows that are long enough, the longest where they are too many."""
    rows = rows[rows[:, 2] >= least_bytes]
    longest = np.argsort(-rows[:, 2], kind="stable")[:most]
    return rows[np.sort(longest)]


def _index(data: bytes, end: int, depth: int) -> kernels.Index:
    step = 1 if end < 24 * MIB else 2 if end < 512 * MIB else 4
    places = end // step + 1
    bits = max(12, places.bit_length() - 1)
    words = np.ndarray(shape=(len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    return kernels.Index(
        np.frombuffer(data, np.uint8),
        words,
        np.full(1 << bits, -1, np.int32),
        np.full(places, -1, np.int32),
        step,
        bits,
        depth,
    )


def _preset(data: bytes, plans: list[_Plan]) -> int:
    total = 0
    for plan in plans:
        differences, new = _residue(data, plan)
        if differences.any() or new.any():
            total += plan.end - plan.begin
    return next(preset for most, preset in EFFORTS if total <= most)


def _residue(data: bytes, plan: _Plan) -> tuple[Any, Any]:
    """Differences along the covers, and the bytes between them."""
    view = np.frombuffer(data, np.uint8)
    fresh = np.ones(plan.end - plan.begin, bool)
    pieces = [np.zeros(0, np.uint8)]
    for place, at, length in plan.rows.tolist():
        fresh[place - plan.begin : place - plan.begin + length] = False
        pieces.append(view[place : place + length] - view[at : at + length])
    return np.concatenate(pieces), view[plan.begin : plan.end][fresh]


def _segment(
    data: bytes, plan: _Plan, preset: int, settings: DeltaSettings
) -> tuple[Segment, bytes]:
    """Row of the table and payload."""
    target = data[plan.begin : plan.end]
    if not target.strip(b"\0"):
        return Segment(Codec.ZERO, len(target)), b""
    own = hashlib.sha256(target).digest()
    plan, ranges = _with_ranges(plan)
    differences, new = _residue(data, plan)
    if not len(new) and not differences.any() and len(plan.rows) == 1:
        exact = (Range(int(plan.rows[0, 1]), len(target)),)
        return Segment(Codec.COPY, len(target), 0, exact, own, b"", own), b""
    found = [
        (Codec.RAW, (), target),
        (Codec.DIFF, ranges, _diff(plan, ranges, differences, new, preset)),
    ]
    if 2 * len(found[1][2]) > len(target):
        prefix = _prefix(ranges)
        text = b"".join(data[one.offset : one.offset + one.length] for one in prefix)
        found.append((Codec.ZSTD, prefix, encode_zstd(target, text, settings.zstd_level)))
    codec, ranges, payload = min(found, key=lambda one: len(one[2]))
    stored = hashlib.sha256(payload).digest()
    if codec is Codec.RAW:
        return Segment(codec, len(target), len(target), (), b"", stored, own), payload
    source = hashlib.sha256()
    for one in ranges:
        source.update(data[one.offset : one.offset + one.length])
    row = Segment(codec, len(target), len(payload), ranges, source.digest(), stored, own)
    return row, payload


def _diff(plan: _Plan, ranges: tuple[Range, ...], differences: Any, new: Any, preset: int) -> bytes:
    stretches, end = [], plan.begin
    starts = np.array([one.offset for one in ranges] or [0])
    bases = np.cumsum([0, *(one.length for one in ranges)])
    for place, at, length in plan.rows.tolist():
        which = int(np.searchsorted(starts, at, "right")) - 1
        stretches.append(Stretch(place - end, length, int(bases[which]) + at - int(starts[which])))
        end = place + length
    text = new.tobytes()
    dense = len(text) >= DENSE_LEAST_BYTES and _probe(text) > DENSE_SHARE * len(text)
    return encode_diff(stretches, differences.tobytes(), text, preset, dense=dense)


def _probe(text: bytes) -> int:
    """About what packing makes of it, repetitions from afar included."""
    return len(encode_zstd(text, b"", PROBE_LEVEL))


def _with_ranges(plan: _Plan) -> tuple[_Plan, tuple[Range, ...]]:
    """Few ranges that hold the source of every cover; covers that would make them too many are dropped."""
    for gap in GAPS:
        ranges = _ranges(plan.rows, gap)
        if len(ranges) <= RANGES_WANTED:
            break
    most = source_most_bytes(plan.end - plan.begin)
    if len(ranges) <= RANGES_WANTED and sum(one.length for one in ranges) <= most:
        return plan, ranges
    ranges = _ranges(plan.rows, GAPS[0])
    starts = np.array([one.offset for one in ranges])
    which = np.searchsorted(starts, plan.rows[:, 1], "right") - 1
    gains = np.bincount(which, plan.rows[:, 2], len(ranges))
    kept, total = [], 0
    for place in np.argsort(-gains, kind="stable")[:RANGES_AT_WORST].tolist():
        if total + ranges[place].length <= most:
            total += ranges[place].length
            kept.append(place)
    rows = plan.rows[np.isin(which, kept)]
    return _Plan(plan.begin, plan.end, rows), tuple(ranges[place] for place in sorted(kept))


def _ranges(rows: Any, gap: int) -> tuple[Range, ...]:
    found: list[Range] = []
    for at, length in rows[np.argsort(rows[:, 1], kind="stable")][:, 1:].tolist():
        if found and at - (found[-1].offset + found[-1].length) < gap:
            first = found[-1].offset
            end = max(first + found[-1].length, at + length)
            found[-1] = Range(first, end - first)
        else:
            found.append(Range(at, length))
    return tuple(found)


def _prefix(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """The ranges, as many as a prefix may hold."""
    kept, total = [], 0
    for one in ranges:
        if total + one.length <= PREFIX_MOST_BYTES:
            total += one.length
            kept.append(one)
    return tuple(kept)
