"""What the update machine lets others do: ask repositories, download, work on units, report. Each call blocks.

Nothing here decides: what a repository or a unit says goes back to the machine as an event.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from volant.app.updates_apps import PREFIX
from volant.app.updates_coming import FORGED, Coming
from volant.app.updates_fetch import (
    NAMED_BY,
    Wanted,
    check,
    director_files,
    download,
    hear_time,
    lying,
    secure_now_s,
    still_believed,
    sweep,
)
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_source import UpdateSource, source_of, stick
from volant.app.updates_versions import version_of
from volant.core.errors import InputError, LinkError, RefusedError, TrustError, VolantError
from volant.core.words import plain
from volant.ota.deeds import perform
from volant.ota.events import Check, Checked, Deed, Did, Do, Event, Fetch, Fetched
from volant.ota.fitting import check_room
from volant.ota.ports import Artifact, Order, UnitNow, UnitPort
from volant.ota.record import Offer, UnitPlan
from volant.ota.uds_unit import UdsUnit
from volant.trust.uptane import (
    Assignment,
    Attack,
    Condition,
    EcuReport,
    Ended,
    Installed,
    Limits,
    RejectedError,
    Waiting,
    sign_manifest,
    sign_report,
)
from volant.trust.uptane import Fetch as FileFetch
from volant.trust.uptane.custom import DeltaInfo
from volant.trust.uptane.match import DIRECTOR, IMAGE, assignments
from volant.trust.uptane.metadata import TARGETS

DETAIL_MOST: Final = 256
TEXT_MOST: Final = 400
PER_UNIT_S: Final = 20.0
"""About so long a unit takes, where the director does not say."""
SILENT: Final = (Attack.DROP, Attack.SLOW)
"""Nobody answers: what was signed before holds until it expires."""
WORDS: Final = {
    Attack.FREEZE: "what the repositories say is out of date",
    Attack.SLOW: "it comes too slowly",
    Attack.DROP: "it does not come",
    Attack.ENDLESS: "more comes than was announced",
    Attack.ARBITRARY: "it is not signed by whom it should",
    Attack.ROLLBACK: "it is older than what the car has",
    Attack.MIX_AND_MATCH: "its parts do not belong together",
}


@dataclass(slots=True)
class Work:
    """All of it for one car."""

    folder: UpdatesFolder
    ports: Mapping[str, UnitPort] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    usb: Path | None = None
    """Take the next check from this stick, and what it finds too, as long as the stick is there."""
    condition: Condition | None = None
    """How the car has been, for the director; None: nobody counts it."""
    ended: Ended | None = None
    """How its last update ended, for the director."""
    waiting: Waiting | None = None
    """What is offered and does not go on, for the director."""
    silent: str = ""
    """Why the director has not heard how the car is; empty: it has."""
    _stick: Path | None = None
    """Where the last check was made, if not at home."""
    _assigned: dict[str, Assignment] = field(default_factory=dict)
    """What the last check found, by unit."""
    _metadata: tuple[bytes, ...] = ()
    _whole: set[str] = field(default_factory=set)
    """Units that did not take a delta: they get the whole image."""
    _timeless: bool = False
    """Nobody signs the time now; not every unit waits for that again."""

    @property
    def home(self) -> UpdateSource:
        """The repositories that the car is joined to: they sign the time and hear what the car says."""
        joined = self.folder.joined()
        if joined is None:
            raise InputError("the car is not joined")
        return source_of(joined.source, self.folder.repository_map())

    @property
    def source(self) -> UpdateSource:
        """Where what was found lies."""
        if self._stick is not None and self._stick.is_dir():
            return stick(self._stick)
        return self.home

    def do(self, action: Check | Fetch | Do, tell: Callable[[Event], object]) -> Event:
        """What came of an action; nothing is raised for what is outside of the car."""
        if isinstance(action, Do):
            return self._deed(action, tell)
        if isinstance(action, Check):
            self._stick, self.usb = self.usb, None
            return self._check(action.agreed)
        return self._fetch(action.offer, tell)

    # --- check -----------------------------------------------------------------------------------

    def _check(self, agreed: str) -> Checked:
        name = ""
        try:
            home = self.home
            source = home if self._stick is None else stick(self._stick)
        except VolantError as error:
            return Checked(None, str(error)[:TEXT_MOST])
        try:
            hear_time(self.folder, home)
            if source is home:
                with contextlib.suppress(LinkError, RefusedError):
                    self.report()
            now = {name: port.now() for name, port in self.ports.items()}
            runs = [one.runs for one in now.values() if one.runs is not None]
            found = check(self.folder, source, runs, self.limits)
            self._whole.clear()
            self._timeless = False
            self._assigned = {one.ecu_id: one for one in found.assignments}
            self._metadata, name = found.metadata, found.name
            for one in found.assignments:
                _ = Wanted.image(one).stored_as  # refused before anybody agrees to it
                check_room(one.ecu_id, one.length, now[one.ecu_id])
            if not found.assignments:
                return Checked(None)
            note = found.note
            takes_s = note.takes_s if note else 0.0
            units = tuple(_plan(one, now[one.ecu_id]) for one in found.assignments)
            return Checked(
                Offer(
                    name=found.name,
                    title=note.title[:TEXT_MOST] if note else _title(units),
                    changes=note.changes if note else (),
                    unusable=note.unusable if note else (),
                    takes_s=takes_s or PER_UNIT_S * len(units),
                    size_bytes=sum(one.length for plan in units for one in self._files(plan)),
                    attempt=note.attempt if note else "",
                    units=units,
                )
            )
        except RejectedError as error:
            standing = bool(agreed) and error.attack in SILENT and self._holds(agreed)
            words, rejected = self._rejected(error), error.attack in FORGED
            if error.attack in SILENT:
                words = f"{source.words} does not answer, or not in time: {error}"[:TEXT_MOST]
            return Checked(None, words, rejected=rejected, standing=standing)
        except TrustError as error:
            return Checked(None, str(error)[:TEXT_MOST], rejected=True)
        except (VolantError, OSError) as error:
            return Checked(None, str(error)[:TEXT_MOST], name=name)

    def _holds(self, agreed: str) -> bool:
        """Whether what was believed before still lets this offer be installed."""
        with contextlib.suppress(VolantError):
            return still_believed(self.folder, agreed)
        return False

    def _rejected(self, error: RejectedError) -> str:
        with contextlib.suppress(OSError):
            self.folder.keep_attack(error.attack, str(error)[:DETAIL_MOST])
        return f"{WORDS[error.attack]}: {error}"[:TEXT_MOST]

    # --- downloads -------------------------------------------------------------------------------

    def _fetch(self, offer: Offer, tell: Callable[[Event], object]) -> Fetched:
        try:
            source = self.source
            files = [(plan, one) for plan in offer.units for one in self._files(plan)]
            olds = [
                _of_installed(plan.before) for plan in offer.units if plan.single and plan.before
            ]
            sweep(self.folder, {one.stored_as for one in (*(file for _, file in files), *olds)})
            total = sum(one.length for one in (*(file for _, file in files), *olds))
            coming = Coming(self.folder, source, self.limits, tell, total)
            for plan, one in files:
                if not coming.came(plan, one):
                    self._whole.add(plan.unit)
                    coming.take_instead(self._files(plan)[0], one)
            for error in coming.forged:
                self._rejected(error)
            for one in olds:
                coming.take(one)
        except RejectedError as error:
            return Fetched(self._rejected(error), rejected=error.attack in FORGED)
        except (VolantError, OSError) as error:
            return Fetched(str(error)[:TEXT_MOST])
        return Fetched(versions={plan.unit: self._version(plan) for plan in offer.units})

    def _version(self, plan: UnitPlan) -> str:
        """Of a whole image that lies in the car; a delta does not tell."""
        image = self._lies(_of_installed(plan.target))
        return "" if image is None else version_of(plan.unit, image)

    def _files(self, plan: UnitPlan) -> list[Wanted]:
        """What must be in the car for a unit: a delta from what it runs, else the whole image."""
        one = self._assignment(plan.unit)
        if one is not None and _same(one, plan.target):
            # With one slot the old program is gone before the new one comes.
            delta = None if plan.single else self._delta_for(one, plan.before)
            return [Wanted.image(one) if delta is None else Wanted.delta(delta)]
        return [_of_installed(plan.target)]

    # --- units -----------------------------------------------------------------------------------

    def _deed(self, do: Do, tell: Callable[[Event], object]) -> Did:
        port = self.ports.get(do.unit)
        if port is None:
            return Did(do, None, silent=f"{do.unit} is not in this car")
        try:
            if do.deed is Deed.STAGE and isinstance(port, UdsUnit):
                self._time(port)
            did = perform(port, do, self._order, tell)
            if do.deed is Deed.STAGE and did.refused and do.unit not in self._whole:
                self._whole.add(do.unit)
                did = perform(port, do, self._order, tell)
        except OSError as error:
            return Did(do, None, silent=f"{do.unit}: {error.strerror or error}")
        return did

    def _time(self, port: UdsUnit) -> None:
        """Give a unit a signed time of its own; without one its time goes on from the last."""
        with contextlib.suppress(VolantError):
            if self._timeless or not (nonce := port.nonce()):
                return
            self._timeless = True
            said = self.home.signed_time((nonce.hex(),))
            self._timeless = False
            if said is not None:
                port.hear(said)

    def _order(self, unit: str, target: Installed) -> Order:
        """Image or delta as they lie in the car; what lacks is fetched now."""
        one = self._assignment(unit)
        delta = None
        if one is not None and _same(one, target):
            runs = self.ports[unit].now().runs
            listed = self._delta_for(one, runs)
            delta = None if listed is None else self._lies(Wanted.delta(listed))
        wanted = (
            _of_installed(target) if one is None or not _same(one, target) else Wanted.image(one)
        )
        image = self._lies(wanted)
        if image is None and delta is None:
            try:
                image = download(self.folder, self.source, wanted, self.limits, lambda *_: None)
            except VolantError as error:
                raise RefusedError(
                    f"{unit}: {target.name} does not lie in the car: {error}"
                ) from error
        return Order(target=target, image=image, delta=delta, metadata=self._signed())

    def _lies(self, wanted: Wanted) -> Artifact | None:
        """A file if it lies in the car, whole and right."""
        with contextlib.suppress(VolantError):
            return lying(self.folder, wanted)
        return None

    def _signed(self) -> tuple[bytes, ...]:
        if not self._metadata:
            self._metadata = director_files(self.folder.repository(DIRECTOR))
        return self._metadata

    def _assignment(self, unit: str) -> Assignment | None:
        """What the director offers a unit; after a cut as it was believed before."""
        if not self._assigned:
            top = self.folder.repository(DIRECTOR).targets.get(TARGETS)
            found = assignments(top.signed) if top is not None else ()
            self._assigned = {one.ecu_id: one for one in found}
        return self._assigned.get(unit)

    def _delta_for(self, one: Assignment, runs: Installed | None) -> DeltaInfo | None:
        """The shorter way from what runs; apps are files of the car, and come whole."""
        if runs is None or one.ecu_id in self._whole or one.ecu_id.startswith(PREFIX):
            return None
        for delta in one.deltas:
            if NAMED_BY not in delta.hashes:
                continue  # only the shorter way is lost
            known = set(delta.base) & set(runs.hashes)
            if known and all(delta.base[kind] == runs.hashes[kind] for kind in known):
                return delta
        return None

    # --- what the director hears -----------------------------------------------------------------

    def report(self) -> None:
        """Tell the director what runs, signed by each unit, and which attack was noticed.

        Raises:
            LinkError: it does not answer, or a unit does not.
            RefusedError: it does not believe us.
        """
        home, attack = self.home, self.folder.attack()
        inventory = self.folder.inventory()
        primary = inventory.primary.ecu_id
        reports = {
            name: self.sign(name, port.now().runs) if name == primary else port.report()
            for name, port in self.ports.items()
        }
        manifest = sign_manifest(
            inventory.vehicle_id,
            primary,
            reports,
            self.folder.key(primary),
            condition=self.condition,
            ended=self.ended,
            waiting=self.waiting,
        )
        if not home.tell(manifest):
            raise LinkError(f"nobody at {home.words} hears it")
        if attack is not None:
            self.folder.forget_attack()

    def sign(self, unit: str, runs: Installed | None) -> bytes:
        """The report of a unit without flash of its own, and of the primary, which tells of attacks."""
        primary = unit == self.folder.inventory().primary.ecu_id
        attack, detail = (self.folder.attack() if primary else None) or (None, "")
        told = EcuReport(
            ecu_id=unit,
            installed=runs,
            attack=attack,
            attack_detail=detail,
            time_s=secure_now_s(self.folder),
            counter=self.folder.next_counter(),
        )
        return sign_report(told, self.folder.key(unit))


def _plan(one: Assignment, now: UnitNow) -> UnitPlan:
    # All units are staged before the first is activated, and each judges itself what it needs of the others then.
    return UnitPlan(
        unit=one.ecu_id,
        target=one.as_installed(),
        before=now.runs,
        version=one.name[:TEXT_MOST],
        version_before=plain(now.version)[:TEXT_MOST],
        single=not now.two_slots,
    )


def _title(units: tuple[UnitPlan, ...]) -> str:
    return f"Update of {', '.join(one.unit for one in units)}"[:TEXT_MOST]


def _same(one: Assignment, target: Installed) -> bool:
    return (one.length, dict(one.hashes)) == (target.length, dict(target.hashes))


def _of_installed(one: Installed) -> Wanted:
    """An image by what a unit calls it."""
    folder, slash, name = one.name.rpartition("/")
    prefixed = f"{folder}{slash}{one.hashes[min(one.hashes)]}.{name}"
    fetch = FileFetch(IMAGE, "image", prefixed, one.length, exact=True)
    return Wanted(fetch, one.name, one.length, one.hashes)
