"""Made and applied: the new image comes out, however the bytes come in and wherever the power was cut."""

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.delta.images import SMALL, edits, made, pair
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.delta import Applying, Codec, Header, Range, apply_delta, read_header
from volant.trust.delta.codecs import add_bytes
from volant.trust.delta.container import header_lengths
from volant.trust.delta.make import DeltaSettings, _prefix, make_delta

MADE = made()


def header_of(delta: bytes) -> Header:
    return read_header(delta[: 16 + header_lengths(delta[:16])[0]])


@given(edits(), st.sampled_from([4096, 5000, 65536]))
def test_what_was_made_comes_out(images: tuple[bytes, bytes], segment_bytes: int) -> None:
    old, new = images
    delta = make_delta(old, new, DeltaSettings(segment_bytes=segment_bytes))
    assert apply_delta(old, delta) == new
    assert len(delta) <= len(new) + 256 + 80 * (1 + len(new) // segment_bytes)


def test_a_delta_is_the_same_each_time() -> None:
    old, new, delta = made()
    assert make_delta(memoryview(old), memoryview(new), SMALL) == delta


@given(st.lists(st.integers(9, 9000), min_size=1, max_size=12))
def test_bytes_come_in_pieces_of_any_size(sizes: list[int]) -> None:
    old, new, delta = MADE
    out = bytearray()
    applying = Applying(lambda at, n: old[at : at + n], lambda at, n: bytes(out[at : at + n]))
    at = turn = 0
    while at < len(delta):
        assert applying.wanted_at == at
        size = sizes[turn % len(sizes)]
        for piece in applying.feed(delta[at : at + size]):
            assert piece.offset == len(out)
            out += piece.data
        at, turn = at + size, turn + 1
    applying.end()
    assert bytes(out) == new


def test_after_a_cut_it_goes_on_from_the_segment_that_was_not_finished() -> None:
    old, new, delta = made()
    header = header_of(delta)
    assert len(header.segments) > 8
    for done in range(len(header.segments) + 1):
        out = bytearray(new[: done * header.segment_bytes])
        applying = Applying(
            lambda at, n: old[at : at + n],
            lambda at, n, out=out: bytes(out[at : at + n]),
            header=header,
            segments_done=done,
        )
        assert applying.resume_at == header.payload_offsets[done]
        for piece in applying.feed(delta[applying.resume_at :]):
            out += piece.data
        applying.end()
        assert bytes(out) == new


def test_each_codec_has_its_use() -> None:
    chance = random.Random(2)
    old = chance.randbytes(8192)
    text = b"".join(b"%d words of a text\n" % chance.randrange(99) for _ in range(400))[:4096]
    new = old[1000:5096] + bytes(4096) + chance.randbytes(4096) + text
    header = header_of(make_delta(old, new, SMALL))
    codecs = [segment.codec for segment in header.segments]
    assert codecs[:3] == [Codec.COPY, Codec.ZERO, Codec.RAW]
    assert codecs[3] in {Codec.DIFF, Codec.ZSTD}


def test_what_the_new_image_has_twice_is_sent_once() -> None:
    fresh = random.Random(3).randbytes(200_000)
    delta = make_delta(b"", fresh + fresh, DeltaSettings(segment_bytes=65536))
    assert len(delta) < 201_500
    assert apply_delta(b"", delta) == fresh + fresh


@pytest.mark.parametrize(
    ("old", "new", "most_bytes"),
    [
        (b"", b"", 120),
        (b"old", b"", 120),
        (bytes(1 << 20), bytes(1 << 20), 120),
        (random.Random(4).randbytes(1 << 20), bytes(1 << 20), 120),
        (random.Random(4).randbytes(1 << 20), random.Random(4).randbytes(1 << 20), 250),
        (bytes(1 << 20), b"0123456789abcdef" * (1 << 16), 1000),
        (b"0123456789abcdef" * (1 << 16), b"abcdefghi" * (1 << 16), 1000),
        (bytes(1 << 18), random.Random(5).randbytes(1 << 18), (1 << 18) + 400),
    ],
    ids=["empty", "to empty", "zeros", "to zeros", "same", "periodic", "period", "random"],
)
def test_plain_images_make_small_deltas(old: bytes, new: bytes, most_bytes: int) -> None:
    delta = make_delta(old, new)
    assert len(delta) <= most_bytes
    assert apply_delta(old, delta) == new


def test_another_installed_image_is_refused() -> None:
    old, _, delta = MADE
    with pytest.raises(RefusedError, match="not the one that the delta was made from"):
        apply_delta(bytes([old[0] ^ 1]) * len(old), delta)
    with pytest.raises(RefusedError, match="ends before byte"):
        apply_delta(old[:100], delta)


def test_a_header_that_was_not_signed_is_refused_before_it_is_read() -> None:
    delta = MADE[2]
    applying = Applying(lambda *_: b"", lambda *_: b"", header_sha256=bytes(32))
    with pytest.raises(TrustError, match="not the one that was signed"):
        list(applying.feed(delta))
    with pytest.raises(RuntimeError, match="takes no more"):
        list(applying.feed(delta))
    with pytest.raises(TrustError):
        Applying(lambda *_: b"", lambda *_: b"", header_sha256=bytes(32), header=header_of(delta))
    header = header_of(delta)
    assert header.sha256 == hashlib.sha256(delta[: len(header.packed)]).digest()


def test_nothing_goes_on_behind_the_end_and_nothing_lacks() -> None:
    old, _, delta = made()
    with pytest.raises(InputError, match="goes on after"):
        apply_delta(old, delta + b"x")
    with pytest.raises(InputError, match="too early"):
        apply_delta(old, delta[:-1])


def test_who_waits_hears_how_far_it_is_and_gets_the_same() -> None:
    old, new, delta = made()
    heard: list[tuple[int, int]] = []
    assert make_delta(old, new, SMALL, lambda done, of: heard.append((done, of))) == delta
    assert heard == [(done, len(heard)) for done in range(1, len(heard) + 1)]
    assert len(heard) > 1


def test_misuse_is_told() -> None:
    header = header_of(made()[2])
    with pytest.raises(ValueError, match="only be done with a header"):
        Applying(lambda *_: b"", lambda *_: b"", segments_done=1)
    with pytest.raises(ValueError, match="segments done of"):
        Applying(lambda *_: b"", lambda *_: b"", header=header, segments_done=99)
    with pytest.raises(ValueError, match="segment_bytes must be"):
        DeltaSettings(segment_bytes=1)


@given(st.data())
@settings(max_examples=50)
def test_bytes_are_added_without_a_carry(data: st.DataObject) -> None:
    one = data.draw(st.binary(max_size=70))
    two = data.draw(st.binary(min_size=len(one), max_size=len(one)))
    assert add_bytes(one, two) == bytes((a + b) & 255 for a, b in zip(one, two, strict=True))


def test_a_copy_from_another_image_is_refused() -> None:
    old = random.Random(9).randbytes(5000)
    delta = make_delta(old, old[:4096], SMALL)
    assert header_of(delta).segments[0].codec is Codec.COPY
    with pytest.raises(RefusedError, match="not the one that the delta was made from"):
        apply_delta(bytes(5000), delta)


def far_apart(count: int, island_bytes: int, gap_bytes: int, seed: int = 10) -> tuple[bytes, bytes]:
    chance = random.Random(seed)
    islands = [chance.randbytes(island_bytes) for _ in range(count)]
    return b"".join(island + bytes(gap_bytes) for island in islands), b"".join(islands)


def test_sources_that_lie_far_apart_have_a_range_each() -> None:
    old, new = far_apart(80, 64, 300_000)
    delta = make_delta(old, new)
    assert len(header_of(delta).segments[0].ranges) == 80
    assert apply_delta(old, delta) == new


def test_too_many_sources_are_dropped_and_sent_anew() -> None:
    old, new = far_apart(400, 64, 270_000)
    delta = make_delta(old, new)
    assert len(header_of(delta).segments[0].ranges) == 256
    assert apply_delta(old, delta) == new


def test_sources_that_need_too_much_reading_are_dropped() -> None:
    """Twenty couples of islands, 15 kB of zeros within each: more than 16 times the segment to read."""
    couples = [far_apart(2, 64, 15_000, seed) for seed in range(20)]
    old = b"".join(couple + bytes(300_000) for couple, _ in couples)
    new = b"".join(islands for _, islands in couples)
    delta = make_delta(old, new)
    segment = header_of(delta).segments[0]
    assert 0 < len(segment.ranges) < 20
    assert sum(one.length for one in segment.ranges) <= 16 * len(new) + 65536
    assert apply_delta(old, delta) == new


def test_images_and_tables_beyond_the_bounds_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volant.trust.delta.container.SEGMENTS_MOST", 4)
    with pytest.raises(ValueError, match="choose longer segments"):
        make_delta(b"", bytes(5 * 4096), SMALL)
    monkeypatch.setattr("volant.trust.delta.make.BIG_BYTES", 100)
    with pytest.raises(ValueError, match="more than 100 bytes together"):
        make_delta(bytes(50), bytes(50))


def test_a_prefix_is_what_fits_into_memory() -> None:
    near, far = Range(0, 100), Range(1000, 8 << 20)
    assert _prefix((near, far)) == (near,)


def test_a_segment_that_explains_nothing_may_take_its_source_as_a_prefix() -> None:
    chance = random.Random(11)
    words = [b"%d" % chance.randrange(10**9) for _ in range(300)]
    old, new = (b" ".join(chance.choices(words, k=8000)) for _ in range(2))
    delta = make_delta(old, new, DeltaSettings(segment_bytes=1 << 17, cover_least_bytes=1 << 20))
    assert apply_delta(old, delta) == new


def test_a_pair_with_many_small_stretches_still_fits_its_bounds() -> None:
    chance = random.Random(6)
    old = chance.randbytes(60_000)
    cuts = [old[at : at + 20] for at in (chance.randrange(59_000) for _ in range(3000))]
    new = b"".join(cuts)
    assert apply_delta(old, make_delta(old, new)) == new
    assert pair()[0] != pair()[1]
