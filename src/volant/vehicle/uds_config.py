"""What one UDS server offers, as data, and what it remembers between two requests.

Effects (reading a value, running a routine, writing memory) are callables that the caller gives; the server
itself touches nothing. A callable answers with bytes, with a refusal, or with `Later` for long work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from volant.vehicle.faults import FaultMemory
from volant.wire.uds import Nrc, Reset, Session, Sid

ANY_SESSION: Final = frozenset(range(0x01, 0x80))
BEYOND_DEFAULT: Final = ANY_SESSION - {Session.DEFAULT}
EXTENDED_ONLY: Final = frozenset({int(Session.EXTENDED)})
PROGRAMMING_ONLY: Final = frozenset({int(Session.PROGRAMMING)})
MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Later:
    """Work that takes longer than P2: `poll(now_ns)` gives None until it has its answer."""

    poll: Callable[[int], bytes | Nrc | None]


Answer = bytes | Nrc | Later


@dataclass(frozen=True, slots=True, kw_only=True)
class DataId:
    """One data identifier; without `read` or `write` that way is refused (0x31)."""

    name: str
    read: Callable[[], bytes] | None = None
    write: Callable[[bytes], Nrc | None] | None = None
    """Takes the record; None: written. An Nrc refuses, REQUEST_OUT_OF_RANGE for a value that is wrong."""
    write_length: int = 0
    """Exact length of a record to write; 0: `write` judges it."""
    read_sessions: frozenset[int] = ANY_SESSION
    write_sessions: frozenset[int] = EXTENDED_ONLY
    read_level: int | None = None
    """Security level needed; None: none."""
    write_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """One routine; a step without its callable is refused (0x12)."""

    name: str
    start: Callable[[bytes], Answer]
    stop: Callable[[bytes], Answer] | None = None
    results: Callable[[bytes], Answer] | None = None
    option_length: int = 0
    """Exact length of what `start` takes."""
    option_most: int = 0
    """Where it is more than that: longest, of any length from one byte on."""
    sessions: frozenset[int] = EXTENDED_ONLY
    level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityLevel:
    """One level of 0x27, asked for by an odd sub-function; the next even one sends the key."""

    seed: Callable[[], bytes]
    """A fresh seed that nobody can guess; all zeros would mean `unlocked`, so it is never that."""
    key: Callable[[bytes], bytes]
    """The key that fits a seed."""
    sessions: frozenset[int] = BEYOND_DEFAULT


class FlashTarget(Protocol):
    """Where a download goes."""

    def begin(self, address: int, size: int) -> Nrc | None:
        """Make room; None: ready. REQUEST_OUT_OF_RANGE where the memory is none of ours."""
        ...

    def write(self, offset: int, block: bytes) -> Nrc | None:
        """Write a block that follows the last; None: written."""
        ...

    def finish(self) -> Answer:
        """End a download that came whole; empty bytes: done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """All that one server offers. A service without anything to offer is not supported (0x11)."""

    dids: Mapping[int, DataId] = field(default_factory=dict)
    routines: Mapping[int, Routine] = field(default_factory=dict)
    security: Mapping[int, SecurityLevel] = field(default_factory=dict)
    """By the odd sub-function that asks for the seed."""
    faults: FaultMemory | None = None
    flash: FlashTarget | None = None
    flash_forms: Mapping[int, Callable[[int, int], Nrc | None]] = field(default_factory=dict)
    """What begins a download of another data format identifier than 00, as `FlashTarget.begin` does."""
    flash_level: int | None = None
    """Security level that a download needs."""
    sessions: Mapping[int, frozenset[int]] = field(
        default_factory=lambda: {
            int(Session.DEFAULT): ANY_SESSION,
            int(Session.EXTENDED): ANY_SESSION,
        }
    )
    """Sessions, each with those from which it may be entered."""
    resets: frozenset[int] = frozenset({int(Reset.HARD), int(Reset.SOFT)})
    on_reset: Callable[[int], None] | None = None
    """Told of a reset when its answer has been given."""
    controls_communication: bool = False
    """Whether 0x28 is offered; who sends the unit's frames looks at `UdsState.sends`."""
    permit: Callable[[Sid, int], Nrc | None] | None = None
    """Asked before sessions, resets, routines, 0x2E, downloads with each block, communication control, 0x14 and
    0x85 act, with the sub-function, identifier, address or group of codes; CONDITIONS_NOT_CORRECT while the car
    drives, for example. It is asked again at each step: what it permits no longer is undone (`uds_server`)."""
    p2_ms: int = 50
    """Answer within this (ISO 14229-2, table 4)."""
    p2_star_ms: int = 5_000
    """Next answer within this after a `response pending`."""
    s3_ns: int = 5_000 * MS
    """A session ends after this without a request (ISO 14229-2, table 5)."""
    max_attempts: int = 3
    """Wrong keys until the delay; recalled as usual, the standard leaves it to the maker."""
    delay_ns: int = 10_000 * MS
    """Wait after too many wrong keys."""
    max_dids: int = 16
    """Identifiers that one 0x22 may ask for."""
    max_response: int = 4095
    """Longest answer; ISO-TP on frames of 8 bytes carries no more."""
    block_length: int = 4_098
    """Largest 0x36 with its two bytes of head: blocks of 4 KiB."""
    work_max_ns: int = 300_000 * MS
    """Long work is given up after this, with GENERAL_REJECT."""


@dataclass(frozen=True, slots=True)
class Download:
    """A download under way."""

    address: int
    size: int
    at: int = 0
    """Bytes written."""
    counter: int = 0
    """Block counter of the last block taken; 0: none yet or wrapped."""
    blocks: int = 0
    last: bytes = b""
    """The last block, to tell its repetition from another one with its number."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Long work under way and who waits for it."""

    sid: int
    tester: str
    later: Later
    remind_ns: int
    """When the next `response pending` is due."""
    give_up_ns: int
    head: bytes = b""
    """What stands before the work's bytes in the positive answer, service left out."""


@dataclass(frozen=True, slots=True)
class UdsState:
    """What a server remembers."""

    session: int = int(Session.DEFAULT)
    tester: str = ""
    """Who opened the session; others are told to come back later."""
    session_due_ns: int = 0
    unlocked: int | None = None
    """Security level that is open."""
    seed: bytes | None = None
    seed_level: int = 0
    attempts: int = 0
    locked_until_ns: int = 0
    receives: bool = True
    """Whether normal messages are received (0x28)."""
    sends: bool = True
    """Whether normal messages are sent (0x28)."""
    records_faults: bool = True
    """Whether trouble codes are set (0x85)."""
    download: Download | None = None
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as a service gets it."""

    state: UdsState
    data: bytes
    """The whole request."""
    sub: int
    """Sub-function without the suppress bit; 0 for services without one."""
    config: ServerConfig
    now_ns: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a service makes of a request: the state to keep, and the answer without its first byte."""

    state: UdsState
    answer: Answer
    head: bytes = b""
    """Stands before the bytes of `Later`."""


Handler = Callable[[Ask], Told]


def refused(ask: Ask, nrc: Nrc) -> Told:
    """A refusal that changes nothing."""
    return Told(ask.state, nrc)


def conditions(ask: Ask, sid: Sid, what: int) -> Nrc | None:
    """What the caller's `permit` says to an act."""
    return ask.config.permit(sid, what) if ask.config.permit else None
