"""What a car says of itself: each control unit signs what runs on it, the primary signs the whole (Uptane 2.1, 5.4.2).

The director's side reads it: it drops a manifest whose signature, units or counters are wrong, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.core.errors import TrustError
from volant.trust.keys import SigningKey
from volant.trust.uptane.custom import Counter, Word
from volant.trust.uptane.envelope import seal, unseal
from volant.trust.uptane.inventory import ECUS_MOST, Installed, Inventory
from volant.trust.uptane.verdict import Attack

REPORT_KIND: Final = "application/vnd.volant.ecu-report+json"
MANIFEST_KIND: Final = "application/vnd.volant.vehicle-manifest+json"
REPORT_MOST_BYTES: Final = 16 * 1024
MANIFEST_MOST_BYTES: Final = 8 << 20
HOURS_MOST: Final = 24.0 * 366
KM_MOST: Final = 1e6
EVENTS_MOST: Final = 1_000_000
EVENT_KINDS_MOST: Final = 64


class EcuReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one control unit says."""

    ecu_id: Word
    installed: Installed | None
    """None: it has no program."""
    attack: Attack | None = None
    """Noticed since the last report."""
    attack_detail: Annotated[str, Meta(max_length=256)] = ""
    time_s: Annotated[float, Meta(ge=0)]
    """Latest secure time it knows, Unix seconds."""
    counter: Counter
    """Grows with each report of this unit: an old one is known by it."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How the car has been since it first started with all programs that it runs now; numbers only grow until one changes."""

    hours: Annotated[float, Meta(ge=0.0, le=HOURS_MOST)] = 0.0
    """Of being on."""
    km: Annotated[float, Meta(ge=0.0, le=KM_MOST)] = 0.0
    """Driven."""
    events: Annotated[
        dict[Word, Annotated[int, Meta(ge=0, le=EVENTS_MOST)]], Meta(max_length=EVENT_KINDS_MOST)
    ] = {}
    """How often what happened: `boot_loop`, `dtc`, `dtc:U0121`, `disengagements`, `faults`."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How the car's last update ended."""

    offer: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the director's targets that brought it."""
    installed: bool
    why: Annotated[str, Meta(max_length=512)] = ""
    """Where it was not."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An update that is offered to the car and does not go on."""

    offer: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the director's targets that brought it."""
    why: Annotated[str, Meta(min_length=1, max_length=512)]
    """No room for it, nobody agrees, the car is never parked."""


class VehicleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a primary says: its own report and those of all others, as they signed them."""

    vehicle_id: Word
    primary_id: Word
    reports: Annotated[dict[Word, str], Meta(max_length=ECUS_MOST)]
    """Envelope as text, by unit."""
    condition: Condition | None = None
    ended: Ended | None = None
    waiting: Waiting | None = None


def sign_report(report: EcuReport, key: SigningKey) -> bytes:
    """A control unit's report."""
    return seal(report, REPORT_KIND, key)


def sign_manifest(
    vehicle_id: str,
    primary_id: str,
    reports: Mapping[str, bytes],
    key: SigningKey,
    *,
    condition: Condition | None = None,
    ended: Ended | None = None,
    waiting: Waiting | None = None,
) -> bytes:
    """The primary's manifest."""
    manifest = VehicleManifest(
        vehicle_id=vehicle_id,
        primary_id=primary_id,
        reports={ecu_id: data.decode() for ecu_id, data in reports.items()},
        condition=condition,
        ended=ended,
        waiting=waiting,
    )
    return seal(manifest, MANIFEST_KIND, key)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a director believes of one car after a manifest."""

    reports: Mapping[str, EcuReport]
    condition: Condition | None = None
    """None: the car does not count it."""
    ended: Ended | None = None
    """None: no update has ended yet, or the car does not say."""
    waiting: Waiting | None = None
    """None: no update waits in the car, or the car does not say."""

    @property
    def installed(self) -> tuple[Installed, ...]:
        """What runs, by the units' own word."""
        return tuple(one.installed for one in self.reports.values() if one.installed is not None)

    @property
    def attacks(self) -> Mapping[str, Attack]:
        """Which units noticed an attack."""
        return {one.ecu_id: one.attack for one in self.reports.values() if one.attack is not None}

    @property
    def counters(self) -> dict[str, int]:
        """Last counter of each unit, for the next manifest."""
        return {one.ecu_id: one.counter for one in self.reports.values()}


def read_manifest(
    data: bytes, inventory: Inventory, counters: Mapping[str, int], *, all_units: bool = True
) -> Heard:
    """Believe a manifest, as a director does (5.3.2.1).

    Args:
        data: as it came.
        inventory: of the car that it should be from.
        counters: last counter of each unit.
        all_units: every unit of the inventory must have reported.

    Raises:
        InputError: no manifest.
        TrustError: of another car, wrongly signed, a unit lacks or is unknown, or a report is an old one.
    """
    primary = inventory.primary
    found = unseal(data, VehicleManifest, MANIFEST_KIND, primary.public, MANIFEST_MOST_BYTES)
    if found.vehicle_id != inventory.vehicle_id:
        raise TrustError(f"the manifest of {found.vehicle_id}, expected {inventory.vehicle_id}")
    if found.primary_id != primary.ecu_id:
        raise TrustError(f"the primary is {primary.ecu_id}, the manifest says {found.primary_id}")
    missing = sorted({one.ecu_id for one in inventory.ecus} - set(found.reports))
    if missing and all_units:
        raise TrustError(f"control units that did not report: {', '.join(missing)}")
    return Heard(
        {
            ecu_id: _read_report(ecu_id, text, inventory, counters)
            for ecu_id, text in found.reports.items()
        },
        found.condition,
        found.ended,
        found.waiting,
    )


def _read_report(
    ecu_id: str, text: str, inventory: Inventory, counters: Mapping[str, int]
) -> EcuReport:
    unit = inventory.find(ecu_id)
    if unit is None:
        raise TrustError(f"control unit {ecu_id} is not in the inventory")
    report = unseal(text.encode(), EcuReport, REPORT_KIND, unit.public, REPORT_MOST_BYTES)
    if report.ecu_id != ecu_id or (report.installed and report.installed.ecu_id != ecu_id):
        raise TrustError(f"the report of {ecu_id} speaks of another unit")
    if report.counter <= counters.get(ecu_id, -1):
        raise TrustError(
            f"an old report of {ecu_id}: counter {report.counter}, last {counters[ecu_id]}"
        )
    return report
