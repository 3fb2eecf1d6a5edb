"""The key: commands a second that a car verifies, what a phone takes for one, junk from a hostile cloud, and the radio."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from bench.rows import Row, at_least, at_most, best_cpu_s, skipped
from volant.trust.key import (
    Action,
    Car,
    CarClock,
    CarState,
    Code,
    Limits,
    Link,
    Moment,
    PhoneCar,
    PhoneState,
    Request,
    Role,
    belief,
    boot,
    conclude,
    crypto,
    dial,
    heard,
    identify,
    open_pairing,
    open_with,
    receive,
    remote,
    sharing,
)

COMMANDS = 3000
EXCHANGES = 500
JUNK = 20_000
UNLOCKS = 1000
WALKS = 200
NOON_S = 1_900_000_000
MOMENT = Moment(10**9, unix_s=NOON_S)
AFAR = Link(local=False, since_ns=0)


def chance(number: int) -> bytes:
    return hashlib.sha384(number.to_bytes(8, "big")).digest()


class Bench:
    """A car, its owner, and a friend with a share that is limited in time."""

    def __init__(self) -> None:
        state = CarState(secret=crypto.secret_from(chance(1)), recovery=crypto.digest(b"card"))
        car = boot(state, chance(2)[:16], 0)
        self.car = open_pairing(car, Role.OWNER, chance(3)[:16], MOMENT)
        self.drawn = 100
        self.owner = PhoneState(secret=crypto.secret_from(chance(4)))
        known = PhoneCar(car_public=self.car.public, role=Role.OWNER)
        pairing = belief.identity_pair(self.owner.public, "owner")
        known, self.owner_clock = self.exchange(self.owner, known, pairing, chance(3)[:16])
        self.owner = sharing.paired(self.owner, known)
        self.owner_car = self.owner.cars[0]
        friend = PhoneState(secret=crypto.secret_from(chance(5)))
        limits = Limits(NOON_S - 10, NOON_S + 86_400)
        share = sharing.share(
            self.owner, self.owner_car, friend.public, Role.GUEST, limits, chance(6)[:16]
        )
        text = sharing.invitation(self.owner_car, self.owner.public, (share,))
        self.friend = sharing.accept(friend, text)
        self.friend_car, self.friend_clock = self.exchange(
            self.friend, self.friend.cars[0], identify(self.friend, self.friend.cars[0])
        )

    def exchange(
        self, phone: PhoneState, known: PhoneCar, identity: bytes, one_time: bytes = b""
    ) -> tuple[PhoneCar, CarClock]:
        self.drawn += 2
        begun = dial(chance(self.drawn))
        step = receive(self.car, AFAR, begun.hello, MOMENT, chance(self.drawn + 1))
        request = Request(Action.NOTHING)
        waiting = open_with(phone, known, begun, step.reply, request, identity, one_time)
        step = receive(step.car, step.link, waiting.data, MOMENT, chance(0))
        self.car = step.car
        found = heard(known, waiting, step.reply, 0)
        return found.car, found.clock


def obey(car: Car, data: bytes) -> Car:
    """As a shell does it, without the deed."""
    step = receive(car, AFAR, data, MOMENT, b"")
    assert step.ticket is not None, step.code
    return conclude(step.car, step.link, step.ticket, Code.OK, b"", MOMENT).car


def sealed(known: PhoneCar, clock: CarClock) -> list[bytes]:
    found = []
    for _ in range(COMMANDS):
        known, waiting = remote(known, clock, 0, Request(Action.UNLOCK))
        found.append(waiting.data)
    return found


def verified_per_s(bench: Bench, commands: list[bytes]) -> float:
    def work() -> None:
        car = bench.car
        for data in commands:
            car = obey(car, data)

    return COMMANDS / best_cpu_s(work)


def junk(true: bytes) -> Iterator[bytes]:
    """From whoever owns gateway, broker and database: true capsules changed in a bit, cut, joined, and noise."""
    for number in range(JUNK):
        noise = hashlib.shake_256(number.to_bytes(4, "big")).digest(48)
        place, wrong = int.from_bytes(noise[:4], "big"), bytearray(true)
        wrong[place % len(true)] ^= noise[4] or 1
        yield (bytes(wrong), true[: place % len(true)], true + noise, true[:22] + noise)[number % 4]


def forged(bench: Bench, true: bytes) -> int:
    opened = 0
    for data in junk(true):
        opened += receive(bench.car, AFAR, data, MOMENT, bytes(48)).order is not None
    return opened


def rows() -> list[Row]:
    bench = Bench()
    by_owner = sealed(bench.owner_car, bench.owner_clock)
    by_friend = sealed(bench.friend_car, bench.friend_clock)

    def exchanges() -> None:
        identity = belief.identity_known(crypto.key_id(bench.owner.public))
        for _ in range(EXCHANGES):
            bench.exchange(bench.owner, bench.owner_car, identity)

    phone_us = best_cpu_s(lambda: sealed(bench.owner_car, bench.owner_clock)) / COMMANDS * 1e6
    car_note = "remote command to sealed answer, with its entry in the log, one core"
    result = [
        at_least(
            "key/verifier, owner", verified_per_s(bench, by_owner), 10_000, "1/s", car_note
        ),
        at_least(
            "key/verifier, share", verified_per_s(bench, by_friend), 10_000, "1/s", car_note
        ),
        at_most("key/phone seals a command", phone_us, 100.0, "us"),
        at_most(
            "key/forged unlocks", float(forged(bench, by_owner[0])), 0.0, "",
            f"of {JUNK} capsules of a hostile cloud",
        ),
    ]  # fmt: skip
    exchange_us = best_cpu_s(exchanges, 2) / EXCHANGES * 1e6
    return [
        *result,
        Row("key/standard exchange", exchange_us, "us", note="both sides together, a new session"),
        *radio_rows(),
    ]


def radio_rows() -> list[Row]:
    """Car and phone on the virtual radio, as the tests have them."""
    try:
        from tests.link.scene import Scene, now_s
    except ImportError:
        return [skipped("key/Bluetooth", "needs the extra: pip install 'volant[ble]'")]
    from volant.link.air import Path
    from volant.link.virtual_time import run

    async def fast() -> list[float]:
        """CPU milliseconds of car, phone and both radios, without an air."""
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        line, took = await owner.line(), []
        for _ in range(UNLOCKS):
            start = time.process_time()
            assert (await owner.fast(line)).code is Code.OK
            took.append((time.process_time() - start) * 1e3)
        return sorted(took)

    async def walk_up() -> list[float]:
        """Milliseconds on the air, from the advertisement that was seen to the car's word that it is open."""
        scene = await Scene.made(seed=8, interval_ms=30.0)
        owner = await scene.owner(path=Path(4.0))
        await owner.bonded()
        took = []
        for _ in range(WALKS):
            sighting = await owner.ble.find(scene.car_id, 10.0)
            start = now_s()
            line = await owner.ble.connect(sighting, owner.bond)
            assert (await owner.fast(line)).code is Code.OK
            took.append((now_s() - start) * 1e3)
            await line.close()
        return sorted(took)

    cpu, air = run(fast()), run(walk_up())
    one = "bonded virtual link, one process, no air, nonce asked for; CPU time"
    model = "air model: 4 m, 30 ms interval, 2 % loss; time on the air, no computing"
    return [
        at_most("key/fast unlock, p50", cpu[len(cpu) // 2], 3.0, "ms", one),
        at_most("key/fast unlock, p99", cpu[len(cpu) * 99 // 100], 30.0, "ms", one),
        at_most("key/walk-up, p50", air[len(air) // 2], 350.0, "ms", model),
        at_most("key/walk-up, p99", air[len(air) * 99 // 100], 800.0, "ms", model),
    ]
