"""What a receiver believes of one message: checked end to end, fresh, in time, or not at all.

Pure. A frame is refused for its length, checksum, counter, range, or because its values were not
measured anew. A refused frame changes no value; a message of which no good frame came within its
timeout is invalid, and the last refusal since then says why.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from volant.wire import e2e
from volant.wire.dbc import Message, Reader
from volant.wire.e2e import CheckState, Status


class Fault(enum.Enum):
    """Why a message is not believed; the value is the failure type of a trouble code.

    Failure types of SAE J2012-DA and ISO 15031-6 (recalled).
    """

    NONE = 0x00
    WAITING = -1
    """Nothing has come yet, and its timeout has not passed since the start: no trouble code."""
    LENGTH = 0x81
    """Invalid serial data received."""
    COUNTER = 0x82
    """Alive or sequence counter incorrect or not updated."""
    CHECKSUM = 0x83
    """Value of signal protection calculation incorrect."""
    RANGE = 0x86
    """Signal invalid."""
    FROZEN = 0x29
    """Comparison failure: sent anew, not measured anew."""
    MISSING = 0x87
    """Missing message."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How one message is received."""

    message: Message
    reader: Reader
    timeout_ns: int
    sample: int | None = None
    """Which of the reader's values tells that the others were measured anew."""


class WatchState(msgspec.Struct, frozen=True, gc=False):
    """What is known of a message."""

    check: CheckState
    seen_ns: int
    """When the last good frame came."""
    values: tuple[float, ...]
    """Of the last good frame."""
    refused: Fault = Fault.NONE
    """Of the last frame since the last good one."""
    fault: Fault = Fault.NONE
    """Why the message is invalid now."""
    bad: int = 0
    """Frames refused since the start."""

    @property
    def valid(self) -> bool:
        """The values may be used."""
        return self.fault is Fault.NONE


def make_watch(
    message: Message, names: Iterable[str], timeout_ns: int, sample: str | None = None
) -> Watch:
    """A watch of some signals of a message.

    Raises:
        ValueError: a name is no signal of it.
    """
    wanted = list(dict.fromkeys((*names, *([sample] if sample else []))))
    place = wanted.index(sample) if sample else None
    return Watch(message, message.reader(wanted), timeout_ns, place)


def begin(
    values: tuple[float, ...] = (), now_ns: int = 0, fault: Fault = Fault.WAITING
) -> WatchState:
    """A message of which nothing has come: invalid, or trusted for one timeout with given values."""
    return WatchState(CheckState(), now_ns, values, fault=fault)


_FAULT_OF = {
    Status.REPEATED: Fault.COUNTER,
    Status.WRONG_SEQUENCE: Fault.COUNTER,
    Status.SYNC: Fault.COUNTER,
    Status.WRONG_CRC: Fault.CHECKSUM,
    Status.WRONG_LENGTH: Fault.LENGTH,
}


def take(watch: Watch, state: WatchState, data: bytes, now_ns: int) -> WatchState:
    """A frame of the message came."""
    check, protection = state.check, watch.message.protection
    refusal = Fault.NONE
    if protection is not None:
        check, status = e2e.check(protection, check, data)
        refusal = _FAULT_OF.get(status, Fault.NONE)
    values = None
    if refusal is Fault.NONE:
        values = watch.reader.read(data)
        if values is None:
            short = len(data) != watch.message.length
            refusal = Fault.LENGTH if short else Fault.RANGE
        elif (
            watch.sample is not None
            and state.values
            and state.check.counter >= 0
            and values[watch.sample] == state.values[watch.sample]
        ):
            refusal = Fault.FROZEN
    if refusal is not Fault.NONE or values is None:
        return WatchState(check, state.seen_ns, state.values, refusal, state.fault, state.bad + 1)
    return WatchState(check, now_ns, values, bad=state.bad)


def judge(watch: Watch, state: WatchState, now_ns: int) -> WatchState:
    """Once a tick, after the frames: a message older than its timeout is invalid."""
    if now_ns - state.seen_ns <= watch.timeout_ns:
        return state
    fault = state.refused if state.refused is not Fault.NONE else Fault.MISSING
    if fault is state.fault:
        return state
    check, protection = state.check, watch.message.protection
    if protection is not None and state.fault is Fault.NONE and check.counter >= 0:
        # Out of time: the counter must run for some frames before it is trusted again.
        check = CheckState(check.counter, check.most_delta, protection.most_silent + 1)
    return WatchState(check, state.seen_ns, state.values, state.refused, fault, state.bad)
