"""`volant repo status`: what each car says that it runs, what it is offered, and until when signatures hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from tuf.api.metadata import DelegatedRole, Role, Signed

from volant.app.exits import Exit
from volant.app.repo_folder import RepoFolder
from volant.app.repo_heard import read_heard
from volant.app.repo_rotate import DRAFTS, PLAN
from volant.app.say import answer, answer_json, table
from volant.trust.uptane import Keeper, UpdateNote, note_of
from volant.trust.uptane.match import DIRECTOR, IMAGE, Assignment, assignments
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP


class UnitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One control unit."""

    ecu_id: str
    hardware_id: str
    runs: str | None
    """Image by its own signed word; null: it has none, or said nothing yet."""
    counter: int | None
    """Release counter of that."""
    offered: str | None
    has_it: bool
    """It runs what it is offered, byte for byte."""
    attack: str | None
    """Kind of attack in its last report."""
    attack_detail: str


class CarStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One car."""

    vehicle: str
    heard_s: float
    """When its last manifest came, Unix seconds; 0: none did."""
    note: UpdateNote | None
    units: tuple[UnitStatus, ...]


class RoleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One role of one repository."""

    repository: str
    role: str
    version: int
    expires: str
    """ISO 8601, UTC."""
    keys: int
    needed: int
    """How many of its keys must sign."""
    here: int
    """How many of them can sign here."""


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant repo status --json` prints."""

    folder: str
    cars: tuple[CarStatus, ...]
    roles: tuple[RoleStatus, ...]
    drafts: tuple[str, ...]
    """Repositories with a root that waits for signatures."""


def status_command(folder: Path, *, as_json: bool) -> Exit:
    """Say what stands in a folder."""
    with RepoFolder(folder).held() as repo:
        found = _status(repo)
    if as_json:
        answer_json(found)
        return Exit.DONE
    for car in found.cars:
        _show(car)
    rows = [
        (one.repository, one.role, str(one.version), one.expires[:10], _keys(one))
        for one in found.roles
    ]
    table("Roles", ("repository", "role", "version", "holds until", "keys"), rows)
    for name in found.drafts:
        answer(f"a new root of {name} waits for signatures")
    return Exit.DONE


def _status(repo: RepoFolder) -> StatusAnswer:
    # Roots are the same in all cars; the other roles of further directors hold at least as long as what is signed daily.
    roles = [one for name in (DIRECTOR, IMAGE) for one in _roles(repo.keeper(name))]
    return StatusAnswer(
        folder=str(repo.path),
        cars=tuple(_car(one) for one in repo.cars()),
        roles=tuple(roles),
        drafts=tuple(
            name for name in (DIRECTOR, IMAGE) if (repo.path / DRAFTS / name / PLAN).is_file()
        ),
    )


def _car(car: RepoFolder) -> CarStatus:
    targets = car.keeper(DIRECTOR).targets[TARGETS]
    offered = {one.ecu_id: one for one in assignments(targets)}
    heard = read_heard(car.home)
    inventory = car.inventory()
    units = []
    for unit in inventory.ecus:
        said = heard.units.get(unit.ecu_id)
        runs = said.installed if said else None
        offer = offered.get(unit.ecu_id)
        units.append(
            UnitStatus(
                ecu_id=unit.ecu_id,
                hardware_id=unit.hardware_id,
                runs=runs.name if runs else None,
                counter=runs.release_counter if runs else None,
                offered=offer.name if offer else None,
                has_it=bool(runs and offer and _same(runs.hashes, offer)),
                attack=said.attack if said else None,
                attack_detail=said.attack_detail if said else "",
            )
        )
    return CarStatus(
        vehicle=inventory.vehicle_id,
        heard_s=heard.at_s,
        note=note_of(targets),
        units=tuple(units),
    )


def _same(hashes: dict[str, str], offer: Assignment) -> bool:
    """Whether what runs is what is offered, by every hash that both name; one at least."""
    both = set(hashes) & set(offer.hashes)
    return bool(both) and all(hashes[kind] == offer.hashes[kind] for kind in both)


def _roles(keeper: Keeper) -> Iterator[RoleStatus]:
    signed: dict[str, Signed] = {
        ROOT: keeper.root,
        TIMESTAMP: keeper.timestamp,
        SNAPSHOT: keeper.snapshot,
        **keeper.targets,
    }
    delegations = keeper.targets[TARGETS].delegations
    entries: dict[str, Role | DelegatedRole] = {**keeper.root.roles}
    entries |= (delegations.roles or {}) if delegations else {}
    for role, one in signed.items():
        entry = entries[role]
        here = {signer.public_key.keyid for signer in keeper.signers.get(role, ())}
        yield RoleStatus(
            repository=keeper.name,
            role=role,
            version=one.version,
            expires=one.expires.astimezone(UTC).isoformat(),
            keys=len(entry.keyids),
            needed=entry.threshold,
            here=len(here & set(entry.keyids)),
        )


def _keys(one: RoleStatus) -> str:
    words = f"{one.needed} of {one.keys}"
    return words if one.here >= one.needed else f"{words}, {one.here} here"


def _show(car: CarStatus) -> None:
    when = datetime.fromtimestamp(car.heard_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    title = f"{car.vehicle}, heard {when}" if car.heard_s else f"{car.vehicle}, not heard yet"
    rows = [(one.ecu_id, one.runs or "-", _offer_words(one), one.attack or "") for one in car.units]
    table(title, ("unit", "runs", "is offered", "attack"), rows)
    if car.note:
        answer(f"{car.note.title}: {'; '.join(car.note.changes)}")


def _offer_words(one: UnitStatus) -> str:
    if one.offered is None:
        return "-"
    return "runs it" if one.has_it else one.offered
