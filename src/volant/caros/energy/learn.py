"""Learns what no file tells of this car on this day: mass, wind, rolling, capacity, style."""

from __future__ import annotations

import msgspec

from volant.caros.energy.facts import Facts
from volant.caros.energy.sample import Sample


class Learned(msgspec.Struct, frozen=True):
    """What is believed of the car, with its uncertainty."""

    car: str


def start(facts: Facts) -> Learned:
    """What is believed of a car that nobody has driven yet."""
    return Learned(car=facts.name)


def parked(learned: Learned) -> Learned:
    """After a trip: the wind is another one next time, the load may be."""
    return learned


def step(learned: Learned, sample: Sample, facts: Facts) -> Learned:
    """Take in a sample; samples that are not plausible, too late or too early change nothing."""
    raise NotImplementedError


def stored(learned: Learned) -> bytes:
    """What was learned as JSON."""
    return msgspec.json.encode(learned)


def read_stored(data: bytes, facts: Facts) -> Learned:
    """What `stored` wrote.

    Raises:
        InputError: it is not that, or of another car.
    """
    raise NotImplementedError


__all__ = ["Learned", "parked", "read_stored", "start", "step", "stored"]
