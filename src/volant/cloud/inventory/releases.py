"""A release, a set of images for a whole car, and whether it is for a car as that car is now known to be.

Checked before a campaign is released and again when a car asks (UN R156, 7.1, recalled: compatibility with the last
known configuration). All or nothing: a car whose one unit cannot have its image gets none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.cars import CarFacts
from volant.cloud.campaigns.plan import Name
from volant.cloud.inventory.cars import CarRecord
from volant.core.errors import InputError
from volant.trust.uptane import EcuEntry, Installed
from volant.trust.uptane.custom import Counter, Word

RELEASE_MOST_BYTES: Final = 1 << 20
STRONG: Final = ("sha512", "sha256")
"""Hashes by which two images are told to be one; at least one of them is listed by each."""


class ReleaseImage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image for all units of some hardware."""

    hardware_id: Word
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    version: Annotated[str, Meta(max_length=128)] = ""
    length: Annotated[int, Meta(ge=1, le=1 << 40)]
    hashes: Annotated[dict[str, str], Meta(min_length=1, max_length=4)]
    release_counter: Counter = 0
    needs: Annotated[dict[Word, Counter], Meta(max_length=64)] = {}
    """Least release counter that must run on other hardware, before or with this release."""
    ecu_ids: Annotated[tuple[Word, ...], Meta(max_length=64)] = ()
    """Only these control units of that hardware; none: all."""

    def __post_init__(self) -> None:
        if not set(STRONG) & set(self.hashes):
            raise ValueError(f"image {self.name} lists none of {', '.join(STRONG)}")

    def is_for(self, unit: EcuEntry) -> bool:
        """Whether a unit may have it."""
        mine = not self.ecu_ids or unit.ecu_id in self.ecu_ids
        return mine and unit.hardware_id == self.hardware_id

    def is_run_by(self, found: Installed | None) -> bool:
        """Whether a unit runs exactly this."""
        if found is None or found.length != self.length:
            return False
        both = [kind for kind in STRONG if kind in self.hashes and kind in found.hashes]
        return bool(both) and all(self.hashes[kind] == found.hashes[kind] for kind in both)


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A set of images that belong together."""

    name: Name
    images: Annotated[tuple[ReleaseImage, ...], Meta(min_length=1, max_length=256)]

    def __post_init__(self) -> None:
        units = [(one.hardware_id, ecu) for one in self.images for ecu in one.ecu_ids or ("",)]
        whole = {hardware for hardware, ecu in units if not ecu}
        mixed = any(ecu and hardware in whole for hardware, ecu in units)
        if mixed or len(set(units)) != len(units):
            raise ValueError("two images are for one hardware")
        if len({one.name for one in self.images}) != len(self.images):
            raise ValueError("two images have one name")

    @classmethod
    def from_bytes(cls, data: bytes) -> Release:
        """Read a release.

        Raises:
            InputError: it is none.
        """
        if len(data) > RELEASE_MOST_BYTES:
            raise InputError(f"{len(data)} bytes of release, at most {RELEASE_MOST_BYTES}")
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"no release: {error}") from error

    def image_for(self, unit: EcuEntry) -> ReleaseImage | None:
        """The image for a unit; None: it keeps what it has."""
        return next((one for one in self.images if one.is_for(unit)), None)


def why_unable(release: Release, car: CarRecord) -> tuple[str, ...]:
    """Why a release is not for a car as it is known now, for people; none: it is."""
    if car.heard_s is None:
        return ("it has never said what runs on it",)
    reasons = []
    counters = _counters_after(release, car)
    units = [(unit, release.image_for(unit)) for unit in car.inventory.ecus]
    if all(image is None for _, image in units):
        return ("no image is for any of its control units",)
    for unit, image in units:
        if image is None:
            continue
        runs = car.installed.get(unit.ecu_id)
        if runs is not None and runs.release_counter > image.release_counter:
            reasons.append(
                f"{unit.hardware_id} runs release counter {runs.release_counter}, {image.name} has"
                f" {image.release_counter}: a unit does not go back"
            )
        for hardware, least in sorted(image.needs.items()):
            found = counters.get(hardware)
            if found is None or found < least:
                has = "the car has none" if found is None else f"it would have {found}"
                reasons.append(f"{image.name} needs {hardware} at {least} or later; {has}")
    return tuple(reasons)


def runs_release(release: Release, car: CarRecord) -> bool:
    """Whether every unit that the release has an image for runs exactly that."""
    wanted = [(unit, release.image_for(unit)) for unit in car.inventory.ecus]
    mine = [(unit, image) for unit, image in wanted if image is not None]
    return bool(mine) and all(
        image.is_run_by(car.installed.get(unit.ecu_id)) for unit, image in mine
    )


def facts_for(release: Release, car: CarRecord, *, ran_before: bool = False) -> CarFacts:
    """What a campaign wants to know when a car asks.

    Args:
        release: of the campaign.
        car: as its last manifest told it.
        ran_before: an earlier manifest of it, during this campaign, said that it ran the release.
    """
    runs = runs_release(release, car)
    unable = "" if runs else "; ".join(why_unable(release, car))
    return CarFacts(runs=runs, left=ran_before and not runs, unable=unable)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a release fits the cars of a campaign, before it is released."""

    able: int
    already: int
    unable: dict[str, int]
    """Cars by reason; a car is counted under its first."""


def check_fit(release: Release, cars: Iterable[CarRecord]) -> Fit:
    """Look at each car once; none is kept."""
    able = already = 0
    unable: dict[str, int] = {}
    for car in cars:
        if runs_release(release, car):
            already += 1
            continue
        reasons = why_unable(release, car)
        if reasons:
            unable[reasons[0]] = unable.get(reasons[0], 0) + 1
        else:
            able += 1
    return Fit(able, already, unable)


def _counters_after(release: Release, car: CarRecord) -> dict[str, int]:
    """Least release counter of the units of each hardware, as they would be with the release; -1: no program."""
    found: dict[str, int] = {}
    for unit in car.inventory.ecus:
        image, runs = release.image_for(unit), car.installed.get(unit.ecu_id)
        counter = runs.release_counter if runs is not None else -1
        if image is not None:
            counter = image.release_counter
        found[unit.hardware_id] = min(counter, found.get(unit.hardware_id, counter))
    return found
