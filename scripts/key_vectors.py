"""Writes the test vectors of the key protocol: every byte of an exchange, from secrets that are given.

`make reference` writes them to docs/reference/key-vectors.json; a house test fails when they are out of date. A second
implementation takes the inputs and must find the same bytes (web/tests/key.test.ts).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from volant.trust.key import belief, blobs, crypto, exchange, gate, phone, sharing
from volant.trust.key.capsule import Answer, Request, head
from volant.trust.key.car import Moment, boot
from volant.trust.key.codes import Code, Kind
from volant.trust.key.limits import Area, Limits, Place
from volant.trust.key.phone import CarClock
from volant.trust.key.roles import Action, Role
from volant.trust.key.state import CarState, PhoneCar, PhoneState

NOON_S = 1_900_000_000
MOMENT = Moment(1_234_000_000, unix_s=NOON_S)


def chance(name: str) -> bytes:
    return hashlib.sha384(f"volant key vector {name}".encode()).digest()


def secret(name: str) -> bytes:
    return crypto.secret_from(chance(name))


def key_pair(name: str) -> dict[str, str]:
    found = secret(name)
    public = crypto.public_of(crypto.private_key(found))
    return {"secret": found.hex(), "public": public.hex(), "keyId": crypto.key_id(public).hex()}


def request_fields(request: Request) -> dict[str, Any]:
    return {
        "action": request.action, "tapped": request.tapped, "verifiedS": request.verified_s,
        "argument": request.argument.hex(), "attached": [one.hex() for one in request.attached],
        "bytes": request.pack().hex(),
    }  # fmt: skip


def answer_fields(answer: Answer) -> dict[str, Any]:
    return {
        "code": answer.code, "bootMs": answer.boot_ms, "logCount": answer.log_count,
        "logHead": answer.log_head.hex(), "data": answer.data.hex(),
        "taken": [{"code": one.code, "receipt": one.receipt.hex()} for one in answer.taken],
    }  # fmt: skip


class Scene:
    """A car and its owner's phone that go through everything once."""

    def __init__(self) -> None:
        state = CarState(secret=secret("car"), recovery=crypto.digest(b"card"))
        self.car = boot(state, chance("epoch")[:16], 0)
        self.phone = PhoneState(secret=secret("phone"), name="Ada")
        self.known = PhoneCar(car_public=self.car.public, role=Role.OWNER)
        self.clock = CarClock(b"", 0, 0)

    def exchange(
        self, name: str, request: Request, identity: bytes, one_time: bytes = b""
    ) -> dict[str, Any]:
        link = gate.Link(local=True, since_ns=0)
        dial = phone.dial(chance(f"{name} phone"))
        car_chance = chance(f"{name} car")
        step = gate.receive(self.car, link, dial.hello, MOMENT, car_chance)
        answer = step.reply
        waiting = phone.open_with(self.phone, self.known, dial, answer, request, identity, one_time)
        opened = self._finish(step.link, waiting.data)
        heard = phone.heard(self.known, waiting, opened, 0)
        self.known, self.clock = heard.car, heard.clock
        assert isinstance(waiting.keys, exchange.Keys)
        return {
            "name": name,
            "phoneEphemeral": crypto.secret_from(chance(f"{name} phone")).hex(),
            "carEphemeral": crypto.secret_from(car_chance).hex(),
            "oneTime": one_time.hex(),
            "identity": identity.hex(),
            "epoch": self.car.epoch.hex(),
            "bootMs": MOMENT.boot_ms,
            "request": request_fields(request),
            "hello": dial.hello.hex(),
            "answer": answer.hex(),
            "open": waiting.data.hex(),
            "sessionId": waiting.session_id.hex(),
            "resume": waiting.keys.resume.hex(),
            "opened": opened.hex(),
            "heard": answer_fields(heard.answer),
        }

    def _finish(self, link: gate.Link, data: bytes) -> bytes:
        step = gate.receive(self.car, link, data, MOMENT, chance("unused"))
        if step.ticket is not None:
            step = gate.conclude(step.car, step.link, step.ticket, Code.OK, b"", MOMENT)
        assert step.code is Code.OK, step.code
        self.car = step.car
        return step.reply

    def fast(self, name: str, request: Request, local: bool) -> dict[str, Any]:
        link = gate.Link(local=local, since_ns=0)
        greeting = b""
        if local:
            step = gate.receive(self.car, link, head(Kind.ASK), MOMENT, chance(f"{name} nonce"))
            link, greeting = step.link, step.reply
            self.known, waiting = phone.local(self.known, greeting, request)
        else:
            self.known, waiting = phone.remote(self.known, self.clock, 0, request)
        reply = self._finish(link, waiting.data)
        heard = phone.heard(self.known, waiting, reply, 0)
        self.known, self.clock = heard.car, heard.clock
        expiry_ms = 0 if local else int.from_bytes(waiting.data[14:22], "big")
        return {
            "name": name,
            "resume": self.known.resume.hex(),
            "sessionId": waiting.session_id.hex(),
            "epoch": self.car.epoch.hex(),
            "greeting": greeting.hex(),
            "counter": waiting.counter,
            "expiryMs": expiry_ms,
            "request": request_fields(request),
            "capsule": waiting.data.hex(),
            "reply": reply.hex(),
            "heard": answer_fields(heard.answer),
        }


def signed(scene: Scene, receipt: bytes) -> list[dict[str, Any]]:
    """One of each that is carried, with its signature; ECDSA is deterministic here, but need not be."""
    friend = crypto.public_of(crypto.private_key(secret("friend")))
    area = Area(Place(481_351_253, -1_234), 5000)
    limits = Limits(NOON_S, NOON_S + 86_400, 3, 250, area, 3600)
    share_id = chance("share")[:16]
    owner = scene.phone.public
    share = sharing.share(scene.phone, scene.known, friend, Role.GUEST, limits, share_id, 1)
    lease = sharing.lease(scene.phone, scene.known, share_id, NOON_S, 3600)
    listed = scene.known.lists[0]
    fields = {
        "carId": scene.car.car_id.hex(), "issuer": crypto.key_id(owner).hex(),
        "shareId": share_id.hex(), "subject": friend.hex(), "role": Role.GUEST, "depth": 1,
        "listVersion": 1, "notBeforeS": NOON_S, "notAfterS": NOON_S + 86_400, "leaseS": 3600,
        "uses": 3, "speedMostDmps": 250, "latitudeE7": 481_351_253, "longitudeE7": -1_234,
        "radiusM": 5000,
    }  # fmt: skip
    found = blobs.Receipt.read(receipt)
    return [
        {"kind": "certificate", "signer": owner.hex(), "bytes": share.hex(), "fields": fields},
        {"kind": "lease", "signer": owner.hex(), "bytes": lease.hex(), "fields": {
            "carId": scene.car.car_id.hex(), "issuer": crypto.key_id(owner).hex(),
            "shareId": share_id.hex(), "issuedS": NOON_S, "untilS": NOON_S + 3600,
        }},
        {"kind": "list", "signer": owner.hex(), "bytes": listed.hex(), "fields": {
            "carId": scene.car.car_id.hex(), "issuer": crypto.key_id(owner).hex(), "version": 1,
            "issuedS": NOON_S, "revoked": [chance("lost")[:16].hex()],
        }},
        {"kind": "receipt", "signer": scene.car.public.hex(), "bytes": receipt.hex(), "fields": {
            "carId": scene.car.car_id.hex(), "proof": found.proof, "subject": found.subject.hex(),
            "version": found.version, "logCount": found.log_count, "logHead": found.log_head.hex(),
        }},
    ]  # fmt: skip


def vectors() -> dict[str, Any]:
    scene = Scene()
    one_time = chance("one time")[:16]
    scene.car = belief.open_pairing(scene.car, Role.OWNER, one_time, MOMENT)
    code = sharing.pairing_code(scene.car.public, one_time, Role.OWNER)
    identity = belief.identity_pair(scene.phone.public, "Ada")
    pairing = scene.exchange("pairing", Request(Action.NOTHING), identity, one_time)
    scene.phone = sharing.paired(scene.phone, scene.known)
    scene.known = scene.phone.car(scene.car.car_id)
    scene.known = sharing.revoke(scene.phone, scene.known, (chance("lost")[:16],), NOON_S)
    drive = phone.asking(scene.known, Request(Action.DRIVE, verified_s=4))
    standard = scene.exchange("drive", drive, phone.identify(scene.phone, scene.known))
    fast = [
        scene.fast("unlock beside the car", Request(Action.UNLOCK), local=True),
        scene.fast(
            "lock over the network", Request(Action.LOCK, argument=b"\x01\x02"), local=False
        ),
    ]
    return {
        "about": "Test vectors of docs/reference/key-protocol.md, made by scripts/key_vectors.py.",
        "version": 1,
        "car": key_pair("car"),
        "phone": key_pair("phone"),
        "hkdf": {
            "secret": "0b" * 22, "salt": bytes(range(13)).hex(), "info": "f0f1f2f3f4f5f6f7f8f9",
            "found": crypto.derive(
                b"\x0b" * 22, bytes(range(13)), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42
            ).hex(),
            "source": "RFC 5869, A.1",
        },
        "code": {"text": code, "oneTime": one_time.hex(), "role": Role.OWNER},
        "exchanges": [pairing, standard],
        "fast": fast,
        "signed": signed(scene, bytes.fromhex(standard["heard"]["taken"][0]["receipt"])),
    }  # fmt: skip


def text() -> str:
    """What docs/reference/key-vectors.json holds."""
    return json.dumps(vectors(), indent=1) + "\n"
