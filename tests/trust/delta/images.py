"""Pairs of images and containers made of them."""

import random

from hypothesis import strategies as st

from volant.trust.delta.make import DeltaSettings, make_delta

SMALL = DeltaSettings(segment_bytes=4096)


def pair(seed: int = 1, size: int = 40_000) -> tuple[bytes, bytes]:
    """Two versions of one thing: moved, changed in places, with new and with empty parts."""
    chance = random.Random(seed)
    old = bytearray(
        chance.randbytes(size // 2) + bytes(size // 4) + b"a line of text\n" * (size // 60)
    )
    new = bytearray(old[size // 8 :] + chance.randbytes(size // 10) + old[: size // 8])
    for _ in range(size // 400):
        new[chance.randrange(len(new))] = chance.randrange(256)
    new[100:100] = b"inserted"
    new += new[-5000:]
    return bytes(old), bytes(new)


def made(seed: int = 1, size: int = 40_000) -> tuple[bytes, bytes, bytes]:
    """Old image, new image, delta."""
    old, new = pair(seed, size)
    return old, new, make_delta(old, new, SMALL)


def edits() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """An image, and one made of stretches of it and of other bytes."""
    blocks = st.one_of(
        st.binary(max_size=300),
        st.builds(lambda byte, count: bytes([byte]) * count, st.integers(0, 255), st.integers(0, 6000)),
        st.builds(lambda seed, n: random.Random(seed).randbytes(n), st.integers(0, 9), st.integers(0, 9000)),
    )  # fmt: skip
    olds = st.lists(blocks, max_size=4).map(b"".join)

    def news(old: bytes) -> st.SearchStrategy[tuple[bytes, bytes]]:
        places = st.integers(0, len(old))
        cuts = st.tuples(places, places).map(lambda cut: old[min(cut) : max(cut)])
        noisy = st.tuples(cuts, st.integers(2, 50)).map(
            lambda one: bytes(byte ^ (at % one[1] == 0) for at, byte in enumerate(one[0]))
        )
        parts = st.lists(st.one_of(cuts, noisy, blocks), max_size=5).map(b"".join)
        return st.tuples(st.just(old), parts)

    return olds.flatmap(news)
