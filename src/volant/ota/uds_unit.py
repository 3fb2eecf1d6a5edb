"""A control unit that is programmed by UDS: the `UnitPort` of all units behind DoIP or ISO-TP.

Whatever is refused or breaks off in the midst is gone on with: the session is opened anew, the unit is asked how many
bytes survive, and the transfer goes on there, as long as something gets across.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import InputError, LinkError, RefusedError
from volant.core.words import plain
from volant.ota.fitting import FittingDelta, check_room, same
from volant.ota.ports import Artifact, NeedsWholeError, Order, Read, Tell, UnitNow
from volant.ota.uds_line import AGAIN, WHY, Ask, Key, UdsLine, Wait
from volant.trust.uptane import Installed
from volant.vehicle.boot import Verdict
from volant.vehicle.boot.believing import METADATA_MOST_BYTES, WORDS_MOST
from volant.vehicle.boot.flashing import (
    CHECK,
    CONFIRM,
    DELTA,
    DELTA_FORM,
    DEPENDENCIES,
    ERASE,
    FLASH_START,
    NONCE,
    PROGRAMS,
    PROGRESS,
    REPORT,
    REVERT,
    TIME,
    TRUST,
    TRUST_START,
    TRUSTED,
)
from volant.vehicle.boot.told import OneTold, ProgramsTold
from volant.vehicle.boot.trusting import TrustTold, newer_than
from volant.wire import uds
from volant.wire.uds import Nrc, Reset, Sid

T = TypeVar("T")
SIGNED_IN: Final = b"volant update"
TRIES: Final = 5
"""Times that something may fail without a byte more having got across."""
RETRY_S: Final = 0.5
RESET_TRIES: Final = 60
"""With `RETRY_S` between: half a minute until a unit answers again (chosen)."""
REQUEST_MOST_BYTES: Final = 1 << 16
HASH_BYTES: Final = 1 << 16
_SPOILT: Final = frozenset({Verdict.NOT_WHOLE, Verdict.BROKEN})
_NO_DELTA: Final = frozenset({Nrc.REQUEST_OUT_OF_RANGE})
"""The unit knows no deltas, or not this one: it was made from other bytes than those that run."""


class UdsUnit:
    """One control unit as the update machine needs it (`UnitPort`). Not safe for threads."""

    def __init__(
        self,
        name: str,
        ask: Ask,
        key: Key,
        wait: Wait,
        *,
        fingerprint: bytes = SIGNED_IN,
        request_most: int = REQUEST_MOST_BYTES,
    ) -> None:
        """A unit.

        Args:
            name: of the unit; its id in the inventory.
            ask: gives the positive answer to a request.
            key: the key of a security level that fits a seed.
            wait: lets seconds go by.
            fingerprint: who programs, as the unit keeps it.
            request_most: longest request that the way takes, in bytes: 4095 for ISO-TP.
        """
        self._line = UdsLine(name, ask, key, wait)
        self._wait, self._fingerprint, self._most = wait, fingerprint, request_most
        self.resumed_at = 0
        """Bytes that the unit held already when the last transfer began."""

    @property
    def name(self) -> str:
        """For people and for records."""
        return self._line.name

    def now(self) -> UnitNow:
        """What it runs and holds."""
        told = self._insist(self._told)
        return UnitNow(
            runs=self._installed(told.runs),
            version=told.runs.version if told.runs else "",
            staged=self._installed(told.waits),
            active=told.activated,
            on_trial=told.on_trial,
            rolled_back=told.rolled_back,
            two_slots=told.two_slots,
            room_bytes=told.slot_bytes,
        )

    def stage(self, order: Order, tell: Tell) -> None:
        """Write what shall run beside what runs; nothing is done where it does or waits already."""
        now = self.now()
        if runs(now, order) or same(now.staged, order.target):
            return
        check_room(self.name, order.target.length, now)
        if now.two_slots and (now.on_trial or now.active):
            raise RefusedError(f"{self.name}: another program is on trial, which must end first")
        if order.metadata and self.joined:
            self.believe(order.metadata)
        verdict = self._by_delta(order, now, tell)
        if verdict is None:
            verdict = self._by_image(order, tell)
        self._line.close()
        self._believe(verdict)

    def activate(self) -> None:
        """Let what is staged run from the next reset on; once is enough."""
        now = self.now()
        if now.active or now.on_trial or (now.staged is None and not now.two_slots):
            return
        if now.staged is None:
            raise RefusedError(f"{self.name}: nothing waits to be activated")
        self._believe(self._insist(self._activate))
        self._line.close()

    def reset(self) -> None:
        """As after power-on; returns when the unit answers again."""
        waits = self._insist(self._told).activated
        self._insist(lambda: self._reset(waits=waits))
        for _ in range(RESET_TRIES):
            try:
                self._told()
            except LinkError:
                self._wait(RETRY_S)
            else:
                return
        raise LinkError(f"{self.name}: does not answer after its reset")

    def confirm(self) -> None:
        """What runs stays."""
        now = self.now()
        if now.on_trial or not now.two_slots:  # with one slot, the way back ends here
            self._insist(lambda: self._act(CONFIRM))
            self._line.close()

    def revert(self) -> None:
        """What ran before comes back at the next reset; nothing where nothing is on trial or activated."""
        now = self.now()
        if now.two_slots and (now.on_trial or now.active):
            self._insist(lambda: self._act(REVERT))
            self._line.close()

    def report(self) -> bytes:
        """Its ECU version report, signed by itself."""
        found = self._insist(lambda: self._line.read(REPORT))
        if not found:
            raise RefusedError(f"{self.name}: it was not joined and signs no report")
        return found

    # --- trust of its own ------------------------------------------------------------------------

    @property
    def joined(self) -> bool:
        """Whether the unit checks by itself what the director signed."""
        return self._trusted().joined

    def nonce(self) -> bytes:
        """16 fresh bytes of the unit, that the signed time for it must answer; empty: it was not joined."""
        return self._insist(lambda: self._line.read(NONCE))

    def hear(self, statement: bytes) -> None:
        """Give the unit a signed time; the same again is refused, as it answers nothing any more."""
        self._take(lambda: self._option(TIME, statement))

    def believe(self, files: Sequence[bytes]) -> None:
        """Give the unit the director's targets, and of its roots those that are new to the unit."""
        told = self._trusted()
        if not told.joined:
            raise RefusedError(f"{self.name}: it was not joined and believes no director")
        try:
            data = msgspec.msgpack.encode(newer_than(told, files))
        except InputError as error:
            raise RefusedError(f"{self.name} is given no metadata: {error}") from error
        if len(data) > METADATA_MOST_BYTES:
            room = f"{len(data)} bytes of metadata, a unit takes {METADATA_MOST_BYTES} at once"
            raise RefusedError(f"{self.name}: {room}: join it anew")
        self._take(lambda: self._bring_files(data))

    # --- inside ----------------------------------------------------------------------------------

    def _trusted(self) -> TrustTold:
        try:
            data = self._insist(lambda: self._line.read(TRUSTED))
            return msgspec.msgpack.decode(data, type=TrustTold)
        except msgspec.MsgspecError as error:
            raise LinkError(f"{self.name}: {error}") from error

    def _told(self) -> ProgramsTold:
        try:
            return ProgramsTold.from_bytes(self._line.read(PROGRAMS))
        except InputError as error:
            raise LinkError(f"{self.name}: {error}") from error

    def _installed(self, one: OneTold | None) -> Installed | None:
        return None if one is None else one.as_installed(self.name)

    def _insist(self, act: Callable[[], T]) -> T:
        """Do it; what breaks off is begun anew as long as more bytes survive each time."""
        tries, survived = 0, -1
        while True:
            try:
                return act()
            except NegativeResponseError as error:
                if error.nrc not in AGAIN:
                    raise self._line.why(error) from error
                why: RefusedError | LinkError = self._line.why(error)
            except LinkError as error:
                why = error
            written = self._survives()
            tries = tries + 1 if written <= survived else 1
            survived = max(survived, written)
            if tries >= TRIES:
                raise why
            self._wait(RETRY_S)

    def _survives(self) -> int:
        try:
            return int.from_bytes(self._line.read(PROGRESS)[:4], "big")
        except (LinkError, RefusedError):
            return 0

    def _by_image(self, order: Order, tell: Tell) -> Verdict:
        image = order.image
        if image is None:
            raise NeedsWholeError(f"{self.name}: the whole image is needed")
        verdict = self._insist(lambda: self._bring(image, tell))
        if verdict in _SPOILT:  # what had come before a cut was not what it should be
            verdict = self._insist(lambda: self._bring(image, tell, anew=True))
        return verdict

    def _by_delta(self, order: Order, now: UnitNow, tell: Tell) -> Verdict | None:
        """Bring the delta, if there is one from what runs to what shall; None: the whole image must come."""
        fitting = None
        if order.delta is not None and now.two_slots:  # with one slot the old image goes first
            fitting = FittingDelta.of(order.delta, now, order.target)
        if fitting is None:
            return None
        found = fitting

        def bring() -> Verdict | None:
            try:
                return self._bring_delta(found, tell)
            except NegativeResponseError as error:
                if error.sid in (Sid.TRANSFER, Sid.DOWNLOAD) and error.nrc in _NO_DELTA:
                    return None
                raise

        try:
            verdict = self._insist(bring)
        except RefusedError:
            return None
        return None if verdict in _SPOILT else verdict

    def _bring_delta(self, delta: FittingDelta, tell: Tell) -> Verdict:
        self._line.open(self._fingerprint)
        told = self._line.read(DELTA)
        done = int.from_bytes(told[:4], "big") if told[4:] == delta.header.sha256 else 0
        self.resumed_at = delta.survived(done)
        if not done:
            tell(0, delta.artifact.length)
            self._line.routine(ERASE)
        if done < len(delta.header.segments):
            size, read = delta.from_segment(done)

            def told_of(at: int) -> None:
                tell(delta.artifact.length - size + at, delta.artifact.length)

            self._blocks(FLASH_START, size, read, told_of, form=DELTA_FORM)
        return self._verdict(CHECK)

    def _bring(self, image: Artifact, tell: Tell, *, anew: bool = False) -> Verdict:
        """Bring the image into the slot, from where it is to go on, and let the unit judge it."""
        self._line.open(self._fingerprint)
        written = 0 if anew else self._holds_of(image)
        self.resumed_at = written
        if not written:
            tell(0, image.length)
            self._line.routine(ERASE)
        if written < image.length:
            self._send(image, written, tell)
        return self._verdict(CHECK)

    def _take(self, act: Callable[[], bytes]) -> None:
        found = self._insist(act)
        self._line.close()
        if found[0]:
            words = plain(found[1 : WORDS_MOST + 1].decode("utf-8", "replace"))
            raise RefusedError(f"{self.name} does not believe it: {words}")

    def _option(self, routine: int, option: bytes) -> bytes:
        self._line.open(self._fingerprint)
        return self._line.routine(routine, option)

    def _bring_files(self, data: bytes) -> bytes:
        self._line.open(self._fingerprint)
        self._blocks(TRUST_START, len(data), lambda at, length: data[at : at + length])
        return self._line.routine(TRUST)

    def _holds_of(self, image: Artifact) -> int:
        """How many bytes of this very image the unit holds."""
        told = self._line.read(PROGRESS)
        written, size = int.from_bytes(told[:4], "big"), int.from_bytes(told[4:8], "big")
        if not written or size != image.length:
            return 0
        digest = hashlib.sha256()
        for at in range(0, written, HASH_BYTES):
            digest.update(image.read(at, min(HASH_BYTES, written - at)))
        return written if digest.digest() == told[8:40] else 0

    def _send(self, image: Artifact, written: int, tell: Tell) -> None:
        def read(at: int, length: int) -> bytes:
            return image.read(written + at, length)

        def told(done: int) -> None:
            tell(written + done, image.length)

        self._blocks(FLASH_START + written, image.length - written, read, told)

    def _blocks(
        self,
        address: int,
        size: int,
        read: Read,
        told: Callable[[int], object] = lambda _: None,
        *,
        form: int = 0,
    ) -> None:
        """A whole download."""
        answer = self._line.plain(uds.download_request(address, size, form))
        block = min(uds.read_block_length(answer), self._most) - 2
        for number, at in enumerate(range(0, size, block), 1):
            data = read(at, min(block, size - at))
            self._block(bytes((Sid.TRANSFER, number & 0xFF)) + data)
            told(at + len(data))
        self._line.plain(bytes((Sid.TRANSFER_EXIT,)))

    def _block(self, request: bytes) -> None:
        """One block; where its answer was lost it goes out once more, which a unit takes as the same."""
        try:
            self._line.plain(request)
        except LinkError:
            self._line.plain(request)

    def _activate(self) -> Verdict:
        if self._told().activated:  # only the answer was lost
            return Verdict.SOUND
        self._line.open(self._fingerprint)
        return self._verdict(DEPENDENCIES)

    def _reset(self, *, waits: bool) -> None:
        """Each boot of a program on trial counts: where only the answer was lost there is no second one."""
        if not waits or self._told().activated:
            self._line.plain(bytes((Sid.RESET, Reset.HARD)))

    def _verdict(self, routine: int) -> Verdict:
        found = self._line.routine(routine)[0]
        if found not in set(Verdict):
            raise RefusedError(f"{self.name}: routine {routine:04X} found {found:02X}")
        return Verdict(found)

    def _act(self, routine: int) -> None:
        self._line.open(self._fingerprint)
        self._line.routine(routine)

    def _believe(self, verdict: Verdict) -> None:
        if verdict is not Verdict.SOUND:
            raise RefusedError(f"{self.name}: {WHY[verdict]}; it runs what it ran")


def runs(now: UnitNow, order: Order) -> bool:
    """Whether a unit runs what it shall."""
    return same(now.runs, order.target)
