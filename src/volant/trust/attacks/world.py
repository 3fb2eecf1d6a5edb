"""A director, an image repository, a source of time and a car of three control units, all in memory.

The primary checks in full; `brake` is a secondary that checks in full, `seat` one that checks in part. Releases are
numbered; each is one image for each secondary, of which the supplier signs both. `World.now_s` is what time it really is;
a unit knows what was attested to it, and counts on from there while the car has power.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from securesystemslib.signer import Signer

from volant.core.errors import InputError, TrustError
from volant.trust.attacks.wire import Clock, Reply, Wire, pump
from volant.trust.keys import SigningKey
from volant.trust.uptane.check import (
    Plan,
    check_full,
    check_partial,
    fetch_image,
    hand_on,
)
from volant.trust.uptane.inventory import EcuEntry, Installed, Inventory
from volant.trust.uptane.keeper import Keeper, image_names, soft_signer, target_file
from volant.trust.uptane.limits import NS_PER_S, Limits
from volant.trust.uptane.manifest import EcuReport, sign_manifest, sign_report
from volant.trust.uptane.match import DIRECTOR, IMAGE, Assignment, Checker
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, TOP_LEVEL
from volant.trust.uptane.provision import RepositoryMap, provision_full, provision_partial
from volant.trust.uptane.secure_time import SecureClock, attest
from volant.trust.uptane.session import Session, Source, Steps
from volant.trust.uptane.trusted import TrustedRepository
from volant.trust.uptane.verdict import RejectedError

VEHICLE: Final = "VOLANT00000000001"
GATEWAY, BRAKE, SEAT = "gateway-1", "brake-1", "seat-1"
HARDWARE: Final = {GATEWAY: "gateway-a", BRAKE: "brake-a", SEAT: "seat-a"}
SUPPLIER: Final = "supplier"
TIME: Final = "time"
"""The source of time, as one more that is asked over the wire."""
BEGIN_S: Final = 1_800_000_000.0
LIMITS: Final = Limits(image_bytes=1 << 20, tries=3)


@cache
def key_of(name: str) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey(hashlib.sha256(name.encode()).digest())


def signers_of(repository: str, owner: str = "keeper") -> dict[str, list[Signer]]:
    """Keys of the four roles of a repository."""
    return {role: [soft_signer(key_of(f"{owner} {repository} {role}"))] for role in TOP_LEVEL}


def image_of(ecu_id: str, release: int) -> tuple[str, bytes]:
    """Name and bytes of the image of one unit in one release."""
    return f"{ecu_id}-{release}.bin", f"program of {ecu_id}, release {release}. ".encode() * 100


@dataclass
class Unit:
    """One control unit with its own keys, its own trust and its own program."""

    entry: EcuEntry
    checker: Checker
    director: TrustedRepository
    image: TrustedRepository | None
    """None: it checks in part."""
    program: bytes
    installed: Installed
    clock: SecureClock
    counter: int = 0
    noticed: RejectedError | None = None

    def check(self, now_s: float) -> Steps[Plan]:
        """The check that this unit makes."""
        if self.image is None:
            return check_partial(self.checker, self.director, now_s, LIMITS)
        return check_full(self.checker, self.director, self.image, now_s, LIMITS)

    def hear_time(self, reply: Reply, now_ns: int) -> None:
        """Take a signed time, if it comes and is one; else the time goes on from what the unit knows."""
        if reply.data is None or reply.lost or reply.endless:
            return
        chunks = math.ceil(len(reply.data) / reply.chunk_bytes)
        with contextlib.suppress(TrustError, InputError):
            source = key_of(TIME).public
            self.clock = self.clock.hear(reply.data, source, now_ns + chunks * reply.chunk_ns)

    def install(self, one: Assignment, data: bytes) -> None:
        """The new program runs."""
        self.program, self.installed = data, one.as_installed()
        self.checker = Checker.of_unit(self.checker.vehicle_id, self.entry, [self.installed])

    def report(self, now_s: float) -> bytes:
        """What it says of itself, signed."""
        self.counter += 1
        report = EcuReport(
            ecu_id=self.entry.ecu_id,
            installed=self.installed,
            attack=self.noticed.attack if self.noticed else None,
            time_s=now_s,
            counter=self.counter,
        )
        return sign_report(report, key_of(self.entry.ecu_id))


@dataclass
class World:
    """Everything, at one moment."""

    now_s: float = BEGIN_S
    release: int = 0
    director: Keeper = field(init=False)
    image: Keeper = field(init=False)
    images: dict[str, bytes] = field(default_factory=dict)
    """What the image repository gives, by HASH.name."""
    inventory: Inventory = field(init=False)
    primary: Unit = field(init=False)
    secondaries: dict[str, Unit] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    signed_time: bytes = b""
    """What the source of time answered last."""
    passed_on: bytes | None = None
    """What came of it to the primary."""
    questions: int = 0

    def __post_init__(self) -> None:
        self.director = Keeper.create(DIRECTOR, signers_of(DIRECTOR), now_s=self.now_s)
        self.director.targets[TARGETS].unrecognized_fields["custom"] = {"vehicleId": VEHICLE}
        self.image = Keeper.create(IMAGE, signers_of(IMAGE), now_s=self.now_s)
        self.image.delegate(
            SUPPLIER,
            [soft_signer(key_of(SUPPLIER))],
            paths=[f"{BRAKE}-*", f"{SEAT}-*"],
            hardware_ids=[HARDWARE[BRAKE], HARDWARE[SEAT]],
        )
        self.inventory = Inventory(
            vehicle_id=VEHICLE,
            ecus=tuple(
                EcuEntry(
                    ecu_id=ecu_id,
                    hardware_id=hardware,
                    key=key_of(ecu_id).public.hex,
                    primary=ecu_id == GATEWAY,
                    partial=ecu_id == SEAT,
                )
                for ecu_id, hardware in HARDWARE.items()
            ),
        )
        self.publish_release()
        self._build_car()

    def publish_release(self) -> None:
        """The next release stands in both repositories; older images stay listed by the supplier."""
        self.release += 1
        offered = self.director.targets[TARGETS].targets
        offered.clear()
        for ecu_id in (BRAKE, SEAT):
            name, data = image_of(ecu_id, self.release)
            hardware, counter = HARDWARE[ecu_id], self.release
            listed = target_file(name, data, {"hardwareIds": [hardware], "releaseCounter": counter})
            self.image.add(listed, SUPPLIER)
            for path in image_names(listed):
                self.images[path] = data
            units = {ecu_id: {"hardwareId": hardware}}
            custom = {"ecuIdentifiers": units, "releaseCounter": counter}
            offered[name] = target_file(name, data, custom)
        self.image.publish(self.now_s, [TARGETS, SUPPLIER])
        self.director.publish(self.now_s, [TARGETS])

    def served(self) -> dict[tuple[str, str], bytes]:
        """All files of both repositories as they are now."""
        found = {
            (one.name, key): data for one in self.keepers for key, data in one.published.items()
        }
        found.update({(IMAGE, key): data for key, data in self.images.items()})
        found[TIME, TIME] = self.signed_time
        return found

    @property
    def keepers(self) -> tuple[Keeper, Keeper]:
        """Both repositories."""
        return self.director, self.image

    def honest(self) -> Source:
        """What the servers answer."""
        found = self.served()
        return lambda fetch: found.get((fetch.repository, fetch.name))

    def inside(self) -> Source:
        """What the primary answers its secondaries: metadata that it believes, and images."""
        image = self.primary.image
        assert image is not None, "the primary checks in full"
        metadata = hand_on(self.primary.director, image)
        found = {(IMAGE, name): data for name, data in self.images.items()}
        if self.passed_on is not None:
            found[TIME, TIME] = self.passed_on
        return lambda fetch: found.get((fetch.repository, fetch.name)) or metadata(fetch)

    def ask_time(self) -> None:
        """All units ask what time it is, and the source answers all at once."""
        now_ns = self.clock.now_ns
        self.questions += 1
        for unit in self.units:
            words = f"{unit.entry.ecu_id} {self.questions}"
            unit.clock = unit.clock.ask(hashlib.sha256(words.encode()).digest()[:16], now_ns)
        nonces = tuple(unit.clock.asked for unit in self.units if unit.clock.asked)
        self.signed_time = attest(int(self.now_s + now_ns / NS_PER_S), nonces, key_of(TIME))
        self.passed_on = None

    @property
    def units(self) -> tuple[Unit, ...]:
        """The primary, and those behind it."""
        return self.primary, *self.secondaries.values()

    def run(self, steps: Steps[Plan], wire: Wire) -> Plan:
        """One check over a wire; time goes by on it.

        Raises:
            RejectedError: it says no.
        """
        return pump(Session(steps, LIMITS, self.clock.now_ns), wire, self.clock)

    def load(self, one: Assignment, wire: Wire) -> bytes:
        """One image over a wire.

        Raises:
            RejectedError: it is not the one that is signed.
        """
        return pump(Session(fetch_image(one), LIMITS, self.clock.now_ns), wire, self.clock)

    def manifest(self) -> bytes:
        """What the car says of itself."""
        reports = {one.entry.ecu_id: one.report(self.now_s) for one in self.units}
        return sign_manifest(VEHICLE, GATEWAY, reports, key_of(GATEWAY))

    def rotate_online_keys(self, owner: str) -> None:
        """What the keepers do after a break-in at the director: other online keys, a new root."""
        for role, signers in signers_of(DIRECTOR, owner).items():
            if role != ROOT:
                self.director.rotate(role, signers, self.now_s)

    def _build_car(self) -> None:
        files = self.director.trusted_files(), self.image.trusted_files()
        repository_map = RepositoryMap.of("https://director", "https://images").to_bytes()
        for entry in self.inventory.ecus:
            name, data = image_of(entry.ecu_id, self.release)
            found = target_file(name, data, {})
            installed = Installed(
                ecu_id=entry.ecu_id,
                name=name,
                length=found.length,
                hashes=found.hashes,
                release_counter=self.release,
            )
            if entry.partial:
                director, image = provision_partial(files[0]), None
            else:
                state = provision_full(*files, repository_map)
                director, image = state.director, state.image
            checker = Checker.of_unit(VEHICLE, entry, [installed])
            clock = SecureClock(attested_s=self.now_s)  # of the factory
            unit = Unit(entry, checker, director, image, data, installed, clock)
            if entry.primary:
                self.primary = unit
            else:
                self.secondaries[entry.ecu_id] = unit
        self.primary.checker = self.car_checker()

    def car_checker(self) -> Checker:
        """The primary's: all units, and what runs on them."""
        return Checker.of_car(self.inventory, [one.installed for one in self.units])


ONLINE: Final = (TIMESTAMP, SNAPSHOT, TARGETS)
"""Roles whose keys a director has at hand."""
