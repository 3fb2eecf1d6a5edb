"""Where the new image's bytes stand in the source: an index of seeds, and one pass over each segment.

The pass is that of bsdiff (Percival 2003, "Naive differences of executable code"): a match is taken when it
explains clearly more bytes than going on beside the last one, then both are stretched over the bytes
between them, mismatches included. Seeds are looked up in a hash table instead of a suffix array, at most
`depth` places each, windows of one repeated byte never, and what was compared in vain is stepped over in
part. So the time is linear for every input, long runs of zeros included, where suffix sorting takes hours.

The source is the old image with the new one behind it, up to the segment at hand. An array `words` shows the
same bytes as little-endian words of eight, one at every byte; seven bytes behind the end are padding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volant.core.kernels import kernel, struct

SEED_BYTES = 8
ONES = 0x0101010101010101
MIX = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio (Knuth, multiplicative hashing)."""
CLEARLY = 8
"""Bytes that a match must explain beyond the last alignment (bsdiff's value)."""
LONG = 64
"""So many equal bytes at the last alignment are followed without a look elsewhere."""
LOOK_MOST = 512
"""Bytes compared to judge a match; a chosen one goes on for as long as it holds."""
IN_VAIN = 32
"""Of so many bytes compared in vain, one more is stepped over."""
_WORDS = "Array(u8, 1, 'A', readonly=True)"
"""Not aligned, which numba does not see; no load of eight bytes on x86-64 or arm64 minds."""
_BYTES = "Array(u1, 1, 'C', readonly=True)"


@struct(f"{_BYTES}, {_WORDS}, i4[::1], i4[::1], i8, i8, i8")
class Index(NamedTuple):
    """Both images, and where seeds stand in them."""

    data: np.ndarray
    """The old image, the new one, padding."""
    words: np.ndarray
    table: np.ndarray
    """The first place of each hash, in steps, or -1."""
    chain: np.ndarray
    """The next place of the same hash, or -1."""
    step: int
    bits: int
    """The table has 2^bits places."""
    depth: int
    """Places looked at for a seed."""


@kernel("i8(Index, i8)")
def seed_hash(index: Index, at: int) -> int:
    """Place in the table, -1 where a seed is one byte repeated."""
    word = index.words[at]
    if word == (word & np.uint64(0xFF)) * np.uint64(ONES):
        return -1
    mixed = word * np.uint64(MIX)
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ (word >> np.uint64(17))) * np.uint64(MIX)
    return int(mixed >> np.uint64(64 - index.bits))


@kernel("void(Index, i8, i8)")
def enter(index: Index, begin: int, end: int) -> None:
    """Enter the seeds that lie in a stretch of the source; the first of them is found first."""
    step = index.step
    for place in range((end - SEED_BYTES) // step, (begin + step - 1) // step - 1, -1):
        key = seed_hash(index, place * step)
        if key >= 0:
            index.chain[place] = index.table[key]
            index.table[key] = place


@kernel("i8(Index, i8, i8, i8)")
def equal_run(index: Index, one: int, two: int, most: int) -> int:
    """How many bytes are equal from two places on, at most `most`."""
    data, words = index.data, index.words
    run = 0
    while run + 8 <= most and words[one + run] == words[two + run]:
        run += 8
    while run < most and data[one + run] == data[two + run]:
        run += 1
    return run


@kernel("UniTuple(i8, 2)(Index, i8, i8, i8, i8, i8)")
def best_match(
    index: Index, scan: int, end: int, reach: int, expected: int, known: int
) -> tuple[int, int]:
    """Length and place of the longest match found that beats `known` bytes at `expected`."""
    length, at = known, expected
    if scan + SEED_BYTES > end:
        return length, at
    key = seed_hash(index, scan)
    place = int(index.table[key]) if key >= 0 else -1
    left = index.depth
    while place >= 0 and left > 0:
        candidate = place * index.step
        most = min(LOOK_MOST, end - scan, reach - candidate)
        run = equal_run(index, candidate, scan, most)
        nearer = run == length and abs(candidate - expected) < abs(at - expected)
        if run > length or (nearer and at != expected):
            length, at = run, candidate
        place = int(index.chain[place])
        left -= 1
    return length, at


@kernel("i8(Index, i8, i8, i8, i8)")
def stretched(index: Index, one: int, two: int, room: int, way: int) -> int:
    """How far two places go together forwards (way 1, from them on) or backwards (way -1, before them).

    The length at which equal bytes lead the others by most.
    """
    shift = 0 if way > 0 else -1
    best, hits, length = 0, 0, 0
    for count in range(1, room + 1):
        step = way * (count - 1) + shift
        hits += index.data[one + step] == index.data[two + step]
        if 2 * hits - count > best:
            best, length = 2 * hits - count, count
    return length


@kernel("i8(Index, i8, i8, i8, i8)")
def best_cut(index: Index, first: int, one: int, two: int, overlap: int) -> int:
    """How many of `overlap` contested bytes from `first` on the source at `one` explains, the rest `two`."""
    best, gain, cut = 0, 0, 0
    for place in range(overlap):
        byte = index.data[first + place]
        gain += int(byte == index.data[one + place])
        gain -= int(byte == index.data[two + place])
        if gain > best:
            best, cut = gain, place + 1
    return cut


@kernel("i8(Index, i8, i8, i8, i8, i8[:, ::1])")
def cover(index: Index, begin: int, end: int, reach: int, offset: int, found: np.ndarray) -> int:
    """Write rows (place in `data`, place in the source, length) for a segment to `found`; how many.

    `begin` and `end` are places in `data`; the source ends at `reach`. `offset` is the alignment to begin
    with: place in the source less place in `data`. Rows beyond those that `found` holds are left out.
    """
    count = 0
    scan, length, at = begin, 0, begin + offset
    last_scan, last_at = begin, begin + offset
    if not 0 <= last_at < reach:
        last_at, offset = 0, -begin
    while scan < end and count < len(found):
        scan += length
        score = 0
        while scan < end:
            length, score, at = 0, 0, scan + offset
            inside = 0 <= at < reach
            if inside:
                score = equal_run(index, at, scan, min(end - scan, reach - at))
                length = score
            if score >= LONG:
                break
            length, at = best_match(index, scan, end, reach, scan + offset, score)
            for back in range(score, length):
                beside = scan + offset + back
                if 0 <= beside < reach and index.data[beside] == index.data[scan + back]:
                    score += 1
            if length > 0 and length == score:
                break
            if length > score + CLEARLY:
                if length >= LOOK_MOST:
                    length = equal_run(index, at, scan, min(end - scan, reach - at))
                break
            scan += 1 + length // IN_VAIN
        scan = min(scan, end)
        if length == score and scan < end:
            continue
        forward = stretched(index, last_at, last_scan, min(scan - last_scan, reach - last_at), 1)
        backward = 0
        if scan < end:
            backward = stretched(index, at, scan, min(scan - last_scan, at), -1)
        overlap = last_scan + forward - (scan - backward)
        if overlap > 0:
            first = scan - backward
            cut = best_cut(index, first, last_at + forward - overlap, at - backward, overlap)
            forward += cut - overlap
            backward -= cut
        if forward > 0:
            found[count, 0] = last_scan
            found[count, 1] = last_at
            found[count, 2] = forward
            count += 1
        last_scan, last_at = scan - backward, at - backward
        offset = at - scan
    return count
