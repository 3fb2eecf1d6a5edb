"""Chance without hidden state: counter-based numbers keyed by (seed, component, actor).

A draw is a pure function of its key and its counter, so adding a component or an actor leaves every
other stream as it was. The mixer is SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014).
Normal draws use Wichura's AS241 inverse through `statistics.NormalDist`, scalar and reproducible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance_kernels import draw

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_STANDARD: Final = NormalDist()


def _mix(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=4096)
def _mixed_name(name: str) -> int:
    """A name's part in a key; the names of sensors and lights come back at every tick."""
    folded = _FNV_OFFSET
    for byte in name.encode():
        folded = ((folded ^ byte) * _FNV_PRIME) & _MASK
    return _mix(folded)


@dataclass(frozen=True, slots=True)
class Chance:
    """One stream of chance; `child` opens further independent ones."""

    key: int

    @staticmethod
    def of(seed: int, *names: str | int) -> Chance:
        """The stream of a seed and a path of names, such as (7, "traffic", 12)."""
        return Chance(_mix(seed & _MASK)).child(*names)

    def child(self, *names: str | int) -> Chance:
        """An independent stream below this one."""
        key = self.key
        for name in names:
            if isinstance(name, int):
                key = draw(key, name & _MASK)
            else:
                key = _mix(key ^ _mixed_name(name))
        return Chance(key)

    def bits(self, counter: int) -> int:
        """64 random bits of this stream at a counter."""
        bits: int = draw(self.key, counter & _MASK)
        return bits

    def uniform(self, counter: int, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        share: float = (draw(self.key, counter & _MASK) >> 11) * 2.0**-53
        return low + (high - low) * share

    def normal(self, counter: int, mean: float = 0.0, sigma: float = 1.0) -> float:
        """A number from the normal distribution; |z| stays below 8.3."""
        ratio = ((draw(self.key, counter & _MASK) >> 11) + 0.5) * 2.0**-53
        return mean + sigma * _STANDARD.inv_cdf(ratio)

    def integer(self, counter: int, low: int, high: int) -> int:
        """A whole number in [low, high).

        Raises:
            ValueError: the range is empty.
        """
        if high <= low:
            raise ValueError(f"empty range [{low}, {high})")
        return low + self.bits(counter) % (high - low)

    def uniforms(self, counter: int, count: int) -> NDArray[np.float64]:
        """`count` numbers in [0, 1), equal to `uniform` at counter, counter+1, ...; shape (count,)."""
        base = np.uint64(counter & _MASK)
        mixed = _mix_array(base + np.arange(count, dtype=np.uint64))
        bits = _mix_array(np.uint64(self.key) ^ mixed)
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix_array(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = value + np.uint64(_GOLDEN)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
