"""The phone as a key, without a network, a disk or a clock: what a car may believe of a phone, and a phone of a car.

`receive` and `conclude` are the car's side, `dial`, `open_with`, `local`, `remote` and `heard` the phone's; both keep
frozen values. The protocol is written down in docs/reference/key-protocol.md, with vectors that a second
implementation passes (web/kit/key).
"""

from volant.trust.key.audit import Entry, LogHead
from volant.trust.key.belief import open_pairing, reset
from volant.trust.key.blobs import Certificate, Lease, Receipt, RevocationList
from volant.trust.key.capsule import Answer, Request
from volant.trust.key.car import Car, Moment, boot
from volant.trust.key.codes import WORDS, Code, KeyRefusedError, Tier
from volant.trust.key.gate import Link, Order, Step, conclude, greet, overdue, receive
from volant.trust.key.limits import Area, Limits, Place
from volant.trust.key.phone import CarClock, dial, heard, identify, local, open_with, remote
from volant.trust.key.ranging import RangingTuning, Round, is_near
from volant.trust.key.roles import DEMANDS, ROLES, Action, Role
from volant.trust.key.state import CarState, PhoneCar, PhoneState

__all__ = [
    "DEMANDS", "ROLES", "WORDS", "Action", "Answer", "Area", "Car", "CarClock", "CarState",
    "Certificate", "Code", "Entry", "KeyRefusedError", "Lease", "Limits", "Link", "LogHead",
    "Moment", "Order", "PhoneCar", "PhoneState", "Place", "RangingTuning", "Receipt", "Request",
    "RevocationList", "Role", "Round", "Step", "Tier", "boot", "conclude", "dial", "greet",
    "heard", "identify", "is_near", "local", "open_pairing", "open_with", "overdue", "receive",
    "remote", "reset",
]  # fmt: skip
