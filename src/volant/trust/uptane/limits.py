"""How much a car takes from outside before it stops listening. Every loop and every buffer has its bound here."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
NS_PER_S = 1_000_000_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one update cycle (X, Y and Z of Uptane 2.1, 5.4.4; the first six as python-tuf 7 has them)."""

    root_bytes: Count = 512_000
    timestamp_bytes: Count = 16_384
    snapshot_bytes: Count = 2_000_000
    """Where the timestamp names no length."""
    targets_bytes: Count = 5_000_000
    """Where the snapshot names no length."""
    root_rotations: Count = 256
    """In one cycle; the next goes on from there."""
    delegations: Count = 32
    """Roles looked into for one image."""
    image_bytes: Count = 4 << 30
    """Of one image: what the staging space of the car holds."""
    least_rate_bytes_ps: Count = 1_000
    """A download below it is slow retrieval; the poorest radio that updates a car (EDGE) gives ten times that."""
    slow_window_ns: Count = 8 * NS_PER_S
    """Over which the rate is taken: together with the bucket of a second it is noticed within 10 s."""
    answer_most_s: Count = 2
    """What a request may take before its first byte, in whole seconds: a satellite link with a new TLS session."""
    tries: Count = 5
    """Times that one file may break off before it counts as dropped; each goes on where the last ended."""
