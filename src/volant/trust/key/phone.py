"""The phone's side of the protocol, as steps. Every step gives the phone's new state, to be kept before bytes are sent.

The phone believes nothing that is not sealed by the car: neither a greeting nor a refusal in clear changes its state,
and time is only learnt from what the car has sealed, so that nobody can make a remote command last longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from volant.core.errors import RefusedError
from volant.trust.key import belief, capsule, checks, crypto, exchange
from volant.trust.key.blobs import Proof, Receipt, RevocationList, check, pack
from volant.trust.key.capsule import Answer, Request
from volant.trust.key.codes import (
    ATTACHED_MOST,
    EXPIRY_MOST_MS,
    Kind,
)
from volant.trust.key.state import PhoneCar, PhoneState

COUNTER_MOST: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class CarClock:
    """The car's clock as its sealed words told it; lost when the phone restarts, and learnt anew."""

    epoch: bytes
    boot_ms: int
    at_ns: int
    """The phone's own monotonic clock when it heard it. Wall time is never used."""

    def boot_ms_at(self, now_ns: int) -> int:
        """What the car's clock shows at least."""
        return self.boot_ms + max(0, now_ns - self.at_ns) // 1_000_000


@dataclass(frozen=True, slots=True)
class Dial:
    """After HELLO."""

    ephemeral: crypto.PrivateKey
    hello: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command is on its way. It is sent, not confirmed."""

    data: bytes
    """To send."""
    epoch: bytes
    session_id: bytes
    counter: int
    keys: exchange.Keys | exchange.FastKeys
    sealed: bytes
    """Of an exchange: the sealed request."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The car has answered; this is what 'confirmed by the car' means."""

    car: PhoneCar
    answer: Answer
    clock: CarClock
    went_back: bool
    """The car's log is shorter than it was: its memory was set back, or it is another car's."""


def dial(chance: bytes) -> Dial:
    """Begin a standard exchange; 48 bytes of chance."""
    own = crypto.private_key(crypto.secret_from(chance))
    return Dial(own, capsule.hello(crypto.public_of(own)))


def identify(phone: PhoneState, car: PhoneCar) -> bytes:
    """How this phone says who it is: by its certificates as long as it has no session, then by its name alone.

    A car that has forgotten the key refuses with `Code.KEY`: then `forgotten` and once more.
    """
    if car.chain and not car.session_id:
        return belief.identity_chain(car.chain)
    return belief.identity_known(crypto.key_id(phone.public))


def forgotten(car: PhoneCar) -> PhoneCar:
    """Drop the session: the car knows it no more, or this phone's storage may have been set back.

    What comes next is a standard exchange; no counter of the old session is used again.
    """
    return msgspec.structs.replace(car, session_id=b"")


def open_with(
    phone: PhoneState,
    car: PhoneCar,
    begun: Dial,
    data: bytes,
    request: Request,
    identity: bytes,
    one_time: bytes = b"",
) -> Waiting:
    """The car has answered HELLO: say who one is, and what one wants.

    Raises:
        KeyRefusedError: it is not the car that is meant, or it refused.
    """
    public = exchange.read_answer_public(data)
    agreed = crypto.agree(begun.ephemeral, public)
    agreed += crypto.agree(begun.ephemeral, car.car_public)
    half = exchange.half(exchange.begin(car.car_public, begun.hello), public, agreed)
    found = exchange.unseal_answer(half, data)
    sealed_identity, transcript = exchange.seal_identity(found.half, identity)
    se = crypto.agree(crypto.private_key(phone.secret), public)
    keys = exchange.finish(agreed, se, one_time, transcript)
    sealed = exchange.seal_request(keys, request.pack())
    sent = exchange.pack_open(sealed_identity, sealed)
    return Waiting(sent, found.epoch, keys.session_id, 0, keys, sealed)


def local(car: PhoneCar, greeting: bytes, request: Request) -> tuple[PhoneCar, Waiting]:
    """A fast command beside the car, for the nonce that it has just shown.

    Raises:
        KeyRefusedError: it is no greeting.
        RefusedError: a standard exchange is needed first.
    """
    found = capsule.read_greet(greeting)
    return _fast(car, Kind.LOCAL, found.epoch, 0, found.nonce, request)


def remote(
    car: PhoneCar, clock: CarClock, now_ns: int, request: Request, valid_ms: int = EXPIRY_MOST_MS
) -> tuple[PhoneCar, Waiting]:
    """A fast command over the network.

    Raises:
        RefusedError: a standard exchange is needed first.
    """
    expiry_ms = clock.boot_ms_at(now_ns) + min(valid_ms, EXPIRY_MOST_MS)
    return _fast(car, Kind.REMOTE, clock.epoch, expiry_ms, b"", request)


def _fast(
    car: PhoneCar, kind: Kind, epoch: bytes, expiry_ms: int, nonce: bytes, request: Request
) -> tuple[PhoneCar, Waiting]:
    if not car.session_id or car.counter >= COUNTER_MOST:
        raise RefusedError("a fresh exchange with the car is needed first")
    counter = car.counter + 1
    keys = exchange.fast_keys(car.resume, epoch)
    opening = capsule.opening(kind, car.session_id, counter, expiry_ms)
    bound = exchange.bound_fast(opening, car.car_id, epoch, nonce)
    body = crypto.seal(keys.to_car, exchange.nonce(kind, counter), request.pack(), bound)
    waiting = Waiting(opening + body, epoch, car.session_id, counter, keys, b"")
    return msgspec.structs.replace(car, counter=counter), waiting


def heard(car: PhoneCar, waiting: Waiting, data: bytes, now_ns: int) -> Heard:
    """The car's answer to a command.

    Raises:
        KeyRefusedError: it is not the car's, not to this command, or it refused without knowing the key.
    """
    if isinstance(waiting.keys, exchange.Keys):
        answer = Answer.read(exchange.unseal_opened(waiting.keys, waiting.sealed, data))
        car = msgspec.structs.replace(
            car, session_id=waiting.session_id, resume=waiting.keys.resume, counter=0
        )
    else:
        found = capsule.read_sealed(data, Kind.REPLY)
        bound = exchange.bound_reply(found.opening, car.car_id, waiting.data)
        nonce = exchange.nonce(Kind.REPLY, waiting.counter)
        answer = Answer.read(crypto.unseal(waiting.keys.to_phone, nonce, found.body, bound))
    for taken in answer.taken:
        if taken.receipt:
            car = confirm(car, taken.receipt)
    went_back = answer.log_count < car.said_count
    if not went_back:
        car = msgspec.structs.replace(car, said_count=answer.log_count, said_head=answer.log_head)
    return Heard(car, answer, CarClock(waiting.epoch, answer.boot_ms, now_ns), went_back)


def to_hand_over(car: PhoneCar, everything: bool = False) -> tuple[bytes, ...]:
    """What goes along with the next command: lists that the car has not confirmed, and leases."""
    lists = tuple(
        blob
        for blob in car.lists
        if everything or confirmed(car, (found := RevocationList.read(blob)).issuer) < found.version
    )
    return (*lists, *car.leases)[:ATTACHED_MOST]


def asking(car: PhoneCar, request: Request, everything: bool = False) -> Request:
    """A request with all that is to be handed over; everything, when an owner trusts the car again."""
    return replace(request, attached=to_hand_over(car, everything))


def confirm(car: PhoneCar, blob: bytes) -> PhoneCar:
    """Keep the car's signed word, whoever brought it; of a list only the newest.

    Raises:
        KeyRefusedError: it is not this car's.
    """
    found = Receipt.read(blob)
    checks.this_car(found.car_id, car.car_id)
    check(found, car.car_public)
    if found.proof is not Proof.LIST or confirmed(car, found.subject) >= found.version:
        return car
    others = tuple(one for one in car.confirmed if Receipt.read(one).subject != found.subject)
    kept = (pack(found), *others)[: len(car.owners) or 1]
    return msgspec.structs.replace(car, confirmed=kept)


def confirmed(car: PhoneCar, issuer: bytes) -> int:
    """Version of an owner's list that the car has confirmed; 0: none."""
    return next(
        (
            found.version
            for blob in car.confirmed
            if (found := Receipt.read(blob)).subject == issuer
        ),
        0,
    )
