"""`volant repo`: make the repositories of a car, add cars, sign; and the answer that all these commands give."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from volant.app import repo_keys
from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.repo_folder import CARS, Changes, RepoFolder, check_word
from volant.app.repo_proof import proven
from volant.app.say import answer, answer_json, table
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.core.settings import find_data
from volant.trust.keys import SigningKey
from volant.trust.uptane import EcuEntry, Inventory, Keeper, RepositoryMap, soft_signer
from volant.trust.uptane.keeper import add_signature
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TARGETS, TOP_LEVEL
from volant.trust.uptane.trusted import file_of

ECU_WORDS: Final = "ID=HARDWARE, or ID=HARDWARE,partial"
KEY_WORDS: Final = (
    "director-ROLE=COUNT:NEEDED or image-ROLE=COUNT:NEEDED, ROLE one of " + ", ".join(TOP_LEVEL)
)
PRIMARY: Final = "gateway"
"""The unit of a Volant car that speaks with the repositories."""
APP: Final = "APP"
"""Hardware of an app."""
ROLES: Final = tuple(f"{name}-{role}" for name in (DIRECTOR, IMAGE) for role in TOP_LEVEL)


class RepoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the commands of `volant repo` that change something print with --json."""

    folder: str
    vehicle: str
    versions: dict[str, dict[str, int]]
    """Newest version by repository and role."""
    offered: dict[str, str]
    """Image that the director offers, by control unit."""


def init_command(
    folder: Path,
    vehicle: str | None,
    ecus: Sequence[str],
    car: str | None,
    apps: Sequence[str],
    keys: Sequence[str],
    *,
    as_json: bool,
) -> Exit:
    """Make both repositories; the first control unit is the primary.

    A Volant car that is not named is the simulated one, by its VIN.
    """
    repo = RepoFolder(folder)
    if vehicle is None:
        if car is None:
            raise InputError(
                "whose repositories? --vehicle ID, or --car NAME for the simulated car"
            )
        from volant.vehicle.ecus import CarFacts

        vehicle = CarFacts().vin
    check_word(vehicle, "car")
    entries, model = units_of(ecus, car, apps), model_of(car)
    wanted = key_counts(keys)
    repo.create()
    with repo.held():
        if (folder / "inventory.json").exists():
            raise RefusedError(f"{folder} holds a repository already")
        new = {name: repo_keys.fresh(wanted[name][0]) for name in ROLES}
        changes: Changes = {
            f"keys/{name}{end}": data for name in ROLES for end, data in new[name].files.items()
        }
        changes["keys/time.pem"] = next(iter(repo_keys.fresh(1).files.values()))
        inventory = _inventory(repo, (vehicle, model), entries, changes)
        now_s = time.time()
        for name in (IMAGE, DIRECTOR):
            keeper = Keeper.create(
                name,
                {role: new[f"{name}-{role}"].signers for role in TOP_LEVEL},
                now_s=now_s,
                thresholds={role: wanted[f"{name}-{role}"][1] for role in TOP_LEVEL},
            )
            if name == DIRECTOR:
                name_car(keeper, vehicle, now_s)
            changes |= proven(repo, keeper, inventory)
        changes["map.json"] = RepositoryMap.of("director/metadata", "image").to_bytes()
        changes["inventory.json"] = inventory.to_bytes()
        repo.commit(changes)
        return say(repo, as_json=as_json)


def add_car_command(
    folder: Path,
    vehicle: str,
    ecus: Sequence[str],
    car: str | None,
    apps: Sequence[str],
    *,
    as_json: bool,
) -> Exit:
    """Give one more car a director in the same folder, with the same keys."""
    check_word(vehicle, "car")
    entries, model = units_of(ecus, car, apps), model_of(car)
    with RepoFolder(folder).held() as first:
        if any(one.inventory().vehicle_id == vehicle for one in first.cars()):
            raise RefusedError(f"{folder} has a car {vehicle} already")
        repo = RepoFolder(folder, vehicle)
        changes: Changes = {}
        inventory = _inventory(repo, (vehicle, model), entries, changes)
        keeper = first.keeper(DIRECTOR)
        roots = {key: data for key, data in keeper.published.items() if key.endswith(file_of(ROOT))}
        fresh = Keeper.beside(keeper, roots)
        name_car(fresh, vehicle, time.time())
        changes |= proven(repo, fresh, inventory)
        home = f"{CARS}/{vehicle}"
        mapped = RepositoryMap.of(f"{home}/director/metadata", "image")
        changes[f"{home}/map.json"] = mapped.to_bytes()
        changes[f"{home}/inventory.json"] = inventory.to_bytes()
        first.commit(changes)
        return say(repo, as_json=as_json)


def sign_command(folder: Path, file: Path | None, key: Path | None, *, as_json: bool) -> Exit:
    """Sign timestamps and snapshots anew, and images that fade; or add one signature to one file."""
    if file is not None:
        if key is None:
            raise InputError("a file is signed with --key")
        if not file.is_file() or not key.is_file():
            raise InputError("no such file", file=str(key if file.is_file() else file))
        signer = soft_signer(SigningKey.from_pem(key.read_bytes()))
        write_whole(file, add_signature(file.read_bytes(), signer))
        answer(f"signed {file} with key {signer.public_key.keyid[:16]}")
        return Exit.DONE
    with RepoFolder(folder).held() as repo:
        changes: Changes = {}
        now_s = time.time()
        for one, name in (*((car, DIRECTOR) for car in repo.cars()), (repo, IMAGE)):
            keeper = one.keeper(name)
            keeper.publish(now_s, keeper.fading(now_s))
            changes |= proven(one, keeper)
        repo.commit(changes)
        return say(repo, as_json=as_json)


def key_command(file: Path, *, as_json: bool) -> Exit:
    """Make a key of one's own, and its public half for whoever makes the root."""
    public = file.with_suffix(".pub.pem")
    for path in (file, public):
        if path.exists():
            raise RefusedError(f"{path} is there already")
    key = SigningKey.from_pem(next(iter(repo_keys.fresh(1).files.values())))
    repo_keys.write_private(file, key.to_pem())
    write_whole(public, repo_keys.public_pem(key))
    if as_json:
        answer_json({"private": str(file), "public": str(public)})
    else:
        answer(f"{file}: keep it to yourself; {public}: for whoever makes the root")
    return Exit.DONE


def units_of(
    ecus: Sequence[str], car: str | None, apps: Sequence[str]
) -> list[tuple[str, str, bool]]:
    """Control units as the words of a command name them: those of a Volant car, apps, and others.

    Raises:
        InputError: none, or a word that is none.
    """
    found: list[tuple[str, str, bool]] = []
    if car is not None:
        from volant.vehicle.boot.calibration import HARDWARE
        from volant.vehicle.ecus import ECUS

        names = sorted((one.name for one in ECUS), key=lambda name: name != PRIMARY)
        found += [(name, HARDWARE, name != PRIMARY) for name in names]
    found += [_unit(words) for words in ecus]
    found += [(f"app.{check_word(name, 'app')}", APP, False) for name in apps]
    if not found:
        raise InputError(f"no control units: --car NAME, or --ecu {ECU_WORDS}")
    return found


def model_of(car: str | None) -> str:
    """The name of a Volant car; empty: none is meant.

    Raises:
        InputError: there is no such car.
    """
    if car is None:
        return ""
    from volant.vehicle import load_spec  # here, since a fleet's keys need no car

    return load_spec(find_data("cars", car, data_folder())).name


def name_car(keeper: Keeper, vehicle: str, now_s: float) -> None:
    """Let a director's empty file say for which car it is."""
    keeper.targets[TARGETS].unrecognized_fields["custom"] = {"vehicleId": vehicle}
    keeper.publish(now_s, [TARGETS])


def say(repo: RepoFolder, *, as_json: bool) -> Exit:
    """The answer of a command that changed something."""
    versions, offered = {}, {}
    for name in (DIRECTOR, IMAGE):
        keeper = repo.keeper(name)
        versions[name] = {
            "root": keeper.root.version,
            "timestamp": keeper.timestamp.version,
            "snapshot": keeper.snapshot.version,
            **{role: one.version for role, one in keeper.targets.items()},
        }
        if name == DIRECTOR:
            for path, one in keeper.targets[TARGETS].targets.items():
                offered.update(dict.fromkeys(one.custom["ecuIdentifiers"], path))
    found = RepoAnswer(
        folder=str(repo.path),
        vehicle=repo.inventory().vehicle_id,
        versions=versions,
        offered=offered,
    )
    if as_json:
        answer_json(found)
        return Exit.DONE
    rows = [(name, role, str(n)) for name, roles in versions.items() for role, n in roles.items()]
    table(f"Repositories of {found.vehicle}", ("repository", "role", "version"), rows)
    for ecu_id, path in offered.items():
        answer(f"{ecu_id} is offered {path}")
    return Exit.DONE


def _unit(words: str) -> tuple[str, str, bool]:
    ecu_id, equals, rest = words.partition("=")
    hardware, _, kind = rest.partition(",")
    if not ecu_id or not equals or not hardware or kind not in {"", "partial"}:
        raise InputError(f"control unit {words!r}: expected {ECU_WORDS}")
    return check_word(ecu_id, "control unit"), hardware, kind == "partial"


def _inventory(
    repo: RepoFolder,
    who: tuple[str, str],
    units: Sequence[tuple[str, str, bool]],
    changes: Changes,
) -> Inventory:
    """The units of a car, by its id and model, with new keys, which go to what is changed."""
    vehicle, model = who
    entries = []
    for place, (ecu_id, hardware, partial) in enumerate(units):
        pem = next(iter(repo_keys.fresh(1).files.values()))
        changes[f"keys/{repo.ecu_key(ecu_id)}.pem"] = pem
        entries.append(
            EcuEntry(
                ecu_id=ecu_id,
                hardware_id=hardware,
                key=SigningKey.from_pem(pem).public.hex,
                primary=place == 0,
                partial=partial,
            )
        )
    try:
        return Inventory(vehicle_id=vehicle, model=model, ecus=tuple(entries))
    except ValueError as error:
        raise InputError(f"control units: {error}") from error


def key_counts(words: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """How many keys each role has, and how many of them must sign."""
    found = dict.fromkeys(ROLES, (1, 1))
    for word in words:
        name, _, numbers = word.partition("=")
        count, _, needed = numbers.partition(":")
        if name not in ROLES or not count.isdecimal() or not (needed or count).isdecimal():
            raise InputError(f"keys {word!r}: expected {KEY_WORDS}")
        found[name] = int(count[:3]), int((needed or count)[:3])
        if not 1 <= found[name][1] <= found[name][0]:
            raise InputError(f"keys {word!r}: {found[name][1]} of {found[name][0]} cannot sign")
    return found
