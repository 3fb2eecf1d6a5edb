"""`volant repo add` and `withdraw`: which images there are, what a director offers its cars, and what it says of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from tuf.api.metadata import TargetFile

from volant.app.exits import Exit
from volant.app.repo_command import say
from volant.app.repo_folder import Changes, RepoFolder
from volant.app.repo_heard import read_heard
from volant.app.repo_proof import proven
from volant.core.errors import InputError
from volant.trust.uptane import Installed, Keeper, UpdateNote, target_file
from volant.trust.uptane.custom import DeltaInfo, check_name
from volant.trust.uptane.keeper import image_names
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TARGETS
from volant.trust.uptane.trusted import file_of
from volant.vehicle.boot import read_image as read_program
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.device import TRUST
from volant.vehicle.boot.image import is_image

IMAGE_MOST_BYTES: Final = 1 << 30
ALGORITHM: Final = "volant-delta"
WORTH: Final = 0.9
"""A delta longer than this share of the image is not offered."""
SHA256: Final = re.compile("[0-9a-f]{64}")
FRAME_BYTES: Final = 64
"""Around root and targets as a unit keeps them."""
DELTAS_MOST: Final = 64
"""Of one image, as `DirectorCustom` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `add` is asked for."""

    files: Sequence[str]
    """FILE, or ECU=FILE."""
    ecus: Sequence[str] = ()
    """Control units of a FILE without one."""
    vehicle: str | None = None
    """None: all cars that have the unit."""
    name: str | None = None
    counter: int | None = None
    note: UpdateNote | None = None
    roles: Sequence[str] = (TARGETS,)
    """Who signs the image in the image repository."""
    segment_bytes: int = 2 << 20
    """Of deltas; 0: none are made."""
    bases: Sequence[Path] = ()
    """More images that cars may run, for deltas."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One image for some units."""

    path: str
    data: bytes
    ecu_ids: tuple[str, ...]


@dataclass(slots=True)
class Shelf:
    """The folder during one `add`: both repositories as they become."""

    repo: RepoFolder
    image: Keeper
    cars: Mapping[RepoFolder, Keeper]
    """Directors by car."""
    chosen: Sequence[RepoFolder]
    """Cars that the command is for."""


def note(
    title: str | None, changes: Sequence[str], unusable: Sequence[str], takes_s: int
) -> UpdateNote | None:
    """What people are told of an update.

    Raises:
        InputError: words without a title, or too many or too long for a screen.
    """
    if title is None:
        if changes or unusable or takes_s:
            raise InputError("--change, --unusable and --takes stand beside a --title")
        return None
    words = {"title": title, "changes": changes, "unusable": unusable, "takesS": takes_s}
    try:
        return msgspec.convert(words, UpdateNote)
    except msgspec.ValidationError as error:
        raise InputError(f"words for people: {error}") from error


def add_command(folder: Path, wish: Wish, *, as_json: bool) -> Exit:
    """Put images into both repositories and have the directors offer them to control units."""
    offers = _offers(wish)
    with RepoFolder(folder).held() as repo:
        directors = {car: car.keeper(DIRECTOR) for car in repo.cars()}
        chosen = (repo.of_car(wish.vehicle),) if wish.vehicle else tuple(directors)
        shelf = Shelf(repo, repo.keeper(IMAGE), directors, chosen)
        told: list[RepoFolder] = []
        for offer in offers:
            told += _add(shelf, offer, wish)
        for car in told:
            _tell(directors[car], wish.note)
        now_s = time.time()
        shelf.image.publish(now_s, [role for role in shelf.image.targets if role in wish.roles])
        # First what vouches for the image, then who offers it: a car that asks in between finds both.
        changes = proven(repo, shelf.image)
        for car, director in directors.items():
            if set(director.targets[TARGETS].targets) & {one.path for one in offers}:
                director.publish(now_s, [TARGETS])
                _check_room(car, director)
                changes |= proven(car, director)
        repo.commit(changes)
        return say(told[0], as_json=as_json)


def withdraw_command(
    folder: Path,
    ecus: Sequence[str],
    vehicle: str | None,
    images: Sequence[str],
    *,
    as_json: bool,
) -> Exit:
    """Offer control units nothing, or nobody an image any more; what a car installed stays there."""
    with RepoFolder(folder).held() as repo:
        cars = (repo.of_car(vehicle),) if vehicle else repo.cars()
        now_s = time.time()
        changes: Changes = {}
        known = {one.ecu_id for car in cars for one in car.inventory().ecus}
        if unknown := [one for one in ecus if one not in known]:
            raise InputError(f"no control unit {unknown[0]!r} in the inventory of {folder}")
        for car in repo.cars() if images else cars:
            director = car.keeper(DIRECTOR)
            offered = director.targets[TARGETS].targets
            for ecu_id in [] if images else ecus or known:
                _withdraw(director, ecu_id)
            for path in images:
                offered.pop(path, None)
            if not offered:
                _tell(director, None)
            director.publish(now_s, [TARGETS])
            changes |= proven(car, director)
        if images:
            changes |= _take_out(repo, images, now_s)
        repo.commit(changes)
        return say(cars[0], as_json=as_json)


def _take_out(repo: RepoFolder, images: Sequence[str], now_s: float) -> Changes:
    """Let the image repository vouch for some images no more."""
    keeper = repo.keeper(IMAGE)
    roles = {role for role, one in keeper.targets.items() if set(images) & set(one.targets)}
    listed = {path for role in roles for path in keeper.targets[role].targets}
    if missing := [path for path in images if path not in listed]:
        raise InputError(f"no image {missing[0]!r} in the image repository")
    for role in roles:
        for path in images:
            keeper.targets[role].targets.pop(path, None)
    keeper.publish(now_s, sorted(roles))
    return proven(repo, keeper)


def _offers(wish: Wish) -> list[Offer]:
    """What is asked for, file by file; units that get the same file share it."""
    units: dict[str, list[str]] = {}
    for word in wish.files:
        ecu_id, equals, file = word.partition("=")
        if equals and not Path(word).is_file():
            units.setdefault(file, []).append(ecu_id)
        elif wish.ecus:
            units.setdefault(word, []).extend(wish.ecus)
        else:
            raise InputError(f"{word}: for which control unit? ECU=FILE, or --ecu ECU")
    if len(units) > 1 and wish.name:
        raise InputError("--name is for one image")
    found = []
    for file, ecu_ids in units.items():
        path = wish.name or Path(file).name
        check_name(path, repository=IMAGE)
        found.append(Offer(path, read_image(Path(file)), tuple(dict.fromkeys(ecu_ids))))
    if len({one.path for one in found}) != len(found):
        raise InputError("two files of one name: give one of them by itself, with --name")
    seen = [ecu_id for one in found for ecu_id in one.ecu_ids]
    if len(set(seen)) != len(seen):
        raise InputError("a control unit runs one image, not two")
    return found


def _add(shelf: Shelf, offer: Offer, wish: Wish) -> list[RepoFolder]:
    """Offer one image to its units in all chosen cars that have one of them; which those are."""
    found = _cars_with(shelf, offer)
    listed = target_file(offer.path, offer.data, {})
    number = wish.counter
    if number is None:
        number = _next_counter(shelf, {one for units in found.values() for one in units.values()})
    for car, units in found.items():
        _offer(shelf.cars[car], listed, units)
    hardware = set()
    # All directors say of an image what the image repository says, also those that offered it before.
    offering = [one for one in shelf.cars.values() if offer.path in one.targets[TARGETS].targets]
    offered = [one.targets[TARGETS].targets[offer.path] for one in offering]
    number = max(number, *(one.custom["releaseCounter"] for one in offered))
    for one in offered:
        if one.hashes != listed.hashes:
            raise InputError(f"{offer.path} is offered with other content: choose a --name")
        one.custom["releaseCounter"] = number
        hardware |= {unit["hardwareId"] for unit in one.custom["ecuIdentifiers"].values()}
    custom = {"hardwareIds": sorted(hardware), "releaseCounter": number}
    listed.unrecognized_fields["custom"] = custom
    shelf.repo.store_image(image_names(listed), offer.data)
    for role in wish.roles:
        if role not in shelf.image.targets:
            raise InputError(f"the image repository has no role {role!r}: volant repo delegate")
        shelf.image.add(listed, role)
    for car in found:
        _add_deltas(car, shelf.cars[car], offer, wish)
    return list(found)


def _cars_with(shelf: Shelf, offer: Offer) -> dict[RepoFolder, dict[str, str]]:
    """Chosen cars that have a unit which an image is for, with its hardware."""
    found = {}
    for car in shelf.chosen:
        inventory = car.inventory()
        units = {one: unit for one in offer.ecu_ids if (unit := inventory.find(one))}
        if units:
            found[car] = {one: unit.hardware_id for one, unit in units.items()}
    for ecu_id in offer.ecu_ids:
        if not any(ecu_id in units for units in found.values()):
            raise InputError(f"no control unit {ecu_id!r} in the inventory of {shelf.repo.path}")
    if is_image(offer.data):
        _check_program(offer, found.values())
    return found


def _check_program(offer: Offer, cars: Iterable[Mapping[str, str]]) -> None:
    """Let a program of a simulated unit pass that is whole and for these units; other bytes say not whose they are."""
    program = read_program(offer.data)
    for ecu_id, hardware in (pair for units in cars for pair in units.items()):
        if (program.unit, program.hardware) != (ecu_id, hardware):
            raise InputError(
                f"{offer.path} is a program for {program.unit} on {program.hardware},"
                f" not for {ecu_id} on {hardware}"
            )


def _offer(director: Keeper, listed: TargetFile, units: Mapping[str, str]) -> None:
    """Let a director offer an image, beside units that have it already."""
    for ecu_id in units:
        _withdraw(director, ecu_id)
    targets = director.targets[TARGETS].targets
    identifiers: dict[str, Any] = {one: {"hardwareId": kind} for one, kind in units.items()}
    counter = 0
    shared = targets.get(listed.path)
    if shared is not None:
        if shared.hashes != listed.hashes:
            others = ", ".join(shared.custom["ecuIdentifiers"])
            raise InputError(
                f"{listed.path} is offered to {others} with other content: choose a --name"
            )
        identifiers |= shared.custom["ecuIdentifiers"]
        counter = shared.custom["releaseCounter"]
    custom = {"ecuIdentifiers": identifiers, "releaseCounter": counter}
    targets[listed.path] = TargetFile(
        listed.length, dict(listed.hashes), listed.path, {"custom": custom}
    )


def _add_deltas(car: RepoFolder, director: Keeper, offer: Offer, wish: Wish) -> None:
    """Offer a delta from each image that a unit of this car was heard to run, where it is shorter."""
    if not wish.segment_bytes:
        return
    from volant.trust.delta.make import DeltaSettings, make_delta

    target = director.targets[TARGETS].targets[offer.path]
    runs = [one for one in read_heard(car.home).installed if one.ecu_id in offer.ecu_ids]
    found: dict[str, DeltaInfo] = {}
    for base in _bases(car, runs, wish.bases):
        key = target_file("base", base, {}).hashes
        if key == target.hashes or key["sha256"] in found or len(found) == DELTAS_MOST:
            continue
        delta = make_delta(base, offer.data, DeltaSettings(segment_bytes=wish.segment_bytes))
        if len(delta) > WORTH * len(offer.data):
            continue
        name = f"{offer.path}.from-{key['sha256'][:12]}.delta"
        check_name(name, repository=IMAGE)
        made = target_file(name, delta, {})
        car.store_image(image_names(made), delta)
        found[key["sha256"]] = DeltaInfo(
            algorithm=ALGORITHM, name=name, length=made.length, hashes=made.hashes, base=key
        )
    if found:
        target.custom["deltas"] = msgspec.to_builtins(tuple(found.values()))


def _bases(car: RepoFolder, runs: Iterable[Installed], files: Sequence[Path]) -> Iterator[bytes]:
    """Images to start from: those that run, as far as they lie here under any name, and those that are given."""
    for one in runs:
        found = one.hashes.get("sha256", "")
        if SHA256.fullmatch(found):
            yield from map(read_image, sorted(car.images.rglob(f"{found}.*"))[:1])
    for file in files:
        yield read_image(file)


def _check_room(car: RepoFolder, director: Keeper) -> None:
    """Let pass what the control units of a Volant car can keep, each for itself."""
    if all(one.hardware_id != HARDWARE for one in car.inventory().ecus):
        return
    files = director.trusted_files()
    length = sum(len(files[file_of(role)]) for role in (ROOT, TARGETS))
    if length > TRUST.metadata_bytes - FRAME_BYTES:
        raise InputError(
            f"{length} bytes of director's metadata, of which a unit keeps {TRUST.metadata_bytes}:"
            " offer fewer images at a time, or fewer deltas (--segment 0: none)"
        )


def _tell(director: Keeper, note: UpdateNote | None) -> None:
    """What people are told of what is offered now; what was said of something else goes."""
    custom = director.targets[TARGETS].unrecognized_fields["custom"]
    custom.pop("update", None)
    if note is not None:
        custom["update"] = msgspec.to_builtins(note)


def _withdraw(director: Keeper, ecu_id: str) -> None:
    """Offer a control unit nothing."""
    offered = director.targets[TARGETS].targets
    for key in list(offered):
        units = offered[key].custom["ecuIdentifiers"]
        units.pop(ecu_id, None)
        if not units:
            del offered[key]


def _next_counter(shelf: Shelf, hardware: set[str]) -> int:
    """One more than any image for this hardware has, or a car was heard to run; 1 for the first."""
    customs = [one.custom for role in shelf.image.targets.values() for one in role.targets.values()]
    counters = [one["releaseCounter"] for one in customs if hardware & set(one["hardwareIds"])]
    for car in shelf.cars:
        units = {one.ecu_id for one in car.inventory().ecus if one.hardware_id in hardware}
        heard = read_heard(car.home).installed
        counters += [one.release_counter for one in heard if one.ecu_id in units]
    return 1 + max(counters, default=0)


def read_image(file: Path) -> bytes:
    """An image.

    Raises:
        InputError: there is none, or it is too long.
    """
    if not file.is_file():
        raise InputError("no such file", file=str(file))
    if file.stat().st_size > IMAGE_MOST_BYTES:
        raise InputError(f"more than {IMAGE_MOST_BYTES} bytes", file=str(file))
    return file.read_bytes()
