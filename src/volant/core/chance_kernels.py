"""The mixer of `core.chance` compiled: SplitMix64's finaliser, twice."""

from __future__ import annotations

import numpy as np

from volant.core.kernels import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_BY_30, _BY_27, _BY_31 = np.uint64(30), np.uint64(27), np.uint64(31)


@kernel("u8(u8)")
def mix(value):  # type: ignore[no-untyped-def]
    """64 bits stirred so that each depends on all."""
    value = value + _GOLDEN
    value = (value ^ (value >> _BY_30)) * _FIRST
    value = (value ^ (value >> _BY_27)) * _SECOND
    return value ^ (value >> _BY_31)


@kernel("u8(u8, u8)")
def draw(key, counter):  # type: ignore[no-untyped-def]
    """64 random bits of a stream at a counter."""
    return mix(key ^ mix(counter))
