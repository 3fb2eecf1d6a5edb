"""How a phone finds its car on the air, while nobody else can tell one car from another.

The advertisement carries fresh chance and a tag over it under the car's id, which only phones with a key for it know.
Whoever once had a key can find the car again until a factory reset; a copied advertisement leads a phone to somebody
who then cannot answer it.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterator
from typing import Final

from volant.trust.key.codes import ID_BYTES
from volant.trust.key.frames import SERVICE_UUID

CHANCE_BYTES: Final = 4
TAG_BYTES: Final = 6
"""One stranger's car in 2^48 looks like one's own for a moment."""
ROTATE_S: Final = 900
"""How long an address and its hint are shown: 15 min (recalled: the Core specification's private address time-out)."""
_FLAGS: Final = bytes((2, 0x01, 0x06))
"""Always to be found, no classic Bluetooth (Core Specification Supplement, A 1.3)."""
_SERVICE_DATA_128: Final = 0x21
"""Core Specification Supplement, A 1.11."""
_SERVICE: Final = uuid.UUID(SERVICE_UUID).bytes[::-1]


def advertisement(car_id: bytes, chance: bytes) -> bytes:
    """The 31 bytes that a car shows; 4 bytes of chance.

    Raises:
        ValueError: an id or chance of another length.
    """
    if len(car_id) != ID_BYTES or len(chance) != CHANCE_BYTES:
        raise ValueError(f"expected {ID_BYTES} and {CHANCE_BYTES} bytes")
    body = bytes((_SERVICE_DATA_128,)) + _SERVICE + chance + _tag(car_id, chance)
    return _FLAGS + bytes((len(body),)) + body


def shows(data: bytes, car_id: bytes) -> bool:
    """Whether an advertisement, whoever sent it, is that of this car."""
    for kind, body in _structures(data):
        if kind == _SERVICE_DATA_128 and body[: len(_SERVICE)] == _SERVICE:
            hint = body[len(_SERVICE) :]
            chance, tag = hint[:CHANCE_BYTES], hint[CHANCE_BYTES:]
            return hmac.compare_digest(tag, _tag(car_id, chance))
    return False


def _tag(car_id: bytes, chance: bytes) -> bytes:
    return hmac.digest(car_id, b"volant-beacon-1" + chance, "sha256")[:TAG_BYTES]


def _structures(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each part, as far as they are whole (Core 5.4, Vol 3, C 11)."""
    place = 0
    while place < len(data) and (size := data[place]):
        part = data[place + 1 : place + 1 + size]
        if len(part) < size:
            return
        yield part[0], part[1:]
        place += 1 + size
