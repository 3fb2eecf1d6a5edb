"""`volant ota join`: gives a car what it leaves the factory with to believe its updates, at a desk, while it is down.

Metadata of both repositories and their map, the inventory, the key of time, and a key of its own for each unit. The keys
come from the folder of `volant repo`; no server ever gives them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.folders import data_folder, state_folder
from volant.app.join_grant import read_grant
from volant.app.repo_command import units_of
from volant.app.repo_folder import RepoFolder
from volant.app.say import answer, answer_json, tell
from volant.app.unit_flash import open_units
from volant.app.updates_apps import HARDWARE as APP_HARDWARE
from volant.app.updates_apps import PREFIX
from volant.app.updates_fetch import boot_id
from volant.app.updates_folder import Joined, UpdatesFolder
from volant.app.updates_record import FileStore
from volant.app.updates_source import post, said_by
from volant.caros.flash_file import FileFlash
from volant.cloud.uptane.joining import JoinRequest
from volant.core.errors import InputError, RefusedError
from volant.core.settings import find_data
from volant.ota.record import load
from volant.trust.keys import PublicKey, SigningKey
from volant.trust.uptane import (
    EcuEntry,
    Inventory,
    RepositoryMap,
    SecureClock,
    provision_full,
)
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TARGETS
from volant.trust.uptane.trusted import file_of
from volant.vehicle import load_spec
from volant.vehicle.boot import Bootloader
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.trusting import Joining
from volant.vehicle.ecus import ECUS, CarFacts

FORGOTTEN: Final = (
    "what its updates had decided cannot be read and is forgotten: see to it that the programs of its units "
    "belong together"
)


class JoinAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant ota join --json` prints."""

    car: str
    vehicle: str
    source: str
    primary: str
    units: tuple[str, ...]
    folder: str


@dataclass(frozen=True, slots=True)
class JoinWish:
    """What joins whom."""

    car: str
    """The car's model, by which its state is found."""
    url: str | None = None
    vehicle: str | None = None
    """Which car of the folder; None: its first. With a fleet: who it is; None: the simulated car, by its VIN."""
    code: str | None = None
    """Of `volant fleet admit --uptane`: what lets it into a fleet."""
    apps: Sequence[str] = ()
    """With a fleet: apps that its updates bring."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a folder of repositories, or a fleet, gives a car."""

    source: str
    """Where its updates come from."""
    inventory: Inventory
    repository_map: RepositoryMap
    metadata: Mapping[str, Mapping[str, bytes]]
    keys: Mapping[str, SigningKey]
    time_key: PublicKey
    token: str = ""
    """The car's own at a fleet."""


def join_command(place: str, wish: JoinWish, state: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota join`; raises as `join`."""
    told = join(place, wish, state)
    if as_json:
        answer_json(told)
    else:
        answer(f"{told.car} is {told.vehicle} and takes its updates from {told.source}")
        answer(f"{len(told.units)} units, {told.primary} is the primary")
    return Exit.DONE


def join(place: str, wish: JoinWish, state: Path | None) -> JoinAnswer:
    """Let a car join a folder of repositories, or a fleet.

    Raises:
        InputError: there is no such repository, or its inventory is not of this car.
        RefusedError: the car is up, an update is under way, or a key lacks.
    """
    spec = load_spec(find_data("cars", wish.car, data_folder()))
    folder = UpdatesFolder(state or state_folder(), spec.name)
    if place.startswith(("http://", "https://")):
        with folder.held(), open_units(folder.state, spec) as boots:
            _check_down(FileStore(folder.record), boots)  # a code is good once
        brought = _ask(place.rstrip("/"), wish, spec.name)
    else:
        with RepoFolder(Path(place).absolute()).held() as first:
            brought = _read(first.of_car(wish.vehicle) if wish.vehicle else first, wish.url)
    inventory, keys, source = brought.inventory, brought.keys, brought.source
    if inventory.model not in {"", spec.name}:
        raise InputError(
            f"{inventory.vehicle_id} of {place} is a {inventory.model}, not a {spec.name}:"
            f" --car {inventory.model}"
        )
    _check_units(inventory)
    provision_full(
        brought.metadata[DIRECTOR], brought.metadata[IMAGE], brought.repository_map.to_bytes()
    )
    joined = Joined(source=source, time_key=brought.time_key.hex)
    with folder.held(), open_units(folder.state, spec) as boots:
        store = FileStore(folder.record)
        broken = _check_down(store, boots)
        now_ns = time.monotonic_ns()
        own = {name: keys[name] for name in keys if name.startswith(PREFIX)}
        own[inventory.primary.ecu_id] = keys[inventory.primary.ecu_id]
        # At a desk the time is that of the desk; from then on it is only what is signed.
        clock = SecureClock(attested_s=time.time(), attested_at_ns=now_ns)
        _join_units(boots, brought, clock.attested_s)
        folder.join(joined, inventory, brought.repository_map, brought.metadata, own)
        folder.keep_token(brought.token)
        folder.store_clock(boot_id(), clock)
        if broken:
            store.forget()
            tell(f"{FORGOTTEN} ({broken})")
    return JoinAnswer(
        car=spec.name,
        vehicle=inventory.vehicle_id,
        source=source,
        primary=inventory.primary.ecu_id,
        units=tuple(one.ecu_id for one in inventory.ecus),
        folder=str(folder.path),
    )


def _read(repo: RepoFolder, url: str | None) -> Brought:
    inventory = repo.inventory()
    return Brought(
        source=url.rstrip("/") if url else str(repo.path),
        inventory=inventory,
        repository_map=RepositoryMap.from_bytes((repo.home / "map.json").read_bytes()),
        metadata={name: repo.keeper(name).trusted_files() for name in (DIRECTOR, IMAGE)},
        keys={one.ecu_id: _key(repo, repo.ecu_key(one.ecu_id)) for one in inventory.ecus},
        time_key=_key(repo, "time").public,
    )


def _ask(url: str, wish: JoinWish, car: str) -> Brought:
    """Make keys for all units, tell a fleet their public halves, and take what it gives if it is the right fleet."""
    token, _, wanted = (wish.code or "").partition(".")
    if not token or not wanted:
        lacks = "a code is needed" if not wish.code else "--code is none that a fleet gave"
        raise InputError(f"{url}: {lacks}: volant fleet admit FLEET CAR --uptane prints one")
    vehicle = wish.vehicle or CarFacts().vin
    units = units_of((), wish.car, wish.apps)
    keys = {name: SigningKey(os.urandom(32)) for name, _, _ in units}
    entries = tuple(
        EcuEntry(
            ecu_id=name,
            hardware_id=hardware,
            key=keys[name].public.hex,
            primary=number == 0,
            partial=partial,
        )
        for number, (name, hardware, partial) in enumerate(units)
    )
    inventory = Inventory(vehicle_id=vehicle, model=car, ecus=entries)
    asked = msgspec.json.encode(JoinRequest(token=token, inventory=inventory))
    found = read_grant(said_by(*post(f"{url}/join", asked)), wanted, url)
    return Brought(
        source=url,
        inventory=inventory,
        repository_map=found.repository_map,
        metadata=found.metadata,
        keys=keys,
        time_key=found.time_key,
        token=found.token,
    )


def _check_units(inventory: Inventory) -> None:
    known = {spec.name for spec in ECUS}
    for one in inventory.ecus:
        app = one.ecu_id.startswith(PREFIX)
        if not app and one.ecu_id not in known:
            raise InputError(f"the inventory names {one.ecu_id}, which no car of ours has")
        wanted = APP_HARDWARE if app else HARDWARE
        if one.hardware_id != wanted:
            raise InputError(f"{one.ecu_id} has hardware {one.hardware_id}, expected {wanted}")
        if not (app or one.primary or one.partial):
            words = "would check both repositories by itself, which no unit of ours can"
            raise InputError(f"{one.ecu_id} {words}: --ecu {one.ecu_id}={HARDWARE},partial")
        if one.primary and app:
            raise InputError(f"{one.ecu_id} is an app and cannot be the primary")


def _check_down(store: FileStore, boots: Mapping[str, Bootloader]) -> str:
    """Why the record of updates cannot be read; empty: it can, and nothing is under way."""
    if not all(isinstance(boot.flash, FileFlash) for boot in boots.values()):
        raise RefusedError("the car is up: a car joins at a desk, while it is down")
    try:
        record = load(store)
    except InputError as error:
        return str(error)
    if record.open is not None:
        raise RefusedError("an update is under way: start the car and let it end first")
    return ""


def _key(repo: RepoFolder, name: str) -> SigningKey:
    key = repo.key(name)
    if key is None:
        raise RefusedError(f"{repo.keys / name}.pem is not there: a unit joins with its own key")
    return key


def _join_units(boots: Mapping[str, Bootloader], brought: Brought, time_s: float) -> None:
    """Give each control unit what it believes the director by, the time, and its own key."""
    director = brought.metadata[DIRECTOR]
    for one in brought.inventory.ecus:
        if one.ecu_id.startswith(PREFIX):
            continue
        trust = boots[one.ecu_id].trust
        assert trust is not None, "all of our units can be joined"
        trust.join(
            Joining(
                vehicle_id=brought.inventory.vehicle_id,
                ecu_id=one.ecu_id,
                hardware_id=one.hardware_id,
                seed=brought.keys[one.ecu_id].seed,
                time_source=brought.time_key.raw,
                root=director[file_of(ROOT)],
                targets=director[file_of(TARGETS)],
                time_s=time_s,
            )
        )
