"""A fleet with its Uptane repositories in one file, and cars with keys of their own that speak to its door."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tests.cloud.campaigns.fleet import NOW_S, plan_of
from volant.cloud.campaigns import Campaign, Task, approve, draft, submit
from volant.cloud.ddi import Answer
from volant.cloud.inventory import CarRecord, ReleaseImage
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.cloud.store.ports import StoredRelease
from volant.cloud.uptane import UptaneDoor
from volant.cloud.uptane.authority import Authority
from volant.cloud.uptane.joining import JoinGrant, admit
from volant.cloud.uptane.shelf import publish
from volant.trust.keys import SigningKey
from volant.trust.uptane import (
    Checker,
    Condition,
    EcuEntry,
    EcuReport,
    Ended,
    Fetch,
    Installed,
    Inventory,
    Limits,
    Plan,
    TrustedRepository,
    Waiting,
    answer_from,
    check_full,
    sign_manifest,
    sign_report,
    soft_signer,
)
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TOP_LEVEL

SEEDS = itertools.count(1)
UNITS = {"gateway": "GW", "brake": "BR"}
OLD = "brake-1.bin"


def key() -> SigningKey:
    return SigningKey(hashlib.sha256(b"%d" % next(SEEDS)).digest())


def image(name: str, release: int = 0) -> ReleaseImage:
    data = name.encode()
    hashes = {kind: hashlib.new(kind, data).hexdigest() for kind in ("sha256", "sha512")}
    return ReleaseImage(
        hardware_id="BR", name=name, length=len(data), hashes=hashes, release_counter=release
    )


class Town:
    def __init__(self, path: Path) -> None:
        self.now_s = NOW_S
        self.authority: Authority | None = Authority(
            {role: [soft_signer(key())] for role in TOP_LEVEL},
            {role: [soft_signer(key())] for role in TOP_LEVEL},
            key(),
        )
        self.store = SqlStore(path / "fleet.db")
        self.fleet = Fleet(self.store)
        self.door = UptaneDoor(self.fleet, lambda: self.authority, lambda: self.now_s)
        with self.store.work() as work:
            assert self.authority is not None
            self.authority.create(work, {}, self.now_s)
        self.release("two", "brake-2.bin")

    def release(self, name: str, *images: str) -> None:
        assert self.authority is not None
        with self.store.work() as work:
            made = publish(work, self.authority, [image(one) for one in images], self.now_s)
            work.put_release(StoredRelease(name=name, images=made))

    def code(self, car: str) -> str:
        assert self.authority is not None
        with self.store.work() as work:
            return admit(work, self.authority, car, "ann", self.now_s)

    def begin(self, **changes: Any) -> None:
        plan = plan_of(**({"release": "two", "watch_s": 3600.0} | changes))
        self.fleet.add(draft(plan, "ann"), "ann", self.now_s)
        act = self.fleet.act
        name = plan.campaign_id
        act(name, "submit", "ann", self.now_s, lambda one: submit(one, "ann", 0))
        act(name, "approve", "bob", self.now_s, lambda one: approve(one, plan.digest, "bob", 1))
        self.fleet.start(name, "ann", 2, self.now_s)

    def campaign(self, name: str = "spring") -> Campaign:
        with self.store.read() as work:
            found = work.campaign(name)
        assert found is not None
        return found

    def task(self, car: str, campaign: str = "spring") -> Task:
        with self.store.read() as work:
            found = work.task(campaign, car)
        assert found is not None
        return found

    def record(self, car: str) -> CarRecord:
        with self.store.read() as work:
            found = work.record(car)
        assert found is not None
        return found

    def car(self, vehicle: str = "CAR1") -> "Car":
        """One that has joined and said what it runs."""
        found = Car(self, vehicle)
        found.join(self.code(vehicle))
        assert found.tell().status == 200
        return found


@dataclass
class Car:
    town: Town
    vehicle: str
    keys: dict[str, SigningKey] = field(default_factory=lambda: {one: key() for one in UNITS})
    runs: ReleaseImage = field(default_factory=lambda: image(OLD))
    counter: int = 0
    grant: JoinGrant | None = None
    said: bytes = b""
    """Its last manifest."""

    @property
    def inventory(self) -> Inventory:
        entries = tuple(
            EcuEntry(ecu_id=one, hardware_id=UNITS[one], key=self.keys[one].public.hex,
                     primary=one == "gateway")
            for one in UNITS
        )  # fmt: skip
        return Inventory(vehicle_id=self.vehicle, ecus=entries)

    def post(self, path: str, body: bytes) -> Answer:
        return self.town.door.answer("POST", path, {}, body)

    def get(self, path: str, **headers: str) -> Answer:
        return self.town.door.answer("GET", path, headers, b"")

    def join(self, code: str) -> Answer:
        token = code.partition(".")[0]
        asked = {"token": token, "inventory": msgspec.to_builtins(self.inventory)}
        found = self.post("/join", json.dumps(asked).encode())
        if found.status == 200:
            self.grant = msgspec.json.decode(found.body, type=JoinGrant)
        return found

    def manifest(
        self,
        condition: Condition | None = None,
        ended: Ended | None = None,
        waiting: Waiting | None = None,
    ) -> bytes:
        self.counter += 1
        now_s = self.town.now_s
        brake = Installed(
            ecu_id="brake", name=self.runs.name, length=self.runs.length,
            hashes=self.runs.hashes, release_counter=self.runs.release_counter,
        )  # fmt: skip
        reports = {
            one: sign_report(
                EcuReport(ecu_id=one, installed=brake if one == "brake" else None, time_s=now_s,
                          counter=self.counter),
                self.keys[one],
            )
            for one in UNITS
        }  # fmt: skip
        primary = self.keys["gateway"]
        return sign_manifest(
            self.vehicle, "gateway", reports, primary,
            condition=condition, ended=ended, waiting=waiting,
        )  # fmt: skip

    def tell(
        self,
        condition: Condition | None = None,
        ended: Ended | None = None,
        waiting: str = "",
    ) -> Answer:
        waits = Waiting(offer=self.offer(), why=waiting) if waiting else None
        self.said = self.manifest(condition, ended, waits)
        return self.post(f"/cars/{self.vehicle}/director/manifest", self.said)

    def check(self) -> Plan:
        """The car's own full check of what the fleet gives; nothing is kept of it."""
        assert self.grant is not None

        def get(fetch: Fetch) -> bytes | None:
            place = f"/cars/{self.vehicle}/director" if fetch.repository == DIRECTOR else "/image"
            found = self.get(f"{place}/metadata/{fetch.name}")
            return found.body if found.status == 200 else None

        director, images = (
            TrustedRepository.load(
                name, {file: text.encode() for file, text in self.grant.metadata[name].items()}
            )
            for name in (DIRECTOR, IMAGE)
        )
        checker = Checker.of_car(self.inventory)
        steps = check_full(checker, director, images, self.town.now_s, Limits())
        return answer_from(steps, get)

    def offer(self) -> str:
        """SHA-256 of the director's newest targets, as the car calls the offer."""
        with self.town.store.read() as work:
            files = work.director_files(self.vehicle) or {}
        last = max(
            (name for name in files if name.endswith(".targets.json")),
            key=lambda name: int(name.partition(".")[0]),
        )
        return hashlib.sha256(files[last]).hexdigest()
