"""`volant repo`: make the two repositories of a car, put images in, sign, change keys, show the attack matrix."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.repo_folder import RepoFolder
from volant.app.say import answer, answer_json, table
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError
from volant.trust.attacks.attackers import Power
from volant.trust.attacks.matrix import Cell, Level, cells, expected, run_cell
from volant.trust.attacks.table import SHORT
from volant.trust.keys import SigningKey
from volant.trust.uptane import EcuEntry, Inventory, Keeper, RepositoryMap, target_file
from volant.trust.uptane.custom import check_name
from volant.trust.uptane.keeper import add_signature, image_names, soft_signer
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS, TOP_LEVEL

IMAGE_MOST_BYTES: Final = 1 << 30
ECU_WORDS: Final = "ID=HARDWARE, or ID=HARDWARE,partial"


class RepoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `init`, `add`, `sign` and `rotate` of `volant repo` print with --json."""

    folder: str
    vehicle: str
    versions: dict[str, dict[str, int]]
    """Newest version by repository and role."""
    offered: dict[str, str]
    """Image that the director offers, by control unit."""


class CellAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the attack matrix."""

    attack: str
    attacker: str
    level: str
    expected: str
    found: str
    recovers: bool


class AttacksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant repo attacks --json` prints."""

    cells: tuple[CellAnswer, ...]
    as_expected: int


def init_command(folder: Path, vehicle: str, ecus: Sequence[str], *, as_json: bool) -> Exit:
    """Make both repositories; the first control unit is the primary."""
    repo = RepoFolder(folder)
    entries = [_unit(words) for words in ecus]
    repo.create()
    now_s = time.time()
    for name in (DIRECTOR, IMAGE):
        keeper = Keeper.create(name, repo.new_signers(name), now_s=now_s)
        if name == DIRECTOR:
            keeper.targets[TARGETS].unrecognized_fields["custom"] = {"vehicleId": vehicle}
            keeper.publish(now_s, [TARGETS])
        repo.store(keeper)
    repo.new_key("time")
    inventory = _inventory(repo, vehicle, entries)
    write_whole(folder / "map.json", RepositoryMap.of("director/metadata", "image").to_bytes())
    write_whole(folder / "inventory.json", inventory.to_bytes())
    return _say(repo, as_json=as_json)


def add_command(
    folder: Path, file: Path, ecu_id: str, name: str | None, counter: int | None, *, as_json: bool
) -> Exit:
    """Put an image into both repositories and have the director offer it to a control unit."""
    repo = RepoFolder(folder)
    unit = repo.inventory().find(ecu_id)
    if unit is None:
        raise InputError(f"no control unit {ecu_id!r} in the inventory of {folder}")
    data = _read_image(file)
    path = name or file.name
    check_name(path, repository=IMAGE)
    image, director = repo.keeper(IMAGE), repo.keeper(DIRECTOR)
    _withdraw(director, ecu_id)
    listed = target_file(path, data, {})
    units = {ecu_id: {"hardwareId": unit.hardware_id}}
    number = counter if counter is not None else _next_counter(image, unit.hardware_id)
    shared = director.targets[TARGETS].targets.get(path)
    if shared is not None:
        if shared.hashes != listed.hashes:
            others = ", ".join(shared.custom["ecuIdentifiers"])
            raise InputError(f"{path} is offered to {others} with other content: choose a --name")
        units |= shared.custom["ecuIdentifiers"]
        number = max(number, shared.custom["releaseCounter"])
    hardware = sorted({one["hardwareId"] for one in units.values()})
    listed.unrecognized_fields["custom"] = {"hardwareIds": hardware, "releaseCounter": number}
    image.add(listed)
    director.add(target_file(path, data, {"ecuIdentifiers": units, "releaseCounter": number}))
    now_s = time.time()
    repo.store_image(image_names(listed), data)
    # First what vouches for the image, then who offers it: a car that asks in between finds both.
    for keeper in (image, director):
        keeper.publish(now_s, [TARGETS])
        repo.store(keeper)
    return _say(repo, as_json=as_json)


def sign_command(folder: Path, file: Path | None, key: Path | None, *, as_json: bool) -> Exit:
    """Sign timestamps and snapshots anew; or add one signature to one file."""
    if file is not None:
        if key is None:
            raise InputError("a file is signed with --key")
        signer = soft_signer(SigningKey.from_pem(key.read_bytes()))
        write_whole(file, add_signature(file.read_bytes(), signer))
        answer(f"signed {file} with key {signer.public_key.keyid[:16]}")
        return Exit.DONE
    repo = RepoFolder(folder)
    for name in (DIRECTOR, IMAGE):
        keeper = repo.keeper(name)
        keeper.publish(time.time())
        repo.store(keeper)
    return _say(repo, as_json=as_json)


def rotate_command(
    folder: Path, repository: str, role: str, token: tuple[str, int] | None, *, as_json: bool
) -> Exit:
    """Give a role a new key, in a file or in a token: a new root says so, and what the role signs is signed anew."""
    if repository not in {DIRECTOR, IMAGE} or role not in TOP_LEVEL:
        raise InputError(
            f"found {repository} {role}, expected director or image, and {', '.join(TOP_LEVEL)}"
        )
    repo = RepoFolder(folder)
    keeper = repo.keeper(repository)
    name = f"{repository}-{role}"
    signer = repo.draft_token(name, *token) if token else soft_signer(repo.draft_key(name))
    keeper.rotate(role, [signer], time.time())
    # All is signed: only now the old key goes, or what could not be signed would have cost it.
    repo.put_in_force(name)
    repo.store(keeper)
    return _say(repo, as_json=as_json)


def attacks_command(*, as_json: bool) -> Exit:
    """Run every cell of the attack matrix; the exit status is that of a difference if one is not as expected."""
    found = tuple(_cell(one) for one in cells())
    good = sum(one.expected == one.found and one.recovers for one in found)
    if as_json:
        answer_json(AttacksAnswer(cells=found, as_expected=good))
    else:
        by_cell = {(one.attack, one.level, one.attacker): one for one in found}
        rows = [
            (attack, level, *(by_cell[attack, level, power].found for power in Power))
            for attack in dict.fromkeys(one.attack for one in found)
            for level in Level
        ]
        table("Attacks", ("attack", "check", *(SHORT[power] for power in Power)), rows)
        answer(f"{good} of {len(found)} cells as expected, losses that Uptane defines among them")
    return Exit.DONE if good == len(found) else Exit.DIFFERS


def _cell(cell: Cell) -> CellAnswer:
    found = run_cell(cell)
    return CellAnswer(
        attack=cell.attack,
        attacker=cell.power,
        level=cell.level,
        expected=expected(cell),
        found=str(found),
        recovers=found.recovers,
    )


def _unit(words: str) -> tuple[str, str, bool]:
    ecu_id, equals, rest = words.partition("=")
    hardware, _, kind = rest.partition(",")
    if not ecu_id or not equals or not hardware or kind not in {"", "partial"}:
        raise InputError(f"control unit {words!r}: expected {ECU_WORDS}")
    return ecu_id, hardware, kind == "partial"


def _inventory(repo: RepoFolder, vehicle: str, units: Sequence[tuple[str, str, bool]]) -> Inventory:
    try:
        return Inventory(
            vehicle_id=vehicle,
            ecus=tuple(
                EcuEntry(
                    ecu_id=ecu_id,
                    hardware_id=hardware,
                    key=repo.new_key(f"ecu-{ecu_id}").public.hex,
                    primary=place == 0,
                    partial=partial,
                )
                for place, (ecu_id, hardware, partial) in enumerate(units)
            ),
        )
    except ValueError as error:
        raise InputError(f"control units: {error}") from error


def _withdraw(director: Keeper, ecu_id: str) -> None:
    """Offer a control unit nothing."""
    offered = director.targets[TARGETS].targets
    for key in list(offered):
        units = offered[key].custom["ecuIdentifiers"]
        units.pop(ecu_id, None)
        if not units:
            del offered[key]


def _next_counter(image: Keeper, hardware_id: str) -> int:
    """One more than any image for this hardware has; 1 for the first."""
    listed = [one.custom for one in image.targets[TARGETS].targets.values()]
    counters = [one["releaseCounter"] for one in listed if hardware_id in one["hardwareIds"]]
    return 1 + max(counters, default=0)


def _read_image(file: Path) -> bytes:
    if not file.is_file():
        raise InputError("no such file", file=str(file))
    if file.stat().st_size > IMAGE_MOST_BYTES:
        raise InputError(f"more than {IMAGE_MOST_BYTES} bytes", file=str(file))
    return file.read_bytes()


def _say(repo: RepoFolder, *, as_json: bool) -> Exit:
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
