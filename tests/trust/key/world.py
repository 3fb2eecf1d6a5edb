"""A car, phones and the air between them, all in memory; chance is counted, so every run is the same."""

import hashlib
from dataclasses import dataclass, field, replace

import msgspec

from volant.trust.key import belief, crypto, sharing
from volant.trust.key.audit import Entry
from volant.trust.key.capsule import Answer, Request, head
from volant.trust.key.car import Moment, boot
from volant.trust.key.codes import Code, KeyRefusedError, Kind
from volant.trust.key.gate import Link, Order, Step, conclude, receive
from volant.trust.key.limits import Limits, Place
from volant.trust.key.phone import CarClock, asking, dial, forgotten, heard, identify, open_with
from volant.trust.key.phone import local as local_command
from volant.trust.key.phone import remote as remote_command
from volant.trust.key.roles import Action, Role
from volant.trust.key.state import CarState, PhoneCar, PhoneState

DAY_S = 86_400
NOON_S = 1_900_000_000
HOME = Place(480_000_000, 110_000_000)
CARD = b"code on the card"
MS = 1_000_000


def key_from(seed: str) -> bytes:
    return crypto.secret_from(hashlib.sha384(seed.encode()).digest())


def year_from_now(**more: object) -> Limits:
    return Limits(not_before_s=NOON_S - DAY_S, not_after_s=NOON_S + 365 * DAY_S, **more)  # type: ignore[arg-type]


@dataclass
class Phone:
    """A phone with one car."""

    state: PhoneState
    car: PhoneCar
    clock: CarClock | None = None
    answer: Answer | None = None
    heard_back: bool = False

    @property
    def public(self) -> bytes:
        return self.state.public

    @property
    def key_id(self) -> bytes:
        return crypto.key_id(self.public)


@dataclass
class World:
    """One car; what happened to it stands in `orders` and `entries`."""

    seed: str = "car"
    now_ns: int = 10**9
    unix_s: int | None = NOON_S
    place: Place | None = HOME
    near: bool = False
    drawn: int = 0
    anchor: int = 0
    orders: list[Order] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        state = CarState(secret=key_from(self.seed), recovery=crypto.digest(CARD))
        self.car = boot(state, self.chance()[:16], self.anchor)

    def chance(self) -> bytes:
        self.drawn += 1
        return hashlib.sha384(f"{self.seed} {self.drawn}".encode()).digest()

    @property
    def moment(self) -> Moment:
        return Moment(self.now_ns, self.unix_s, self.place, self.near)

    def restart(self, state: CarState | None = None, anchor: int | None = None) -> None:
        self.anchor = max(self.anchor, self.car.state.generation) if anchor is None else anchor
        kept = CarState.from_bytes((state or self.car.state).to_bytes())
        self.now_ns = 10**9
        self.car = boot(kept, self.chance()[:16], self.anchor)

    def link(self, local: bool = True) -> Link:
        return Link(local=local, since_ns=self.now_ns)

    def receive(self, link: Link, data: bytes) -> Step:
        """As the shell does it: an order is carried out at once."""
        step = receive(self.car, link, data, self.moment, self.chance())
        self.car = step.car
        if step.order is not None and step.ticket is not None:
            self.orders.append(step.order)
            done = conclude(self.car, step.link, step.ticket, Code.OK, b"", self.moment)
            self.car = done.car
            step = replace(done, order=step.order)
        if step.entry:
            self.entries.append(step.entry)
        return step

    def did(self, action: Action) -> bool:
        return any(order.action is action for order in self.orders)

    # Phones

    def phone(self, name: str) -> Phone:
        car = PhoneCar(car_public=self.car.public, role=Role.GUEST)
        return Phone(PhoneState(secret=key_from(name), name=name), car)

    def pair(self, phone: Phone, role: Role = Role.OWNER, local: bool = True) -> Code:
        """By the code on the screen; `open_pairing` must be allowed."""
        secret = self.chance()[:16]
        self.car = belief.open_pairing(self.car, role, secret, self.moment)
        code = sharing.pairing_code(self.car.public, secret, role)
        phone.car, found = sharing.read_pairing_code(code)
        identity = belief.identity_pair(phone.public, phone.state.name)
        said = self.standard(
            phone, Request(Action.NOTHING), local=local, identity=identity, one_time=found
        )
        phone.state = sharing.paired(phone.state, phone.car)
        phone.car = phone.state.car(phone.car.car_id)
        return said

    def owner(self, name: str = "owner") -> Phone:
        phone = self.phone(name)
        assert self.pair(phone) is Code.OK
        return phone

    def friend(
        self, owner: Phone, name: str = "friend", role: Role = Role.GUEST,
        limits: Limits | None = None, depth: int = 0,
    ) -> Phone:  # fmt: skip
        """A phone that was given a share and has not been near the car."""
        phone = self.phone(name)
        blob = sharing.share(
            owner.state, owner.car, phone.public, role, limits or year_from_now(),
            self.chance()[:16], depth,
        )  # fmt: skip
        chain = (*owner.car.chain, blob)
        root = owner.car.owners[0] if owner.car.chain else owner.public
        invitation = sharing.invitation(owner.car, root, chain)
        phone.state = sharing.accept(phone.state, invitation)
        phone.car = phone.state.car(owner.car.car_id)
        return phone

    # Commands: each gives what the phone hears

    def dialled(self, phone: Phone, request: Request, link: Link, identity: bytes = b"",
                one_time: bytes = b""):  # fmt: skip
        """As far as OPEN, which is not sent."""
        begun = dial(self.chance())
        step = self.receive(link, begun.hello)
        waiting = open_with(
            phone.state, phone.car, begun, step.reply, request,
            identity or identify(phone.state, phone.car), one_time,
        )  # fmt: skip
        return step.link, waiting

    def standard(
        self, phone: Phone, request: Request, local: bool = True, identity: bytes = b"",
        one_time: bytes = b"",
    ) -> Code:  # fmt: skip
        link, waiting = self.dialled(phone, request, self.link(local), identity, one_time)
        return self.hear(phone, waiting, self.receive(link, waiting.data))

    def hear(self, phone: Phone, waiting, step: Step) -> Code:
        try:
            found = heard(phone.car, waiting, step.reply, self.now_ns)
        except KeyRefusedError as error:
            if error.code is Code.KEY:
                phone.car = forgotten(phone.car)
            return error.code
        phone.car, phone.clock, phone.answer = found.car, found.clock, found.answer
        phone.heard_back = found.went_back
        return found.answer.code

    def local(self, phone: Phone, request: Request) -> Code:
        step = self.receive(self.link(), head(Kind.ASK))
        phone.car, waiting = local_command(phone.car, step.reply, request)
        return self.hear(phone, waiting, self.receive(step.link, waiting.data))

    def remote(self, phone: Phone, request: Request) -> Code:
        assert phone.clock is not None
        phone.car, waiting = remote_command(phone.car, phone.clock, self.now_ns, request)
        return self.hear(phone, waiting, self.receive(self.link(local=False), waiting.data))

    def tap(self, phone: Phone, action: Action, **more: object) -> Code:
        """Verified, standard, with all that is to be handed over."""
        request = asking(phone.car, Request(action, verified_s=3, **more))  # type: ignore[arg-type]
        return self.standard(phone, request)

    def revoke(self, owner: Phone, *names: bytes) -> None:
        """On the owner's phone; the car does not know yet."""
        owner.car = sharing.revoke(owner.state, owner.car, names, NOON_S)


def without_car(phone: PhoneState) -> PhoneState:
    return msgspec.structs.replace(phone, cars=())
