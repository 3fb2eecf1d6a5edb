"""What is said of a capsule: its kind on the wire, why it is refused, and every bound of the protocol.

The bounds are Volant's own (issue 8 and docs/reference/key-protocol.md); where another source stands behind one,
it is named there.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from volant.core.errors import RefusedError

VERSION: Final = 1
SUITE: Final = 1
"""P-256, HKDF-SHA256, AES-256-GCM; there is no other, so nothing can be talked down."""
ID_BYTES: Final = 16
SESSION_BYTES: Final = 8
NONCE_BYTES: Final = 16
EPOCH_BYTES: Final = 16
PUBLIC_BYTES: Final = 65
"""An uncompressed point of P-256: Web Crypto imports no compressed one."""
SECRET_BYTES: Final = 32
CAPSULE_MOST_BYTES: Final = 8192
ARGUMENT_MOST_BYTES: Final = 256
DATA_MOST_BYTES: Final = 6144
"""Of an answer: what was asked for, such as a stretch of the log."""
ATTACHED_MOST: Final = 4
NAME_MOST_BYTES: Final = 32
CHAIN_MOST: Final = 3
"""Certificates behind each other: the owner's, and two delegates at most."""
KEYS_MOST: Final = 64
OWNERS_MOST: Final = 4
REVOKED_MOST: Final = 256
"""Entries of one list."""
SHARES_MOST: Final = 256
"""Shares whose uses or leases the car remembers."""
HELD_MOST_NS: Final = 500_000_000
"""A command beside the car is older than this: somebody held it (notes, threat jam and hold)."""
EXPIRY_MOST_MS: Final = 10_000
"""How far ahead a remote command may expire, and how long a remote exchange may take."""
VERIFIED_MOST_S: Final = 30
"""Age of the last check of the person at the phone, for what asks for one."""
NEVER_VERIFIED_S: Final = 255
IDLE_MOST_NS: Final = 2_000_000_000
"""A peer that has not shown a key after this long loses its connection."""
PAIRING_MOST_NS: Final = 120_000_000_000
LEASE_MOST_S: Final = 86_400

LEASE_SKEW_S: Final = 3600
"""How far the owner's clock, which dates a lease, may be ahead of the car's."""
CLOCK_BACK_MOST_S: Final = 86_400
"""A clock that went back by more counts as lost: old shares would come to life again."""


class Kind(IntEnum):
    """Second byte of every capsule."""

    HELLO = 0x01
    ANSWER = 0x02
    OPEN = 0x03
    OPENED = 0x04
    GREET = 0x10
    ASK = 0x11
    LOCAL = 0x12
    REMOTE = 0x13
    REPLY = 0x14
    REFUSED = 0x15


class Tier(IntEnum):
    """How fresh the agreement behind a command is."""

    FAST = 0
    """Keys of an earlier exchange, bound to this boot of the car."""
    STANDARD = 1
    """Fresh ephemeral keys on both sides."""


class Code(IntEnum):
    """Outcome of a command; numbers are part of the protocol and are not given twice."""

    OK = 0
    MALFORMED = 1
    VERSION = 2
    KIND = 3
    NO_EXCHANGE = 4
    TAG = 5
    SESSION = 6
    REPLAY = 7
    EXPIRED = 8
    EXPIRY = 9
    HELD = 10
    TRANSPORT = 11
    KEY = 12
    REVOKED = 13
    ROLE = 14
    TIER = 15
    PRESENCE = 16
    VERIFY = 17
    RANGING = 18
    NOT_YET = 19
    ENDED = 20
    NO_CLOCK = 21
    AREA = 22
    USES = 23
    LEASE = 24
    LIST_NEEDED = 25
    BROAD = 26
    DEPTH = 27
    SIGNATURE = 28
    OTHER_CAR = 29
    OLD_LIST = 30
    ROLLED_BACK = 31
    NO_PAIRING = 32
    FULL = 33
    LAST_OWNER = 34
    CAR = 35


WORDS: Final[dict[Code, str]] = {
    Code.OK: "Done.",
    Code.MALFORMED: "The car did not understand the message.",
    Code.VERSION: "App and car speak different versions. Update the older one.",
    Code.KIND: "The car does not know this kind of message.",
    Code.NO_EXCHANGE: "The connection was interrupted. Try again.",
    Code.TAG: "The message does not belong to this car and this key.",
    Code.SESSION: "The car does not know this session any more. Connecting anew.",
    Code.REPLAY: "This command came a second time and was not done again.",
    Code.EXPIRED: "The command came too late and was not done.",
    Code.EXPIRY: "The command would have been valid for too long.",
    Code.HELD: "The command was held up on its way and was not done. Try again.",
    Code.TRANSPORT: "The command came on another way than the one it was made for.",
    Code.KEY: "The car does not know this key.",
    Code.REVOKED: "This key was revoked.",
    Code.ROLE: "This key may not do that.",
    Code.TIER: "This needs a fresh connection to the car.",
    Code.PRESENCE: "This key cannot do that from here.",
    Code.VERIFY: "Confirm with fingerprint, face or PIN first.",
    Code.RANGING: "The car cannot tell how far you are. Tap to unlock.",
    Code.NOT_YET: "This share has not begun.",
    Code.ENDED: "This share has ended.",
    Code.NO_CLOCK: "The car has lost its clock. Shared keys wait until it is set.",
    Code.AREA: "The car is outside the area of this share.",
    Code.USES: "All uses of this share are spent.",
    Code.LEASE: "This share must be renewed by its owner.",
    Code.LIST_NEEDED: "The car lacks the newest list of revoked keys. Bring it along.",
    Code.BROAD: "This share allows more than the key it comes from.",
    Code.DEPTH: "This share was passed on too often.",
    Code.SIGNATURE: "A signature is wrong.",
    Code.OTHER_CAR: "This belongs to another car.",
    Code.OLD_LIST: "The car has a newer list of revoked keys.",
    Code.ROLLED_BACK: "The car's memory was set back. Only an owner can use it.",
    Code.NO_PAIRING: "The car is not ready to take a new key.",
    Code.FULL: "The car has no room for another key.",
    Code.LAST_OWNER: "The last owner cannot be removed.",
    Code.CAR: "The car could not do it.",
}
"""What a person reads, in English; a screen may hold other languages under the same codes."""


class KeyRefusedError(RefusedError):
    """A capsule, a certificate or a list is refused; nothing of it was done."""

    def __init__(self, code: Code) -> None:
        self.code = code
        super().__init__(f"{WORDS[code]} ({code.name.lower()})")
