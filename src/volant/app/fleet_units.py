"""The control units of a simulated car that speaks Uptane: their keys, what runs on them, how it is on the road.

All of it by chance of the car's id and nothing else. So whoever knows the id knows its keys: they are for simulated cars,
and let nobody be another car.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from volant.core.chance import Chance
from volant.trust.keys import SigningKey
from volant.trust.uptane import (
    Attack,
    Condition,
    EcuEntry,
    EcuReport,
    Ended,
    Installed,
    Inventory,
    sign_manifest,
    sign_report,
)

PRIMARY: Final = "host"
HOST, UNIT = "sim-host", "sim-unit"
"""Hardware of the primary, and of all others."""
UNITS: Final[Mapping[str, str]] = {PRIMARY: HOST, "brake": UNIT, "drive": UNIT}
MODELS: Final = ("g3-520", "g3-430", "p7")
BASE_BYTES: Final = 64 * 1024
USUAL: Final[Mapping[str, float]] = {"disengagements": 0.01, "dtc": 0.005}
"""What a sound car counts, per kilometre; choices of ours, on which the health rules of our campaign rest."""
UNWELL_RATIO: Final = 10.0
"""So many times as much counts a car that an update has made unwell."""
DRIVE_KM: Final = (5.0, 15.0)
"""Driven between two words of a car, least and most."""
SPEED_KMPH: Final = 40.0


def key_of(car_id: str, unit: str) -> SigningKey:
    """A unit's own key."""
    return SigningKey(hashlib.sha256(f"volant simulated unit\0{car_id}\0{unit}".encode()).digest())


def inventory_of(car_id: str, chance: Chance) -> Inventory:
    """What a car says of its units when it joins."""
    return Inventory(
        vehicle_id=car_id,
        model=MODELS[chance.integer(1 << 20, 0, len(MODELS))],
        ecus=tuple(
            EcuEntry(
                ecu_id=unit,
                hardware_id=hardware,
                key=key_of(car_id, unit).public.hex,
                primary=unit == PRIMARY,
            )
            for unit, hardware in UNITS.items()
        ),
    )


def factory(units: Iterable[str] = UNITS) -> dict[str, Installed]:
    """What runs on units that were never updated."""
    return {
        unit: Installed(
            ecu_id=unit,
            name=f"{UNITS[unit]}-0.img",
            length=BASE_BYTES,
            hashes={
                "sha256": hashlib.sha256(f"volant simulated {UNITS[unit]}".encode()).hexdigest()
            },
        )
        for unit in units
    }


@dataclass(frozen=True, slots=True)
class Says:
    """What all reports of one manifest have in common."""

    time_s: float
    """Secure time of the car."""
    counter: int
    """That no report has used."""
    attack: Attack | None = None
    """Noticed by the primary."""


def manifest_of(
    car_id: str,
    runs: Mapping[str, Installed],
    says: Says,
    condition: Condition | None,
    ended: Ended | None,
) -> bytes:
    """What a car says of itself, each unit by its own key and the primary for all."""
    reports = {
        unit: sign_report(
            EcuReport(
                ecu_id=unit,
                installed=runs.get(unit),
                attack=says.attack if unit == PRIMARY else None,
                time_s=says.time_s,
                counter=says.counter,
            ),
            key_of(car_id, unit),
        )
        for unit in UNITS
    }
    key = key_of(car_id, PRIMARY)
    return sign_manifest(car_id, PRIMARY, reports, key, condition=condition, ended=ended)


def driven(before: Condition, chance: Chance, count: int, *, unwell: bool) -> Condition:
    """How a car is after one more drive.

    Args:
        before: how it was.
        chance: the car's own.
        count: of this drive, another for each.
        unwell: it counts more than usual, or boots again and again; which of both is chance of the car.
    """
    lots = chance.child("drive", count)
    km = lots.uniform(0, *DRIVE_KM)
    loops = unwell and chance.child("unwell").uniform(0) < 0.5
    ratio = UNWELL_RATIO if unwell and not loops else 1.0
    events = dict(before.events)
    for place, (signal, usual) in enumerate(USUAL.items(), 1):
        many, rest = divmod(usual * ratio * km, 1.0)
        if found := int(many) + (lots.uniform(place) < rest):
            events[signal] = events.get(signal, 0) + found
    if loops:
        events["boot_loop"] = events.get("boot_loop", 0) + 1
    return Condition(hours=before.hours + km / SPEED_KMPH, km=before.km + km, events=events)
