"""What owners do on their phones, and what friends carry: shares, leases, lists, invitations, the code on the screen."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from volant.core.errors import InputError, RefusedError
from volant.trust.key import checks, crypto
from volant.trust.key.audit import Entry, LogHead, follow
from volant.trust.key.binary import Reader, counted, number
from volant.trust.key.blobs import (
    BLOB_MOST_BYTES,
    Certificate,
    Lease,
    RevocationList,
    check,
    pack,
    pack_chain,
)
from volant.trust.key.codes import (
    ATTACHED_MOST,
    CHAIN_MOST,
    LEASE_MOST_S,
    NONCE_BYTES,
    OWNERS_MOST,
    PUBLIC_BYTES,
    REVOKED_MOST,
    Code,
    KeyRefusedError,
)
from volant.trust.key.limits import Limits
from volant.trust.key.roles import Role, covers
from volant.trust.key.state import PhoneCar, PhoneState

CODE_PREFIX: Final = "VOLANT1."
CODE_MOST: Final = 256
_INVITATION: Final = b"VKI1"


def pairing_code(car_public: bytes, secret: bytes, role: Role) -> str:
    """What the car's screen shows as a QR code: its key and the one-time secret."""
    data = car_public + secret + number(role, 1)
    return CODE_PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_pairing_code(text: str) -> tuple[PhoneCar, bytes]:
    """What a phone has scanned: the car, and the secret.

    Raises:
        InputError: it is no such code.
    """
    text = text.strip()
    if not text.startswith(CODE_PREFIX) or len(text) > CODE_MOST:
        raise InputError("this is not the code of a car that waits for a key")
    body = text.removeprefix(CODE_PREFIX)
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        reader = Reader(data)
        public, secret = reader.take(PUBLIC_BYTES), reader.take(NONCE_BYTES)
        role = Role(reader.number(1))
        reader.end()
        crypto.point(public)
    except (binascii.Error, ValueError, KeyRefusedError) as error:
        raise InputError(f"the code of the car is damaged: {error}") from error
    return PhoneCar(car_public=public, role=role), secret


def paired(phone: PhoneState, car: PhoneCar) -> PhoneState:
    """The phone after pairing; an owner carries its own lists."""
    owners = (phone.public,) if car.role is Role.OWNER else ()
    return phone.with_car(msgspec.structs.replace(car, owners=owners))


def own_list(phone: PhoneState, car: PhoneCar) -> RevocationList | None:
    """The list that this owner has signed last."""
    own = crypto.key_id(phone.public)
    lists = (RevocationList.read(blob) for blob in car.lists)
    return next((one for one in lists if one.issuer == own), None)


def share(
    phone: PhoneState,
    car: PhoneCar,
    subject: bytes,
    role: Role,
    limits: Limits,
    share_id: bytes,
    depth: int = 0,
) -> bytes:
    """A certificate for a friend's key, signed by this phone: an owner's, or that of a friend who may pass it on.

    Args:
        phone: who signs.
        car: which car.
        subject: the friend's public key.
        role: what the friend may do.
        limits: when, where, how fast, how often.
        share_id: 16 bytes of chance.
        depth: how often the friend may pass it on.

    Raises:
        RefusedError: this phone may not give that.
        KeyRefusedError: the friend's key is none.
    """
    crypto.point(subject)
    version = 0
    if car.chain:
        above = Certificate.read(car.chain[-1])
        if not (
            covers(above.role, role)
            and limits.within(above.limits)
            and depth < above.depth
            and len(car.chain) < CHAIN_MOST
        ):
            raise RefusedError("this key cannot be passed on like that")
    elif car.role is not Role.OWNER or role is Role.OWNER:
        raise RefusedError("only an owner shares a car, and ownership is given at the car only")
    else:
        known = own_list(phone, car)
        version = known.version if known else 0
    own = crypto.private_key(phone.secret)
    issuer = crypto.key_id(phone.public)
    found = Certificate(
        car.car_id, issuer, share_id, subject, role, depth, version, limits
    ).signed_by(own)
    return pack(found)


def lease(phone: PhoneState, car: PhoneCar, share_id: bytes, unix_s: int, length_s: int) -> bytes:
    """Let a share live on for a while; at most a day."""
    until_s = unix_s + min(length_s, LEASE_MOST_S)
    found = Lease(car.car_id, crypto.key_id(phone.public), share_id, unix_s, until_s)
    return pack(found.signed_by(crypto.private_key(phone.secret)))


def revoke(phone: PhoneState, car: PhoneCar, names: tuple[bytes, ...], unix_s: int) -> PhoneCar:
    """The owner's next list, with keys or shares more in it; it counts once the car has confirmed it.

    Raises:
        RefusedError: this is no owner's phone, or the list is full.
    """
    if car.role is not Role.OWNER:
        raise RefusedError("only an owner revokes keys")
    known = own_list(phone, car)
    old = known.revoked if known else ()
    revoked = tuple(dict.fromkeys((*old, *names)))
    if len(revoked) > REVOKED_MOST:
        raise RefusedError(f"the list of revoked keys holds {REVOKED_MOST} and takes no more")
    version = known.version + 1 if known else 1
    found = RevocationList(car.car_id, crypto.key_id(phone.public), version, unix_s, revoked)
    return carry(car, pack(found.signed_by(crypto.private_key(phone.secret))))


def carry(car: PhoneCar, blob: bytes) -> PhoneCar:
    """Take a list or a lease along to the car; an older list than the one at hand is left.

    Raises:
        KeyRefusedError: it is of another car, or no owner known here has signed it.
    """
    is_list = blob[:4] == RevocationList.MAGIC
    found = RevocationList.read(blob) if is_list else Lease.read(blob)
    checks.this_car(found.car_id, car.car_id)
    public = next((one for one in car.owners if crypto.key_id(one) == found.issuer), None)
    if public is None:
        raise KeyRefusedError(Code.KEY)
    check(found, public)
    if isinstance(found, Lease):
        others = tuple(one for one in car.leases if Lease.read(one).share_id != found.share_id)
        return msgspec.structs.replace(car, leases=(blob, *others)[:OWNERS_MOST])
    known = {one.issuer: one for one in map(RevocationList.read, car.lists)}
    older = known.get(found.issuer)
    if older is not None and older.version >= found.version:
        return car
    kept = tuple(pack(one) for name, one in known.items() if name != found.issuer)
    return msgspec.structs.replace(car, lists=(blob, *kept))


def invitation(car: PhoneCar, owner_public: bytes, chain: tuple[bytes, ...]) -> bytes:
    """All that a friend's phone needs to use a share; it is not secret, since only the friend's key fits."""
    lists = car.lists[:ATTACHED_MOST]
    return b"".join((
        _INVITATION, car.car_public, owner_public, pack_chain(chain),
        number(len(lists), 1), *(counted(one) for one in lists),
    ))  # fmt: skip


def accept(phone: PhoneState, data: bytes, name: str = "") -> PhoneState:
    """The friend's phone takes a share.

    Raises:
        KeyRefusedError: malformed, for another key, or not signed by that owner.
        InputError: the phone holds as many keys as it can.
    """
    reader = Reader(data)
    if reader.take(4) != _INVITATION:
        raise KeyRefusedError(Code.MALFORMED)
    car_public, owner_public = reader.take(PUBLIC_BYTES), reader.take(PUBLIC_BYTES)
    crypto.point(car_public)
    chain = tuple(reader.counted(BLOB_MOST_BYTES) for _ in range(reader.few(CHAIN_MOST)))
    lists = tuple(reader.counted(BLOB_MOST_BYTES) for _ in range(reader.few(ATTACHED_MOST)))
    reader.end()
    if not chain:
        raise KeyRefusedError(Code.MALFORMED)
    certificates = tuple(Certificate.read(blob) for blob in chain)
    if certificates[-1].subject != phone.public:
        raise KeyRefusedError(Code.KEY)
    checks.this_car(certificates[0].car_id, crypto.key_id(car_public))
    check(certificates[0], owner_public)
    car = PhoneCar(
        car_public=car_public,
        role=certificates[-1].role,
        name=name,
        chain=chain,
        owners=(owner_public,),
    )
    for blob in lists:
        car = carry(car, blob)
    return phone.with_car(car)


def check_log(car: PhoneCar, entries: tuple[Entry, ...]) -> PhoneCar:
    """Go on checking the car's log from where this phone stands.

    Raises:
        TrustError: it is not the log that the car has spoken of.
    """
    checked = LogHead(car.log_count, car.log_head)
    reached = follow(checked, entries, LogHead(car.said_count, car.said_head))
    return msgspec.structs.replace(car, log_count=reached.count, log_head=reached.head)
