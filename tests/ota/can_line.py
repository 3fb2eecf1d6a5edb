"""A tester and a unit at both ends of ISO-TP on one classic CAN bus whose time is simulated; frames may be lost.

No clock and no thread: a frame takes as long as its bits, with the most stuff bits that there can be, and whoever
waits for something lets time go to its next due moment.
"""

from collections import deque
from collections.abc import Callable

from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import LinkError
from volant.wire.isotp import IsoTpFault, IsoTpLink, IsoTpOutput

BIT_NS = 2_000
"""At 500 kbit/s."""
FRAME_BITS = 111 + 24
"""11-bit identifier, 8 bytes: start to interframe space, and a stuff bit after each fourth of 98 bits (ISO 11898-1,
recalled)."""
FRAME_NS = FRAME_BITS * BIT_NS
ANSWER_NS = 2_000_000_000
"""As testers wait."""
Serve = Callable[[bytes, int], bytes | None]
"""Answers a request at a time; None: silent."""


class CanLine:
    """Asks one unit; `now_ns` is the bus's time."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._tester, self._unit = IsoTpLink(), IsoTpLink()
        self.now_ns = 0
        self.frames = 0
        self.lost: set[int] = set()
        """Numbers of frames that nobody hears."""
        self.faults: list[IsoTpFault] = []

    def ask(self, request: bytes) -> bytes:
        """The positive answer; errors as `DoipTester.ask`."""
        wire: deque[tuple[bool, bytes]] = deque()
        due_ns = self.now_ns + ANSWER_NS
        answer: bytes | None = None

        def out(from_tester: bool, given: IsoTpOutput) -> None:
            nonlocal answer
            self.faults += given.faults
            wire.extend((from_tester, frame) for frame in given.frames)
            for message in given.messages:
                if from_tester:
                    answer = message
                    continue
                told = self._serve(message, self.now_ns)
                if told is not None and not self._unit.sending:
                    out(False, self._unit.send(told, self.now_ns))

        if self._tester.sending:
            self._tester = IsoTpLink()
        out(True, self._tester.send(request, self.now_ns))
        while answer is None and self.now_ns < due_ns:
            if not wire:
                self._wait(out)
                continue
            from_tester, frame = wire.popleft()
            self.now_ns += FRAME_NS
            self.frames += 1
            if self.frames - 1 not in self.lost:
                to = self._unit if from_tester else self._tester
                out(not from_tester, to.frame(frame, self.now_ns))
            # Whoever sends goes on with what he has not given out yet.
            out(from_tester, (self._tester if from_tester else self._unit).poll(self.now_ns))
        return self._judged(answer)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now_ns += int(seconds * 1e9)

    def _wait(self, out: Callable[[bool, IsoTpOutput], None]) -> None:
        """To the next moment at which a link has something to do."""
        dues = [
            due for link in (self._tester, self._unit) if (due := link.next_due_ns()) is not None
        ]
        self.now_ns = max(self.now_ns + 1, min(dues, default=self.now_ns + ANSWER_NS))
        out(True, self._tester.poll(self.now_ns))
        out(False, self._unit.poll(self.now_ns))

    def _judged(self, answer: bytes | None) -> bytes:
        if answer is None:
            raise LinkError("nothing came")
        if answer[0] == 0x7F:
            raise NegativeResponseError(answer[1], answer[2])
        return answer
