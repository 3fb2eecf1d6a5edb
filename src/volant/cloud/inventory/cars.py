"""What the fleet knows of a car: its control units, what runs on each, and whether what it says now is new.

A manifest is believed by `trust.uptane.read_manifest`. One that is an old one, from another car or wrongly signed
changes nothing but a count and the words of why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from volant.cloud.campaigns.filters import Facts
from volant.cloud.campaigns.plan import Name
from volant.core.errors import InputError, TrustError
from volant.trust.uptane import (
    Attack,
    Condition,
    Ended,
    Installed,
    Inventory,
    Waiting,
    read_manifest,
)

HISTORY_MOST: Final = 32
"""Changes of what runs that are kept with a car; the audit log has all."""
Attributes = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=128)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=256),
]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A program that came or went."""

    at_s: float
    ecu_id: str
    before: str
    """Name of the image; empty: none."""
    after: str


class CarRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One car."""

    car_id: Name
    inventory: Inventory
    groups: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    attributes: Attributes = {}
    """What it said of itself: model, region; not signed, so good for choosing and never for trust."""
    installed: dict[str, Installed] = {}
    """By control unit, as its units signed it."""
    counters: dict[str, int] = {}
    attacks: dict[str, Attack] = {}
    """Noticed by its units, in the last manifest."""
    heard_s: float | None = None
    """When a manifest was last believed, Unix seconds."""
    refused: Annotated[int, Meta(ge=0)] = 0
    """Manifests that were not believed."""
    why: str = ""
    """Of the last of these."""
    history: Annotated[tuple[Changed, ...], Meta(max_length=HISTORY_MOST)] = ()

    def __post_init__(self) -> None:
        if self.inventory.vehicle_id != self.car_id:
            raise ValueError(f"the inventory of {self.inventory.vehicle_id} for {self.car_id}")

    @property
    def facts(self) -> Facts:
        """What a filter may ask: attributes, `car`, `group`, `hardware`, `runs`, `runs.HARDWARE` and `runs.UNIT`."""
        hardware = {one.ecu_id: one.hardware_id for one in self.inventory.ecus}
        found: dict[str, tuple[str, ...]] = {key: (text,) for key, text in self.attributes.items()}
        found["car"] = (self.car_id,)
        found["group"] = self.groups
        found["hardware"] = tuple(sorted(set(hardware.values())))
        found["runs"] = tuple(sorted({one.name for one in self.installed.values()}))
        for ecu_id, one in sorted(self.installed.items()):
            word = f"runs.{hardware[ecu_id]}"
            found[word] = (*found.get(word, ()), one.name)
            found[f"runs.{ecu_id}"] = (one.name,)
        return found


@dataclass(frozen=True, slots=True)
class Heard:
    """A car after a manifest."""

    car: CarRecord
    believed: bool
    changed: tuple[Changed, ...] = ()
    condition: Condition | None = None
    """How it has been since it runs what it runs; None: it does not say."""
    ended: Ended | None = None
    """How its last update ended; None: it does not say."""
    waiting: Waiting | None = None
    """An update that does not go on in it; None: it does not say of one."""


def hear(car: CarRecord, manifest: bytes, now_s: float) -> Heard:
    """Take what a car says of itself, or leave all as it was and count it."""
    try:
        found = read_manifest(manifest, car.inventory, car.counters)
    except (InputError, TrustError) as error:
        return Heard(replace(car, refused=car.refused + 1, why=str(error)[:512]), believed=False)
    runs = {one.ecu_id: one for one in found.installed}
    changed = tuple(
        Changed(at_s=now_s, ecu_id=ecu_id, before=_name(before), after=_name(after))
        for ecu_id in sorted({*car.installed, *runs})
        if (before := car.installed.get(ecu_id)) != (after := runs.get(ecu_id))
    )
    after_car = replace(
        car,
        installed=runs,
        counters=found.counters,
        attacks=dict(found.attacks),
        heard_s=now_s,
        history=(*car.history, *changed)[-HISTORY_MOST:],
    )
    return Heard(after_car, True, changed, found.condition, found.ended, found.waiting)


def _name(one: Installed | None) -> str:
    return one.name if one is not None else ""
