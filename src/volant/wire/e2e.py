"""AUTOSAR end-to-end protection, profiles 1 and 2: a CRC and a counter in each message of a bus.

Pure: bytes in, bytes out. `protect` writes counter and CRC, `check` judges what came (or that nothing
came) and gives the state to keep. It refuses no frame by itself: what follows from a status is the
receiver's business. Source of the algorithms: AUTOSAR PRS E2E Protocol and CP SWS CRC (recalled; the
CRC vectors of the latter stand in the tests). Other people's implementations were not copied.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

PROFILE_1_COUNT: Final = 15
"""Counter of profile 1 runs 0 to 14; 15 is never sent (recalled)."""
PROFILE_2_COUNT: Final = 16
LONGEST_BYTES: Final = 64
"""Of a frame here: that of CAN FD; the profiles allow 30 and 32 bytes (recalled)."""
_NEVER: Final = -1


def _table(polynomial: int) -> bytes:
    """CRC of every byte, most significant bit first."""
    made = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc << 1) ^ polynomial if crc & 0x80 else crc << 1
            crc &= 0xFF
        made.append(crc)
    return bytes(made)


_J1850: Final = _table(0x1D)
_H2F: Final = _table(0x2F)


def crc8_j1850(data: bytes, start: int = 0xFF) -> int:
    """CRC-8 SAE J1850: polynomial 0x1D, start 0xFF, inverted at the end (AUTOSAR SWS CRC, recalled)."""
    return _run(_J1850, data, start) ^ 0xFF


def crc8_h2f(data: bytes, start: int = 0xFF) -> int:
    """CRC-8 0x2F of AUTOSAR: start 0xFF, inverted at the end (AUTOSAR SWS CRC, recalled)."""
    return _run(_H2F, data, start) ^ 0xFF


def _run(table: bytes, data: bytes, crc: int) -> int:
    for byte in data:
        crc = table[crc ^ byte]
    return crc


class Profile(enum.Enum):
    """Which end-to-end profile protects a message."""

    PROFILE_1 = "1"
    PROFILE_2 = "2"


class Status(enum.Enum):
    """What one check found."""

    OK = "ok"
    INITIAL = "initial"
    """The first good message: nothing to compare its counter with."""
    SYNC = "sync"
    """A good message after a gap: its counter runs, but not long enough to be trusted again."""
    REPEATED = "repeated"
    SOME_LOST = "some_lost"
    """Good, and up to the allowed number of messages before it were lost."""
    WRONG_SEQUENCE = "wrong_sequence"
    WRONG_CRC = "wrong_crc"
    WRONG_LENGTH = "wrong_length"
    """Not of the length that the data base gives; the profile leaves this to the layer below."""
    NOT_AVAILABLE = "not_available"
    """Nothing came."""


GOOD: Final = frozenset({Status.OK, Status.SOME_LOST})
"""Statuses whose data may be used."""


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """How one message is protected.

    Profile 1 carries its identity in `data_id`, both bytes of which go into the CRC (data id mode
    BOTH, variant 1A); profile 2 in a list of 16 bytes of which the counter picks one.
    """

    profile: Profile
    length: int = 8
    """Bytes of the message."""
    data_id: int = 0
    data_ids: bytes = bytes(16)
    crc_byte: int = 0
    counter_bit: int = 8
    """Lowest bit of the four of the counter, bit 0 being the lowest of byte 0; a multiple of 4."""
    most_lost: int = 2
    """A counter may jump by this much and one (max delta counter init less one)."""
    most_silent: int = 14
    """Checks without a new message after which the counter must be found anew."""
    sync_count: int = 2
    """Good messages in a row before a broken counter is trusted again."""

    def __post_init__(self) -> None:
        """Refuse a layout that cannot be: this is our own code's or a loader's mistake."""
        if not 2 <= self.length <= LONGEST_BYTES:
            raise ValueError(f"{self.length} bytes, expected 2 to {LONGEST_BYTES}")
        fits = 0 <= self.crc_byte < self.length and 0 <= self.counter_bit < 8 * self.length
        if not fits or self.counter_bit % 4 or self.counter_bit // 8 == self.crc_byte:
            raise ValueError(f"CRC in byte {self.crc_byte}, counter at bit {self.counter_bit}")
        if len(self.data_ids) != PROFILE_2_COUNT:
            raise ValueError(f"{len(self.data_ids)} data ids, expected {PROFILE_2_COUNT}")
        if self.profile is Profile.PROFILE_2 and (self.crc_byte, self.counter_bit) != (0, 8):
            raise ValueError("profile 2 has its CRC in byte 0 and its counter at bit 8")
        if not 0 <= self.data_id <= 0xFFFF:
            raise ValueError(f"data id {self.data_id:#x} is not of 16 bits")


def count_of(protection: Protection) -> int:
    """How many values the counter has."""
    return PROFILE_1_COUNT if protection.profile is Profile.PROFILE_1 else PROFILE_2_COUNT


def next_counter(protection: Protection, counter: int) -> int:
    """The counter of the next message."""
    return (counter + 1) % count_of(protection)


def crc_of(protection: Protection, data: bytes, counter: int) -> int:
    """The CRC that a message with this content and counter must have; its CRC byte is not read."""
    at = protection.crc_byte
    if protection.profile is Profile.PROFILE_1:
        # The library starts with 0xFF and undoes that and the inversion: in effect 0 and none.
        table = _J1850
        crc = table[table[protection.data_id & 0xFF] ^ (protection.data_id >> 8)]
        for byte in data[:at] + data[at + 1 :] if at else data[1:]:
            crc = table[crc ^ byte]
        return crc
    crc = _run(_H2F, data[1:], 0xFF)
    return _H2F[crc ^ protection.data_ids[counter]] ^ 0xFF


def counter_of(protection: Protection, data: bytes) -> int:
    """The counter that a message carries."""
    return data[protection.counter_bit >> 3] >> (protection.counter_bit & 7) & 0x0F


def protect(protection: Protection, data: bytes, counter: int) -> bytes:
    """A message with its counter and CRC written.

    Raises:
        ValueError: the length or the counter is not the profile's.
    """
    if len(data) != protection.length or not 0 <= counter < count_of(protection):
        raise ValueError(f"{len(data)} bytes with counter {counter}")
    made = bytearray(data)
    byte, shift = protection.counter_bit >> 3, protection.counter_bit & 7
    made[byte] = made[byte] & (0xF0 >> shift) | counter << shift
    made[protection.crc_byte] = crc_of(protection, bytes(made), counter)
    return bytes(made)


class CheckState(msgspec.Struct, frozen=True, gc=False):
    """What a receiver remembers of one message; the default has seen none."""

    counter: int = _NEVER
    """Of the last good message."""
    most_delta: int = 1
    silent: int = 0
    """Checks in a row without a new message."""
    sync_left: int = 0


def check(
    protection: Protection, state: CheckState, data: bytes | None
) -> tuple[CheckState, Status]:
    """Judge one message, or that none came; called once a cycle of the message, or once a message.

    Args:
        protection: how the message is protected.
        state: of the check before.
        data: the message; None: none came since the check before.
    """
    count = PROFILE_1_COUNT if protection.profile is Profile.PROFILE_1 else PROFILE_2_COUNT
    delta_limit = state.most_delta + 1
    if delta_limit >= count:
        delta_limit = count - 1
    if data is None:
        return _kept(state, delta_limit, silent=state.silent + 1), Status.NOT_AVAILABLE
    if len(data) != protection.length:
        return _kept(state, delta_limit), Status.WRONG_LENGTH
    counter = data[protection.counter_bit >> 3] >> (protection.counter_bit & 7) & 0x0F
    if counter >= count or data[protection.crc_byte] != crc_of(protection, data, counter):
        return _kept(state, delta_limit), Status.WRONG_CRC
    start_delta = protection.most_lost
    if state.counter == _NEVER:
        return CheckState(counter, start_delta), Status.INITIAL
    delta = (counter - state.counter) % count
    if delta == 0:
        return _kept(state, delta_limit, silent=state.silent + 1), Status.REPEATED
    if delta > max(delta_limit, start_delta + 1):
        return (
            CheckState(counter, start_delta, state.silent + 1, protection.sync_count),
            Status.WRONG_SEQUENCE,
        )
    left = state.sync_left
    if state.silent > protection.most_silent:
        left = protection.sync_count
    if left > 0:
        return CheckState(counter, start_delta, 0, left - 1), Status.SYNC
    return CheckState(counter, start_delta), Status.OK if delta == 1 else Status.SOME_LOST


def _kept(state: CheckState, most_delta: int, silent: int | None = None) -> CheckState:
    return CheckState(
        state.counter,
        most_delta,
        state.silent if silent is None else min(silent, 1 << 16),
        state.sync_left,
    )


__all__ = [
    "GOOD",
    "CheckState",
    "Profile",
    "Protection",
    "Status",
    "check",
    "count_of",
    "counter_of",
    "crc8_h2f",
    "crc8_j1850",
    "crc_of",
    "next_counter",
    "protect",
]
