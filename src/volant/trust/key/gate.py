"""The car's side of the protocol, as steps: bytes in; an answer, an order and the next state out.

`receive` decides. Where it gives a ticket, the shell carries the order out and calls `conclude` with what came of it:
so the answer is the car's word that it is done, not that it was heard. Time and chance are given; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from volant.trust.key import belief, capsule, checks, crypto, exchange
from volant.trust.key.audit import Entry
from volant.trust.key.binary import counted, number
from volant.trust.key.capsule import Answer, Greeting, Request, Taken
from volant.trust.key.car import Car, Grant, Moment, changed, logged, with_session
from volant.trust.key.codes import (
    DATA_MOST_BYTES,
    ID_BYTES,
    IDLE_MOST_NS,
    NONCE_BYTES,
    PAIRING_MOST_NS,
    Code,
    KeyRefusedError,
    Kind,
    Tier,
)
from volant.trust.key.limits import Limits
from volant.trust.key.roles import DEMANDS, ROLES, Action, Role


@dataclass(frozen=True, slots=True)
class Pending:
    """An exchange that has begun on a connection."""

    ephemeral: crypto.PrivateKey
    half: exchange.Half
    at_ns: int


@dataclass(frozen=True, slots=True)
class Link:
    """One connection, as the car sees it."""

    local: bool
    """By radio or at the car's socket, not over the network."""
    since_ns: int
    known: bool = False
    """A key has shown itself on it."""
    nonce: bytes = b""
    nonce_ns: int = 0
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What the car is to do now."""

    action: Action
    argument: bytes
    key_id: bytes
    role: Role
    limits: Limits | None
    """The speed limit of a share goes along with a drive."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is needed to answer an order; used once."""

    key_id: bytes
    action: Action
    tier: Tier
    taken: tuple[Taken, ...]
    request: bytes
    """The capsule, or the sealed request of an exchange."""
    session_id: bytes
    counter: int
    keys: exchange.Keys | exchange.FastKeys
    """Of the exchange, or of the session: a key that removes itself is still answered."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a capsule."""

    car: Car
    link: Link
    reply: bytes = b""
    """Empty where there is none, or not yet."""
    order: Order | None = None
    ticket: Ticket | None = None
    entry: Entry | None = None
    """For the log."""
    code: Code = Code.OK


def overdue(links: Iterable[Link], now_ns: int) -> tuple[Link, ...]:
    """Connections that have not shown a key in time and are to be cut, so that owners find room."""
    return tuple(one for one in links if not one.known and now_ns - one.since_ns > IDLE_MOST_NS)


def receive(car: Car, link: Link, data: bytes, moment: Moment, chance: bytes) -> Step:
    """One capsule from a phone, or from whoever it is.

    Args:
        car: as it is.
        link: the connection that it came on.
        data: whatever came.
        moment: now.
        chance: 48 fresh bytes.
    """
    try:
        return _dispatch(car, link, data, moment, chance)
    except KeyRefusedError as error:
        # An exchange that failed is over; a nonce that was shown stays, or junk would keep a phone out.
        after = replace(link, pending=None)
        return Step(car, after, capsule.refusal(error.code), code=error.code)


def _dispatch(car: Car, link: Link, data: bytes, moment: Moment, chance: bytes) -> Step:
    match capsule.kind_of(data):
        case Kind.HELLO:
            return _hello(car, link, data, moment, chance)
        case Kind.OPEN:
            return _open(car, replace(link, pending=None), link.pending, data, moment)
        case Kind.ASK:
            return _ask(car, link, data, moment, chance)
        case Kind.LOCAL:
            return _local(car, link, data, moment)
        case Kind.REMOTE:
            return _remote(car, link, data, moment)
        case _:
            raise KeyRefusedError(Code.KIND)


def _hello(car: Car, link: Link, data: bytes, moment: Moment, chance: bytes) -> Step:
    public = capsule.read_hello(data)
    own = crypto.private_key(crypto.secret_from(chance))
    agreed = crypto.agree(own, public) + crypto.agree(car.own, public)
    own_public = crypto.public_of(own)
    found = exchange.half(exchange.begin(car.public, data), own_public, agreed)
    reply, after = exchange.seal_answer(found, own_public, car.epoch, moment.boot_ms)
    return Step(car, replace(link, pending=Pending(own, after, moment.now_ns)), reply)


def _ask(car: Car, link: Link, data: bytes, moment: Moment, chance: bytes) -> Step:
    capsule.expect(data, Kind.ASK).end()
    return greet(car, link, moment, chance)


def greet(car: Car, link: Link, moment: Moment, chance: bytes) -> Step:
    """Show a fresh nonce; the car does it by itself when a phone connects by radio."""
    nonce = chance[:NONCE_BYTES]
    after = replace(link, nonce=nonce, nonce_ns=moment.now_ns)
    return Step(car, after, capsule.greet(Greeting(car.epoch, nonce)))


def _open(car: Car, link: Link, pending: Pending | None, data: bytes, moment: Moment) -> Step:
    if pending is None:
        raise KeyRefusedError(Code.NO_EXCHANGE)
    sealed_identity, sealed = exchange.read_open(data)
    checks.not_held(moment.now_ns - pending.at_ns, link.local)
    identity, transcript = exchange.unseal_identity(pending.half, sealed_identity)
    grant, one_time = belief.who(car, identity, moment)
    se = crypto.agree(pending.ephemeral, grant.entry.public)
    keys = exchange.finish(pending.half.agreed, se, one_time, transcript)
    request = Request.read(exchange.unseal_request(keys, sealed))
    # From here on the phone has shown that it holds the key.
    taken: tuple[Taken, ...] = ()
    if one_time:
        car, paired = belief.pair(car, grant)
        taken = (paired,)
    else:
        car = belief.keep(car, grant)
    car = with_session(car, keys, grant.key_id)
    ticket = Ticket(
        grant.key_id, request.action, Tier.STANDARD, taken, sealed, keys.session_id, 0, keys
    )
    return _decide(car, link, ticket, request, moment)


def _local(car: Car, link: Link, data: bytes, moment: Moment) -> Step:
    found = capsule.read_sealed(data, Kind.LOCAL)
    checks.right_transport(Kind.LOCAL, link.local)
    checks.nonce_stands(link.nonce)
    checks.not_held(moment.now_ns - link.nonce_ns, link.local)
    # A nonce is good for one command.
    return _fast(car, replace(link, nonce=b""), found, data, link.nonce, moment)


def _remote(car: Car, link: Link, data: bytes, moment: Moment) -> Step:
    found = capsule.read_sealed(data, Kind.REMOTE)
    checks.right_transport(Kind.REMOTE, link.local)
    checks.not_expired(found.expiry_ms, moment.boot_ms)
    checks.expires_soon(found.expiry_ms, moment.boot_ms)
    return _fast(car, link, found, data, b"", moment)


def _fast(
    car: Car, link: Link, found: capsule.Sealed, data: bytes, nonce: bytes, moment: Moment
) -> Step:
    session = car.sessions.get(found.session_id)
    if session is None:
        raise KeyRefusedError(Code.SESSION)
    checks.counter_rises(found.counter, session.highest)
    bound = exchange.bound_fast(found.opening, car.car_id, car.epoch, nonce)
    seal_nonce = exchange.nonce(Kind(data[1]), found.counter)
    request = Request.read(crypto.unseal(session.keys.to_car, seal_nonce, found.body, bound))
    used = replace(session, highest=found.counter)
    car = replace(car, sessions={**car.sessions, found.session_id: used})
    ticket = Ticket(
        session.key_id,
        request.action,
        Tier.FAST,
        (),
        data,
        found.session_id,
        found.counter,
        session.keys,
    )
    return _decide(car, link, ticket, request, moment)


def _decide(car: Car, link: Link, ticket: Ticket, request: Request, moment: Moment) -> Step:
    """What a known key gets. What it brings along is taken first, so a list it carries counts at once."""
    clock_s = car.clock_s(moment)
    taken = list(ticket.taken)
    for blob in request.attached:
        car, one = belief.take(car, blob, clock_s)
        taken.append(one)
    ticket = replace(ticket, taken=tuple(taken))
    try:
        return _obey(car, link, ticket, request, moment)
    except KeyRefusedError as error:
        return conclude(car, link, ticket, error.code, b"", moment)


def _obey(car: Car, link: Link, ticket: Ticket, request: Request, moment: Moment) -> Step:
    grant = car.grants.get(ticket.key_id)
    if grant is None:
        raise KeyRefusedError(Code.KEY)
    admit(car, grant, request, ticket.tier, link.local, moment)
    # Not before: a revoked key shall not hold one of the few connections.
    link = replace(link, known=True)
    if DEMANDS[request.action].counted:
        car = belief.spend(car, grant, car.clock_s(moment))
    if request.action in _OWN:
        car, data, more = _own(car, grant, request, moment)
        ticket = replace(ticket, taken=(*ticket.taken, *more))
        return conclude(car, link, ticket, Code.OK, data, moment)
    order = Order(request.action, request.argument, grant.key_id, grant.entry.role, grant.limits)
    return Step(car, link, order=order, ticket=ticket)


def admit(
    car: Car, grant: Grant, request: Request, tier: Tier, local: bool, moment: Moment
) -> None:
    """Let a command pass that this key may give here and now.

    Raises:
        KeyRefusedError: it may not.
    """
    demand, right = DEMANDS[request.action], ROLES[grant.entry.role]
    checks.not_revoked(grant.ids, car.revoked)
    checks.memory_is_whole(car.rolled_back, grant.entry.role)
    checks.role_allows(right, request.action)
    checks.role_reaches(right, local)
    checks.action_reaches(demand, local)
    checks.tier_is_enough(demand, tier)
    checks.person_verified(demand, request.verified_s)
    checks.tapped_or_near(demand, request.tapped, moment.near)
    if not grant.chain:
        return
    clock_s = car.clock_s(moment)
    checks.clock_is_known(clock_s)
    now_s = clock_s or 0
    first = grant.chain[0]
    checks.issued_by_owner(first.issuer, car.owners)
    checks.list_was_seen(first, car.lists)
    for certificate in grant.chain:
        limits = certificate.limits
        checks.has_begun(limits, now_s)
        checks.has_not_ended(limits, now_s)
        checks.inside_area(limits, demand, moment.place)
        share = car.share(certificate.share_id)
        checks.uses_left(limits, demand, share.spent if share else 0)
    if first.limits.lease_s:
        issued_s, until_s = _lease(car, grant)
        checks.lease_runs(issued_s, until_s, now_s)


def _lease(car: Car, grant: Grant) -> tuple[int, int]:
    """From when until when the share is renewed; the first lease begins with the share itself."""
    first = grant.chain[0]
    issued_s, until_s = first.limits.not_before_s, first.limits.not_after_s
    share = car.share(first.share_id)
    if share is not None and share.lease_issuer == first.issuer:
        issued_s, until_s = share.lease_issued_s, share.lease_until_s
    return issued_s, min(until_s, issued_s + first.limits.lease_s)


_OWN = frozenset({
    Action.NOTHING, Action.LIST_KEYS, Action.REMOVE_KEY, Action.ALLOW_PAIRING, Action.ALLOW_RESET,
    Action.TRUST_AGAIN,
})  # fmt: skip
"""What is done in here, with no order to the car."""


def _own(
    car: Car, grant: Grant, request: Request, moment: Moment
) -> tuple[Car, bytes, tuple[Taken, ...]]:
    match request.action:
        case Action.LIST_KEYS:
            return car, pack_keys(car), ()
        case Action.REMOVE_KEY:
            if len(request.argument) != ID_BYTES:
                raise KeyRefusedError(Code.MALFORMED)
            car, removed = belief.remove(car, grant, request.argument)
            return car, b"", (removed,)
        case Action.TRUST_AGAIN:
            # The clock that was kept may be what was wrong.
            state = msgspec.structs.replace(
                car.state, generation=max(car.state.generation, car.anchor)
            )
            trusted = replace(car, state=state, rolled_back=False)
            return changed(trusted, clock_s=moment.unix_s or 0), b"", ()
        case Action.NOTHING:
            return car, b"", ()
        case action:
            until_ns = moment.now_ns + PAIRING_MOST_NS
            return (
                replace(car, allowed_until_ns={**car.allowed_until_ns, action: until_ns}),
                b"",
                (),
            )


def pack_keys(car: Car) -> bytes:
    """Every key: its name, its role, whether it still works, and what its person called it."""
    return b"".join(
        name
        + number(grant.entry.role, 1)
        + number(any(one in car.revoked for one in grant.ids), 1)
        + counted(grant.entry.name.encode(), 1)
        for name, grant in car.grants.items()
    )


def conclude(car: Car, link: Link, ticket: Ticket, code: Code, data: bytes, moment: Moment) -> Step:
    """Answer an order: done, or `Code.CAR` where the car could not do it; `data` is what was asked for.

    `car` and `link` are as they are now: others may have been answered meanwhile.

    Raises:
        ValueError: the data are longer than an answer holds.
    """
    if len(data) > DATA_MOST_BYTES:
        raise ValueError(f"{len(data)} bytes in an answer, at most {DATA_MOST_BYTES}")
    entry = None
    if code is not Code.OK or not DEMANDS[ticket.action].quiet:
        car, entry = logged(car, moment, ticket.key_id, ticket.action, code, ticket.tier)
    log = car.log
    answer = Answer(code, moment.boot_ms, log.count, log.head, ticket.taken, data).pack()
    keys = ticket.keys
    if isinstance(keys, exchange.Keys):
        reply = exchange.seal_opened(keys, ticket.request, answer)
    else:
        opening = capsule.opening(Kind.REPLY, ticket.session_id, ticket.counter)
        bound = exchange.bound_reply(opening, car.car_id, ticket.request)
        reply = opening + crypto.seal(
            keys.to_phone, exchange.nonce(Kind.REPLY, ticket.counter), answer, bound
        )
    return Step(car, link, reply, entry=entry, code=code)
