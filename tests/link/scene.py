"""A car with a small door, phones and one air, in virtual time: nothing waits, and the same seed gives the same times."""

import asyncio
import hashlib
from dataclasses import dataclass, field

from tests.trust.key.world import Phone, World, key_from
from volant.core.chance import Chance
from volant.link.air import Air, Path
from volant.link.ble import BleTuning, CarBle
from volant.link.door import Connection, Said
from volant.link.radio import VirtualRadio
from volant.phone.ble import Bond, CarLine, PhoneBle
from volant.phone.key import fast, standard
from volant.trust.key import (
    Action,
    Answer,
    Code,
    Link,
    Order,
    Request,
    Role,
    conclude,
    greet,
    receive,
)
from volant.trust.key.state import PhoneCar


@dataclass
class SmallDoor:
    """As small as a door can be: orders are done at once and nothing is written to a disk."""

    world: World
    links: dict[int, Link] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    near: bool = False

    def opened(self, connection: Connection, stamp_ns: int) -> Said:
        self._now(stamp_ns)
        link = Link(local=connection.local, since_ns=stamp_ns)
        step = greet(self.world.car, link, self.world.moment, self.world.chance())
        self.links[connection.number] = step.link
        return Said((step.reply,))

    def said(self, connection: Connection, capsule: bytes, stamp_ns: int) -> Said:
        self._now(stamp_ns)
        link, moment = self.links[connection.number], self.world.moment
        step = receive(self.world.car, link, capsule, moment, self.world.chance())
        if step.order is not None and step.ticket is not None:
            self.orders.append(step.order)
            step = conclude(step.car, step.link, step.ticket, Code.OK, b"", moment)
        self.world.car, self.links[connection.number] = step.car, step.link
        self.codes.append(step.code)
        return Said((step.reply,) if step.reply else (), known=step.link.known)

    def closed(self, connection: Connection, stamp_ns: int) -> None:
        del self.links[connection.number]
        self.gone.append(connection.number)

    def _now(self, stamp_ns: int) -> None:
        self.world.now_ns, self.world.near = stamp_ns, self.near


class Scene:
    """`await Scene.made(...)`, then phones."""

    def __init__(self, seed: int | None, tuning: BleTuning | None, interval_ms: float) -> None:
        """`seed` of the air; None: an air that loses nothing and takes no time."""
        self.world = World()
        self.door = SmallDoor(self.world)
        self.air = None if seed is None else Air(Chance.of(seed, "air"))
        self.radio = VirtualRadio(self.air)
        self.interval_ms = interval_ms
        self.drawn = 0
        self.car = CarBle(self.door, self.world.car.car_id, tuning, chance=self.chance)

    @classmethod
    async def made(
        cls, seed: int | None = None, tuning: BleTuning | None = None, interval_ms: float = 30.0
    ) -> "Scene":
        scene = cls(seed, tuning, interval_ms)
        end = scene.radio.end("car")
        await scene.car.start(end, end)
        return scene

    def chance(self, size: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(f"car {self.drawn}".encode()).digest(size)

    @property
    def car_id(self) -> bytes:
        return self.world.car.car_id

    async def carried(self, phone: Phone, name: str, path: Path | None = None) -> "Carried":
        """Switch a phone's radio on."""
        ble = PhoneBle(key_from(name)[:16], self.interval_ms)
        end = self.radio.end(name)
        if path is not None:
            self.radio.link.place("car", name, path)
        await ble.start(end, end)
        return Carried(self, phone, name, ble)

    async def owner_over(self, transport: str) -> "Carried":
        """As `owner`, at the end of a transport string."""
        phone = self.world.phone("owner")
        assert self.world.pair(phone, Role.OWNER) is Code.OK
        ble = PhoneBle(key_from("owner")[:16], self.interval_ms)
        await ble.open(transport)
        return Carried(self, phone, "owner", ble)

    async def owner(self, name: str = "owner", path: Path | None = None) -> "Carried":
        """A phone that is paired (not by radio) and has no session yet."""
        phone = self.world.phone(name)
        assert self.world.pair(phone, Role.OWNER) is Code.OK
        self.world.entries.clear()
        return await self.carried(phone, name, path)


@dataclass
class Carried:
    """A phone in somebody's pocket."""

    scene: Scene
    phone: Phone
    name: str
    ble: PhoneBle
    bond: Bond | None = None
    kept: list[PhoneCar] = field(default_factory=list)

    async def line(self, within_s: float = 10.0) -> CarLine:
        sighting = await self.ble.find(self.scene.car_id, within_s)
        return await self.ble.connect(sighting, self.bond)

    async def standard(
        self, line: CarLine, action: Action = Action.NOTHING, **more: object
    ) -> Answer:
        self.phone.car, answer = await standard(
            line, self.phone.state, self.phone.car, Request(action, verified_s=1),
            self.scene.world.chance(), **more,  # type: ignore[arg-type]
        )  # fmt: skip
        return answer

    async def fast(self, line: CarLine, action: Action = Action.UNLOCK) -> Answer:
        self.phone.car, answer = await fast(line, self.phone.car, Request(action), self.kept.append)
        return answer

    async def passive(self, line: CarLine) -> Answer:
        """Without a tap, as a phone in a pocket asks."""
        request = Request(Action.UNLOCK, tapped=False)
        self.phone.car, answer = await fast(line, self.phone.car, request, self.kept.append)
        return answer

    async def bonded(self) -> None:
        """Connect once, be known, bond, and go away."""
        line = await self.line()
        await self.standard(line)
        self.bond = await self.ble.bond(line)
        await line.close()


def now_s() -> float:
    return asyncio.get_running_loop().time()
