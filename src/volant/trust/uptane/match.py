"""What a director's file may say, and whether the image repository says the same (Uptane 2.1, 5.4.4.2 and 5.4.4.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from tuf.api.metadata import MetaFile, Signed, TargetFile, Targets

from volant.trust.uptane.custom import (
    DeltaInfo,
    check_name,
    director_custom,
    image_custom,
    note_of,
    vehicle_of,
)
from volant.trust.uptane.download import check_hashes
from volant.trust.uptane.inventory import EcuEntry, Installed, Inventory, by_ecu
from volant.trust.uptane.metadata import TARGETS
from volant.trust.uptane.verdict import Attack, RejectedError

DIRECTOR = "director"
IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One image for one control unit, as the director signed it."""

    ecu_id: str
    hardware_id: str
    name: str
    length: int
    hashes: Mapping[str, str]
    release_counter: int
    deltas: tuple[DeltaInfo, ...] = ()

    def as_installed(self) -> Installed:
        """What runs once it is installed."""
        return Installed(
            ecu_id=self.ecu_id,
            name=self.name,
            length=self.length,
            hashes=dict(self.hashes),
            release_counter=self.release_counter,
        )


@dataclass(frozen=True, slots=True)
class Checker:
    """Who checks: a primary for all control units of its car, a secondary for itself."""

    vehicle_id: str
    hardware: Mapping[str, str]
    """Hardware id of each unit that it checks for."""
    installed: Mapping[str, Installed]
    primary: bool

    @classmethod
    def of_car(cls, inventory: Inventory, installed: Iterable[Installed] = ()) -> Self:
        """The primary's."""
        hardware = {one.ecu_id: one.hardware_id for one in inventory.ecus}
        return cls(inventory.vehicle_id, hardware, by_ecu(installed), primary=True)

    @classmethod
    def of_unit(cls, vehicle_id: str, unit: EcuEntry, installed: Iterable[Installed] = ()) -> Self:
        """A secondary's."""
        return cls(vehicle_id, {unit.ecu_id: unit.hardware_id}, by_ecu(installed), primary=False)

    def check_director(self, targets: Targets) -> None:
        """Let a director's file pass that may be believed; called before it is.

        Raises:
            RejectedError: it delegates, is another car's, names a unit twice or one that is not there, or goes back.
        """
        if targets.delegations is not None:
            raise _no("the director delegates to nobody")
        if not self._names_car(targets):
            raise _no("a file that does not say for which car")
        note_of(targets)
        seen: set[str] = set()
        for one in assignments(targets):
            if one.ecu_id in seen:
                raise _no(f"control unit {one.ecu_id} stands in it twice")
            seen.add(one.ecu_id)
            self._check_unit(one)

    def check_list(self, signed: Signed, listed: MetaFile | None) -> None:
        """Let a director's timestamp or snapshot pass; called before it is believed.

        The directors of many cars may have the same keys. One that does not say for which car it is counts with the
        targets that it leads to, and only by a hash does it lead to one file alone.

        Raises:
            RejectedError: it is another car's, or might be.
        """
        if not self._names_car(signed) and listed is not None and not listed.hashes:
            raise _no("neither a car nor a hash is named", role=signed.type)

    def _names_car(self, signed: Signed) -> bool:
        vehicle = vehicle_of(signed)
        if vehicle not in {None, self.vehicle_id}:
            raise _no(f"the file of another car: {vehicle}", role=signed.type)
        return vehicle is not None

    def pending(self, targets: Targets) -> tuple[Assignment, ...]:
        """What is for this checker and does not run yet."""
        return tuple(one for one in self.mine(targets) if not self._runs(one))

    def mine(self, targets: Targets) -> tuple[Assignment, ...]:
        """What is for this checker."""
        return tuple(one for one in assignments(targets) if one.ecu_id in self.hardware)

    def _check_unit(self, one: Assignment) -> None:
        hardware = self.hardware.get(one.ecu_id)
        if hardware is None:
            if self.primary:
                raise _no(f"control unit {one.ecu_id} is not in this car")
            return
        if hardware != one.hardware_id:
            raise _no(f"{one.name} is for {one.hardware_id}, {one.ecu_id} is {hardware}")
        runs = self.installed.get(one.ecu_id)
        if runs is not None and one.release_counter < runs.release_counter:
            raise _no(
                f"{one.name} has release counter {one.release_counter}, {one.ecu_id} is at "
                f"{runs.release_counter}",
                Attack.ROLLBACK,
            )

    def _runs(self, one: Assignment) -> bool:
        runs = self.installed.get(one.ecu_id)
        return runs is not None and (runs.length, runs.hashes) == (one.length, one.hashes)


def assignments(targets: Targets) -> tuple[Assignment, ...]:
    """All images of a director's file, one entry for each control unit.

    Raises:
        RejectedError: a name or a custom part is none.
    """
    found: list[Assignment] = []
    for name, target in targets.targets.items():
        check_name(name, repository=DIRECTOR)
        check_hashes(name, target.hashes)
        custom = director_custom(target)
        for delta in custom.deltas:
            check_name(delta.name, repository=DIRECTOR)
            check_hashes(delta.name, delta.hashes)
            check_hashes(name, delta.base)
        found.extend(
            Assignment(
                ecu_id=ecu_id,
                hardware_id=unit.hardware_id,
                name=name,
                length=target.length,
                hashes=target.hashes,
                release_counter=custom.release_counter,
                deltas=custom.deltas,
            )
            for ecu_id, unit in custom.ecu_identifiers.items()
        )
    return tuple(found)


def check_match(one: Assignment, image: TargetFile | None) -> None:
    """Let an image pass of which both repositories say the same.

    Raises:
        RejectedError: the image repository knows none such, or says otherwise.
    """
    if image is None:
        raise _no(f"{one.name} for {one.hardware_id}: nobody who may signs it", repository=IMAGE)
    if image.length != one.length or image.hashes != one.hashes:
        raise _no(f"{one.name}: length or hashes differ from the director's", repository=IMAGE)
    custom = image_custom(image)
    if one.hardware_id not in custom.hardware_ids:
        raise _no(f"{one.name} is not for hardware {one.hardware_id}", repository=IMAGE)
    if custom.release_counter != one.release_counter:
        words = f"release counter {custom.release_counter}, the director says {one.release_counter}"
        raise _no(f"{one.name}: {words}", Attack.ROLLBACK, repository=IMAGE)


def _no(
    message: str,
    attack: Attack = Attack.ARBITRARY,
    *,
    repository: str = DIRECTOR,
    role: str = TARGETS,
) -> RejectedError:
    return RejectedError(attack, message, repository=repository, role=role)
