"""ISO 15765-2:2016 transport of messages over CAN frames of 8 bytes, as a state machine without I/O.

Normal addressing, one link for one pair of identifiers. The caller gives it frames and the time, and sends
what comes out. A link holds at most one message each way; whatever is wrong becomes a fault, never an
exception, and the link is ready for the next message. CAN FD and longer lengths are refused.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

MAX_MESSAGE: Final = 4095
"""Longest message whose length fits a first frame of 8 bytes without the escape (9.6.3)."""
FRAME: Final = 8
SINGLE_MAX: Final = 7
_NS_PER_MS: Final = 1_000_000


class IsoTpFault(enum.Enum):
    """What went wrong; the names stand in clause 8.3.7 (N_Result)."""

    TIMEOUT_BS = "N_TIMEOUT_Bs: no flow control came"
    TIMEOUT_CR = "N_TIMEOUT_Cr: the next consecutive frame did not come"
    WRONG_SEQUENCE = "N_WRONG_SN: a consecutive frame was lost, doubled or out of order"
    INVALID_FLOW = "N_INVALID_FS: a flow control of unknown state"
    TOO_MANY_WAITS = "N_WFT_OVRN: the receiver asked to wait too often"
    OVERFLOW_SENT = "a first frame announced more than this link takes"
    OVERFLOW_HEARD = "N_BUFFER_OVFLW: the receiver cannot take the message"
    UNEXPECTED_FRAME = "N_UNEXP_PDU: a message began before the last one ended"
    BAD_FRAME = "a frame that is none of ISO 15765-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoTpSettings:
    """Choices of one link."""

    block_size: int = 0
    """Consecutive frames that a sender may send us before it asks again; 0: all."""
    separation_ns: int = 0
    """Least time between consecutive frames sent to us; up to 127 ms, below 1 ms in steps of 100 us."""
    max_message: int = MAX_MESSAGE
    """Longest message taken; a longer first frame is answered with overflow."""
    timeout_bs_ns: int = 1_000 * _NS_PER_MS
    """Wait for a flow control (table 21)."""
    timeout_cr_ns: int = 1_000 * _NS_PER_MS
    """Wait for the next consecutive frame (table 21)."""
    max_waits: int = 8
    """So many flow controls `wait` in a row are accepted (N_WFTmax as a limit of the sender)."""
    padding: int | None = 0xCC
    """Fills short frames to 8 bytes; CC avoids stuff bits. None: frames are as short as they are."""
    burst: int = 16
    """Consecutive frames given out by one call where the receiver asks for no gap."""


@dataclass(slots=True)
class IsoTpOutput:
    """What one call brings: frames to send in order, whole messages, faults."""

    frames: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    faults: list[IsoTpFault] = field(default_factory=list)


@dataclass(slots=True)
class _Outgoing:
    data: bytes
    at: int
    number: int = 1
    waits_flow: bool = True
    due_ns: int = 0
    """While waiting for flow control: when that is too late; else when the next frame may go."""
    gap_ns: int = 0
    left: int = -1
    """Frames left in the block; below zero: no end."""
    waits: int = 0


@dataclass(slots=True)
class _Incoming:
    data: bytearray
    length: int
    number: int
    left: int
    due_ns: int


class IsoTpLink:
    """One end of one link. Memory is bounded by `max_message` each way."""

    def __init__(self, settings: IsoTpSettings | None = None) -> None:
        self._settings = settings or IsoTpSettings()
        self._out: _Outgoing | None = None
        self._in: _Incoming | None = None

    @property
    def sending(self) -> bool:
        """Whether a message is on its way out; `send` is refused then."""
        return self._out is not None

    @property
    def receiving(self) -> bool:
        """Whether a message has begun to come in."""
        return self._in is not None

    def next_due_ns(self) -> int | None:
        """When `poll` has something to do next; None: nothing is under way."""
        due = [part.due_ns for part in (self._out, self._in) if part is not None]
        return min(due, default=None)

    def send(self, message: bytes, now_ns: int) -> IsoTpOutput:
        """Begin to send a message.

        Raises:
            ValueError: the message is empty or longer than 4095 bytes.
            RuntimeError: the last message is still under way.
        """
        if not 0 < len(message) <= MAX_MESSAGE:
            raise ValueError(f"found {len(message)} bytes, expected 1 to {MAX_MESSAGE}")
        if self._out is not None:
            raise RuntimeError("the last message is still under way")
        if len(message) <= SINGLE_MAX:
            return IsoTpOutput(frames=[self._padded(bytes((len(message),)) + message)])
        head = bytes((0x10 | len(message) >> 8, len(message) & 0xFF))
        self._out = _Outgoing(bytes(message), 6, due_ns=now_ns + self._settings.timeout_bs_ns)
        return IsoTpOutput(frames=[head + message[:6]])

    def frame(self, data: bytes, now_ns: int) -> IsoTpOutput:
        """Take a frame that came in, then do what is due."""
        out = self.poll(now_ns)
        if not data or len(data) > FRAME:
            out.faults.append(IsoTpFault.BAD_FRAME)
            return out
        kind = data[0] >> 4
        if kind == 0:
            self._single(data, out)
        elif kind == 1:
            self._first(data, now_ns, out)
        elif kind == 2:
            self._consecutive(data, now_ns, out)
        elif kind == 3:
            self._flow(data, now_ns, out)
        else:
            out.faults.append(IsoTpFault.BAD_FRAME)
        return out

    def poll(self, now_ns: int) -> IsoTpOutput:
        """Give the frames that are due and end what has waited too long."""
        out = IsoTpOutput()
        if self._in is not None and now_ns >= self._in.due_ns:
            self._in = None
            out.faults.append(IsoTpFault.TIMEOUT_CR)
        if self._out is not None and self._out.waits_flow and now_ns >= self._out.due_ns:
            self._out = None
            out.faults.append(IsoTpFault.TIMEOUT_BS)
        self._give(now_ns, out)
        return out

    def _padded(self, frame: bytes) -> bytes:
        fill = self._settings.padding
        return frame if fill is None else frame + bytes((fill,)) * (FRAME - len(frame))

    def _interrupted(self, out: IsoTpOutput) -> None:
        """A new message begins: what was half received is lost (table 22)."""
        if self._in is not None:
            self._in = None
            out.faults.append(IsoTpFault.UNEXPECTED_FRAME)

    def _single(self, data: bytes, out: IsoTpOutput) -> None:
        length = data[0] & 0x0F
        if not 0 < length <= SINGLE_MAX or len(data) <= length:
            out.faults.append(IsoTpFault.BAD_FRAME)
            return
        self._interrupted(out)
        out.messages.append(bytes(data[1 : 1 + length]))

    def _first(self, data: bytes, now_ns: int, out: IsoTpOutput) -> None:
        length = (data[0] & 0x0F) << 8 | data[1] if len(data) == FRAME else SINGLE_MAX
        escaped = len(data) == FRAME and length == 0
        if not escaped and length <= SINGLE_MAX:
            out.faults.append(IsoTpFault.BAD_FRAME)
            return
        self._interrupted(out)
        if escaped or length > self._settings.max_message:
            out.frames.append(self._padded(b"\x32\x00\x00"))
            out.faults.append(IsoTpFault.OVERFLOW_SENT)
            return
        due_ns = now_ns + self._settings.timeout_cr_ns
        self._in = _Incoming(bytearray(data[2:]), length, 1, self._block(), due_ns)
        out.frames.append(self._go_on())

    def _block(self) -> int:
        return self._settings.block_size or -1

    def _go_on(self) -> bytes:
        gap = gap_byte(self._settings.separation_ns)
        return self._padded(bytes((0x30, self._settings.block_size, gap)))

    def _consecutive(self, data: bytes, now_ns: int, out: IsoTpOutput) -> None:
        came = self._in
        if came is None:
            return  # clause 9.8.3: ignored where none is awaited
        if data[0] & 0x0F != came.number:
            self._in = None
            out.faults.append(IsoTpFault.WRONG_SEQUENCE)
            return
        wanted = min(came.length - len(came.data), SINGLE_MAX)
        if len(data) - 1 < wanted:
            self._in = None
            out.faults.append(IsoTpFault.BAD_FRAME)
            return
        came.data += data[1 : 1 + wanted]
        came.number = came.number + 1 & 0x0F
        came.due_ns = now_ns + self._settings.timeout_cr_ns
        if len(came.data) == came.length:
            self._in = None
            out.messages.append(bytes(came.data))
            return
        came.left -= 1
        if came.left == 0:
            came.left = self._block()
            out.frames.append(self._go_on())

    def _flow(self, data: bytes, now_ns: int, out: IsoTpOutput) -> None:
        sent = self._out
        if sent is None or not sent.waits_flow:
            return  # clause 9.8.3: ignored where none is awaited
        state = data[0] & 0x0F
        if len(data) < 3:
            out.faults.append(IsoTpFault.BAD_FRAME)  # the timer N_Bs runs on
        elif state == 0:
            sent.waits_flow, sent.waits = False, 0
            sent.left, sent.gap_ns = data[1] or -1, gap_ns(data[2])
            sent.due_ns = now_ns
            self._give(now_ns, out)
        elif state == 1:
            sent.waits += 1
            sent.due_ns = now_ns + self._settings.timeout_bs_ns
            if sent.waits > self._settings.max_waits:
                self._out = None
                out.faults.append(IsoTpFault.TOO_MANY_WAITS)
        else:
            self._out = None
            bad = IsoTpFault.OVERFLOW_HEARD if state == 2 else IsoTpFault.INVALID_FLOW
            out.faults.append(bad)

    def _give(self, now_ns: int, out: IsoTpOutput) -> None:
        """Consecutive frames that are due now; one where a gap is asked for, else a burst."""
        sent = self._out
        given = 0
        while sent is not None and not sent.waits_flow and now_ns >= sent.due_ns:
            if given == self._settings.burst:
                return
            part = sent.data[sent.at : sent.at + SINGLE_MAX]
            out.frames.append(self._padded(bytes((0x20 | sent.number,)) + part))
            given += 1
            sent.at += len(part)
            sent.number = sent.number + 1 & 0x0F
            sent.left -= 1
            if sent.at >= len(sent.data):
                self._out = sent = None
            elif sent.left == 0:
                sent.waits_flow = True
                sent.due_ns = now_ns + self._settings.timeout_bs_ns
            else:
                sent.due_ns = now_ns + sent.gap_ns


def gap_ns(byte: int) -> int:
    """STmin of a flow control in nanoseconds; reserved values count as 127 ms (table 20)."""
    if byte <= 0x7F:
        return byte * _NS_PER_MS
    return (byte - 0xF0) * 100_000 if 0xF1 <= byte <= 0xF9 else 127 * _NS_PER_MS


def gap_byte(separation_ns: int) -> int:
    """STmin as a byte, rounded up; at most 127 ms."""
    if 0 < separation_ns <= 900_000:
        return 0xF0 + -(-separation_ns // 100_000)
    return min(0x7F, -(-separation_ns // _NS_PER_MS))
